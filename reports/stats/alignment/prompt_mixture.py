"""Who wins by length and by what a prompt is like: a logistic model with a hidden trait.

logit P(a beats b on x) = theta_a - theta_b + (phi_a + phi_b)/2 * t + (psi_a - psi_b) * gamma_x with
t = tanh(D / SD D), D the characters of a less those of b, and x a prompt. The difficulty gamma_x of
a prompt is hidden and standard normal; it is integrated over, so that a prompt adds one draw and no
parameter. That is the length-controlled model of Dubois et al. 2024 (arXiv 2404.04475) for any two
systems; there the difficulty is fitted beforehand, from more than a hundred systems. A tie is
sqrt(p (1 - p)) at each trait: that draws psi towards 0 and leaves win rates in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, logsumexp

from reports.stats.ratings import Floats, Integers

__all__ = ["Met", "Mixture", "fit_mixture"]

# A trait this finely cut is integrated without an error that is seen: the sum over an even grid is
# exact for a normal but for exp(-2 pi^2 / STEP^2).
_STEP, _REACH = 0.4, 12
TRAIT = _STEP * np.arange(-_REACH, _REACH + 1)
_PRIOR = -(TRAIT**2) / 2 - logsumexp(-(TRAIT**2) / 2)

# Precisions of normal priors. Strengths are held so loosely that only one without a finite value
# feels it; slopes as in style_control.
LOOSE, RIDGE = 0.01, 1.0

_STEPS, _TOLERANCE = 200, 1e-9

# Prompts are gone through in blocks of so many numbers, 8 MB: slopes of each prompt and some arrays
# of its rows, at each trait.
_BLOCK, _OF_A_ROW = 1_000_000, 8


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """Judged comparisons, one a row.

    Attributes
    ----------
    prompt, a, b : int arrays of shape (n,)
        Codes from 0, all of which occur.
    score : float array of shape (n,)
        Points of a: 1, 1/2 or 0.
    length : float array of shape (n,)
        t of the model.
    """

    prompt: Integers
    a: Integers
    b: Integers
    score: Floats
    length: Floats

    def in_order(self) -> Met:
        """The lower code first, rows sorted: the same to the byte however they were given."""
        turned = self.a > self.b
        a, b = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        score = np.where(turned, 1 - self.score, self.score)
        length = np.where(turned, -self.length, self.length)
        row = np.lexsort((length, score, b, a, self.prompt))
        return Met(self.prompt[row], a[row], b[row], score[row], length[row])

    @property
    def n_prompts(self) -> int:
        return int(self.prompt.max(initial=-1)) + 1

    @property
    def n_systems(self) -> int:
        return int(max(self.a.max(initial=-1), self.b.max(initial=-1))) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """The model at its maximum. P parameters: theta, the common phi, phi less it, psi.

    Attributes
    ----------
    met : Met
        As :meth:`Met.in_order` gives them.
    point : float array of shape (P,)
    bread : float array of shape (P, P)
        Inverse of the curvature, priors included.
    scores : sparse array of shape (prompts, P)
        What each prompt adds to the slope; it meets few of many systems.
    posterior : float array of shape (prompts, grid)
        Of the trait, given the prompt's judgments.
    converged : bool
    """

    met: Met
    point: Floats
    bread: Floats
    scores: sparse.csr_array
    posterior: Floats
    converged: bool
    _model: _Model

    @property
    def strengths(self) -> Floats:
        return self.point[: self.met.n_systems]

    @property
    def length_slopes(self) -> Floats:
        """phi of each system."""
        m = self.met.n_systems
        return np.asarray(self.point[m] + self.point[m + 1 : 2 * m + 1])

    @property
    def prompt_slopes(self) -> Floats:
        """psi of each system; the sign of all together means nothing."""
        return self.point[2 * self.met.n_systems + 1 :]

    def chances(self, first: Integers, second: Integers) -> Floats:
        """P(first beats second) at equal length and each trait, shape (rows, grid)."""
        slope = self.prompt_slopes[first] - self.prompt_slopes[second]
        strength = self.strengths[first] - self.strengths[second]
        return np.asarray(expit(strength[:, None] + slope[:, None] * TRAIT))

    def through_traits(self, values: Floats) -> Floats:
        """Slope by the parameters of the sum over prompts of the expected `values`.

        Parameters
        ----------
        values : float array of shape (prompts, grid)
            What each trait would give; only its posterior depends on the parameters here.
        """
        weight = values * self.posterior
        met, model = self.met, self._model
        m = met.n_systems
        # Of each row, what it adds to the slope by theta_a: itself, and times the trait.
        known, tilted = np.zeros(met.score.size), np.zeros(met.score.size)
        for block in model.blocks:
            if weight[block.prompts].any():
                residual = model.residual(self.point, block) * weight[met.prompt[block.rows]]
                known[block.rows], tilted[block.rows] = residual.sum(axis=1), residual @ TRAIT
        slope = np.concatenate([model.summed(known), model.summed(tilted)[:m]])
        return np.asarray(slope - weight.sum(axis=1) @ self.scores)


def fit_mixture(met: Met) -> Mixture:
    """Maximise the penalised likelihood by Newton's method, damped where it is not concave.

    psi begins in the direction in which prompts vary most beyond chance, and stays 0 where there is
    none or no prompt holds two comparisons.

    Parameters
    ----------
    met : Met
        At least one row.

    Returns
    -------
    Mixture
    """
    met = met.in_order()
    model = _Model(met)
    m = met.n_systems
    free = np.ones(3 * m + 1, dtype=np.bool_)
    free[2 * m + 1 :] = False
    point, converged = _climb(model, np.zeros(3 * m + 1), free)
    if np.bincount(met.prompt).max() > 1:
        curvature = model.at(point).curvature[2 * m + 1 :, 2 * m + 1 :]
        values, vectors = np.linalg.eigh(curvature)
        if values[-1] > 0:
            point[2 * m + 1 :] = 0.5 * vectors[:, -1]
            point, converged = _climb(model, point, np.ones_like(free))
    found = model.at(point)
    return Mixture(
        met,
        point,
        np.asarray(np.linalg.inv(-found.curvature), dtype=np.float64),
        *model.prompts_at(point),
        converged,
        model,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    value: float
    slope: Floats
    curvature: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Prompts beside each other in the order, with their rows.

    Attributes
    ----------
    prompts, rows : slice
    gather : sparse array of shape (prompts * (2 * systems + 1), rows)
        Sums what rows add to the slopes of their prompt by theta and phi.
    """

    prompts: slice
    rows: slice
    gather: sparse.csr_array


