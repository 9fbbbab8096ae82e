"""How the votes of a study came to be drawn, and which pairs were stopped early.

A part of :mod:`reports.records`, which alone calls it. A study whose rules only ever said to walk
through its comparisons, and that stopped no pair, has none of this. When its cells were weighed
does not matter: nothing tells a report of that, which would then be old without knowing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Case, IntegerField, Sum, Value, When
from django.db.models.functions import Coalesce

from annotation.models import Cell, Comparison, ComparisonKind, Study, StudyVersion
from annotation.rules import Policy, rules_of
from annotation.selectors import counted_votes
from reports.columns import CHUNK, KeyCodes, by_item_and_annotator
from reports.stats.votes import FloatArray, IntArray, Votes

POLICIES: tuple[str, ...] = tuple(Policy)

# One vote as it is read; what is missing is a number that neither a key nor a probability can be.
DRAWN = np.dtype(
    [
        ("item", np.int64),
        ("annotator", np.int64),
        ("cell", np.int64),
        ("policy", np.int8),
        ("probability", np.float64),
    ]
)
NO_CELL, NO_PROBABILITY = -1, -1.0


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
        return {str(name): int(counts[code]) for code, name in enumerate(POLICIES) if counts[code]}


def load_sampling(
    study: Study,
    votes: Votes,
    *,
    systems: KeyCodes,
    annotators: KeyCodes,
    items: KeyCodes,
) -> SamplingRecords | None:
    """Read the draws; None for a study of the policy uniform that stopped no pair.

    Parameters
    ----------
    study : Study
    votes : Votes
        The overall votes, one row an item and annotator.
    systems, annotators, items : KeyCodes
    """
    rows = list(
        Cell.objects.filter(study=study).values_list(
            "pk", "system_a", "system_b", "stratum", "stopped_at"
        )
    )
    if not rows or (only_walks(study) and all(stopped is None for *_, stopped in rows)):
        return None
    # In the order of their names, as everything in the records.
    rows.sort(key=lambda row: (systems[row[1]], systems[row[2]], row[3]))
    place = KeyCodes(row[0] for row in rows)
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
    for _, first, second, _, stopped in rows:
        low, high = sorted((systems[first], systems[second]))
        going[low, high] = going.get((low, high), False) or stopped is None
    policy = Case(
        *(When(assignment__policy=name, then=Value(code)) for code, name in enumerate(POLICIES)),
        default=Value(POLICIES.index(Policy.UNIFORM)),
        output_field=IntegerField(),
    )
    drawn = (
        counted_votes(study)
        .order_by()
        .values_list(
            "comparison_id",
            "annotator_id",
            Coalesce("comparison__cell", NO_CELL),
            policy,
            Coalesce("assignment__selection_probability", NO_PROBABILITY),
        )
    )
    table = np.fromiter(drawn.iterator(chunk_size=CHUNK), dtype=DRAWN)
    cell = np.full(table.size, outside, dtype=np.int32)
    within = table["cell"] != NO_CELL
    cell[within] = place.of(table["cell"][within])
    weighed = (table["policy"] != POLICIES.index(Policy.UNIFORM)) & (
        table["probability"] != NO_PROBABILITY
    )
    order = by_item_and_annotator(items.of(table["item"]), annotators.of(table["annotator"]))
    return SamplingRecords(
        cell=cell[order],
        policy=table["policy"][order],
        probability=np.where(weighed, table["probability"], np.nan)[order],
        wanted=wanted,
        stopped=tuple(sorted(pair for pair, open_still in going.items() if not open_still)),
    )


def only_walks(study: Study) -> bool:
    """Whether the rules said so in every version that votes may have been collected under."""
    versions = StudyVersion.objects.filter(study=study)
    frozen = versions.values_list("snapshot__rules__priorities__policy", flat=True)
    policies = {rules_of(study.rules).priorities.policy, *frozen}
    # Versions of an earlier release have no policy in their rules.
    return policies <= {Policy.UNIFORM, None}
