"""Crowd-BT and the agreement e-value: gradients, fixed points, planted annotators."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from reports.stats.bradley_terry import fit_bradley_terry, ridge_strengths
from reports.stats.cells import Cells
from reports.stats.crowd_bt import agreement_log_e_values, fit_crowd_bt, penalised_likelihood
from reports.stats.influence import leave_one_annotator_out
from reports.stats.votes import Votes
from tests.stats.vote_makers import mirrored, regular_rows, simulated, votes_of


def with_spam(seed: int, spammers: int, *, n: int = 4_000, adversaries: int = 0) -> Votes:
    """Twenty annotators, of whom the first toss coins and the next turn their verdict round."""
    votes, _ = simulated(seed, n=n, annotators=20, spread=1.0)
    random = np.random.default_rng(seed)
    verdict = votes.verdict.copy()
    decisive = verdict != 1
    coin = decisive & (votes.annotator < spammers)
    verdict[coin] = random.choice([0, 2], int(coin.sum()))
    turned = decisive & (votes.annotator >= spammers) & (votes.annotator < spammers + adversaries)
    verdict[turned] = 2 - verdict[turned]
    return Votes.from_arrays(
        votes.system_a,
        votes.system_b,
        verdict,
        prompt=votes.prompt,
        annotator=votes.annotator,
    )


@settings(max_examples=30)
@given(st.integers(0, 1_000))
def test_the_gradient_is_that_of_finite_differences(seed: int) -> None:
    votes = votes_of(regular_rows(seed, n=60))
    random = np.random.default_rng(seed)
    strengths, reliability = random.normal(0, 1, 4), random.uniform(0.2, 0.95, 3)
    _, by_strength, by_reliability = penalised_likelihood(votes, strengths, reliability)
    step = 1e-6

    def slope(place: int, of_strength: bool) -> float:
        values = []
        for sign in (1, -1):
            s, r = strengths.copy(), reliability.copy()
            (s if of_strength else r)[place] += sign * step
            values.append(penalised_likelihood(votes, s, r)[0])
        return (values[0] - values[1]) / (2 * step)

    assert by_strength == pytest.approx([slope(i, True) for i in range(4)], abs=1e-5, rel=1e-5)
    assert by_reliability == pytest.approx([slope(i, False) for i in range(3)], abs=1e-5, rel=1e-5)


def test_the_gradient_is_zero_at_the_fit() -> None:
    votes = with_spam(1, 4, n=800)
    found = fit_crowd_bt(votes)
    assert found.converged
    value, by_strength, by_reliability = penalised_likelihood(
        votes, found.strengths, found.reliability
    )
    assert by_strength == pytest.approx(np.zeros(6), abs=1e-3)
    assert by_reliability == pytest.approx(np.zeros(20), abs=1e-3)
    assert found.objective == value


def test_the_objective_never_falls() -> None:
    votes = with_spam(2, 5, n=600)
    values = [fit_crowd_bt(votes, max_iterations=limit).objective for limit in range(1, 25)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(values))
    assert not fit_crowd_bt(votes, max_iterations=1).converged


def test_coin_tossers_are_flagged_and_nobody_else() -> None:
    flagged = np.zeros(20)
    for seed in range(5):
        flagged += fit_crowd_bt(with_spam(seed, 4, n=6_000)).flagged
    assert flagged[:4].sum() >= 15  # of 20
    assert flagged[4:].sum() == 0


def test_adversaries_are_found_and_the_order_survives_them() -> None:
    votes = with_spam(7, 0, adversaries=6)
    found = fit_crowd_bt(votes)
    assert (found.reliability[:6] < 0.5).all()
    assert (found.reliability[6:] > 0.75).all()
    honest = votes.take(votes.annotator >= 6)
    plain = fit_bradley_terry(Cells.from_votes(honest)).strengths
    assert np.argsort(found.strengths).tolist() == np.argsort(plain).tolist()


def test_few_votes_flag_nobody() -> None:
    rows = [(0, 1, 0, 1, 0, 0)] * 40 + [(0, 1, 2, 1, 0, 1)] * 19
    found = fit_crowd_bt(votes_of(rows))
    assert found.reliability[1] < 0.75
    assert not found.flagged.any()
    assert fit_crowd_bt(votes_of([*rows, (0, 1, 2, 1, 0, 1)])).flagged.tolist() == [False, True]


def test_ties_alone_leave_the_ridge_fit_and_no_reliability() -> None:
    votes = votes_of([(0, 1, 1, 1, 0, 0), (1, 2, 3, 1, 0, 1)])
    found = fit_crowd_bt(votes)
    assert np.isnan(found.reliability).all()
    assert found.strengths == pytest.approx(np.zeros(3))
    assert fit_crowd_bt(votes_of([], n_systems=2)).decisive.tolist() == []


def test_sure_annotators_give_nearly_the_plain_fit() -> None:
    votes, _ = simulated(3, n=3_000)
    score, total = Cells.from_votes(votes).scores()
    plain = ridge_strengths(score, total, 0.01)
    found = fit_crowd_bt(votes)
    assert np.argsort(found.strengths).tolist() == np.argsort(plain).tolist()
    assert np.corrcoef(found.strengths, plain)[0, 1] > 0.99


def test_the_order_within_pairs_changes_nothing() -> None:
    rows = regular_rows(5, n=150)
    one, other = (
        fit_crowd_bt(votes_of(kind))
        for kind in (rows, mirrored(rows, [place % 2 == 0 for place in range(150)]))
    )
    assert other.reliability == pytest.approx(one.reliability, abs=1e-9)


def test_the_e_value_is_the_product_over_decisive_votes() -> None:
    votes = votes_of(
        [(0, 1, 0, 1, 0, 0), (0, 1, 2, 1, 0, 0), (0, 1, 1, 1, 0, 0), (1, 0, 0, 1, 0, 1)]
    )
    without = np.array([[0.4, -0.4], [-1.0, 1.0]])
    p = expit(0.8)
    expected = [-math.log(2 * p) - math.log(2 * (1 - p)), -math.log(2 * expit(2.0))]
    assert agreement_log_e_values(votes, without) == pytest.approx(expected)


def test_the_e_value_has_mean_one_for_an_annotator_like_the_others() -> None:
    without = np.array([[0.9, -0.9]])
    p = expit(1.8)
    total = 0.0
    for wins in range(7):
        rows = [(0, 1, 0, 1, 0, 0)] * wins + [(0, 1, 2, 1, 0, 0)] * (6 - wins)
        chance = math.comb(6, wins) * p**wins * (1 - p) ** (6 - wins)
        total += chance * math.exp(agreement_log_e_values(votes_of(rows), without)[0])
    assert total == pytest.approx(1.0)


def test_coin_tossers_gather_evidence_and_others_do_not() -> None:
    votes = with_spam(3, 3, n=6_000)
    fit = fit_bradley_terry(Cells.from_votes(votes))
    found = agreement_log_e_values(votes, leave_one_annotator_out(votes, fit).strengths)
    assert (found[:3] > math.log(20)).all()
    assert (found[3:] < math.log(20)).all()


def test_without_a_fit_of_the_others_there_is_no_evidence() -> None:
    votes = votes_of([(0, 1, 0, 1, 0, 0), (0, 1, 1, 1, 0, 1)])
    found = agreement_log_e_values(votes, np.array([[np.nan, np.nan], [0.0, 0.0]]))
    assert np.isnan(found).all()
