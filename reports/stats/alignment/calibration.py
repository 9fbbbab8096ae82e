"""Is a judge right more often where it is surer?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.alignment.folds import prompt_folds
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Judgments, Reconciled
from reports.stats.alignment.resampling import bootstrapped, prompt_bootstrap, sums_by_prompt
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, WarningCode, undefined

__all__ = ["Calibration", "calibration", "stated_confidence"]

BINS = 10
# Confidences are taken to the nearest hundredth: finer differences mean nothing.
_STEPS = 100
_FEWEST = 30


@dataclass(frozen=True, slots=True)
class Calibration:
    """Confidence against being right, being right meaning to say what most people say.

    Attributes
    ----------
    error : Estimate
        Expected calibration error: mean distance of confidence and accuracy over bins of equal
        mass. ``details``: `bins`.
    brier : Estimate
        Mean squared distance of confidence and being right.
    auroc : Estimate
        Chance that the surer of a right and a wrong answer is the right one; .5 says that its
        confidence tells nothing.
    mapped_brier : Estimate
        Brier score after an isotonic map that was fitted on other prompts.
    coverage : tuple of mapping
        For each confidence from the highest: the share of comparisons at or above it
        (`coverage`), how many of these are right (`accuracy`), to accept these and send the rest
        to people.
    """

    error: Estimate
    brier: Estimate
    auroc: Estimate
    mapped_brier: Estimate
    coverage: tuple[dict[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "error": self.error.as_dict(),
            "brier": self.brier.as_dict(),
            "auroc": self.auroc.as_dict(),
            "mapped_brier": self.mapped_brier.as_dict(),
            "coverage": [dict(step) for step in self.coverage],
        }


def stated_confidence(judgments: Judgments, comparisons: int) -> Floats:
    """Mean of the confidences that the judge stated over its calls of a comparison, NaN without."""
    said = judgments.confidence
    row = judgments.parsed & ~np.isnan(said)
    number = np.bincount(judgments.comparison[row], minlength=comparisons)
    total = np.bincount(judgments.comparison[row], said[row], minlength=comparisons)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def calibration(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    confidence: Floats,
    *,
    seed: int,
    level: float = 0.95,
    name: str = "score",
) -> Calibration:
    """Hold a confidence against whether the judge says what most people say.

    Parameters
    ----------
    confidence : float array of shape (comparisons,)
        In [0, 1]; NaN where there is none, which leaves the comparison out.
    name : str
        Of the confidence; part of the methods' names.

    Returns
    -------
    Calibration
        Intervals are bootstraps over prompts. None with `too_few_prompts` below 30 comparisons;
        `auroc` with `degenerate_scale` where all answers are right, or all wrong.
    """
    used = (judge.category != MISSING) & (humans.majority != MISSING) & ~np.isnan(confidence)
    n = int(used.sum())
    names = {key: f"{name}_{key}" for key in ("error", "brier", "auroc", "mapped_brier")}
    if n < _FEWEST:
        code = WarningCode.TOO_FEW_PROMPTS if n else WarningCode.NO_VOTES
        reason = f"fewer than {_FEWEST} comparisons with a confidence and a majority"
        none = {key: undefined(names[key], n, code, reason=reason) for key in names}
        return Calibration(**none, coverage=())
    hit = (judge.category == humans.majority)[used].astype(np.float64)
    level_of = np.rint(np.clip(confidence[used], 0, 1) * _STEPS).astype(np.int64)
    value, code_of = np.unique(level_of, return_inverse=True)
    code_of = code_of.reshape(-1)
    values = value / _STEPS
    prompt = comparisons.prompt[used]
    bins = _bins(code_of, value.size)
    context = _Context(prompt, seed, level)
    return Calibration(
        error=_error(names["error"], hit, values[code_of], bins[code_of], context),
        brier=context.mean(names["brier"], (values[code_of] - hit) ** 2),
        auroc=_auroc(names["auroc"], hit, code_of, value.size, context),
        mapped_brier=context.mean(
            names["mapped_brier"], (_mapped(code_of, value.size, hit, prompt, seed) - hit) ** 2
        ),
        coverage=_coverage(values, code_of, hit),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Context:
    prompt: Integers
    seed: int
    level: float

    def figure(self, method: str, columns: Floats, statistic: Any, **details: Any) -> Estimate:
        sums = sums_by_prompt(self.prompt, columns)
        estimate = float(statistic(sums.sum(axis=0)[None])[0])
        return bootstrapped(
            estimate,
            prompt_bootstrap(sums, statistic, seed=self.seed, method=method, level=self.level),
            method=method,
            n=int(columns.shape[0]),
            prompts=int(sums.shape[0]),
            seed=self.seed,
            level=self.level,
            **details,
        )

    def mean(self, method: str, values: Floats) -> Estimate:
        columns = np.column_stack([values, np.ones(values.size)])
        return self.figure(method, columns, lambda totals: totals[:, 0] / totals[:, 1])


def _bins(code: Integers, levels: int) -> Integers:
    """The bin of each level: of equal mass, as far as equal confidences stay together."""
    mass = np.bincount(code, minlength=levels)
    middle = np.cumsum(mass) - mass / 2
    bins: Integers = np.minimum((middle / mass.sum() * BINS).astype(np.int64), BINS - 1)
    return bins


def _error(
    method: str, hit: Floats, confidence: Floats, bins: Integers, context: _Context
) -> Estimate:
    occurring, place = np.unique(bins, return_inverse=True)
    size = occurring.size
    columns = np.zeros((hit.size, 3 * size))
    row = np.arange(hit.size)
    for part, values in enumerate((np.ones(hit.size), hit, confidence)):
        columns[row, part * size + place.reshape(-1)] = values

    def statistic(totals: Floats) -> Floats:
        n, right, sure = (totals[:, part * size : (part + 1) * size] for part in range(3))
        return np.asarray(np.abs(right - sure).sum(axis=1) / n.sum(axis=1), dtype=np.float64)

    n, right, sure = (columns[:, part * size : (part + 1) * size].sum(axis=0) for part in range(3))
    shown = [
        {"n": int(count), "confidence": float(c / count), "accuracy": float(r / count)}
        for count, r, c in zip(n.tolist(), right.tolist(), sure.tolist(), strict=True)
    ]
    return context.figure(method, columns, statistic, bins=shown)


def _auroc(method: str, hit: Floats, code: Integers, levels: int, context: _Context) -> Estimate:
    if hit.all() or not hit.any():
        reason = "all answers are right" if hit.all() else "all answers are wrong"
        return undefined(method, int(hit.size), WarningCode.DEGENERATE_SCALE, reason=reason)
    columns = np.zeros((hit.size, 2 * levels))
    columns[np.arange(hit.size), np.where(hit > 0, 0, levels) + code] = 1

    def statistic(totals: Floats) -> Floats:
        right, wrong = totals[:, :levels], totals[:, levels:]
        below = np.cumsum(wrong, axis=1) - wrong / 2
        pairs = right.sum(axis=1) * wrong.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (right * below).sum(axis=1) / pairs
        return np.asarray(np.where(pairs > 0, share, np.nan), dtype=np.float64)

    return context.figure(method, columns, statistic)


def _folds(code: Integers, levels: int, hit: Floats, prompt: Integers, seed: int) -> Integers:
    """A fold for each row: prompts are told apart by how sure and how right the judge is there."""
    columns = np.zeros((hit.size, 2 * levels))
    columns[np.arange(hit.size), code + levels * (hit > 0)] = 1
    return prompt_folds(prompt, columns, seed=seed, stream="calibration_folds")


def _mapped(code: Integers, levels: int, hit: Floats, prompt: Integers, seed: int) -> Floats:
    """Chance of being right from the confidence, by an isotonic map of the other folds."""
    # Imported here: every cold analysis would wait a tenth of a second for what few need.
    from scipy.optimize import isotonic_regression

    fold_of = _folds(code, levels, hit, prompt, seed)
    out = np.empty(hit.size)
    for fold in np.unique(fold_of).tolist():
        train = fold_of != fold
        if not train.any():
            train = np.ones(hit.size, dtype=np.bool_)
        mass = np.bincount(code[train], minlength=levels)
        right = np.bincount(code[train], hit[train], minlength=levels)
        seen = np.flatnonzero(mass)
        fitted = isotonic_regression(right[seen] / mass[seen], weights=mass[seen]).x
        whole = np.interp(np.arange(levels), seen, fitted)
        out[fold_of == fold] = whole[code[fold_of == fold]]
    return out


def _coverage(values: Floats, code: Integers, hit: Floats) -> tuple[dict[str, float], ...]:
    mass = np.bincount(code, minlength=values.size)[::-1]
    right = np.bincount(code, hit, minlength=values.size)[::-1]
    kept, correct = np.cumsum(mass), np.cumsum(right)
    return tuple(
        {"at_least": float(c), "coverage": float(k / hit.size), "accuracy": float(r / k)}
        for c, k, r in zip(values[::-1].tolist(), kept.tolist(), correct.tolist(), strict=True)
    )
