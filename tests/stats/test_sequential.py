"""E-values and confidence sequences: published values, validity by enumeration, error rates."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, logsumexp

from reports.stats import sequential
from reports.stats.head_to_head import head_to_head
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch, WarningCode
from reports.stats.sequential import (
    confidence_sequence,
    deflation,
    e_benjamini_hochberg,
    log_e_values,
)
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_mean_scores
from tests.stats.shared_sets import references
from tests.stats.vote_makers import regular_rows, simulated, votes_of

COUNT = st.integers(0, 60)


def naive_log_e(w: float, t: float, x: float, mean: float) -> float:
    """The formula as it is printed."""
    j = np.arange(1, 1025)
    q = (1 + np.cos((2 * j - 1) * np.pi / 2048)) / 2
    up, down = q / mean, (1 - q) / (1 - mean)
    terms = w * np.log(up) + x * np.log(down) + t * np.log((up + down) / 2)
    return float(logsumexp(terms) - np.log(1024))


def test_the_published_values_are_reproduced(shared_data: Path) -> None:
    for case in references(shared_data)["sequential_mixture"]["cases"]:
        counts = case["wins"], case["ties"], case["losses"]
        assert log_e_values(*counts)[0] == pytest.approx(case["log_e_half"], abs=1e-9)
        low, high = confidence_sequence(*counts)
        assert [low[0], high[0]] == pytest.approx(case["interval_95"], abs=1e-6)


@given(COUNT, COUNT, COUNT, st.floats(0.02, 0.98))
def test_the_value_is_the_formula(w: int, t: int, x: int, mean: float) -> None:
    assert log_e_values(w, t, x, mean)[0] == pytest.approx(naive_log_e(w, t, x, mean), abs=1e-8)


@given(COUNT, COUNT, COUNT)
def test_ties_cost_nothing_at_one_half(w: int, t: int, x: int) -> None:
    beta = betaln(w + 0.5, x + 0.5) - betaln(0.5, 0.5) + (w + x) * math.log(2)
    assert log_e_values(w, t, x)[0] == pytest.approx(beta, abs=1e-9)


@pytest.mark.parametrize("tie", [0.0, 0.3])
@pytest.mark.parametrize("mean", [0.5, 0.35])
def test_the_mean_under_the_null_is_at_most_one(tie: float, mean: float) -> None:
    # Every sequence of six votes with this mean score, with its chance.
    chance = {0: mean - tie / 2, 1: tie, 2: 1 - mean - tie / 2}
    total = 0.0
    for votes in product(range(3), repeat=6):
        wins, ties, losses = (votes.count(kind) for kind in range(3))
        probability = math.prod(chance[kind] for kind in votes)
        total += probability * math.exp(float(log_e_values(wins, ties, losses, mean)[0]))
    assert total == pytest.approx(1.0, abs=1e-9)


@given(COUNT, COUNT, COUNT, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_sequence_is_where_the_value_stays_below_its_limit(
    w: int, t: int, x: int, level: float
) -> None:
    low, high = (float(bound[0]) for bound in confidence_sequence(w, t, x, level=level))
    limit = -math.log(1 - level)
    n = w + t + x
    assert low <= ((w + t / 2) / n if n else 0.5) <= high
    for bound, step in ((low, -1e-6), (high, 1e-6)):
        if 0 < bound < 1:
            assert naive_log_e(w, t, x, bound) == pytest.approx(limit, abs=1e-4)
        if 0 < bound + step < 1:
            assert naive_log_e(w, t, x, bound + step) > limit - 1e-6


@settings(max_examples=40)
@given(COUNT, COUNT, COUNT)
def test_the_mirror_turns_the_sequence_round(w: int, t: int, x: int) -> None:
    low, high = confidence_sequence(w, t, x)
    far, near = confidence_sequence(x, t, w)
    assert low[0] == pytest.approx(1 - near[0], abs=1e-9)
    assert high[0] == pytest.approx(1 - far[0], abs=1e-9)


@pytest.mark.parametrize(
    ("w", "t", "x"),
    [(1, 0, 2e4), (1, 0, 1e6), (0, 2, 1e6), (0.5, 0.1, 2e3), (0.02, 0, 300), (0.02, 0.01, 1e6)],
)
def test_a_bound_next_to_0_or_1_is_as_sharp_as_any_other(w: float, t: float, x: float) -> None:
    limit = math.log(20)
    low, _ = confidence_sequence(w, t, x)
    assert 0 < low[0] < 1e-7
    # A bound that is off by a share of itself is off by (w + t) times that share in ln E.
    near = 1e-8 * (w + t) + 1e-9
    assert log_e_values(w, t, x, low[0])[0] == pytest.approx(limit, abs=near)
    _, high = confidence_sequence(x, t, w)
    assert 1 - high[0] == pytest.approx(low[0], abs=1.2e-16)


def test_blocks_of_pairs_change_nothing() -> None:
    random = np.random.default_rng(5)
    counts = random.integers(0, 40, (3, 300))
    low, high = confidence_sequence(*counts)
    for pair in (0, 31, 32, 299):
        alone = confidence_sequence(*counts[:, pair])
        assert (low[pair], high[pair]) == (alone[0][0], alone[1][0])


def test_unanimous_and_missing_votes_have_a_sequence_within_the_range() -> None:
    low, high = confidence_sequence([0, 30, 0, 0], [0, 0, 30, 0], [0, 0, 0, 30])
    assert (low[0], high[0]) == (0.0, 1.0)
    assert high[1] == 1.0
    assert 0.5 < low[1] < 1
    assert low[2] < 0.5 < high[2]
    assert low[3] == 0.0
    assert log_e_values(0, 30, 0)[0] == pytest.approx(0.0, abs=1e-12)


def test_misuse_is_refused() -> None:
    with pytest.raises(NegativeCount, match="losses holds -1"):
        log_e_values(1, 1, -1)
    with pytest.raises(ShapeMismatch, match="ties has shape"):
        confidence_sequence([1, 2], [1], [1, 2])
    with pytest.raises(NonFiniteInput, match="wins"):
        log_e_values(math.nan, 0, 0)
    with pytest.raises(NonFiniteInput, match="mean"):
        log_e_values(1, 1, 1, 1.0)
    with pytest.raises(NonFiniteInput, match="e-value"):
        e_benjamini_hochberg([-1.0])


def test_the_largest_e_values_are_rejected_together() -> None:
    # With four pairs at .05 one needs 80, two need 40 each, four need 20 each.
    assert e_benjamini_hochberg([79, 1, 1, 1]).tolist() == [False] * 4
    assert e_benjamini_hochberg([80, 1, 1, 1]).tolist() == [True, False, False, False]
    assert e_benjamini_hochberg([41, 1, 40, 1]).tolist() == [True, False, True, False]
    assert e_benjamini_hochberg([20, 20, 20, 20]).tolist() == [True] * 4
    assert e_benjamini_hochberg([]).tolist() == []


def test_no_look_before_ten_prompts_have_votes() -> None:
    rows = [(0, 1, 0, 1, prompt, prompt % 3) for prompt in range(9)]
    (row,) = head_to_head(votes_of(rows), seed=0)
    assert row.sequential.e_value is None
    assert row.sequential.warnings == (WarningCode.FEW_PROMPTS,)
    assert not row.sequential.decided
    (row,) = head_to_head(votes_of([*rows, (0, 1, 0, 1, 9, 0)]), seed=0)
    assert row.sequential.e_value is not None


def test_a_pair_without_votes_says_so() -> None:
    rows = [(0, 1, 0, 1, prompt, prompt % 3) for prompt in range(12)]
    looks = [row.sequential for row in head_to_head(votes_of(rows, n_systems=3), seed=0)]
    assert looks[0].decided
    assert looks[1].as_dict() == {
        "e_value": None,
        "low": None,
        "high": None,
        "deflation": None,
        "decided": False,
        "warnings": ["no_votes"],
    }


def test_unanimous_votes_count_once_a_prompt() -> None:
    rows = [(0, 1, 0, 1, prompt, annotator) for prompt in range(12) for annotator in range(3)]
    (row,) = head_to_head(votes_of(rows), seed=0)
    assert row.sequential.deflation == pytest.approx(1 / 3)
    assert row.sequential.e_value == pytest.approx(math.exp(naive_log_e(12, 0, 0, 0.5)))


def test_votes_that_repeat_a_prompt_are_deflated_to_the_prompts() -> None:
    random = np.random.default_rng(3)
    outcome = random.permutation([0, 2] * 30)
    rows = [(0, 1, int(outcome[p]), 1, p, who) for p in range(60) for who in range(4)]
    (row,) = head_to_head(votes_of(rows), seed=0)
    assert row.sequential.deflation == pytest.approx(0.25, rel=0.05)


def test_deflation_uses_the_largest_of_the_three_variances() -> None:
    votes, _ = simulated(2, n=900, annotators=8, taste=0.8, prompt_effect=0.6)
    rates = pair_mean_scores(votes)
    largest = np.max([rates.variance, rates.annotator_variance, rates.prompt_variance], axis=0)
    independent = pair_mean_scores(votes, clustering="none").variance
    assert deflation(rates) == pytest.approx(np.minimum(1, independent / largest))


def test_folded_and_dropped_verdicts_enter_as_elsewhere() -> None:
    votes = votes_of(regular_rows(1, n=300, systems=2), n_prompts=5)
    spread = Votes.from_arrays(
        votes.system_a,
        votes.system_b,
        votes.verdict,
        prompt=np.arange(votes.n) % 30,
        annotator=votes.annotator,
        item=np.arange(votes.n),
    )
    for policies in ({}, {"ties": "drop"}, {"both_bad": "drop"}):
        (row,) = head_to_head(spread, seed=0, **policies)
        look = row.sequential
        assert look.deflation is not None
        tied = 0 if policies.get("ties") else row.ties
        bad = 0 if policies else row.both_bad
        counts = np.array([row.wins_a, tied + bad, row.wins_b]) * look.deflation
        low, high = confidence_sequence(*counts)
        assert (look.low, look.high) == pytest.approx((low[0], high[0]))


def test_beyond_the_limit_of_pairs_the_e_values_stand_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    votes, _ = simulated(3, n=900)
    whole = [row.sequential for row in head_to_head(votes, seed=0)]
    monkeypatch.setattr(sequential, "INTERVAL_PAIRS", 14)
    bare = [row.sequential for row in head_to_head(votes, seed=0)]
    assert [look.e_value for look in bare] == [look.e_value for look in whole]
    assert {look.low for look in bare} == {None}


def test_the_sequence_covers_at_every_look() -> None:
    """A hundred looks at independent votes, one in four a tie."""
    random = np.random.default_rng(11)
    missed, runs, truth = 0, 60, 0.6 * 0.75 + 0.125
    for _ in range(runs):
        verdict = random.choice(3, 1_000, p=[0.45, 0.25, 0.3])
        seen = np.arange(10, 1_001, 10)
        wins, ties, losses = (np.cumsum(verdict == kind)[seen - 1] for kind in range(3))
        missed += bool((log_e_values(wins, ties, losses, truth) >= math.log(20)).any())
    assert missed / runs <= 0.05


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_more_wins_never_lower_the_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    w, t, x = (int(count) for count in random.integers(0, 40, 3))
    low, high = confidence_sequence([w, w + 1], [t, t], [x, x])
    assert low[1] >= low[0] - 1e-9 or w + t + x == 0
    assert high[1] >= high[0] - 1e-3 or w + t + x == 0
