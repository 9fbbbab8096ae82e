"""What a judge said about each comparison, and its reconciliation over orders and replicates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.ratings import Floats, Integers
from reports.stats.results import (
    NegativeCount,
    ShapeMismatch,
    StatsError,
    UnknownVerdict,
    VerdictCode,
)

__all__ = [
    "INCONSISTENT",
    "MISSING",
    "Comparisons",
    "Judgments",
    "Order",
    "Reconciled",
    "categories",
    "reconcile",
]

MISSING = -1
"""Code of a verdict that could not be had; never a tie."""

INCONSISTENT = len(VerdictCode)
"""Strict category of a comparison whose orders disagree."""

TOLERANCE = 0.01
"""A reconciled score this close to 0 is a tie; .25 keeps one step of imbalance a tie."""


class Order(IntEnum):
    """Which response the judge saw first."""

    AB = 0
    BA = 1
    BOTH = 2  # imported, already reconciled


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """The comparisons of a study, as codes.

    Attributes
    ----------
    prompt, system_a, system_b : int64 arrays of shape (comparisons,)
    n_systems : int
    """

    prompt: Integers
    system_a: Integers
    system_b: Integers
    n_systems: int

    @classmethod
    def from_arrays(
        cls,
        prompt: ArrayLike,
        system_a: ArrayLike,
        system_b: ArrayLike,
        *,
        n_systems: int | None = None,
    ) -> Comparisons:
        """Check arrays of equal length.

        Raises
        ------
        ShapeMismatch, NegativeCount
        """
        prompts, a, b = (
            _column(name, values, None)
            for name, values in (("prompt", prompt), ("system_a", system_a), ("system_b", system_b))
        )
        if not prompts.size == a.size == b.size:
            raise ShapeMismatch(
                f"prompt, system_a and system_b have {prompts.size}, {a.size} and {b.size} entries"
            )
        for name, values in (("prompt", prompts), ("system_a", a), ("system_b", b)):
            if values.size and values.min() < 0:
                raise NegativeCount(f"{name} holds the code {values.min()}; codes count from 0")
        most = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
        if n_systems is not None and most > n_systems:
            raise ShapeMismatch(f"a system has the code {most - 1}, but there are {n_systems}")
        return cls(prompts, a, b, most if n_systems is None else n_systems)

    @property
    def n(self) -> int:
        return int(self.prompt.size)


@dataclass(frozen=True, slots=True, eq=False)
class Judgments:
    """One row a call of one judge version; rows of one comparison and order are replicates.

    Attributes
    ----------
    comparison : int64 array of shape (calls,)
    order : int64 array
        :class:`Order`.
    verdict : int64 array
        :class:`~reports.stats.results.VerdictCode`, or :data:`MISSING`.
    score : float array
        From A's side: graded 1, 1/2, 0, -1/2, -1, or signs; both-bad 0; NaN where missing.
    cause : int64 array
        Index into `causes` where the verdict is missing, else -1.
    causes : tuple of str
    says_both_bad : bool
        Whether the judge could answer both-bad.
    confidence : float array
        As the judge stated it, in [0, 1]; NaN where it stated none.
    """

    comparison: Integers
    order: Integers
    verdict: Integers
    score: Floats
    cause: Integers
    causes: tuple[str, ...]
    says_both_bad: bool
    confidence: Floats

    @classmethod
    def from_arrays(
        cls,
        comparison: ArrayLike,
        order: ArrayLike,
        verdict: ArrayLike,
        *,
        margin: ArrayLike | None = None,
        cause: ArrayLike | None = None,
        causes: tuple[str, ...] = ("unparsed",),
        says_both_bad: bool | None = None,
        confidence: ArrayLike | None = None,
    ) -> Judgments:
        """Check arrays of equal length.

        Parameters
        ----------
        comparison, order, verdict : int arrays of shape (calls,)
        margin : int array, optional
            1 (a>b) or 2 (a>>b) for decisive verdicts of a graded judge. Without it the scores
            are signs.
        cause : int array, optional
            Why a verdict is missing; by default the first of `causes`.
        says_both_bad : bool, optional
            By default whether any verdict is both-bad.
        confidence : float array, optional
            NaN where none was stated.

        Raises
        ------
        ShapeMismatch, UnknownVerdict, StatsError
        """
        comparisons = _column("comparison", comparison, None)
        size = comparisons.size
        orders, verdicts = _column("order", order, size), _column("verdict", verdict, size)
        if size and comparisons.min() < 0:
            least = int(comparisons.min())
            raise NegativeCount(f"comparison holds the code {least}; codes count from 0")
        if np.any((orders < 0) | (orders >= len(Order))):
            row = int(np.argmax((orders < 0) | (orders >= len(Order))))
            raise StatsError(f"order of judgment {row} is {orders[row]}; expected 0, 1 or 2")
        wrong = (verdicts < MISSING) | (verdicts >= len(VerdictCode))
        if np.any(wrong):
            row = int(np.argmax(wrong))
            raise UnknownVerdict(f"verdict of judgment {row} is {verdicts[row]}; expected -1 to 3")
        missing = verdicts == MISSING
        reasons = np.where(missing, 0 if cause is None else _column("cause", cause, size), -1)
        if np.any(missing & ((reasons < 0) | (reasons >= len(causes)))):
            raise StatsError(f"cause holds a code outside 0 to {len(causes) - 1}")
        sign = np.array([1.0, 0.0, -1.0, 0.0, np.nan])[verdicts]
        if margin is not None:
            steps = _column("margin", margin, size)
            if np.any((np.abs(sign) == 1) & ((steps < 1) | (steps > 2))):
                raise StatsError("margin of a decisive judgment must be 1 or 2")
            sign = sign * np.where(np.abs(sign) == 1, steps, 2) / 2
        bad = bool(np.any(verdicts == VerdictCode.BOTH_BAD))
        sure = np.full(size, np.nan) if confidence is None else np.asarray(confidence, np.float64)
        if sure.shape != (size,):
            raise ShapeMismatch(f"confidence has shape {sure.shape}; expected one number a row")
        return cls(
            comparisons,
            orders,
            verdicts,
            sign,
            reasons,
            causes,
            bad if says_both_bad is None else says_both_bad or bad,
            sure,
        )

    @property
    def parsed(self) -> NDArray[np.bool_]:
        """Which calls gave a verdict."""
        return np.asarray(self.verdict != MISSING)

    def missing(self) -> dict[str, int]:
        """Calls without a verdict by cause; causes that did not occur are left out."""
        number = np.bincount(self.cause[self.cause >= 0], minlength=len(self.causes))
        return {name: int(n) for name, n in zip(self.causes, number, strict=True) if n}


def _column(name: str, values: ArrayLike, size: int | None) -> Integers:
    array = np.asarray(values)
    if array.ndim != 1 or (size is not None and array.size != size):
        raise ShapeMismatch(f"{name} has shape {array.shape}; expected one code a row")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ShapeMismatch(f"{name} holds {array.dtype}; expected integer codes")
    return array.astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Reconciled:
    """One decision a comparison. Arrays have one entry a comparison.

    Attributes
    ----------
    category : int64 array
        Verdict code of the mean score, or :data:`MISSING`.
    score : float array
        Mean over orders of the mean over replicates; NaN where missing.
    strict : int64 array
        The verdict if all orders agree, else :data:`INCONSISTENT`; :data:`MISSING` as above.
    by_order : int64 array of shape (2, comparisons)
        Verdict code shown first a, first b; :data:`MISSING` where nothing was parsed.
    two_orders : bool
        Whether any comparison was asked in both orders; then both must be parsed.
    one_order : bool
        Whether comparisons stand on a single order.
    half : int
        Comparisons asked in both orders with only one parsed: shown, kept out of the rest.
    stability : float or None
        Mean share of the commonest answer among replicates; None without replicates.
    """

    category: Integers
    score: Floats
    strict: Integers
    by_order: Integers
    two_orders: bool
    one_order: bool
    half: int
    stability: float | None


def categories(
    score: Floats, parsed: NDArray[np.bool_], all_bad: NDArray[np.bool_], tolerance: float
) -> Integers:
    """Verdict codes of scores from A's side; MISSING where nothing was parsed."""
    safe = np.where(parsed, score, 0.0)
    out = np.full(score.shape, VerdictCode.TIE, dtype=np.int64)
    out[safe > tolerance] = VerdictCode.A
    out[safe < -tolerance] = VerdictCode.B
    out[all_bad] = VerdictCode.BOTH_BAD
    out[~parsed] = MISSING
    return out


