"""Cells: the comparisons of one pair of systems, in one category where the order has strata.

Made when comparisons are opened; weighed and stopped by what is computed in the background. A claim
only reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from annotation.models import Cell, Comparison, Study, System
from annotation.rules import rules_of

from .locks import hold, in_key_order

# Locked together when a cell stops; bounds the memory of a large one.
COMPARISONS_AT_ONCE = 1000

# The two systems in the order of their names, and the category or nothing.
CellKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class CellState:
    """A cell as steering sees it; systems by name, and no outcomes.

    Attributes
    ----------
    comparisons, wanted, taken : int
        Of its comparisons: how many, the votes they want in all, and the slots that are held.
    """

    pk: int
    system_a: str
    system_b: str
    stratum: str
    weight: float
    stopped: bool
    comparisons: int
    wanted: int
    taken: int


def pair_of(name: str, other: str) -> tuple[str, str]:
    return (name, other) if name <= other else (other, name)


@dataclass(slots=True)
class CellsOfComparisons:
    """Finds the cell of a comparison that is being opened."""

    by_category: bool
    names: dict[int, str]
    cells: dict[CellKey, Cell]

    @classmethod
    def of(cls, study: Study, waiting: QuerySet[Comparison]) -> CellsOfComparisons:
        """The cells of a study, after making those that the waiting comparisons lack.

        A stop is of the pair of systems: a new category of a stopped pair is stopped like the
        others. The caller's transaction is open.
        """
        by_category = rules_of(study.rules).order.by_category
        found = cls(
            by_category,
            dict(System.objects.filter(study=study).values_list("pk", "name")),
            {},
        )
        rows = waiting.order_by().values_list("system_a", "system_b", "prompt__category")
        wanted = {found.key(*row) for row in rows.distinct()}
        stopped_at = stops_of_pairs(study)
        Cell.objects.bulk_create(
            [
                Cell(
                    study=study,
                    system_a_id=first,
                    system_b_id=second,
                    stratum=stratum,
                    stopped_at=stopped_at.get((first, second)),
                )
                for first, second, stratum in sorted(wanted, key=found.named)
            ],
            ignore_conflicts=True,
        )
        for cell in Cell.objects.filter(study=study):
            found.cells[cell.system_a_id, cell.system_b_id, cell.stratum] = cell
        return found

    def key(self, system_a: int, system_b: int, category: str) -> CellKey:
        first, second = sorted((system_a, system_b), key=self.names.__getitem__)
        return first, second, category if self.by_category else ""

    def named(self, key: CellKey) -> tuple[str, str, str]:
        return self.names[key[0]], self.names[key[1]], key[2]

    def cell(self, system_a: int, system_b: int, category: str) -> Cell:
        return self.cells[self.key(system_a, system_b, category)]


def stops_of_pairs(study: Study) -> dict[tuple[int, int], datetime]:
    """When the last cell of each pair was stopped, for pairs of which none goes on.

    The cells stay locked until the transaction ends: no stop comes in between.
    """
    rows = in_key_order(Cell.objects.filter(study=study)).values_list(
        "system_a", "system_b", "stopped_at"
    )
    found: dict[tuple[int, int], datetime] = {}
    going = set()
    for first, second, stopped_at in rows:
        if stopped_at is None:
            going.add((first, second))
        else:
            found[first, second] = max(stopped_at, found.get((first, second), stopped_at))
    return {pair: stopped_at for pair, stopped_at in found.items() if pair not in going}


def cells_of(study: Study) -> list[CellState]:
    """The cells of a study with what they hold, by the names of their systems and category."""
    counts = {
        cell: totals
        for cell, *totals in Comparison.objects.filter(study=study, cell__isnull=False)
        .order_by()
        .values_list("cell")
        .annotate(comparisons=Count("pk"), wanted=Sum("overlap"), held=Sum("taken"))
    }
    rows = (
        Cell.objects.filter(study=study)
        .select_related("system_a", "system_b")
        .order_by("system_a__name", "system_b__name", "stratum")
    )
    return [
        CellState(
            cell.pk,
            cell.system_a.name,
            cell.system_b.name,
            cell.stratum,
            cell.weight,
            cell.stopped_at is not None,
            *counts.get(cell.pk, (0, 0, 0)),
        )
        for cell in rows
    ]


@dataclass(frozen=True, slots=True)
class CellCount:
    """How many comparisons of a cell have room, how many votes they want, and what stands there."""

    cell: int
    room: int
    wanted: int
    stored_room: int
    stored_wanted: int


def changed_counts(study: Study) -> list[CellCount]:
    """The cells whose stored counts are no longer true, in the order of their keys.

    A cell that comes or goes meanwhile is left out: whoever makes one counts it.
    """
    stored = {
        cell: (room, wanted)
        for cell, room, wanted in Cell.objects.filter(study=study).values_list(
            "pk", "room", "wanted"
        )
    }
    counts = (
        Comparison.objects.filter(study=study, cell__isnull=False)
        .order_by()
        .values_list("cell")
        .annotate(room=Count("pk", filter=Q(taken__lt=F("overlap"))), wanted=Sum("overlap"))
    )
    return [
        CellCount(cell, room, wanted, *stored[cell])
        for cell, room, wanted in sorted(counts)
        if cell in stored and stored[cell] != (room, wanted)
    ]


def count_cells(study: Study) -> None:
    """Store how many comparisons of each cell have room, and how many votes they want."""
    store_counts(changed_counts(study))


def store_counts(counts: Iterable[CellCount]) -> None:
    """Store counts, but for those that somebody else has stored anew since these were made."""
    write_cells(
        "room = %s, wanted = %s",
        [
            (count.room, count.wanted, count.cell, count.stored_room, count.stored_wanted)
            for count in counts
        ],
        " AND room = %s AND wanted = %s",
    )


def write_cells(columns: str, rows: Sequence[tuple[Any, ...]], where: str = "") -> None:
    """Store the columns of many cells; each row has the key of its cell after them.

    One prepared statement: a query for each of the 19,900 cells of 200 systems takes 10 s, and
    SQLite would keep every vote waiting for as long.
    """
    table = connection.ops.quote_name(Cell._meta.db_table)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {columns} WHERE id = %s{where}",  # noqa: S608 - ours
            rows,
        )


def set_priorities(study: Study, weights: Mapping[int, float]) -> None:
    """Set how large a share of the draws each cell gets from now on.

    What has room is counted anew, before anything is locked: a million comparisons take a second,
    for which SQLite would keep every vote waiting.

    Parameters
    ----------
    weights : mapping of int to float
        By key of a cell; cells that are not named keep theirs. Only the ratios matter.

    Raises
    ------
    ValueError
        If a weight is negative or no number, or a cell is none of the study. Nothing is changed.
    """
    known = set(Cell.objects.filter(study=study).values_list("pk", flat=True))
    if unknown := sorted(set(weights) - known):
        raise ValueError(f"The study {study.slug} has no cell {unknown[0]}.")
    for cell, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"The weight of cell {cell} must be 0 or more, not {weight!r}.")
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    counts = changed_counts(study)
    with transaction.atomic():
        # Some are weighed and others counted, and whoever stops a pair goes by the keys.
        hold(Cell.objects.filter(study=study))
        write_cells(
            "weight = %s, weighed_at = %s",
            [(weights[cell], now, cell) for cell in sorted(weights)],
        )
        store_counts(counts)


def stop(study: Study, system_a: str, system_b: str) -> int:
    """Hand out nothing more of a pair of systems; votes under way still count.

    Parameters
    ----------
    system_a, system_b : str
        The names of the two systems, in any order. Every category of the pair is stopped.

    Returns
    -------
    int
        How many cells were stopped now; 0 if they were before.

    Raises
    ------
    ValueError
        If the study compares no such pair.
    """
    first, second = pair_of(system_a, system_b)
    pair = Cell.objects.filter(study=study, system_a__name=first, system_b__name=second)
    with transaction.atomic():
        # Whoever opens a new category of the pair holds the others meanwhile; read again once it
        # is there.
        list(in_key_order(pair).values_list("pk"))
        cells = list(pair.values_list("pk", flat=True))
        if not cells:
            raise ValueError(f"The study {study.slug} compares no {first!r} with {second!r}.")
        stopped = Cell.objects.filter(pk__in=cells, stopped_at__isnull=True).update(
            stopped_at=Now()
        )
        for ids in locked_comparisons(study, cells):
            Comparison.objects.filter(pk__in=ids, open=True).update(open=False)
    return stopped


def locked_comparisons(study: Study, cells: list[int]) -> Iterator[list[int]]:
    """Lock the comparisons of some cells in the order of their keys, also those without room.

    Somebody may be giving a slot of a full one back at this moment and has not seen that its cell
    is stopped. They hold its lock, so that whoever waits for it closes it again afterwards.
    """
    last = 0
    while True:
        rows = Comparison.objects.filter(study=study, cell__in=cells, pk__gt=last)
        ids = list(in_key_order(rows).values_list("pk", flat=True)[:COMPARISONS_AT_ONCE])
        if not ids:
            return
        yield ids
        last = ids[-1]
