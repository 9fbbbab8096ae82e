"""Votes that exclusions hold out of the count, to be counted again for comparison.

A part of :mod:`reports.records`, which alone calls it. No figure of a report is computed from them
but those that say how the board would be with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annotation.models import Criterion, Study
from annotation.selectors import has_exclusions
from reports.columns import KeyCodes, by_item_and_annotator
from reports.stats.votes import IntArray
from reports.vote_rows import read_excluded_rows


@dataclass(frozen=True, slots=True)
class ExclusionRecords:
    """Votes on one criterion that would count if nothing were excluded, by item and annotator.

    Attributes
    ----------
    annotators : tuple of str
        Who gave them, in code-point order. Not the annotators of the counted votes: most often all
        votes of somebody are excluded.
    item : int32 array, shape (n,)
        Index into the items.
    annotator : int32 array, shape (n,)
        Index into `annotators`.
    verdict, side : int8 array, shape (n,)
        As those of the counted votes.
    post_hoc : int8 array, shape (n,)
        1 where only exclusions that were decided post hoc hold the vote out, else 0.
    own : int8 array, shape (n,)
        1 where it is an owner's own vote, which the rules hold out, else 0.
    """

    annotators: tuple[str, ...]
    item: IntArray
    annotator: IntArray
    verdict: IntArray
    side: IntArray
    post_hoc: IntArray
    own: IntArray


def load_exclusions(
    study: Study, criterion: Criterion, *, items: KeyCodes
) -> ExclusionRecords | None:
    """Read them; None for a criterion on which no vote is excluded that would count.

    Parameters
    ----------
    study : Study
    criterion : Criterion
    items : KeyCodes
        Of comparisons.
    """
    # Nearly every study: no need to go through a million votes.
    if not has_exclusions(study):
        return None
    rows, post_hoc, own = read_excluded_rows(study, criterion)
    if not rows.verdict.size:
        return None
    gave_some = set(np.unique(rows.annotator).tolist())
    named = study.annotators.values_list("external_id", "pk")
    people = sorted(row for row in named if row[1] in gave_some)
    item = items.of(rows.comparison)
    annotator = KeyCodes(key for _, key in people).of(rows.annotator)
    order = by_item_and_annotator(item, annotator)
    return ExclusionRecords(
        annotators=tuple(name for name, _ in people),
        item=item[order],
        annotator=annotator[order],
        verdict=rows.verdict[order],
        side=rows.side[order],
        post_hoc=post_hoc[order],
        own=own[order],
    )
