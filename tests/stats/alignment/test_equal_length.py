"""Length-controlled win rates: against known truth, an independent fit, and the plain win rate."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from reports.stats.alignment import prompt_mixture
from reports.stats.alignment.equal_length import equal_length_win_rates
from reports.stats.alignment.judgments import Comparisons, Reconciled, reconcile
from reports.stats.results import WarningCode
from tests.stats.alignment.small_studies import BAD, MISS, TIE, A, B, judge_once

Floats = NDArray[np.float64]

STRENGTHS = np.array([0.6, 0.2, -0.1, -0.7])
LENGTH_SLOPES = np.array([1.0, 0.5, 0.8, 1.2])
PROMPT_SLOPES = np.array([1.0, -0.5, -0.8, 0.3])


@dataclass(frozen=True, slots=True)
class Simulated:
    """A judge's verdicts by the model, and the win rates at equal length that are true."""

    comparisons: Comparisons
    verdicts: NDArray[np.int64]
    longer_by: NDArray[np.int64]
    true: Floats

    @property
    def judge(self) -> Reconciled:
        return reconcile(judge_once(self.verdicts.tolist()), self.comparisons.n)


def simulated(
    seed: int, *, prompts: int = 60, prompt_slopes: Floats = PROMPT_SLOPES, ties: float = 0.0
) -> Simulated:
    """By the model; `ties` times p (1 - p) is the chance of a tie, taken from both sides alike."""
    random = np.random.default_rng(seed)
    systems = STRENGTHS.size
    trait = random.standard_normal(prompts)
    # The later a system, the longer it writes.
    length = random.normal(1000 + 300 * np.arange(systems), 400, (prompts, systems))
    rows = [(x, a, b) for x in range(prompts) for a in range(systems) for b in range(a)]
    prompt, a, b = np.array(rows).T
    longer_by = np.round(length[prompt, a] - length[prompt, b]).astype(np.int64)
    level = STRENGTHS[a] - STRENGTHS[b] + (prompt_slopes[a] - prompt_slopes[b]) * trait[prompt]
    slope = (LENGTH_SLOPES[a] + LENGTH_SLOPES[b]) / 2
    scale = np.sqrt((longer_by**2).mean())
    chance = expit(level + slope * np.tanh(longer_by / scale))
    drawn, tie = random.random(chance.size), ties * chance * (1 - chance)
    verdicts = np.select([drawn < chance - tie / 2, drawn < chance + tie / 2], [A, TIE], B)
    grid = np.linspace(-8, 8, 4001)
    density = np.exp(-(grid**2) / 2)
    true = []
    for one in range(systems):
        others = np.flatnonzero(np.arange(systems) != one)
        tilt = (prompt_slopes[one] - prompt_slopes[others])[:, None] * grid
        chances = expit((STRENGTHS[one] - STRENGTHS[others])[:, None] + tilt)
        true.append(float((chances @ density / density.sum()).mean()))
    return Simulated(
        Comparisons.from_arrays(prompt, a, b, n_systems=systems), verdicts, longer_by,
        np.array(true),
    )  # fmt: skip


def estimates(known: Simulated) -> Floats:
    found = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    return np.array([one.win_rate.estimate for one in found])


def plain(known: Simulated) -> Floats:
    """Win rates as the judge gave them."""
    points = np.array([1.0, 0.5, 0.0, 0.5])[known.verdicts]
    study = known.comparisons
    return np.array(
        [
            np.concatenate(
                [points[study.system_a == one], 1 - points[study.system_b == one]]
            ).mean()
            for one in range(study.n_systems)
        ]
    )


# A quarter of all verdicts are ties where 1.25 of p (1 - p) are.
@pytest.mark.parametrize("ties", [0.0, 1.25])
def test_the_truth_lies_within_the_intervals_as_often_as_they_say(ties: float) -> None:
    inside, asked, found, tied = 0, 0, [], []
    for seed in range(60):
        known = simulated(seed, ties=ties)
        tied.append((known.verdicts == TIE).mean())
        rows = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
        found.append([row.win_rate.estimate for row in rows])
        for row, true in zip(rows, known.true, strict=True):
            figure = row.win_rate
            assert figure.low is not None
            assert figure.high is not None
            assert figure.converged
            inside += figure.low <= true <= figure.high
            asked += 1
    assert np.mean(tied) == pytest.approx(ties / 5, abs=0.02)
    # Two standard errors of 240 intervals, of which those of one study hang together.
    assert inside / asked >= 0.91
    assert np.abs(np.mean(found, axis=0) - known.true).max() < 0.02
    # Without control the shortest system loses what it earns.
    assert known.true[0] - np.mean([plain(simulated(seed))[0] for seed in range(20)]) > 0.05


