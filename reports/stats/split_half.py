"""Would other annotators have ranked the systems alike? Reliability from random halves."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from reports.stats.bradley_terry import ridge_strengths
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.connectivity import weak_components
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, WarningCode, generator, undefined
from reports.stats.votes import BothBadPolicy, IntArray, TiePolicy, Votes

__all__ = ["split_half_reliability"]

# Fewer annotators than this have too few different halves: prompts are halved instead.
FEWEST_UNITS = 4

# Two systems can only agree or disagree, which is no correlation.
FEWEST_SYSTEMS = 3

SPLITS = 200

SPLIT_HALF = "split_half_spearman"

# Strengths closer than this share a rank, as on the leaderboard.
_RANK_DECIMALS = 8


def split_half_reliability(
    votes: Votes,
    *,
    seed: int,
    splits: int = SPLITS,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
) -> Estimate:
    """Rank correlation between the leaderboards of two random halves of the annotators.

    Each half is fitted with the prior N(0, 1), so that no system is lost; prompts are halved
    where fewer than four annotators voted. Where the comparison graph falls apart, only the
    component with most systems (then most votes) is used, and `disconnected` is warned.

    Returns
    -------
    Estimate
        Mean Spearman correlation; `low` and `high` are the 2.5 and 97.5 percentiles over
        splits, which is not an interval for the population. `n` counts systems. ``details``:
        `spearman_brown` 2r/(1+r) of the mean Pearson correlation, `pearson` with its range,
        `split_by`, `splits` (those with a correlation).
    """
    method = SPLIT_HALF
    counted = votes.counted(ties, both_bad)
    if counted.n == 0:
        return undefined(method, 0, WarningCode.NO_VOTES, reason="there are no votes")
    _, total = Cells.from_votes(counted).scores(ties, both_bad)
    component = weak_components(total)
    systems, warnings = _largest(component, total)
    if systems.size < FEWEST_SYSTEMS:
        reason = "fewer than three systems are connected by votes"
        codes = warnings or (WarningCode.DEGENERATE_SCALE,)
        return undefined(method, int(systems.size), *codes, reason=reason)
    inside = counted.take(np.isin(counted.system_a, systems))
    units, by = _units(inside)
    n_units = int(units.max()) + 1
    if n_units < FEWEST_UNITS:
        reason = f"fewer than {FEWEST_UNITS} annotators and fewer than {FEWEST_UNITS} prompts"
        return undefined(
            method,
            int(systems.size),
            *warnings,
            WarningCode.FEW_ANNOTATORS,
            WarningCode.FEW_PROMPTS,
            reason=reason,
        )
    if by == "prompts":
        warnings = (*warnings, WarningCode.FEW_ANNOTATORS)
    random = generator(seed, method)
    chosen = np.zeros((splits, n_units))
    for row in chosen:
        row[random.permutation(n_units)[: n_units // 2]] = 1
    first, second = _strengths_of_halves(inside, systems, units, chosen)
    pearson = _correlations(first, second)
    spearman = _correlations(
        _average_ranks(np.round(first, _RANK_DECIMALS)),
        _average_ranks(np.round(second, _RANK_DECIMALS)),
    )
    defined = np.isfinite(pearson) & np.isfinite(spearman)
    if not np.any(defined):
        reason = "no half of the votes tells the systems apart"
        return undefined(
            method, int(systems.size), *warnings, WarningCode.DEGENERATE_SCALE, reason=reason
        )
    pearson, spearman = pearson[defined], spearman[defined]
    low, high = np.percentile(spearman, [2.5, 97.5])
    pearson_low, pearson_high = np.percentile(pearson, [2.5, 97.5])
    r, mean = float(pearson.mean()), float(spearman.mean())
    details: dict[str, Any] = {
        "pearson": {"mean": r, "low": float(pearson_low), "high": float(pearson_high)},
        "spearman_brown": 2 * r / (1 + r) if r > -1 + 1e-12 else None,
        "split_by": by,
        "splits": int(defined.sum()),
        "range": "percentiles_over_splits",
    }
    return Estimate(
        mean,
        # A mean can lie outside its percentiles where few splits are far off.
        min(float(low), mean),
        max(float(high), mean),
        method,
        int(systems.size),
        n_clusters={by: n_units},
        level=None,
        seed=seed,
        warnings=warnings,
        details=details,
    )


def _largest(component: Integers, total: Floats) -> tuple[Integers, tuple[WarningCode, ...]]:
    """Systems of the component with most systems, then most votes, then the first."""
    labels = component[component >= 0]
    sizes = np.bincount(labels)
    votes = np.bincount(labels, total.sum(axis=1)[component >= 0])
    order = np.lexsort((np.arange(sizes.size), -votes, -sizes))
    warnings = (WarningCode.DISCONNECTED,) if sizes.size > 1 else ()
    return np.flatnonzero(component == order[0]), warnings


def _units(votes: Votes) -> tuple[IntArray, str]:
    """What is halved: a code from 0 for each vote, without gaps, and its name."""
    code, annotators = compact(votes.annotator)
    if annotators >= FEWEST_UNITS:
        return code, "annotators"
    return compact(votes.prompt)[0], "prompts"


def _strengths_of_halves(
    votes: Votes, systems: Integers, units: IntArray, chosen: Floats
) -> tuple[Floats, Floats]:
    """Strengths from the chosen units and from the others, each (splits, systems)."""
    m = systems.size
    position = np.zeros(votes.n_systems, dtype=np.int32)
    position[systems] = np.arange(m)
    a, b = position[votes.system_a], position[votes.system_b]
    pair = np.minimum(a, b) * m + np.maximum(a, b)
    points = votes.score()
    points[a > b] = 1 - points[a > b]
    del a, b
    pairs = np.flatnonzero(np.bincount(pair))
    row = np.searchsorted(pairs, np.arange(m * m)).astype(np.int32)[pair]
    shape = (pairs.size, chosen.shape[1])
    # A pair a row: the product then runs along the rows of memory.
    place = (row, units.astype(np.int32))
    scored = csr_array((points, place), shape=shape)
    counted = csr_array((np.ones(points.size), place), shape=shape)
    del pair, row, place, points
    for table in (scored, counted):
        table.sum_duplicates()
    low, high = pairs // m, pairs % m

    def fit(points_of_pair: Floats, votes_of_pair: Floats) -> Floats:
        square, total = np.zeros((m, m)), np.zeros((m, m))
        square[low, high] = points_of_pair
        square[high, low] = votes_of_pair - points_of_pair
        total[low, high] = total[high, low] = votes_of_pair
        return ridge_strengths(square, total)

    everything = np.ones(chosen.shape[1])
    all_points, all_votes = scored @ everything, counted @ everything
    half_points, half_votes = (scored @ chosen.T).T, (counted @ chosen.T).T
    halves = list(zip(half_points, half_votes, strict=True))
    first = np.array([fit(p, v) for p, v in halves])
    second = np.array([fit(all_points - p, all_votes - v) for p, v in halves])
    return first, second


def _average_ranks(values: Floats) -> Floats:
    """Ranks row by row, tied ones at their mean: scipy.stats.rankdata, which takes a second to
    load and is all that a usual report would need of it."""
    ranks = np.empty(values.shape)
    for row, own in zip(ranks, values, strict=True):
        ordered = np.sort(own)
        row[:] = np.searchsorted(ordered, own) + np.searchsorted(ordered, own, "right") + 1
    return ranks / 2


def _correlations(first: Floats, second: Floats) -> Floats:
    """Pearson correlation row by row; NaN where a row does not vary."""
    x = first - first.mean(axis=1, keepdims=True)
    y = second - second.mean(axis=1, keepdims=True)
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    product = (x * y).sum(axis=1)
    varies = scale > 1e-12
    out = np.full(scale.shape, np.nan)
    out[varies] = np.clip(product[varies] / scale[varies], -1, 1)
    return out
