"""Where a judge says otherwise than people, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.results import VerdictCode
from reports.stats.votes import VERDICT_SCORE

__all__ = ["Disagreement", "disagreements"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One comparison.

    Attributes
    ----------
    comparison : int
    verdict : str
        Of the judge, over its orders.
    score, human_score : float
        From a's side, between -1 and 1: the judge's, and the mean vote.
    distance : float
        Between the two, up to 2.
    votes : mapping of str to int
    """

    comparison: int
    verdict: str
    score: float
    human_score: float
    distance: float
    votes: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the comparison's name."""
        return {
            "verdict": self.verdict,
            "score": self.score,
            "human_score": self.human_score,
            "distance": self.distance,
            "votes": dict(self.votes),
        }


def disagreements(
    judge: Reconciled, humans: Humans, comparisons: Comparisons, *, most: int
) -> tuple[tuple[Disagreement, ...], int]:
    """Comparisons on which the judge's verdict is not a commonest vote.

    Parameters
    ----------
    most : int
        How many to give.

    Returns
    -------
    found : tuple of Disagreement
        By distance, then by the number of votes, then by the comparison.
    number : int
        How many there are.
    """
    counts = humans.counts
    number = counts.sum(axis=1)
    both = (number > 0) & (judge.category != MISSING)
    place = np.arange(comparisons.n)
    said = np.where(both, judge.category, 0)
    row = np.flatnonzero(both & (counts[place, said] < counts.max(axis=1, initial=0)))
    people = 2 * (counts[row] @ VERDICT_SCORE) / number[row] - 1
    distance = np.abs(judge.score[row] - people)
    order = np.lexsort((row, -number[row], -np.round(distance, 9)))[:most]
    return tuple(
        Disagreement(
            comparison=int(row[k]),
            verdict=VerdictCode(int(said[row[k]])).name.lower(),
            score=float(judge.score[row[k]]),
            human_score=float(people[k]),
            distance=float(distance[k]),
            votes={code.name.lower(): int(counts[row[k], code]) for code in VerdictCode},
        )
        for k in order.tolist()
    ), int(row.size)