def minus_log(point: Floats, known: Simulated, grid: Floats) -> float:
    """The penalised likelihood, prompt by prompt, on a grid of its own."""
    m = known.comparisons.n_systems
    theta, common, own, psi = point[:m], point[m], point[m + 1 : 2 * m + 1], point[2 * m + 1 :]
    scale = np.sqrt((known.longer_by**2).mean())
    prior = np.exp(-(grid**2) / 2)
    prior /= prior.sum()
    total = 0.005 * theta @ theta + (common**2 + own @ own + psi @ psi) / 2
    for prompt in np.unique(known.comparisons.prompt):
        likelihood = np.ones(grid.size)
        for row in np.flatnonzero(known.comparisons.prompt == prompt):
            a, b = known.comparisons.system_a[row], known.comparisons.system_b[row]
            slope = common + (own[a] + own[b]) / 2
            level = theta[a] - theta[b] + slope * np.tanh(known.longer_by[row] / scale)
            chance = 1 / (1 + np.exp(-(level + (psi[a] - psi[b]) * grid)))
            points = {A: 1.0, TIE: 0.5, B: 0.0}[int(known.verdicts[row])]
            likelihood = likelihood * chance**points * (1 - chance) ** (1 - points)
        total -= np.log((likelihood * prior).sum())
    return float(total)


def test_an_independent_fit_of_the_same_model_finds_the_same_slopes() -> None:
    known = simulated(11, prompts=30)
    known.verdicts[::7] = TIE
    m = known.comparisons.n_systems
    grid = np.linspace(-6, 6, 121)
    begin = np.concatenate([np.zeros(2 * m + 1), PROMPT_SLOPES])
    best = minimize(minus_log, begin, args=(known, grid), method="BFGS", options={"gtol": 1e-6})
    rows = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    slopes = best.x[m] + best.x[m + 1 : 2 * m + 1]
    psi = best.x[2 * m + 1 :]
    assert np.abs(psi).max() > 0.3
    for system, row in enumerate(rows):
        assert row.win_rate.details["length_slope"] == pytest.approx(slopes[system], abs=2e-4)
        assert row.win_rate.details["prompt_slope"] == pytest.approx(
            abs(psi[system] - psi.mean()), abs=2e-4
        )


def test_without_two_comparisons_of_a_prompt_it_is_a_logistic_regression_of_statsmodels() -> None:
    whole = simulated(5, prompts=300)
    # Two systems, one comparison a prompt: nothing tells difficulty from chance.
    row = np.flatnonzero((whole.comparisons.system_a == 1) & (whole.comparisons.system_b == 0))
    study = Comparisons.from_arrays(
        whole.comparisons.prompt[row], np.ones(row.size, int), np.zeros(row.size, int)
    )
    known = Simulated(study, whole.verdicts[row], whole.longer_by[row], whole.true[:2])
    rows = equal_length_win_rates(known.judge, study, known.longer_by)
    assert rows[0].win_rate.method == "length_by_prompt"
    assert rows[0].win_rate.details["prompt_slope"] == 0
    scaled = np.tanh(known.longer_by / np.sqrt((known.longer_by**2).mean()))
    fitted = sm.GLM(
        (known.verdicts == A).astype(float),
        np.column_stack([np.ones(row.size), scaled]),
        family=sm.families.Binomial(),
    ).fit(cov_type="cluster", cov_kwds={"groups": study.prompt, "use_correction": True})
    second = rows[1].win_rate
    # The prior draws a slope of 1 by a hundredth.
    assert second.details["length_slope"] == pytest.approx(fitted.params[1], rel=0.05)
    assert second.estimate == pytest.approx(expit(fitted.params[0]), abs=0.01)
    chance = expit(fitted.params[0])
    assert second.se == pytest.approx(fitted.bse[0] * chance * (1 - chance), rel=0.06)
    assert rows[1].over[0].win_rate.estimate == pytest.approx(second.estimate)


