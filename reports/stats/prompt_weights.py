"""Weights by production frequency: prompts count as often as they are met in use.

A vote weighs w_p/n_p,ab, with w_p the frequency of its prompt and n_p,ab the votes on that
prompt and pair, so that a prompt counts by its frequency and not by how many votes it happened
to get.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch
from reports.stats.votes import FloatArray, Votes

__all__ = ["kish_size", "weigh_prompts"]


def weigh_prompts(votes: Votes, frequency: ArrayLike) -> Votes | None:
    """The votes that count, with weights of mean 1.

    Parameters
    ----------
    votes : Votes
        Those that take part in a fit: dropped votes would otherwise share a prompt's weight.
    frequency : array_like of float, shape (votes.n_prompts,)
        How often each prompt is met, on any scale; not negative.

    Returns
    -------
    Votes or None
        Without the votes on prompts of frequency 0, which count for nothing; None where no
        vote is left.

    Raises
    ------
    ShapeMismatch, NonFiniteInput, NegativeCount
    """
    prompt_weight = np.asarray(frequency, dtype=np.float64)
    if prompt_weight.shape != (votes.n_prompts,):
        raise ShapeMismatch(
            f"frequency has shape {prompt_weight.shape}, but there are {votes.n_prompts} prompts"
        )
    for wrong, error in (
        (~np.isfinite(prompt_weight), NonFiniteInput),
        (prompt_weight < 0, NegativeCount),
    ):
        if bool(wrong.any()):
            row = int(np.argmax(wrong))
            raise error(f"frequency of prompt {row} is {prompt_weight[row]}; expected 0 or more")
    used = votes.take(prompt_weight[votes.prompt] > 0)
    if used.n == 0:
        return None
    low = np.minimum(used.system_a, used.system_b).astype(np.int64)
    high = np.maximum(used.system_a, used.system_b)
    code = (used.prompt * np.int64(used.n_systems) + low) * used.n_systems + high
    _, place, count = np.unique(code, return_inverse=True, return_counts=True)
    met = prompt_weight[used.prompt]
    # Of numbers near the ends of what a float can hold no sum could be taken.
    weight = met / met.max() / count[place]
    # math.fsum is exact: shuffled rows give the same weights to the byte.
    return replace(used, weight=weight * (used.n / math.fsum(weight)))


def kish_size(weight: FloatArray | None, n: int) -> float:
    """(Σ w)²/Σ w²: how many equally weighted votes would be as precise, clusters aside.

    Parameters
    ----------
    weight : float array, shape (n,), or None
        None for equal weights.
    n : int
        Votes.
    """
    if weight is None or n == 0:
        return float(n)
    return math.fsum(weight) ** 2 / math.fsum(weight**2)
