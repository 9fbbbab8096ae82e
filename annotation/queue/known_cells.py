"""The cells that a steered claim draws from: asked for each claim where they are few.

Two hundred systems have 19,900 pairs, and as many cells in each category. To ask of each whether it
has work, and to add their weights up, takes longer than all the rest of a claim. Of many cells a
process therefore remembers for some seconds which had work and with what weight. The probability
that is written down stays the one that was drawn by: that of the cell among those it was drawn
from. Whether a cell has work is seen when its comparison is to be locked; one that has none for
anybody is drawn from no more, and what opened meanwhile is drawn from some seconds later.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import Cell, Comparison
from annotation.rules import Priorities

from .drawing import OpenCell, Urn
from .policy import FEW_CELLS, KNOWN_CELLS_SECONDS, KNOWN_STUDIES


@dataclass(slots=True)
class KnownCells:
    """Cells to draw from; the places of those that turned out to be without work are left out."""

    urn: Urn
    empty: set[int] = field(default_factory=set)
    # Whether they outlive the claim, so that a cell without work is worth telling apart.
    kept: bool = False
    read_at: float = 0.0

    def forget_if_empty(self, place: int) -> None:
        """Draw from a cell no more if it has work for nobody. One query, where that is of use."""
        if self.kept and not HAS_WORK.rows(cell=self.urn.cells[place].pk):
            self.empty.add(place)


def cells_with_work(study_id: int | Parameter) -> QuerySet[Cell, Any]:
    """A study's cells that have open comparisons; one look into the index for each."""
    inside = Comparison.objects.filter(cell=OuterRef("pk"), open=True)
    rows = Cell.objects.filter(Exists(inside), study_id=study_id, stopped_at__isnull=True)
    return rows.order_by("pk").values_list("pk", "weight", "room")


CELLS_WITH_WORK: CompiledQuery[Any] = CompiledQuery(
    lambda: cells_with_work(Parameter("study", KEY))
)
HAS_WORK: CompiledQuery[Any] = CompiledQuery(
    lambda: (
        Comparison.objects.filter(cell=Parameter("cell", KEY), open=True)
        .order_by("open_seq")
        .values_list("pk")[:1]
    )
)

# By study, by what somebody may not rate, and by how the study draws; the last used come last.
Name = tuple[int, tuple[str, ...], Priorities]
_known: OrderedDict[Name, KnownCells] = OrderedDict()
_lock = Lock()


def cells_to_draw_from(
    study_id: int, forbidden: tuple[str, ...], priorities: Priorities
) -> KnownCells:
    """The cells from which somebody may get something. At most one query.

    Parameters
    ----------
    forbidden : tuple of str
        Categories that they may not rate.
    """
    name = (study_id, forbidden, priorities)
    now = time.monotonic()
    with _lock:
        known = _known.get(name)
        if known is not None and now - known.read_at < KNOWN_CELLS_SECONDS:
            _known.move_to_end(name)
            return known
    if forbidden:
        rows = list(cells_with_work(study_id).exclude(stratum__in=forbidden))
    else:
        rows = CELLS_WITH_WORK.rows(study=study_id)
    found = KnownCells(Urn(priorities, [OpenCell(*row) for row in rows]))
    with _lock:
        _known.pop(name, None)
        if len(rows) > FEW_CELLS:
            found.kept, found.read_at = True, now
            _known[name] = found
            while len(_known) > KNOWN_STUDIES:
                _known.popitem(last=False)
    return found