def test_lengths_that_say_nothing_leave_the_plain_win_rate() -> None:
    known = simulated(2, prompts=80)
    known.verdicts[::5] = TIE
    known.verdicts[::11] = BAD
    # All of one length but for one comparison, whose t is far from the others'.
    level = np.zeros_like(known.longer_by)
    level[0] = 1
    same = Simulated(known.comparisons, known.verdicts, level, known.true)
    # At the maximum what is expected is what was seen, up to the loose prior.
    assert estimates(same) == pytest.approx(plain(same), abs=0.004)
    found = equal_length_win_rates(same.judge, same.comparisons, level)
    assert [row.win_rate.n for row in found] == [240] * 4


def test_difficulty_that_moves_systems_far_leaves_the_mean_of_what_was_seen() -> None:
    known = simulated(9, prompts=80, prompt_slopes=3 * PROMPT_SLOPES)
    level = np.zeros_like(known.longer_by)
    level[0] = 1
    found = equal_length_win_rates(known.judge, known.comparisons, level)
    assert max(row.win_rate.details["prompt_slope"] for row in found) > 1.5
    expected = [row.win_rate.estimate for row in found]
    assert expected == pytest.approx(plain(known), abs=0.004)


def test_the_error_is_that_of_leaving_out_one_prompt_after_the_other() -> None:
    known = simulated(8, prompts=40, prompt_slopes=2 * PROMPT_SLOPES)
    study = known.comparisons
    without = []
    for prompt in range(40):
        row = np.flatnonzero(study.prompt != prompt)
        rest = Comparisons.from_arrays(study.prompt[row], study.system_a[row], study.system_b[row])
        without.append(
            estimates(Simulated(rest, known.verdicts[row], known.longer_by[row], known.true))
        )
    jackknife = np.sqrt(39 * np.var(without, axis=0))
    found = equal_length_win_rates(known.judge, study, known.longer_by)
    assert [row.win_rate.se for row in found] == pytest.approx(jackknife.tolist(), rel=0.1)


def test_sides_names_and_order_of_rows_change_nothing() -> None:
    known = simulated(3)
    known.verdicts[::6] = TIE
    random = np.random.default_rng(1)
    study = known.comparisons
    first = estimates(known)
    turned = random.random(study.n) < 0.5
    mirrored = Simulated(
        Comparisons.from_arrays(
            study.prompt,
            np.where(turned, study.system_b, study.system_a),
            np.where(turned, study.system_a, study.system_b),
        ),
        np.where(turned, np.array([B, TIE, A, BAD])[known.verdicts], known.verdicts),
        np.where(turned, -known.longer_by, known.longer_by),
        known.true,
    )
    assert estimates(mirrored).tolist() == first.tolist()
    row = random.permutation(study.n)
    shuffled = Simulated(
        Comparisons.from_arrays(study.prompt[row], study.system_a[row], study.system_b[row]),
        known.verdicts[row], known.longer_by[row], known.true,
    )  # fmt: skip
    assert estimates(shuffled).tolist() == first.tolist()
    name, prompt = np.array([2, 0, 3, 1]), random.permutation(60)
    renamed = Simulated(
        Comparisons.from_arrays(
            prompt[study.prompt], name[study.system_a], name[study.system_b]
        ),
        known.verdicts, known.longer_by, known.true,
    )  # fmt: skip
    assert estimates(renamed)[name] == pytest.approx(first, abs=1e-9)


def test_against_each_opponent_the_rates_of_two_systems_add_to_one_and_average_to_the_whole() -> (
    None
):
    known = simulated(4)
    rows = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    rate = {(row.system, one.system): one.win_rate for row in rows for one in row.over}
    for (a, b), figure in rate.items():
        assert (figure.estimate or 0) + (rate[b, a].estimate or 0) == pytest.approx(1)
        assert figure.se == pytest.approx(rate[b, a].se)
    for row in rows:
        mean = np.mean([one.win_rate.estimate for one in row.over])
        assert row.win_rate.estimate == pytest.approx(mean)


def test_a_judge_that_sees_nothing_but_length_finds_no_system_better_at_equal_length() -> None:
    known = simulated(6, prompts=150)
    longest = np.where(known.longer_by > 0, A, B)
    blind = Simulated(known.comparisons, longest, known.longer_by, known.true)
    assert plain(blind).max() > 0.7
    assert np.abs(estimates(blind) - 0.5).max() < 0.12


