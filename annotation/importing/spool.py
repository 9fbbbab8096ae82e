"""Where uploaded files lie until they are stored: a folder for each upload, under `EVALSITE_VAR`.

Web processes and workers share it. A name that somebody gave to a file never becomes a path as it
is: it is reduced to plain letters, and the suffix by which the format is told stays.
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

from annotation import progress_notes
from annotation.csv_lines import Cell, csv_line
from annotation.importing.formats import FileError
from annotation.importing.formats.limits import MAX_FILE_BYTES, MIB

LONGEST_NAME = 100
PLAIN = re.compile(r"[^A-Za-z0-9._-]+")
PROGRESS = "progress"


def root() -> Path:
    """The spool's folder, made where it is missing; nobody else on the machine reads it."""
    path = settings.VAR_DIR / "uploads"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(path)


def folder(upload: uuid.UUID) -> Path:
    return root() / str(upload)


def plain_name(name: str, taken: Iterable[str]) -> str:
    """A name for a file in the spool: of plain letters, with its suffix, and not among `taken`.

    Examples
    --------
    >>> plain_name("../../etc/Antworten (1).csv", [])
    'Antworten_1_.csv'
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = PLAIN.sub("_", last).lstrip("._-")[-LONGEST_NAME:] or "file"
    if plain == PROGRESS:
        plain = f"{plain}_"
    used = set(taken)
    number, found = 1, plain
    while found in used:
        number += 1
        found = f"{number}-{plain}"
    return found


def keep(upload: uuid.UUID, name: str, chunks: Iterable[bytes]) -> int:
    """Write a file of an upload; its number of bytes.

    Raises
    ------
    FileError
        It is larger than an import takes, or the disk is full. What was written is gone again.
    """
    path = folder(upload)
    path.mkdir(mode=0o700, exist_ok=True)
    size = 0
    try:
        with (path / name).open("xb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise FileError(
                        f"{name}: above the limit of {MAX_FILE_BYTES // MIB} MiB; split it into "
                        "several files"
                    )
                file.write(chunk)
    except OSError as fault:
        (path / name).unlink(missing_ok=True)
        raise FileError(f"{name}: cannot be kept ({fault.strerror or fault})") from fault
    except FileError:
        (path / name).unlink(missing_ok=True)
        raise
    return size


def path_of(upload: uuid.UUID, name: str) -> Path:
    return folder(upload) / name


def without_folder(text: str, upload: uuid.UUID) -> str:
    """A message without the spool's path, which is nobody's business."""
    return text.replace(f"{folder(upload)}/", "")


def plain(fault: Exception, upload: uuid.UUID) -> str:
    """What a fault says, without the spool's path."""
    return without_folder(str(fault), upload)


def forget(upload: uuid.UUID) -> None:
    """Remove all files of an upload."""
    shutil.rmtree(folder(upload), ignore_errors=True)


def forget_files(upload: uuid.UUID, names: Iterable[str]) -> None:
    """Remove the uploaded files and keep the lists that were made of them."""
    for name in names:
        path_of(upload, name).unlink(missing_ok=True)


def list_folders() -> Iterator[tuple[uuid.UUID, float]]:
    """Each upload that has a folder, and the seconds since something was added to it."""
    now = time.time()
    for path in root().iterdir():
        with suppress(ValueError, OSError):
            yield uuid.UUID(path.name), now - path.stat().st_mtime


def bytes_of(uploads: Iterable[uuid.UUID]) -> int:
    """What the files of these uploads take on the disk."""
    total = 0
    for upload in uploads:
        with suppress(OSError):
            total += sum(path.stat().st_size for path in folder(upload).iterdir())
    return total


def note_progress(upload: uuid.UUID, rows: int, of: int | None, doing: str) -> None:
    """Write down how far the work is."""
    progress_notes.note_progress(path_of(upload, PROGRESS), rows, of, doing)


def progress_of(upload: uuid.UUID) -> dict[str, object]:
    """What `note_progress` wrote last; empty before."""
    return progress_notes.progress_at(path_of(upload, PROGRESS))


class RowList:
    """A CSV file in the spool to which rows are added; no cell of it is a formula."""

    def __init__(self, upload: uuid.UUID, name: str, header: tuple[str, ...]) -> None:
        self.count = 0
        self._file = path_of(upload, name).open("w", encoding="utf-8", newline="")
        self._file.write(csv_line(header))

    def add(self, *cells: Cell) -> None:
        self.count += 1
        self._file.write(csv_line(cells))

    def close(self) -> None:
        self._file.close()


@contextmanager
def row_list(upload: uuid.UUID, name: str, header: tuple[str, ...]) -> Iterator[RowList]:
    """A list that is closed at the end of the block."""
    made = RowList(upload, name, header)
    try:
        yield made
    finally:
        made.close()
