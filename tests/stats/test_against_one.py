"""Several systems against one: by enumeration, by a naive twin, and by its error rate."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats import against_one as room
from reports.stats.against_one import Planned, against_one, max_statistic_p_values
from reports.stats.head_to_head import head_to_head
from reports.stats.results import ShapeMismatch, WarningCode
from tests.stats.coverage.measured import Band, Measured, hold
from tests.stats.vote_makers import (
    Row,
    mirrored,
    regular_rows,
    simulated,
    vote_rows,
    votes_of,
    with_systems,
)


def naive(table: list[list[float]]) -> list[float]:
    """Westfall & Young's step-down written as it is explained: all sign patterns, set by set."""
    rows, columns = len(table), len(table[0])

    def statistics(signs: tuple[int, ...]) -> list[float]:
        out = []
        for j in range(columns):
            square = sum(table[p][j] ** 2 for p in range(rows))
            total = sum(sign * table[p][j] for p, sign in enumerate(signs))
            out.append(abs(total) / square**0.5 if square else 0.0)
        return out

    observed = statistics((1,) * rows)
    null = [statistics(signs) for signs in product((1, -1), repeat=rows)]
    p, least, active = [0.0] * columns, 0.0, list(range(columns))
    for j in sorted(range(columns), key=lambda j: -observed[j]):
        hits = sum(max(draw[k] for k in active) >= observed[j] - 1e-9 for draw in null)
        least = max(least, hits / len(null))
        p[j] = least
        active.remove(j)
    return p


def p_values(table: np.ndarray, *, seed: int) -> tuple[np.ndarray, str]:
    return max_statistic_p_values(table, seed=seed)


TABLE = st.integers(1, 6).flatmap(
    lambda rows: st.integers(1, 4).flatmap(
        lambda columns: st.lists(
            st.lists(
                st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5]), min_size=columns, max_size=columns
            ),
            min_size=rows,
            max_size=rows,
        )
    )
)


def _distinct(table: list[list[float]]) -> bool:
    """Whether no two statistics are equal: of equal ones either may come first."""
    columns = np.array(table)
    scale = np.sqrt((columns**2).sum(axis=0))
    found = np.abs(columns.sum(axis=0)) / np.where(scale > 0, scale, 1)
    return len({round(value, 9) for value in found.tolist()}) == len(found)


@settings(max_examples=60)
@given(TABLE)
def test_the_p_values_are_those_of_all_sign_patterns(table: list[list[float]]) -> None:
    found, method = p_values(np.array(table), seed=0)
    assert method == "sign_flip_max_exact"
    expected = naive(table)
    if _distinct(table):
        assert found == pytest.approx(expected)
    assert sorted(found) == pytest.approx(sorted(expected))


def test_draws_come_close_to_all_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    table = random.choice([-0.5, 0.0, 0.5], (14, 4), p=[0.2, 0.3, 0.5])
    exact, _ = p_values(table, seed=1)
    monkeypatch.setattr(room, "EXACT_PROMPTS", 1)
    drawn, method = p_values(table, seed=1)
    assert method == "sign_flip_max_draws"
    assert drawn == pytest.approx(exact, abs=0.015)
    assert (drawn == p_values(table, seed=1)[0]).all()
    assert (drawn != p_values(table, seed=2)[0]).any()


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.random.default_rng(3).choice([-0.5, 0.0, 0.5], (32, 3))
    whole, _ = p_values(table, seed=1)
    monkeypatch.setattr(room, "PIECE", 3200)
    assert p_values(table, seed=1)[0] == pytest.approx(whole)


def test_one_opponent_is_the_sign_flip_test_of_the_pair() -> None:
    rows = [(0, 1, verdict, 1, prompt, 0) for prompt, verdict in enumerate([0, 0, 0, 1, 2, 0, 0])]
    votes = votes_of(rows)
    (row,) = head_to_head(votes, seed=0)
    (found,) = against_one(votes, np.array([0]), seed=0)
    assert found.opponents[0].p_adjusted == pytest.approx(row.p_value)
    assert found.opponents[0].mean_score == pytest.approx(row.win_rate_a.estimate)


def test_it_lies_between_the_raw_p_and_bonferroni_and_uses_what_the_tests_share() -> None:
    # Three opponents that meet the same verdicts on each prompt are one test, not three.
    rows: list[Row] = []
    for prompt, verdict in enumerate([0, 0, 0, 0, 0, 0, 0, 0, 2, 0]):
        rows += [(0, other, verdict, 1, prompt, 0) for other in (1, 2, 3)]
    votes = votes_of(rows)
    pairs = {row.system_b: row for row in head_to_head(votes, seed=0) if row.system_a == 0}
    (found,) = against_one(votes, np.array([0]), seed=0)
    for other in found.opponents:
        raw = pairs[other.system].p_value
        assert raw is not None
        assert other.p_adjusted == pytest.approx(raw)
        assert other.p_adjusted < (pairs[other.system].p_adjusted or 0)


