"""Variance components: a naive twin, planted components, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from reports.stats import variance_components
from reports.stats.variance_components import pilot_variance
from reports.stats.votes import Votes
from tests.stats.shared_sets import load
from tests.stats.vote_makers import Row, mirrored, vote_rows, votes_of


def naive(votes: Votes) -> tuple[float, float]:
    """Shares of prompt and annotator from every pair of votes, pair of systems by pair."""
    used = votes.counted("drop")
    low = np.minimum(used.system_a, used.system_b)
    high = np.maximum(used.system_a, used.system_b)
    score = np.where(used.system_a > used.system_b, 1 - used.score(), used.score())
    sums, counts, spread, size = np.zeros(3), np.zeros(3), 0.0, 0
    for code in np.unique(low * 1000 + high):
        rows = np.flatnonzero(low * 1000 + high == code)
        residual = score[rows] - score[rows].mean()
        for i, first in enumerate(rows):
            for j, second in enumerate(rows):
                same = (
                    used.prompt[first] == used.prompt[second],
                    used.annotator[first] == used.annotator[second],
                )
                if i == j or all(same):
                    continue
                kind = 0 if same[0] else 1 if same[1] else 2
                sums[kind] += residual[i] * residual[j]
                counts[kind] += 1
        if rows.size > 1:
            spread += float((residual**2).sum()) * rows.size / (rows.size - 1)
            size += rows.size
    base = sums[2] / counts[2] if counts[2] else 0.0
    return tuple(  # type: ignore[return-value]
        (sums[kind] / counts[kind] - base) / (spread / size) if counts[kind] and spread else np.nan
        for kind in (0, 1)
    )


@settings(max_examples=60)
@given(vote_rows(systems=3, max_size=30))
def test_the_shares_are_those_of_the_naive_twin(rows: list[Row]) -> None:
    votes = votes_of(rows, n_systems=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(variance_components, "FEWEST_VOTE_PAIRS", 1)
        found = pilot_variance(votes)
    with np.errstate(invalid="ignore"):
        prompt, annotator = naive(votes)
    if found.prompt is None:
        assert np.isnan(prompt)
    else:
        assert found.prompt == pytest.approx(min(1, max(0, prompt)), abs=1e-9)
    if found.annotator is not None and found.prompt is not None:
        limit = min(1 - found.prompt, max(0, annotator))
        assert found.annotator == pytest.approx(limit, abs=1e-9)


def planted(seed: int, prompt_share: float, annotator_share: float) -> Votes:
    """Binary scores of mean ½ whose normal mean varies by prompt and annotator."""
    random = np.random.default_rng(seed)
    prompts, annotators = 300, 60
    prompt = np.repeat(np.arange(prompts), 8)
    annotator = random.permuted(np.tile(np.arange(annotators), (prompts, 1)), axis=1)[:, :8].ravel()
    chance = (
        0.5
        + np.sqrt(0.25 * prompt_share) * random.choice([-1, 1], prompts)[prompt]
        + np.sqrt(0.25 * annotator_share) * random.choice([-1, 1], annotators)[annotator]
    )
    won = random.random(prompt.size) < chance
    a = np.zeros(prompt.size, dtype=int)
    return Votes.from_arrays(a, a + 1, np.where(won, 0, 2), prompt=prompt, annotator=annotator)


@pytest.mark.parametrize("shares", [(0.0, 0.0), (0.3, 0.0), (0.2, 0.1), (0.0, 0.2)])
def test_planted_components_are_found(shares: tuple[float, float]) -> None:
    found = [pilot_variance(planted(seed, *shares)) for seed in range(8)]
    prompt = np.mean([pilot.prompt or 0.0 for pilot in found])
    annotator = np.mean([pilot.annotator or 0.0 for pilot in found])
    assert prompt == pytest.approx(shares[0], abs=0.04)
    assert annotator == pytest.approx(shares[1], abs=0.04)


def test_real_votes_differ_by_prompt_and_hardly_by_annotator(shared_data: Path) -> None:
    found = pilot_variance(load(shared_data / "mtbench_turn1").votes)
    assert found.tie_rate == pytest.approx(405 / 1689)
    assert found.prompt == pytest.approx(0.336, abs=0.001)
    assert found.annotator == pytest.approx(0.014, abs=0.001)


@given(vote_rows(systems=3, min_size=2, max_size=40))
def test_the_order_within_pairs_changes_nothing(rows: list[Row]) -> None:
    turned = mirrored(rows, [place % 2 == 0 for place in range(len(rows))])
    one, other = (pilot_variance(votes_of(kind, n_systems=3)) for kind in (rows, turned))
    assert one.tie_rate == other.tie_rate
    for name in ("prompt", "annotator"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)


def test_without_votes_nothing_is_known() -> None:
    found = pilot_variance(votes_of([], n_systems=3))
    assert (found.votes, found.tie_rate, found.prompt, found.annotator) == (0, None, None, None)


def test_unanimous_votes_tell_no_share() -> None:
    found = pilot_variance(
        votes_of([(0, 1, 0, 1, prompt, who) for prompt in range(20) for who in range(4)])
    )
    assert (found.prompt, found.annotator) == (None, None)


def test_only_ties_leave_a_tie_rate_of_one() -> None:
    found = pilot_variance(votes_of([(0, 1, 1, 1, prompt, 0) for prompt in range(20)]))
    assert found.tie_rate == 1.0
    assert found.decisive == 0
