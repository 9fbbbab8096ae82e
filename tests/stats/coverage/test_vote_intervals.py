"""Do the intervals of the votes cover? Small here, over all designs in the slow suite.

What is held is the product's own path: the leaderboard, the pairs, the side term and the
Davidson board, each with its default interval.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from reports.stats import head_to_head as pairs
from reports.stats import leaderboard as boards
from reports.stats.anchoring import Anchor
from reports.stats.davidson import fit_davidson
from reports.stats.intervals import critical_value
from reports.stats.results import Estimate
from reports.stats.side_term import fit_side_term, side_bias
from reports.stats.standings import RATING_SCALE
from reports.stats.votes import Votes
from tests.stats.coverage.designs import CLUSTERS, DESIGNS, Design, Truth
from tests.stats.coverage.measured import (
    ANY_TIME,
    MARGINAL,
    RANKS,
    SIMULTANEOUS,
    WIN_RATE,
    Band,
    Measured,
    hold,
)

BANDS = {
    "strength": MARGINAL,
    "rating": MARGINAL,
    "strengths together (max-t)": SIMULTANEOUS,
    "distance to the anchor": MARGINAL,
    "distances to the anchor together": SIMULTANEOUS,
    "rank ranges together": RANKS,
    "win rate of a system": WIN_RATE,
    "win rate of a pair": WIN_RATE,
    # An interval of a share that never falls short is wide where there are few votes.
    "win rate of a pair, few votes": replace(WIN_RATE, high=1.0),
    "confidence sequence of a pair": ANY_TIME,
    "side term": MARGINAL,
    "left share between equals": MARGINAL,
    "left share": WIN_RATE,
    "strength, Davidson": MARGINAL,
    "ln ν, Davidson": MARGINAL,
}


FEW_VOTES = 20
"""Of a pair. Below, the steps of a count of votes are wider than the band."""


def share(inside: Iterable[bool]) -> float:
    return float(np.mean(list(inside)))


def holds(figure: Estimate, truth: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < figure.high
    return figure.low <= truth <= figure.high


def of_the_leaderboard(votes: Votes, truth: Truth, seed: int) -> Iterator[tuple[str, float]]:
    rows = boards.leaderboard(votes, seed=seed).rows
    true, ranks, rates = truth.strengths, truth.ranks, truth.win_rates
    yield "strength", share(holds(row.strength, true[row.system]) for row in rows)
    yield (
        "rating",
        share(holds(row.rating, boards.rating_of(true[row.system])) for row in rows),
    )
    together = [row.strength.details["simultaneous"] for row in rows]
    yield (
        "strengths together (max-t)",
        all(
            bounds["low"] <= true[row.system] <= bounds["high"]
            for row, bounds in zip(rows, together, strict=True)
        ),
    )
    yield (
        "rank ranges together",
        all((row.rank_low or 0) <= ranks[row.system] <= (row.rank_high or 0) for row in rows),
    )
    yield "win rate of a system", share(holds(row.win_rate, rates[row.system]) for row in rows)


def of_the_anchor(votes: Votes, truth: Truth, seed: int) -> Iterator[tuple[str, float]]:
    rows = boards.leaderboard(votes, seed=seed, anchor=Anchor(0, 1500.0)).rows
    true = RATING_SCALE * (truth.strengths - truth.strengths[0])
    met = [(row.to_anchor, true[row.system]) for row in rows if row.to_anchor is not None]
    yield "distance to the anchor", share(holds(figure, value) for figure, value in met)
    yield (
        "distances to the anchor together",
        all(
            figure.details["simultaneous"]["low"] <= value <= figure.details["simultaneous"]["high"]
            for figure, value in met
        ),
    )


def of_the_pairs(votes: Votes, truth: Truth, seed: int) -> Iterator[tuple[str, float]]:
    rows = pairs.head_to_head(votes, seed=seed)
    met = [(row, value) for row, value in zip(rows, truth.pair_scores, strict=True) if row.n]
    for name, many in (("win rate of a pair", True), ("win rate of a pair, few votes", False)):
        own = [holds(row.win_rate_a, value) for row, value in met if (row.n >= FEW_VOTES) == many]
        if own:
            yield name, share(own)
    looks = [(row.sequential, value) for row, value in met if row.sequential.low is not None]
    if looks:
        yield (
            "confidence sequence of a pair",
            share((look.low or 0) <= value <= (look.high or 0) for look, value in looks),
        )


def of_the_sides(votes: Votes, truth: Truth, seed: int) -> Iterator[tuple[str, float]]:
    term = fit_side_term(votes)
    yield "side term", holds(term.gamma, 0.0)
    yield "left share between equals", holds(term.left_share, 0.5)
    yield "left share", holds(side_bias(votes).left_rate, 0.5)


def of_davidson(votes: Votes, truth: Truth, seed: int) -> Iterator[tuple[str, float]]:
    found = fit_davidson(votes)
    assert found is not None
    half = critical_value(0.95, found.covariance.df) * np.sqrt(np.diag(found.covariance.matrix))
    inside = np.abs(np.append(found.fit.strengths, found.fit.shape) - truth.davidson) <= half
    yield "strength, Davidson", float(inside[:-1].mean())
    yield "ln ν, Davidson", float(inside[-1])


Figures = Callable[[Votes, Truth, int], Iterator[tuple[str, float]]]
ALL: tuple[Figures, ...] = (
    of_the_leaderboard,
    of_the_anchor,
    of_the_pairs,
    of_the_sides,
    of_davidson,
)


def measured(
    name: str, design: Design, runs: int, first: int, figures: tuple[Figures, ...]
) -> list[Measured]:
    """A row for each figure, over so many data sets."""
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(first, first + runs):
        votes, truth = design.draw(seed)
        for of in figures:
            for figure, share in of(votes, truth, seed):
                found[figure].append(float(share))
    return [Measured.of(name, figure, BANDS[figure], shares) for figure, shares in found.items()]


CLUSTERED = Design(1_500, 20, 80, **CLUSTERS)


@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("clustered", CLUSTERED),
        ("independent", Design(600, 600, 600)),
        ("load Zipf(1)", replace(CLUSTERED, load="zipf")),
    ],
)
def test_the_intervals_cover(
    name: str, design: Design, record_property: Callable[[str, object], None]
) -> None:
    hold(record_property, measured(name, design, 60, 1, ALL))


@pytest.mark.parametrize("ignored", [("annotator",), ("annotator", "prompt")])
def test_errors_that_leave_a_dimension_out_would_be_seen(ignored: tuple[str, ...]) -> None:
    shares = []
    for seed in range(1, 61):
        votes, truth = replace(CLUSTERED, annotators=10).draw(seed)
        # Each vote by somebody else, and on a prompt of its own.
        blind = replace(votes, **{name: np.arange(votes.n) for name in ignored})
        blind = replace(blind, **{f"n_{name}s": votes.n for name in ignored})
        rows = boards.leaderboard(blind, seed=seed).rows
        shares.append(np.mean([holds(row.strength, truth.strengths[row.system]) for row in rows]))
    assert not Measured.of("clustered", "strength", MARGINAL, shares).holds


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", list(DESIGNS))
def test_every_interval_covers_under_every_design(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    hold(record_property, measured(name, DESIGNS[name], 400, 10_000, ALL))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_joint_statements_hold_jointly_among_twenty_systems(
    record_property: Callable[[str, object], None],
) -> None:
    design = Design(4_000, 4_000, 4_000, systems=20)
    hold(
        record_property,
        measured("independent, 20 systems", design, 400, 40_000, (of_the_leaderboard,)),
    )


def test_the_band_of_a_joint_statement_has_no_upper_end() -> None:
    assert Measured.of("x", "y", Band(0.95, 0.95, 1.0), np.ones(400)).holds
    assert not Measured.of("x", "y", Band(0.95, 0.93, 0.97), np.ones(4_000)).holds
