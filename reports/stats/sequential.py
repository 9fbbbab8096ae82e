"""Evidence that stays valid however often somebody looks: e-values and confidence sequences.

A mixture of betting martingales (Robbins 1970; Waudby-Smith & Ramdas 2024, doi
10.1093/jrsssb/qkad009). Against "the mean score is μ" a vote of score y multiplies the capital
of the bettor q by 1 + λ(y - μ), λ = (q - μ)/(μ(1-μ)); the e-value is the mean capital of 1,024
bettors fixed before the data. Valid for any scores within [0, 1]; at μ = ½ ties cost nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit

from reports.stats.intervals import check_level
from reports.stats.mean_scores import MeanScores
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch, WarningCode
from reports.stats.votes import FloatArray, IntArray

__all__ = [
    "SequentialLook",
    "confidence_sequence",
    "deflation",
    "e_benjamini_hochberg",
    "log_e_values",
    "sequential_looks",
]

NODES = 1024
"""Chebyshev nodes: equal weights there are the Beta(½, ½) mixture, exactly so up to 2,047
votes."""

FEWEST_PROMPTS = 10
"""No look before so many prompts of a pair have votes: the deflation needs clusters."""

INTERVAL_PAIRS = 500
"""Up to so many pairs (32 systems have 496) intervals are found, which costs some 0.5 ms each;
beyond it the e-values stand alone."""

BLOCK_PAIRS = 32
"""Pairs evaluated together: 256 kB an array of pairs by nodes stay in the processor's cache."""

LARGEST_LOG = 690.0
"""An e-value is shown up to e^690 = 1e299, which a JSON number holds."""

NEGLIGIBLE = -80.0
"""Nodes with less than e^-80 of the largest capital count as having that much."""

MAX_STEPS = 60
"""Bisection alone reaches the tolerance in 44 steps; with Newton's steps 6 are usual."""

TOLERANCE = 1e-10
"""Largest last step in logits, and so the error of a bound as a share of its distance from 0 or 1,
whichever is nearer."""

FURTHEST = 700.0
"""Logits beyond which a bound is 0 or 1: e^-700 = 1e-304 is nearly the least normal number."""

_ANGLE = (2 * np.arange(1, NODES + 1) - 1) * np.pi / (2 * NODES)
# Half-angle forms: 1 - q is exact at both ends.
_NODE = np.cos(_ANGLE / 2) ** 2
_REST = np.sin(_ANGLE / 2) ** 2
_LOG_NODE, _LOG_REST = np.log(_NODE), np.log(_REST)


