"""Does the judge prefer the longer response more than people do?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.alignment.by_prompt import figure_by_prompt
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import prompt_bootstrap, sums_by_prompt
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, ShapeMismatch, VerdictCode, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["LENGTH_MATTERS", "length_effect", "longer_wins"]

# Characters; responses closer than this are of one length to a reader.
LENGTH_MATTERS = 30

# Precision of the prior on the slopes, as in style_control: finite also where length decides all.
_RIDGE = 1.0
_STEPS = 50
_FEWEST = 30

NO_TEXTS = "the responses' texts were not read"


def _checked(difference: Integers | None, comparisons: Comparisons) -> None:
    if difference is not None and difference.shape != (comparisons.n,):
        raise ShapeMismatch(
            f"difference has shape {difference.shape}; expected one number a comparison"
        )


def longer_wins(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    difference: Integers | None,
    *,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Share of comparisons that the judge gives to the longer response.

    Only where both the judge and the majority of people prefer a side and lengths differ by more
    than 30 characters. One half is not the neutral value: people prefer the longer one as well.

    Parameters
    ----------
    difference : int array of shape (comparisons,), optional
        Characters of response a less those of b; None where the texts were not read.

    Returns
    -------
    Estimate
        ``details``: `humans`, the same share of people; `excess`, judge less people, with
        `excess_low` and `excess_high` (bootstrap over prompts).
    """
    _checked(difference, comparisons)
    method = "longer_wins"
    if difference is None:
        return undefined(method, 0, WarningCode.DEGENERATE_SCALE, reason=NO_TEXTS)
    decided = _decisive(judge.category) & _decisive(humans.majority)
    row = decided & (np.abs(difference) > LENGTH_MATTERS)
    if not row.any():
        reason = "no comparison is decided by both and differs in length"
        return undefined(method, 0, WarningCode.NO_VOTES, reason=reason)
    longer = np.where(difference[row] > 0, VerdictCode.A, VerdictCode.B)
    by_judge, by_humans = judge.category[row] == longer, humans.majority[row] == longer
    sums = sums_by_prompt(
        comparisons.prompt[row],
        np.column_stack([by_judge.astype(np.float64) - by_humans, np.ones(longer.size)]),
    )

    def statistic(totals: Floats) -> Floats:
        return np.asarray(totals[:, 0] / totals[:, 1], dtype=np.float64)

    low, high = prompt_bootstrap(sums, statistic, seed=seed, method=method, level=level)
    figure = share_by_prompt(by_judge, comparisons.prompt[row], method=method, level=level)
    return replace(
        figure,
        details={
            **figure.details,
            "humans": float(by_humans.mean()),
            "excess": float(by_judge.mean() - by_humans.mean()),
            "excess_low": low,
            "excess_high": high,
        },
    )


def _decisive(verdict: Integers) -> NDArray[np.bool_]:
    return np.asarray((verdict == VerdictCode.A) | (verdict == VerdictCode.B))


def length_effect(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    difference: Integers | None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Length effect net of human preference: phi of a logistic regression.

    logit P(judge says a) = alpha + beta h + phi tanh(D / SD D), h the mean vote from A's side and D
    the difference in characters. The judge's score stands for P, so that ties count half; a normal
    prior with standard deviation 1 on beta and phi keeps a judge who sees nothing but length
    finite.

    Returns
    -------
    Estimate
        In logits; sandwich error with prompts as clusters, Student's t. ``details``: `scale`, the
        standard deviation of D in characters; `preference`, beta. None with `separated` where the
        judge gives all to a, or all to b: any intercept then explains it. Without an interval, with
        `degenerate_scale`, where what is left of the judgments does not vary.
    """
    _checked(difference, comparisons)
    method = "length_effect"
    if difference is None:
        return undefined(method, 0, WarningCode.DEGENERATE_SCALE, reason=NO_TEXTS)
    number = humans.counts.sum(axis=1)
    row = (number > 0) & (judge.category != MISSING)
    n = int(row.sum())
    scale = float(difference[row].std()) if n else 0.0
    if n < _FEWEST:
        reason = f"fewer than {_FEWEST} comparisons with votes and a judgment"
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    if scale == 0:
        reason = "all differences in length are the same"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)
    h = 2 * (humans.counts[row] @ VERDICT_SCORE) / number[row] - 1
    design = np.column_stack([np.ones(n), h, np.tanh(difference[row] / scale)])
    target = (1 + judge.score[row]) / 2
    if target.min() == 1 or target.max() == 0:
        reason = "the judge gives every comparison to the same side"
        return undefined(method, n, WarningCode.SEPARATED, reason=reason)
    ridge = np.diag([0.0, _RIDGE, _RIDGE])
    point = np.zeros(3)
    converged = False
    for _ in range(_STEPS):
        chance = expit(design @ point)
        gradient = design.T @ (target - chance) - ridge @ point
        step = np.linalg.solve(_information(design, chance) + ridge + 1e-9 * np.eye(3), gradient)
        point = point + step / max(1.0, float(np.abs(step).max()) / 2)
        if float(np.abs(step).max()) < 1e-10:
            converged = True
            break
    chance = expit(design @ point)
    bread = np.linalg.inv(_information(design, chance) + ridge + 1e-9 * np.eye(3))
    residual = design * (target - chance)[:, None]
    sums = sums_by_prompt(comparisons.prompt[row], residual)
    prompts = int(sums.shape[0])
    if prompts < 2:
        reason = "all comparisons belong to one prompt"
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    meat = prompts / (prompts - 1) * sums.T @ sums
    se = float(np.sqrt(max((bread @ meat @ bread)[2, 2], 0.0)))
    return figure_by_prompt(
        float(point[2]),
        se,
        float(prompts - 1),
        method=method,
        n=n,
        prompts=prompts,
        level=level,
        converged=converged,
        warnings=(WarningCode.FEW_PROMPTS,) if prompts < FEW_CLUSTERS else (),
        details={"scale": scale, "preference": float(point[1])},
    )


def _information(design: Floats, chance: Floats) -> Floats:
    weight = chance * (1 - chance)
    return np.asarray(design.T @ (design * weight[:, None]), dtype=np.float64)
