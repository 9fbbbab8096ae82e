"""Plans against arithmetic, published tables, and the power that simulated studies reach."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.stats.planning import PlanError, decisive_votes_needed
from reports.stats.significance import sign_flip_test
from reports.stats.study_plan import (
    DEFAULT_SHARES,
    Design,
    VarianceShares,
    VarianceTerms,
    plan_study,
    votes_for_gap,
)
from tests.stats.coverage.measured import Band, Measured, hold

INDEPENDENT = VarianceShares(0.0, 0.0, 1.0)


def test_independent_votes_need_the_decisive_votes_over_the_decisive_share() -> None:
    plan = plan_study(annotators=10, votes_per_prompt=3, tie_rate=0.27, shares=INDEPENDENT)
    assert plan.decisive_needed == 210
    assert plan.design.prompts == 96  # 210/.73 = 287.7 votes
    assert plan.design_effect == pytest.approx(1.0)
    assert plan.prompts_beat_votes_from is None


def test_the_variance_is_the_sum_of_the_three_terms() -> None:
    shares = VarianceShares(0.3, 0.1, 0.6)
    terms = VarianceTerms.of(shares, Design(50, 4, 8, 0.0))
    assert terms.prompt == pytest.approx(0.3 / 50)
    assert terms.annotator == pytest.approx(0.1 / 8)
    assert terms.vote == pytest.approx(0.6 / 200)
    assert terms.total == pytest.approx(0.3 / 50 + 0.1 / 8 + 0.6 / 200)
    assert terms.dominant == "annotator"
    assert VarianceTerms.of(shares, Design(50, 4, 80, 0.0)).dominant == "prompt"
    assert VarianceTerms.of(shares, Design(50, 1, 80, 0.0)).dominant == "vote"


SHARES = st.tuples(st.floats(0, 0.9), st.floats(0, 0.05)).map(
    lambda parts: VarianceShares(parts[0], parts[1], 1 - parts[0] - parts[1])
)


@given(SHARES, st.integers(1, 8), st.integers(2, 60), st.floats(0, 0.8))
def test_the_planned_prompts_suffice_and_one_fewer_would_not(
    shares: VarianceShares, overlap: int, annotators: int, tie_rate: float
) -> None:
    plan = plan_study(
        shares=shares, votes_per_prompt=overlap, annotators=annotators, tie_rate=tie_rate
    )
    if not plan.feasible:
        assert annotators < plan.annotators_needed
        return
    assert plan.effective >= plan.decisive_needed * (1 - 1e-9)
    assert plan.power >= 0.8
    if plan.design.prompts > 1:
        fewer = plan_study(
            shares=shares,
            votes_per_prompt=overlap,
            annotators=annotators,
            tie_rate=tie_rate,
            prompts=plan.design.prompts - 1,
        )
        assert fewer.effective < plan.decisive_needed


@given(SHARES, st.integers(1, 8), st.integers(1, 400), st.integers(1, 40))
def test_more_of_anything_never_hurts(
    shares: VarianceShares, overlap: int, prompts: int, annotators: int
) -> None:
    plan = plan_study(
        shares=shares, votes_per_prompt=overlap, annotators=annotators, prompts=prompts
    )
    assert all(gain >= -1e-12 for gain in plan.gains.values())
    if plan.design.decisive >= annotators:
        assert plan.design_effect >= 1 - 1e-9


def test_new_prompts_beat_further_votes_where_the_prompts_differ() -> None:
    plan = plan_study(shares=DEFAULT_SHARES, votes_per_prompt=3, annotators=20, prompts=90)
    assert plan.gains["new_prompts"] > plan.gains["vote"]
    alike = plan_study(shares=INDEPENDENT, votes_per_prompt=3, annotators=20, prompts=90)
    assert alike.gains["new_prompts"] == pytest.approx(alike.gains["vote"])


def test_the_turning_point_is_where_votes_can_shrink_half() -> None:
    shares = VarianceShares(0.2, 0.0, 0.8)
    plan = plan_study(shares=shares, votes_per_prompt=4, annotators=9, tie_rate=0.0)
    assert plan.prompts_beat_votes_from == 4
    terms = VarianceTerms.of(shares, Design(100, 4, 9, 0.0))
    assert terms.prompt == pytest.approx(terms.vote)


def test_annotators_who_differ_too_much_cannot_be_outvoted() -> None:
    shares = VarianceShares(0.1, 0.1, 0.8)
    plan = plan_study(shares=shares, votes_per_prompt=3, annotators=21)
    assert not plan.feasible
    assert plan.annotators_needed == 22
    assert plan_study(shares=shares, votes_per_prompt=3, annotators=22).feasible


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompts": 0},
        {"votes_per_prompt": 0},
        {"annotators": 0},
        {"tie_rate": 1.0},
        {"tie_rate": -0.1},
        {"tie_rate": math.nan},
        {"win_rate": 0.5},
    ],
)
def test_an_impossible_plan_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(PlanError, match="expected"):
        plan_study(**{"annotators": 5, "votes_per_prompt": 3, **wrong})  # type: ignore[arg-type]


def test_shares_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(PlanError, match="sum to 1"):
        VarianceShares(0.5, 0.5, 0.5)
    with pytest.raises(PlanError, match="sum to 1"):
        VarianceShares(math.nan, 0.5, 0.5)


def test_the_votes_for_a_gap_grow_with_the_square() -> None:
    once = votes_for_gap(1_000, 0.1, 0.2)
    assert once == math.ceil(1_000 * ((1.959964 + 0.8416212) * 0.5) ** 2)
    assert votes_for_gap(1_000, 0.1, -0.2) == once
    assert votes_for_gap(1_000, 0.1, 0.1) == pytest.approx(4 * once, abs=4)


@pytest.mark.parametrize("wrong", [(0, 0.1, 0.1), (10, 0.0, 0.1), (10, 0.1, 0.0), (9, math.nan, 1)])
def test_a_gap_that_cannot_be_planned_is_refused(wrong: tuple[int, float, float]) -> None:
    with pytest.raises(PlanError, match="expected"):
        votes_for_gap(*wrong)


PEOPLE = 30


@dataclass(frozen=True)
class Simulated:
    """A study of one pair of win rate .6, whose votes vary as its shares say."""

    shares: VarianceShares
    overlap: int
    tie_rate: float

    def planned_prompts(self) -> int:
        plan = plan_study(
            shares=self.shares,
            votes_per_prompt=self.overlap,
            tie_rate=self.tie_rate,
            annotators=PEOPLE,
        )
        return plan.design.prompts

    def power(self, prompts: int, runs: int, seed: int) -> float:
        """Share of studies that the product's own test finds at .05.

        Prompts differ by a beta distribution of mean .6 with the share as correlation; each
        annotator adds his own liking.
        """
        random = np.random.default_rng(seed)
        rows = np.repeat(np.arange(prompts), self.overlap)
        found = 0
        for _ in range(runs):
            chance = np.full(prompts, 0.6)
            if self.shares.prompt:
                size = 1 / self.shares.prompt - 1
                chance = random.beta(0.6 * size, 0.4 * size, prompts)
            liking = random.normal(0, math.sqrt(self.shares.annotator * 0.24), PEOPLE)
            who = random.permutation(np.arange(rows.size) % PEOPLE)
            won = random.random(rows.size) < chance[rows] + liking[who]
            decisive = random.random(rows.size) >= self.tie_rate
            points = np.bincount(rows, np.where(won, 1, -1) * decisive, prompts)
            votes = np.full(prompts, self.overlap)
            found += sign_flip_test(points.astype(np.int64), votes, seed=1).p_value <= 0.05
        return found / runs


SIMULATED = {
    "one vote a prompt": Simulated(INDEPENDENT, 1, 0.25),
    "3 votes a prompt, share .3": Simulated(VarianceShares(0.3, 0.0, 0.7), 3, 0.25),
    "5 votes a prompt, share .6": Simulated(VarianceShares(0.6, 0.0, 0.4), 5, 0.1),
    "the default shares": Simulated(DEFAULT_SHARES, 3, 0.25),
}


@pytest.mark.parametrize("name", list(SIMULATED))
def test_the_plan_reaches_its_power(name: str) -> None:
    study = SIMULATED[name]
    assert study.power(study.planned_prompts(), 400, 3) == pytest.approx(0.8, abs=0.06)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", list(SIMULATED))
def test_the_planned_size_is_within_a_tenth_of_the_size_that_reaches_the_power(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    study, runs = SIMULATED[name], 4_000
    planned = study.planned_prompts()
    sizes = np.array([round(planned * factor) for factor in (0.8, 0.9, 1.0, 1.1, 1.2)])
    power = [study.power(int(size), runs, 5) for size in sizes]
    # A line through the five smooths the simulation's noise and the test's saw teeth.
    slope, start = np.polyfit(sizes, power, 1)
    ratio = planned / float((0.8 - start) / slope)
    band = Band(1.0, 0.9, 1.1)
    figure = "planned n / n of the power"
    hold(record_property, [Measured(name, figure, band, ratio, 0.0, runs * sizes.size)])


def test_the_decisive_votes_are_those_of_the_report() -> None:
    assert plan_study(annotators=9, votes_per_prompt=3).decisive_needed == decisive_votes_needed()