@settings(max_examples=40)
@given(vote_rows(min_size=1), st.permutations(range(4)), st.data())
def test_names_mirrors_and_the_order_of_rows_are_irrelevant(
    rows: list[Row], code: list[int], data: st.DataObject
) -> None:
    systems = np.arange(4)
    plain = against_one(votes_of(rows, n_systems=4), systems, seed=1)
    which = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    shuffled = data.draw(st.permutations(mirrored(rows, which)))
    assert against_one(votes_of(shuffled, n_systems=4), systems, seed=1) == plain
    renamed = against_one(votes_of(with_systems(rows, code), n_systems=4), np.array(code), seed=1)
    for one, other in zip(plain, renamed, strict=True):
        here = {code[each.system]: each.p_adjusted for each in one.opponents}
        there = {each.system: each.p_adjusted for each in other.opponents}
        assert here.keys() == there.keys()
        assert sorted(here.values()) == pytest.approx(sorted(there.values()))


def test_thin_data_are_explained() -> None:
    votes = votes_of([(0, 1, 0, 1, prompt, 0) for prompt in range(4)], n_systems=3)
    few, _, none = against_one(votes, np.arange(3), seed=0)
    assert few.warnings == (WarningCode.TOO_FEW_PROMPTS,)
    assert few.opponents[0].p_adjusted == 0.125
    assert (none.opponents, none.warnings) == ((), (WarningCode.NO_VOTES,))
    tied = votes_of([(0, 1, 1, 1, prompt, 0) for prompt in range(9)])
    (found,) = against_one(tied, np.array([0]), seed=0)
    assert found.opponents[0].p_adjusted == 1.0
    assert against_one(votes_of([], n_systems=2), np.array([0]), seed=0)[0].opponents == ()
    with pytest.raises(ShapeMismatch):
        max_statistic_p_values(np.zeros(3), seed=0)


def test_rows_without_differences_change_nothing() -> None:
    table = np.random.default_rng(4).choice([-0.5, 0.5], (40, 3))
    padded = np.zeros((80, 3))
    padded[::2] = table
    np.testing.assert_array_equal(p_values(padded, seed=3)[0], p_values(table, seed=3)[0])
    few, method = p_values(np.concatenate((table[:9], np.zeros((50, 3)))), seed=3)
    assert method == "sign_flip_max_exact"
    np.testing.assert_array_equal(few, p_values(table[:9], seed=3)[0])


def test_only_the_table_of_one_system_is_held() -> None:
    # 60 systems, each pair on a prompt of its own: dense tables of all at once take 50 MB.
    pairs = list(combinations(range(60), 2))
    rows: list[Row] = [(a, b, 0, 1, prompt, 0) for prompt, (a, b) in enumerate(pairs)]
    votes = votes_of(rows, n_systems=60)
    tracemalloc.start()
    try:
        against_one(votes, np.arange(60), seed=0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40e6


def planned_as(prompts: int, *, disjoint: bool) -> Planned:
    """Systems 1 and 2 against system 0, on the same prompts or on others."""
    others = np.repeat([1, 2], prompts)
    prompt = np.tile(np.arange(prompts), 2) + (disjoint * prompts * (others - 1))
    return Planned(np.zeros(2 * prompts, dtype=np.int64), others, prompt)


@pytest.mark.parametrize(
    ("prompts", "disjoint", "too_few"),
    # 2^(1-6) = .031 is enough for one opponent, and for two on the same prompts; two on others
    # reach 1 - (1 - .031)^2 = .062, and with 7 prompts each .031.
    [(5, False, True), (6, False, False), (6, True, True), (7, True, False), (30, True, False)],
)
def test_too_few_prompts_are_judged_by_what_is_planned_for_the_family(
    prompts: int, disjoint: bool, too_few: bool
) -> None:
    rows: list[Row] = [(0, other, 0, 1, prompt, 0) for other in (1, 2) for prompt in range(2)]
    votes = votes_of(rows, n_systems=3, n_prompts=60)
    planned = planned_as(prompts, disjoint=disjoint)
    (found,) = against_one(votes, np.array([0]), seed=0, planned=planned)
    assert (WarningCode.TOO_FEW_PROMPTS in found.warnings) == too_few


def test_real_ties_count_as_half() -> None:
    votes = votes_of(regular_rows(5, n=200))
    (found,) = against_one(votes, np.array([2]), seed=0)
    by_prompt: dict[int, list[float]] = {}
    for a, b, verdict, p in zip(
        votes.system_a, votes.system_b, votes.verdict, votes.prompt, strict=True
    ):
        if {int(a), int(b)} == {2, 3}:
            won = {0: 1.0, 1: 0.5, 2: 0.0, 3: 0.5}[int(verdict)]
            by_prompt.setdefault(int(p), []).append(won if a == 2 else 1 - won)
    other = next(each for each in found.opponents if each.system == 3)
    assert other.prompts == len(by_prompt)
    assert other.mean_score == pytest.approx(np.mean([np.mean(s) for s in by_prompt.values()]))


@pytest.mark.slow
def test_the_chance_of_any_false_finding_is_kept(
    record_property: Callable[[str, object], None],
) -> None:
    wrong = []
    for seed in range(1_000):
        votes, _ = simulated(
            seed, systems=5, spread=0.0, n=800, annotators=30, prompts=40, prompt_effect=0.8
        )
        (found,) = against_one(votes, np.array([0]), seed=seed)
        wrong.append(float(any(other.p_adjusted <= 0.05 for other in found.opponents)))
    figure = "max-statistic test, 4 opponents"
    hold(record_property, [Measured.of("prompts lean", figure, Band(0.05, 0.03, 0.06), wrong)])
