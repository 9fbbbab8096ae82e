"""An anchor shifts ratings and nothing else; the distance to it is a figure of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reports.stats.anchoring import Anchor, Obstacle, contrasts_to
from reports.stats.clusters import compact, intersect
from reports.stats.covariance import Covariance
from reports.stats.davidson import fit_davidson
from reports.stats.intervals import critical_value
from reports.stats.leaderboard import Leaderboard, leaderboard
from reports.stats.results import Estimate, WarningCode
from reports.stats.score_board import ScoreBoard, score_board
from reports.stats.simultaneous import max_t_quantile
from reports.stats.standings import RATING_SCALE
from reports.stats.votes import Votes
from tests.stats.vote_makers import regular_rows, simulated, vote_rows, votes_of


def by_system(board: Leaderboard) -> list[tuple[Estimate, Estimate, Estimate | None]]:
    rows = sorted(board.rows, key=lambda row: row.system)
    return [(row.strength, row.rating, row.to_anchor) for row in rows]


def number(value: float | None) -> float:
    assert value is not None
    return value


@settings(max_examples=60, deadline=None)
@given(vote_rows(min_size=1), st.integers(0, 3), st.floats(-1e5, 1e5))
def test_an_anchor_never_changes_differences_or_their_errors(rows, system, value) -> None:
    votes = votes_of(rows, n_systems=4)
    plain, moved = (leaderboard(votes, seed=1, anchor=a) for a in (None, Anchor(system, value)))
    assert [row.system for row in moved.rows] == [row.system for row in plain.rows]
    for before, after in zip(plain.rows, moved.rows, strict=True):
        assert (before.rank, before.rank_low, before.rank_high) == (
            after.rank, after.rank_low, after.rank_high,
        )  # fmt: skip
        assert before.strength == after.strength
        assert before.win_rate == after.win_rate
        assert before.rating.se == after.rating.se
        assert before.rating.df == after.rating.df
        assert before.to_anchor is None
    shifts: dict[int | None, set[float]] = {}
    for before, after in zip(plain.rows, moved.rows, strict=True):
        if before.rating.estimate is not None:
            assert after.rating.estimate is not None
            shift = after.rating.estimate - before.rating.estimate
            shifts.setdefault(before.component, set()).add(round(shift, 6))
            for bound in ("low", "high"):
                was, now = getattr(before.rating, bound), getattr(after.rating, bound)
                assert (was is None) == (now is None)
                if was is not None:
                    assert now - was == pytest.approx(shift, abs=1e-6)
    # One shift a component, and none but the anchor's.
    assert all(len(found) == 1 for found in shifts.values())
    assert moved.anchoring is not None
    for component, (shift,) in ((key, tuple(found)) for key, found in shifts.items()):
        assert component == moved.anchoring.component or shift == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.floats(-1e5, 1e5))
def test_the_anchor_stands_at_its_number_and_keeps_its_error(seed, system, value) -> None:
    votes = votes_of(regular_rows(seed))
    plain, moved = (
        by_system(leaderboard(votes, seed=1, anchor=anchor))
        for anchor in (None, Anchor(system, value))
    )
    _, rating, to_anchor = moved[system]
    assert rating.estimate == value
    assert rating.se == plain[system][1].se
    assert number(rating.se) > 1
    assert number(rating.low) < value < number(rating.high)
    assert rating.details["simultaneous"]["low"] < value
    assert to_anchor is None


def anchored_covariance(votes: Votes, strengths: np.ndarray, system: int) -> np.ndarray:
    """Two-way CR3 in the gauge in which the anchor's Strength is 0: its column does not exist."""
    x = np.zeros((votes.n, strengths.size))
    x[np.arange(votes.n), votes.system_a] = 1
    x[np.arange(votes.n), votes.system_b] -= 1
    p = 1 / (1 + np.exp(-x @ strengths))
    x = np.delete(x, system, axis=1)
    residual, information = votes.score() - p, p * (1 - p)
    whole = (x.T * information) @ x

    def jackknifed(cluster: np.ndarray, clusters: int) -> np.ndarray:
        changes = []
        for g in range(clusters):
            own = cluster == g
            left = whole - (x[own].T * information[own]) @ x[own]
            changes.append(np.linalg.solve(left, x[own].T @ residual[own]))
        away = np.array(changes) - np.mean(changes, axis=0)
        return np.asarray((clusters - 1) / clusters * away.T @ away)

    cell, cells = intersect(votes.annotator, votes.prompt)
    meat = np.zeros_like(whole)
    for g in range(cells):
        score = x[cell == g].T @ residual[cell == g]
        meat += np.outer(score, score)
    bread = np.linalg.inv(whole)
    both = cells / (cells - 1) * bread @ meat @ bread
    people, texts = compact(votes.annotator), compact(votes.prompt)
    return np.asarray(jackknifed(*people) + jackknifed(*texts) - both)


