"""The alt-test: may the judge replace an annotator? (Calderon, Reichart & Dror 2025)"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtr

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, StatsError, WarningCode, undefined

__all__ = ["EPSILON", "Expertise", "alt_test", "benjamini_yekutieli"]

Expertise = Literal["experts", "trained", "crowd"]

EPSILON: dict[str, float] = {"experts": 0.2, "trained": 0.15, "crowd": 0.1}
"""What an annotator's cost is worth in agreement: the margin granted to the judge."""

# The t test of a rater needs this many comparisons; with fewer, Wilcoxon by explicit choice.
FEWEST_COMPARISONS = 30
ADVISED_RATERS = 3
FALSE_DISCOVERY_RATE = 0.05
PASSING_RATE = 0.5
POWER = 0.8
# Of differences -1, 0 and 1 that happen to be all alike so far.
_LEAST_SPREAD = 0.1


def benjamini_yekutieli(p_values: ArrayLike, q: float = FALSE_DISCOVERY_RATE) -> int:
    """Number of rejections under any dependence (Benjamini & Yekutieli 2001).

    The largest rank whose p-value is at or below its line; the smallest that many are rejected,
    even those above their own line.
    """
    p = np.sort(np.asarray(p_values, dtype=np.float64))
    rank = np.arange(1, p.size + 1)
    line = rank * q / (p.size * (1 / rank).sum()) if p.size else rank
    return int(rank[p <= line].max(initial=0))


def alt_test(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    epsilon: float | None = None,
    expertise: Expertise = "trained",
    fewest: int = FEWEST_COMPARISONS,
    verdict_allowed: bool = True,
) -> Estimate:
    """Winning rate: the share of raters whom the judge represents at least as well as they do.

    For each rater, judge and rater are scored by how many of the other raters on the same
    comparison they equal. The judge wins against a rater if its disadvantage is significantly
    below epsilon, controlled over raters.

    Parameters
    ----------
    epsilon : float, optional
        Margin granted to the judge; by default that of `expertise`.
    fewest : int
        Comparisons a rater needs to take part. Below 30 a Wilcoxon signed-rank test replaces
        the t test for that rater.
    verdict_allowed : bool
        Whether there are enough data for `passed`; otherwise it is None.

    Returns
    -------
    Estimate
        omega; `n` counts the raters who took part. ``details``: `rho`, mean share of
        comparisons where the judge does at least as well, which orders judges; `epsilon`,
        `epsilon_needed`, the smallest margin in hundredths with which it would pass;
        `comparisons_needed` an annotator to tell, None where more would not help; `passed` (omega
        of a half or more), `design_effect` of several comparisons a prompt,
        `raters`. None with `few_annotators` (or `single_annotator`) where nobody qualifies.
    """
    method = "alt_test_winning_rate"
    margin = EPSILON[expertise] if epsilon is None else epsilon
    if not math.isfinite(margin):
        raise StatsError(f"epsilon is {epsilon}; expected a number")
    rated = humans.ratings
    said = judge.category[rated.item]
    counts = humans.counts[rated.item]
    row = (said != MISSING) & (counts.sum(axis=1) >= 2)
    said, counts, own = said[row], counts[row], rated.category[row]
    rater, prompt = rated.rater[row], comparisons.prompt[rated.item[row]]
    position = np.arange(said.size)
    by_judge = counts[position, said] - (said == own)
    by_rater = counts[position, own] - 1
    judge_wins = by_judge >= by_rater
    disadvantage = (by_rater >= by_judge).astype(np.float64) - judge_wins
    raters = []
    tested: list[Floats] = []
    order = np.argsort(rater, kind="stable")
    codes, start = np.unique(rater[order], return_index=True)
    groups = np.split(order, start[1:]) if codes.size else []
    for code, rows in zip(codes.tolist(), groups, strict=True):
        if rows.size >= fewest:
            tested.append(disadvantage[rows])
            raters.append(
                {
                    "rater": code,
                    "n": int(rows.size),
                    "rho": float(judge_wins[rows].mean()),
                    "disadvantage": float(disadvantage[rows].mean()),
                    **_test(disadvantage[rows], margin),
                }
            )
    if not raters:
        alone = rated.raters_used() == 1
        code_of = WarningCode.SINGLE_ANNOTATOR if alone else WarningCode.FEW_ANNOTATORS
        reason = f"no annotator shares {fewest} judged comparisons with another"
        return undefined(method, 0, code_of, reason=reason, epsilon=margin)
    omega = benjamini_yekutieli([entry["p_value"] for entry in raters]) / len(raters)
    few = len(raters) < ADVISED_RATERS
    details: dict[str, Any] = {
        "rho": sum(entry["rho"] for entry in raters) / len(raters),
        "epsilon": margin,
        "epsilon_needed": _margin_needed(tested),
        "comparisons_needed": _comparisons_needed(tested, margin),
        "passed": omega >= PASSING_RATE if verdict_allowed and not few else None,
        "design_effect": _design_effect(disadvantage, prompt),
        "raters": raters,
    }
    return Estimate(
        omega,
        None,
        None,
        method,
        len(raters),
        n_clusters={"prompts": int(np.unique(prompt).size)},
        level=None,
        warnings=(WarningCode.FEW_ANNOTATORS,) if few else (),
        details=details,
    )


