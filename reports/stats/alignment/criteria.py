"""A judge beside people on one further criterion, whose answers are ordered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.alignment.against_humans import agreement_with_votes, constant_guess
from reports.stats.alignment.ceiling import human_agreement
from reports.stats.alignment.clustered_kappa import clustered_kappa, quadratic_weights
from reports.stats.alignment.gates import gated
from reports.stats.alignment.humans import human_labels, unique_mode
from reports.stats.alignment.judgments import (
    MISSING,
    TOLERANCE,
    Comparisons,
    Judgments,
    reconcile,
)
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, VerdictCode
from reports.stats.votes import Votes

__all__ = ["CriterionAlignment", "criterion_alignment"]

# Steps of a graded answer on either side of a tie.
_GRADED = 2


@dataclass(frozen=True, slots=True)
class CriterionAlignment:
    """Attributes
    ----------
    n : int
        Comparisons with votes and a judgment on the criterion.
    levels : int
        Ordered answers that kappa is about: 3, or 5 where judge and people say how clearly.
    agreement, human_ceiling, constant_guess : Estimate
        With single votes, as for `overall`.
    weighted_kappa : Estimate
        With the commonest vote, quadratic weights; both-bad stands as a tie.
    """

    n: int
    levels: int
    agreement: Estimate
    human_ceiling: Estimate
    constant_guess: Estimate
    weighted_kappa: Estimate

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the criterion's name."""
        return {
            "n": self.n,
            "levels": self.levels,
            "agreement": self.agreement.as_dict(),
            "human_ceiling": self.human_ceiling.as_dict(),
            "constant_guess": self.constant_guess.as_dict(),
            "weighted_kappa": self.weighted_kappa.as_dict(),
        }


def criterion_alignment(
    comparisons: Comparisons,
    votes: Votes,
    judgments: Judgments,
    *,
    seed: int,
    margin: Integers | None = None,
    judge_graded: bool = False,
    tolerance: float = TOLERANCE,
    level: float = 0.95,
) -> CriterionAlignment:
    """Alignment of one judge version on one criterion.

    Parameters
    ----------
    votes : Votes
        Counted votes of the criterion.
    judgments : Judgments
        The judge's decisions on the criterion.
    margin : int array of shape (votes.n,), optional
        1 or 2 where a vote prefers a side, on a scale with two steps on each side.
    judge_graded : bool
        Whether the judge says how clearly as well.
    """
    judge = reconcile(judgments, comparisons.n, tolerance=tolerance)
    humans = human_labels(votes, comparisons, says_both_bad=judgments.says_both_bad)
    n = int(np.count_nonzero(humans.labelled & (judge.category != MISSING)))
    steps = _GRADED if margin is not None and judge_graded else 1
    said = np.rint(np.nan_to_num(judge.score) * steps).astype(np.int64)
    truth = unique_mode(_step_counts(comparisons, votes, margin, steps))
    used = (judge.category != MISSING) & (truth != MISSING)
    levels = 2 * steps + 1
    kappa = clustered_kappa(
        steps - said[used],
        truth[used],
        comparisons.prompt[used],
        classes=levels,
        weights=quadratic_weights(levels),
        seed=seed,
        level=level,
    )
    both = (judge, humans, comparisons)
    return CriterionAlignment(
        n=n,
        levels=levels,
        agreement=gated(agreement_with_votes(*both, level=level), n),
        human_ceiling=gated(human_agreement(judge, humans, level=level), n),
        constant_guess=gated(constant_guess(*both, level=level), n),
        weighted_kappa=gated(kappa, n),
    )


def _step_counts(
    comparisons: Comparisons, votes: Votes, margin: Integers | None, steps: int
) -> Integers:
    """Votes by comparison and step, from clearly a to clearly b."""
    turned = votes.system_a != comparisons.system_a[votes.item]
    sign = np.array([1, 0, -1, 0])[votes.verdict] * np.where(turned, -1, 1)
    if steps > 1 and margin is not None:
        decided = (votes.verdict == VerdictCode.A) | (votes.verdict == VerdictCode.B)
        sign = sign * np.where(decided, np.minimum(margin, steps), 0)
    levels = 2 * steps + 1
    code = votes.item.astype(np.int64) * levels + (steps - sign)
    counts = np.bincount(code, minlength=comparisons.n * levels)
    return counts.reshape(comparisons.n, levels)
