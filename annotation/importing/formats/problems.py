"""What can be wrong with a file or a row."""

import json
from dataclasses import dataclass

from annotation.importing.formats.limits import EXCERPT_LENGTH


class FileError(Exception):
    """The file as a whole cannot be read; no row of it is stored, whatever the options."""


class RowError(Exception):
    """One row cannot be used; the message is the reason, without file and line."""


class RowLeftOut(Exception):
    """A good row that whoever imports wants to leave out; it is passed over in silence."""


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A bad row: its file, the number of its first line (from 1) and the reason."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


def excerpt(value: object) -> str:
    """Quote a value for a message: one short line without control characters.

    Parameters
    ----------
    value : object
        Any value out of a row, of any length.

    Returns
    -------
    str
        Its notation, cut to ``EXCERPT_LENGTH`` characters.
    """
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        shown = repr(value[:EXCERPT_LENGTH])
        return shown if len(value) <= EXCERPT_LENGTH else f"{shown}…"
    return json.dumps(value)[:EXCERPT_LENGTH]
