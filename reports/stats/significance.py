"""Tests of a difference, and what many tests do to each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, ndtr

from reports.stats.results import (
    NegativeCount,
    NonFiniteInput,
    ShapeMismatch,
    generator,
)

IntArray = NDArray[np.integer[Any]]

__all__ = [
    "SignFlip",
    "benjamini_hochberg",
    "holm",
    "mcnemar",
    "sign_flip_floor",
    "sign_flip_test",
    "sign_flip_tests",
    "sign_test",
]

DRAWS = 20_000
FEW_HITS = 20
"""With fewer draws beyond the observed value their share is too coarse: a saddlepoint value
then stands for it."""

DIRECT_WORK = 2_000_000
"""Prompts times lattice points up to which the null distribution is built prompt by prompt,
exact to every digit (2 ms); one vote a prompt, or the same number on each, stays far below."""

TRANSFORM_POINTS = 1 << 20
"""Longest lattice whose distribution is taken from its Fourier transform (some 100 ms)."""

TRANSFORM_SMALLEST = 1e-9
"""The transform is exact to some 1e-15, so that six digits of this p-value are right; smaller
ones need another way."""

RARE_WORK = 20_000_000
"""Up to here such small values are built prompt by prompt (20 ms), beyond by saddlepoint."""

EXACT = "sign_flip_exact"

SMALL_GROUPS = 20
"""Up to so many votes a prompt, many groups are worked on together: lcm(1, …, 20) leaves room for
sums over a billion prompts in 64 bits."""

FEW_SIGNS = 16
"""Up to so many signs are drawn one by one: a binomial number costs as much as these."""

SMALLEST = float(np.finfo(np.float64).tiny)
"""A p-value below what the machine can hold is not 0."""


def sign_test(wins: ArrayLike, losses: ArrayLike) -> NDArray[np.float64]:
    """Exact two-sided sign test: binomial of wins in wins + losses at ½.

    Parameters
    ----------
    wins, losses : array_like of int
        Not negative. Without a decisive vote p is 1.

    Returns
    -------
    float array
        In the broadcast shape.

    Raises
    ------
    NegativeCount
    """
    w, x = np.asarray(wins), np.asarray(losses)
    if bool((w < 0).any()) or bool((x < 0).any()):
        raise NegativeCount("wins and losses must be 0 or more")
    p = 2 * bdtr(np.minimum(w, x), w + x, 0.5)
    return np.asarray(np.clip(p, SMALLEST, 1.0), dtype=np.float64)


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact McNemar test for two raters judged right or wrong on the same items.

    The exact sign test on the discordant cells (McNemar 1947, doi 10.1007/BF02295996).

    Parameters
    ----------
    first_only, second_only : int
        Items on which only the first, or only the second, was right.
    """
    return float(sign_test(first_only, second_only))