def reconcile(
    judgments: Judgments, comparisons: int, *, tolerance: float = TOLERANCE
) -> Reconciled:
    """Bring orders and replicates of each comparison to one decision.

    Replicates are averaged within an order, orders with equal weight. A comparison asked in
    both orders needs both; a judge who was only ever asked in one is used as it is.

    Parameters
    ----------
    judgments : Judgments
    comparisons : int
        Number of comparisons of the study.
    tolerance : float
        Scores within it of 0 are ties.

    Raises
    ------
    ShapeMismatch
        If a judgment names a comparison that does not exist.
    """
    if judgments.comparison.size and int(judgments.comparison.max()) >= comparisons:
        raise ShapeMismatch(
            f"a judgment names comparison {int(judgments.comparison.max())}, "
            f"but there are {comparisons}"
        )
    orders = len(Order)
    size = orders * comparisons
    key = judgments.order * comparisons + judgments.comparison
    asked = np.bincount(key, minlength=size).reshape(orders, comparisons) > 0
    parsed_rows = judgments.parsed
    key, verdict = key[parsed_rows], judgments.verdict[parsed_rows]
    answers = np.bincount(key * len(VerdictCode) + verdict, minlength=size * len(VerdictCode))
    answers = answers.reshape(orders, comparisons, len(VerdictCode))
    number = answers.sum(axis=2)
    total = np.bincount(key, judgments.score[parsed_rows], minlength=size)
    parsed = number > 0
    mean = total.reshape(orders, comparisons) / np.maximum(number, 1)
    all_bad = parsed & (answers[:, :, VerdictCode.BOTH_BAD] == number)
    single = categories(mean, parsed, all_bad, tolerance)

    ab, ba, both = parsed
    two_orders = bool(np.any(asked[Order.AB] & asked[Order.BA]))
    complete = ab & ba
    # For a judge with two orders, one is half the evidence, even where no more was asked for.
    one = (ab ^ ba) & ~both & (not two_orders)
    used = both | complete | one
    weight = np.where(both, 0.0, ab.astype(np.float64) + ba)
    swapped = (mean[Order.AB] * ab + mean[Order.BA] * ba) / np.maximum(weight, 1)
    score = np.where(both, mean[Order.BOTH], swapped)
    bad = np.where(both, all_bad[Order.BOTH], (all_bad | ~parsed)[:2].all(axis=0) & (ab | ba))
    category = categories(score, used, bad & used, tolerance)
    strict = np.where(
        both,
        single[Order.BOTH],
        np.where(
            complete & (single[Order.AB] != single[Order.BA]),
            INCONSISTENT,
            np.where(ab, single[Order.AB], single[Order.BA]),
        ),
    )
    repeated = number > 1
    shares: NDArray[Any] = answers.max(axis=2)[repeated] / number[repeated]
    return Reconciled(
        category=category,
        score=np.where(used, score, np.nan),
        strict=np.where(used, strict, MISSING),
        by_order=single[:2],
        two_orders=two_orders,
        one_order=bool(np.any(one)),
        half=int(np.count_nonzero((ab ^ ba) & ~both & ~one)),
        stability=float(shares.mean()) if shares.size else None,
    )
