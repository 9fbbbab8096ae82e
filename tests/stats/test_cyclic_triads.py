"""Circles of preference."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given

from reports.stats.cyclic_triads import cyclic_triads
from reports.stats.votes import Votes
from tests.stats.shared_sets import references
from tests.stats.test_davidson import springall
from tests.stats.test_goodness_of_fit import cycle
from tests.stats.vote_makers import Row, simulated, vote_rows, votes_of


def test_springall_has_no_circle_in_84_triples(shared_data: Path) -> None:
    votes, computed = springall(shared_data)
    found = cyclic_triads(votes, seed=1)
    assert [found.cyclic, found.triads] == computed["cyclic_triads"] == [0, 84]
    assert found.p_value == 1
    assert found.expected_share is not None
    assert 0 < found.expected_share < 0.05


def test_baseball_has_two_circles_in_35_triples(shared_data: Path) -> None:
    data = references(shared_data)["bt_baseball"]
    code = {name: k for k, name in enumerate(data["items"])}
    rows: list[Row] = []
    for home, away, won, lost in data["rows"]:
        rows += [(code[home], code[away], 0, 1, 0, 0)] * won
        rows += [(code[home], code[away], 2, 1, 0, 0)] * lost
    found = cyclic_triads(votes_of(rows), seed=1)
    assert [found.cyclic, found.triads] == data["computed"]["cyclic_triads"] == [2, 35]


def naive(votes: Votes) -> tuple[int, int]:
    m = votes.n_systems
    wins, met = np.zeros((m, m)), np.zeros((m, m), dtype=bool)
    for a, b, verdict in zip(votes.system_a, votes.system_b, votes.verdict, strict=True):
        met[a, b] = met[b, a] = True
        if verdict in (0, 2):
            winner, loser = (a, b) if verdict == 0 else (b, a)
            wins[winner, loser] += 1
    beats = wins > wins.T
    circles = triples = 0
    for i, j, k in combinations(range(m), 3):
        if met[i, j] and met[j, k] and met[i, k]:
            triples += 1
            circles += bool(beats[i, j] and beats[j, k] and beats[k, i])
            circles += bool(beats[j, i] and beats[k, j] and beats[i, k])
    return circles, triples


@given(vote_rows(systems=5, min_size=1))
def test_counts_equal_a_walk_through_all_triples(rows: list[Row]) -> None:
    votes = votes_of(rows, n_systems=5)
    found = cyclic_triads(votes, seed=1, draws=2)
    if all(row[2] in (1, 3) for row in rows):
        assert (found.cyclic, found.triads, found.p_value) == (0, 0, None)
    else:
        assert (found.cyclic, found.triads) == naive(votes)


def test_a_planted_circle_is_more_than_chance_when_there_are_many() -> None:
    found = cyclic_triads(cycle(0.8), seed=1)
    assert found.cyclic >= 1
    assert found.share is not None
    assert found.share > (found.expected_share or 0)


def test_many_pairs_are_counted_but_not_simulated_unasked() -> None:
    votes, _ = simulated(1, systems=40, n=9000)
    found = cyclic_triads(votes, seed=1)
    assert (found.cyclic, found.triads) == naive(votes)
    assert (found.p_value, found.draws, found.seed) == (None, 0, None)
    assert cyclic_triads(votes, seed=1, draws=5).draws == 5


def test_without_a_triple_there_is_no_share() -> None:
    votes = votes_of([(0, 1, k % 3, 1, k, 0) for k in range(9)])
    found = cyclic_triads(votes, seed=1)
    assert (found.cyclic, found.triads, found.share, found.p_value) == (0, 0, None, None)
    assert cyclic_triads(votes_of([], n_systems=3), seed=1).triads == 0


def test_the_same_seed_gives_the_same_share() -> None:
    votes, _ = simulated(4)
    assert cyclic_triads(votes, seed=8) == cyclic_triads(votes, seed=8)