def sign_flip_floor(prompts: int) -> float:
    """Smallest p the sign-flip test can reach with so many prompts: 2^(1-P), at most 1."""
    return min(1.0, math.ldexp(1.0, 1 - prompts))


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Outcome of a sign-flip permutation test.

    Attributes
    ----------
    p_value : float
        Two-sided.
    method : str
        ``"sign_flip_exact"``, ``"sign_flip_draws"`` or ``"sign_flip_saddlepoint"``.
    prompts : int
        Units whose sign was flipped, including those with a mean of zero.
    """

    p_value: float
    method: str
    prompts: int


def sign_flip_test(points: ArrayLike, votes: ArrayLike, *, seed: int) -> SignFlip:
    """Sign-flip permutation test with prompts as units.

    R_p = points_p/votes_p; the statistic |Σ R_p| is compared with its distribution under
    random signs of whole prompts. The distribution lives on a lattice and is computed exactly
    by convolution or Fourier transform wherever that is affordable; otherwise from 20,000 draws,
    p = (1 + hits)/(1 + draws), with a saddlepoint value where fewer than 20 draws hit.

    Parameters
    ----------
    points : array_like of int, shape (prompts,)
        Wins less losses on each prompt (twice the sum of y - ½).
    votes : array_like of int, shape (prompts,)
        Votes on each prompt, at least 1.
    seed : int
        The study's seed.

    Raises
    ------
    ShapeMismatch, NegativeCount, NonFiniteInput
    """
    s, k = np.asarray(points), np.asarray(votes)
    if s.shape != k.shape or s.ndim != 1:
        raise ShapeMismatch(f"points has shape {s.shape} and votes {k.shape}")
    if s.size and not (np.issubdtype(s.dtype, np.integer) and np.issubdtype(k.dtype, np.integer)):
        raise NonFiniteInput("points and votes must be whole numbers")
    if bool((k < 1).any()):
        raise NegativeCount("every prompt needs at least one vote")
    moving = s != 0
    if not bool(moving.any()):
        return SignFlip(1.0, EXACT, int(s.size))
    sizes = k[moving]
    common = math.lcm(*(int(size) for size in np.unique(sizes)))
    lattice = [
        int(point) * (common // int(size)) for point, size in zip(s[moving], sizes, strict=True)
    ]
    divisor = math.gcd(*lattice)
    values = [value // divisor for value in lattice]
    magnitudes = tuple(sorted(abs(value) for value in values))
    plus = sum(value > 0 for value in values)
    p, method = _flipped(magnitudes, abs(sum(values)), plus, seed, _Distributions())
    return SignFlip(p, method, int(s.size))


def sign_flip_tests(
    points: IntArray, votes: IntArray, bounds: IntArray, *, seed: int
) -> list[SignFlip | None]:
    """:func:`sign_flip_test` of many groups of prompts; None for a group without any.

    Groups whose prompts have the same lattice share its distribution, so that thousands of pairs
    of systems take little longer than their lattices.

    Parameters
    ----------
    points, votes : int array, shape (prompts,)
    bounds : int array, shape (groups + 1,)
        A group is ``points[bounds[g]:bounds[g + 1]]``.
    seed : int
    """
    held = np.diff(bounds).tolist()
    begins = bounds.tolist()
    if votes.size and int(votes.max()) > SMALL_GROUPS:
        return [
            sign_flip_test(points[begin : begin + n], votes[begin : begin + n], seed=seed)
            if n
            else None
            for begin, n in zip(begins, held, strict=False)
        ]
    found = [SignFlip(1.0, EXACT, n) if n else None for n in held]
    moving = points != 0
    owner = np.repeat(np.arange(len(held)), held)[moving]
    if owner.size == 0:
        return found
    groups, first, place = np.unique(owner, return_index=True, return_inverse=True)
    size = votes[moving]
    value = points[moving] * (np.lcm.reduceat(size, first)[place] // size)
    value //= np.gcd.reduceat(value, first)[place]
    observed = np.abs(np.add.reduceat(value, first)).tolist()
    plus = np.add.reduceat((value > 0).astype(np.int64), first).tolist()
    size = np.abs(value)
    size = size[np.lexsort((size, place))]
    ends = [*first[1:].tolist(), size.size]
    magnitudes = [
        tuple(size[begin:end].tolist()) for begin, end in zip(first.tolist(), ends, strict=True)
    ]
    known = _Distributions()
    # Lattices that begin alike one after the other: see there.
    for number in sorted(range(len(magnitudes)), key=magnitudes.__getitem__):
        p, method = _flipped(magnitudes[number], observed[number], plus[number], seed, known)
        group = int(groups[number])
        found[group] = SignFlip(p, method, held[group])
    return found


def _flipped(
    magnitudes: tuple[int, ...], observed: int, plus: int, seed: int, known: _Distributions
) -> tuple[float, str]:
    """p and method of prompts whose magnitudes are given in ascending order."""
    if magnitudes[0] == magnitudes[-1]:
        return float(sign_test(plus, len(magnitudes) - plus)), EXACT
    return _null_tail(magnitudes, observed, seed, known)


def _null_tail(
    magnitudes: tuple[int, ...], observed: int, seed: int, known: _Distributions
) -> tuple[float, str]:
    """P(|Σ ±magnitude| ≥ observed) by the cheapest way that is exact, else from draws."""
    total = sum(magnitudes)
    work = len(magnitudes) * total
    if work <= DIRECT_WORK:
        return _exact(known.of(magnitudes), observed), EXACT
    scaled = np.array([magnitude / magnitudes[-1] for magnitude in magnitudes])
    target = observed / magnitudes[-1]
    if 2 * total < TRANSFORM_POINTS:
        p = _transformed(magnitudes, observed)
        if p >= TRANSFORM_SMALLEST:
            return p, EXACT
        if work <= RARE_WORK:
            return _exact(reduce(_with, magnitudes, np.ones(1)), observed), EXACT
        return _saddlepoint(scaled, target), "sign_flip_saddlepoint"
    return _drawn(scaled, target, seed)


def _exact(chance: NDArray[np.float64], observed: int) -> float:
    """P(|Σ ±magnitude| ≥ observed) from the subset sums, as Σ = 2 (subset sum) - total."""
    if observed == 0:
        return 1.0
    tail = float(chance[: (chance.size - 1 - observed) // 2 + 1].sum())
    return min(max(2 * tail, SMALLEST), 1.0)


def _with(chance: NDArray[np.float64], magnitude: int) -> NDArray[np.float64]:
    """Probability of each sum of a random subset once a magnitude more may be in it."""
    half = chance * 0.5
    grown = np.zeros(half.size + magnitude)
    grown[: half.size] = half
    grown[magnitude:] += half
    return grown


class _Distributions:
    """Distributions of the sum of a random subset, each grown from the one asked for before.

    Of magnitudes that begin as the last ones did, only the rest is added. Thousands of lattices in
    ascending order so take a tenth of the steps that they take one by one, and every step is the
    same addition of the same numbers: what was asked for before changes no digit.
    """

    def __init__(self) -> None:
        self._last: tuple[int, ...] = ()
        # Of none of the magnitudes, the first, the first two, …: `DIRECT_WORK` numbers at most.
        self._grown: list[NDArray[np.float64]] = [np.ones(1)]

    def of(self, magnitudes: tuple[int, ...]) -> NDArray[np.float64]:
        """Probability of each sum, 0 first."""
        same = 0
        for own, last in zip(magnitudes, self._last, strict=False):
            if own != last:
                break
            same += 1
        del self._grown[same + 1 :]
        for magnitude in magnitudes[same:]:
            self._grown.append(_with(self._grown[-1], magnitude))
        self._last = magnitudes
        return self._grown[-1]


def _transformed(magnitudes: tuple[int, ...], observed: int) -> float:
    """The same from the characteristic function Π cos(magnitude ω), as in :func:`_exact`."""
    # Imported here, as few lattices are so long.
    from scipy.fft import irfft, next_fast_len

    size = next_fast_len(2 * sum(magnitudes) + 1, real=True)
    cosine = np.cos(np.arange(size) * (2 * np.pi / size))
    frequency = np.arange(size // 2 + 1)
    function = np.ones(frequency.size)
    distinct, repeats = np.unique(magnitudes, return_counts=True)
    for magnitude, count in zip(distinct.tolist(), repeats.tolist(), strict=True):
        function *= cosine[frequency * magnitude % size] ** count
    chance = irfft(function, size)
    if observed == 0:
        return 1.0
    return float(np.clip(2 * chance[observed : sum(magnitudes) + 1].sum(), 0.0, 1.0))


def _drawn(magnitudes: NDArray[np.float64], observed: float, seed: int) -> tuple[float, str]:
    random = generator(seed, "sign_flip")
    nearly = observed - 1e-9 * float(magnitudes.sum())  # equal sums differ by rounding only
    sums = np.zeros(DRAWS)
    # Prompts of equal magnitude are interchangeable: the number of plus signs is binomial.
    distinct, repeats = np.unique(magnitudes, return_counts=True)
    for magnitude, count in zip(distinct, repeats, strict=True):
        if count <= FEW_SIGNS:
            plus = random.integers(0, 2, (count, DRAWS), dtype=np.int8).sum(axis=0, dtype=np.int8)
        else:
            plus = random.binomial(count, 0.5, DRAWS)
        sums += magnitude * (2.0 * plus - count)
    hits = int((np.abs(sums) >= nearly).sum())
    if hits >= FEW_HITS:
        return (1 + hits) / (1 + DRAWS), "sign_flip_draws"
    return _saddlepoint(magnitudes, observed), "sign_flip_saddlepoint"


def _saddlepoint(magnitudes: NDArray[np.float64], observed: float) -> float:
    """Lugannani & Rice's two-sided tail of Σ ±magnitude (1980, doi 10.2307/1426607)."""
    floor = sign_flip_floor(magnitudes.size)
    if observed >= float(magnitudes.sum()) * (1 - 1e-12):
        return max(floor, SMALLEST)
    low, high = 0.0, 1.0
    while float((magnitudes * np.tanh(high * magnitudes)).sum()) < observed:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if float((magnitudes * np.tanh(middle * magnitudes)).sum()) < observed:
            low = middle
        else:
            high = middle
    t = (low + high) / 2
    log_cosh = np.logaddexp(t * magnitudes, -t * magnitudes) - math.log(2)
    curvature = float((magnitudes**2 / np.cosh(t * magnitudes) ** 2).sum())
    root = math.sqrt(2 * max(t * observed - float(log_cosh.sum()), 0.0))
    scaled = t * math.sqrt(curvature)
    density = math.exp(-root * root / 2) / math.sqrt(2 * math.pi)
    tail = float(ndtr(-root)) + density * (1 / scaled - 1 / root)
    return float(np.clip(2 * tail, max(floor, SMALLEST), 1.0))


def _checked(p_values: ArrayLike) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ShapeMismatch(f"p-values have {p.ndim} dimensions; expected one")
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise NonFiniteInput("every p-value must lie within [0, 1]")
    return p


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's adjusted p-values: familywise error (Holm 1979).

    Written out, as statsmodels' multipletests runs a full garbage collection on every call of
    this method: 20 ms and more in a process that serves pages.

    Raises
    ------
    ShapeMismatch, NonFiniteInput
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values for the false discovery rate: for exploration.

    Benjamini & Hochberg 1995, doi 10.1111/j.2517-6161.1995.tb02031.x. Written out, as importing
    statsmodels for it costs every cold analysis close to a second.

    Raises
    ------
    ShapeMismatch, NonFiniteInput
    """
    p = _checked(p_values)
    order = np.argsort(-p, kind="stable")
    stepped = np.minimum.accumulate(p[order] * p.size / np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
