"""Slices that borrow from the whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.results import WarningCode
from reports.stats.slice_model import SliceModel
from reports.stats.slices import GRID, SLICE_VOTES, Slices, fit_slices
from reports.stats.votes import Votes
from tests.stats.coverage.measured import MARGINAL, Measured, hold
from tests.stats.vote_makers import Row, mirrored, regular_rows, votes_of, with_systems


def sliced(
    seed: int, tau: float, *, slices: int = 6, n: int = 4000, systems: int = 5
) -> tuple[Votes, list[np.ndarray], np.ndarray]:
    """Votes whose Strengths differ between slices by `tau`; slices hold 20 prompts each."""
    random = np.random.default_rng(seed)
    theta = np.linspace(0.6, -0.6, systems)
    own = theta + random.normal(0, tau, (slices, systems))
    part = random.integers(0, slices, n)
    a = random.integers(0, systems, n)
    b = (a + 1 + random.integers(0, systems - 1, n)) % systems
    chance = 1 / (1 + np.exp(own[part, b] - own[part, a]))
    verdict = np.where(random.random(n) < chance, 0, 2)
    votes = Votes.from_arrays(
        a,
        b,
        verdict,
        prompt=part * 20 + random.integers(0, 20, n),
        annotator=random.integers(0, 25, n),
        n_systems=systems,
    )
    return votes, [part == code for code in range(slices)], own - own.mean(axis=1, keepdims=True)


def estimates(found: Slices) -> np.ndarray:
    return np.array([[figure.estimate for figure in part.strengths] for part in found.slices])


def test_the_spread_between_slices_is_found_again() -> None:
    for tau in (0.15, 0.5):
        found = [fit_slices(*sliced(seed, tau)[:2]).tau for seed in range(6)]
        middle = float(np.median([figure.estimate or 0 for figure in found]))
        assert 0.7 * tau < middle < 1.4 * tau
        assert all((f.low or 0) <= (f.estimate or 0) <= (f.high or 0) for f in found)


def test_equal_slices_are_drawn_together() -> None:
    votes, members, _ = sliced(3, 0.0)
    found = fit_slices(votes, members)
    assert found.tau.estimate is not None
    assert found.tau.estimate < 0.12
    whole = fit_bradley_terry(Cells.from_votes(votes)).strengths
    raw = np.array([[figure.estimate for figure in part.raw or ()] for part in found.slices])
    shrunk = estimates(found)
    assert np.abs(shrunk - whole).max() < 0.5 * np.abs(raw - whole).max()


def test_shrinking_beats_raw_strengths_of_small_slices() -> None:
    shrunk_error = raw_error = 0.0
    for seed in range(5):
        votes, members, truth = sliced(seed, 0.2, slices=10, n=1500)
        found = fit_slices(votes, members)
        raw = np.array([[figure.estimate for figure in part.raw or ()] for part in found.slices])
        shrunk_error += float(((estimates(found) - truth) ** 2).sum())
        raw_error += float(((raw - truth) ** 2).sum())
    assert shrunk_error < 0.8 * raw_error


def stacks(votes: Votes, members: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    both = [Cells.from_votes(votes.take(rows)).scores() for rows in members]
    return np.array([score for score, _ in both]), np.array([total for _, total in both])


@pytest.mark.parametrize("prior", [0.0, 1.0])
@pytest.mark.parametrize("tau", [0.05, 0.4, 2.0])
def test_the_mode_and_the_marginal_likelihood_equal_a_dense_twin(tau: float, prior: float) -> None:
    votes, members, _ = sliced(2, 0.3, slices=3, n=300, systems=3)
    score, total = stacks(votes, members)
    model = SliceModel(score, total, np.ones((3, 3)), np.full(3, prior))
    found = model.mode(tau, np.zeros(3), np.zeros((3, 3)))

    def loss(point: np.ndarray) -> float:
        whole, parts = point[:3], point[3:].reshape(3, 3)
        d = parts[:, :, None] - parts[:, None, :]
        return float(
            (score * np.logaddexp(0, -d)).sum()
            + ((parts - whole) ** 2).sum() / 2 / tau**2
            + prior * (whole**2).sum() / 2
        )

    point = minimize(loss, np.zeros(12), method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(
        found.parts - found.whole.mean(), point[3:].reshape(3, 3) - point[:3].mean(), atol=1e-4
    )
    # The full matrix of second derivatives, its null direction (all parameters moved at once,
    # seen from the whole) filled as the gauge fills it.
    full = np.zeros((12, 12))
    _, information = model.slopes(found.parts)
    for c in range(3):
        rows = slice(3 + 3 * c, 6 + 3 * c)
        full[rows, rows] = information[c] + np.eye(3) / tau**2
        full[:3, rows] = full[rows, :3] = -np.eye(3) / tau**2
    full[:3, :3] = (3 / tau**2 + prior) * np.eye(3) + np.ones((3, 3))
    value = -loss(np.concatenate([found.whole, found.parts.ravel()]))
    dense = value - 9 * np.log(tau) - np.linalg.slogdet(full)[1] / 2
    assert found.log_marginal == pytest.approx(dense, abs=1e-7)


def test_intervals_come_from_the_joint_curvature() -> None:
    votes, members, _ = sliced(4, 0.3, slices=3, n=600, systems=3)
    found = fit_slices(votes, members)
    tau = found.tau.estimate
    assert tau is not None
    score, total = stacks(votes, members)
    scaled = score / found.dispersion, total / found.dispersion
    model = SliceModel(*scaled, np.ones((3, 3)), np.zeros(3))
    mode = model.mode(tau, np.zeros(3), np.zeros((3, 3)))
    _, information = model.slopes(mode.parts)
    full = np.zeros((12, 12))
    for c in range(3):
        rows = slice(3 + 3 * c, 6 + 3 * c)
        full[rows, rows] = information[c] + np.eye(3) / tau**2
        full[:3, rows] = full[rows, :3] = -np.eye(3) / tau**2
    full[:3, :3] = 3 * np.eye(3) / tau**2 + np.ones((3, 3))
    inverse = np.linalg.inv(full)[3:6, 3:6]
    centre = np.eye(3) - 1 / 3
    se = np.sqrt(np.diag(centre @ inverse @ centre))
    np.testing.assert_allclose([f.se for f in found.slices[0].strengths], se, rtol=1e-5)


@given(st.integers(0, 50), st.lists(st.booleans(), min_size=120, max_size=120))
@settings(max_examples=8)
def test_mirrored_rows_give_the_same_slices(seed: int, turns: list[bool]) -> None:
    rows = regular_rows(seed, n=120)
    members = [np.arange(120) % 3 == code for code in range(3)]
    plain = fit_slices(votes_of(rows), members)
    other = fit_slices(votes_of(mirrored(rows, turns)), members)
    assert other.tau.estimate == plain.tau.estimate
    np.testing.assert_allclose(estimates(other), estimates(plain), atol=1e-7)


@given(st.integers(0, 50), st.permutations(range(4)), st.permutations(range(3)))
@settings(max_examples=8)
def test_names_of_systems_and_slices_only_permute(
    seed: int, systems: list[int], slices: list[int]
) -> None:
    rows = regular_rows(seed, n=120)
    members = [np.arange(120) % 3 == code for code in range(3)]
    plain = fit_slices(votes_of(rows), members)
    renamed = with_systems(rows, systems)
    other = fit_slices(votes_of(renamed), [members[code] for code in slices])
    np.testing.assert_allclose(estimates(other)[:, systems], estimates(plain)[slices], atol=1e-7)


def test_a_small_slice_shows_the_shrunk_values_only() -> None:
    votes, members, _ = sliced(1, 0.3, n=1200)
    small = np.flatnonzero(members[0])[:20]
    members[0] = np.isin(np.arange(votes.n), small)
    found = fit_slices(votes, members)
    assert found.slices[0].votes == 20 < SLICE_VOTES
    assert found.slices[0].raw is None
    assert found.slices[1].raw is not None
    assert found.slices[0].strengths[0].estimate is not None
    assert found.slices[0].win_rates[0].n == found.slices[0].strengths[0].n


def test_a_unanimous_slice_keeps_finite_shrunk_strengths() -> None:
    rows = regular_rows(2, n=200)
    sweep: list[Row] = [(0, 1 + k % 3, 0, 1, k % 5, k % 3) for k in range(30)]
    members = [np.arange(230) < 200, np.arange(230) >= 200]
    found = fit_slices(votes_of(rows + sweep), members)
    swept = found.slices[1].strengths
    assert all(figure.estimate is not None and abs(figure.estimate) < 5 for figure in swept)
    assert swept[0].estimate == max(figure.estimate or 0 for figure in swept)
    assert found.slices[1].win_rates[0].estimate == 1.0


def test_fewer_than_two_slices_have_no_spread() -> None:
    votes = votes_of(regular_rows(3, n=150))
    for members in (
        [np.ones(150, dtype=bool)],
        [np.ones(150, dtype=bool), np.zeros(150, dtype=bool)],
    ):
        found = fit_slices(votes, members)
        assert found.tau.estimate is None
        assert found.slices[0].raw is not None
        assert found.slices[0].strengths[0].estimate is None
    empty = fit_slices(votes_of([], n_systems=2), [])
    assert empty.slices == ()
    assert empty.tau.warnings == (WarningCode.NO_VOTES,)


def test_an_empty_slice_beside_full_ones_is_null() -> None:
    votes = votes_of(regular_rows(3, n=150), n_systems=5)
    members = [np.arange(150) % 2 == 0, np.arange(150) % 2 == 1, np.zeros(150, dtype=bool)]
    found = fit_slices(votes, members)
    assert found.tau.n == 2
    assert found.slices[2].strengths[0].estimate is None
    assert found.slices[0].strengths[4].estimate is None


def test_the_grid_says_when_the_spread_is_at_its_limit() -> None:
    votes, members, _ = sliced(7, 0.0, n=2000)
    found = fit_slices(votes, members)
    assert found.tau.details["at_limit"] == (found.tau.estimate in (GRID[0], GRID[-1]))


def test_separated_votes_are_drawn_together_as_on_the_board() -> None:
    rows: list[Row] = [(0, 1, 0, 1, p, p % 3) for p in range(12)]
    rows += [(1, 2, p % 3, 1, p, p % 3) for p in range(12)]
    votes = votes_of(rows, n_prompts=12)
    found = fit_slices(votes, [votes.prompt % 2 == 0, votes.prompt % 2 == 1])
    assert found.tau.warnings == (WarningCode.SEPARATED,)
    for part in found.slices:
        for figure in part.strengths:
            assert WarningCode.SEPARATED in figure.warnings
            assert abs(figure.estimate or 9) < 3
            assert figure.low is not None
            assert figure.high is not None
            assert figure.low < figure.high


def tagged(pairs: list[tuple[int, int, int]], n: int = 24, systems: int = 4) -> Votes:
    """`n` mixed votes of each (prompt, system, system); prompts are what tags are on."""
    rows: list[Row] = [
        (a, b, (k + k // 4) % 3, 1, prompt, k % 4) for prompt, a, b in pairs for k in range(n)
    ]
    return votes_of(rows, n_systems=systems)


def test_tags_on_one_pair_leave_the_other_systems_without_strengths() -> None:
    votes = tagged([(0, 0, 1), (1, 1, 2)], systems=3)
    tag = votes.prompt == 0
    found = fit_slices(votes, [tag, tag])
    assert found.tau.estimate is not None
    for part in found.slices:
        first, second, outside = part.strengths
        assert first.estimate == pytest.approx(-(second.estimate or 0), abs=1e-9)
        assert first.low is not None
        assert (outside.estimate, outside.warnings) == (None, (WarningCode.NO_VOTES,))


def test_groups_that_never_meet_in_the_slices_have_a_scale_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What one group says is the same whether or not the other is there, at one tau and dispersion.
    monkeypatch.setattr("reports.stats.slices._dispersion", lambda votes, fit: 1.0)
    joined = (4, 1, 2)
    left, right = [(0, 0, 1), (1, 0, 1)], [(0, 2, 3), (1, 3, 2)]
    votes = tagged([*left, *right, joined])
    found = fit_slices(votes, [votes.prompt == 0, votes.prompt == 1], grid=[0.3])
    assert WarningCode.DISCONNECTED in found.tau.warnings
    for group, pairs in ((1, left), (2, right)):
        alone = tagged([*pairs, joined])
        own = fit_slices(alone, [alone.prompt == 0, alone.prompt == 1], grid=[0.3])
        assert WarningCode.DISCONNECTED not in own.tau.warnings
        for part, only in zip(found.slices, own.slices, strict=True):
            for system in {a for _, a, _ in pairs} | {b for _, _, b in pairs}:
                figure, twin = part.strengths[system], only.strengths[system]
                assert WarningCode.DISCONNECTED in figure.warnings
                assert figure.details["component"] == group
                assert figure.estimate == pytest.approx(twin.estimate, abs=1e-8)
                assert figure.se == pytest.approx(twin.se, rel=1e-8)


@pytest.mark.parametrize(
    "pairs",
    [
        [(0, 0, 1), (1, 2, 3)],
        [(0, 0, 1), (1, 1, 2)],
        [(0, 0, 1), (0, 2, 3), (1, 1, 2)],
    ],
)
def test_slices_that_share_no_difference_tell_no_spread(pairs: list[tuple[int, int, int]]) -> None:
    votes = tagged([*pairs, (2, 1, 2), (2, 0, 3)])
    found = fit_slices(votes, [votes.prompt == 0, votes.prompt == 1])
    assert (found.tau.estimate, found.tau.warnings) == (None, (WarningCode.DEGENERATE_SCALE,))
    assert found.tau.details["reason"]
    for part in found.slices:
        assert all(figure.estimate is None and figure.warnings for figure in part.strengths)
        assert any(rate.estimate is not None for rate in part.win_rates)


def test_systems_that_only_win_within_the_slices_are_drawn_together() -> None:
    # The whole has a finite fit; within the slices system 0 wins everything.
    rows: list[Row] = [(0, 1, 0, 1, p, p % 3) for p in range(20)]
    rows += [(0, 1, p % 3, 1, p, p % 3) for p in range(20, 60)]
    votes = votes_of(rows, n_prompts=60)
    found = fit_slices(votes, [votes.prompt < 10, (votes.prompt >= 10) & (votes.prompt < 20)])
    for part in found.slices:
        for figure in part.strengths:
            assert WarningCode.SEPARATED in figure.warnings
            assert abs(figure.estimate or 9) < 3


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_slices_of_any_few_votes_give_figures_or_reasons(seed: int) -> None:
    random = np.random.default_rng(seed)
    systems, prompts, n = int(random.integers(2, 6)), 8, int(random.integers(1, 60))
    # Each prompt has one pair: tags soon hold parts of the design.
    first = random.integers(0, systems, prompts)
    second = (first + random.integers(1, systems, prompts)) % systems
    prompt = random.integers(0, prompts, n)
    rows: list[Row] = [
        (int(first[p]), int(second[p]), int(random.integers(0, 4)), 1, int(p), int(k % 3))
        for k, p in enumerate(prompt)
    ]
    votes = votes_of(rows, n_systems=systems)
    tags = random.random((int(random.integers(2, 5)), prompts)) < random.choice([0.2, 0.5])
    found = fit_slices(votes, [own[votes.prompt] for own in tags])
    assert (found.tau.estimate is None) == (found.tau.low is None)
    assert found.tau.estimate is not None or found.tau.warnings
    for own, part in zip(tags, found.slices, strict=True):
        sums: dict[int, float] = {}
        for system, figure in enumerate(part.strengths):
            if figure.estimate is None:
                assert figure.warnings
                assert figure.low is figure.high is None
                continue
            assert figure.low is not None
            assert figure.low < figure.estimate
            group = figure.details.get("component", 0)
            assert bool(group) == (WarningCode.DISCONNECTED in figure.warnings)
            sums[group] = sums.get(group, 0.0) + figure.estimate
            inside = tags.any(axis=0)[votes.prompt]
            met = (votes.system_a == system) | (votes.system_b == system)
            assert np.any(inside & met)
        assert all(abs(total) < 1e-6 for total in sums.values())
        assert part.votes == np.count_nonzero(own[votes.prompt])


@pytest.mark.slow
def test_shrunk_intervals_cover_on_average(
    record_property: Callable[[str, object], None],
) -> None:
    covered = []
    for seed in range(60):
        votes, members, truth = sliced(seed, 0.3, n=3000)
        found = fit_slices(votes, members)
        inside = [
            (figure.low or 0) <= value <= (figure.high or 0)
            for part, row in zip(found.slices, truth, strict=True)
            for figure, value in zip(part.strengths, row, strict=True)
        ]
        covered.append(float(np.mean(inside)))
    hold(record_property, [Measured.of("6 slices", "strength in a slice", MARGINAL, covered)])
