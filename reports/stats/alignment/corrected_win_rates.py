"""Win rates of the systems from many judgments and few votes, corrected for the judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.powered_strengths import PoweredRows, powered_strengths
from reports.stats.alignment.prediction_powered import prediction_powered_mean
from reports.stats.alignment.resampling import prompt_bootstrap, sums_by_prompt, without_interval
from reports.stats.alignment.rogan_gladen import (
    WEAKEST_JUDGE,
    closest_shares,
    discrimination,
    rogan_gladen,
)
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE

__all__ = ["CorrectedWinRate", "corrected_win_rates"]

# Outcome of a system by verdict code: win, tie, loss; both-bad counts as a tie.
_OUTCOME_A = np.array([0, 1, 2, 1])
_OUTCOMES = 3
# What a judge can say: an outcome, or nothing. Silence is an answer of its own here, since it may
# depend on who wins; a tie it is not.
_SILENT = 3
_ANSWERS = 4
_POINTS = np.array([1.0, 0.5, 0.0])


@dataclass(frozen=True, slots=True)
class CorrectedWinRate:
    """Win rate of one system, ties as half.

    Attributes
    ----------
    system : int
    n_labelled, n_unlabelled : int
        The comparisons that the judge was asked about, with and without votes.
    judge : float or None
        What the judge says on those that it answered, uncorrected.
    rogan_gladen : Estimate
        The judge's rate on unlabelled comparisons, corrected for its errors against the
        majority on the labelled ones; `n` counts unlabelled comparisons.
    prediction_powered : Estimate
        PPI++; `n` counts labelled prompts, or comparisons where prompts are labelled in part.
    strength : Estimate
        The same for its Bradley-Terry strength; `n` counts labelled comparisons.
    """

    system: int
    n_labelled: int
    n_unlabelled: int
    judge: float | None
    rogan_gladen: Estimate
    prediction_powered: Estimate
    strength: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            "system": self.system,
            "n_labelled": self.n_labelled,
            "n_unlabelled": self.n_unlabelled,
            "judge": self.judge,
            "rogan_gladen": self.rogan_gladen.as_dict(),
            "prediction_powered": self.prediction_powered.as_dict(),
            "strength": self.strength.as_dict(),
        }


def corrected_win_rates(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    random_sample: bool,
    seed: int,
    asked: NDArray[np.bool_] | None = None,
    level: float = 0.95,
) -> tuple[CorrectedWinRate, ...]:
    """Corrected win rates of every system with a judged comparison, by system code.

    Parameters
    ----------
    asked : bool array of shape (comparisons,), optional
        Comparisons that the judge was asked about; by default those that it answered. Where it
        said nothing the corrections take that for an answer of its own, so that a judge who is
        silent more often where one side wins bends neither of them.
    random_sample : bool
        Whether the labelled comparisons are a seeded random draw of all. If they are not, both
        corrections can be confidently wrong, and are None with `not_random_sample`.
    """
    answered = judge.category != MISSING
    judged = answered if asked is None else answered | asked
    with_votes = humans.labelled
    strengths = _strengths(judge, humans, comparisons, judged, random_sample, level)
    out = []
    for system in range(comparisons.n_systems):
        first = comparisons.system_a == system
        row = np.flatnonzero((first | (comparisons.system_b == system)) & judged)
        if not answered[row].any():
            continue
        labelled = with_votes[row]
        own = judge.category[row]
        outcome = np.where(first[row], _OUTCOME_A[own], 2 - _OUTCOME_A[own])
        outcome = np.where(answered[row], outcome, _SILENT)
        n_labelled = int(np.count_nonzero(labelled))
        if random_sample:
            truth = humans.majority[row]
            known = truth != MISSING
            seen = np.where(first[row], _OUTCOME_A[truth], 2 - _OUTCOME_A[truth])
            corrected = _rogan_gladen(
                np.where(known, seen, MISSING),
                outcome,
                labelled,
                comparisons.prompt[row],
                seed=seed,
                name=f"rogan_gladen_{system}",
                level=level,
            )
            powered = _powered(judge, humans, comparisons, row, first[row], labelled, level)
        else:
            n_rest = int(row.size) - n_labelled
            corrected, powered = (
                _unknown("rogan_gladen", n_rest),
                _unknown("ppi_plus_plus", n_labelled),
            )
        out.append(
            CorrectedWinRate(
                system=system,
                n_labelled=n_labelled,
                n_unlabelled=int(row.size) - n_labelled,
                judge=float(_POINTS[outcome[answered[row]]].mean()),
                rogan_gladen=corrected,
                prediction_powered=powered,
                strength=strengths[system],
            )
        )
    return tuple(out)


def _rogan_gladen(
    truth: Integers,
    outcome: Integers,
    labelled: NDArray[np.bool_],
    prompt: Integers,
    *,
    seed: int,
    name: str,
    level: float,
) -> Estimate:
    """Two classes by formula where nobody ties, three classes with a bootstrap otherwise."""
    method = "rogan_gladen_three_classes"
    known = labelled & (truth != MISSING)
    rest = ~labelled
    n = int(np.count_nonzero(rest))
    if n == 0:
        reason = "every judged comparison has votes: there is nothing to correct"
        return undefined(method, 0, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    cells_of_table = _OUTCOMES * _ANSWERS
    joint = np.bincount(truth[known] * _ANSWERS + outcome[known], minlength=cells_of_table)
    table = joint.reshape(_OUTCOMES, _ANSWERS)
    rate = np.bincount(outcome[rest], minlength=_ANSWERS)
    classes = table.sum(axis=1)
    if np.count_nonzero(classes) < 2:
        reason = "the votes hold fewer than two outcomes"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)
    ties, silence = table[1].sum() + table[:, 1].sum() + rate[1], table[:, _SILENT].sum()
    if ties + silence + rate[_SILENT] == 0:
        return rogan_gladen(
            float(rate[0] / n),
            float(table[2, 2] / classes[2]),
            float(table[0, 0] / classes[0]),
            n=n,
            negatives=int(classes[2]),
            positives=int(classes[0]),
            level=level,
        )
    present = classes > 0
    if discrimination(table[present] / classes[present, None]) <= WEAKEST_JUDGE:
        reason = "the judge hardly tells the outcomes apart"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)

    def statistic(totals: Floats) -> Floats:
        tables = totals[:, :cells_of_table].reshape(-1, _OUTCOMES, _ANSWERS)
        size = tables.sum(axis=2)
        confusion = tables / np.maximum(size, 1)[:, :, None]
        rates = totals[:, cells_of_table:]
        number = rates.sum(axis=1)
        shares = closest_shares(confusion, rates / np.maximum(number, 1)[:, None], size > 0)
        return np.where(number > 0, shares @ _POINTS, np.nan)

    cells = np.zeros((truth.size, cells_of_table + _ANSWERS))
    position = np.flatnonzero(known)
    cells[position, truth[known] * _ANSWERS + outcome[known]] = 1
    cells[np.flatnonzero(rest), cells_of_table + outcome[rest]] = 1
    sums = sums_by_prompt(prompt, cells)
    estimate = float(statistic(sums.sum(axis=0)[None])[0])
    low, high = prompt_bootstrap(sums, statistic, seed=seed, method=name, level=level)
    return Estimate(
        estimate,
        None if low is None else min(low, estimate),
        None if high is None else max(high, estimate),
        method,
        n,
        n_clusters={"prompts": int(sums.shape[0])},
        level=None if low is None else level,
        seed=seed,
        warnings=() if low is not None else (without_interval(int(sums.shape[0])),),
        details={
            "judge_rate": float(rate[:_OUTCOMES] @ _POINTS / max(int(rate[:_OUTCOMES].sum()), 1))
        },
    )


def _unknown(method: str, n: int) -> Estimate:
    reason = "the labelled comparisons are not a random draw of all"
    return undefined(method, n, WarningCode.NOT_RANDOM_SAMPLE, reason=reason)


def _strengths(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    judged: NDArray[np.bool_],
    random_sample: bool,
    level: float,
) -> tuple[Estimate, ...]:
    row = np.flatnonzero(judged)
    if not random_sample or not row.size:
        with_votes = judged & humans.labelled
        sides = np.concatenate([comparisons.system_a[with_votes], comparisons.system_b[with_votes]])
        counts = np.bincount(sides, minlength=comparisons.n_systems)
        return tuple(_unknown("bt_powered", n) for n in counts.tolist())
    counts = humans.counts[row]
    return powered_strengths(
        PoweredRows(
            comparisons.system_a[row],
            comparisons.system_b[row],
            comparisons.prompt[row],
            humans.labelled[row],
            counts @ VERDICT_SCORE / np.maximum(counts.sum(axis=1), 1),
            (1 + np.nan_to_num(judge.score[row])) / 2,
        ),
        comparisons.n_systems,
        level=level,
    )


def _powered(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    row: Integers,
    first: NDArray[np.bool_],
    labelled: NDArray[np.bool_],
    level: float,
) -> Estimate:
    """PPI++ on prompt means; on comparisons clustered by prompt where a prompt has both kinds."""
    counts = humans.counts[row]
    score_a = counts @ VERDICT_SCORE / np.maximum(counts.sum(axis=1), 1)
    y = np.where(first, score_a, 1 - score_a)
    # Any fixed number serves where the judge was silent: people's votes make up for it.
    said = (1 + np.nan_to_num(judge.score[row])) / 2
    f = np.where(first, said, 1 - said)
    prompt = comparisons.prompt[row]
    inside, outside = prompt[labelled], prompt[~labelled]
    if np.intersect1d(inside, outside).size:
        return prediction_powered_mean(
            y[labelled], f[labelled], f[~labelled], clusters=(inside, outside), level=level
        )
    return prediction_powered_mean(
        _means(inside, y[labelled]),
        _means(inside, f[labelled]),
        _means(outside, f[~labelled]),
        level=level,
    )


def _means(prompt: Integers, values: Floats) -> Floats:
    sums = sums_by_prompt(prompt, np.column_stack([values, np.ones(values.size)]))
    return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)
