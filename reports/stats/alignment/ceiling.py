"""How well people agree with each other: what a judge can be expected to reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.agreement import percent_agreement
from reports.stats.alignment.humans import Humans, unique_mode
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import prompt_bootstrap, sums_by_prompt
from reports.stats.ratings import Floats, Integers, Ratings, ratings
from reports.stats.results import Estimate, VerdictCode

__all__ = ["FEWEST_COMPARISONS", "human_agreement", "human_ceiling", "leave_one_out"]

# With fewer comparisons only their number is shown for a rater.
FEWEST_COMPARISONS = 30


def _subset(humans: Humans, row: NDArray[np.bool_]) -> Ratings:
    whole = humans.ratings
    return ratings(
        whole.item[row],
        whole.rater[row],
        whole.category[row],
        n_categories=whole.n_categories,
        n_items=whole.n_items,
        n_raters=whole.n_raters,
        prompt=whole.prompt,
    )


def human_agreement(judge: Reconciled, humans: Humans, *, level: float = 0.95) -> Estimate:
    """Share of equal pairs of votes by distinct raters on the judged comparisons."""
    judged = (judge.category != MISSING)[humans.ratings.item]
    return percent_agreement(_subset(humans, judged).item_counts(), level=level)


def human_ceiling(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    seed: int,
    level: float = 0.95,
) -> Estimate:
    """Human-human agreement over all pairs of votes by distinct raters on a judged comparison.

    Returns
    -------
    Estimate
        The counterpart of the judge's agreement with single votes; `n` counts pairs.
        ``details``: `no_ties`, the same without tied votes; `leave_one_out`, raters and judge
        against the majority of the other raters on the same comparisons.
    """
    judged = (judge.category != MISSING)[humans.ratings.item]
    verdict = humans.ratings.category
    decided = (verdict == VerdictCode.A) | (verdict == VerdictCode.B)
    everything = human_agreement(judge, humans, level=level)
    no_ties = percent_agreement(_subset(humans, judged & decided).item_counts(), level=level)
    others = leave_one_out(judge, humans, comparisons, seed=seed, level=level)
    return replace(
        everything,
        details={**everything.details, "no_ties": no_ties.as_dict(), "leave_one_out": others},
    )


def leave_one_out(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    seed: int,
    level: float = 0.95,
) -> dict[str, Any]:
    """Each rater, and the judge in his place, against the majority of the other raters.

    Comparisons without a single commonest verdict of the others, or without a judgment, are
    left out for both.

    Returns
    -------
    dict
        `n` (comparison, rater) pairs, shares `judge` and `humans`, their `difference` with
        `low` and `high` (bootstrap over prompts), and `raters`: the same for each rater code;
        below 30 comparisons only `n`.
    """
    rated = humans.ratings
    remaining = humans.counts[rated.item]
    remaining[np.arange(rated.item.size), rated.category] -= 1
    target = unique_mode(remaining)
    row = (target != MISSING) & (judge.category[rated.item] != MISSING)
    item, rater, target = rated.item[row], rated.rater[row], target[row]
    by_human = rated.category[row] == target
    by_judge = judge.category[item] == target
    sums = np.column_stack([by_judge, by_human, np.ones(item.size)]).astype(np.float64)
    prompt = comparisons.prompt[item]
    whole = _difference(sums, prompt, seed, "leave_one_out", level)
    raters = []
    order = np.argsort(rater, kind="stable")
    codes, start = np.unique(rater[order], return_index=True)
    groups = np.split(order, start[1:]) if codes.size else []
    for code, rows in zip(codes.tolist(), groups, strict=True):
        figures: dict[str, Any] = {"n": int(rows.size)}
        if rows.size >= FEWEST_COMPARISONS:
            method = f"leave_one_out_{code}"
            figures = _difference(sums[rows], prompt[rows], seed, method, level)
        raters.append({"rater": code, **figures})
    return {**whole, "raters": raters}


def _difference(
    sums: Floats, prompt: Integers, seed: int, method: str, level: float
) -> dict[str, Any]:
    n = int(sums.shape[0])
    if n == 0:
        return {"n": 0, "judge": None, "humans": None, "difference": None, "low": None,
                "high": None}  # fmt: skip
    by_judge, by_human, _ = sums.sum(axis=0)

    def statistic(totals: Floats) -> Floats:
        return np.asarray((totals[:, 0] - totals[:, 1]) / totals[:, 2], dtype=np.float64)

    low, high = prompt_bootstrap(
        sums_by_prompt(prompt, sums), statistic, seed=seed, method=method, level=level
    )
    return {
        "n": n,
        "judge": float(by_judge / n),
        "humans": float(by_human / n),
        "difference": float((by_judge - by_human) / n),
        "low": low,
        "high": high,
    }
