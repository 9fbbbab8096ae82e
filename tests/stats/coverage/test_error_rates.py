"""Do tests between equal systems reject as seldom as they claim, and does a plan keep its word?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from reports.stats import sequential
from reports.stats.cells import Cells
from reports.stats.head_to_head import HeadToHeadRow, head_to_head, pair_counts
from reports.stats.leaderboard import leaderboard
from reports.stats.planning import decisive_votes_needed
from reports.stats.results import VerdictCode
from reports.stats.sequential import sequential_looks
from reports.stats.significance import sign_test
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_mean_scores
from tests.stats.coverage.measured import SIZE, Band, Measured, hold
from tests.stats.vote_makers import simulated

Record = Callable[[str, object], None]

# A win rate's interval may cover .93: a test by the same variance may then reject .07.
TWO_WAY = Band(0.05, 0.0, 0.07)
SIGN_FLIP = Band(0.05, 0.0, 0.06)


def rejections(
    rejects: Callable[[tuple[HeadToHeadRow, ...]], bool], runs: int, first: int, **design: object
) -> list[float]:
    """For each study of equal systems, whether its pairs are found to differ."""
    found = []
    for seed in range(first, first + runs):
        votes, _ = simulated(seed, spread=0.0, **design)  # type: ignore[arg-type]
        found.append(float(rejects(head_to_head(votes, seed=seed))))
    return found


def by_sign_flip(rows: tuple[HeadToHeadRow, ...]) -> bool:
    return any((row.p_adjusted or 0.0) <= 0.05 for row in rows if row.n)


def by_two_way(rows: tuple[HeadToHeadRow, ...]) -> bool:
    return rows[0].p_value_two_way is not None and rows[0].p_value_two_way <= 0.05


def by_votes(rows: tuple[HeadToHeadRow, ...]) -> bool:
    return rows[0].p_value_votes is not None and rows[0].p_value_votes <= 0.05


LEANING = {"n": 400, "annotators": 30, "prompts": 40, "prompt_effect": 0.8}


def test_the_sign_flip_test_keeps_its_size_under_prompt_effects(record_property: Record) -> None:
    found = rejections(by_sign_flip, 150, 1, systems=2, **LEANING)
    hold(record_property, [Measured.of("prompts lean", "sign-flip test", SIGN_FLIP, found)])


def test_a_test_that_ignores_prompts_would_be_seen() -> None:
    found = rejections(by_votes, 100, 1, systems=2, **LEANING)
    assert not Measured.of("prompts lean", "sign test on votes", SIGN_FLIP, found).holds


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("systems", [2, 4])
def test_the_sign_flip_test_keeps_its_size_over_all_pairs(
    systems: int, record_property: Record
) -> None:
    design = {**LEANING, "n": 200 * systems * (systems - 1)}
    found = rejections(by_sign_flip, 2_000 // (systems - 1), 50_000, systems=systems, **design)
    name = "sign-flip test" if systems == 2 else "sign-flip test, Holm, 6 pairs"
    hold(record_property, [Measured.of("prompts lean", name, SIGN_FLIP, found)])


BOTH = {"taste": 0.5, "prompt_effect": 0.4}


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("independent", {"n": 200, "annotators": 200, "prompts": 200}),
        ("clustered, 30 annotators", {"n": 400, "annotators": 30, "prompts": 60, **BOTH}),
        (
            "load Zipf(1), 30 annotators",
            {"n": 400, "annotators": 30, "prompts": 60, "load": "zipf", **BOTH},
        ),
        (
            "few: 5 annotators rate all",
            {"n": 400, "annotators": 5, "prompts": 60, "load": "everyone", **BOTH},
        ),
    ],
)
def test_the_two_way_test_keeps_its_size(
    name: str, design: dict[str, object], record_property: Record
) -> None:
    found = rejections(by_two_way, 1_000, 60_000, systems=2, **design)
    hold(record_property, [Measured.of(name, "two-way t test of a pair", TWO_WAY, found)])


EQUALS = {"n": 3_000, "prompts": 150, **BOTH}


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("no effects, 30 annotators", {"n": 3_000, "prompts": 150, "annotators": 30}),
        ("clustered, 30 annotators", {**EQUALS, "annotators": 30}),
        ("clustered, 10 annotators", {**EQUALS, "annotators": 10}),
        ("clustered, 20 prompts", {**EQUALS, "annotators": 30, "prompts": 20}),
        ("load Zipf(1), 30 annotators", {**EQUALS, "annotators": 30, "load": "zipf"}),
        ("few: 3 annotators rate all", {**EQUALS, "annotators": 3, "load": "everyone"}),
        ("few: 5 annotators rate all", {**EQUALS, "annotators": 5, "load": "everyone"}),
    ],
)
def test_no_rank_is_claimed_among_equal_systems(
    name: str, design: dict[str, object], record_property: Record
) -> None:
    claims = []
    for seed in range(70_000, 70_400):
        votes, _ = simulated(seed, systems=6, spread=0.0, **design)  # type: ignore[arg-type]
        claims.append(float(leaderboard(votes, seed=seed).better.any()))
    hold(record_property, [Measured.of(name, "any rank among six equals", SIZE, claims)])


DAY = 50
"""Votes between two looks."""


def decided(votes: Votes) -> bool:
    """Whether the report would claim a difference between any two systems."""
    counts = pair_counts(Cells.from_votes(votes))
    halves = counts[:, VerdictCode.TIE] + counts[:, VerdictCode.BOTH_BAD]
    family = np.zeros(counts.shape[0], dtype=np.intp)
    looks = sequential_looks(
        counts[:, VerdictCode.A], halves, counts[:, VerdictCode.B], pair_mean_scores(votes), family
    )
    return any(look.decided for look in looks)


def false_claims(runs: int, first: int, n: int, systems: int, **design: object) -> list[float]:
    """For each study of equal systems, whether a look on any day claims a difference."""
    claims = []
    for seed in range(first, first + runs):
        votes, _ = simulated(seed, systems=systems, spread=0.0, n=n, **design)  # type: ignore[arg-type]
        days = range(DAY, n + 1, DAY)
        claims.append(float(any(decided(votes.take(np.arange(day))) for day in days)))
    return claims


CLUSTERED = {"annotators": 30, "prompts": 60, **BOTH}


@pytest.fixture
def _no_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The confidence sequences decide nothing, and take most of the time."""
    monkeypatch.setattr(sequential, "INTERVAL_PAIRS", 0)


