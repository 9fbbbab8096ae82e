"""Dawid-Skene: each annotator's confusion matrix, without knowing the right answers.

Dawid & Skene 1979, doi 10.2307/2346806. It flags annotators; it never reweights the leaderboard.
The labels must be oriented blind to outcomes, as a and b in the order of the systems' names are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from reports.stats.results import NegativeCount, ShapeMismatch
from reports.stats.votes import FloatArray, IntArray

__all__ = ["DawidSkene", "fit_dawid_skene"]

BoolArray = NDArray[np.bool_]

TOLERANCE = 1e-10
MAX_ITERATIONS = 5_000


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """The fit.

    Attributes
    ----------
    prior : float array, shape (labels,)
        Share of items whose answer is each label.
    confusion : float array, shape (annotators, labels, labels)
        Chance of saying the column where the row is the answer; rows of an annotator without
        votes are uniform.
    posterior : float array, shape (items, labels)
        Chance of each answer; the prior for an item without votes.
    votes : int array, shape (annotators,)
    log_likelihood : float
        Without the multinomial constant.
    iterations : int
    converged : bool
    history : tuple of float
        Log-likelihood after each iteration; it never falls.
    """

    prior: FloatArray
    confusion: FloatArray
    posterior: FloatArray
    votes: IntArray
    log_likelihood: float
    iterations: int
    converged: bool
    history: tuple[float, ...]

    @property
    def accuracy(self) -> FloatArray:
        """Chance that each annotator gives the right answer, shape (annotators,).

        Averaged over the answers by their prior; NaN for an annotator without votes.
        """
        right = np.einsum("gkk,k->g", self.confusion, self.prior)
        return np.where(self.votes > 0, right, np.nan)


def _codes(values: ArrayLike, name: str, limit: int) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ShapeMismatch(f"{name} has {array.ndim} dimensions; expected one code a vote")
    if array.size == 0:
        return np.zeros(0, np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise ShapeMismatch(f"{name} holds {array.dtype}; expected integer codes")
    if int(array.min()) < 0:
        raise NegativeCount(f"{name} holds the code {int(array.min())}; codes count from 0")
    if int(array.max()) >= limit:
        raise ShapeMismatch(f"{name} holds the code {int(array.max())}, but there are {limit}")
    return array.astype(np.int64)


def fit_dawid_skene(
    item: ArrayLike,
    annotator: ArrayLike,
    label: ArrayLike,
    *,
    n_items: int,
    n_annotators: int,
    n_labels: int,
    max_iterations: int = MAX_ITERATIONS,
) -> DawidSkene:
    """Expectation-maximisation from the shares of the votes on each item.

    Parameters
    ----------
    item, annotator, label : array_like of int, shape (n,)
        An annotator may vote on an item more than once.
    n_items, n_annotators, n_labels : int
    max_iterations : int
        At this limit `converged` is False.

    Raises
    ------
    ShapeMismatch, NegativeCount
    """
    if n_labels < 2:
        raise ShapeMismatch(f"there are {n_labels} labels; expected at least 2")
    items, people = _codes(item, "item", n_items), _codes(annotator, "annotator", n_annotators)
    labels = _codes(label, "label", n_labels)
    if not items.size == people.size == labels.size:
        raise ShapeMismatch(
            f"item, annotator and label have {items.size}, {people.size} and {labels.size} entries"
        )
    said = sparse.coo_array(
        (np.ones(items.size), (items, people * n_labels + labels)),
        shape=(n_items, n_annotators * n_labels),
    ).tocsr()
    said.sum_duplicates()
    by_person = said.T.tocsr()
    per_item = np.bincount(items, minlength=n_items)
    voted = per_item > 0
    votes = np.bincount(people, minlength=n_annotators)
    shares = np.bincount(items * n_labels + labels, minlength=n_items * n_labels)
    posterior = shares.reshape(n_items, n_labels) / np.maximum(per_item, 1)[:, None]
    prior, confusion = _estimates(by_person, posterior, voted, n_annotators, n_labels)
    history: list[float] = []
    converged = items.size == 0
    while not converged and len(history) < max_iterations:
        if history:
            prior, confusion = _estimates(by_person, posterior, voted, n_annotators, n_labels)
        posterior, value = _posterior(said, prior, confusion, voted)
        converged = bool(history) and abs(value - history[-1]) < TOLERANCE
        history.append(value)
    posterior[~voted] = prior
    return DawidSkene(
        prior=prior,
        confusion=confusion,
        posterior=posterior,
        votes=votes,
        log_likelihood=history[-1] if history else 0.0,
        iterations=len(history),
        converged=converged,
        history=tuple(history),
    )


def _estimates(
    by_person: sparse.csr_array, posterior: FloatArray, voted: BoolArray, people: int, labels: int
) -> tuple[FloatArray, FloatArray]:
    """Prior, and confusion matrices by annotator, answer and label."""
    count = int(voted.sum())
    prior = posterior[voted].sum(axis=0) / count if count else np.full(labels, 1 / labels)
    table = np.asarray(by_person @ posterior).reshape(people, labels, labels).transpose(0, 2, 1)
    rows = table.sum(axis=2, keepdims=True)
    seen = rows > 0
    confusion = np.where(seen, table / np.where(seen, rows, 1.0), 1 / labels)
    return np.asarray(prior), confusion


def _posterior(
    said: sparse.csr_array, prior: FloatArray, confusion: FloatArray, voted: BoolArray
) -> tuple[FloatArray, float]:
    """Chance of each answer for each item, and the log-likelihood."""
    people, labels, _ = confusion.shape
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)
        log_confusion = np.log(confusion).transpose(0, 2, 1).reshape(people * labels, labels)
    joint = np.asarray(said @ log_confusion) + log_prior
    largest = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - largest)
    total = weight.sum(axis=1, keepdims=True)
    value = float((largest[voted] + np.log(total[voted])).sum())
    return weight / total, value
