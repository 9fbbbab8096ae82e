"""Chances of outcomes, and the derivatives that fits and errors are made of."""

from __future__ import annotations

import numpy as np
import pytest

from reports.stats.outcome_fit import outcome_slope
from reports.stats.outcome_models import CumulativeLink, Davidson, OutcomeModel

MODELS: list[tuple[OutcomeModel, list[float]]] = [
    (Davidson(), [-0.3]),
    (CumulativeLink(1, tie=True), [0.6]),
    (CumulativeLink(1, tie=False), []),
    (CumulativeLink(2, tie=True), [0.4, 1.7]),
    (CumulativeLink(2, tie=False), [0.8]),
    (CumulativeLink(3, tie=True), [0.2, 0.9, 2.5]),
]
STEP = 1e-6


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=str)
def test_chances_add_up_and_mirror(model: OutcomeModel, shape: list[float]) -> None:
    d = np.array([-30.0, -2.0, 0.0, 0.7, 30.0])
    here, there = model.outcomes(d, np.array(shape)), model.outcomes(-d, np.array(shape))
    assert here.chance.shape == (model.n_outcomes, 5)
    np.testing.assert_allclose(here.chance.sum(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(here.log_chance, there.log_chance[::-1], atol=1e-9)
    assert np.isfinite(here.log_chance).all()
    # The first outcome favours the first system.
    assert (np.diff(here.chance[0]) > 0).all()


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=str)
def test_derivatives_of_the_chances_are_finite_differences(
    model: OutcomeModel, shape: list[float]
) -> None:
    d, s = np.array([-3.0, -0.4, 0.0, 1.3]), np.array(shape)

    def at(difference: np.ndarray, point: np.ndarray) -> np.ndarray:
        return model.outcomes(difference, point).log_chance

    here = model.outcomes(d, s)
    slope = (at(d + STEP, s) - at(d - STEP, s)) / (2 * STEP)
    np.testing.assert_allclose(here.by_difference, slope, atol=1e-7)
    for k in range(s.size):
        shift = np.eye(s.size)[k] * STEP
        slope = (at(d, s + shift) - at(d, s - shift)) / (2 * STEP)
        np.testing.assert_allclose(here.by_shape[k], slope, atol=1e-7)


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=str)
def test_the_gradient_and_information_are_those_of_the_likelihood(
    model: OutcomeModel, shape: list[float]
) -> None:
    random = np.random.default_rng(3)
    first, second = np.triu_indices(4, 1)
    point = np.concatenate([random.normal(0, 0.7, 4), shape])
    outcomes = model.outcomes(point[first] - point[second], np.array(shape))
    counts = random.integers(0, 9, (model.n_outcomes, first.size)).astype(float)
    # Counts at their expectation: the observed information is then the expected one.
    mean = outcomes.chance * 11.0
    for table in (counts, mean):
        here = outcome_slope(model, first, second, table, 4, point)
        for k in range(point.size):
            shift = np.eye(point.size)[k] * 1e-5
            up, down = (
                outcome_slope(model, first, second, table, 4, point + turn)
                for turn in (shift, -shift)
            )
            slope = (up.value - down.value) / 2e-5
            assert here.gradient[k] == pytest.approx(slope, abs=1e-5)
            if table is mean:
                curve = (down.gradient - up.gradient) / 2e-5
                np.testing.assert_allclose(here.information[k], curve, atol=1e-5)


def test_cut_points_out_of_order_are_outside_the_model() -> None:
    model = CumulativeLink(2, tie=True)
    assert not model.contains(np.array([1.0, 0.5]))
    assert not model.contains(np.array([-0.1, 0.5]))
    assert model.contains(np.array([0.1, 0.5]))
    slope = outcome_slope(
        model, np.array([0]), np.array([1]), np.ones((5, 1)), 2, np.array([0, 0, 1.0, 0.5])
    )
    assert slope.value == -np.inf


@pytest.mark.parametrize(("model", "shape"), MODELS, ids=str)
def test_the_start_reproduces_the_shares_between_equals(
    model: OutcomeModel, shape: list[float]
) -> None:
    counts = np.array([5.0, 4, 3, 2, 7, 1, 6])[: model.n_outcomes]
    found = model.outcomes(np.zeros(1), model.start(counts))
    folded = (counts + counts[::-1]) / 2
    np.testing.assert_allclose(found.chance[:, 0], folded / folded.sum(), atol=1e-12)
