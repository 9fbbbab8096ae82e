"""How files of a request reach the disk: for imports alone, and no more than an import takes.

Django reads the whole body before a view is asked, for the CSRF token in it. So this decides before
the first byte is kept.
"""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import SkipFile, StopUpload, TemporaryFileUploadHandler

from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.importing.formats.limits import MAX_FILE_BYTES, MIB
from annotation.models import Study, User

MOST_UPLOAD_BYTES = 2 * MAX_FILE_BYTES

MOST_ADDED_BYTES = MAX_FILE_BYTES
"""Of a file of pairs that is added to an opened study."""

UPLOAD_ROUTES = {
    "studio:upload": MOST_UPLOAD_BYTES,
    "studio:add_pairs": MOST_ADDED_BYTES,
    "people:invite": 4 * MIB,
}
"""The addresses that take files, and the bytes of one request there. The connection is cut beyond
it: nobody sends so much by mistake."""


def runs_study(user: User, slug: str) -> bool:
    study = Study.objects.filter(slug=slug).first()
    return study is not None and bool(roles_of(user, study) & READERS)


class SpooledUploadHandler(TemporaryFileUploadHandler):
    """Django's, on the disk from the first byte, for those who run the study of the address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received = self.most = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        match = getattr(self.request, "resolver_match", None)
        user = getattr(self.request, "user", None)
        if match is None or match.view_name not in UPLOAD_ROUTES or user is None:
            raise SkipFile
        # Who may do nothing with the files fills no disk with them; the view refuses them then.
        if not user.is_authenticated or not runs_study(user, match.kwargs.get("slug", "")):
            raise SkipFile
        self.most = UPLOAD_ROUTES[match.view_name]
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > self.most:
            raise StopUpload(connection_reset=True)
        super().receive_data_chunk(raw_data, start)
