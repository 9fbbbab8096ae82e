"""Win rates corrected for the judge: Rogan-Gladen and prediction-powered means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reports.stats.alignment import Comparisons
from reports.stats.alignment.corrected_win_rates import CorrectedWinRate, corrected_win_rates
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import Reconciled
from reports.stats.alignment.prediction_powered import prediction_powered_mean
from reports.stats.alignment.rogan_gladen import (
    closest_shares,
    discrimination,
    rogan_gladen,
)
from reports.stats.results import NegativeCount, NonFiniteInput, ShapeMismatch, WarningCode
from tests.stats.alignment.small_studies import (
    MISS,
    TIE,
    A,
    B,
    judge_once,
    panel,
    sides,
)


@pytest.mark.parametrize(
    ("rate", "q0", "q1", "n", "m0", "m1", "expected", "digits"),
    [
        (0.4, 0.7, 0.9, 1000, 200, 200, (0.1667, 0.0564, 0.2627), 0.51e-4),
        (0.6, 0.85, 0.8, 500, 40, 60, (0.692308, 0.556978, 0.843149), 1e-6),
    ],
)
def test_published_examples_of_rogan_gladen(
    rate: float,
    q0: float,
    q1: float,
    n: int,
    m0: int,
    m1: int,
    expected: tuple[float, float, float],
    digits: float,
) -> None:
    figure = rogan_gladen(rate, q0, q1, n=n, negatives=m0, positives=m1)
    assert (figure.estimate, figure.low, figure.high) == pytest.approx(expected, abs=digits)


def test_a_judge_who_tells_nothing_apart_corrects_nothing() -> None:
    figure = rogan_gladen(0.5, 0.55, 0.55, n=100, negatives=50, positives=50)
    assert figure.estimate is None
    assert figure.warnings == (WarningCode.DEGENERATE_SCALE,)
    with pytest.raises(NegativeCount):
        rogan_gladen(0.5, 0.9, 0.9, n=100, negatives=0, positives=50)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1), st.integers(1, 200))
def test_the_corrected_rate_lies_in_its_interval_and_in_range(
    rate: float, q0: float, q1: float, n: int
) -> None:
    figure = rogan_gladen(rate, q0, q1, n=n, negatives=30, positives=30)
    assert figure.estimate is not None
    assert figure.low is not None
    assert figure.high is not None
    assert 0 <= figure.low <= figure.estimate <= figure.high <= 1


def test_three_classes_are_recovered_exactly() -> None:
    confusion = np.array([[0.8, 0.1, 0.1], [0.15, 0.75, 0.1], [0.25, 0.25, 0.5]])
    shares = closest_shares(
        confusion[None], np.array([[0.495, 0.325, 0.18]]), np.ones((1, 3), dtype=np.bool_)
    )
    assert shares[0] == pytest.approx([0.5, 0.3, 0.2])


@given(
    st.lists(st.floats(0.01, 1), min_size=9, max_size=9),
    st.lists(st.floats(0.01, 1), min_size=3, max_size=3),
)
def test_the_closest_shares_beat_every_point_of_a_grid(
    cells: list[float], observed: list[float]
) -> None:
    confusion = np.array(cells).reshape(3, 3)
    confusion /= confusion.sum(axis=1, keepdims=True)
    p = np.array(observed) / sum(observed)
    pi = closest_shares(confusion[None], p[None], np.ones((1, 3), dtype=np.bool_))[0]
    assert pi.min() >= 0
    assert pi.sum() == pytest.approx(1)
    grid = np.array([(i, j, 20 - i - j) for i in range(21) for j in range(21 - i)]) / 20
    distances = ((grid @ confusion - p) ** 2).sum(axis=1)
    assert ((pi @ confusion - p) ** 2).sum() <= distances.min() + 1e-9


def test_classes_without_labels_get_no_share() -> None:
    confusion = np.array([[[0.8, 0.1, 0.1], [0, 0, 0], [0.1, 0.1, 0.8]]])
    shares = closest_shares(confusion, np.array([[0.5, 0.2, 0.3]]), np.array([[True, False, True]]))
    assert shares[0, 1] == 0
    none = closest_shares(confusion, np.array([[0.5, 0.2, 0.3]]), np.zeros((1, 3), dtype=np.bool_))
    assert np.isnan(none).all()


def test_discrimination_of_two_symmetric_classes_is_youdens_index() -> None:
    assert discrimination(np.array([[0.8, 0.2], [0.2, 0.8]])) == pytest.approx(0.6)
    assert discrimination(np.array([[0.5, 0.5], [0.5, 0.5]])) == pytest.approx(0)


LABELS = [1, 0, 0.5, 1, 0, 1, 1, 0, 0.5, 1]
JUDGED = [1, 0, 0.5, 0.5, 0, 1, 0.75, 0.25, 0.5, 1]
REST = [1, 1, 0, 0.5, 0.75, 1, 0, 0.25, 1, 0.5, 0, 1, 0.75, 0.5, 1, 0, 1, 0.25, 0.5, 1]


def test_the_worked_example_of_the_prediction_powered_mean() -> None:
    figure = prediction_powered_mean(LABELS, JUDGED, REST)
    assert figure.details["weight"] == pytest.approx(0.634717, abs=1e-6)
    assert (figure.estimate, figure.low, figure.high) == pytest.approx(
        (0.631736, 0.444729, 0.818743), abs=1e-6
    )
    assert figure.details["n_effective"] == pytest.approx(20.87, abs=0.005)
    assert figure.details["plain"] == pytest.approx(0.6)


def test_a_useless_judge_leaves_the_plain_human_mean() -> None:
    figure = prediction_powered_mean(LABELS, [1 - f for f in JUDGED], REST)
    assert figure.details["weight"] == 0
    assert figure.estimate == pytest.approx(0.6)
    assert figure.details["n_effective"] == pytest.approx(10)
    alone = prediction_powered_mean(LABELS, JUDGED, [])
    assert alone.estimate == pytest.approx(0.6)


def test_units_of_one_cluster_go_together() -> None:
    single = prediction_powered_mean(LABELS, JUDGED, REST)
    loose = prediction_powered_mean(
        LABELS, JUDGED, REST, clusters=(np.arange(10), np.arange(10, 30))
    )
    assert loose.estimate == single.estimate
    assert single.se is not None
    assert loose.se == pytest.approx(single.se * np.sqrt(30 / 29))
    tied = prediction_powered_mean(
        np.repeat(LABELS, 4),
        np.repeat(JUDGED, 4),
        np.repeat(REST, 4),
        clusters=(np.repeat(np.arange(10), 4), np.repeat(np.arange(10, 30), 4)),
    )
    # Four copies of everything tell no more; only the divisor of lambda moves a little.
    assert tied.se == pytest.approx(loose.se, rel=0.01)


def test_thin_or_broken_input_of_the_prediction_powered_mean() -> None:
    assert prediction_powered_mean([1.0], [1.0], REST).estimate is None
    flat = prediction_powered_mean([1.0, 1.0], [0.5, 0.5], [0.5])
    assert (flat.low, flat.high) == (None, None)
    with pytest.raises(ShapeMismatch):
        prediction_powered_mean([1.0, 0.0], [1.0], REST)
    with pytest.raises(NonFiniteInput):
        prediction_powered_mean([1.0, np.nan], [1.0, 0.0], REST)


@dataclass(frozen=True)
class Simulated:
    """System 0 against system 1, a judge who errs, and the verdicts that people would give."""

    study: Comparisons
    truth: NDArray[np.int64]
    judge: Reconciled
    humans: Humans

    def rates(self, *, random_sample: bool = True) -> tuple[CorrectedWinRate, ...]:
        return corrected_win_rates(
            self.judge, self.humans, self.study, random_sample=random_sample, seed=1
        )


def simulated(
    seed: int, *, ties: bool, n: int = 400, labelled: int = 120, prompts: int = 400
) -> Simulated:
    random = np.random.default_rng(seed)
    one = np.ones(n, dtype=np.int64)
    study = Comparisons.from_arrays(np.arange(n) % prompts, 0 * one, one)
    truth = random.choice([A, TIE, B], n, p=[0.5, 0.2, 0.3] if ties else [0.6, 0.0, 0.4])
    wrong = random.choice([A, TIE, B] if ties else [A, B], n)
    said = np.where(random.random(n) < 0.7, truth, wrong)
    table = np.where(np.arange(n) < labelled, truth, MISS)[:, None]
    judge, humans = sides(study, panel(study, table), judge_once(said.tolist()))
    return Simulated(study, truth, judge, humans)


@pytest.mark.parametrize("ties", [False, True])
def test_corrected_rates_of_a_random_sample_cover_the_truth_and_mirror_between_systems(
    ties: bool,
) -> None:
    case = simulated(3, ties=ties)
    first, second = case.rates()
    true_rate = np.mean(np.array([1, 0.5, 0])[case.truth])
    assert (first.n_labelled, first.n_unlabelled) == (120, 280)
    for figure in (first.rogan_gladen, first.prediction_powered):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < true_rate < figure.high
    assert first.rogan_gladen.method.endswith("three_classes") == ties
    assert first.judge is not None
    assert second.judge == pytest.approx(1 - first.judge)
    for one, other in (
        (first.rogan_gladen.estimate, second.rogan_gladen.estimate),
        (first.prediction_powered.estimate, second.prediction_powered.estimate),
    ):
        assert one is not None
        assert other == pytest.approx(1 - one)


def test_without_a_random_draw_there_is_no_correction() -> None:
    for rate in simulated(3, ties=True).rates(random_sample=False):
        assert rate.judge is not None
        for figure in (rate.rogan_gladen, rate.prediction_powered):
            assert figure.estimate is None
            assert figure.warnings == (WarningCode.NOT_RANDOM_SAMPLE,)


def test_nothing_unlabelled_leaves_nothing_to_correct() -> None:
    rate = simulated(3, ties=True, labelled=400).rates()[0]
    assert rate.rogan_gladen.estimate is None
    powered = rate.prediction_powered
    assert powered.estimate == pytest.approx(powered.details["plain"])


def test_prompts_labelled_in_part_are_clusters_of_comparisons() -> None:
    split = simulated(5, ties=True, prompts=200).rates()[0]
    assert split.prediction_powered.method == "ppi_plus_plus_by_prompt"
    assert split.prediction_powered.n == 120
    whole = simulated(5, ties=True).rates()[0]
    assert whole.prediction_powered.method == "ppi_plus_plus"


def test_the_interval_carries_the_error_of_labelled_and_unlabelled_parts() -> None:
    # Ignoring either would cover about two thirds; theta .6, q0 .8, q1 .85, n 60, m 100.
    random = np.random.default_rng(7)
    hits, runs = 0, 600
    for _ in range(runs):
        positives = int(np.clip(random.binomial(100, 0.6), 1, 99))
        q1 = random.binomial(positives, 0.85) / positives
        q0 = random.binomial(100 - positives, 0.8) / (100 - positives)
        rate = random.binomial(60, 0.6 * 0.85 + 0.4 * 0.2) / 60
        figure = rogan_gladen(rate, q0, q1, n=60, negatives=100 - positives, positives=positives)
        hits += figure.low is not None and figure.low <= 0.6 <= (figure.high or 0)
    # Expected .941; three Monte Carlo errors are .029.
    assert hits / runs >= 0.93 - 0.029