@pytest.mark.usefixtures("_no_intervals")
def test_the_claim_is_that_of_the_report() -> None:
    votes, _ = simulated(4, systems=3, spread=1.2, n=600)
    assert decided(votes)
    assert any(row.sequential.decided for row in head_to_head(votes, seed=4))
    few = votes.take(np.arange(40))
    assert decided(few) == any(row.sequential.decided for row in head_to_head(few, seed=4))


@pytest.mark.usefixtures("_no_intervals")
def test_looking_daily_keeps_the_error_rate(record_property: Record) -> None:
    # Raw counts would err in 14 % here, and z at every look in more than half.
    found = false_claims(40, 1, 1_000, 2, **CLUSTERED)
    hold(record_property, [Measured.of("clustered", "e-value, daily look", SIZE, found, errors=2)])


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.usefixtures("_no_intervals")
@pytest.mark.parametrize(
    ("name", "systems", "design"),
    [
        ("independent", 2, {}),
        ("clustered, 30 annotators", 2, CLUSTERED),
        ("clustered, 30 annotators, 3 pairs", 3, CLUSTERED),
        ("clustered, 10 annotators", 2, {**CLUSTERED, "annotators": 10, "taste": 0.25}),
        ("load Zipf(1), 30 annotators", 2, {**CLUSTERED, "load": "zipf"}),
        (
            "few: 5 annotators rate all",
            2,
            {**CLUSTERED, "annotators": 5, "prompts": 150, "load": "everyone"},
        ),
    ],
)
def test_looking_daily_keeps_the_error_rate_in_a_thousand_studies(
    name: str, systems: int, design: dict[str, object], record_property: Record
) -> None:
    found = false_claims(1_000, 1_000, 2_000, systems, **design)
    row = Measured.of(name, "e-value, 40 daily looks", SIZE, found, errors=2)
    hold(record_property, [row])


@pytest.mark.slow
def test_the_planned_power_is_the_power(record_property: Record) -> None:
    random = np.random.default_rng(7)
    n = decisive_votes_needed(0.6, 0.8)
    wins = random.binomial(n, 0.6, 20_000)
    found = sign_test(wins, n - wins) <= 0.05
    band = Band(0.8, 0.78, 0.82)
    hold(record_property, [Measured.of("independent", "power at the planned n", band, found)])
    assert math.isclose(float(found.mean()), 0.8, abs_tol=0.02)
