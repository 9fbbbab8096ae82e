"""A file as numbered lines, or as the elements of a JSON list, read once, never held whole."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from annotation.importing.formats.limits import (
    HARMLESS_UNPACKED_BYTES,
    KIB,
    MAX_FILE_BYTES,
    MAX_ROW_BYTES,
    MAX_UNPACK_RATIO,
    MAX_UNPACKED_BYTES,
    MIB,
)
from annotation.importing.formats.problems import FileError

UTF8_BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
GZIP_MAGIC = b"\x1f\x8b"
CHUNK_BYTES = 64 * KIB
# The format by the end of the name.
SUFFIXES = {".jsonl": ".jsonl", ".json": ".json", ".csv": ".csv", ".tsv": ".csv"}

_IN_TEXT = re.compile(rb'["\\]')
_OUTSIDE_TEXT = re.compile(rb'["\[\]{},]')
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Oversize:
    """Stands for a line above ``MAX_ROW_BYTES``; of its bytes only the quotes were counted."""

    quotes: int


def row_suffix(path: Path) -> str:
    """Tell the format of a file by its name.

    Returns
    -------
    str
        ``.jsonl``, ``.json`` or ``.csv``.

    Raises
    ------
    FileError
        For any other name.
    """
    name = path.name.lower().removesuffix(".gz")
    for suffix, form in SUFFIXES.items():
        if name.endswith(suffix):
            return form
    raise FileError(
        f"{path}: the format is told by the name, which must end in .jsonl, .csv, .json or .tsv, "
        "each also with .gz"
    )


def content_sha256(path: Path) -> str:
    """Hash the bytes of a file as they lie on disk, so that the same file is known again."""
    _check_size(path)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror})") from error


def iter_lines(path: Path) -> Iterator[tuple[int, bytes | Oversize]]:
    r"""Read a file, unpacked if its name ends in ``.gz``, as lines split at ``\n`` alone.

    Parameters
    ----------
    path : Path
        A regular file.

    Yields
    ------
    tuple[int, bytes or Oversize]
        The number of the line, from 1, and its bytes with the line feed. A leading UTF-8 byte
        order mark is left out.

    Raises
    ------
    FileError
        If the file is missing, too large, in UTF-16 or UTF-32, a damaged gzip file, or one that
        unpacks to more than the limits allow.
    """
    return _read(path, _numbered)


def iter_objects(path: Path) -> Iterator[tuple[int, bytes | Oversize]]:
    """Read the JSON rows of a file: its lines, or the elements of its list if it is ``.json``.

    Yields
    ------
    tuple[int, bytes or Oversize]
        The number of the line on which a row begins, and its bytes; blank where there is no row.

    Raises
    ------
    FileError
        As :func:`iter_lines`; further if a ``.json`` file is no list.
    """
    return _read(path, _elements if row_suffix(path) == ".json" else _numbered)


def _read(
    path: Path,
    reader: Callable[[gzip.GzipFile | BinaryIO, Path, int], Iterator[tuple[int, bytes | Oversize]]],
) -> Iterator[tuple[int, bytes | Oversize]]:
    packed = path.name.lower().endswith(".gz")
    size = _check_size(path)
    limit = MAX_FILE_BYTES
    if packed:
        limit = min(MAX_UNPACKED_BYTES, max(MAX_UNPACK_RATIO * size, HARMLESS_UNPACKED_BYTES))
        _check_announced_size(path, limit)
    try:
        with _open(path, packed) as stream:
            yield from reader(stream, path, limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"{path}: the gzip file is damaged or cut short ({error})") from error
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror or error})") from error


def _numbered(
    stream: gzip.GzipFile | BinaryIO, path: Path, limit: int
) -> Iterator[tuple[int, bytes | Oversize]]:
    read = 0
    number = 0
    while raw := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        read += len(raw)
        if number == 1:
            raw = _check_start(raw, path)
        line: bytes | Oversize = raw
        if len(raw) > MAX_ROW_BYTES and not raw.endswith(b"\n"):
            quotes = raw.count(b'"')
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(CHUNK_BYTES)
                read += len(raw)
                quotes += raw.count(b'"')
                _check_read(read, limit, path)
            line = Oversize(quotes)
        _check_read(read, limit, path)
        yield number, line


def _elements(
    stream: gzip.GzipFile | BinaryIO, path: Path, limit: int
) -> Iterator[tuple[int, bytes | Oversize]]:
    """Split a JSON list at the commas between its elements; whoever parses these checks them."""
    depth = read = position = size = breaks = 0
    in_text = False
    line = 1
    held = b""
    lists = 0
    while chunk := stream.read(CHUNK_BYTES):
        if not read:
            chunk = _check_start(chunk, path)
        read += len(chunk)
        _check_read(read, limit, path)
        start = 0
        while found := (_IN_TEXT if in_text else _OUTSIDE_TEXT).search(chunk, position):
            position, mark = found.end(), found.group()
            if mark == b"\\":
                # What follows it ends no text, and may be the first byte of the next chunk.
                position += 1
            elif depth and mark == b'"':
                in_text = not in_text
            elif depth and mark in b"[{":
                depth += 1
            elif depth > 1 and mark in b"]}":
                depth -= 1
            elif depth < 2:
                # The list begins, ends, or goes on with its next element.
                part = chunk[start : found.start()]
                held += part[: MAX_ROW_BYTES + 1 - len(held)]
                size, breaks = size + len(part), breaks + part.count(b"\n")
                text = held.strip(_BLANK)
                if not depth:
                    if lists or text or mark != b"[":
                        raise FileError(_no_list(path))
                    lists = depth = 1
                else:
                    ahead = held[: len(held) - len(held.lstrip(_BLANK))].count(b"\n")
                    yield line + ahead, Oversize(0) if size > MAX_ROW_BYTES else text
                    depth -= mark != b","
                line += breaks
                held, size, breaks, start = b"", 0, 0, position
        part = chunk[start:]
        held += part[: MAX_ROW_BYTES + 1 - len(held)]
        size, breaks = size + len(part), breaks + part.count(b"\n")
        position = max(0, position - len(chunk))
    if depth:
        raise FileError(f"{path}: the list is never closed; the file is cut short or not JSON")
    if held.strip(_BLANK):
        raise FileError(_no_list(path))


def _no_list(path: Path) -> str:
    return (
        f"{path}: a .json file must hold one list of objects, [{{…}}, …]; with an object on each "
        "line its name must end in .jsonl"
    )


def _open(path: Path, packed: bool) -> gzip.GzipFile | BinaryIO:
    return gzip.open(path, "rb") if packed else path.open("rb", buffering=CHUNK_BYTES)


def _check_size(path: Path) -> int:
    try:
        # Two passes read the file, so a pipe or a device will not do.
        if not path.is_file():
            what = "is not a regular file" if path.exists() else "does not exist"
            raise FileError(f"{path}: {what}")
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be read ({error})") from error
    if size > MAX_FILE_BYTES:
        raise FileError(
            f"{path}: {size // MIB} MiB is above the limit of {MAX_FILE_BYTES // MIB} MiB; "
            "split it into several files"
        )
    if size == 0:
        raise FileError(f"{path}: the file is empty")
    return size


def _check_announced_size(path: Path, limit: int) -> None:
    # The last four bytes of a gzip member give its unpacked size modulo 2**32.
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4))
        announced = int.from_bytes(stream.read(4), "little")
    _check_read(announced, limit, path)


def _check_read(read: int, limit: int, path: Path) -> None:
    if read > limit:
        raise FileError(
            f"{path}: unpacks to more than {limit // MIB} MiB, above {MAX_UNPACK_RATIO} times its "
            f"size or {MAX_UNPACKED_BYTES // MIB} MiB in all; give it unpacked or split it"
        )


def _check_start(raw: bytes, path: Path) -> bytes:
    if raw.startswith(WIDE_BOMS):
        raise FileError(f"{path}: the file is UTF-16 or UTF-32; save it as UTF-8")
    if raw.startswith(GZIP_MAGIC):
        raise FileError(f"{path}: the file is gzip-packed; its name must end in .gz")
    return raw.removeprefix(UTF8_BOM)
