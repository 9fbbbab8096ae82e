"""Mean scores and their effective-vote Wilson intervals."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats import cluster_sums
from reports.stats import win_rates as room
from reports.stats.intervals import critical_value, wilson
from reports.stats.results import InvalidLevel, WarningCode
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_index, pair_mean_scores, system_mean_scores
from tests.stats.shared_sets import load
from tests.stats.vote_makers import Row, mirrored, regular_rows, vote_rows, votes_of


def test_plain_wilson_intervals_match_newcombe(shared_data: Path) -> None:
    cases = json.loads((shared_data / "reference_values.json").read_text())["ci_newcombe1998"]
    for case in cases["cases"]:
        low, high = wilson(case["x"] / case["n"], case["n"], critical_value(0.95, None))
        assert [round(float(low), 4), round(float(high), 4)] == case["wilson"]


@pytest.mark.parametrize("name", ["pandalm", "mtbench_turn1", "rankgen"])
def test_real_win_rates_and_plain_intervals_match_the_reference(
    shared_data: Path, name: str
) -> None:
    shared = load(shared_data / name)
    systems = shared.systems
    rates = pair_mean_scores(shared.votes)
    plain = pair_mean_scores(shared.votes, ties="drop", clustering="none")
    for i, j in combinations(range(len(systems)), 2):
        pair = int(pair_index(i, j, len(systems)))
        expected = shared.expected["head_to_head"].get(f"{systems[i]} | {systems[j]}")
        figure = rates.estimate(pair)
        if expected is None:
            assert figure.estimate is None
            assert figure.warnings == (WarningCode.NO_VOTES,)
            continue
        assert figure.estimate == pytest.approx(expected["winrate_a"], abs=5e-7)
        interval = plain.estimate(pair)
        assert [interval.low, interval.high] == pytest.approx(expected["ci"], abs=1e-6)
        assert interval.method == "wilson_iid"
        assert interval.df is None
    overall = system_mean_scores(shared.votes)
    for code, system in enumerate(systems):
        rate, n = shared.expected["winrate_labels"][system]
        assert overall.estimate(code).estimate == pytest.approx(rate, abs=5.1e-5)
        assert overall.estimate(code).n == n


def naive_two_way(rows: list[Row]) -> tuple[float, float]:
    """Mean and two-way variance of the pair (0, 1), cluster by cluster."""
    score = np.array([(1, 0.5, 0, 0.5)[row[2]] for row in rows])
    mean, n = score.mean(), len(rows)

    def sums(key: list[object]) -> list[tuple[float, int]]:
        groups = sorted(set(key), key=str)
        return [
            (
                sum(y - mean for y, k in zip(score, key, strict=True) if k == group),
                key.count(group),
            )
            for group in groups
        ]

    def jackknife(key: list[object]) -> float:
        changes = np.array([s / (n - k) for s, k in sums(key)])
        g = changes.size
        return float((g - 1) / g * ((changes - changes.mean()) ** 2).sum())

    people, texts = [row[5] for row in rows], [row[4] for row in rows]
    both = sums(list(zip(people, texts, strict=True)))
    meat = sum(s**2 for s, _ in both) / n**2 * len(both) / (len(both) - 1)
    return float(mean), jackknife(list(people)) + jackknife(list(texts)) - float(meat)


@pytest.mark.parametrize("seed", range(8))
def test_the_two_way_variance_equals_the_naive_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Clusters that differ, so that the combination is positive.
    rows: list[Row] = []
    for _ in range(150):
        prompt, who = int(random.integers(6)), int(random.integers(5))
        lean = 0.5 + 0.08 * (prompt - 2.5) + 0.08 * (who - 2)
        verdict = 1 if random.random() < 0.2 else (0 if random.random() < lean else 2)
        rows.append((0, 1, verdict, 0, prompt, who))
    mean, variance = naive_two_way(rows)
    found = pair_mean_scores(votes_of(rows))
    assert found.mean[0] == pytest.approx(mean)
    assert variance > 0
    assert found.variance[0] == pytest.approx(variance, rel=1e-9)
    assert found.method[0] == "two_way_t"
    effective = min(mean * (1 - mean) / variance, 4 * 150)
    assert found.effective[0] == pytest.approx(effective)


@given(vote_rows(systems=3, min_size=1))
def test_every_interval_contains_its_estimate_and_lies_in_range(rows: list[Row]) -> None:
    votes = votes_of(rows, n_systems=3)
    for found, groups in ((pair_mean_scores(votes), 3), (system_mean_scores(votes), 3)):
        for group in range(groups):
            figure = found.estimate(group)
            if figure.estimate is None:
                assert figure.n == 0
                continue
            assert figure.low is not None
            assert figure.high is not None
            assert 0 <= figure.low <= figure.estimate <= figure.high <= 1
            assert figure.high - figure.low > 1e-6
            assert figure.details["effective_n"] <= 4 * figure.n + 1e-9


@given(vote_rows(systems=3, min_size=1), st.data())
def test_mirrored_rows_give_the_same_win_rates(rows: list[Row], data: st.DataObject) -> None:
    turns = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    plain = pair_mean_scores(votes_of(rows, n_systems=3))
    turned = pair_mean_scores(votes_of(mirrored(rows, turns), n_systems=3))
    for pair in range(3):
        assert plain.estimate(pair) == turned.estimate(pair)


@given(vote_rows(systems=2, min_size=1))
def test_two_systems_mirror_each_other(rows: list[Row]) -> None:
    found = system_mean_scores(votes_of(rows, n_systems=2))
    first, second = found.estimate(0), found.estimate(1)
    assert first.estimate is not None
    assert second.estimate == pytest.approx(1 - first.estimate)
    assert second.low == pytest.approx(1 - (first.high or 0.0), abs=1e-9)


def test_doubling_every_row_leaves_the_clustered_variance() -> None:
    rows = regular_rows(1, n=200)
    once, twice = pair_mean_scores(votes_of(rows)), pair_mean_scores(votes_of(rows * 2))
    keep = ~(once.not_psd | twice.not_psd)
    np.testing.assert_allclose(twice.variance[keep], once.variance[keep], rtol=1e-9)


def test_unanimity_counts_prompts_not_votes() -> None:
    rows: list[Row] = [(0, 1, 0, 0, prompt, who) for prompt in range(5) for who in range(10)]
    figure = pair_mean_scores(votes_of(rows)).estimate(0)
    assert figure.estimate == 1
    assert figure.details["effective_n"] == 5
    assert figure.high == 1
    assert figure.low is not None
    assert 0 < figure.low < 0.6


def test_all_ties_have_a_width_too() -> None:
    rows: list[Row] = [(0, 1, 1, 0, prompt, who) for prompt in range(7) for who in range(6)]
    figure = pair_mean_scores(votes_of(rows)).estimate(0)
    assert figure.estimate == 0.5
    assert figure.details["effective_n"] == 7
    assert figure.low is not None
    assert figure.low < 0.35


def test_rounding_around_zero_variance_is_not_agreement() -> None:
    # 1/49 times 49 is not 1 in floating point, so that prompts of one mind seem to differ.
    rows: list[Row] = [
        (0, 1, 0 if k % 49 == 0 else 2, 0, prompt, 0)
        for prompt in range(6)
        for k in range(49 * (prompt + 1))
    ]
    found = pair_mean_scores(votes_of(rows))
    assert found.variance[0] > 0
    assert found.estimate(0).details["effective_n"] == 6


def test_one_vote_gives_a_wide_interval_and_its_warnings() -> None:
    figure = pair_mean_scores(votes_of([(0, 1, 0, 0, 0, 0)])).estimate(0)
    assert figure.estimate == 1
    assert figure.low is not None
    assert figure.low < 0.01
    assert set(figure.warnings) == {WarningCode.SINGLE_ANNOTATOR, WarningCode.FEW_PROMPTS}


def test_few_annotators_show_the_prompt_only_interval_beside() -> None:
    random = np.random.default_rng(0)
    rows: list[Row] = [
        (0, 1, 0 if random.random() < 0.35 + 0.15 * who else 2, 0, prompt, who)
        for prompt in range(40)
        for who in range(3)
    ]
    figure = pair_mean_scores(votes_of(rows)).estimate(0)
    assert WarningCode.FEW_ANNOTATORS in figure.warnings
    alone = figure.details["these_annotators"]
    assert figure.low is not None
    assert figure.high is not None
    assert alone["high"] - alone["low"] < figure.high - figure.low


def test_sorting_finds_the_same_clusters_as_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = votes_of(regular_rows(4))
    dense = pair_mean_scores(votes)
    monkeypatch.setattr(cluster_sums, "CHUNK_ENTRIES", -10_000)
    assert pair_mean_scores(votes).estimate(2) == dense.estimate(2)


def test_blocks_of_groups_give_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = votes_of(regular_rows(4, n=200), n_systems=6)
    whole = [pair_mean_scores(votes), system_mean_scores(votes)]
    monkeypatch.setattr(room, "BLOCK_VOTES", 40)
    blocks = [pair_mean_scores(votes), system_mean_scores(votes)]
    for one, many in zip(whole, blocks, strict=True):
        assert one.votes.tolist() == many.votes.tolist()
        for group in range(one.votes.size):
            assert one.estimate(group) == many.estimate(group)


def test_integer_weights_give_the_mean_and_clustered_variance_of_repeated_rows() -> None:
    rows = np.array(regular_rows(6, n=200))
    weight = np.random.default_rng(3).integers(1, 4, len(rows))
    weighted = Votes.from_arrays(
        rows[:, 0], rows[:, 1], rows[:, 2], prompt=rows[:, 4], annotator=rows[:, 5], weight=weight
    )
    many = votes_of([tuple(row) for row in np.repeat(rows, weight, axis=0).tolist()])
    first, second = system_mean_scores(weighted), system_mean_scores(many)
    np.testing.assert_allclose(first.mean, second.mean)
    np.testing.assert_allclose(first.variance, second.variance, rtol=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_outside_the_unit_interval_is_refused(level: float) -> None:
    with pytest.raises(InvalidLevel, match="between 0 and 1"):
        pair_mean_scores(votes_of([(0, 1, 0, 0, 0, 0)]), level=level)


def test_pairs_are_listed_row_by_row() -> None:
    first, second = np.triu_indices(7, 1)
    np.testing.assert_array_equal(pair_index(first, second, 7), np.arange(21))
