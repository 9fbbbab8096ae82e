"""Several judges averaged: what the panel adds to its best member, and how many it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.against_humans import agreement_with_votes
from reports.stats.alignment.gates import gated
from reports.stats.alignment.humans import Humans, human_labels
from reports.stats.alignment.judgments import (
    MISSING,
    TOLERANCE,
    Comparisons,
    Judgments,
    Reconciled,
    categories,
    reconcile,
)
from reports.stats.alignment.panel_spread import Make, mean_spread, spread_between
from reports.stats.alignment.panel_weights import fitted_weights
from reports.stats.alignment.resampling import bootstrapped, prompt_bootstrap, sums_by_prompt
from reports.stats.ratings import Floats, Integers
from reports.stats.results import Estimate, VerdictCode, WarningCode, undefined
from reports.stats.votes import VERDICT_SCORE, Votes

__all__ = ["Make", "Panel", "averaged", "panel", "plurality"]

# Divides nothing by nothing.
_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel beside its members.

    Attributes
    ----------
    members : tuple of int
        Places in the sequence of judges.
    n : int
        Comparisons with votes and a judgment of at least one member.
    agreement : Estimate
        Of the averaged panel with single votes (S1).
    plurality : Estimate
        The same where members vote and an undecided vote is inconsistent: what averaging replaces.
    best : int or None
        The member that agrees with the most votes where it judged; chosen on the same votes.
    gain : Estimate
        Agreement of the panel less that of `best`, on the votes that both can be held to.
    effective_judges : Estimate
        K / (1 + (K-1) r), r the mean correlation of the members' errors; between 1 and K where
        errors go together. ``details``: `correlation`, and `by_agreement`, the same from the
        correlation of s·h, on which what all share with people does not weigh.
    weighted : Estimate
        Agreement of the panel in which each member weighs max(0, kappa), fitted on other prompts
        than those it is reported of. ``details``: `weights`, the mean weight of each member, in
        their order; they add up to 1.
    spread : float or None
        Standard deviation of the members' scores on a comparison, averaged over comparisons.
    spread_templates, spread_models : float or None
        The same between the templates of one language model, and between the language models of
        one template; None where no two members differ in just that.
    """

    members: tuple[int, ...]
    n: int
    agreement: Estimate
    plurality: Estimate
    best: int | None
    gain: Estimate
    effective_judges: Estimate
    weighted: Estimate
    spread: float | None
    spread_templates: float | None
    spread_models: float | None

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the judges' names."""
        return {
            "n": self.n,
            "agreement": self.agreement.as_dict(),
            "plurality": self.plurality.as_dict(),
            "gain": self.gain.as_dict(),
            "effective_judges": self.effective_judges.as_dict(),
            "weighted": self.weighted.as_dict(),
            "spread": self.spread,
            "spread_templates": self.spread_templates,
            "spread_models": self.spread_models,
        }


