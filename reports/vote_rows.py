"""The counted votes as they lie in the tables, column by column.

A part of :mod:`reports.records` and of steering, which give the keys their codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from annotation.models import Criterion, Side, Study, Verdict, VoteCriterion
from annotation.selectors import counted_votes, excluded_votes
from reports.columns import Keys, read_numbers
from reports.stats.results import VerdictCode
from reports.stats.votes import IntArray

VERDICT_CODES: dict[str, int] = {
    Verdict.A.value: VerdictCode.A,
    Verdict.B.value: VerdictCode.B,
    Verdict.TIE.value: VerdictCode.TIE,
    Verdict.BOTH_BAD.value: VerdictCode.BOTH_BAD,
}

# Verdict, side and margin travel as one number: each column costs a tenth of a second for a
# million votes. Margins are 1 to 3, or 0 for none.
SIDES, MARGINS = 3, 4


@dataclass(frozen=True, slots=True)
class VoteRows:
    """Counted votes, in no order.

    Attributes
    ----------
    comparison, annotator : int64 array, shape (n,)
        Database keys.
    verdict : int8 array, shape (n,)
    side : int8 array, shape (n,)
        +1 if a was shown left, -1 if b was, 0 if nobody wrote it down.
    margin : int8 array, shape (n,)
        1 to 3, or 0 where the vote has none.
    """

    comparison: Keys
    annotator: Keys
    verdict: IntArray
    side: IntArray
    margin: IntArray


def read_vote_rows(study: Study, criterion: Criterion) -> VoteRows:
    """Read the counted votes of a study on one criterion."""
    rows: QuerySet[Any, Any]
    if criterion.key == Criterion.OVERALL:
        rows, vote = counted_votes(study), ""
    else:
        rows, vote = (
            VoteCriterion.objects.filter(criterion=criterion, vote__in=counted_votes(study)),
            "vote__",
        )
    comparison, annotator, packed = read_numbers(
        rows.order_by().values_list(f"{vote}comparison_id", f"{vote}annotator_id", _answer(vote)), 3
    )
    return _unpacked(comparison, annotator, packed)


def read_excluded_rows(study: Study, criterion: Criterion) -> tuple[VoteRows, IntArray, IntArray]:
    """Read the votes that would count on the criterion if nothing were excluded.

    Returns
    -------
    rows : VoteRows
    post_hoc : int8 array, shape (n,)
        1 where only exclusions that were decided post hoc hold the vote out, else 0.
    own : int8 array, shape (n,)
        1 where it is an owner's own vote, which the rules hold out, else 0.
    """
    late, owners = (
        Case(When(**{name: True}, then=Value(1)), default=Value(0), output_field=IntegerField())
        for name in ("post_hoc", "own_votes")
    )
    rows, own = excluded_votes(study), ""
    if criterion.key != Criterion.OVERALL:
        rows, own = rows.filter(criteria__criterion=criterion), "criteria__"
    columns = ("comparison_id", "annotator_id", _answer("", own), late, owners)
    comparison, annotator, packed, post_hoc, of_owners = read_numbers(
        rows.order_by().values_list(*columns), len(columns)
    )
    return (
        _unpacked(comparison, annotator, packed),
        post_hoc.astype(np.int8),
        of_owners.astype(np.int8),
    )


def _answer(vote: str, own: str = "") -> Combinable:
    """Verdict, side and margin as one number, in SQL; `own` leads to the row that has them."""
    code = (verdict_code(own) * SIDES + _side_code(vote, own)) * MARGINS
    return code + Coalesce(f"{own}margin", 0)


def _unpacked(comparison: Keys, annotator: Keys, packed: Keys) -> VoteRows:
    rest, margin = np.divmod(packed.astype(np.int16), MARGINS)
    verdict, side = np.divmod(rest, SIDES)
    return VoteRows(
        comparison,
        annotator,
        verdict.astype(np.int8),
        (side - 1).astype(np.int8),
        margin.astype(np.int8),
    )


def verdict_code(own: str = "") -> Combinable:
    """The verdict's code, in SQL; `own` leads to the row that has it."""
    return Case(
        *(
            When(**{f"{own}verdict": name}, then=Value(int(code)))
            for name, code in VERDICT_CODES.items()
        ),
        output_field=IntegerField(),
    )


def _side_code(vote: str, own: str) -> Combinable:
    """0 if b was shown left, 1 if nobody wrote it down, 2 if a was, in SQL."""
    return Case(
        When(**{f"{own}swapped": True}, then=Value(0)),
        When(**{f"{own}swapped": False}, then=Value(2)),
        When(**{f"{vote}left": Side.A}, then=Value(2)),
        When(**{f"{vote}left": Side.B}, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
