"""CSV, separated as its header is, record by record, so that one bad row cannot spoil the next.

The standard reader forgives stray quotation marks in ways that move text between fields, and
its field limit is a global of the process; hence this small reader of our own.
"""

import re
from collections.abc import Iterator

from annotation.importing.formats.decoding import ROW_TOO_LARGE, check_text, decode
from annotation.importing.formats.limits import MAX_ROW_BYTES
from annotation.importing.formats.problems import RowError
from annotation.importing.formats.source import Oversize

# Possessive, so that a doubled mark is never taken for a closing one on second thoughts.
_QUOTED = r'"([^"]*+(?:""[^"]*+)*+)"'
DELIMITERS = (",", ";", "\t")
# A field and what ends it: a delimiter, or the end of the record.
_FIELDS = {
    mark: re.compile(rf'{_QUOTED}({mark}|\r?\n?\Z)|([^"{mark}\r\n]*)({mark}|\r?\n?\Z)')
    for mark in DELIMITERS
}
_QUOTED_OR_OPEN = re.compile(r'"[^"]*(?:"|\Z)')
_QUOTED_FIELD = re.compile(_QUOTED)
_STRAY = re.compile('["\r\n]')


class UnclosedError(RowError):
    """The record ends inside quotation marks."""


def iter_records(
    lines: Iterator[tuple[int, bytes | Oversize]],
) -> Iterator[tuple[int, list[str] | RowError]]:
    """Join lines into records and split these into fields.

    The first record, the header, tells the delimiter: see :func:`delimiter_of`.

    Parameters
    ----------
    lines : iterator of (int, bytes or Oversize)
        As :func:`.source.iter_lines` gives them.

    Yields
    ------
    tuple[int, list[str] or RowError]
        The number of the first line of a record, and its fields or what is wrong with it. Empty
        lines are passed over.
    """
    delimiter = ""
    for first, line in lines:
        if isinstance(line, bytes) and not line.strip(b"\r\n"):
            continue
        record, last = _record(first, line, lines, delimiter or delimiter_of(line))
        delimiter = delimiter or delimiter_of(record)
        try:
            if isinstance(record, Oversize):
                raise RowError(ROW_TOO_LARGE)
            fields = split_record(decode(record), delimiter)
        except RowError as problem:
            yield first, RowError(f"{problem}{_span(first, last)}")
        else:
            yield first, fields


def delimiter_of(header: bytes | Oversize) -> str:
    """Return what separates the columns of a header: a comma, a semicolon or a tab.

    It is the one that stands most often outside quotation marks, and the comma in a tie.

    Examples
    --------
    >>> delimiter_of(b'prompt_id;"prompt, or question";system;response')
    ';'
    """
    if isinstance(header, Oversize):
        return DELIMITERS[0]
    # Any bytes will do here: what is not UTF-8 is found when the record is decoded.
    plain = _QUOTED_OR_OPEN.sub("", header.decode("latin-1"))
    return max(DELIMITERS, key=plain.count)


def _record(
    first: int,
    line: bytes | Oversize,
    lines: Iterator[tuple[int, bytes | Oversize]],
    delimiter: str,
) -> tuple[bytes | Oversize, int]:
    """Add the lines that a quoted field goes on in; give the record and its last line."""
    # In a well-formed record a quoted field is open exactly while the count of marks is odd.
    # A first line that is malformed already must not swallow the lines after it.
    if _quotes(line) % 2 == 0 or (isinstance(line, bytes) and not _opens_quotes(line, delimiter)):
        return line, first
    last = first
    parts = [line]
    size = _size(line)
    for number, more in lines:
        last = number
        size += _size(more)
        if size <= MAX_ROW_BYTES:
            parts.append(more)
        if _quotes(more) % 2:
            break
    if size > MAX_ROW_BYTES:
        return Oversize(quotes=0), last
    return b"".join(part for part in parts if isinstance(part, bytes)), last


def _size(line: bytes | Oversize) -> int:
    return MAX_ROW_BYTES + 1 if isinstance(line, Oversize) else len(line)


def _quotes(line: bytes | Oversize) -> int:
    return line.quotes if isinstance(line, Oversize) else line.count(b'"')


def split_record(text: str, delimiter: str) -> list[str]:
    """Split one record into its fields.

    Parameters
    ----------
    text : str
        The record with the line end after it, if it has one.
    delimiter : str
        One of ``DELIMITERS``.

    Returns
    -------
    list[str]
        The fields, without their quotation marks.

    Raises
    ------
    RowError
        For marks that stand in the wrong place, a bare carriage return, NUL, or too long a field.
    """
    if '"' not in text and "\r" not in (plain := text.removesuffix("\n").removesuffix("\r")):
        fields = plain.split(delimiter)
    else:
        fields = _split_quoted(text, delimiter)
    for column, field in enumerate(fields, start=1):
        check_text(field, f"column {column}")
    return fields


def _split_quoted(text: str, delimiter: str) -> list[str]:
    fields: list[str] = []
    position = 0
    field = _FIELDS[delimiter]
    while True:
        found = field.match(text, position)
        if found is None:
            raise _malformed(text, position, len(fields) + 1)
        quoted, quoted_end, plain, plain_end = found.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if (plain_end if quoted is None else quoted_end) != delimiter:
            return fields
        position = found.end()


def _opens_quotes(raw: bytes, delimiter: str) -> bool:
    # Any bytes will do here: what is not UTF-8 is found when the whole record is decoded.
    try:
        _split_quoted(raw.decode("latin-1"), delimiter)
    except UnclosedError:
        return True
    except RowError:
        return False
    return False


def _malformed(text: str, position: int, column: int) -> RowError:
    if text[position] == '"':
        if _QUOTED_FIELD.match(text, position) is None:
            return UnclosedError(f"column {column}: the field's quotation marks are never closed")
        return RowError(f"column {column}: text after the closing quotation mark")
    stray = _STRAY.search(text, position)
    if stray is not None and stray.group() == '"':
        return RowError(
            f"column {column}: a quotation mark inside a field without quotes; "
            "put the whole field in quotes and double the marks inside"
        )
    return RowError(f"column {column}: a line break inside a field without quotes")


def _span(first: int, last: int) -> str:
    return "" if first == last else f" (the row spans lines {first} to {last})"
