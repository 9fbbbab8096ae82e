"""How far one judge version can be trusted against the votes: the report's entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reports.stats.alignment.against_humans import (
    agreement_no_ties,
    agreement_with_majority,
    agreement_with_votes,
    constant_guess,
    kappa_with_majority,
)
from reports.stats.alignment.alt_test import ADVISED_RATERS, Expertise, alt_test
from reports.stats.alignment.ceiling import human_ceiling
from reports.stats.alignment.corrected_win_rates import CorrectedWinRate, corrected_win_rates
from reports.stats.alignment.humans import Draws, human_labels
from reports.stats.alignment.judgments import (
    MISSING,
    TOLERANCE,
    Comparisons,
    Judgments,
    reconcile,
)
from reports.stats.alignment.position import position_consistency
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.votes import Votes

__all__ = ["FEWEST_LABELLED", "SETTLED_LABELLED", "Alignment", "alignment"]

# Below this many labelled comparisons an interval spans nearly everything: counts only.
FEWEST_LABELLED = 30

# Below this many, figures are provisional and the alt-test gives no verdict.
SETTLED_LABELLED = 100


@dataclass(frozen=True, slots=True)
class Alignment:
    """Trust in one judge version.

    Attributes
    ----------
    n : int
        Comparisons with votes and a judge's category.
    asked, parsed, half : int
        Calls, calls with a verdict, and comparisons with only one of two orders parsed.
    missing : mapping of str to int
        Calls without a verdict, by cause.
    agreement, agreement_no_ties : Estimate
        With single votes (S1, S2).
    agreement_majority, cohen_kappa : Estimate
        With the majority of the votes.
    human_ceiling, constant_guess : Estimate
        What people reach among themselves, and what the best constant answer would.
    position_consistency, alt_test : Estimate
    corrected_win_rates : tuple of CorrectedWinRate
    warnings : tuple of WarningCode
        For the whole entry: `one_order`, `both_bad_folded`, `few_prompts` (provisional).
    """

    n: int
    asked: int
    parsed: int
    half: int
    missing: Mapping[str, int]
    agreement: Estimate
    agreement_no_ties: Estimate
    agreement_majority: Estimate
    cohen_kappa: Estimate
    human_ceiling: Estimate
    constant_guess: Estimate
    position_consistency: Estimate
    alt_test: Estimate
    corrected_win_rates: tuple[CorrectedWinRate, ...]
    warnings: tuple[WarningCode, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it; systems and raters are codes."""
        out: dict[str, Any] = {
            "n": self.n,
            "asked": self.asked,
            "parsed": self.parsed,
            "half": self.half,
            "missing": dict(self.missing),
        }
        for key in (
            "agreement",
            "agreement_no_ties",
            "agreement_majority",
            "cohen_kappa",
            "human_ceiling",
            "constant_guess",
            "position_consistency",
            "alt_test",
        ):
            out[key] = getattr(self, key).as_dict()
        out["corrected_win_rates"] = [rate.as_dict() for rate in self.corrected_win_rates]
        out["warnings"] = [str(code) for code in self.warnings]
        return out


def alignment(
    comparisons: Comparisons,
    votes: Votes,
    judgments: Judgments,
    *,
    seed: int,
    random_sample: bool = False,
    draws: Draws = "exclude",
    tolerance: float = TOLERANCE,
    expertise: Expertise = "trained",
    epsilon: float | None = None,
    level: float = 0.95,
) -> Alignment:
    """Alignment of one judge version with the counted votes.

    Parameters
    ----------
    comparisons : Comparisons
        All comparisons of the study, with or without votes and judgments.
    votes : Votes
        Counted votes of one criterion; `votes.item` are codes of comparisons.
    judgments : Judgments
        Calls of one judge version, the newest for each comparison, order and replicate.
    seed : int
        Of the study.
    random_sample : bool
        Whether the labelled comparisons are a seeded random draw of all; without it corrected
        win rates are None.
    draws : {"exclude", "tie"}
        What becomes of comparisons without a single commonest verdict.
    tolerance : float
        Reconciled scores within it of 0 are ties.
    expertise, epsilon
        Of the annotators, for :func:`reports.stats.alignment.alt_test.alt_test`.

    Returns
    -------
    Alignment
        Below 30 labelled comparisons the figures against votes are None with
        `too_few_prompts`; below 100 the entry is provisional (`few_prompts`).
    """
    judge = reconcile(judgments, comparisons.n, tolerance=tolerance)
    humans = human_labels(votes, comparisons, says_both_bad=judgments.says_both_bad, draws=draws)
    n = int(np.count_nonzero(humans.labelled & (judge.category != MISSING)))
    codes: list[WarningCode] = []
    if judge.one_order:
        codes.append(WarningCode.ONE_ORDER)
    if humans.both_bad_folded:
        codes.append(WarningCode.BOTH_BAD_FOLDED)
    if n < SETTLED_LABELLED:
        codes.append(WarningCode.FEW_PROMPTS if n else WarningCode.NO_VOTES)

    def gated(figure: Estimate) -> Estimate:
        if n >= FEWEST_LABELLED or figure.estimate is None:
            return _provisional(figure) if n < SETTLED_LABELLED else figure
        reason = f"fewer than {FEWEST_LABELLED} labelled comparisons: counts only"
        return undefined(figure.method, figure.n, WarningCode.TOO_FEW_PROMPTS, reason=reason)

    def _provisional(figure: Estimate) -> Estimate:
        if figure.estimate is None or WarningCode.FEW_PROMPTS in figure.warnings:
            return figure
        return replace(figure, warnings=(*figure.warnings, WarningCode.FEW_PROMPTS))

    verdict_allowed = n >= SETTLED_LABELLED and humans.ratings.raters_used() >= ADVISED_RATERS
    corrected = corrected_win_rates(
        judge, humans, comparisons, random_sample=random_sample, seed=seed, level=level
    )
    return Alignment(
        n=n,
        asked=int(judgments.verdict.size),
        parsed=int(np.count_nonzero(judgments.parsed)),
        half=judge.half,
        missing=judgments.missing(),
        agreement=gated(agreement_with_votes(judge, humans, comparisons, level=level)),
        agreement_no_ties=gated(agreement_no_ties(judge, humans, comparisons, level=level)),
        agreement_majority=gated(agreement_with_majority(judge, humans, comparisons, level=level)),
        cohen_kappa=gated(kappa_with_majority(judge, humans, comparisons, seed=seed, level=level)),
        human_ceiling=gated(human_ceiling(judge, humans, comparisons, seed=seed, level=level)),
        constant_guess=gated(constant_guess(judge, humans, comparisons, level=level)),
        position_consistency=position_consistency(judgments, judge, comparisons, level=level),
        alt_test=alt_test(
            judge,
            humans,
            comparisons,
            epsilon=epsilon,
            expertise=expertise,
            verdict_allowed=verdict_allowed,
        ),
        corrected_win_rates=tuple(
            replace(
                rate,
                rogan_gladen=gated(rate.rogan_gladen),
                prediction_powered=gated(rate.prediction_powered),
            )
            for rate in corrected
        ),
        warnings=tuple(codes),
    )
