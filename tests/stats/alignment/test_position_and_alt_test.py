"""Position bias and the alt-test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.stats.alignment import Judgments
from reports.stats.alignment.alt_test import alt_test, benjamini_yekutieli
from reports.stats.alignment.position import position_consistency
from reports.stats.results import StatsError, WarningCode
from tests.stats.alignment.small_studies import (
    AB,
    BA,
    MISS,
    TIE,
    A,
    B,
    comparisons,
    judge_once,
    judge_twice,
    panel,
    sides,
    votes_on,
)


def test_position_is_read_from_comparisons_parsed_in_both_orders() -> None:
    study = comparisons(6)
    judgments = judge_twice([A, A, B, TIE, A, MISS], [A, B, A, TIE, B, A])
    judge, _ = sides(study, votes_on(study, []), judgments)
    figure = position_consistency(judgments, judge, study)
    assert figure.n == 5
    assert figure.estimate == pytest.approx(2 / 5)
    details = figure.details
    assert (details["first_both"], details["second_both"]) == (2, 1)
    assert details["preference"] == pytest.approx(1 / 5)
    assert details["p_value"] == pytest.approx(stats.binomtest(2, 3).pvalue)
    # ab calls won by a: 3; ba calls won by b: 2; of 11 parsed calls.
    assert details["first_share"] == pytest.approx(5 / 11)
    assert details["stability"] is None


@pytest.mark.parametrize("judgments", [judge_once([A, B]), judge_once([A, B], AB)])
def test_reconciled_labels_and_a_single_order_have_no_position_figures(
    judgments: Judgments,
) -> None:
    study = comparisons(2)
    judge, _ = sides(study, votes_on(study, []), judgments)
    figure = position_consistency(judgments, judge, study)
    assert figure.estimate is None
    assert figure.warnings == (WarningCode.ONE_ORDER,)


def test_a_judge_never_parsed_in_both_orders_has_no_position_figures() -> None:
    study = comparisons(2)
    judgments = judge_twice([A, MISS], [MISS, B])
    judge, _ = sides(study, votes_on(study, []), judgments)
    assert position_consistency(judgments, judge, study).estimate is None


def test_noise_between_replicates_is_told_from_position_bias() -> None:
    study = comparisons(1)
    judgments = Judgments.from_arrays([0] * 6, [AB] * 3 + [BA] * 3, [A, A, B, A, A, A])
    judge, _ = sides(study, votes_on(study, []), judgments)
    figure = position_consistency(judgments, judge, study)
    assert figure.details["stability"] == pytest.approx((2 / 3 + 1) / 2)


def test_by_rejects_the_smallest_up_to_the_largest_rank_under_its_line() -> None:
    # .013 lies above its own line; only the largest rank under its line decides.
    assert benjamini_yekutieli([0.005, 0.013, 0.014, 0.5]) == 3
    assert benjamini_yekutieli([0.5, 0.014, 0.005, 0.013]) == 3
    assert benjamini_yekutieli([0.9]) == 0
    assert benjamini_yekutieli([]) == 0


def naive_alt_test(
    table: list[list[int]], said: list[int], epsilon: float
) -> dict[int, tuple[float, float]]:
    """rho and p of each rater, comparison by comparison."""
    out = {}
    for rater in range(len(table[0])):
        wins_judge, wins_human = [], []
        for row, answer in zip(table, said, strict=True):
            others = [v for g, v in enumerate(row) if g != rater and v != MISS]
            if row[rater] == MISS or answer == MISS or not others:
                continue
            score_judge = np.mean([answer == v for v in others])
            score_human = np.mean([row[rater] == v for v in others])
            wins_judge.append(score_judge >= score_human)
            wins_human.append(score_human >= score_judge)
        d = np.array(wins_human, dtype=float) - np.array(wins_judge, dtype=float)
        p = stats.ttest_1samp(d, epsilon, alternative="less").pvalue
        out[rater] = (float(np.mean(wins_judge)), float(p))
    return out


def test_the_alt_test_equals_its_definition_comparison_by_comparison() -> None:
    random = np.random.default_rng(12)
    study = comparisons(150)
    truth = random.integers(0, 3, (150, 1))
    table = np.where(random.random((150, 4)) < 0.75, truth, random.integers(0, 3, (150, 4)))
    table[random.random((150, 4)) < 0.2] = MISS
    said = np.where(random.random(150) < 0.8, truth[:, 0], random.integers(0, 3, 150))
    said[:5] = MISS
    judge, humans = sides(study, panel(study, table), judge_once(said.tolist()))
    figure = alt_test(judge, humans, study, epsilon=0.15)
    naive = naive_alt_test(table.tolist(), said.tolist(), 0.15)
    assert [entry["rater"] for entry in figure.details["raters"]] == [0, 1, 2, 3]
    for entry in figure.details["raters"]:
        rho, p = naive[entry["rater"]]
        assert entry["rho"] == pytest.approx(rho)
        assert entry["p_value"] == pytest.approx(p)
    assert figure.estimate == benjamini_yekutieli([p for _, p in naive.values()]) / 4
    assert figure.details["rho"] == pytest.approx(np.mean([rho for rho, _ in naive.values()]))


def test_a_judge_who_always_equals_the_raters_wins_against_all_of_them() -> None:
    study = comparisons(40)
    table = np.tile(np.arange(40)[:, None] % 3, (1, 3))
    figure = alt_test(*sides(study, panel(study, table), judge_once(table[:, 0].tolist())), study)
    assert figure.estimate == 1
    assert figure.details["passed"] is True
    assert figure.details["epsilon"] == 0.15
    # No variance at all: the difference is below any positive margin, but not below 0.
    strictly = alt_test(
        *sides(study, panel(study, table), judge_once(table[:, 0].tolist())), study, epsilon=0.0
    )
    assert strictly.estimate == 0


def test_nobody_who_qualifies_is_a_null_and_not_a_division_by_zero() -> None:
    study = comparisons(40)
    few = alt_test(
        *sides(study, panel(study, np.zeros((40, 1), dtype=np.int64)), judge_once([A] * 40)), study
    )
    assert few.estimate is None
    assert few.warnings == (WarningCode.SINGLE_ANNOTATOR,)
    short = comparisons(20)
    table = np.zeros((20, 3), dtype=np.int64)
    figure = alt_test(*sides(short, panel(short, table), judge_once([A] * 20)), short)
    assert figure.estimate is None
    assert figure.warnings == (WarningCode.FEW_ANNOTATORS,)


def test_two_raters_run_with_a_warning_and_give_no_verdict() -> None:
    study = comparisons(40)
    table = np.zeros((40, 2), dtype=np.int64)
    figure = alt_test(*sides(study, panel(study, table), judge_once([A] * 40)), study)
    assert figure.estimate == 1
    assert figure.warnings == (WarningCode.FEW_ANNOTATORS,)
    assert figure.details["passed"] is None


def test_short_raters_are_tested_by_rank_only_on_request() -> None:
    study = comparisons(20)
    table = np.tile(np.arange(20)[:, None] % 3, (1, 3))
    judge, humans = sides(study, panel(study, table), judge_once(table[:, 0].tolist()))
    figure = alt_test(judge, humans, study, fewest=10)
    assert {entry["test"] for entry in figure.details["raters"]} == {"wilcoxon"}
    assert figure.estimate == 1


def test_the_design_effect_counts_comparisons_that_share_a_prompt() -> None:
    random = np.random.default_rng(2)
    base = random.integers(0, 3, (30, 4))
    study = comparisons(120)
    study = type(study)(np.arange(120) // 4, study.system_a, study.system_b, 2)
    table = np.repeat(base[:, :3], 4, axis=0)
    figure = alt_test(
        *sides(study, panel(study, table), judge_once(np.repeat(base[:, 3], 4).tolist())), study
    )
    alone = comparisons(30)
    single = alt_test(
        *sides(alone, panel(alone, base[:, :3]), judge_once(base[:, 3].tolist())), alone
    )
    assert single.details["design_effect"] > 1  # three raters share each comparison
    ratio = figure.details["design_effect"] / single.details["design_effect"]
    assert ratio == pytest.approx(4, rel=0.05)


def test_an_epsilon_that_is_no_number_is_refused() -> None:
    study = comparisons(1)
    with pytest.raises(StatsError, match="epsilon"):
        alt_test(*sides(study, votes_on(study, []), judge_once([A])), study, epsilon=np.nan)