def averaged(
    members: Sequence[Reconciled],
    *,
    weights: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> Reconciled:
    """One judge from several: the mean score of those that gave a verdict.

    Parameters
    ----------
    members : sequence of Reconciled
        At least one, of the same comparisons.
    weights : float array of shape (members, comparisons), optional
        Not negative; by default all 1. Where all that spoke weigh nothing, they count alike.
    tolerance : float
        Mean scores within it of 0 are ties.
    """
    scores = np.array([member.score for member in members])
    said = np.array([member.category for member in members])
    parsed = said != MISSING
    number = parsed.sum(axis=0)
    weight = parsed.astype(np.float64) if weights is None else np.where(parsed, weights, 0.0)
    weight = np.where(weight.sum(axis=0) > 0, weight, parsed)
    mean = (weight * np.nan_to_num(scores)).sum(axis=0) / np.maximum(weight.sum(axis=0), _LEAST)
    # Who weighs nothing has no say in this either.
    all_bad = (number > 0) & ((said == VerdictCode.BOTH_BAD) | (weight <= 0)).all(axis=0)
    category = categories(mean, number > 0, all_bad, tolerance)
    nothing = np.full((2, category.size), MISSING, dtype=np.int64)
    return Reconciled(
        category=category,
        score=np.where(number > 0, mean, np.nan),
        strict=category,
        by_order=nothing,
        two_orders=False,
        one_order=False,
        half=0,
        stability=None,
    )


def plurality(members: Sequence[Reconciled]) -> Integers:
    """The verdict that more than half of all members give, MISSING where none is.

    A member's verdict is its strict one: orders that disagree are no verdict.
    """
    said = np.array([member.strict for member in members])
    counts = np.array([(said == code).sum(axis=0) for code in VerdictCode])
    most = counts.max(axis=0)
    return np.where(2 * most > len(members), counts.argmax(axis=0), MISSING)


def panel(
    comparisons: Comparisons,
    votes: Votes,
    judges: Sequence[Judgments],
    members: Sequence[int],
    *,
    seed: int,
    makes: Sequence[Make] | None = None,
    tolerance: float = TOLERANCE,
    level: float = 0.95,
) -> Panel:
    """Average some of the judges, all with weight 1; beside it with weights from their agreement.

    Parameters
    ----------
    comparisons : Comparisons
    votes : Votes
        Counted votes of one criterion.
    judges : sequence of Judgments
    members : sequence of int
        Places in `judges`, at least two.
    seed : int
        Of the study.
    makes : sequence of Make, optional
        What each of `judges` is made of; without it nothing is known of templates and models.

    Returns
    -------
    Panel
        Below 30 labelled comparisons the figures are None with `too_few_prompts`, below 100 they
        are provisional (`few_prompts`).
    """
    single = [reconcile(judges[place], comparisons.n, tolerance=tolerance) for place in members]
    bad = any(judges[place].says_both_bad for place in members)
    humans = human_labels(votes, comparisons, says_both_bad=bad)
    whole = averaged(single, tolerance=tolerance)
    n = int(np.count_nonzero(humans.labelled & (whole.category != MISSING)))
    agreement = agreement_with_votes(whole, humans, comparisons, level=level)
    common = plurality(single)
    voted = replace(
        whole,
        category=np.where((common == MISSING) & (whole.category != MISSING), UNDECIDED, common),
    )
    by_vote = agreement_with_votes(voted, humans, comparisons, level=level)
    best, gain = _gain(single, whole, humans, comparisons, seed, level)
    shown = [
        gated(figure, n)
        for figure in (
            replace(agreement, method="panel_agreement", details={}),
            replace(by_vote, method="panel_plurality", details={}),
            gain,
            _effective(single, humans, comparisons, seed, level),
            _weighted(single, humans, comparisons, seed, tolerance, level),
        )
    ]
    scores = np.array([member.score for member in single])
    made = [Make() if makes is None else makes[place] for place in members]
    templates, models = [one.template for one in made], [one.model for one in made]
    return Panel(
        members=tuple(members),
        n=n,
        agreement=shown[0],
        plurality=shown[1],
        best=None if best is None else members[best],
        gain=shown[2],
        effective_judges=shown[3],
        weighted=shown[4],
        spread=mean_spread(scores),
        spread_templates=spread_between(scores, models, templates),
        spread_models=spread_between(scores, templates, models),
    )


def _weighted(
    single: Sequence[Reconciled],
    humans: Humans,
    comparisons: Comparisons,
    seed: int,
    tolerance: float,
    level: float,
) -> Estimate:
    weights = fitted_weights(single, humans, comparisons, seed=seed)
    whole = averaged(single, weights=weights, tolerance=tolerance)
    agreement = agreement_with_votes(whole, humans, comparisons, level=level)
    share = (weights / weights.sum(axis=0)).mean(axis=1) if comparisons.n else weights.sum(axis=1)
    details = {"weights": share.tolist()}
    return replace(agreement, method="panel_weighted", details=details)


UNDECIDED = len(VerdictCode)
"""A category that no vote has."""


def _gain(
    single: Sequence[Reconciled],
    whole: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    seed: int,
    level: float,
) -> tuple[int | None, Estimate]:
    method = "panel_gain"
    item, verdict = humans.ratings.item, humans.ratings.category
    right: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = [
        ((judge.category != MISSING)[item], judge.category[item] == verdict) for judge in single
    ]
    shares = [float(hit[held].mean()) if held.any() else -1.0 for held, hit in right]
    best = int(np.argmax(shares))
    if shares[best] < 0:
        return None, undefined(method, 0, WarningCode.NO_VOTES)
    held, hit = right[best]
    row = held & (whole.category != MISSING)[item]
    difference = (whole.category[item] == verdict)[row].astype(np.float64) - hit[row]
    sums = sums_by_prompt(
        comparisons.prompt[item[row]], np.column_stack([difference, np.ones(difference.size)])
    )

    def statistic(totals: Floats) -> Floats:
        return np.asarray(totals[:, 0] / totals[:, 1], dtype=np.float64)

    return best, bootstrapped(
        float(difference.mean()),
        prompt_bootstrap(sums, statistic, seed=seed, method=method, level=level),
        method=f"{method}_prompt_bootstrap",
        n=int(difference.size),
        prompts=int(sums.shape[0]),
        seed=seed,
        level=level,
    )


def _mean_correlation(moments: Floats, judges: int) -> Floats:
    """Mean pairwise correlation from sums of 1, x_j and x_j x_k over complete rows."""
    n = moments[:, :1]
    mean = moments[:, 1 : judges + 1] / n
    products = moments[:, judges + 1 :].reshape(-1, judges, judges) / n[:, :, None]
    covariance = products - mean[:, :, None] * mean[:, None, :]
    deviation = np.sqrt(np.maximum(np.einsum("djj->dj", covariance), 0))
    scale = deviation[:, :, None] * deviation[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.where(scale > 1e-12, covariance / scale, np.nan)
    upper = np.triu_indices(judges, 1)
    return np.asarray(correlation[:, upper[0], upper[1]].mean(axis=1), dtype=np.float64)


def _effective(
    single: Sequence[Reconciled],
    humans: Humans,
    comparisons: Comparisons,
    seed: int,
    level: float,
) -> Estimate:
    method = "effective_judges"
    judges = len(single)
    number = humans.counts.sum(axis=1)
    said = np.array([judge.score for judge in single])
    row = (number > 0) & ~np.isnan(said).any(axis=0)
    n = int(row.sum())
    if n < 2:
        return undefined(
            method, n, WarningCode.NO_VOTES, reason="no two comparisons that every member judged"
        )
    # From A's side, as the judges' scores are.
    h = 2 * (humans.counts[row] @ VERDICT_SCORE) / number[row] - 1

    def worth(values: Floats) -> tuple[float, float, float | None, float | None]:
        columns = np.column_stack(
            [
                np.ones(n),
                values,
                (values[:, :, None] * values[:, None, :]).reshape(n, -1),
            ]
        )
        sums = sums_by_prompt(comparisons.prompt[row], columns)

        def statistic(totals: Floats) -> Floats:
            r = _mean_correlation(totals, judges)
            # Errors that cancel are worth more judges than there are; no more is claimed.
            return np.asarray(judges / np.maximum(1 + (judges - 1) * r, 1.0), dtype=np.float64)

        total = sums.sum(axis=0)[None]
        low, high = prompt_bootstrap(sums, statistic, seed=seed, method=method, level=level)
        return float(_mean_correlation(total, judges)[0]), float(statistic(total)[0]), low, high

    correlation, k, low, high = worth((said[:, row] - h).T)
    by_agreement, k_agreement, _, _ = worth((said[:, row] * h).T)
    if not np.isfinite(k):
        reason = "a member errs alike on every comparison, so that nothing goes together"
        return undefined(method, n, WarningCode.DEGENERATE_SCALE, reason=reason)
    return bootstrapped(
        k,
        (low, high),
        method=f"{method}_prompt_bootstrap",
        n=n,
        prompts=int(np.unique(comparisons.prompt[row]).size),
        seed=seed,
        level=level,
        correlation=correlation,
        by_agreement=k_agreement if np.isfinite(k_agreement) else None,
        correlation_of_agreement=by_agreement if np.isfinite(by_agreement) else None,
    )
