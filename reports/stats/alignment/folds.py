"""Folds of prompts, for what is fitted on some and reported of others."""

from __future__ import annotations

import numpy as np

from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.ratings import Floats, Integers
from reports.stats.results import generator

__all__ = ["FOLDS", "prompt_folds"]

FOLDS = 5


def prompt_folds(prompt: Integers, content: Floats, *, seed: int, stream: str) -> Integers:
    """A fold for each row, the same for all of a prompt, whatever the prompts are called.

    Parameters
    ----------
    prompt : int array of shape (rows,)
    content : float array of shape (rows, columns)
        By whose sums prompts are told apart: those with equal sums are interchangeable.
    seed : int
        Of the study.
    stream : str
        Names the stream of random numbers.

    Returns
    -------
    int array of shape (rows,)
        From 0 on, at most `FOLDS` of them.
    """
    distinct, place = np.unique(prompt, return_inverse=True)
    _, kind = np.unique(sums_by_prompt(prompt, content), axis=0, return_inverse=True)
    order = np.argsort(kind.reshape(-1), kind="stable")
    fold = np.empty(distinct.size, dtype=np.int64)
    fold[order] = generator(seed, stream).permutation(np.arange(distinct.size) % FOLDS)
    return np.asarray(fold[place.reshape(-1)])
