"""Weights of a panel's judges by how well each agrees, fitted on other prompts than they serve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.stats.alignment.folds import prompt_folds
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.cohen import kappas_of_tables
from reports.stats.ratings import Floats, Integers
from reports.stats.results import VerdictCode, generator

__all__ = ["fitted_weights"]

_CLASSES = len(VerdictCode)
# What each verdict is called where a and b change places.
_MIRRORED = np.array([VerdictCode.B, VerdictCode.TIE, VerdictCode.A, VerdictCode.BOTH_BAD])


def fitted_weights(
    single: Sequence[Reconciled], humans: Humans, comparisons: Comparisons, *, seed: int
) -> Floats:
    """What each judge weighs on each comparison: max(0, kappa) on the prompts of other folds.

    Parameters
    ----------
    single : sequence of Reconciled
    seed : int
        Of the study; draws the folds.

    Returns
    -------
    float array of shape (judges, comparisons)
        All 1 where no judge does better than chance on the other folds.
    """
    said = np.array([judge.category for judge in single])
    _, kind = np.unique(_either_way(said, humans.counts), axis=0, return_inverse=True)
    # A number for each content, so that the sum over a prompt tells what it holds.
    number = generator(seed, "panel_weight_kinds").random(int(kind.max(initial=0)) + 1)
    content = np.round(number[kind.reshape(-1)], 9)[:, None]
    fold = prompt_folds(comparisons.prompt, content, seed=seed, stream="panel_weight_folds")
    weights = np.ones(said.shape)
    for own in np.unique(fold).tolist():
        others = (fold != own) & (humans.majority != MISSING)
        kappas = np.array([_kappa(judge[others], humans.majority[others]) for judge in said])
        weight = np.maximum(kappas, 0)
        if weight.any():
            weights[:, fold == own] = weight[:, None]
    return weights


def _either_way(said: Integers, counts: Integers) -> Integers:
    """Per comparison what it holds, the same whichever of its systems is called a."""
    mirrored = np.where(said == MISSING, MISSING, _MIRRORED[said])
    plain = np.column_stack([said.T, counts])
    other = np.column_stack([mirrored.T, counts[:, _MIRRORED]])
    apart = plain != other
    first = apart.argmax(axis=1)
    rows = np.arange(plain.shape[0])
    smaller = plain[rows, first] <= other[rows, first]
    return np.where(smaller[:, None], plain, other)


def _kappa(said: np.ndarray, truth: np.ndarray) -> float:
    """Cohen's kappa where the judge said something; 0 where there is none."""
    row = said != MISSING
    joint = np.bincount(said[row] * _CLASSES + truth[row], minlength=_CLASSES**2)
    table = joint.reshape(1, _CLASSES, _CLASSES).astype(np.float64)
    if not row.any():
        return 0.0
    value = float(kappas_of_tables(table, np.eye(_CLASSES))[0][0])
    return value if np.isfinite(value) else 0.0
