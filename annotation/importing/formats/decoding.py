"""Bytes of one row to text, with what no database column may hold kept out."""

import re

from annotation.importing.formats.limits import KIB, MAX_FIELD_BYTES, MAX_ROW_BYTES, MIB
from annotation.importing.formats.problems import RowError

ROW_TOO_LARGE = f"the row is above the limit of {MAX_ROW_BYTES // MIB} MiB"
FIELD_TOO_LARGE = f"above the limit of {MAX_FIELD_BYTES // KIB} KiB for one field"


def decode(raw: bytes) -> str:
    """Decode UTF-8 strictly: overlong forms and encoded surrogates are errors as well."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise RowError(
            f"not UTF-8: byte 0x{byte:02x} at position {error.start + 1} of the row; "
            "save the file as UTF-8"
        ) from error


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def check_text(text: str, name: str) -> None:
    """Refuse what PostgreSQL or UTF-8 cannot hold, and what is too long.

    Raises
    ------
    RowError
        For a NUL character, a lone surrogate, or more than ``MAX_FIELD_BYTES`` in UTF-8.
    """
    found = _UNSTORABLE.search(text)
    if found:
        what = "a NUL character" if found.group() == "\x00" else "half of a surrogate pair"
        raise RowError(f"{name}: holds {what} at character {found.start() + 1}")
    if len(text) > MAX_FIELD_BYTES // 4 and len(text.encode()) > MAX_FIELD_BYTES:
        raise RowError(f"{name}: {FIELD_TOO_LARGE}")
