"""Wilcoxon's signed-rank test on the margins of graded votes, pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.graded import signed_grades
from reports.stats.group_sums import group_sum
from reports.stats.significance import holm
from reports.stats.votes import FloatArray, Votes
from reports.stats.win_rates import pair_index

__all__ = ["MarginTest", "margin_tests"]

EXACT_PROMPTS = 25
"""Up to this many prompts without equal or zero means the distribution of the rank sum is
exact; beyond it, or with them, the normal approximation takes over."""


@dataclass(frozen=True, slots=True)
class MarginTest:
    """One pair.

    Attributes
    ----------
    first, second : int
        Codes, first < second.
    prompts : int
        Prompts with votes on the pair: the units of the test.
    mean_margin : float
        Mean grade in favour of the first, each prompt counted once.
    p_value, p_adjusted : float
        Two-sided; Holm over all pairs with votes.
    method : str
    """

    first: int
    second: int
    prompts: int
    mean_margin: float
    p_value: float
    p_adjusted: float
    method: str


def margin_tests(votes: Votes, margin: ArrayLike, steps: int) -> tuple[MarginTest, ...]:
    """Test each pair's mean margins by prompt against symmetry around 0.

    Prompts are the units, as in the sign-flip test. Prompts whose margins cancel keep their
    rank and give half of it to each side (Pratt's zeros are not dropped).

    Parameters
    ----------
    votes : Votes
    margin : array_like of int, shape (votes.n,)
    steps : int

    Raises
    ------
    ShapeMismatch
    """
    grade = signed_grades(votes, margin, steps)
    low = np.minimum(votes.system_a, votes.system_b)
    high = np.maximum(votes.system_a, votes.system_b)
    toward_low = np.where(votes.system_a == low, grade, -grade).astype(np.float64)
    pair = pair_index(low, high, votes.n_systems)
    unit, place = np.unique(pair * np.int64(votes.n_prompts) + votes.prompt, return_inverse=True)
    mean = group_sum(place, toward_low, unit.size) / np.bincount(place, minlength=unit.size)
    owner = unit // max(votes.n_prompts, 1)
    first, second = np.triu_indices(votes.n_systems, 1)
    found = []
    for code in np.unique(owner).tolist():
        margins = mean[owner == code]
        size = np.abs(margins)
        plain = margins.size <= EXACT_PROMPTS and np.unique(size[size > 0]).size == margins.size
        method = "exact" if plain else "asymptotic"
        p_value = _signed_rank(margins, exact=plain) if bool(size.any()) else 1.0
        found.append((code, margins.size, float(margins.mean()), p_value, method))
    adjusted = holm([entry[3] for entry in found])
    return tuple(
        MarginTest(
            int(first[code]),
            int(second[code]),
            prompts,
            average,
            p_value,
            float(corrected),
            f"wilcoxon_{method}",
        )
        for (code, prompts, average, p_value, method), corrected in zip(
            found, adjusted, strict=True
        )
    )


def _signed_rank(values: FloatArray, *, exact: bool) -> float:
    """Two-sided p-value."""
    # Imported here: scipy.stats takes a second to load, and few studies have grades.
    from scipy.stats import wilcoxon

    if exact:
        return float(wilcoxon(values, zero_method="zsplit", method="exact", axis=None).pvalue)
    return float(wilcoxon(values, zero_method="zsplit", method="approx", axis=None).pvalue)
