"""How often a judge says what people say: against single votes, and against their majority."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.clustered_kappa import clustered_kappa
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import INCONSISTENT, MISSING, Comparisons, Reconciled
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, VerdictCode, WarningCode

__all__ = [
    "agreement_no_ties",
    "agreement_with_majority",
    "agreement_with_votes",
    "constant_guess",
    "kappa_with_majority",
]

_CLASSES = len(VerdictCode) + 1  # the last one for missing, where it counts as a class


def _folded(humans: Humans) -> tuple[WarningCode, ...]:
    return (WarningCode.BOTH_BAD_FOLDED,) if humans.both_bad_folded else ()


def _decisive(verdict: Integers) -> NDArray[np.bool_]:
    return np.asarray((verdict == VerdictCode.A) | (verdict == VerdictCode.B))


def _kept(category: Integers, missing_as_class: bool) -> NDArray[np.bool_]:
    if missing_as_class:
        return np.ones(category.size, dtype=np.bool_)
    return np.asarray(category != MISSING)


def agreement_with_votes(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    missing_as_class: bool = False,
    level: float = 0.95,
) -> Estimate:
    """S1: share of (comparison, vote) pairs in which the judge's category is the verdict.

    ``details["strict"]`` is the same where disagreeing orders count as a tie instead of being
    averaged. With `missing_as_class` a comparison without a judgment counts as a miss, which
    reproduces published tables and is no figure of ours.
    """
    item, verdict = humans.ratings.item, humans.ratings.category
    row = _kept(judge.category, missing_as_class)[item]
    item, verdict = item[row], verdict[row]
    strict = np.where(judge.strict == INCONSISTENT, VerdictCode.TIE, judge.strict)
    details = {"strict": float(np.mean(strict[item] == verdict))} if item.size else {}
    figure = share_by_prompt(
        judge.category[item] == verdict,
        comparisons.prompt[item],
        method="agreement_with_votes",
        level=level,
        details=details,
    )
    return replace(figure, warnings=(*figure.warnings, *_folded(humans)))


def agreement_no_ties(
    judge: Reconciled, humans: Humans, comparisons: Comparisons, *, level: float = 0.95
) -> Estimate:
    """S2: the same share, only where both judge and vote prefer a side."""
    item, verdict = humans.ratings.item, humans.ratings.category
    decided = _decisive(verdict)
    row = decided & _decisive(judge.category)[item]
    strict = decided & _decisive(judge.strict)[item]
    details = (
        {"strict": float(np.mean(judge.strict[item[strict]] == verdict[strict]))}
        if np.any(strict)
        else {}
    )
    return share_by_prompt(
        judge.category[item[row]] == verdict[row],
        comparisons.prompt[item[row]],
        method="agreement_no_ties",
        level=level,
        details=details,
    )


def _against_majority(
    judge: Reconciled, humans: Humans, missing_as_class: bool
) -> NDArray[np.bool_]:
    return np.asarray((humans.majority != MISSING) & _kept(judge.category, missing_as_class))


def agreement_with_majority(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    missing_as_class: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Share of comparisons in which the judge says what most people said.

    ``details["draws"]`` counts judged comparisons without a single commonest verdict.
    """
    used = _against_majority(judge, humans, missing_as_class)
    draws = int(np.count_nonzero(humans.drawn & (judge.category != MISSING)))
    figure = share_by_prompt(
        judge.category[used] == humans.majority[used],
        comparisons.prompt[used],
        method="agreement_with_majority",
        level=level,
        details={"draws": draws},
    )
    return replace(figure, warnings=(*figure.warnings, *_folded(humans)))


def kappa_with_majority(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    *,
    seed: int,
    missing_as_class: bool = False,
    level: float = 0.95,
) -> Estimate:
    """Cohen's kappa between judge and majority; see
    :func:`~reports.stats.alignment.clustered_kappa.clustered_kappa`.
    """
    used = _against_majority(judge, humans, missing_as_class)
    said = judge.category[used]
    kappa = clustered_kappa(
        np.where(said == MISSING, _CLASSES - 1, said),
        humans.majority[used],
        comparisons.prompt[used],
        classes=_CLASSES,
        seed=seed,
        level=level,
    )
    return replace(kappa, warnings=(*kappa.warnings, *_folded(humans)))


def constant_guess(
    judge: Reconciled, humans: Humans, comparisons: Comparisons, *, level: float = 0.95
) -> Estimate:
    """Agreement with votes of the best constant answer, on the comparisons that were judged.

    ``details``: `answer`, and `majority`, its share against the majority.
    """
    item, verdict = humans.ratings.item, humans.ratings.category
    row = (judge.category != MISSING)[item]
    item, verdict = item[row], verdict[row]
    details = {}
    answer = 0
    if item.size:
        answer = int(np.bincount(verdict).argmax())
        used = _against_majority(judge, humans, missing_as_class=False)
        truth = np.bincount(humans.majority[used], minlength=1)
        details = {
            "answer": VerdictCode(answer).name.lower(),
            "majority": float(truth.max() / truth.sum()) if truth.sum() else None,
        }
    return share_by_prompt(
        verdict == answer,
        comparisons.prompt[item],
        method="constant_guess",
        level=level,
        details=details,
    )
