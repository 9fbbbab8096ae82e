"""How the votes of a study came to be drawn, and which pairs were stopped early.

A part of :mod:`reports.records`, which alone calls it. A study that walked through all its
comparisons to the end has none of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import Sum

from annotation.models import Cell, Comparison, ComparisonKind, Study
from annotation.rules import Policy
from annotation.selectors import counted_votes
from reports.stats.votes import FloatArray, IntArray, Votes

POLICIES: tuple[str, ...] = tuple(Policy)
# Votes fetched at a time.
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class SamplingRecords:
    """The draw of each counted vote, in the order of the overall votes.

    Attributes
    ----------
    cell : int32 array, shape (votes,)
        Index into `wanted`; the last entry stands for comparisons outside every cell.
    policy : int8 array, shape (votes,)
        Index into `POLICIES`; imported votes, which nothing drew, have that of the walk.
    probability : float array, shape (votes,)
        Of the cell when the comparison was drawn; NaN where it was not drawn but walked to.
    wanted : float array, shape (cells + 1,)
        Votes wanted of each cell, 0 in the last entry.
    stopped : tuple of (int, int)
        Pairs of systems whose every cell was stopped, each with the lower code first.
    """

    cell: IntArray
    policy: IntArray
    probability: FloatArray
    wanted: FloatArray
    stopped: tuple[tuple[int, int], ...]

    @property
    def is_steered(self) -> bool:
        """Whether any counted vote was drawn by another policy than the walk."""
        return bool((self.policy != POLICIES.index(Policy.UNIFORM)).any())

    def votes_by_policy(self) -> dict[str, int]:
        """Counted votes by the policy that drew them; policies without votes are left out."""
        counts = np.bincount(self.policy, minlength=len(POLICIES))
        return {name: int(counts[code]) for code, name in enumerate(POLICIES) if counts[code]}


def load_sampling(
    study: Study,
    votes: Votes,
    *,
    systems: Mapping[int, int],
    annotators: Mapping[int, int],
    items: Mapping[int, int],
) -> SamplingRecords | None:
    """Read the draws; None for a study that was never steered and stopped no pair.

    Parameters
    ----------
    study : Study
    votes : Votes
        The overall votes, one row an item and annotator.
    systems, annotators, items : mapping of int to int
        Database key → code.
    """
    rows = list(
        Cell.objects.filter(study=study).values_list(
            "pk", "system_a", "system_b", "stratum", "weighed_at", "stopped_at"
        )
    )
    if all(weighed is None and stopped is None for *_, weighed, stopped in rows):
        return None
    # In the order of their names, as everything in the records.
    rows.sort(key=lambda row: (systems[row[1]], systems[row[2]], row[3]))
    place = {row[0]: number for number, row in enumerate(rows)}
    outside = len(rows)
    wanted = np.zeros(outside + 1)
    overlaps = (
        Comparison.objects.filter(study=study, kind=ComparisonKind.WORK, cell__isnull=False)
        .order_by()
        .values_list("cell")
        .annotate(wanted=Sum("overlap"))
    )
    for cell, total in overlaps:
        wanted[place[cell]] = total
    going: dict[tuple[int, int], bool] = {}
    for _, first, second, _, _, stopped in rows:
        low, high = sorted((systems[first], systems[second]))
        going[low, high] = going.get((low, high), False) or stopped is None
    drawn = counted_votes(study).values_list(
        "comparison",
        "annotator",
        "comparison__cell",
        "assignment__policy",
        "assignment__selection_probability",
    )
    table = np.empty((votes.n, 4))
    probability = np.full(votes.n, np.nan)
    for number, (item, person, cell, policy, chance) in enumerate(drawn.iterator(chunk_size=CHUNK)):
        table[number] = (
            items[item],
            annotators[person],
            outside if cell is None else place[cell],
            POLICIES.index(policy or Policy.UNIFORM),
        )
        if policy is not None and policy != Policy.UNIFORM and chance is not None:
            probability[number] = chance
    # The order of the overall votes.
    order = np.lexsort((table[:, 1], table[:, 0]))
    return SamplingRecords(
        cell=table[order, 2].astype(np.int32),
        policy=table[order, 3].astype(np.int8),
        probability=probability[order],
        wanted=wanted,
        stopped=tuple(sorted(pair for pair, open_still in going.items() if not open_still)),
    )
