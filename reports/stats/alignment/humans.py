"""The human side of an alignment: votes in the frame of the comparisons, and their majority."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.judgments import MISSING, Comparisons
from reports.stats.ratings import Integers, Ratings, ratings
from reports.stats.results import ShapeMismatch, VerdictCode
from reports.stats.votes import MIRRORED_VERDICT, Votes

__all__ = ["Draws", "Humans", "human_labels", "unique_mode"]

Draws = Literal["exclude", "tie"]
"""What becomes of a comparison without a single commonest verdict. `exclude`: it has no
majority. `tie`: it counts as a tie, as some published figures do."""


@dataclass(frozen=True, slots=True, eq=False)
class Humans:
    """Votes of the comparisons as labels.

    Attributes
    ----------
    ratings : Ratings
        Items are comparisons, categories are verdict codes.
    counts : int64 array of shape (comparisons, 4)
    majority : int64 array of shape (comparisons,)
        Verdict code, or MISSING without votes or for an excluded draw.
    drawn : bool array of shape (comparisons,)
        Comparisons whose commonest verdict is shared by two.
    both_bad_folded : bool
        Whether both-bad votes stand as ties here.
    """

    ratings: Ratings
    counts: Integers
    majority: Integers
    drawn: NDArray[np.bool_]
    both_bad_folded: bool

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Comparisons with at least one vote."""
        return np.asarray(self.counts.sum(axis=1) > 0)


def unique_mode(counts: Integers) -> Integers:
    """Commonest category of each row, MISSING where it is shared or there are no votes.

    Parameters
    ----------
    counts : int array, shape (rows, categories)
    """
    largest = counts.max(axis=1, initial=0)
    shared = (counts == largest[:, None]).sum(axis=1) != 1
    return np.where(shared | (largest == 0), MISSING, counts.argmax(axis=1))


def human_labels(
    votes: Votes, comparisons: Comparisons, *, says_both_bad: bool, draws: Draws = "exclude"
) -> Humans:
    """Votes as labels of the comparisons.

    Parameters
    ----------
    votes : Votes
        Counted votes; items are comparisons.
    says_both_bad : bool
        Whether the judge has the class both-bad; otherwise such votes are folded into ties.

    Raises
    ------
    ShapeMismatch
        If a vote's item is no comparison, or names other systems.
    """
    if votes.n_items > comparisons.n:
        raise ShapeMismatch(f"votes have {votes.n_items} items for {comparisons.n} comparisons")
    a, b = comparisons.system_a[votes.item], comparisons.system_b[votes.item]
    turned = (votes.system_a == b) & (votes.system_b == a)
    if not np.all(turned | ((votes.system_a == a) & (votes.system_b == b))):
        raise ShapeMismatch("a vote names other systems than its comparison")
    verdict = np.where(turned, MIRRORED_VERDICT[votes.verdict], votes.verdict).astype(np.int64)
    bad = verdict == VerdictCode.BOTH_BAD
    folded = bool(np.any(bad)) and not says_both_bad
    if folded:
        verdict[bad] = VerdictCode.TIE
    rated = ratings(
        votes.item,
        votes.annotator,
        verdict,
        n_categories=len(VerdictCode),
        n_items=comparisons.n,
        n_raters=votes.n_annotators,
        prompt=comparisons.prompt,
    )
    counts = rated.counts()
    majority = unique_mode(counts)
    drawn = (majority == MISSING) & (counts.sum(axis=1) > 0)
    if draws == "tie":
        majority = np.where(drawn, VerdictCode.TIE, majority)
    return Humans(rated, counts, majority, drawn, folded)
