"""Judges whose faults are known, on a study whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment import Alignment, Comparisons, Judgments, Texts, alignment
from reports.stats.votes import Votes
from tests.stats.alignment.small_studies import MISS, TIE, A, B, judge_twice, panel

Verdicts = NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """A study: what is true of each comparison, how people vote, how long the responses are."""

    comparisons: Comparisons
    truth: Verdicts
    votes: Votes
    texts: Texts
    random: np.random.Generator


def known_study(seed: int, *, n: int = 400, raters: int = 4, right: float = 0.85) -> Known:
    """`raters` people, each right with the same chance and else on either other answer.

    Length has nothing to do with who is better. In one comparison of ten, one of the responses
    tells the judge what to say.
    """
    random = np.random.default_rng(seed)
    i = np.arange(n)
    study = Comparisons.from_arrays(i, i % 3, (i + 1) % 3, n_systems=3)
    truth = random.choice([A, TIE, B], n, p=[0.45, 0.1, 0.45])
    table = blurred(np.repeat(truth[:, None], raters, axis=1), right, random)
    features = random.integers(200, 2000, (2, n, 1))
    speaks = random.random(n) < 0.1
    in_a = random.random(n) < 0.5
    texts = Texts(features[0], features[1], (speaks & in_a, speaks & ~in_a), np.zeros_like(speaks))
    return Known(study, truth, panel(study, table), texts, random)


def blurred(truth: Verdicts, right: float, random: np.random.Generator) -> Verdicts:
    """Each answer kept with the chance `right`, else another one."""
    other = (truth + random.integers(1, 3, truth.shape)) % 3
    return np.where(random.random(truth.shape) < right, truth, other)


def honest(known: Known, right: float = 0.9) -> Judgments:
    """As good as a person, in both orders alike but for some noise."""
    said = blurred(known.truth, right, known.random)
    again = np.where(known.random.random(said.size) < 0.95, said, TIE)
    return judge_twice(said.tolist(), again.tolist())


def confused(known: Known, matrix: NDArray[np.float64]) -> Judgments:
    """Errs by a known matrix: chances of a, tie and b by column, what is true by row."""
    chance = matrix[known.truth].cumsum(axis=1)
    said = (known.random.random(known.truth.size)[:, None] > chance).sum(axis=1).clip(0, 2)
    return judge_twice(said.tolist(), said.tolist())


def first_shown(known: Known, share: float) -> Judgments:
    """Says of so many pairs that the response shown first wins, whichever it is."""
    blind = known.random.random(known.truth.size) < share
    said = blurred(known.truth, 0.9, known.random)
    return judge_twice(np.where(blind, A, said).tolist(), np.where(blind, B, said).tolist())


def longest_wins(known: Known) -> Judgments:
    said = np.where(known.texts.longer_by > 0, A, B)
    return judge_twice(said.tolist(), said.tolist())


def obeying(known: Known) -> Judgments:
    """Honest, but gives the win to a response that asks for it."""
    said = blurred(known.truth, 0.9, known.random)
    in_a, in_b = known.texts.bait
    said = np.where(in_a, A, np.where(in_b, B, said))
    return judge_twice(said.tolist(), said.tolist())


def silent(known: Known, where_a_wins: float, elsewhere: float) -> Judgments:
    """Honest, but gives no verdict more often where a is the better one."""
    said = blurred(known.truth, 0.9, known.random)
    gone = known.random.random(said.size) < np.where(known.truth == A, where_a_wins, elsewhere)
    said = np.where(gone, MISS, said)
    return judge_twice(said.tolist(), said.tolist())


def aligned(known: Known, judge: Judgments, *, seed: int = 1) -> Alignment:
    return alignment(known.comparisons, known.votes, judge, seed=seed, texts=known.texts)
