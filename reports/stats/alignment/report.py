"""How far one judge version can be trusted against the votes: the report's entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.against_humans import (
    agreement_no_ties,
    agreement_with_majority,
    agreement_with_votes,
    constant_guess,
    kappa_with_majority,
)
from reports.stats.alignment.alt_test import ADVISED_RATERS, Expertise, alt_test
from reports.stats.alignment.bait import bait_wins
from reports.stats.alignment.calibration import Calibration, calibration, stated_confidence
from reports.stats.alignment.ceiling import human_ceiling
from reports.stats.alignment.confusion import Confusion, confusion
from reports.stats.alignment.corrected_win_rates import CorrectedWinRate, corrected_win_rates
from reports.stats.alignment.disagreements import Disagreement, disagreements
from reports.stats.alignment.drift import agreement_drift
from reports.stats.alignment.equal_length import EqualLength, equal_length_win_rates
from reports.stats.alignment.gates import SETTLED_LABELLED, gated
from reports.stats.alignment.given import Drawn, Texts
from reports.stats.alignment.humans import Draws, Humans, human_labels
from reports.stats.alignment.judgments import (
    MISSING,
    TOLERANCE,
    Comparisons,
    Judgments,
    Reconciled,
    reconcile,
)
from reports.stats.alignment.length_bias import length_effect, longer_wins
from reports.stats.alignment.length_controlled import ControlledWinRate, controlled_win_rates
from reports.stats.alignment.maker_names import MakerNames, maker_names
from reports.stats.alignment.missingness import missing_share
from reports.stats.alignment.parts import Part, parts, within
from reports.stats.alignment.position import position_consistency
from reports.stats.alignment.rankings import Rankings, rankings
from reports.stats.alignment.standing import Standing, standing
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, WarningCode
from reports.stats.votes import Votes

__all__ = ["DISAGREEMENTS", "Alignment", "alignment"]

DISAGREEMENTS = 50
"""How many of the worst disagreements an entry lists."""


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
    standing : Standing
        May it stand in for a person here, and what was found.
    agreement, agreement_no_ties : Estimate
        With single votes (S1, S2).
    agreement_majority, cohen_kappa : Estimate
        With the majority of the votes.
    human_ceiling, constant_guess : Estimate
        What people reach among themselves, and what the best constant answer would.
    confusion : Confusion
    missing_share : Estimate
    position_consistency, alt_test : Estimate
    drift : Estimate
        Of the agreement on a new random sample.
    longer_wins, length_effect, bait_wins : Estimate
    maker_names : MakerNames
    calibration, stated_calibration : Calibration
        Of the reconciled score's size, and of the confidence that the judge states.
    ranking : Rankings
    corrected_win_rates : tuple of CorrectedWinRate
    controlled_win_rates : tuple of ControlledWinRate
    length_controlled_win_rates : tuple of EqualLength
    parts : tuple of Part
    disagreements : tuple of Disagreement
        The worst; `n_disagreements` counts all.
    warnings : tuple of WarningCode
        For the whole entry: `one_order`, `both_bad_folded`, `few_prompts` (provisional).
    """

    n: int
    asked: int
    parsed: int
    half: int
    missing: Mapping[str, int]
    standing: Standing
    agreement: Estimate
    agreement_no_ties: Estimate
    agreement_majority: Estimate
    cohen_kappa: Estimate
    human_ceiling: Estimate
    constant_guess: Estimate
    confusion: Confusion
    missing_share: Estimate
    position_consistency: Estimate
    alt_test: Estimate
    drift: Estimate
    longer_wins: Estimate
    length_effect: Estimate
    bait_wins: Estimate
    maker_names: MakerNames
    calibration: Calibration
    stated_calibration: Calibration
    ranking: Rankings
    corrected_win_rates: tuple[CorrectedWinRate, ...]
    controlled_win_rates: tuple[ControlledWinRate, ...]
    length_controlled_win_rates: tuple[EqualLength, ...]
    parts: tuple[Part, ...]
    disagreements: tuple[Disagreement, ...]
    n_disagreements: int
    warnings: tuple[WarningCode, ...]

    COUNTS: ClassVar[tuple[str, ...]] = ("n", "asked", "parsed", "half")
    WHOLE: ClassVar[tuple[str, ...]] = (
        "standing",
        "agreement",
        "agreement_no_ties",
        "agreement_majority",
        "cohen_kappa",
        "human_ceiling",
        "constant_guess",
        "confusion",
        "missing_share",
        "position_consistency",
        "alt_test",
        "drift",
        "longer_wins",
        "length_effect",
        "bait_wins",
        "maker_names",
        "calibration",
        "stated_calibration",
        "ranking",
    )
    LISTS: ClassVar[tuple[str, ...]] = (
        "corrected_win_rates",
        "controlled_win_rates",
        "length_controlled_win_rates",
        "disagreements",
    )

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it; systems, raters and comparisons are codes.

        Parts are left to the caller, who knows their names.
        """
        out: dict[str, Any] = {name: getattr(self, name) for name in self.COUNTS}
        out["missing"] = dict(self.missing)
        out |= {name: getattr(self, name).as_dict() for name in self.WHOLE}
        out |= {name: [row.as_dict() for row in getattr(self, name)] for name in self.LISTS}
        out["n_disagreements"] = self.n_disagreements
        out["warnings"] = [str(code) for code in self.warnings]
        return out


def alignment(
    comparisons: Comparisons,
    votes: Votes,
    judgments: Judgments,
    *,
    seed: int,
    random_sample: bool = False,
    drawn: Drawn | None = None,
    texts: Texts | None = None,
    part: Integers | None = None,
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
        Whether the labelled comparisons are a seeded random draw of all; without it, and without
        `drawn`, corrected win rates are None.
    drawn : Drawn, optional
        A sample that was drawn at random and has its votes; corrected win rates are then of its
        frame.
    texts : Texts, optional
        Without it the figures on length and on responses that speak to a judge are None.
    part : int array of shape (comparisons,), optional
        Code of the part that each comparison belongs to, negative for none.
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
    raters = humans.ratings.raters_used()
    both = (judge, humans, comparisons)
    agreement = gated(agreement_with_votes(*both, level=level), n)
    constant = gated(constant_guess(*both, level=level), n)
    tested = alt_test(
        *both,
        epsilon=epsilon,
        expertise=expertise,
        verdict_allowed=n >= SETTLED_LABELLED and raters >= ADVISED_RATERS,
    )
    position = position_consistency(judgments, judge, comparisons, level=level)
    gone = missing_share(judgments, humans, comparisons, level=level)
    longer_by = None if texts is None else texts.longer_by
    longer = gated(longer_wins(*both, longer_by, seed=seed, level=level), n)
    length = gated(length_effect(*both, longer_by, level=level), n)
    bait = bait_wins(*both, None if texts is None else texts.bait, level=level)
    table = confusion(judge, humans)
    in_parts = tuple(
        _gated_part(one) for one in (() if part is None else parts(*both, part, level=level))
    )
    drifted = agreement_drift(
        *both,
        None if drawn is None else drawn.sample,
        None if drawn is None else drawn.when,
        level=level,
    )
    worst, number = disagreements(*both, most=DISAGREEMENTS)
    stated = stated_confidence(judgments, comparisons.n)
    return Alignment(
        n=n,
        asked=int(judgments.verdict.size),
        parsed=int(np.count_nonzero(judgments.parsed)),
        half=judge.half,
        missing=judgments.missing(),
        standing=standing(
            n=n,
            raters=raters,
            agreement=agreement,
            constant_guess=constant,
            alt_test=tested,
            position=position,
            missing=gone,
            longer=longer,
            length=length,
            bait=bait,
            drift=drifted,
            table=table,
            parts=in_parts,
        ),
        agreement=agreement,
        agreement_no_ties=gated(agreement_no_ties(*both, level=level), n),
        agreement_majority=gated(agreement_with_majority(*both, level=level), n),
        cohen_kappa=gated(kappa_with_majority(*both, seed=seed, level=level), n),
        human_ceiling=gated(human_ceiling(*both, seed=seed, level=level), n),
        constant_guess=constant,
        confusion=table,
        missing_share=gone,
        position_consistency=position,
        alt_test=tested,
        drift=drifted,
        longer_wins=longer,
        length_effect=length,
        bait_wins=bait,
        maker_names=maker_names(*both, None if texts is None else texts.names, level=level),
        calibration=_calibration(both, np.abs(judge.score), seed, level, "score", n),
        stated_calibration=_calibration(both, stated, seed, level, "stated", n),
        ranking=_ranking(both, seed, level, n),
        corrected_win_rates=_corrected(
            both, votes, judgments, drawn, draws, random_sample, seed, level, n
        ),
        controlled_win_rates=controlled_win_rates(
            judge,
            comparisons,
            None if texts is None else texts.features_a,
            None if texts is None else texts.features_b,
            level=level,
        ),
        length_controlled_win_rates=equal_length_win_rates(
            judge, comparisons, longer_by, level=level
        ),
        parts=in_parts,
        disagreements=worst,
        n_disagreements=number,
        warnings=_warnings(judge, humans, n),
    )


Sides = tuple[Reconciled, Humans, Comparisons]


def _warnings(judge: Reconciled, humans: Humans, n: int) -> tuple[WarningCode, ...]:
    codes: list[WarningCode] = []
    if judge.one_order:
        codes.append(WarningCode.ONE_ORDER)
    if humans.both_bad_folded:
        codes.append(WarningCode.BOTH_BAD_FOLDED)
    if n < SETTLED_LABELLED:
        codes.append(WarningCode.FEW_PROMPTS if n else WarningCode.NO_VOTES)
    return tuple(codes)


def _gated_part(part: Part) -> Part:
    return replace(
        part,
        agreement=gated(part.agreement, part.n),
        human_ceiling=gated(part.human_ceiling, part.n),
        constant_guess=gated(part.constant_guess, part.n),
    )


def _calibration(
    both: Sides, confidence: NDArray[np.float64], seed: int, level: float, name: str, n: int
) -> Calibration:
    found = calibration(*both, confidence, seed=seed, level=level, name=name)
    return replace(
        found,
        error=gated(found.error, n),
        brier=gated(found.brier, n),
        auroc=gated(found.auroc, n),
        mapped_brier=gated(found.mapped_brier, n),
    )


def _ranking(both: Sides, seed: int, level: float, n: int) -> Rankings:
    found = rankings(*both, seed=seed, level=level)
    figures: dict[str, Any] = {key: gated(getattr(found, key), n) for key in Rankings.FIGURES}
    return replace(found, **figures)


def _corrected(
    both: Sides,
    votes: Votes,
    judgments: Judgments,
    drawn: Drawn | None,
    draws: Draws,
    random_sample: bool,
    seed: int,
    level: float,
    n: int,
) -> tuple[CorrectedWinRate, ...]:
    judge, humans, comparisons = both
    asked = np.bincount(judgments.comparison, minlength=comparisons.n) > 0
    if drawn is not None:
        asked &= drawn.frame
        judge = within(judge, drawn.frame)
        # Votes that came in otherwise are no part of the draw.
        votes = votes.take(np.flatnonzero(drawn.sample[votes.item]))
        humans = human_labels(
            votes, comparisons, says_both_bad=judgments.says_both_bad, draws=draws
        )
        n = int(np.count_nonzero(humans.labelled & (judge.category != MISSING)))
    return tuple(
        replace(
            rate,
            rogan_gladen=gated(rate.rogan_gladen, n),
            prediction_powered=gated(rate.prediction_powered, n),
            strength=gated(rate.strength, n),
        )
        for rate in corrected_win_rates(
            judge,
            humans,
            comparisons,
            random_sample=random_sample or drawn is not None,
            seed=seed,
            asked=asked,
            level=level,
        )
    )
