"""Votes as integer arrays.

This is the public edge of the room: arrays are checked here once, and nowhere after. Systems,
prompts, annotators and items are codes from 0, so that the statistics never see a name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.stats.clusters import shared_by_several
from reports.stats.results import (
    NegativeCount,
    NonFiniteInput,
    SelfComparison,
    ShapeMismatch,
    UnknownPolicy,
    UnknownVerdict,
    VerdictCode,
)

__all__ = [
    "MIRRORED_VERDICT",
    "VERDICT_SCORE",
    "BothBadPolicy",
    "FloatArray",
    "IntArray",
    "TiePolicy",
    "Votes",
    "check_policies",
]

IntArray = NDArray[np.integer[Any]]
FloatArray = NDArray[np.float64]

NEGLIGIBLE = 2.0**-46
"""A share of all weight, sixty times what sums on the exact grid round away (see group_sums): a
system all of whose votes weigh less would have no weight at all in some of them."""

TiePolicy = Literal["half", "drop"]
"""`half`: a tie is half a win for each. `drop`: only decisive votes count."""

BothBadPolicy = Literal["tie", "drop"]
"""`tie`: a both-bad vote is treated as a tie. `drop`: it is left out of scores and fits."""

VERDICT_SCORE: FloatArray = np.array([1.0, 0.5, 0.0, 0.5])
"""Score of system a by verdict code, ties and both-bad as half a win."""

MIRRORED_VERDICT: IntArray = np.array(
    [VerdictCode.B, VerdictCode.TIE, VerdictCode.A, VerdictCode.BOTH_BAD], dtype=np.int8
)
"""The same verdict after the two systems have changed places."""


def check_policies(ties: str, both_bad: str) -> None:
    """Refuse a tie or both-bad policy that does not exist.

    Raises
    ------
    UnknownPolicy
    """
    if ties not in get_args(TiePolicy):
        raise UnknownPolicy(f"ties={ties!r}; expected one of {', '.join(get_args(TiePolicy))}")
    if both_bad not in get_args(BothBadPolicy):
        raise UnknownPolicy(
            f"both_bad={both_bad!r}; expected one of {', '.join(get_args(BothBadPolicy))}"
        )


def _codes(values: ArrayLike, name: str, limit: int | None) -> tuple[IntArray, int]:
    """`values` as 32-bit codes within [0, limit), and the limit (largest + 1 if not given)."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeMismatch(f"{name} has {array.ndim} dimensions; expected one code a vote")
    if array.size == 0:
        return np.zeros(0, np.int32), limit or 0
    if not np.issubdtype(array.dtype, np.integer):
        raise ShapeMismatch(f"{name} holds {array.dtype}; expected integer codes")
    low, high = int(array.min()), int(array.max())
    if low < 0:
        raise NegativeCount(f"{name} holds the code {low}; codes count from 0")
    if limit is not None and high >= limit:
        raise ShapeMismatch(f"{name} holds the code {high}, but there are only {limit}")
    return array.astype(np.int32), high + 1 if limit is None else limit


