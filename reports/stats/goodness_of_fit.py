"""Does one Strength a system describe the votes?

X² compares the votes of each pair with what the model expects. No misfit in a small study means
little: at 2,000 votes among ten systems a planted cycle of .4 logits is found one time in ten.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import chdtrc, xlogy

from reports.stats.bradley_terry import MAX_STEP
from reports.stats.davidson import tie_outcomes
from reports.stats.newton import block_gauge
from reports.stats.outcome_fit import OutcomeFit, PairCounts, fit_outcomes
from reports.stats.outcome_models import CumulativeLink, Davidson, OutcomeModel, Outcomes
from reports.stats.results import WarningCode, generator
from reports.stats.votes import BothBadPolicy, FloatArray, Votes

__all__ = ["DRAWS", "DescribingFit", "FitTest", "describing_fit", "fit_test"]

DRAWS = 500
"""Simulated studies for the null distribution: a p-value of .05 is then known to ± .01."""

SMALL_EXPECTED = 5.0
SPARSE_SHARE = 0.2
"""Cochran's rule: with more than a fifth of the cells expected below 5, X² is no longer
chi-squared."""

SIMULATED_SYSTEMS = 10
"""With more systems the null distribution is simulated only when asked for: the time grows with
their square, and is a tenth of a second here."""

SCORING_STEPS = 8
"""Steps of a simulated study's fit: from the truth four reach ten digits, and a separated study
has come so far that its cells count for nothing."""

SETTLED = 1e-7
"""A step below this moves no X² by what the eye could see."""

BLOCK_ENTRIES = 1 << 18
"""Entries of the tables of simulated studies held at once (2 MB each)."""

DRIFT = 1e-6
"""Precision of the prior that keeps a separated simulated study finite; it moves no chance by
more than a millionth."""


@dataclass(frozen=True, slots=True)
class FitTest:
    """Pearson's X² of all pairs.

    Attributes
    ----------
    model : str or None
        ``"davidson"`` with ties, ``"bradley_terry"`` without; None where nothing was tested.
    x2, deviance : float or None
    df : int
        Free cells minus parameters; 0 where the model cannot be wrong.
    p_value : float or None
    p_method : str or None
        ``"chi_squared"`` or ``"simulated"``.
    sparse : float
        Share of cells expected below 5.
    n : int
        Votes.
    seed : int or None
    warnings : tuple of WarningCode
    """

    model: str | None
    x2: float | None
    deviance: float | None
    df: int
    p_value: float | None
    p_method: str | None
    sparse: float
    n: int
    seed: int | None
    warnings: tuple[WarningCode, ...]


@dataclass(frozen=True, slots=True)
class DescribingFit:
    """The fit that is put to the test.

    Attributes
    ----------
    name : str
        ``"davidson"`` with ties, ``"bradley_terry"`` without.
    fit : OutcomeFit
    pairs : PairCounts
        Votes counted as independent and with weight 1.
    """

    name: str
    fit: OutcomeFit
    pairs: PairCounts

    def chances(self) -> FloatArray:
        """Of each outcome of each pair, shape (C, pairs)."""
        strengths = self.fit.strengths
        difference = strengths[self.pairs.first] - strengths[self.pairs.second]
        return self.fit.model.outcomes(difference, self.fit.shape).chance

    def draw(self, random: np.random.Generator, draws: int) -> FloatArray:
        """Studies of the same size from the fit, shape (C, draws, pairs)."""
        chance = self.chances()
        chance /= chance.sum(axis=0)
        totals = np.rint(self.pairs.totals).astype(np.int64)
        counts = random.multinomial(totals, chance.T, size=(draws, totals.size))
        return np.moveaxis(counts, 2, 0).astype(np.float64)


def describing_fit(votes: Votes, *, both_bad: BothBadPolicy = "tie") -> DescribingFit | None:
    """Davidson's model or, without ties, Bradley-Terry; None where all votes are ties, or none.

    Parameters
    ----------
    votes : Votes
    both_bad : policy
    """
    used = replace(votes.counted("half", both_bad), weight=None)
    outcome = tie_outcomes(used)
    ties = int((outcome == 1).sum())
    if ties == used.n:
        return None
    model: OutcomeModel = Davidson() if ties else CumulativeLink(1, tie=False)
    name = "davidson" if ties else "bradley_terry"
    pairs = PairCounts.from_votes(used, outcome if ties else outcome // 2, model.n_outcomes)
    return DescribingFit(name, fit_outcomes(model, pairs), pairs)


def fit_test(
    votes: Votes,
    *,
    seed: int,
    both_bad: BothBadPolicy = "tie",
    draws: int | None = None,
) -> FitTest:
    """X² = Σ (O-E)²/E over pairs and outcomes, on Davidson's model or, without ties, on BT.

    Votes count as independent and with weight 1, as X² counts them.

    Parameters
    ----------
    votes : Votes
    seed : int
        The study's, for the simulated null distribution.
    both_bad : policy
    draws : int, optional
        Simulated studies; given, the p-value is simulated whatever it costs. Otherwise it is
        simulated where cells are sparse and the study is small enough.

    Returns
    -------
    FitTest
        Without a p-value where the fit is separated.
    """
    n = votes.counted("half", both_bad).n
    tested = describing_fit(votes, both_bad=both_bad)
    if tested is None:
        reason = WarningCode.DEGENERATE_SCALE if n else WarningCode.NO_VOTES
        return FitTest(None, None, None, 0, None, None, 0.0, n, None, (reason,))
    fit, pairs = tested.fit, tested.pairs
    cells = pairs.counts.size
    components = int(fit.component.max()) + 1
    parameters = fit.systems.size - components + fit.shape.size
    df = cells - pairs.first.size - parameters
    expected = tested.chances() * pairs.totals
    x2 = _pearson(pairs.counts, expected)
    sparse = float((expected < SMALL_EXPECTED).mean())
    warnings = [code for code in fit.warnings if code != WarningCode.DISCONNECTED]
    p_value: float | None = None
    p_method: str | None = None
    used_seed: int | None = None
    few = sparse > SPARSE_SHARE
    if few:
        warnings.append(WarningCode.SPARSE_CELLS)
    affordable = fit.systems.size <= SIMULATED_SYSTEMS
    if df <= 0:
        warnings.append(WarningCode.DEGENERATE_SCALE)
    elif fit.ridge:
        pass  # drawn together by a prior, the fit is not the one that X² is distributed for
    elif draws is not None or (few and affordable):
        count = DRAWS if draws is None else draws
        simulated = _simulated(tested, seed, count)
        hits = int((simulated >= x2 * (1 - 1e-9)).sum())
        p_value, p_method, used_seed = (1 + hits) / (1 + count), "simulated", seed
    elif not few:
        p_value, p_method = float(chdtrc(df, x2)), "chi_squared"
    return FitTest(
        tested.name,
        x2,
        _deviance(pairs.counts, expected),
        max(df, 0),
        p_value,
        p_method,
        sparse,
        n,
        used_seed,
        tuple(warnings),
    )


def _pearson(counts: FloatArray, expected: FloatArray) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def _deviance(counts: FloatArray, expected: FloatArray) -> float:
    return max(2 * float(xlogy(counts, counts / expected).sum()), 0.0)


def _simulated(tested: DescribingFit, seed: int, draws: int) -> FloatArray:
    """X² of studies drawn from the fit, each fitted again, shape (draws,)."""
    random = generator(seed, "goodness_of_fit")
    found = np.empty(draws)
    block = max(1, BLOCK_ENTRIES // max(tested.pairs.counts.size, tested.fit.information.size))
    for low in range(0, draws, block):
        high = min(low + block, draws)
        counts = tested.draw(random, high - low)
        found[low:high] = _refitted(tested.fit, tested.pairs, counts)
    return found


def _refitted(fit: OutcomeFit, pairs: PairCounts, counts: FloatArray) -> FloatArray:
    """X² of many tables at once, shape (draws,): `counts` has the shape (C, draws, pairs).

    Scoring from the parameters that the tables were drawn from, in step for all of them.
    """
    local = np.full(pairs.n_systems, -1, dtype=np.intp)
    local[fit.systems] = np.arange(fit.systems.size)
    first, second = local[pairs.first], local[pairs.second]
    m, k = fit.systems.size, fit.information.shape[0]
    incidence = np.zeros((first.size, m))
    incidence[np.arange(first.size), first] = 1
    incidence[np.arange(first.size), second] = -1
    draws = counts.shape[1]
    origin = np.concatenate([fit.strengths[fit.systems], fit.shape])
    point = np.tile(origin, (draws, 1))
    regular = block_gauge(fit.information, fit.component[fit.systems]) + DRIFT * np.eye(k)
    diagonal = np.arange(m)
    total = pairs.totals

    def outcomes() -> Outcomes:
        difference = point[:, first] - point[:, second]
        return fit.model.outcomes(difference, point[:, m:].T[:, :, None])

    for _ in range(SCORING_STEPS):
        here = outcomes()
        expected = here.chance * total
        gradient = np.empty((draws, k))
        gradient[:, :m] = (counts * here.by_difference).sum(axis=0) @ incidence
        weighted = expected * here.by_difference
        held = (weighted * here.by_difference).sum(axis=0)
        matrix = np.zeros((draws, k, k))
        matrix[:, first, second] = matrix[:, second, first] = -held
        matrix[:, diagonal, diagonal] = -matrix[:, :m, :m].sum(axis=2)
        for row, own in enumerate(here.by_shape, start=m):
            gradient[:, row] = (counts * own).sum(axis=(0, 2))
            cross = (weighted * own).sum(axis=0) @ incidence
            matrix[:, :m, row] = matrix[:, row, :m] = cross
            matrix[:, row, row] = (expected * own * own).sum(axis=(0, 2))
        gradient -= DRIFT * (point - origin)
        step = np.linalg.solve(matrix + regular, gradient[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        point += step * np.minimum(1.0, MAX_STEP / np.maximum(largest, MAX_STEP))
        if float(largest.max()) < SETTLED:
            break
    expected = outcomes().chance * total
    gap = (counts - expected) ** 2
    return np.asarray(np.divide(gap, expected, out=gap, where=expected > 0).sum(axis=(0, 2)))
