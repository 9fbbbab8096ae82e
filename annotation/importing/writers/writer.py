"""What the transfer asks of the writer of one kind of row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from annotation.importing.formats import RowFormat
from annotation.importing.places import Places
from annotation.models import ImportKind, Study

Row = TypeVar("Row")
RowIn = TypeVar("RowIn", contravariant=True)

Placed = tuple[int, Row]
"""A place and the row that stands there."""

Reasons = list[tuple[int, str]]
"""Places of bad rows and what is wrong with them."""

# What became of good rows; all other counts of a writer are traps, which the summary tells.
OUTCOMES = ("new", "completed", "already there")


def no_counts() -> Counter[str]:
    """Counts to begin with, outcomes first in the summary."""
    return Counter(dict.fromkeys(OUTCOMES, 0))


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of all files of an import.

    Parameters
    ----------
    study : Study or None
        None while it does not exist.
    places : Places
        The names of the files.
    store : bool
        The first pass only checks; the second checks again, under the lock, and stores.
    has_unreadable_rows : callable
        Whether any row so far did not even say what it is about.
    remark : callable
        Takes the place of a good row and what the person at the command should know of it.
    """

    study: Study | None
    places: Places
    store: bool
    has_unreadable_rows: Callable[[], bool]
    remark: Callable[[int, str], None]


class Writer(Protocol[RowIn]):
    """Checks rows against each other and the database, and stores them if its pass says so.

    ``counts`` holds what was found, under the words of the summary. ``sweeps`` is how often the
    files are to be read; it may grow while they are read.
    """

    counts: Counter[str]
    sweeps: int

    def take(self, rows: Sequence[tuple[int, RowIn]], sweep: int) -> Reasons:
        """Check a batch, store its good rows, and give the reasons for the others."""
        ...


@dataclass(frozen=True, slots=True)
class ImportPlan(Generic[Row]):
    """How rows of one kind are read and written.

    ``is_content``: frozen once the study was opened.
    """

    kind: ImportKind
    form: RowFormat[Row]
    writer: Callable[[Pass], Writer[Row]]
    is_content: bool
