"""Strengths from few votes and many judgments (Boyeau et al. 2024, arXiv 2403.07008).

What is minimised is the mean loss of the votes plus λ times the mean loss of the judgments on
comparisons without votes less that on comparisons with them. A Bradley-Terry loss has a curvature
that does not hang on outcomes, so that for λ between 0 and 1 this is the loss of a plain fit to
points that are corrected cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.alignment.by_prompt import figure_by_prompt
from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.bradley_terry import ComponentFit, fit_scores, gauge_inverse
from reports.stats.connectivity import weak_components
from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import NO_ERROR
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, ShapeMismatch, WarningCode, undefined

__all__ = ["PoweredRows", "powered_strengths"]

METHOD = "bt_powered"


@dataclass(frozen=True, slots=True, eq=False)
class PoweredRows:
    """Judged comparisons, some with votes.

    Attributes
    ----------
    system_a, system_b, prompt : int arrays of shape (n,)
    labelled : bool array of shape (n,)
        Those with votes, a random draw of all.
    label : float array of shape (n,)
        Points of a by the votes, in [0, 1]; not read where there are none.
    judged : float array of shape (n,)
        Points of a by the judge.
    """

    system_a: Integers
    system_b: Integers
    prompt: Integers
    labelled: NDArray[np.bool_]
    label: Floats
    judged: Floats

    def __post_init__(self) -> None:
        shapes = {getattr(self, name).shape for name in self.__slots__}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ShapeMismatch(f"columns have shapes {sorted(shapes)}; expected one row each")

    def in_cells(self, values: Floats, row: NDArray[np.bool_], systems: int) -> Floats:
        """Sums of values at (a, b), and of their complements to 1 at (b, a), over some rows."""
        a, b, own = self.system_a[row], self.system_b[row], values[row]
        out = np.zeros((systems, systems))
        np.add.at(out, (a, b), own)
        np.add.at(out, (b, a), 1 - own)
        return out


def powered_strengths(
    rows: PoweredRows, n_systems: int, *, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Strength of each system, in logits with mean 0 over the systems of the rows.

    Returns
    -------
    tuple of Estimate
        By system code. t interval with prompts as clusters; `n` counts labelled comparisons of
        the system. ``details``: `weight` (λ; 0 is the fit to the votes alone, as
        where λ would leave a system out), `plain`, that fit,
        and `n_unlabelled`. None with `no_votes` without labelled comparisons, with `disconnected`
        where votes leave systems in groups that never meet, with `separated` where no finite
        estimate exists, with `too_few_prompts` for one prompt. Without an interval, with
        `degenerate_scale`, where points do not vary.
    """
    labelled, rest = rows.labelled, ~rows.labelled
    counted = _times(rows, labelled, n_systems)
    judged = np.flatnonzero(counted + _times(rows, rest, n_systems))
    n, others = int(labelled.sum()), int(rest.sum())
    prompts = int(np.unique(rows.prompt).size)

    def without(code: WarningCode, reason: str) -> tuple[Estimate, ...]:
        return tuple(
            undefined(METHOD, int(counted[system]), code, reason=reason)
            for system in range(n_systems)
        )

    if n == 0:
        return without(WarningCode.NO_VOTES, "no comparison of the sample has votes")
    if prompts < 2:
        return without(WarningCode.TOO_FEW_PROMPTS, "all comparisons belong to one prompt")
    ones = np.ones(labelled.size)
    met = rows.in_cells(ones, labelled, n_systems)
    if np.unique(weak_components(met + met.T)[judged]).size > 1:
        return without(WarningCode.DISCONNECTED, "votes leave systems in groups that never meet")
    plain = _fit(rows, 0.0, n_systems)
    if plain is None:
        return without(WarningCode.SEPARATED, "a system won or lost everything in the votes")
    weight = _weight(rows, plain, n_systems) if others else 0.0
    fit = _fit(rows, weight, n_systems)
    if fit is not None and fit.systems.size != plain.systems.size:
        # At λ = 1 a system that has votes on all its comparisons weighs nothing: the judge says
        # nothing of it that the votes do not, and all are told by the votes.
        weight, fit = 0.0, plain
    if fit is None:
        return without(WarningCode.SEPARATED, "the corrected points have no finite estimate")
    se = _errors(rows, fit, weight, n_systems)
    df = float(np.unique(rows.prompt[labelled]).size - 1)
    if df < 1:
        return without(WarningCode.TOO_FEW_PROMPTS, "all votes are on one prompt")
    codes = (WarningCode.FEW_PROMPTS,) if df + 1 < FEW_CLUSTERS else ()
    out = list(without(WarningCode.NO_VOTES, "it was not judged"))
    for place, system in enumerate(fit.systems.tolist()):
        out[system] = figure_by_prompt(
            float(fit.strengths[place]),
            float(se[place]),
            df,
            method=METHOD,
            n=int(counted[system]),
            prompts=prompts,
            level=level,
            converged=fit.converged,
            warnings=codes,
            details={
                "weight": weight,
                "plain": float(plain.strengths[place]),
                "n_unlabelled": others,
            },
        )
    return tuple(out)


