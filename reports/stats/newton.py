"""Newton's method for likelihoods with Strengths and further parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from reports.stats.bradley_terry import MAX_ITERATIONS, MAX_STEP, TOLERANCE
from reports.stats.votes import FloatArray

__all__ = ["Maximum", "Slope", "block_centre", "block_gauge", "maximise"]

SEPARATED_PREDICTOR = 15.0
SEPARATED_CONDITION = 1e10
"""Beyond either, a probability has run to 0 or 1 and the fit has no finite estimate."""

HALVINGS = 30
"""A step halved so often moves a parameter by less than the tolerance."""

FALL = 1e-12
"""A log-likelihood that falls by a smaller share than this only shows rounding."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A log-likelihood at one point.

    Attributes
    ----------
    value : float
        -inf outside the parameters' range.
    gradient : float array, shape (k,)
    information : float array, shape (k, k)
        Expected or observed; singular along the gauge without a prior.
    largest : float
        Largest linear predictor, which runs away where there is no finite estimate.
    """

    value: float
    gradient: FloatArray
    information: FloatArray
    largest: float


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the search ended.

    Attributes
    ----------
    point : float array, shape (k,)
    slope : Slope
        At `point`, with the prior's terms.
    iterations : int
    converged : bool
    separated : bool
        No finite estimate: a predictor ran away or the information became singular.
    """

    point: FloatArray
    slope: Slope
    iterations: int
    converged: bool
    separated: bool


def block_gauge(information: FloatArray, component: NDArray[Any]) -> FloatArray:
    """What makes an information matrix regular: c11ᵀ/m on the Strengths of each component.

    Parameters
    ----------
    information : float array, shape (k, k)
        Strengths first.
    component : int array, shape (systems,)
        Of systems with votes; at most k of them.
    """
    m = component.size
    scale = float(np.trace(information[:m, :m])) / m
    same = component[:, None] == component
    full = np.zeros_like(information)
    full[:m, :m] = same * (scale / same.sum(axis=1))
    return full


def block_centre(component: NDArray[Any], columns: int) -> FloatArray:
    """The matrix that takes the mean Strength of its component off each Strength, (k, k)."""
    m = component.size
    same = component[:, None] == component
    centre = np.eye(columns)
    centre[:m, :m] -= same / same.sum(axis=1)
    return centre


def _singular(matrix: FloatArray) -> bool:
    """Whether the condition number, estimated from the factors, is beyond the limit.

    LAPACK's estimate is a lower bound, as a rule within a factor of three.
    """
    norm = float(np.abs(matrix).sum(axis=0).max(initial=0.0))
    factors, _, fault = lapack.dgetrf(matrix)
    if fault or not np.isfinite(norm):
        return True
    inverse_condition, _ = lapack.dgecon(factors, norm)
    return not float(inverse_condition) * SEPARATED_CONDITION >= 1


def maximise(
    objective: Callable[[FloatArray], Slope],
    start: FloatArray,
    component: NDArray[Any],
    precision: FloatArray,
    *,
    gauged: bool = True,
    max_iterations: int = MAX_ITERATIONS,
) -> Maximum:
    """Climb by Newton steps, halved until the log-likelihood does not fall.

    Parameters
    ----------
    objective : callable
        From a point to its :class:`Slope`, without any prior.
    start : float array, shape (k,)
    component : int array, shape (systems,)
        Of the Strengths, which come first in a point.
    precision : float array, shape (k,)
        Of the normal prior with mean 0 on each parameter; 0 for none.
    gauged : bool
        Whether the mean Strength of each component is fixed by the gauge; False where a prior
        on the Strengths fixes it.
    max_iterations : int
        At this limit `converged` is False.
    """

    free = not precision.any()
    size, m = start.size, component.size
    gauge = block_gauge(np.eye(size), component) if gauged else np.zeros((size, size))

    def penalised(point: FloatArray) -> Slope:
        plain = objective(point)
        if free:
            return plain
        return Slope(
            plain.value - float(precision @ point**2) / 2,
            plain.gradient - precision * point,
            plain.information + np.diag(precision),
            plain.largest,
        )

    point = start.copy()
    here = penalised(point)
    for iteration in range(1, max_iterations + 1):
        scale = float(np.trace(here.information[:m, :m])) / m
        try:
            step = np.linalg.solve(here.information + scale * gauge, here.gradient)
        except np.linalg.LinAlgError:
            return Maximum(point, here, iteration, converged=False, separated=True)
        largest = float(np.abs(step).max(initial=0.0))
        if not np.isfinite(largest):
            return Maximum(point, here, iteration, converged=False, separated=True)
        if largest > MAX_STEP:
            step *= MAX_STEP / largest
        floor = here.value - FALL * abs(here.value)
        for _ in range(HALVINGS):
            there = penalised(point + step)
            if there.value >= floor:
                break
            step = step / 2
        else:
            return Maximum(point, here, iteration, converged=largest < TOLERANCE, separated=False)
        point, here = point + step, there
        if gauged and here.largest > SEPARATED_PREDICTOR:
            return Maximum(point, here, iteration, converged=False, separated=True)
        if largest < TOLERANCE:
            break
    else:
        return Maximum(point, here, max_iterations, converged=False, separated=False)
    scale = float(np.trace(here.information[:m, :m])) / m
    separated = gauged and _singular(here.information + scale * gauge)
    return Maximum(point, here, iteration, converged=True, separated=separated)
