"""Half-win Bradley-Terry: the Strengths of the leaderboard.

Bradley & Terry 1952, doi 10.2307/2334029; Hunter 2004, doi 10.1214/aos/1079120141. A tie is
half a win for each side (or is dropped, by policy). Each weak component of the comparison
graph is fitted on its own, with mean Strength 0. Where no finite estimate exists, the
component is fitted with the prior N(0, 1) on its Strengths and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from reports.stats.cells import Cells
from reports.stats.connectivity import Separation, find_separation, weak_components
from reports.stats.results import NonFiniteInput, ShapeMismatch, VerdictCode, WarningCode
from reports.stats.votes import BothBadPolicy, TiePolicy

__all__ = [
    "BradleyTerryFit",
    "ComponentFit",
    "among",
    "diagonal_of",
    "fit_bradley_terry",
    "fit_scores",
    "gauge_inverse",
    "gradient_and_information",
    "log_likelihood",
    "ridge_strengths",
]

MAX_STEP = 3.0
"""Largest change of a Strength in one Newton step: p(1-p) is nearly flat far from 0."""

TOLERANCE = 1e-10
"""Largest change of a Strength in the last Newton step: what is left is then rounding."""

MAX_ITERATIONS = 50
"""Five or six are usual."""

METHOD_HALF, METHOD_DROP, METHOD_RIDGE = "bt_half", "bt_drop", "bt_ridge"

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ComponentFit:
    """The fit of one weak component.

    Attributes
    ----------
    systems : int array, shape (m,)
        Codes of its systems, ascending.
    strengths : float array, shape (m,)
        Mean 0, in logits.
    information : float array, shape (m, m)
        H, the sum of p(1-p) x xᵀ; with the identity added for the ridge fit.
    method : str
        ``"bt_half"``, ``"bt_drop"`` or ``"bt_ridge"``.
    iterations : int
    converged : bool
    score : float array, shape (m, m)
        What was fitted: points of row against column.
    separation : Separation or None
        In the codes of all systems; None where the estimate is finite.
    """

    systems: NDArray[np.intp]
    strengths: FloatArray
    information: FloatArray
    method: str
    iterations: int
    converged: bool
    score: FloatArray
    separation: Separation | None

    @property
    def log_likelihood(self) -> float:
        """At the estimate, without the prior's term."""
        return log_likelihood(self.strengths, self.score)

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """Codes that hold for every figure of this component."""
        codes = []
        if self.separation is not None:
            codes.append(WarningCode.SEPARATED)
        if not self.converged:
            codes.append(WarningCode.NOT_CONVERGED)
        return tuple(codes)

    def model_covariance(self) -> FloatArray:
        """Model-based covariance in the mean gauge, shape (m, m).

        H⁺ for a maximum-likelihood fit: for comparison with other programs, as it is too wide
        under half-win ties. C(H+I)⁻¹C for the ridge fit, where it is the interval's source.
        """
        if self.method == METHOD_RIDGE:
            centre = np.eye(self.systems.size) - 1 / self.systems.size
            return np.asarray(centre @ np.linalg.inv(self.information) @ centre)
        return gauge_inverse(self.information)


@dataclass(frozen=True, slots=True)
class BradleyTerryFit:
    """Strengths of all systems, component by component.

    Attributes
    ----------
    strengths : float array, shape (systems,)
        NaN for a system without votes.
    component : int array, shape (systems,)
        From 0 in order of the first system; -1 for a system without votes.
    components : tuple of ComponentFit
    n : int
        Votes that took part under the tie and both-bad policies.
    warnings : tuple of WarningCode
    """

    strengths: FloatArray
    component: NDArray[np.intp]
    components: tuple[ComponentFit, ...]
    n: int
    warnings: tuple[WarningCode, ...]

    @property
    def iterations(self) -> int:
        """Most Newton steps that a component took."""
        return max((part.iterations for part in self.components), default=0)

    @property
    def converged(self) -> bool:
        """Whether every component reached the tolerance."""
        return all(part.converged for part in self.components)

    @property
    def log_likelihood(self) -> float:
        """Sum over the components."""
        return sum((part.log_likelihood for part in self.components), 0.0)


