"""Permutation, sign and multiplicity tests."""

from __future__ import annotations

import json
import math
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats import significance as room
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch
from reports.stats.significance import (
    benjamini_hochberg,
    holm,
    mcnemar,
    sign_flip_floor,
    sign_flip_test,
    sign_flip_tests,
    sign_test,
)


def enumerated(points: list[int], votes: list[int]) -> float:
    """Share of all sign patterns at least as extreme, in whole numbers."""
    common = math.lcm(*votes)
    values = [p * (common // k) for p, k in zip(points, votes, strict=True)]
    observed = abs(sum(values))
    patterns = list(product((-1, 1), repeat=len(values)))
    hits = sum(
        abs(sum(s * v for s, v in zip(signs, values, strict=True))) >= observed
        for signs in patterns
    )
    return hits / len(patterns)


def test_fishers_darwin_data_count_863_patterns_each_way(shared_data: Path) -> None:
    data = json.loads((shared_data / "reference_values.json").read_text())
    darwin = data["fisher_darwin_permutation"]
    differences = darwin["differences"]
    found = sign_flip_test(differences, [1] * len(differences), seed=1)
    assert found.method == "sign_flip_exact"
    assert found.p_value * 2**15 == 2 * darwin["published"]["one_sided_count"]
    assert found.p_value == pytest.approx(2 * darwin["published"]["one_sided_p"], abs=1e-9)
    sign = darwin["computed"]["sign"]
    assert sign_test(sign["pos"], sign["neg"]) == pytest.approx(sign["p_two_sided"], abs=1e-9)


prompts = st.lists(
    st.integers(1, 4).flatmap(lambda k: st.tuples(st.integers(-k, k), st.just(k))),
    min_size=1,
    max_size=9,
)


@given(prompts)
def test_the_convolution_equals_full_enumeration(data: list[tuple[int, int]]) -> None:
    points, votes = [list(column) for column in zip(*data, strict=True)]
    found = sign_flip_test(points, votes, seed=1)
    assert found.p_value == pytest.approx(enumerated(points, votes), rel=1e-12)
    assert found.prompts == len(data)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20))
def test_one_vote_a_prompt_is_the_exact_sign_test(wins: int, losses: int, ties: int) -> None:
    points = [1] * wins + [-1] * losses + [0] * ties
    found = sign_flip_test(points, [1] * len(points), seed=1)
    assert found.p_value == pytest.approx(float(sign_test(wins, losses)), rel=1e-12)


def test_without_any_difference_p_is_one() -> None:
    assert sign_flip_test([0, 0, 0], [1, 2, 3], seed=1).p_value == 1
    assert sign_flip_test([], [], seed=1).p_value == 1
    assert sign_test(0, 0) == 1


def test_unanimity_reaches_the_floor_and_no_further() -> None:
    for count in (1, 5, 13):
        found = sign_flip_test([3] * count, [3] * count, seed=1)
        assert found.p_value == pytest.approx(sign_flip_floor(count))
    assert sign_flip_floor(0) == 1
    assert sign_flip_floor(5) == 0.0625


def test_a_p_value_is_never_zero() -> None:
    assert sign_flip_test([1] * 3_000, [1] * 3_000, seed=1).p_value > 0


@pytest.fixture
def _no_exact_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "DIRECT_WORK", 0)
    monkeypatch.setattr(room, "TRANSFORM_POINTS", 0)


POINTS, VOTES = [1, 2, 3, -1, 2, 1, 4, -2, 1, 3, 2, 5], [1, 2, 3, 2, 4, 3, 4, 5, 1, 3, 2, 5]


@pytest.mark.usefixtures("_no_exact_values")
def test_draws_stand_in_where_the_exact_value_costs_too_much() -> None:
    points = [*POINTS[:6], -4, -2, 1, -3, 2, 5]
    found = sign_flip_test(points, VOTES, seed=7)
    truth = enumerated(points, VOTES)
    assert found.method == "sign_flip_draws"
    assert found.p_value == pytest.approx(truth, abs=4 * math.sqrt(truth * (1 - truth) / 20_000))
    assert found == sign_flip_test(points, VOTES, seed=7)
    assert found != sign_flip_test(points, VOTES, seed=8)


@pytest.mark.usefixtures("_no_exact_values")
def test_a_rare_value_is_taken_from_the_saddlepoint_not_from_a_handful_of_hits() -> None:
    random = np.random.default_rng(2)
    votes = random.choice([3, 4, 5, 7], 60)
    points = random.integers(-votes, votes + 1)
    points[:40] = votes[:40] - 1
    found = sign_flip_test(points, votes, seed=1)
    assert found.method == "sign_flip_saddlepoint"
    room.DIRECT_WORK = 10**9  # restored by the fixture
    truth = sign_flip_test(points, votes, seed=1)
    assert truth.method == "sign_flip_exact"
    assert truth.p_value < 1e-4
    assert found.p_value == pytest.approx(truth.p_value, rel=0.1)


