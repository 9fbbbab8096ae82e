"""Weights against a draw that followed the outcomes: the algebra, and the bias they take away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.information_gain import information_gain
from reports.stats.inverse_probability import draw_weights
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch
from reports.stats.sequential import log_e_values

FloatArray = NDArray[np.float64]
UNKNOWN = float("nan")


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.01, 1.0)),
        min_size=1,
        max_size=40,
    )
)
def test_every_cell_gets_the_share_that_the_design_gives_it(rows: list[tuple[int, float]]) -> None:
    cell = np.array([row[0] for row in rows])
    probability = np.array([row[1] for row in rows])
    wanted = np.array([10.0, 20.0, 30.0, 40.0])
    found = draw_weights(cell, probability, wanted, limit=1e9)
    assert found is not None
    voted = np.unique(cell)
    got = np.bincount(cell, found.weight, 4)[voted] / found.weight.sum()
    assert got == pytest.approx(wanted[voted] / wanted[voted].sum())
    assert found.weight.mean() == pytest.approx(1.0)
    assert found.covered == pytest.approx(wanted[voted].sum() / 100)
    assert found.clipped == 0


def test_within_a_cell_a_vote_counts_by_how_unlikely_its_draw_was() -> None:
    found = draw_weights(np.zeros(2, int), np.array([0.1, 0.4]), np.array([5.0]))
    assert found is not None
    assert found.weight[0] / found.weight[1] == pytest.approx(4.0)


def test_a_walked_vote_has_the_probability_of_its_cell_in_the_design() -> None:
    cell, wanted = np.array([0, 0, 1]), np.array([25.0, 75.0])
    walked = draw_weights(cell, np.array([UNKNOWN, 0.5, UNKNOWN]), wanted)
    drawn = draw_weights(cell, np.array([0.25, 0.5, 0.75]), wanted)
    assert walked is not None
    assert drawn is not None
    assert walked.weight == pytest.approx(drawn.weight)


def test_one_vote_of_a_rare_cell_does_not_speak_for_the_study() -> None:
    cell = np.array([0] * 99 + [1])
    found = draw_weights(cell, np.full(100, 0.5), np.array([50.0, 50.0]))
    assert found is not None
    assert found.clipped == 1
    assert found.weight[99] / found.weight[0] == pytest.approx(10 / (50 / 99))
    assert found.weight.mean() == pytest.approx(1.0)


def test_votes_of_no_wanted_cell_weigh_nothing() -> None:
    found = draw_weights(np.array([0, 1]), np.array([UNKNOWN, 0.5]), np.array([0.0, 4.0]))
    assert found is not None
    assert found.weight.tolist() == [0.0, 2.0]
    assert draw_weights(np.array([0]), np.array([0.5]), np.array([0.0, 4.0])) is None


def test_misuse_is_refused() -> None:
    cell, wanted = np.zeros(1, int), np.ones(1)
    with pytest.raises(ShapeMismatch, match="probability has"):
        draw_weights(cell, np.ones(2), wanted)
    with pytest.raises(NonFiniteInput, match="outside"):
        draw_weights(cell, np.array([1.5]), wanted)
    with pytest.raises(NonFiniteInput, match="outside"):
        draw_weights(cell, np.array([0.0]), wanted)
    with pytest.raises(NonFiniteInput, match="not finite"):
        draw_weights(cell, np.ones(1), np.array([np.inf]))
    with pytest.raises(NegativeCount, match="wanted holds"):
        draw_weights(cell, np.ones(1), np.array([-1.0]))
    with pytest.raises(NonFiniteInput, match="limit"):
        draw_weights(cell, np.ones(1), wanted, limit=0.5)


SYSTEMS = 6
STRENGTH = np.array([1.6, 0.9, 0.3, -0.3, -0.9, -1.6])
FIRST, SECOND = np.triu_indices(SYSTEMS, 1)
CHANCE = expit(STRENGTH[FIRST] - STRENGTH[SECOND])


def overall_rates(cell: NDArray[np.intp], score: FloatArray, weight: FloatArray) -> FloatArray:
    """Win rate of each system over all its votes."""
    points, votes = np.zeros(SYSTEMS), np.zeros(SYSTEMS)
    for column, own in ((FIRST, score), (SECOND, 1 - score)):
        points += np.bincount(column[cell], weight * own, SYSTEMS)
        votes += np.bincount(column[cell], weight, SYSTEMS)
    return points / votes


def collected(seed: int, votes: int, room: int) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Cell, probability and score of votes drawn by what they tell, 15 % of them uniformly."""
    random = np.random.default_rng(seed)
    score, total = np.zeros((SYSTEMS, SYSTEMS)), np.zeros((SYSTEMS, SYSTEMS))
    cells, drawn, scores = [], [], []
    for _ in range(0, votes, 25):
        left = total[FIRST, SECOND] < room
        gain = information_gain(score, total)[FIRST, SECOND] * left
        chance = 0.15 * left / left.sum() + 0.85 * gain / gain.sum()
        for cell in random.choice(FIRST.size, 25, p=chance).tolist():
            a, b = FIRST[cell], SECOND[cell]
            if total[a, b] >= room:
                continue
            won = float(random.random() < CHANCE[cell])
            total[a, b] += 1
            total[b, a] += 1
            score[a, b] += won
            score[b, a] += 1 - won
            cells.append(cell)
            drawn.append(chance[cell])
            scores.append(won)
    return np.array(cells), np.array(drawn), np.array(scores)