def _times(rows: PoweredRows, row: NDArray[np.bool_], n_systems: int) -> Integers:
    both = np.concatenate((rows.system_a[row], rows.system_b[row]))
    return np.bincount(both, minlength=n_systems)


def _fit(rows: PoweredRows, weight: float, n_systems: int) -> ComponentFit | None:
    """The fit at one λ; None where it has no finite estimate."""
    labelled, rest = rows.labelled, ~rows.labelled
    ratio = weight * float(labelled.sum()) / max(float(rest.sum()), 1.0)
    votes = rows.in_cells(rows.label, labelled, n_systems)
    score = votes - weight * rows.in_cells(rows.judged, labelled, n_systems)
    score += ratio * rows.in_cells(rows.judged, rest, n_systems)
    _, fits = fit_scores(score, score + score.T)
    # At λ = 1 pairs that have votes alone weigh nothing, and may part the systems.
    if len(fits) != 1 or fits[0].separation is not None:
        return None
    return fits[0]


def _residuals(
    rows: PoweredRows, fit: ComponentFit, n_systems: int
) -> tuple[Integers, Integers, Floats, Floats]:
    """Places of a and b in the fit, and expected less seen points by votes and by judge."""
    place = np.full(n_systems, -1)
    place[fit.systems] = np.arange(fit.systems.size)
    a, b = place[rows.system_a], place[rows.system_b]
    expected = expit(fit.strengths[a] - fit.strengths[b])
    return a, b, expected - np.where(rows.labelled, rows.label, 0), expected - rows.judged


def _weight(rows: PoweredRows, plain: ComponentFit, n_systems: int) -> float:
    """The λ that makes the summed variance of the Strengths least, as far as it lies in [0, 1]."""
    a, b, by_votes, by_judge = _residuals(rows, plain, n_systems)
    inverse = gauge_inverse(plain.information)
    reach = ((inverse[a] - inverse[b]) ** 2).sum(axis=1)
    own = rows.labelled
    covariance = float(np.mean((by_votes * by_judge * reach)[own]))
    drift = np.bincount(a, by_judge, inverse.shape[0]) - np.bincount(b, by_judge, inverse.shape[0])
    mean = inverse @ drift / own.size
    spread = float(np.mean(by_judge**2 * reach) - mean @ mean)
    if spread <= NO_ERROR**2:
        return 0.0
    n, others = float(own.sum()), float((~own).sum())
    return min(max(covariance / ((1 + n / others) * spread), 0.0), 1.0)


def _errors(rows: PoweredRows, fit: ComponentFit, weight: float, n_systems: int) -> Floats:
    """Standard errors of the Strengths, with prompts as clusters."""
    a, b, by_votes, by_judge = _residuals(rows, fit, n_systems)
    size, number = fit.systems.size, float(rows.labelled.sum())
    total = np.zeros((int(np.unique(rows.prompt).size), size))
    for row, values in (
        (rows.labelled, by_votes - weight * by_judge),
        (~rows.labelled, weight * by_judge),
    ):
        count = float(row.sum())
        if count == 0:
            continue
        slope = np.zeros((row.size, size + 1))
        place = np.flatnonzero(row)
        slope[place, a[row]] += values[row]
        slope[place, b[row]] -= values[row]
        slope[place, size] = 1
        sums = sums_by_prompt(rows.prompt, slope)
        mean = sums[:, :size].sum(axis=0) / count
        total += (sums[:, :size] - sums[:, size:] * mean) / count
    prompts = total.shape[0]
    meat = prompts / (prompts - 1) * total.T @ total
    # The information counts labelled comparisons, the influences are of means.
    inverse = gauge_inverse(fit.information) * number
    return np.asarray(np.sqrt(np.maximum(np.diag(inverse @ meat @ inverse), 0)))