@pytest.mark.usefixtures("_no_exact_values")
def test_the_saddlepoint_meets_the_floor_at_unanimity() -> None:
    votes = list(range(1, 31))
    points = [max(1, k // 2) for k in votes]
    found = sign_flip_test(points, votes, seed=1)
    assert found.p_value == sign_flip_floor(30)


@given(prompts)
def test_the_transform_equals_the_convolution(data: list[tuple[int, int]]) -> None:
    points, votes = [list(column) for column in zip(*data, strict=True)]
    exact = sign_flip_test(points, votes, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "DIRECT_WORK", 0)
        found = sign_flip_test(points, votes, seed=1)
    assert found.method == "sign_flip_exact"
    assert found.p_value == pytest.approx(exact.p_value, rel=1e-6)


def test_many_prompts_of_few_votes_are_exact_and_close_to_the_normal_tail() -> None:
    random = np.random.default_rng(5)
    votes = random.integers(1, 5, 3_000)
    points = 2 * random.binomial(votes, 0.5) - votes
    found = sign_flip_test(points, votes, seed=1)
    share = points / votes
    normal = math.erfc(abs(share.sum()) / math.sqrt(2 * (share**2).sum()))
    assert found.method == "sign_flip_exact"
    assert found.p_value == pytest.approx(normal, abs=0.003)


@pytest.mark.parametrize(
    ("rare_work", "method"), [(10**9, "sign_flip_exact"), (0, "sign_flip_saddlepoint")]
)
def test_a_value_beyond_the_digits_of_the_transform_comes_another_way(
    monkeypatch: pytest.MonkeyPatch, rare_work: int, method: str
) -> None:
    votes = np.random.default_rng(3).choice([3, 4, 5, 7], 120)
    points = votes - 1
    points[:15] *= -1
    truth = sign_flip_test(points, votes, seed=1).p_value
    assert truth < 1e-12
    monkeypatch.setattr(room, "DIRECT_WORK", 0)
    monkeypatch.setattr(room, "RARE_WORK", rare_work)
    found = sign_flip_test(points, votes, seed=1)
    assert found.method == method
    assert found.p_value == pytest.approx(truth, rel=0.1 if rare_work == 0 else 1e-12)


def test_misuse_is_refused() -> None:
    with pytest.raises(ShapeMismatch):
        sign_flip_test([1, 2], [1], seed=1)
    with pytest.raises(NonFiniteInput, match="whole numbers"):
        sign_flip_test([0.5], [1], seed=1)
    with pytest.raises(NegativeCount, match="at least one vote"):
        sign_flip_test([1], [0], seed=1)
    with pytest.raises(NegativeCount):
        sign_test(-1, 2)
    with pytest.raises(NonFiniteInput):
        holm([0.1, 1.2])
    with pytest.raises(ShapeMismatch):
        holm([[0.1]])


def test_mcnemar_matches_agresti(shared_data: Path) -> None:
    data = json.loads((shared_data / "reference_values.json").read_text())["mcnemar_agresti"]
    (_, first), (second, _) = data["table"]
    assert mcnemar(first, second) == pytest.approx(data["computed"]["exact_p"], rel=1e-5)


def test_adjusted_p_values_match_benjamini_and_hochberg(shared_data: Path) -> None:
    data = json.loads((shared_data / "reference_values.json").read_text())["bh1995"]
    adjusted = data["computed"]["adjusted"]
    np.testing.assert_allclose(benjamini_hochberg(data["p"]), adjusted["bh"], atol=1e-9)
    np.testing.assert_allclose(holm(data["p"]), adjusted["holm"], atol=1e-9)
    assert (benjamini_hochberg(data["p"]) <= 0.05).sum() == data["published"]["bh_rejects"]
    assert holm([]).size == benjamini_hochberg([]).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_never_below_the_raw_value_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=10)  # every call of the other collects garbage, 20 ms of it
def test_holm_and_benjamini_hochberg_are_those_of_statsmodels(p: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)
    theirs = multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(benjamini_hochberg(p), theirs, rtol=1e-12)


@pytest.mark.parametrize("largest", [3, 7, 25])
def test_many_groups_are_tested_as_each_is_alone(largest: int) -> None:
    random = np.random.default_rng(largest)
    held = random.integers(0, 30, 120)
    bounds = np.concatenate([[0], np.cumsum(held)])
    votes = random.integers(1, largest + 1, bounds[-1])
    points = random.integers(-votes, votes + 1)
    alone = [
        sign_flip_test(points[begin:end], votes[begin:end], seed=3) if end > begin else None
        for begin, end in pairwise(bounds.tolist())
    ]
    assert sign_flip_tests(points, votes, bounds, seed=3) == alone


def test_groups_without_a_difference_have_nothing_to_flip() -> None:
    nothing = sign_flip_tests(np.zeros(2, int), np.ones(2, int), np.array([0, 2, 2]), seed=1)
    assert nothing == [sign_flip_test([0, 0], [1, 1], seed=1), None]
