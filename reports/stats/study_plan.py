"""How large a study must be, when votes share prompts and annotators.

The score of a decisive vote varies between prompts (some suit one system), between annotators
(some like one system's manner) and from vote to vote. The mean over P prompts with k votes each
by A annotators has variance σ²_prompt/P + σ²_annotator/A + σ²_vote/(Pk): more votes on the same
prompts shrink the last term only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from reports.stats.planning import (
    ALPHA,
    POWER,
    SMALLEST_DIFFERENCE,
    PlanError,
    decisive_votes_needed,
    sign_test_power,
)

__all__ = [
    "DEFAULT_SHARES",
    "DEFAULT_TIE_RATE",
    "Design",
    "StudyPlan",
    "Term",
    "VarianceShares",
    "VarianceTerms",
    "plan_study",
    "votes_for_gap",
]

DEFAULT_TIE_RATE = 0.25
"""Ties and both-bad among votes where nothing is known: .24 on MT-Bench's human votes."""

NO_SHARE = 1e-6
"""A share of the variance below this is none."""

Term = Literal["prompt", "annotator", "vote"]


@dataclass(frozen=True, slots=True)
class VarianceShares:
    """Where the variance of one decisive vote's score comes from; the three sum to 1.

    Attributes
    ----------
    prompt, annotator, vote : float
    """

    prompt: float
    annotator: float
    vote: float

    def __post_init__(self) -> None:
        parts = (self.prompt, self.annotator, self.vote)
        if not all(0 <= part <= 1 for part in parts) or abs(sum(parts) - 1) > 1e-9:
            raise PlanError(
                f"variance shares are {parts}; expected three numbers from 0 that sum to 1"
            )


DEFAULT_SHARES = VarianceShares(prompt=0.30, annotator=0.01, vote=0.69)
"""What MT-Bench's human votes show (.34 and .01) where a study has no votes of its own."""


@dataclass(frozen=True, slots=True)
class Design:
    """How the votes of one pair of systems are spread.

    Attributes
    ----------
    prompts : int
        P.
    votes_per_prompt : int
        k, the overlap.
    annotators : int
        A, each with about the same number of votes of the pair, and so no more than those.
    tie_rate : float
        Ties and both-bad among votes.
    """

    prompts: int
    votes_per_prompt: int
    annotators: int
    tie_rate: float

    def __post_init__(self) -> None:
        for name in ("prompts", "votes_per_prompt", "annotators"):
            if getattr(self, name) < 1:
                raise PlanError(f"{name} is {getattr(self, name)}; expected 1 or more")
        if not 0 <= self.tie_rate < 1:
            raise PlanError(f"tie rate is {self.tie_rate}; expected from 0 to below 1")

    @property
    def votes(self) -> int:
        """Votes of any verdict on one pair."""
        return self.prompts * self.votes_per_prompt

    @property
    def decisive(self) -> float:
        """Decisive votes expected among them."""
        return self.votes * (1 - self.tie_rate)


