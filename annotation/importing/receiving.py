"""How files of a request reach the disk: for imports alone, and no more than an import takes.

Django reads the whole body before a view is asked, for the CSRF token in it. So this decides before
the first byte is kept.
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import SkipFile, StopUpload, TemporaryFileUploadHandler

from annotation.importing.formats.limits import MAX_FILE_BYTES, MIB

UPLOAD_ROUTES = {"studio:upload": 2 * MAX_FILE_BYTES, "people:invite": 4 * MIB}
"""The addresses that take files, and the bytes of one request there. The connection is cut beyond
it: nobody sends so much by mistake."""


class SpooledUploadHandler(TemporaryFileUploadHandler):
    """Django's, on the disk from the first byte, for signed-in people at the import's address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received = self.most = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        match = getattr(self.request, "resolver_match", None)
        user = getattr(self.request, "user", None)
        if match is None or match.view_name not in UPLOAD_ROUTES or user is None:
            raise SkipFile
        if not user.is_authenticated:
            raise SkipFile
        self.most = UPLOAD_ROUTES[match.view_name]
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > self.most:
            raise StopUpload(connection_reset=True)
        super().receive_data_chunk(raw_data, start)