@pytest.mark.parametrize(("votes", "room"), [(600, 10**6), (900, 100)])
def test_the_weights_take_the_bias_of_adaptive_sampling_away(votes: int, room: int) -> None:
    """Also where close pairs are full before the end."""
    every = np.arange(FIRST.size)
    truth = overall_rates(every, CHANCE, np.ones(FIRST.size))
    plain, weighted = [], []
    for seed in range(120):
        cell, probability, score = collected(seed, votes, room)
        found = draw_weights(cell, probability, np.full(FIRST.size, 100.0))
        assert found is not None
        plain.append(overall_rates(cell, score, np.ones(cell.size)))
        weighted.append(overall_rates(cell, score, found.weight))
    error = np.std(weighted, axis=0) / np.sqrt(len(weighted))
    assert np.abs(np.mean(plain, axis=0) - truth).max() > 0.1
    assert (np.abs(np.mean(weighted, axis=0) - truth) < 4 * error).all()
    assert np.abs(np.mean(weighted, axis=0) - truth).max() < 0.02


# -- pairs that were stopped early, in a study that draws nothing ----------


def test_the_votes_of_a_walked_cell_weigh_alike_and_make_up_its_share() -> None:
    """36 votes wanted of each of three cells; the middle one was stopped after 12."""
    cell = np.repeat([0, 1, 2], [36, 12, 36])
    found = draw_weights(cell, np.full(84, UNKNOWN), np.array([36.0, 36.0, 36.0]))
    assert found is not None
    # 84 votes in three equal shares of 28.
    assert found.weight[[0, 36, 48]] == pytest.approx([28 / 36, 28 / 12, 28 / 36])


LOOK, PER_PAIR, STUDIES = 10, 300, 300
# Of the first system against the second and the third, and of the second against the third.
WINS_OF_PAIR = np.array([0.5, 0.8, 0.8])


def test_stopping_clear_pairs_early_biases_the_plain_win_rate_and_not_that_by_design() -> None:
    """The first system would win 65 % of a study that fills every pair."""
    dice = np.random.default_rng(7)
    plain, weighted = [], []
    for _ in range(STUDIES):
        wins = dice.random((PER_PAIR, 3)) < WINS_OF_PAIR
        looks = np.cumsum(wins, axis=0)[LOOK - 1 :: LOOK]
        votes = np.arange(LOOK, PER_PAIR + 1, LOOK)
        number = np.full(3, PER_PAIR)
        for pair in range(3):
            evidence = log_e_values(looks[:, pair], np.zeros(votes.size), votes - looks[:, pair])
            reached = np.flatnonzero(evidence >= np.log(3 / 0.05))
            if reached.size:
                number[pair] = votes[reached[0]]
        cell = np.repeat([0, 1, 2], number)
        won = np.concatenate([wins[:count, pair] for pair, count in enumerate(number)])
        found = draw_weights(cell, np.full(cell.size, UNKNOWN), np.full(3, float(PER_PAIR)))
        assert found is not None
        own = cell < 2
        plain.append(won[own].mean())
        weighted.append(np.average(won[own], weights=found.weight[own]))
    error = np.std(weighted) / np.sqrt(STUDIES)
    assert np.mean(plain) < 0.65 - 0.1
    # What stays is that the votes of a stopped pair ended when its difference looked large.
    assert -3 * error < np.mean(weighted) - 0.65 < 0.025