def test_missing_judgments_little_data_and_unread_texts() -> None:
    known = simulated(7)
    known.verdicts[known.comparisons.prompt > 29] = MISS
    few = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    assert few[0].win_rate.estimate is not None
    assert few[0].win_rate.n == 90
    assert few[0].win_rate.warnings == (WarningCode.FEW_PROMPTS,)
    known.verdicts[known.comparisons.prompt > 28] = MISS
    fewer = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    assert [row.win_rate.estimate for row in fewer] == [None] * 4
    assert fewer[0].win_rate.warnings == (WarningCode.TOO_FEW_PROMPTS,)
    assert fewer[0].over == ()
    assert equal_length_win_rates(known.judge, known.comparisons, None) == ()
    same = np.zeros_like(known.longer_by)
    assert equal_length_win_rates(known.judge, known.comparisons, same) == ()


def test_a_rate_counts_its_own_prompts_and_is_left_out_below_thirty_of_them() -> None:
    known = simulated(12, prompts=130)
    study, last = known.comparisons, 3
    # The last system met system 0 on 29 prompts, system 1 on 30, and nobody else.
    met = np.maximum(study.system_a, study.system_b) == last
    other = np.minimum(study.system_a, study.system_b)
    first = (other == 0) & (study.prompt < 29)
    second = (other == 1) & (study.prompt >= 20) & (study.prompt < 50)
    known.verdicts[met & ~first & ~second] = MISS
    rows = equal_length_win_rates(known.judge, study, known.longer_by)
    of_last = rows[last].win_rate
    assert (of_last.n, of_last.n_clusters, of_last.df) == (59, {"prompts": 50}, 49)
    assert of_last.warnings == (WarningCode.FEW_PROMPTS,)
    assert (rows[0].win_rate.n_clusters, rows[0].win_rate.df) == ({"prompts": 130}, 129)
    assert rows[0].win_rate.warnings == ()
    over = {one.system: one.win_rate for one in rows[last].over}
    assert (over[0].estimate, over[0].low, over[0].n) == (None, None, 29)
    assert over[0].warnings == (WarningCode.TOO_FEW_PROMPTS,)
    assert over[1].estimate is not None
    assert (over[1].n_clusters, over[1].df) == ({"prompts": 30}, 29)
    # On 50 prompts less is known than on 130.
    assert (of_last.high or 0) - (of_last.low or 1) > (
        1.2 * ((rows[0].win_rate.high or 1) - (rows[0].win_rate.low or 0))
    )
    known.verdicts[met & (other == 1)] = MISS
    alone = equal_length_win_rates(known.judge, study, known.longer_by)[last]
    assert (alone.win_rate.estimate, alone.win_rate.n) == (None, 29)
    assert alone.win_rate.warnings == (WarningCode.TOO_FEW_PROMPTS,)


def test_prompts_are_gone_through_in_blocks_and_the_figures_stay(monkeypatch) -> None:
    known = simulated(13)
    known.verdicts[::6] = TIE
    whole = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    monkeypatch.setattr(prompt_mixture, "_BLOCK", 8000)
    cut = equal_length_win_rates(known.judge, known.comparisons, known.longer_by)
    for one, other in zip(whole, cut, strict=True):
        for name in ("estimate", "low", "high", "se"):
            assert getattr(one.win_rate, name) == pytest.approx(
                getattr(other.win_rate, name), abs=1e-10
            )
        assert one.win_rate.details == pytest.approx(other.win_rate.details, abs=1e-10)


def test_many_systems_on_many_prompts_take_little_memory() -> None:
    random = np.random.default_rng(0)
    prompts, systems = 5000, 60
    a = random.integers(0, systems, 2 * prompts)
    met = prompt_mixture.Met(
        np.repeat(np.arange(prompts), 2),
        a,
        (a + random.integers(1, systems, a.size)) % systems,
        random.integers(0, 3, a.size) / 2,
        np.tanh(random.standard_normal(a.size)),
    )
    tracemalloc.start()
    try:
        model = prompt_mixture._Model(met.in_order())
        model.at(np.zeros(model.size))
        model.prompts_at(np.zeros(model.size))
        # The slopes of all prompts at each trait would be 121 MB.
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()