@dataclass(frozen=True)  # no slots: what is found out once is kept beside the columns
class Votes:
    """One row a counted Vote. Build it with :meth:`from_arrays`, which checks the input.

    Attributes
    ----------
    system_a, system_b : int32 array, shape (n,)
        Codes of the two systems, never equal.
    verdict : int8 array, shape (n,)
        :class:`~reports.stats.results.VerdictCode`, in the frame of a and b.
    side : int8 array, shape (n,)
        +1 if a was shown left (first), -1 if right, 0 if unknown.
    prompt, annotator, item : int32 array, shape (n,)
        An item is a Comparison: one prompt and one pair of responses.
    weight : float array, shape (n,), or None
        Prompt weights, rescaled to mean 1; None where every vote counts the same.
    n_systems, n_prompts, n_annotators, n_items : int
        Number of codes, including those without a vote.
    """

    system_a: IntArray
    system_b: IntArray
    verdict: IntArray
    side: IntArray
    prompt: IntArray
    annotator: IntArray
    item: IntArray
    weight: FloatArray | None
    n_systems: int
    n_prompts: int
    n_annotators: int
    n_items: int

    @classmethod
    def from_arrays(
        cls,
        system_a: ArrayLike,
        system_b: ArrayLike,
        verdict: ArrayLike,
        *,
        prompt: ArrayLike,
        annotator: ArrayLike,
        item: ArrayLike | None = None,
        side: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        n_systems: int | None = None,
        n_prompts: int | None = None,
        n_annotators: int | None = None,
        n_items: int | None = None,
    ) -> Votes:
        """Check arrays of equal length and take them over.

        Parameters
        ----------
        system_a, system_b, verdict, prompt, annotator : array_like of int, shape (n,)
        item : array_like of int, optional
            Without it an item is a prompt with an unordered pair of systems.
        side : array_like of int, optional
            Without it every side is unknown.
        weight : array_like of float, optional
            Not negative, not all zero.
        n_systems, n_prompts, n_annotators, n_items : int, optional
            Number of codes; without it the largest code plus 1.

        Raises
        ------
        ShapeMismatch, UnknownVerdict, SelfComparison, NegativeCount, NonFiniteInput
        """
        a, _ = _codes(system_a, "system_a", n_systems)
        b, _ = _codes(system_b, "system_b", n_systems)
        if n_systems is None:
            n_systems = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
        prompts, n_prompts = _codes(prompt, "prompt", n_prompts)
        annotators, n_annotators = _codes(annotator, "annotator", n_annotators)
        columns = {
            "system_b": b,
            "verdict": np.asarray(verdict),
            "prompt": prompts,
            "annotator": annotators,
            "side": np.zeros(a.size, np.int8) if side is None else np.asarray(side),
        }
        for name, column in columns.items():
            if column.shape != a.shape:
                raise ShapeMismatch(
                    f"{name} has shape {column.shape}, but system_a has {a.shape}; "
                    "every column needs one entry a vote"
                )
        if a.size and bool((a == b).any()):
            row = int(np.argmax(a == b))
            raise SelfComparison(f"vote {row} compares system {int(a[row])} with itself")
        verdicts = _small_codes(columns["verdict"], "verdict", 0, len(VerdictCode) - 1)
        sides = _small_codes(columns["side"], "side", -1, 1)
        if item is None:
            low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
            packed = (prompts * np.int64(n_systems) + low) * n_systems + high
            distinct, inverse = np.unique(packed, return_inverse=True)
            items = inverse.astype(np.int32)
            n_items = distinct.size if n_items is None else n_items
        else:
            items, n_items = _codes(item, "item", n_items)
            if items.shape != a.shape:
                raise ShapeMismatch(f"item has shape {items.shape}, but system_a has {a.shape}")
        return cls(
            a,
            b,
            verdicts,
            sides,
            prompts,
            annotators,
            items,
            None if weight is None else _weights(weight, a.size),
            n_systems,
            n_prompts,
            n_annotators,
            n_items,
        )

    @property
    def n(self) -> int:
        """Number of votes."""
        return int(self.system_a.size)

    @cached_property
    def shared(self) -> IntArray:
        """Clusters of one annotator's votes on one prompt, where there are several, shape (n,).

        As from :func:`~reports.stats.clusters.shared_by_several`. A vote that :meth:`take` left
        alone in such a cluster keeps its code.
        """
        return shared_by_several(self.annotator, self.prompt)

    def take(self, rows: NDArray[Any]) -> Votes:
        """The votes selected by a boolean mask or an index array; codes keep their meaning."""
        taken = Votes(
            self.system_a[rows],
            self.system_b[rows],
            self.verdict[rows],
            self.side[rows],
            self.prompt[rows],
            self.annotator[rows],
            self.item[rows],
            None if self.weight is None else self.weight[rows],
            self.n_systems,
            self.n_prompts,
            self.n_annotators,
            self.n_items,
        )
        if "shared" in self.__dict__:
            taken.__dict__["shared"] = self.shared[rows]  # looked up, not searched for again
        return taken

    def counted(self, ties: TiePolicy = "half", both_bad: BothBadPolicy = "tie") -> Votes:
        """The votes that take part in scores and fits under the two policies.

        One that weighs nothing beside all others takes no part: see :data:`NEGLIGIBLE`.
        """
        check_policies(ties, both_bad)
        held = self._weighing()
        if ties == "drop":
            keep = (held.verdict == VerdictCode.A) | (held.verdict == VerdictCode.B)
        elif both_bad == "drop":
            keep = held.verdict != VerdictCode.BOTH_BAD
        else:
            return held
        return held if bool(keep.all()) else held.take(keep)

    def _weighing(self) -> Votes:
        """The votes whose weight is seen in sums of all."""
        if self.weight is None:
            return self
        seen = self.weight > NEGLIGIBLE * math.fsum(self.weight)
        return self if bool(seen.all()) else self.take(seen)

    def score(self, rows: NDArray[Any] | None = None) -> FloatArray:
        """Score of system a in all votes, or in those of an index array: 1, 1/2 or 0."""
        return VERDICT_SCORE[self.verdict if rows is None else self.verdict[rows]]


def _small_codes(values: NDArray[Any], name: str, low: int, high: int) -> IntArray:
    if values.size == 0:
        return np.zeros(0, np.int8)
    wrong = (
        ~np.isin(values, np.arange(low, high + 1))
        if not np.issubdtype(values.dtype, np.integer)
        else (values < low) | (values > high)
    )
    if bool(wrong.any()):
        row = int(np.argmax(wrong))
        error = UnknownVerdict if name == "verdict" else ShapeMismatch
        raise error(f"{name} of vote {row} is {values[row]!r}; expected {low} to {high}")
    return values.astype(np.int8)


def _weights(weight: ArrayLike, n: int) -> FloatArray:
    array = np.asarray(weight, dtype=np.float64)
    if array.shape != (n,):
        raise ShapeMismatch(f"weight has shape {array.shape}, but there are {n} votes")
    if not bool(np.isfinite(array).all()):
        row = int(np.argmin(np.isfinite(array)))
        raise NonFiniteInput(f"weight of vote {row} is {array[row]}; expected a finite number")
    if n and float(array.min()) < 0:
        row = int(np.argmin(array))
        raise NegativeCount(f"weight of vote {row} is {array[row]}; expected 0 or more")
    total = math.fsum(array)  # exact, so that shuffled rows give the same weights to the byte
    if n and total == 0:
        raise NegativeCount("all weights are 0; at least one vote must count")
    return array * (n / total) if n else array