def gauge_inverse(information: FloatArray) -> FloatArray:
    """Pseudo-inverse of an information matrix whose null space is the constant vector.

    H⁺ = (H + c11ᵀ/m)⁻¹ - 11ᵀ/(cm), c = trace(H)/m: one inverse instead of a singular value
    decomposition.

    Parameters
    ----------
    information : float array, shape (m, m)
    """
    m = information.shape[0]
    c = float(information.trace()) / m
    inverse = np.linalg.inv(information + c / m)
    inverse -= 1 / (c * m)
    return inverse


def log_likelihood(strengths: FloatArray, score: FloatArray) -> float:
    """Σ y log p + (1-y) log(1-p) over the votes behind `score`.

    Parameters
    ----------
    strengths : float array, shape (m,)
    score : float array, shape (m, m)
        Points of row against column.
    """
    difference = strengths[:, None] - strengths
    return float((score * log_expit(difference)).sum())


def gradient_and_information(
    strengths: FloatArray, score: FloatArray, total: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Gradient of the log-likelihood, shape (m,), and its negative Hessian, shape (m, m).

    Parameters
    ----------
    strengths : float array, shape (m,)
    score, total : float array, shape (m, m)
        Points of row against column, and votes of each pair.
    """
    p = expit(strengths[:, None] - strengths)
    lost = score.T * p
    # S_ij - N_ij p_ij, written without the cancellation that near-unanimous pairs suffer.
    gradient = (lost.T - lost).sum(axis=1)
    information = p * p.T
    information *= total
    np.negative(information, out=information)
    diagonal = diagonal_of(information)
    diagonal[:] = 0
    diagonal[:] = -information.sum(axis=1)
    return gradient, information


def diagonal_of(matrix: FloatArray) -> FloatArray:
    """The diagonal of a square matrix in one piece of memory, to be written to."""
    return matrix.reshape(-1)[:: matrix.shape[0] + 1]


def _newton(
    score: FloatArray,
    total: FloatArray,
    precision: float,
    max_iterations: int,
    start: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, int, bool]:
    """Strengths, information, iterations, converged; `precision` is the prior's, 0 for none."""
    m = score.shape[0]
    strengths = np.zeros(m) if start is None else start - start.mean()
    converged = False
    iterations = 0
    while not converged and iterations < max_iterations:
        iterations += 1
        gradient, information = gradient_and_information(strengths, score, total)
        diagonal_of(information)[:] += precision
        if precision:
            gradient -= precision * strengths
            regular = information
        else:
            regular = information + float(diagonal_of(information).sum()) / m**2
        step = np.linalg.solve(regular, gradient)
        largest = float(np.abs(step).max())
        if largest > MAX_STEP:
            step *= MAX_STEP / largest
        strengths += step
        strengths -= strengths.mean()
        converged = largest < TOLERANCE
    if not converged:
        # Before a last step that changes nothing it is what it is after it.
        _, information = gradient_and_information(strengths, score, total)
        diagonal_of(information)[:] += precision
    return strengths, information, iterations, converged


def ridge_strengths(score: FloatArray, total: FloatArray, precision: float = 1.0) -> FloatArray:
    """Strengths of all systems at once with the prior N(0, 1/precision).

    Always finite; a system without votes gets 0. For comparing fits of parts of the data,
    where none may be lost (split-half), not for display.

    Parameters
    ----------
    score, total : float array, shape (systems, systems)
        As from :meth:`reports.stats.cells.Cells.scores`.
    precision : float
        Above 0.

    Returns
    -------
    float array, shape (systems,)
        Mean 0.
    """
    _check_square(score, total)
    if not precision > 0:
        raise NonFiniteInput(f"precision is {precision}; expected a number above 0")
    if score.shape[0] == 0:
        return np.zeros(0)
    return _newton(score, total, precision, MAX_ITERATIONS)[0]


def _check_square(score: FloatArray, total: FloatArray) -> None:
    if score.ndim != 2 or score.shape[0] != score.shape[1] or score.shape != total.shape:
        raise ShapeMismatch(
            f"score has shape {score.shape} and total {total.shape}; "
            "expected two square matrices of equal size"
        )


def fit_scores(
    score: FloatArray,
    total: FloatArray,
    *,
    method: str = METHOD_HALF,
    max_iterations: int = MAX_ITERATIONS,
    start: FloatArray | None = None,
) -> tuple[NDArray[np.intp], tuple[ComponentFit, ...]]:
    """Fit every weak component of a score matrix.

    Parameters
    ----------
    score, total : float array, shape (systems, systems)
        Points of row against column, and votes of each pair; ``score + score.T == total``.
    method : str
        Name of the fit where no ridge is needed.
    start : float array, shape (systems,), optional
        Where to start, such as the Strengths before the newest vote, which then take two
        iterations; NaN for a system that had none, which starts at 0. It is for callers that keep
        a fit and add votes to it, as the benchmark of live updates does. Reports and steering read
        all votes anew and start cold: their figures must not hang on what was computed before.

    Returns
    -------
    component : int array, shape (systems,)
    fits : tuple of ComponentFit
    """
    _check_square(score, total)
    component = weak_components(total)
    fits = []
    for label in range(int(component.max(initial=-1)) + 1):
        systems = np.flatnonzero(component == label)
        own_score, own_total = (among(systems, table) for table in (score, total))
        separation = find_separation(own_score)
        strengths, information, iterations, converged = _newton(
            own_score,
            own_total,
            0.0 if separation is None else 1.0,
            max_iterations,
            None if start is None else np.nan_to_num(start[systems]),
        )
        fits.append(
            ComponentFit(
                systems=systems,
                strengths=strengths,
                information=information,
                method=method if separation is None else METHOD_RIDGE,
                iterations=iterations,
                converged=converged,
                score=own_score,
                separation=None if separation is None else _renamed(separation, systems),
            )
        )
    return component, tuple(fits)


def among(systems: NDArray[np.intp], table: FloatArray) -> FloatArray:
    """The part of a table of all systems that is about some of them; itself where all are."""
    if systems.size == table.shape[0]:
        return table
    return table[np.ix_(systems, systems)]


def _renamed(separation: Separation, systems: NDArray[np.intp]) -> Separation:
    """The same groups in the codes of all systems."""

    def rename(groups: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        return tuple(tuple(int(systems[member]) for member in group) for group in groups)

    return Separation(rename(separation.undefeated), rename(separation.winless))


def fit_bradley_terry(
    cells: Cells,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    max_iterations: int = MAX_ITERATIONS,
) -> BradleyTerryFit:
    """Strengths from cells.

    Maximises Σ y log p + (1-y) log(1-p) by Newton's method, per component. Without a finite
    estimate (`separated`) the prior N(0, 1) on the Strengths is added (``"bt_ridge"``).

    Parameters
    ----------
    cells : Cells
    ties, both_bad : policies
        See :data:`reports.stats.votes.TiePolicy` and
        :data:`reports.stats.votes.BothBadPolicy`.
    max_iterations : int
        At this limit `converged` is False and `not_converged` is warned.

    Returns
    -------
    BradleyTerryFit

    Raises
    ------
    UnknownPolicy
    """
    score, total = cells.scores(ties, both_bad)
    component, parts = fit_scores(
        score,
        total,
        method=METHOD_HALF if ties == "half" else METHOD_DROP,
        max_iterations=max_iterations,
    )
    strengths = np.full(cells.n_systems, np.nan)
    for part in parts:
        strengths[part.systems] = part.strengths
    warnings = []
    if not parts:
        warnings.append(WarningCode.NO_VOTES)
    if len(parts) > 1:
        warnings.append(WarningCode.DISCONNECTED)
    for code in (WarningCode.SEPARATED, WarningCode.NOT_CONVERGED):
        if any(code in part.warnings for part in parts):
            warnings.append(code)
    given = cells.votes_by_verdict()
    tied, bad = int(given[VerdictCode.TIE]), int(given[VerdictCode.BOTH_BAD])
    used = int(given.sum())
    if ties == "drop":
        used -= tied + bad
        if tied or bad:
            warnings.append(WarningCode.TIES_DROPPED)
    elif both_bad == "drop":
        used -= bad
    elif bad:
        warnings.append(WarningCode.BOTH_BAD_FOLDED)
    return BradleyTerryFit(strengths, component, parts, used, tuple(warnings))