@dataclass(frozen=True, slots=True)
class VarianceTerms:
    """The three terms of the variance of a mean score, in units of one vote's variance.

    Attributes
    ----------
    prompt, annotator, vote : float
    """

    prompt: float
    annotator: float
    vote: float

    @classmethod
    def of(cls, shares: VarianceShares, design: Design) -> VarianceTerms:
        """The terms of a design.

        Ties leave prompts with unequal numbers of decisive votes, which lengthens the prompt
        term by τ/(k(1-τ)).
        """
        decisive = design.votes_per_prompt * (1 - design.tie_rate)
        return cls(
            prompt=shares.prompt / design.prompts * (1 + design.tie_rate / decisive),
            annotator=shares.annotator / design.annotators,
            vote=shares.vote / (design.prompts * decisive),
        )

    @property
    def total(self) -> float:
        return self.prompt + self.annotator + self.vote

    @property
    def dominant(self) -> Term:
        """The largest term; of equal ones the first of prompt, annotator, vote."""
        terms: tuple[Term, ...] = ("prompt", "annotator", "vote")
        return max(terms, key=lambda name: float(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What finds a win rate with a given power, pair by pair.

    Attributes
    ----------
    decisive_needed : int
        Independent decisive votes a pair.
    design : Design
        The one planned for: that of the caller with as many prompts as are needed; with his
        prompts where none suffice.
    feasible : bool
        Whether enough prompts exist at all: False where the annotators alone vary too much.
    annotators_needed : int
        Fewest annotators with whom any number of prompts could suffice.
    terms : VarianceTerms
    effective : float
        Independent decisive votes that the design is worth.
    power : float
        Of the exact sign test with that many.
    design_effect : float
        Decisive votes over `effective`.
    gains : mapping of str to float
        By how much the variance falls, as a share of itself: with one more `prompt` (k votes),
        one more `vote` on every prompt (P votes), the same number of votes on `new_prompts`
        instead, or one more `annotator`.
    prompts_beat_votes_from : int or None
        Votes a prompt from which half of the prompts' and votes' variance is what further votes
        on the same prompts cannot shrink; None where prompts do not differ.
    """

    decisive_needed: int
    design: Design
    feasible: bool
    annotators_needed: int
    terms: VarianceTerms
    effective: float
    power: float
    design_effect: float
    gains: dict[str, float]
    prompts_beat_votes_from: int | None


def plan_study(
    *,
    win_rate: float = SMALLEST_DIFFERENCE,
    power: float = POWER,
    alpha: float = ALPHA,
    tie_rate: float = DEFAULT_TIE_RATE,
    shares: VarianceShares = DEFAULT_SHARES,
    annotators: int,
    votes_per_prompt: int,
    prompts: int | None = None,
) -> StudyPlan:
    """Plan the votes of one pair of systems.

    Parameters
    ----------
    win_rate : float
        Among decisive votes, to be told from one half.
    power, alpha : float
    tie_rate : float
    shares : VarianceShares
    annotators, votes_per_prompt : int
    prompts : int, optional
        Evaluate the design with so many prompts instead of looking for their number.

    Raises
    ------
    PlanError
    """
    needed = decisive_votes_needed(win_rate, power, alpha)
    probe = Design(1 if prompts is None else prompts, votes_per_prompt, annotators, tie_rate)
    per_prompt = VarianceTerms.of(shares, Design(1, votes_per_prompt, annotators, tie_rate))
    left = 1 / needed - per_prompt.annotator
    feasible = left > 0
    design = probe
    if prompts is None and feasible:
        # A hair below, so that rounding never asks for one prompt too many.
        count = math.ceil((per_prompt.prompt + per_prompt.vote) / left * (1 - 1e-12))
        design = Design(max(1, count), votes_per_prompt, annotators, tie_rate)
    terms = VarianceTerms.of(shares, design)
    effective = 1 / terms.total
    return StudyPlan(
        decisive_needed=needed,
        design=design,
        feasible=feasible,
        annotators_needed=math.floor(shares.annotator * needed) + 1,
        terms=terms,
        effective=effective,
        power=float(sign_test_power(np.array([math.floor(effective + 1e-9)]), win_rate, alpha)[0]),
        design_effect=design.decisive / effective,
        gains=_gains(shares, design),
        prompts_beat_votes_from=_turning_point(shares, tie_rate),
    )


def _gains(shares: VarianceShares, design: Design) -> dict[str, float]:
    """Relative fall of the variance with one more of each."""
    now = VarianceTerms.of(shares, design).total
    p, k, a, tie_rate = (
        design.prompts,
        design.votes_per_prompt,
        design.annotators,
        design.tie_rate,
    )
    larger = {
        "prompt": Design(p + 1, k, a, tie_rate),
        "vote": Design(p, k + 1, a, tie_rate),
        "new_prompts": Design(p + max(1, round(p / k)), k, a, tie_rate),
        "annotator": Design(p, k, a + 1, tie_rate),
    }
    return {name: 1 - VarianceTerms.of(shares, other).total / now for name, other in larger.items()}


def _turning_point(shares: VarianceShares, tie_rate: float) -> int | None:
    """Fewest votes a prompt where the part that they can shrink is no more than the rest."""
    if shares.prompt < NO_SHARE:
        return None
    shrinks = (shares.prompt * tie_rate + shares.vote) / (1 - tie_rate)
    return max(1, math.ceil(shrinks / shares.prompt - 1e-12))


def votes_for_gap(
    votes: int, se: float, gap: float, *, alpha: float = ALPHA, power: float = POWER
) -> int:
    """Votes in all with which a gap of two Strengths would be found, if it is what it seems.

    votes now × (z se/gap)², z = z_{α/2} + z_power, with the votes spread as they are.

    Parameters
    ----------
    votes : int
        Now.
    se : float
        Standard error of the gap, above 0.
    gap : float
        Difference of two Strengths, not 0.
    alpha, power : float

    Raises
    ------
    PlanError
    """
    if votes < 1 or not (math.isfinite(se) and se > 0):
        raise PlanError(f"{votes} votes with a standard error of {se}; expected both above 0")
    if not math.isfinite(gap) or gap == 0:
        raise PlanError(f"gap is {gap}; expected a finite number other than 0")
    if not 0 < alpha < 1 or not 0 < power < 1:
        raise PlanError(f"power is {power} and alpha {alpha}; expected both within (0, 1)")
    z = max(0.0, float(ndtri(power)) - float(ndtri(alpha / 2)))
    return math.ceil(votes * (z * se / gap) ** 2)