@pytest.mark.parametrize("system", range(5))
def test_the_distance_to_the_anchor_has_the_error_of_a_naive_twin(system: int) -> None:
    votes, _ = simulated(4, systems=5, n=900, annotators=12, prompts=30, taste=0.5)
    board = leaderboard(votes, seed=1, anchor=Anchor(system, 1500.0))
    assert board.covariance[0].method == "two_way_cr3"
    strengths = board.fit.strengths
    expected = np.sqrt(np.diag(anchored_covariance(votes, strengths, system)))
    found = by_system(board)
    others = [code for code in range(5) if code != system]
    for code, error in zip(others, expected, strict=True):
        distance = found[code][2]
        assert distance is not None
        assert distance.se == pytest.approx(RATING_SCALE * error, rel=1e-7)
        assert distance.estimate == pytest.approx(
            RATING_SCALE * (strengths[code] - strengths[system]), rel=1e-12
        )
        half = critical_value(0.95, board.covariance[0].df) * number(distance.se)
        assert number(distance.high) - number(distance.estimate) == pytest.approx(half)
        assert number(distance.estimate) - number(distance.low) == pytest.approx(half)
        # Two independent errors would add up to another one.
        apart = np.hypot(number(found[code][1].se), number(found[system][1].se))
        assert distance.se != pytest.approx(apart, rel=0.01)


def test_distances_hold_together_within_wider_bounds_from_draws_of_their_own() -> None:
    votes, _ = simulated(5, n=900, annotators=3)
    board = leaderboard(votes, seed=1, anchor=Anchor(2, 1000.0))
    plain = leaderboard(votes, seed=1)
    (covariance,) = board.covariance
    companion = covariance.these_annotators
    assert companion is not None
    k = max_t_quantile(contrasts_to(covariance, 2), seed=1, method="max_t_to_anchor")
    for row, before in zip(board.rows, plain.rows, strict=True):
        together = row.rating.details["simultaneous"]
        width = together["high"] - together["low"]
        was = before.rating.details["simultaneous"]
        # That there are contrasts takes nothing from the draws of the ratings.
        assert width == pytest.approx(was["high"] - was["low"], rel=1e-12)
        if row.to_anchor is None:
            assert row.system == 2
            continue
        joint, alone = (row.to_anchor.details[key] for key in ("simultaneous", "these_annotators"))
        assert joint["low"] < number(row.to_anchor.low) < number(row.to_anchor.high)
        assert joint["high"] > number(row.to_anchor.high)
        assert alone["high"] - alone["low"] < number(row.to_anchor.high) - number(row.to_anchor.low)
        assert row.to_anchor.seed == 1
        assert joint["high"] - joint["low"] == pytest.approx(
            2 * number(k) * number(row.to_anchor.se)
        )
        v, code = companion.matrix, row.system
        error = RATING_SCALE * np.sqrt(v[code, code] + v[2, 2] - 2 * v[code, 2])
        width = 2 * critical_value(0.95, companion.df) * error
        assert alone["high"] - alone["low"] == pytest.approx(width)


def test_of_two_systems_the_distance_is_the_one_contrast_there_is() -> None:
    rows = [
        (0, 1, verdict, 1, verdict + step, step % 3) for verdict in range(3) for step in range(9)
    ]
    (first, second) = sorted(
        leaderboard(votes_of(rows), seed=1, anchor=Anchor(0, 1000.0)).rows,
        key=lambda row: row.system,
    )
    assert first.to_anchor is None
    assert second.to_anchor is not None
    # θ_1 - θ_0 = 2 θ_1 in the mean gauge.
    assert second.to_anchor.se == pytest.approx(2 * number(second.rating.se))
    assert "simultaneous" not in second.to_anchor.details


def two_islands(*, second_is_decided: bool = False) -> Votes:
    first = [(0, 1, v, 1, v + step, step) for v in range(3) for step in range(3)]
    second = [
        (2, 3, 0 if second_is_decided else v, 1, v + step, step)
        for v in range(3)
        for step in range(3)
    ]
    return votes_of([*first, *second], n_systems=5)


