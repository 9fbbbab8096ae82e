"""Which cells get the next votes, by policy; and what an adaptive draw saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from annotation.rules import Policy
from reports.stats.bradley_terry import ridge_strengths
from reports.stats.information_gain import information_gain
from reports.stats.results import ShapeMismatch, UnknownPolicy
from reports.stats.sampling_policies import FLOOR, POLICIES, CellCounts, Evidence, weigh

FloatArray = NDArray[np.float64]


def cells_of(
    rows: list[tuple[int, int, int, int]], systems: int, stopped: tuple[int, ...] = ()
) -> CellCounts:
    """Cells from (system a, system b, wanted, taken); `stopped` names places in the list."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    ended = np.zeros(len(rows), bool)
    ended[list(stopped)] = True
    return CellCounts(table[:, 0], table[:, 1], table[:, 2], table[:, 3], ended, systems)


def evidence_of(rows: list[tuple[int, int, float, float]], systems: int) -> Evidence:
    """Votes from (system a, system b, points of a, points of b)."""
    score = np.zeros((systems, systems))
    for a, b, won, lost in rows:
        score[a, b] += won
        score[b, a] += lost
    return Evidence(score, score + score.T)


NOTHING = evidence_of([], 3)
EVERY_PAIR = [(0, 1, 100, 50), (0, 2, 100, 50), (1, 2, 100, 50)]
# Close at the top, far below.
TOP_IS_OPEN = evidence_of([(0, 1, 26, 24), (0, 2, 45, 5), (1, 2, 45, 5)], 3)


def test_every_policy_of_the_rules_is_there() -> None:
    assert set(POLICIES) == set(Policy)


@pytest.mark.parametrize("policy", list(Policy))
@given(data=st.data())
@settings(max_examples=30)
def test_shares_sum_to_one_over_the_cells_with_room(policy: Policy, data: Any) -> None:
    systems = data.draw(st.integers(2, 5))
    pair = st.tuples(st.integers(0, systems - 1), st.integers(1, systems - 1))
    drawn = data.draw(
        st.lists(st.tuples(pair, st.integers(1, 30), st.integers(0, 40)), min_size=1, max_size=12)
    )
    rows = [(a, (a + step) % systems, wanted, taken) for (a, step), wanted, taken in drawn]
    stopped = tuple(data.draw(st.sets(st.integers(0, len(rows) - 1))))
    cells = cells_of(rows, systems, stopped)
    votes = data.draw(st.lists(st.tuples(pair, st.integers(0, 20), st.integers(0, 20)), max_size=9))
    evidence = evidence_of([(a, (a + s) % systems, w, x) for (a, s), w, x in votes], systems)
    weight = weigh(policy, cells, evidence)
    room = cells.lacking > 0
    assert (weight >= 0).all()
    assert (weight[~room] == 0).all()
    assert weight.sum() == pytest.approx(1.0 if room.any() else 0.0)


def test_the_emptiest_cell_gets_most() -> None:
    cells = cells_of([(0, 1, 100, 90), (0, 2, 10, 5), (1, 2, 50, 0)], 3)
    assert weigh(Policy.EMPTIEST, cells, NOTHING) == pytest.approx(np.array([0.1, 0.5, 1.0]) / 1.6)


def test_the_uniform_walk_draws_by_what_is_left() -> None:
    cells = cells_of([(0, 1, 100, 90), (0, 2, 10, 5), (1, 2, 50, 0)], 3, stopped=(1,))
    assert weigh(Policy.UNIFORM, cells, NOTHING) == pytest.approx([1 / 6, 0, 5 / 6])


def test_the_adaptive_share_is_what_a_vote_would_tell() -> None:
    weight = weigh(Policy.ADAPTIVE, cells_of(EVERY_PAIR, 3), TOP_IS_OPEN)
    gain = information_gain(TOP_IS_OPEN.score, TOP_IS_OPEN.total)[np.triu_indices(3, 1)]
    assert weight == pytest.approx(gain / gain.sum())
    assert weight[0] > 0.99


def test_strata_share_what_their_pair_gets_as_they_lack_votes() -> None:
    split = cells_of([(0, 1, 40, 10), (1, 0, 60, 50), (0, 2, 100, 50), (1, 2, 100, 50)], 3)
    whole = weigh(Policy.ADAPTIVE, cells_of(EVERY_PAIR, 3), TOP_IS_OPEN)
    weight = weigh(Policy.ADAPTIVE, split, TOP_IS_OPEN)
    assert weight[:2].sum() == pytest.approx(whole[0])
    assert weight[0] == pytest.approx(3 * weight[1])
    assert weight[2:] == pytest.approx(whole[1:])


def test_which_system_is_called_a_changes_nothing() -> None:
    turned = cells_of([(b, a, wanted, taken) for a, b, wanted, taken in EVERY_PAIR], 3)
    mirrored = Evidence(TOP_IS_OPEN.score.T.copy(), TOP_IS_OPEN.total)
    straight = weigh(Policy.ADAPTIVE, cells_of(EVERY_PAIR, 3), TOP_IS_OPEN)
    assert weigh(Policy.ADAPTIVE, turned, TOP_IS_OPEN) == pytest.approx(straight)
    assert weigh(Policy.ADAPTIVE, turned, mirrored) == pytest.approx(straight)


