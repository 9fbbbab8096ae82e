"""Which of two judges is closer to people: a paired test on the votes that both can be held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.ceiling import FEWEST_COMPARISONS
from reports.stats.alignment.humans import Humans, human_labels
from reports.stats.alignment.judgments import (
    MISSING,
    TOLERANCE,
    Comparisons,
    Judgments,
    Reconciled,
    reconcile,
)
from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import NO_ERROR, check_level, critical_value
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.significance import holm, sign_flip_test
from reports.stats.votes import Votes

__all__ = ["METHOD", "JudgePair", "judge_pairs"]

METHOD = "agreement_difference"


@dataclass(frozen=True, slots=True)
class JudgePair:
    """Two judges on the comparisons that both judged and people voted on.

    Attributes
    ----------
    first, second : int
        Places in the sequence of judges.
    comparisons : int
        With votes and a judgment of both.
    difference : Estimate
        Share of votes that say what the first judge says, less the same of the second; `n` counts
        votes. None below 30 comparisons (`too_few_prompts`). Its interval is None where the two
        are right and wrong on the same votes of every prompt (`degenerate_scale`).
    p_value : float or None
        Sign-flip test with prompts as units: both judges are as close to these annotators.
    p_method : str or None
    p_adjusted : float or None
        By Holm's method over all pairs that are tested.
    family : int or None
        How many pairs those are.
    """

    first: int
    second: int
    comparisons: int
    difference: Estimate
    p_value: float | None
    p_method: str | None
    p_adjusted: float | None
    family: int | None

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the names of the judges."""
        return {
            "comparisons": self.comparisons,
            "difference": self.difference.as_dict(),
            "p_value": self.p_value,
            "p_method": self.p_method,
            "p_adjusted": self.p_adjusted,
            "family": self.family,
        }


def judge_pairs(
    comparisons: Comparisons,
    votes: Votes,
    judges: Sequence[Judgments],
    *,
    seed: int,
    tolerance: float = TOLERANCE,
    level: float = 0.95,
) -> tuple[JudgePair, ...]:
    """Compare every two judges by their agreement with single votes.

    Both are held to the same votes, so what is hard about a comparison or odd about a vote
    cancels. A prompt's difference is the mean over its votes of (first right - second right);
    its sign is flipped as a whole.

    Parameters
    ----------
    comparisons : Comparisons
        All comparisons of the study.
    votes : Votes
        Counted votes of one criterion, in any order; `votes.item` are codes of comparisons. Of an
        annotator's votes on one comparison the first counts.
    judges : sequence of Judgments
        Each of one judge version.
    seed : int
        Of the study.
    tolerance : float
        As in :func:`reports.stats.alignment.alignment`.
    level : float

    Returns
    -------
    tuple of JudgePair
        In the order (0, 1), (0, 2), …

    Raises
    ------
    ShapeMismatch, InvalidLevel
    """
    check_level(level)
    right = [_right(judge, votes, comparisons, tolerance) for judge in judges]
    pairs = []
    for first, second in combinations(range(len(right)), 2):
        both = right[first].held & right[second].held
        difference = right[first].hit[both].astype(np.int64) - right[second].hit[both]
        # Which votes there are, and in which order, hangs on the votes alone.
        item = right[first].item[both]
        items, prompt = int(np.unique(item).size), comparisons.prompt[item]
        pairs.append(_pair(first, second, items, difference, prompt, seed, level))
    tested = [pair.p_value for pair in pairs if pair.p_value is not None]
    adjusted = iter(holm(tested).tolist())
    return tuple(
        pair
        if pair.p_value is None
        else replace(pair, p_adjusted=next(adjusted), family=len(tested))
        for pair in pairs
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Right:
    """For each vote in the order of the ratings, its comparison, whether the judge can be held to
    it, and says the same."""

    item: Integers
    held: NDArray[np.bool_]
    hit: NDArray[np.bool_]


def _right(
    judgments: Judgments, votes: Votes, comparisons: Comparisons, tolerance: float
) -> _Right:
    judge: Reconciled = reconcile(judgments, comparisons.n, tolerance=tolerance)
    humans: Humans = human_labels(votes, comparisons, says_both_bad=judgments.says_both_bad)
    item = humans.ratings.item
    said = judge.category[item]
    return _Right(item, said != MISSING, said == humans.ratings.category)


def _pair(
    first: int,
    second: int,
    items: int,
    difference: Integers,
    prompt: Integers,
    seed: int,
    level: float,
) -> JudgePair:
    n = int(difference.size)
    if items < FEWEST_COMPARISONS:
        reason = WarningCode.TOO_FEW_PROMPTS if n else WarningCode.NO_VOTES
        nothing = undefined(METHOD, n, reason)
        return JudgePair(first, second, items, nothing, None, None, None, None)
    distinct, code = np.unique(prompt, return_inverse=True)
    points = np.bincount(code, difference, distinct.size)
    size = np.bincount(code, minlength=distinct.size)
    test = sign_flip_test(points.astype(np.int64), size, seed=seed)
    mean = float(difference.mean())
    return JudgePair(
        first,
        second,
        items,
        _interval(mean, (points - mean * size) / n, size, level),
        test.p_value,
        test.method,
        None,
        None,
    )


def _interval(mean: float, sums: NDArray[np.float64], size: Integers, level: float) -> Estimate:
    """t interval by prompt (CR1), cut at -1 and 1."""
    prompts, n = int(size.size), int(size.sum())
    clusters = {"prompts": prompts}
    variance = prompts / (prompts - 1) * float(sums @ sums) if prompts > 1 else 0.0
    few = (WarningCode.FEW_PROMPTS,) if prompts < FEW_CLUSTERS else ()
    if not variance > NO_ERROR**2:
        return Estimate(
            mean, None, None, METHOD, n, clusters, level=None,
            warnings=(*few, WarningCode.DEGENERATE_SCALE),
        )  # fmt: skip
    df = max(1.0, n * n / float(size @ size) - 1)
    se = float(np.sqrt(variance))
    half = critical_value(level, df) * se
    return Estimate(
        mean,
        max(-1.0, mean - half),
        min(1.0, mean + half),
        f"{METHOD}_by_prompt",
        n,
        clusters,
        se=se,
        df=df,
        level=level,
        warnings=few,
    )
