"""Forecasts of rank ranges against published figures, the plan of a pair, and simulated studies."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from reports.stats.leaderboard import leaderboard
from reports.stats.planning import PlanError
from reports.stats.rank_plan import (
    LARGEST_SPREAD,
    MOST_STUDIES,
    BoardDesign,
    RankPlan,
    everyone_meets,
    plan_ranks,
    variance_of_strengths,
)
from reports.stats.study_plan import DEFAULT_SHARES, Design, VarianceShares, plan_study
from reports.stats.votes import Votes

INDEPENDENT = VarianceShares(0.0, 0.0, 1.0)


def board(
    meets: np.ndarray, prompts: int, share: float, overlap: int, people: int, tie_rate: float
) -> BoardDesign:
    """From the number of prompts in all."""
    return BoardDesign(meets, share, Design(round(prompts * share), overlap, people, tie_rate))


def independent(systems: int, votes: int, tie_rate: float = 0.24) -> BoardDesign:
    """Each vote by its own annotator, and no two pairs on one prompt."""
    pairs = systems * (systems - 1) // 2
    prompts = math.ceil(votes / pairs)
    meets = everyone_meets(systems) * (votes / (pairs * prompts))
    return BoardDesign(meets, 1 / pairs, Design(prompts, 1, votes, tie_rate))


def planned(design: BoardDesign, shares: VarianceShares = INDEPENDENT, **more: float) -> RankPlan:
    found = plan_ranks(design, shares, seed=1, **more)
    assert found is not None
    return found


@pytest.mark.parametrize(("votes", "published"), [(2_000, 16.7), (10_000, 10.3), (50_000, 4.4)])
def test_the_published_widths_of_twenty_systems_are_reproduced(
    votes: int, published: float
) -> None:
    """From how many studies the published means are is not told: within the error of four."""
    found = planned(independent(20, votes))
    assert found.votes == votes
    assert 0 < found.places_se < 0.25
    of_one_study = found.places_se * np.sqrt(MOST_STUDIES)
    assert found.places == pytest.approx(published, abs=2 * of_one_study / np.sqrt(4))


@pytest.mark.parametrize("overlap", [1, 3])
@pytest.mark.parametrize("tie_rate", [0.0, 0.3])
def test_of_two_equal_systems_the_errors_are_those_of_the_plan_of_a_pair(
    overlap: int, tie_rate: float
) -> None:
    shares = VarianceShares(0.3, 0.05, 0.65)
    pair = plan_study(
        shares=shares, annotators=12, votes_per_prompt=overlap, tie_rate=tie_rate, prompts=80
    )
    design = board(everyone_meets(2), 80, 1.0, overlap, 12, tie_rate)
    parts = variance_of_strengths(design, shares, np.zeros(2))
    for name in ("prompt", "annotator", "vote"):
        # Of the win rate among decisive votes, 1/4 of a vote's variance; of the difference of
        # half-win Strengths, 4 (1 - tie rate) times that error.
        gap = parts[name][0, 0] + parts[name][1, 1] - 2 * parts[name][0, 1]
        mean = getattr(pair.terms, name) / 4
        assert gap == pytest.approx((4 * (1 - tie_rate)) ** 2 * mean)


def naive_variance(
    met: list[list[tuple[int, int]]], theta: np.ndarray, shares: VarianceShares, overlap: int
) -> np.ndarray:
    """Without ties and annotators, prompt by prompt."""
    m = theta.size
    information, meat = np.zeros((m, m)), np.zeros((m, m))
    for pairs in met:
        here = np.zeros((m, m))
        for a, b in pairs:
            x = np.eye(m)[a] - np.eye(m)[b]
            p = 1 / (1 + np.exp(-theta @ x))
            h = p * (1 - p)
            here += overlap * h * np.outer(x, x)
            meat += overlap * (h - 4 * h * h * shares.prompt) * np.outer(x, x)
        information += here
        meat += 2 * shares.prompt * here @ here
    bread = np.linalg.pinv(information)
    return bread @ meat @ bread


def in_all(design: BoardDesign, shares: VarianceShares, theta: np.ndarray) -> np.ndarray:
    parts = variance_of_strengths(design, shares, theta)
    total: np.ndarray = parts["prompt"] + parts["annotator"] + parts["vote"]
    return total


@pytest.mark.parametrize("hubs", [1, 2, 5])
def test_on_whole_prompts_the_errors_are_sums_over_prompts(hubs: int) -> None:
    theta = np.array([0.5, -0.2, 0.1, -0.6, 0.2])
    shares = VarianceShares(0.4, 0.0, 0.6)
    meets = everyone_meets(5, hubs)
    pairs = [(a, b) for a, b in combinations(range(5), 2) if meets[a, b]]
    design = board(meets, 30, 1.0, 3, 10, 0.0)
    expected = naive_variance([pairs] * 30, theta, shares, 3)
    assert in_all(design, shares, theta) == pytest.approx(expected, abs=1e-12)


def test_where_systems_take_turns_the_errors_are_those_of_a_round_robin() -> None:
    theta, shares = np.zeros(6), VarianceShares(0.4, 0.0, 0.6)
    # Five rounds of three pairs; each prompt has two of them.
    rounds = [[(5, r)] + [((r + k) % 5, (r - k) % 5) for k in (1, 2)] for r in range(5)]
    met = [rounds[r] + rounds[q] for r, q in combinations(range(5), 2)] * 3
    design = board(everyone_meets(6), 30, 2 / 5, 2, 10, 0.0)
    expected = naive_variance(met, theta, shares, 2)
    assert in_all(design, shares, theta) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_many_systems_on_the_same_prompts_share_their_luck() -> None:
    """More systems on each prompt bring votes, and no new prompts."""

    def of_one(systems: int) -> float:
        design = board(everyone_meets(systems), 100, 1.0, 3, 50, 0.0)
        whole = in_all(design, DEFAULT_SHARES, np.zeros(systems))
        return float(np.trace(whole)) / systems

    few, many = of_one(4), of_one(40)
    assert few > many > 2 * DEFAULT_SHARES.prompt / 100 * 0.97


def test_more_of_anything_narrows_the_ranges() -> None:
    base = board(everyone_meets(8), 60, 1.0, 3, 12, 0.25)
    places = planned(base, DEFAULT_SHARES).places
    for larger in (
        board(base.meets, 240, 1.0, 3, 12, 0.25),
        board(base.meets, 60, 1.0, 12, 12, 0.25),
        board(base.meets, 60, 1.0, 3, 48, 0.25),
    ):
        assert planned(larger, DEFAULT_SHARES).places < places
    assert planned(base, DEFAULT_SHARES, spread=0.8).places < places
    assert planned(base).places < places


def test_few_annotators_or_prompts_leave_errors_unsure_and_ranks_open() -> None:
    many = board(everyone_meets(8), 400, 1.0, 3, 400, 0.25)
    assert many.df == 399
    for few, df in (
        (board(many.meets, 400, 1.0, 3, 5, 0.25), 4),
        (board(many.meets, 6, 1.0, 200, 400, 0.25), 5),
        (board(many.meets, 400, 1.0, 3, 1, 0.25), 399),
    ):
        assert few.df == planned(few).df == df
    few, many = (board(everyone_meets(8), 60, 1.0, 3, people, 0.25) for people in (4, 60))
    assert planned(few).places > planned(many).places + 1


def test_equal_systems_are_told_apart_only_by_mistake() -> None:
    assert 7.8 < planned(independent(8, 400), spread=1e-3).places < 8


def test_the_largest_source_is_named() -> None:
    shares = VarianceShares(0.3, 0.1, 0.6)
    for design, name in (
        (board(everyone_meets(10), 20, 1.0, 3, 200, 0.0), "prompt"),
        (board(everyone_meets(10), 2_000, 1.0, 3, 5, 0.0), "annotator"),
        (board(everyone_meets(10), 2_000, 1 / 45, 1, 2_000, 0.0), "vote"),
    ):
        assert planned(design, shares).dominant == name


def test_what_the_spread_means_is_told() -> None:
    found = planned(independent(5, 500))
    gap = np.abs(np.random.default_rng(2).normal(0, 0.4 * np.sqrt(2), 400_000))
    assert found.better_wins == pytest.approx((1 / (1 + np.exp(-gap))).mean(), abs=1e-3)


def test_the_same_seed_gives_the_same_forecast_and_another_seed_nearly_so() -> None:
    design = independent(10, 3_000)
    first, again, other = (plan_ranks(design, INDEPENDENT, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first is not None
    assert other is not None
    assert other.places != first.places
    error = np.hypot(first.places_se, other.places_se)
    assert other.places == pytest.approx(first.places, abs=4 * error)


def test_there_is_nothing_to_say_of_two_systems_of_too_many_and_of_groups() -> None:
    apart = np.kron(np.eye(2), np.ones((2, 2)) - np.eye(2))
    for meets in (everyone_meets(2), everyone_meets(201), apart):
        assert plan_ranks(board(meets, 50, 1.0, 3, 10, 0.2), INDEPENDENT, seed=1) is None


@pytest.mark.parametrize("spread", [0.0, -1.0, LARGEST_SPREAD + 0.01, float("nan"), float("inf")])
def test_a_spread_that_is_none_is_refused(spread: float) -> None:
    with pytest.raises(PlanError, match="expected a number above 0"):
        plan_ranks(independent(5, 100), INDEPENDENT, seed=1, spread=spread)


@pytest.mark.parametrize("tie_rate", [0.0, 0.24])
@pytest.mark.parametrize("systems", [6, 20])
def test_systems_as_far_apart_as_may_be_are_ranked_even_through_one(
    systems: int, tie_rate: float
) -> None:
    """Nearly nothing is learnt of a pair that one side always wins: errors are nearly singular."""
    through_one = np.zeros((systems, systems))
    through_one[0, 1:] = through_one[1:, 0] = 1
    design = board(through_one, 200, 1.0, 3, 10, tie_rate)
    for seed in range(6):
        found = plan_ranks(design, INDEPENDENT, seed=seed, spread=LARGEST_SPREAD)
        assert found is not None
        assert 1 <= found.places <= systems


@pytest.mark.parametrize("share", [0.0, 1.5, math.nan])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(PlanError, match="share is"):
        BoardDesign(everyone_meets(3), share, Design(5, 1, 5, 0.0))


def widths_of_studies(
    runs: int, *, systems: int, prompts: int, people: int, clustered: bool
) -> np.ndarray:
    """Mean width of the rank ranges that the report has of simulated studies with three votes on
    each pair and prompt; variances as in `DEFAULT_SHARES`, or of single votes alone."""
    random = np.random.default_rng(4)
    shares = DEFAULT_SHARES if clustered else INDEPENDENT
    first, second = np.triu_indices(systems, 1)
    a = np.repeat(np.tile(first, prompts), 3)
    b = np.repeat(np.tile(second, prompts), 3)
    prompt = np.repeat(np.arange(prompts), 3 * first.size)
    rows = np.arange(a.size)
    widths = []
    for _ in range(runs):
        theta = random.normal(0, 0.4, systems)
        lean = random.normal(0, np.sqrt(2 * shares.prompt), (prompts, systems))
        taste = random.normal(0, np.sqrt(2 * shares.annotator), (people, systems))
        # Three different people on each comparison.
        who = (random.integers(0, people, a.size // 3)[:, None] + np.arange(3)).ravel() % people
        worth = theta + lean[prompt] + taste[who]
        p = 1 / (1 + np.exp(worth[rows, b] - worth[rows, a]))
        tied = random.random(a.size) < 0.25
        verdict = np.where(tied, 1, np.where(random.random(a.size) < p, 0, 2))
        board = leaderboard(Votes.from_arrays(a, b, verdict, prompt=prompt, annotator=who), seed=1)
        ranges = [(row.rank_low, row.rank_high) for row in board.rows]
        widths.append(np.mean([high - low + 1 for low, high in ranges]))  # type: ignore[operator]
    return np.array(widths)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("clustered", [True, False])
@pytest.mark.parametrize(
    ("systems", "prompts", "people"), [(6, 60, 12), (10, 30, 40), (8, 200, 25)]
)
def test_simulated_studies_have_ranges_as_wide_as_foretold(
    systems: int, prompts: int, people: int, clustered: bool
) -> None:
    widths = widths_of_studies(
        100, systems=systems, prompts=prompts, people=people, clustered=clustered
    )
    design = board(everyone_meets(systems), prompts, 1.0, 3, people, 0.25)
    found = planned(design, DEFAULT_SHARES if clustered else INDEPENDENT)
    error = np.hypot(widths.std(ddof=1) / np.sqrt(widths.size), found.places_se)
    # Errors of errors are foretold by degrees of freedom alone: a twentieth of the range.
    assert found.places == pytest.approx(widths.mean(), abs=3 * error + 0.05 * systems)