def _comparisons_needed(disadvantages: Sequence[Floats], margin: float) -> int | None:
    """Comparisons an annotator with which the judge would pass four times in five, as it is now.

    None where it has passed the margin for fewer than half of them: more comparisons would show
    only more surely that it falls short. Planned for half of the annotators passing the line of
    Benjamini and Yekutieli for that many, and the others not.
    """
    raters = len(disadvantages)
    half = math.ceil(raters * PASSING_RATE)
    line = FALSE_DISCOVERY_RATE * half / (raters * sum(1 / u for u in range(1, raters + 1)))
    quantiles = float(ndtri(1 - line)) + float(ndtri(POWER))
    needed = sorted(
        (quantiles * max(float(rows.std()), _LEAST_SPREAD) / (margin - float(rows.mean()))) ** 2
        for rows in disadvantages
        if rows.mean() < margin
    )
    return math.ceil(needed[half - 1]) if len(needed) >= half else None


def _margin_needed(disadvantages: Sequence[Floats]) -> float | None:
    """Smallest margin in hundredths, up to 1, at which the judge would pass."""

    def passes(hundredths: int) -> bool:
        p_values = [_test(rows, hundredths / 100)["p_value"] for rows in disadvantages]
        return benjamini_yekutieli(p_values) >= PASSING_RATE * len(disadvantages)

    # A larger margin never makes a p-value larger, so that passing is monotone.
    low, high = 0, 101
    while low < high:
        middle = (low + high) // 2
        if middle > 100 or passes(middle):
            high = middle
        else:
            low = middle + 1
    return low / 100 if low <= 100 else None


SMALLEST = float(np.finfo(np.float64).tiny)
"""A p-value below what the machine can hold is not 0."""


def _test(disadvantage: Floats, margin: float) -> dict[str, Any]:
    """One-sided p-value that the mean disadvantage is at least the margin."""
    n = disadvantage.size
    if n < FEWEST_COMPARISONS:
        from scipy.stats import wilcoxon

        # Three distinct values: the exact distribution does not hold under such ties.
        test = wilcoxon(
            disadvantage - margin, alternative="less", zero_method="zsplit", method="approx"
        )
        return {"p_value": float(test.pvalue), "test": "wilcoxon"}
    mean, spread = float(disadvantage.mean()), float(disadvantage.std(ddof=1))
    if spread == 0:
        # All alike: no error to divide by. All on one side is the exact sign test's extreme.
        return {"p_value": max(math.ldexp(1.0, -n), SMALLEST) if mean < margin else 1.0,
                "test": "sign"}  # fmt: skip
    t = (mean - margin) / (spread / math.sqrt(n))
    return {"p_value": max(float(stdtr(n - 1, t)), SMALLEST), "test": "t"}


def _design_effect(disadvantage: Floats, prompt: Integers) -> float | None:
    """Variance of the mean when prompts are the units, over that of independent rows."""
    deviation = disadvantage - disadvantage.mean()
    independent = float(deviation @ deviation)
    sums = sums_by_prompt(prompt, deviation[:, None])
    prompts, n = sums.shape[0], deviation.size
    if independent == 0 or prompts < 2:
        return None
    clustered = prompts / (prompts - 1) * float((sums**2).sum())
    return float(clustered / (independent * n / (n - 1)))
