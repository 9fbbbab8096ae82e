"""X², its null distribution, and the pairs at fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.goodness_of_fit import _pearson, _simulated, describing_fit, fit_test
from reports.stats.outcome_fit import PairCounts, fit_outcomes
from reports.stats.pair_residuals import pair_residuals
from reports.stats.results import WarningCode, generator
from reports.stats.votes import Votes
from tests.stats.coverage.measured import Band, Measured, hold
from tests.stats.test_davidson import springall
from tests.stats.vote_makers import Row, mirrored, regular_rows, simulated, votes_of


def test_springall_fits_as_published(shared_data: Path) -> None:
    votes, computed = springall(shared_data)
    found = fit_test(votes, seed=1)
    assert found.model == "davidson"
    assert found.df == 63
    assert found.x2 == pytest.approx(52.930, abs=5e-4)
    assert found.x2 == pytest.approx(computed["davidson"]["pearson_chi2"], abs=1e-6)
    assert found.deviance == pytest.approx(59.9618, abs=5e-5)
    assert found.deviance == pytest.approx(computed["davidson"]["deviance"], abs=1e-6)
    # Over a fifth of the cells are small: the null distribution is simulated.
    assert found.p_method == "simulated"
    assert WarningCode.SPARSE_CELLS in found.warnings
    assert found.p_value is not None
    assert 0.7 < found.p_value < 0.95
    assert found.seed == 1


def test_no_ties_are_tested_on_bradley_terry() -> None:
    rows: list[Row] = [row for row in regular_rows(3, n=300) if row[2] in (0, 2)]
    found = fit_test(votes_of(rows), seed=1)
    assert found.model == "bradley_terry"
    assert found.df == 6 - 3
    assert found.p_method == "chi_squared"


def test_x2_is_the_sum_over_pairs_and_outcomes() -> None:
    votes = votes_of(regular_rows(8, n=150))
    fitted = describing_fit(votes)
    assert fitted is not None
    theta, nu = fitted.fit.strengths, np.exp(fitted.fit.shape[0])
    x2 = deviance = 0.0
    for i in range(4):
        for j in range(i + 1, 4):
            half = np.exp((theta[i] - theta[j]) / 2)
            weight = np.array([half, nu, 1 / half])
            seen = np.zeros(3)
            for a, b, verdict in zip(
                votes.system_a.tolist(),
                votes.system_b.tolist(),
                votes.verdict.tolist(),
                strict=True,
            ):
                if {a, b} == {i, j}:
                    outcome = (0, 1, 2, 1)[verdict]
                    seen[outcome if a == i else 2 - outcome] += 1
            expected = seen.sum() * weight / weight.sum()
            x2 += float(((seen - expected) ** 2 / expected).sum())
            held = seen > 0
            deviance += 2 * float((seen[held] * np.log(seen[held] / expected[held])).sum())
    found = fit_test(votes, seed=1)
    assert found.x2 == pytest.approx(x2, abs=1e-7)
    assert found.deviance == pytest.approx(deviance, abs=1e-7)


@given(st.integers(0, 100), st.lists(st.booleans(), min_size=60, max_size=60))
@settings(max_examples=10)
def test_mirrored_rows_fit_as_well(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed, n=60)
    plain = fit_test(votes_of(rows), seed=1)
    turned = fit_test(votes_of(mirrored(rows, turns)), seed=1)
    assert turned.x2 == pytest.approx(plain.x2, abs=1e-8)
    mine, theirs = pair_residuals(votes_of(rows)), pair_residuals(votes_of(mirrored(rows, turns)))
    for here, there in zip(mine, theirs, strict=True):
        assert (here.first, here.second) == (there.first, there.second)
        assert here.z == pytest.approx(there.z, abs=1e-8)


def test_doubling_every_vote_doubles_x2() -> None:
    rows = regular_rows(5, n=90)
    once, twice = fit_test(votes_of(rows), seed=1), fit_test(votes_of(rows * 2), seed=1)
    assert twice.x2 == pytest.approx(2 * (once.x2 or 0), rel=1e-7)


def test_the_simulated_distribution_is_that_of_single_refits() -> None:
    votes, _ = simulated(2, systems=5, n=250)
    quick = fit_test(votes, seed=3, draws=60)
    fitted = describing_fit(votes)
    assert fitted is not None
    batch = _simulated(fitted, 3, 60)
    drawn = fitted.draw(generator(3, "goodness_of_fit"), 60)
    alone = []
    for k in range(60):
        pairs = PairCounts(fitted.pairs.first, fitted.pairs.second, drawn[:, k], 5)
        fit = fit_outcomes(fitted.fit.model, pairs)
        d = fit.strengths[pairs.first] - fit.strengths[pairs.second]
        alone.append(_pearson(pairs.counts, fit.model.outcomes(d, fit.shape).chance * pairs.totals))
    np.testing.assert_allclose(batch, alone, rtol=1e-4)
    hits = int((np.array(alone) >= (quick.x2 or 0)).sum())
    assert quick.p_value == pytest.approx((1 + hits) / 61)


def test_sparse_votes_without_ties_are_simulated_too() -> None:
    votes, _ = simulated(2, systems=6, n=70, tie_rate=0.0)
    found = fit_test(votes, seed=1)
    assert (found.model, found.p_method) == ("bradley_terry", "simulated")
    assert found.p_value is not None
    assert 0 < found.p_value <= 1


def test_many_sparse_systems_get_no_p_value_unasked() -> None:
    votes, _ = simulated(2, systems=14, n=250)
    found = fit_test(votes, seed=1)
    assert found.p_value is None
    assert found.x2 is not None
    assert WarningCode.SPARSE_CELLS in found.warnings
    assert fit_test(votes, seed=1, draws=20).p_method == "simulated"


@pytest.mark.parametrize(
    ("rows", "warning"),
    [
        ([], WarningCode.NO_VOTES),
        ([(0, 1, 1, 1, 0, 0)] * 9, WarningCode.DEGENERATE_SCALE),
        # Two systems with ties: three outcomes, two parameters, nothing left to test.
        ([(0, 1, k % 3, 1, k, 0) for k in range(30)], WarningCode.DEGENERATE_SCALE),
    ],
)
def test_nothing_to_test_gives_no_p_value(rows: list[Row], warning: WarningCode) -> None:
    found = fit_test(votes_of(rows, n_systems=2), seed=1)
    assert found.p_value is None
    assert warning in found.warnings


def test_a_separated_fit_is_not_tested() -> None:
    rows: list[Row] = [(0, 1 + k % 2, 0, 1, k, k % 3) for k in range(20)]
    rows += [(1, 2, k % 3, 1, k, k % 3) for k in range(20)]
    found = fit_test(votes_of(rows), seed=1, draws=20)
    assert (found.p_value, found.seed) == (None, None)
    assert WarningCode.SEPARATED in found.warnings


def cycle(strength: float, n: int = 3000) -> Votes:
    """Four systems, equal but for a circle among the first three."""
    random = np.random.default_rng(4)
    rows: list[Row] = []
    for k in range(n):
        a, b = random.choice(4, 2, replace=False).tolist()
        lean = {(0, 1): strength, (1, 2): strength, (2, 0): strength}
        d = lean.get((a, b), 0.0) - lean.get((b, a), 0.0)
        won = random.random() < 1 / (1 + np.exp(-d))
        rows.append((a, b, 0 if won else 2, 1, k % 150, k % 30))
    return votes_of(rows)


def test_a_planted_circle_is_found_and_its_pairs_are_named() -> None:
    votes = cycle(0.8)
    found = fit_test(votes, seed=1)
    assert found.p_value is not None
    assert found.p_value < 1e-6
    bad = {(r.first, r.second) for r in pair_residuals(votes) if r.p_adjusted < 0.05}
    assert bad == {(0, 1), (0, 2), (1, 2)}


def test_residuals_are_adjusted_by_holm_and_sorted() -> None:
    found = pair_residuals(votes_of(regular_rows(6, n=200)))
    assert len(found) == 6
    assert [abs(r.z) for r in found] == sorted((abs(r.z) for r in found), reverse=True)
    assert all(r.p_value <= r.p_adjusted <= 1 for r in found)
    assert found[0].p_adjusted == pytest.approx(min(1, 6 * found[0].p_value))


def test_a_pair_that_the_fit_follows_wholly_has_no_residual() -> None:
    bridge: list[Row] = [(3, 4, k % 3, 1, k % 5, k % 3) for k in range(20)]
    found = pair_residuals(votes_of(regular_rows(6, n=200) + bridge))
    assert (3, 4) not in {(r.first, r.second) for r in found}
    assert pair_residuals(votes_of([], n_systems=3)) == ()


def test_unanimous_pairs_have_no_residual_and_separated_ones_neither() -> None:
    rows: list[Row] = [(0, 1, 0, 1, k, k % 3) for k in range(9)]
    assert pair_residuals(votes_of(rows)) == ()


def alarms(runs: int, **design: Any) -> tuple[list[float], list[float]]:
    """False alarms of X² and of the pair residuals, by study."""
    tests, residuals = [], []
    for seed in range(runs):
        votes, _ = simulated(seed, **design)
        found = fit_test(votes, seed=1)
        tests.append(float(found.p_value is not None and found.p_value < 0.05))
        residuals.append(float(pair_residuals(votes)[0].p_adjusted < 0.05))
    return tests, residuals


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_they_claim(
    record_property: Callable[[str, object], None],
) -> None:
    """Without ties the simulated votes are exactly Bradley-Terry."""
    test, residual = alarms(400, systems=8, n=2000, tie_rate=0.0)
    _, clustered = alarms(400, systems=6, n=1500, taste=0.3, prompt_effect=0.3)
    sparse, _ = alarms(200, systems=6, n=90, tie_rate=0.0)
    fit, pairs = "goodness of fit", "residuals of pairs, Holm"
    hold(
        record_property,
        [
            Measured.of("independent, 2,000 votes", fit, Band(0.05, 0.03, 0.08), test),
            Measured.of("independent, 90 votes", fit, Band(0.05, 0.0, 0.08), sparse),
            Measured.of("independent, 2,000 votes", pairs, Band(0.05, 0.0, 0.05), residual),
            Measured.of("clustered", pairs, Band(0.05, 0.0, 0.06), clustered),
        ],
    )