@pytest.mark.parametrize(
    "evidence",
    [
        NOTHING,
        evidence_of([(0, 1, 50, 50)], 3),
        evidence_of([(0, 1, 50, 50), (1, 2, FLOOR - 1, 0)], 3),
    ],
    ids=["no votes", "not connected", "a system below the floor"],
)
def test_until_all_systems_are_joined_and_known_the_emptiest_cell_goes_first(
    evidence: Evidence,
) -> None:
    cells = cells_of([(0, 1, 100, 90), (0, 2, 10, 5), (1, 2, 50, 0)], 3)
    assert weigh(Policy.ADAPTIVE, cells, evidence) == pytest.approx(
        weigh(Policy.EMPTIEST, cells, evidence)
    )


def test_a_design_in_two_parts_is_steered_within_each() -> None:
    cells = cells_of([(0, 1, 100, 20), (2, 3, 100, 20)], 4)
    evidence = evidence_of([(0, 1, 10, 10), (2, 3, 19, 1)], 4)
    weight = weigh(Policy.ADAPTIVE, cells, evidence)
    assert weight[0] > 0.9


def test_a_study_that_wants_few_votes_need_not_reach_the_floor() -> None:
    cells = cells_of([(0, 1, 4, 3), (1, 2, 4, 3), (0, 2, 4, 3)], 3)
    evidence = evidence_of([(0, 1, 2, 2), (1, 2, 2, 2), (0, 2, 4, 0)], 3)
    weight = weigh(Policy.ADAPTIVE, cells, evidence)
    assert weight != pytest.approx(weigh(Policy.EMPTIEST, cells, evidence))


def test_where_no_order_is_open_the_emptiest_cell_goes_first() -> None:
    cells = cells_of([(0, 1, 100_000, 50_000)], 2)
    settled = evidence_of([(0, 1, 50_000, 5_000)], 2)
    assert weigh(Policy.ADAPTIVE, cells, settled).tolist() == [1.0]


def test_votes_of_other_systems_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="votes are of 2 systems, cells of 3"):
        weigh(Policy.UNIFORM, cells_of(EVERY_PAIR, 3), evidence_of([], 2))


def test_a_policy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownPolicy, match="'loudest'; expected one of uniform, emptiest"):
        weigh("loudest", cells_of(EVERY_PAIR, 3), NOTHING)


SYSTEMS = 10
FIRST, SECOND = np.triu_indices(SYSTEMS, 1)
UNIFORM_SHARE = 0.15
CHECKPOINTS = (2_000, 4_000)


def collected(policy: Policy, seed: int) -> tuple[list[float], NDArray[np.int64]]:
    """Share of pairs in the wrong order at each checkpoint, and votes of each pair at the end."""
    random = np.random.default_rng(seed)
    strength = random.normal(0, 0.8, SYSTEMS)
    chance = expit(strength[FIRST] - strength[SECOND])
    truth = np.sign(strength[FIRST] - strength[SECOND])
    score, total = np.zeros((SYSTEMS, SYSTEMS)), np.zeros((SYSTEMS, SYSTEMS))
    wanted, ended = np.full(FIRST.size, 10_000), np.zeros(FIRST.size, bool)
    wrong = []
    for end in range(50, CHECKPOINTS[-1] + 1, 50):
        taken = total[FIRST, SECOND].astype(np.int64)
        cells = CellCounts(FIRST, SECOND, wanted, taken, ended, SYSTEMS)
        evidence = Evidence(score, total)
        share = weigh(policy, cells, evidence)
        if policy is Policy.ADAPTIVE:
            walk = weigh(Policy.UNIFORM, cells, evidence)
            share = UNIFORM_SHARE * walk + (1 - UNIFORM_SHARE) * share
        votes = random.multinomial(50, share)
        won = random.binomial(votes, chance)
        total[FIRST, SECOND] += votes
        total[SECOND, FIRST] += votes
        score[FIRST, SECOND] += won
        score[SECOND, FIRST] += votes - won
        if end in CHECKPOINTS:
            found = ridge_strengths(score, total, 0.05)
            wrong.append(float((np.sign(found[FIRST] - found[SECOND]) != truth).mean()))
    return wrong, total[FIRST, SECOND].astype(np.int64)


def test_adaptive_sampling_orders_as_well_with_half_the_votes() -> None:
    """2,000 votes order as 3,750 uniform ones do, and each pair keeps getting some."""
    runs = range(60)
    adaptive = [collected(Policy.ADAPTIVE, seed) for seed in runs]
    uniform = [collected(Policy.UNIFORM, seed) for seed in runs]
    early, late = (np.mean([wrong for wrong, _ in found], axis=0) for found in (adaptive, uniform))
    assert early[0] <= late[1] * 1.05
    expected_floor = UNIFORM_SHARE * CHECKPOINTS[-1] / FIRST.size
    assert min(int(votes.min()) for _, votes in adaptive) >= expected_floor / 3
