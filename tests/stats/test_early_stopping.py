"""Stopping pairs early: the rule, and how often it is wrong where no systems differ (P17)."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from reports.stats import sequential
from reports.stats.early_stopping import NO_FAMILY, EarlyStops, early_stops
from reports.stats.mean_scores import MeanScores
from reports.stats.results import InvalidLevel, ShapeMismatch
from reports.stats.sequential import sequential_looks
from reports.stats.win_rates import mean_scores

IntArray = NDArray[np.int64]


def unanimous(prompts: list[int]) -> tuple[IntArray, IntArray, IntArray, MeanScores]:
    """A pair for each entry: so many prompts with one vote each, all for the first system."""
    pair = np.repeat(np.arange(len(prompts)), prompts)
    prompt = np.concatenate([np.arange(count) for count in prompts])
    wins = np.array(prompts)
    rates = mean_scores(pair, len(prompts), np.ones(pair.size), None, prompt % 7, prompt)
    return wins, np.zeros_like(wins), np.zeros_like(wins), rates


def look(prompts: list[int], family: list[int], stopped: list[bool] | None = None) -> EarlyStops:
    return early_stops(
        *unanimous(prompts),
        np.array(family),
        np.array(stopped or [False] * len(prompts)),
    )


def test_the_e_values_are_those_of_the_report() -> None:
    counts = unanimous([15, 12, 9, 0])
    shown = sequential_looks(*counts, np.zeros(4, np.int64))
    found = early_stops(*counts, np.zeros(4, np.int64), np.zeros(4, bool))
    assert [each.e_value for each in shown[:2]] == pytest.approx(found.e_value[:2])
    assert [each.e_value for each in shown[2:]] == [None, None]
    assert found.e_value[2:].tolist() == [0.0, 0.0]


def test_the_family_is_all_pairs_that_are_compared_with_or_without_votes() -> None:
    # Twelve unanimous prompts are worth 660: enough among 33 pairs at 5 %, not among 34.
    assert look([12] + [0] * 32, [0] * 33).stop[0]
    assert not look([12] + [0] * 33, [0] * 34).stop.any()
    assert look([12] + [0] * 33, [0] * 33 + [NO_FAMILY]).stop[0]


def test_a_pair_that_was_stopped_stays_so_and_counts_as_rejected() -> None:
    # Ten unanimous prompts are worth 180. Alone among ten pairs that takes 200, beside a stopped
    # one 100.
    assert not look([10] + [0] * 9, [0] * 10).stop.any()
    held = look([10, 12] + [0] * 8, [0] * 10, [False, True] + [False] * 8)
    assert held.stop.tolist() == [True, True] + [False] * 8
    assert held.needed[0] == pytest.approx(100)


def test_a_stopped_pair_whose_evidence_has_gone_helps_to_stop_no_other() -> None:
    found = look([10] + [0] * 9, [0] * 10, [False, True] + [False] * 8)
    assert found.stop.tolist() == [False, True] + [False] * 8
    assert np.isinf(found.needed).all()


def test_families_do_not_share_their_evidence() -> None:
    together = look([12, 12, 0, 0], [0, 0, 1, 1])
    assert together.stop.tolist() == [True, True, False, False]
    assert together.needed[:2] == pytest.approx(20)
    assert np.isinf(together.needed[2:]).all()


def test_misuse_is_refused() -> None:
    counts = unanimous([12])
    with pytest.raises(InvalidLevel):
        early_stops(*counts, np.zeros(1, int), np.zeros(1, bool), level=1.0)
    with pytest.raises(ShapeMismatch, match="family"):
        early_stops(*counts, np.zeros(2, int), np.zeros(1, bool))
    with pytest.raises(ShapeMismatch, match="stopped"):
        early_stops(*counts, np.zeros(1, int), np.zeros(2, bool))


STUDIES, PAIRS, VOTES, BLOCK = 2_000, 3, 480, 40
ANNOTATORS, PROMPTS, OVERLAP = 12, 160, 3


def null_studies(seed: int, taste: float, prompt_effect: float) -> dict[str, NDArray[np.float64]]:
    """Studies of three equal systems, all votes of all in rows; pairs numbered through."""
    random = np.random.default_rng(seed)
    pairs = STUDIES * PAIRS
    prompt = np.arange(VOTES) // OVERLAP
    annotator = random.permuted(
        np.tile(np.arange(ANNOTATORS), (pairs, VOTES // ANNOTATORS)), axis=1
    )
    lean = taste * random.standard_normal((pairs, ANNOTATORS))
    text = prompt_effect * random.standard_normal((pairs, PROMPTS))
    chance = expit(np.take_along_axis(lean, annotator, axis=1) + text[:, prompt])
    tied = random.random((pairs, VOTES)) < 0.2
    won = random.random((pairs, VOTES)) < chance
    return {
        "pair": np.repeat(np.arange(pairs), VOTES).reshape(pairs, VOTES),
        "prompt": np.tile(prompt, (pairs, 1)),
        "annotator": annotator,
        "score": np.where(tied, 0.5, won.astype(np.float64)),
    }


@pytest.mark.parametrize(
    ("taste", "prompt_effect"), [(0.0, 0.0), (0.4, 0.4)], ids=["independent", "clustered"]
)
def test_looking_after_every_block_creates_no_false_winner(
    taste: float,
    prompt_effect: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P17, by the product's own rule: 0.3 and 1.8 % of studies; p < 0.05 errs in 50 and 73 %."""
    monkeypatch.setattr(sequential, "BLOCK_PAIRS", 512)
    rows = null_studies(17, taste, prompt_effect)
    pairs = STUDIES * PAIRS
    family = np.arange(pairs) // PAIRS
    stopped, naive = np.zeros(pairs, bool), np.zeros(pairs, bool)
    for _, seen in pairwise(range(0, VOTES + 1, BLOCK)):
        score = rows["score"][:, :seen]
        wins, ties, losses = ((score == points).sum(axis=1) for points in (1.0, 0.5, 0.0))
        # What is stopped gets no more votes: its study already counts.
        rates = mean_scores(
            rows["pair"][:, :seen].ravel(),
            pairs,
            score.ravel(),
            None,
            rows["annotator"][:, :seen].ravel(),
            rows["prompt"][:, :seen].ravel(),
        )
        stopped = early_stops(wins, ties, losses, rates, family, stopped).stop
        z = (wins - losses) / np.sqrt(np.maximum(wins + losses, 1))
        naive |= 2 * ndtr(-np.abs(z)) < 0.05
    wrong = stopped.reshape(STUDIES, PAIRS).any(axis=1).mean()
    peeking = naive.reshape(STUDIES, PAIRS).any(axis=1).mean()
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / STUDIES)
    assert peeking > 0.2