def test_groups_without_the_anchor_keep_their_mean() -> None:
    board = leaderboard(two_islands(), seed=1, anchor=Anchor(3, 1500.0))
    assert board.anchoring is not None
    assert (board.anchoring.component, board.anchoring.obstacle) == (1, None)
    found = by_system(board)
    means = [
        np.mean([number(found[code][1].estimate) for code in pair]) for pair in ((0, 1), (2, 3))
    ]
    assert means[0] == pytest.approx(1000)
    assert found[3][1].estimate == 1500
    assert [row[2] is None for row in found] == [True, True, False, True, True]
    assert WarningCode.ANCHOR_NOT_USED not in board.warnings


@pytest.mark.parametrize(
    ("system", "decided", "obstacle"),
    [(4, False, Obstacle.NO_VOTES), (2, True, Obstacle.SEPARATED)],
)
def test_an_anchor_that_nothing_can_be_measured_from_is_said_and_moves_nothing(
    system: int, decided: bool, obstacle: Obstacle
) -> None:
    votes = two_islands(second_is_decided=decided)
    plain, board = (leaderboard(votes, seed=1, anchor=a) for a in (None, Anchor(system, 1500.0)))
    assert board.anchoring is not None
    assert (board.anchoring.component, board.anchoring.obstacle) == (None, obstacle)
    assert WarningCode.ANCHOR_NOT_USED in board.warnings
    for before, after in zip(plain.rows, board.rows, strict=True):
        assert after.to_anchor is None
        assert after.rating.estimate == before.rating.estimate
        if after.rating.estimate is not None:
            assert WarningCode.ANCHOR_NOT_USED in after.rating.warnings
        assert WarningCode.ANCHOR_NOT_USED not in after.strength.warnings
    # The other group's anchor is nothing to it.
    fine = leaderboard(votes, seed=1, anchor=Anchor(0, 1500.0))
    assert by_system(fine)[0][1].estimate == 1500


def board_of_ties(votes: Votes, anchor: Anchor | None) -> tuple[ScoreBoard, bool]:
    """Davidson's, and whether a prior stands in for a finite estimate."""
    ties = fit_davidson(votes)
    assert ties is not None
    board = score_board(
        votes,
        ties.fit.strengths,
        ties.fit.component,
        ties.covariance,
        ties.fit.model_covariance(),
        method=ties.method,
        converged=True,
        seed=1,
        warnings=ties.fit.warnings,
        anchor=anchor,
    )
    return board, ties.fit.ridge


def test_a_board_beside_the_first_is_measured_from_it_on_its_own_scale() -> None:
    votes, _ = simulated(6, systems=4, n=800)
    (plain, _), (moved, _) = (board_of_ties(votes, a) for a in (None, Anchor(1, 1200.0)))
    assert (plain.anchoring, moved.anchoring and moved.anchoring.component) == (None, 0)
    one = next(row for row in moved.rows if row.system == 1)
    assert one.rating.estimate == 1200
    for before, after in zip(plain.rows, moved.rows, strict=True):
        assert before.rating.se == after.rating.se
        assert before.strength == after.strength
        if after.system != 1:
            assert after.to_anchor is not None
            gap = number(after.strength.estimate) - number(one.strength.estimate)
            assert after.to_anchor.estimate == pytest.approx(RATING_SCALE * gap)


def test_a_separated_board_beside_the_first_is_not_anchored() -> None:
    rows = [(a, a + 1, 0, 1, p, p % 3) for a in (0, 1) for p in range(6)]
    board, ridge = board_of_ties(votes_of([*rows, *[(0, 1, 1, 1, 6, 0)] * 2]), Anchor(0, 1200.0))
    assert ridge
    assert board.anchoring is not None
    assert board.anchoring.obstacle is Obstacle.SEPARATED
    assert all(row.to_anchor is None for row in board.rows)
    assert np.mean([number(row.rating.estimate) for row in board.rows]) == pytest.approx(1000)
    assert WarningCode.ANCHOR_NOT_USED in board.warnings


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4))
def test_contrasts_are_those_of_every_gauge(seed: int, place: int) -> None:
    random = np.random.default_rng(seed)
    root = random.normal(size=(5, 5))
    v = root @ root.T
    centre = np.eye(5) - 1 / 5
    assume(np.linalg.cond(v) < 1e6)

    def contrast(matrix: np.ndarray) -> np.ndarray:
        return contrasts_to(Covariance(matrix, None, "m", {}, {}), place).matrix

    found = contrast(v)
    np.testing.assert_allclose(contrast(centre @ v @ centre), found, atol=1e-9)
    assert not found[place].any()
    for i, j in pairwise([code for code in range(5) if code != place]):
        a, b = np.eye(5)[i] - np.eye(5)[place], np.eye(5)[j] - np.eye(5)[place]
        assert found[i, j] == pytest.approx(a @ v @ b)