class _Model:
    """The penalised log-likelihood with its slope and curvature."""

    def __init__(self, met: Met) -> None:
        m, n = met.n_systems, met.score.size
        self.met, self.size = met, 3 * m + 1
        one, half = np.ones(n), met.length / 2
        fixed = [(met.a, one), (met.b, -one), (np.full(n, m), met.length)]
        fixed += [(m + 1 + met.a, half), (m + 1 + met.b, half)]
        tilted = [(2 * m + 1 + met.a, one), (2 * m + 1 + met.b, -one)]
        # A row's predictor is (fixed + trait * tilted) . parameters.
        self.column = np.column_stack([column for column, _ in (*fixed, *tilted)])
        self.fixed = np.column_stack([*(v for _, v in fixed), *(np.zeros(n) for _ in tilted)])
        self.tilted = np.column_stack([*(np.zeros(n) for _ in fixed), *(v for _, v in tilted)])
        self.blocks = list(self._cut(len(fixed)))
        width = self.column.shape[1]
        self.pairs = [(i, j) for i in range(width) for j in range(width)]
        self.precision = np.full(self.size, RIDGE)
        self.precision[:m] = LOOSE

    def _cut(self, width: int) -> Iterator[_Block]:
        """Blocks of prompts; `width` columns come first that are without the trait."""
        met, slopes = self.met, 2 * self.met.n_systems + 1
        of_prompt = np.bincount(met.prompt)
        weight = np.cumsum(slopes + _OF_A_ROW * of_prompt)
        begins = np.flatnonzero(np.diff((weight - 1) // (_BLOCK // TRAIT.size), prepend=-1))
        rows_before = np.concatenate([[0], np.cumsum(of_prompt)])
        for first, end in pairwise([*begins.tolist(), of_prompt.size]):
            rows = slice(int(rows_before[first]), int(rows_before[end]))
            n = rows.stop - rows.start
            place = (met.prompt[rows, None] - first) * slopes + self.column[rows, :width]
            gather = sparse.csr_array(
                (
                    self.fixed[rows, :width].reshape(-1),
                    (place.reshape(-1), np.repeat(np.arange(n), width)),
                ),
                shape=((end - first) * slopes, n),
            )
            yield _Block(slice(first, end), rows, gather)

    def at(self, point: Floats) -> _Found:
        met, size, m = self.met, self.size, self.met.n_systems
        value, slope, curvature = 0.0, np.zeros(size), np.zeros((size, size))
        moments = np.zeros((3, met.score.size))
        for block in self.blocks:
            own, posterior, residual = self._given(point, block)
            value += float(own.sum())
            chance = met.score[block.rows, None] - residual
            spread = chance * (1 - chance) * posterior[self._local(block)]
            for power in range(3):
                moments[power, block.rows] = (spread * TRAIT**power).sum(axis=1)
            # What each prompt would add to the slope if its trait were known; by psi that is what
            # it adds by theta, times the trait.
            given_trait = (block.gather @ residual).reshape(own.size, -1, TRAIT.size)
            scores = np.zeros((own.size, size))
            for k, trait in enumerate(TRAIT):
                own_slopes = given_trait[:, :, k]
                one = np.hstack([own_slopes, trait * own_slopes[:, :m]])
                weighted = posterior[:, k, None] * one
                scores += weighted
                curvature += one.T @ weighted
            curvature -= scores.T @ scores
            slope += scores.sum(axis=0)
        for i, j in self.pairs:
            f, g = self.fixed[:, i], self.tilted[:, i]
            s, u = self.fixed[:, j], self.tilted[:, j]
            added = f * s * moments[0] + (f * u + g * s) * moments[1] + g * u * moments[2]
            place = self.column[:, i] * size + self.column[:, j]
            curvature -= np.bincount(place, added, size * size).reshape(size, size)
        curvature -= np.diag(self.precision)
        return _Found(
            value - float((self.precision * point**2).sum() / 2),
            slope - self.precision * point,
            curvature,
        )

    def prompts_at(self, point: Floats) -> tuple[sparse.csr_array, Floats]:
        """What each prompt adds to the slope, and what is known of its trait."""
        met, m = self.met, self.met.n_systems
        scores = []
        posteriors = np.zeros((met.n_prompts, TRAIT.size))
        for block in self.blocks:
            own, posterior, residual = self._given(point, block)
            weighted = residual * posterior[self._local(block)]
            by_row = np.column_stack([weighted.sum(axis=1), weighted @ TRAIT])
            summed = (block.gather @ by_row).reshape(own.size, -1, 2)
            both = np.hstack([summed[:, :, 0], summed[:, :m, 1]])
            scores.append(sparse.csr_array(both))
            posteriors[block.prompts] = posterior
        return sparse.csr_array(sparse.vstack(scores)), posteriors

    def residual(self, point: Floats, block: _Block) -> Floats:
        """Points less their chance at each trait, shape (rows, grid)."""
        score = self.met.score[block.rows, None]
        return np.asarray(score - expit(self._predictor(point, block.rows)))

    def summed(self, values: Floats) -> Floats:
        """Sum over rows of their slopes by theta and phi, each times the row's value."""
        out = np.zeros(2 * self.met.n_systems + 1)
        for block in self.blocks:
            by_prompt = (block.gather @ values[block.rows]).reshape(-1, out.size)
            out += by_prompt.sum(axis=0)
        return out

    def _given(self, point: Floats, block: _Block) -> tuple[Floats, Floats, Floats]:
        """Log-likelihood of each prompt, posterior of its trait, and residuals of its rows."""
        predictor = self._predictor(point, block.rows)
        score = self.met.score[block.rows, None]
        said = score * log_expit(predictor) + (1 - score) * log_expit(-predictor)
        local = self._local(block)
        joint = np.array([np.bincount(local, column) for column in said.T]).T + _PRIOR
        own = logsumexp(joint, axis=1)
        return own, np.exp(joint - own[:, None]), score - expit(predictor)

    def _local(self, block: _Block) -> Integers:
        """Prompts of the block's rows, counted from its first."""
        return np.asarray(self.met.prompt[block.rows] - block.prompts.start)

    def _predictor(self, point: Floats, rows: slice) -> Floats:
        held = point[self.column[rows]]
        level = (self.fixed[rows] * held).sum(axis=1)
        tilt = (self.tilted[rows] * held).sum(axis=1)
        return np.asarray(level[:, None] + tilt[:, None] * TRAIT)


def _climb(model: _Model, point: Floats, free: NDArray[np.bool_]) -> tuple[Floats, bool]:
    """To the top from here, in the free parameters; whether it was reached."""
    here, damping = model.at(point), 0.0
    for _ in range(_STEPS):
        step = np.zeros_like(point)
        bowl = -here.curvature[np.ix_(free, free)] + damping * np.eye(int(free.sum()))
        try:
            np.linalg.cholesky(bowl)
            step[free] = np.linalg.solve(bowl, here.slope[free])
        except np.linalg.LinAlgError:
            damping = max(1.0, 4 * damping)
            continue
        # A long step leaves where the curvature tells the truth.
        step /= max(1.0, float(np.abs(step).max()) / 2)
        there = model.at(point + step)
        if there.value < here.value - 1e-9 * abs(here.value):
            damping = max(1.0, 4 * damping)
            continue
        point, here = point + step, there
        if float(np.abs(step).max()) < _TOLERANCE and damping < 1e-3:
            return point, True
        damping = damping / 4 if damping > 1e-3 else 0.0
    return point, False