@dataclass(frozen=True, slots=True)
class SequentialLook:
    """What the votes of one pair say, whenever they are looked at.

    Attributes
    ----------
    e_value : float or None
        Evidence against equal systems, from deflated counts; None before ten prompts have
        votes. At most 1e299.
    low, high : float or None
        Confidence sequence of the mean score of the first system. None without an e-value, or
        where there are too many pairs to find it for each.
    deflation : float or None
        What the counts were multiplied by, as votes share prompts and annotators.
    decided : bool
        Whether the difference may be claimed: by e-BH over the pairs of the component.
    warnings : tuple of WarningCode
    """

    e_value: float | None
    low: float | None
    high: float | None
    deflation: float | None
    decided: bool
    warnings: tuple[WarningCode, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it."""
        return {
            "e_value": self.e_value,
            "low": self.low,
            "high": self.high,
            "deflation": self.deflation,
            "decided": self.decided,
            "warnings": [str(code) for code in self.warnings],
        }


def _counts(wins: ArrayLike, ties: ArrayLike, losses: ArrayLike) -> tuple[FloatArray, ...]:
    columns = tuple(
        np.atleast_1d(np.asarray(count, dtype=np.float64)) for count in (wins, ties, losses)
    )
    for name, column in zip(("wins", "ties", "losses"), columns, strict=True):
        if column.ndim != 1 or column.shape != columns[0].shape:
            raise ShapeMismatch(f"{name} has shape {column.shape}, wins has {columns[0].shape}")
        if not bool(np.isfinite(column).all()):
            raise NonFiniteInput(f"{name} holds a number that is not finite")
        if column.size and float(column.min()) < 0:
            raise NegativeCount(f"{name} holds {float(column.min())}; expected 0 or more")
    return columns


def log_e_values(
    wins: ArrayLike, ties: ArrayLike, losses: ArrayLike, mean: ArrayLike = 0.5
) -> FloatArray:
    """ln E(μ) of counts, which need not be whole numbers.

    Parameters
    ----------
    wins, ties, losses : array_like of float, shape (pairs,), or numbers
        Votes of score 1, ½ and 0.
    mean : array_like of float
        The hypothesis μ, within (0, 1), one for all or one a pair.

    Returns
    -------
    float array, shape (pairs,)

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount
    """
    w, t, x = _counts(wins, ties, losses)
    mu = np.broadcast_to(np.asarray(mean, dtype=np.float64), w.shape)
    if not bool(((mu > 0) & (mu < 1)).all()):
        raise NonFiniteInput("mean must lie within (0, 1)")
    out = np.empty(w.size)
    for low in range(0, w.size, BLOCK_PAIRS):
        block = slice(low, low + BLOCK_PAIRS)
        place = mu[block]
        tied = None
        if bool((place != 0.5).any()):
            tied = _NODE / place[:, None] + _REST / (1 - place)[:, None]
        constant = w[block] * np.log(place) + x[block] * np.log1p(-place)
        out[block] = _capital(w[block], t[block], x[block], constant, tied)[1]
    return out


def _capital(
    w: FloatArray, t: FloatArray, x: FloatArray, constant: FloatArray, tied: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Capital of each node as a share of the largest, shape (pairs, nodes), and ln E(μ).

    `constant` is w ln μ + l ln(1-μ), `tied` q/μ + (1-q)/(1-μ); None where ties cost nothing.
    """
    capital = np.outer(w, _LOG_NODE)
    capital += np.outer(x, _LOG_REST)
    if tied is not None:
        capital += t[:, None] * np.log(tied / 2)
    largest = capital.max(axis=1)
    capital -= largest[:, None]
    # Numbers below the normal range are slow to work with, and what they add cannot be seen.
    np.maximum(capital, NEGLIGIBLE, out=capital)
    np.exp(capital, out=capital)
    return capital, largest + np.log(capital.sum(axis=1) / NODES) - constant


def _log_e(
    w: FloatArray, t: FloatArray, x: FloatArray, logit: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """ln E(μ) and its derivative by ln(μ/(1-μ))."""
    odds = np.exp(logit)[:, None]
    down, up = _NODE / odds, _REST * odds
    tied = down + up
    tied += 1
    constant = w * log_expit(logit) + x * log_expit(-logit)
    share, value = _capital(w, t, x, constant, tied)
    # Of q/μ + (1-q)/(1-μ), over itself.
    turn = up - down
    turn /= tied
    slope = np.einsum("ij,ij->i", share, turn) / share.sum(axis=1)
    return value, x * expit(logit) - w * expit(-logit) + t * slope


def confidence_sequence(
    wins: ArrayLike, ties: ArrayLike, losses: ArrayLike, *, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """All mean scores that the e-value does not reject: {μ: E(μ) < 1/α}, one interval.

    Found on either side of the observed mean, where E ≤ 1, by Newton's method in logits, held
    within a shrinking bracket: a bound next to 0 or 1 is as sharp as any other, and there ln E is
    nearly a straight line.

    Parameters
    ----------
    wins, ties, losses : array_like of float, shape (pairs,), or numbers
    level : float

    Returns
    -------
    low, high : float array, shape (pairs,)
        0 and 1 without a vote.

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount, InvalidLevel
    """
    check_level(level)
    w, t, x = _counts(wins, ties, losses)
    low, high = np.zeros(w.size), np.ones(w.size)
    target = -float(np.log1p(-level))
    for begin in range(0, w.size, BLOCK_PAIRS):
        rows = np.arange(begin, min(begin + BLOCK_PAIRS, w.size))
        above = rows[(w[rows] > 0) | (t[rows] > 0)]  # else the mean is 0 and so is the bound
        below = rows[(x[rows] > 0) | (t[rows] > 0)]
        low[above] = expit(_bound(w[above], t[above], x[above], -1, target))
        high[below] = expit(_bound(w[below], t[below], x[below], 1, target))
    return low, high


def _bound(w: FloatArray, t: FloatArray, x: FloatArray, side: int, target: float) -> FloatArray:
    """Logit below (`side` -1) or above (+1) that of the observed mean where ln E is `target`."""
    n = w + t + x
    mean = (w + t / 2) / n
    with np.errstate(divide="ignore"):
        inside = np.clip(np.log(w + t / 2) - np.log(x + t / 2), -FURTHEST, FURTHEST)
    outside = np.full(w.size, side * FURTHEST)
    # Near the bound of a normal mixture, where that lies within (0, 1); else a step away.
    reach = np.sqrt((w + t / 4) / n - mean**2 + 0.25 / n) * np.sqrt(
        (2 * target + np.log(n + 1)) / n
    )
    guess = mean + side * reach
    with np.errstate(divide="ignore", invalid="ignore"):
        normal = np.log(guess) - np.log1p(-guess)
    between = (guess > 0) & (guess < 1)
    at: FloatArray = np.where(
        between, normal, np.where(np.abs(inside) < FURTHEST, inside + side, 0)
    )
    active = np.arange(w.size)
    for _ in range(MAX_STEPS):
        if active.size == 0:
            break
        here = at[active]
        value, slope = _log_e(w[active], t[active], x[active], here)
        held = value < target
        inside[active] = np.where(held, here, inside[active])
        outside[active] = np.where(held, outside[active], here)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = here - (value - target) / slope
        near = np.minimum(inside[active], outside[active])
        far = np.maximum(inside[active], outside[active])
        usable = (newton > near) & (newton < far)
        at[active] = np.where(usable, newton, (near + far) / 2)
        active = active[(np.abs(at[active] - here) > TOLERANCE) & (far - near > TOLERANCE)]
    return at


def deflation(rates: MeanScores) -> FloatArray:
    """What to multiply the counts of each pair by, as clusters break the martingale.

    min(1, v_iid/v), v the two-way variance but not below either one-way variance; prompts/votes
    where all votes say the same. Approximate: it repairs the error rate, not the proof.

    Parameters
    ----------
    rates : MeanScores
        Two-way clustered.

    Returns
    -------
    float array, shape (groups,)
        1 for a group without votes.
    """
    clustered = np.fmax(np.fmax(rates.variance, rates.prompt_variance), rates.annotator_variance)
    alike = ~(rates.independent_variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(
            alike, rates.prompts / rates.votes, rates.independent_variance / clustered
        )
    out: FloatArray = np.where(rates.votes > 0, np.fmin(factor, 1.0), 1.0)
    return out


def e_benjamini_hochberg(e_values: ArrayLike, *, alpha: float = 0.05) -> NDArray[np.bool_]:
    """Which hypotheses e-BH rejects: the k largest with e_(k) ≥ m/(αk) (Wang & Ramdas 2022).

    The share of false rejections stays below alpha at any time, whatever the dependence.

    Parameters
    ----------
    e_values : array_like of float, shape (m,)
        0 or more; infinity is allowed.
    alpha : float

    Raises
    ------
    ShapeMismatch, NonFiniteInput, InvalidLevel
    """
    check_level(1 - alpha)
    e = np.asarray(e_values, dtype=np.float64)
    if e.ndim != 1:
        raise ShapeMismatch(f"e-values have {e.ndim} dimensions; expected one")
    if not bool((e >= 0).all()):
        raise NonFiniteInput("every e-value must be 0 or more")
    descending = np.sort(e)[::-1]
    passing = np.flatnonzero(descending * np.arange(1, e.size + 1) >= e.size / alpha)
    if passing.size == 0:
        return np.zeros(e.size, dtype=bool)
    return np.asarray(e >= descending[passing[-1]])


def sequential_looks(
    wins: IntArray,
    ties: IntArray,
    losses: IntArray,
    rates: MeanScores,
    component: IntArray,
    *,
    level: float = 0.95,
) -> tuple[SequentialLook, ...]:
    """The look of every pair of systems.

    Parameters
    ----------
    wins, ties, losses : int array, shape (pairs,)
        Counted votes of score 1, ½ and 0 for the first system.
    rates : MeanScores
        Of the same votes, two-way clustered.
    component : int array, shape (pairs,)
        Pairs of one component are one family for e-BH.
    level : float
        1 - level is the share of false claims allowed.

    Raises
    ------
    InvalidLevel
    """
    check_level(level)
    factor = deflation(rates)
    counts = np.stack([wins, ties, losses]) * factor
    open_pairs = np.flatnonzero(rates.prompts >= FEWEST_PROMPTS)
    log_e = np.full(factor.size, -np.inf)
    log_e[open_pairs] = log_e_values(*counts[:, open_pairs])
    low, high = np.full(factor.size, np.nan), np.full(factor.size, np.nan)
    if factor.size <= INTERVAL_PAIRS:
        low[open_pairs], high[open_pairs] = confidence_sequence(*counts[:, open_pairs], level=level)
    e_value = np.exp(np.minimum(log_e, LARGEST_LOG))
    decided = np.zeros(factor.size, dtype=bool)
    voted = rates.votes > 0
    for label in np.unique(component[voted]):
        family = voted & (component == label)
        decided[family] = e_benjamini_hochberg(e_value[family], alpha=1 - level)
    # Plain numbers, as single entries of arrays are slow to get at: there may be 20,000 pairs.
    columns = (rates.prompts, rates.votes, e_value, low, high, factor, decided)
    looks = []
    for prompts, votes, e, near, far, deflated, found in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        if prompts < FEWEST_PROMPTS:
            code = WarningCode.NO_VOTES if votes == 0 else WarningCode.FEW_PROMPTS
            looks.append(SequentialLook(None, None, None, None, False, (code,)))
            continue
        looks.append(
            SequentialLook(
                e_value=e,
                low=None if math.isnan(near) else near,
                high=None if math.isnan(far) else far,
                deflation=deflated,
                decided=found,
                warnings=(),
            )
        )
    return tuple(looks)
