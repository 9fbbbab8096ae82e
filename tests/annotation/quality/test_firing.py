"""When a rule fires, on figures alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from annotation.answer_rules import Agreement, AtLeast, Quality
from annotation.quality_rules.concord import concords
from annotation.quality_rules.figures import Concord, Dwell, Evidence, Share
from annotation.quality_rules.firing import fire
from annotation.quality_rules.intervals import interval, log_e_value
from annotation.rules import QUALITY_RULES

QUIET = Quality(None, None, None, None, None, None, None)


def fired(rules: Quality, evidence: Evidence) -> list[str]:
    return [entry.rule for entry in fire(rules, {1: evidence})[1]]


def only(**rule) -> Quality:
    return dataclasses.replace(QUIET, **rule)


def test_a_rule_that_is_switched_off_never_fires():
    worst = Evidence(
        answers=200,
        gold=Share(0, 50),
        repeats=Share(0, 50),
        left=Share(200, 200),
        dwells=(Dwell(1, 5_000),) * 50,
        run=Share(200, 200),
        skips=Share(90, 100),
        concord=Concord((0.0,) * 50, 0.4, 0.8),
    )
    assert fired(QUIET, worst) == []
    assert fired(Quality(), worst) == list(QUALITY_RULES)


def test_nothing_fires_on_nothing():
    assert fired(Quality(), Evidence()) == []


@pytest.mark.parametrize(("hits", "n", "fires"), [(0, 4, False), (0, 5, True), (2, 6, True)])
def test_gold_needs_so_many_answers(hits, n, fires):
    rules = only(gold_accuracy=AtLeast(least=0.75, min_n=5))
    assert bool(fired(rules, Evidence(gold=Share(hits, n)))) is fires


def test_a_share_below_is_not_enough_while_its_bound_is_above():
    rules = only(repeat_consistency=AtLeast(least=0.6, min_n=5))
    # 5 of 10 is below 0.6, but 0.5 may well be chance: the bound of 95 % is 0.78.
    assert fired(rules, Evidence(repeats=Share(5, 10))) == []
    assert fired(rules, Evidence(repeats=Share(50, 100))) == ["repeat_consistency"]


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (3, 7), (7, 7), (40, 60)])
def test_the_interval_is_that_of_clopper_and_pearson(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(0.9, "exact")
    assert interval(Share(hits, n), 0.05) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_there_is_no_interval_of_nothing():
    assert interval(Share(), 0.05) is None


def test_one_side_fires_from_what_chance_does_not_do():
    assert fired(Quality(), Evidence(left=Share(11, 11))) == []
    assert fired(Quality(), Evidence(left=Share(12, 12))) == ["side_share"]
    assert fired(Quality(), Evidence(left=Share(0, 12))) == ["side_share"]
    assert fired(Quality(), Evidence(left=Share(30, 60))) == []


def test_the_test_of_sides_takes_the_number_of_annotators_into_account():
    # 2 · 0.5^12 = 0.0005 is below 0.001 for one annotator, and not for the smallest of twelve.
    evidence = {pk: Evidence(left=Share(20, 40)) for pk in range(2, 13)}
    evidence[1] = Evidence(left=Share(12, 12))
    assert fire(Quality(), evidence)[1] == ()
    assert fire(Quality(), {1: evidence[1]}, 12)[1] == ()
    assert fire(Quality(), {1: evidence[1]}, 1)[1] != ()


@pytest.mark.parametrize(("fast", "fires"), [(10, False), (11, True)])
def test_more_than_half_of_the_latest_answers_too_fast_fires(fast, fires):
    slow, quick = Dwell(60_000, 1_000), Dwell(3_900, 1_000)
    dwells = (quick,) * fast + (slow,) * (20 - fast)
    assert bool(fired(Quality(), Evidence(dwells=dwells))) is fires


def test_only_the_latest_answers_are_timed():
    slow, quick = Dwell(60_000, 1_000), Dwell(500, 1_000)
    assert fired(Quality(), Evidence(dwells=(slow,) * 20 + (quick,) * 100)) == []


def test_nobody_need_read_a_long_text_to_its_end():
    # By length alone 301 seconds; the ceiling is fifteen.
    assert fired(Quality(), Evidence(dwells=(Dwell(16_000, 100_000),) * 20)) == []


def test_a_short_text_can_be_read_in_a_moment():
    assert fired(Quality(), Evidence(dwells=(Dwell(1_100, 20),) * 20)) == []


@pytest.mark.parametrize(("run", "fires"), [(24, False), (25, True)])
def test_the_same_button_so_often_in_a_row_fires(run, fires):
    assert bool(fired(Quality(), Evidence(run=Share(run, 80)))) is fires


@pytest.mark.parametrize(("skipped", "n", "fires"), [(6, 20, False), (7, 20, True), (7, 19, False)])
def test_too_many_skips_fire(skipped, n, fires):
    assert bool(fired(Quality(), Evidence(skips=Share(skipped, n)))) is fires


def test_disagreement_counts_from_where_it_is_far_below_the_others():
    rules = only(agreement=Agreement(least=0.7, alpha=0.05, min_n=15))
    half = (0.5,) * 40
    assert fired(rules, Evidence(concord=Concord(half, 0.4, 0.6))) == ["agreement"]
    # The others agree no better than that: a hard study is nobody's fault.
    assert fired(rules, Evidence(concord=Concord(half, 0.4, 0.2))) == []
    # Nobody knows how well the others agree.
    assert fired(rules, Evidence(concord=Concord(half, 0.4, None))) == []
    assert fired(rules, Evidence(concord=Concord(half[:14], 0.0, 1.0))) == []


def test_an_alpha_of_nought_never_fires():
    rules = only(agreement=Agreement(alpha=0.0))
    assert fired(rules, Evidence(concord=Concord((0.0,) * 99, 0.4, 0.9))) == []


def test_the_e_value_seldom_reaches_twenty_at_any_time_when_all_is_well():
    draw = np.random.default_rng(3)
    values = (draw.binomial(2, 0.6, (400, 80)) / 2).tolist()
    reached = [
        any(log_e_value(row[:n], 0.6) >= np.log(20) for n in range(5, 81, 5)) for row in values
    ]
    # By Ville's inequality at most 5 %, here plus three standard errors.
    assert np.mean(reached) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_the_e_value_does_not_depend_on_the_order():
    values = [0.0, 1.0, 0.5, 0.0, 0.0]
    assert log_e_value(values, 0.7) == pytest.approx(log_e_value(values[::-1], 0.7))


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_a_mean_at_the_edge_says_nothing(mean):
    assert log_e_value([0.0] * 50, mean) == 0.0


def test_the_others_are_measured_without_the_one_in_question():
    # Annotator 9 contradicts everybody on twenty pairs; 1, 2 and 3 are of one mind.
    votes = {
        pair: {1: "a", 2: "a", 3: "a", 9: "b"} if pair % 2 else {1: "b", 2: "b", 3: "b", 9: "a"}
        for pair in range(20)
    }
    found = concords(votes, {9: list(votes), 1: list(votes)})
    assert found[9].others == pytest.approx(1.0)
    assert found[9].pairs == (0.0,) * 20
    assert found[1].others < 0.5
    assert found[1].pairs == pytest.approx((2 / 3,) * 20)


def test_chance_is_that_of_the_verdicts_given():
    votes = {pair: {1: "a", 2: "a" if pair % 4 else "b"} for pair in range(8)}
    (concord,) = concords(votes, {1: list(votes)}).values()
    assert concord.chance == pytest.approx(0.75)
    assert concord.others is None
