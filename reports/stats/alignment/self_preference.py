"""Does a judge favour systems of its own family beyond what other judges do?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import bootstrapped, prompt_bootstrap, sums_by_prompt
from reports.stats.ratings import Floats
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["self_preference"]

_FEWEST = 30


def self_preference(
    judge: Reconciled,
    others: Sequence[Reconciled],
    system: int,
    humans: Humans,
    comparisons: Comparisons,
    *,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """What a judge adds to a system of its family, less what judges outside the family add.

    [WR_j(m) - WR_H(m)] - mean over the others of [WR_k(m) - WR_H(m)], where each difference is on
    the comparisons of the system that this judge, all the others and people decided on.

    Parameters
    ----------
    judge : Reconciled
    others : sequence of Reconciled
        Judges outside the family.
    system : int
        A system of the judge's family.

    Returns
    -------
    Estimate
        In win rate; bootstrap over prompts. ``details``: `judge`, `humans` and `others`, the three
        win rates. None with `one_judge` without another judge: a judge that stretches every
        difference cannot be told from one that favours its own.
    """
    method = "self_preference"
    if not others:
        reason = (
            "no judge outside the family: exaggeration and self-preference cannot be told apart"
        )
        return undefined(method, 0, WarningCode.ONE_JUDGE, reason=reason)
    first = comparisons.system_a == system
    number = humans.counts.sum(axis=1)
    row: NDArray[np.bool_] = (first | (comparisons.system_b == system)) & (number > 0)
    for one in (judge, *others):
        row = row & (one.category != MISSING)
    n = int(row.sum())
    if n < _FEWEST:
        reason = f"fewer than {_FEWEST} comparisons that all these judges and people decided on"
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    sign = np.where(first[row], 1.0, -1.0)

    def rate(score: Floats) -> Floats:
        return np.asarray((1 + sign * score) / 2, dtype=np.float64)

    own = rate(judge.score[row])
    rest = np.mean([rate(other.score[row]) for other in others], axis=0)
    people = rate(2 * (humans.counts[row] @ VERDICT_SCORE) / number[row] - 1)
    # The human rate stands in both differences and falls out.
    sums = sums_by_prompt(comparisons.prompt[row], np.column_stack([own - rest, np.ones(n)]))

    def statistic(totals: Floats) -> Floats:
        return np.asarray(totals[:, 0] / totals[:, 1], dtype=np.float64)

    name = f"{method}_{system}"
    return bootstrapped(
        float((own - rest).mean()),
        prompt_bootstrap(sums, statistic, seed=seed, method=name, level=level),
        method=f"{method}_prompt_bootstrap",
        n=n,
        prompts=int(sums.shape[0]),
        seed=seed,
        level=level,
        judge=float(own.mean()),
        humans=float(people.mean()),
        others=float(rest.mean()),
    )
