"""Simulated annotators and judges of the demo study.

Every number is drawn from a hash of the seed and of what the draw is about (person, prompt,
system, criterion), never from a shared stream. The same question therefore gets the same answer
whatever was asked before it, so the order in which the queue hands out work changes nothing.

The model in one paragraph: each response has a latent quality (`latent_quality`). A person sees
it with an error of their own, adds a preference for the left side if they have one, and compares
the two: clearly better wins, nearly equal is a tie, two poor ones are both bad. Judges do the
same with the order of presentation in place of the sides.

Who takes part, and how good the systems are, stands in `cast`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from evalsite.demo.cast import (
    BOTH_BAD_REASONS,
    CATEGORY_OFFSET,
    CRITERION_OFFSET,
    RESPONSE_OFFSET,
    STRENGTHS,
    SYSTEM_QUALITY,
    TIE_REASONS,
    VERBOSE_SYSTEM,
    WEAKNESSES,
    SimulatedAnnotator,
    SimulatedJudge,
)

Choice = Literal["left", "right", "tie", "both_bad"]
Verdict = Literal["a", "b", "tie", "both_bad"]
Order = Literal["ab", "ba"]
Scale = Literal["binary", "ternary", "five", "seven"]

PROMPT_SPREAD = 0.35
"""Standard deviation of what the cast does not say about single responses."""

CRITERION_ERROR = 0.35
"""Standard deviation of what a person judges differently on one criterion than overall."""

OCCASION_ERROR = 0.25
"""Standard deviation of the change of mind between two looks at the same pair."""

GRADE_CUTS: dict[str, tuple[float, ...]] = {"five": (1.3,), "seven": (0.9, 1.8)}
"""Differences from which the margin of a graded scale becomes 2, then 3."""

CARELESS_SHARES: tuple[tuple[Choice, float], ...] = (
    ("left", 0.40),
    ("right", 0.40),
    ("tie", 0.15),
    ("both_bad", 0.05),
)
"""How often someone who does not read clicks what."""

SECONDS_TO_DECIDE = 6.0
SLOWEST_SECONDS = 600.0
"""Active seconds are capped: an annotation page stops counting when nobody moves."""


@dataclass(frozen=True, slots=True)
class SimulatedChoice:
    """An annotator's answer to one criterion: the choice, and the margin on graded scales."""

    choice: Choice
    margin: int | None


@dataclass(frozen=True, slots=True)
class SimulatedJudgment:
    """A judge's answer in canonical a/b terms; `verdict` is None when the reply was unparsable."""

    verdict: Verdict | None
    confidence: float | None
    reason: str


def uniform(seed: int, *about: str | int) -> float:
    """Number in (0, 1) that depends on nothing but the seed and what it is about.

    Parameters
    ----------
    seed
        Seed of the study.
    about
        What the draw is about, for example ``("error", person, prompt_id, system)``.
    """
    text = "\x1f".join(str(part) for part in (seed, *about))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
    return (number + 0.5) / 2.0**48


def normal(seed: int, *about: str | int) -> float:
    """Standard normal number that depends on nothing but the seed and what it is about."""
    return NormalDist().inv_cdf(uniform(seed, *about))


def latent_quality(
    seed: int, system: str, prompt_id: str, category: str, criterion: str = "overall"
) -> float:
    """Quality of one response before anyone errs about it.

    Returns
    -------
    float
        Mean of the system, plus its offsets in the category, for the response and on the
        criterion, plus a draw for the prompt. Zero is middling; one unit is about one average
        person's error.

    Raises
    ------
    ValueError
        If the demo has no such system.
    """
    if system not in SYSTEM_QUALITY:
        known = ", ".join(sorted(SYSTEM_QUALITY))
        raise ValueError(f"The demo simulates no system {system!r}; it knows {known}.")
    return (
        SYSTEM_QUALITY[system]
        + CATEGORY_OFFSET[system].get(category, 0.0)
        + RESPONSE_OFFSET.get((system, prompt_id), 0.0)
        + CRITERION_OFFSET[system].get(criterion, 0.0)
        + PROMPT_SPREAD * normal(seed, "prompt", prompt_id, system)
    )


def _seen_quality(
    seed: int,
    person: str,
    error: float,
    system: str,
    prompt_id: str,
    category: str,
    criterion: str,
) -> float:
    """Quality as one person or judge sees it: the same on every look at the response."""
    seen = latent_quality(seed, system, prompt_id, category, criterion)
    seen += error * normal(seed, "error", person, prompt_id, system)
    if criterion != "overall":
        seen += CRITERION_ERROR * normal(seed, "criterion", person, prompt_id, system, criterion)
    return seen


def _pick(seed: int, texts: tuple[str, ...], *about: str | int) -> str:
    return texts[int(uniform(seed, *about) * len(texts))]


def choose(
    profile: SimulatedAnnotator,
    seed: int,
    *,
    left_system: str,
    right_system: str,
    prompt_id: str,
    category: str,
    criterion: str = "overall",
    scale: Scale = "ternary",
    both_bad: bool = False,
    occasion: int = 0,
) -> SimulatedChoice:
    """Answer one criterion for one pair as it is shown.

    Parameters
    ----------
    profile
        Who answers.
    seed
        Seed of the study.
    left_system, right_system
        Systems whose responses stand left and right; may be the same (identical pairs).
    prompt_id, category
        The prompt.
    criterion
        Key of the criterion.
    scale
        ``binary`` has no tie; ``five`` and ``seven`` also give a margin, 1 to 2 and 1 to 3.
    both_bad
        Whether the criterion offers that button.
    occasion
        0 for the first look at the pair, 1 and up for repeats.
    """
    about = (profile.key, prompt_id, left_system, right_system, criterion, occasion)
    if profile.careless:
        return _careless_choice(seed, about, scale, both_bad)

    left = _seen_quality(
        seed, profile.key, profile.error, left_system, prompt_id, category, criterion
    )
    right = _seen_quality(
        seed, profile.key, profile.error, right_system, prompt_id, category, criterion
    )
    if both_bad and max(left, right) < profile.bad_below:
        return SimulatedChoice("both_bad", None)
    difference = left - right + profile.left_bias + OCCASION_ERROR * normal(seed, "look", *about)
    if scale != "binary" and abs(difference) < profile.tie_width:
        return SimulatedChoice("tie", None)
    margin = None
    if scale in GRADE_CUTS:
        margin = 1 + sum(abs(difference) >= cut for cut in GRADE_CUTS[scale])
    return SimulatedChoice("left" if difference > 0 else "right", margin)


def _careless_choice(
    seed: int, about: tuple[str | int, ...], scale: Scale, both_bad: bool
) -> SimulatedChoice:
    """Draw a click that has nothing to do with the responses."""
    offered = [
        (choice, share)
        for choice, share in CARELESS_SHARES
        if (choice != "tie" or scale != "binary") and (choice != "both_bad" or both_bad)
    ]
    rest = uniform(seed, "careless", *about) * sum(share for _, share in offered)
    picked: Choice = offered[-1][0]
    for choice, share in offered:
        if rest < share:
            picked = choice
            break
        rest -= share
    margin = None
    if scale in GRADE_CUTS and picked in ("left", "right"):
        margins = len(GRADE_CUTS[scale]) + 1
        margin = 1 + int(uniform(seed, "careless margin", *about) * margins)
    return SimulatedChoice(picked, margin)


def rationale(
    profile: SimulatedAnnotator,
    seed: int,
    choice: Choice,
    *,
    left_system: str,
    right_system: str,
    prompt_id: str,
) -> str:
    """Short reason for an overall choice, or an empty string when the person gives none.

    The words speak of "Response 1" (left) and "Response 2" (right), as the page does, and name
    no system.
    """
    about = (profile.key, prompt_id, left_system, right_system)
    if uniform(seed, "has rationale", *about) >= profile.rationale_rate:
        return ""
    if choice == "tie":
        return _pick(seed, TIE_REASONS, "rationale", *about)
    if choice == "both_bad":
        return _pick(seed, BOTH_BAD_REASONS, "rationale", *about)
    names = ("Response 1", "Response 2") if choice == "left" else ("Response 2", "Response 1")
    systems = (left_system, right_system) if choice == "left" else (right_system, left_system)
    strength = _pick(seed, STRENGTHS[systems[0]], "strength", *about)
    weakness = _pick(seed, WEAKNESSES[systems[1]], "weakness", *about)
    return f"{names[0]} {strength}; {names[1]} {weakness}."


def active_seconds(
    profile: SimulatedAnnotator,
    seed: int,
    *,
    left_system: str,
    right_system: str,
    prompt_id: str,
    words: int,
) -> float:
    """Active seconds that the person spends on one pair.

    Parameters
    ----------
    words
        Words to read: both responses and the prompt.

    Returns
    -------
    float
        Reading plus deciding time with a log-normal spread, rounded to a tenth of a second.
    """
    about = (profile.key, prompt_id, left_system, right_system)
    reading = 60.0 * words / profile.words_per_minute
    deciding = 1.0 if profile.careless else SECONDS_TO_DECIDE
    spread = math.exp(0.3 * normal(seed, "seconds", *about))
    return round(min((reading + deciding) * spread, SLOWEST_SECONDS), 1)


def judge(
    profile: SimulatedJudge,
    seed: int,
    *,
    system_a: str,
    system_b: str,
    prompt_id: str,
    category: str,
    order: Order,
    criterion: str = "overall",
    both_bad: bool = True,
) -> SimulatedJudgment:
    """Judge one comparison in one order.

    Parameters
    ----------
    profile
        Which judge.
    seed
        Seed of the study.
    system_a, system_b
        Systems of response a and response b, in the comparison's canonical order.
    prompt_id, category
        The prompt.
    order
        ``ab``: response a is shown first; ``ba``: response b.
    criterion
        Key of the criterion.
    both_bad
        Whether the criterion offers both_bad.

    Returns
    -------
    SimulatedJudgment
        Its verdict is in a/b terms, whatever the order. A reply that could not be read has no
        verdict, no confidence and no reason: it is missing, not a tie.
    """
    about = (profile.key, prompt_id, system_a, system_b, order, criterion)
    if uniform(seed, "unparsed", *about) < profile.unparsed_rate:
        return SimulatedJudgment(None, None, "")
    seen = {}
    for side, system in (("a", system_a), ("b", system_b)):
        seen[side] = _seen_quality(
            seed, profile.key, profile.error, system, prompt_id, category, criterion
        )
        if system == VERBOSE_SYSTEM:
            seen[side] += profile.verbosity_bias
    first_bias = profile.first_bias if order == "ab" else -profile.first_bias
    difference = seen["a"] - seen["b"] + first_bias + OCCASION_ERROR * normal(seed, "look", *about)
    confidence = round(min(0.55 + 0.18 * abs(difference), 0.99), 2)
    if both_bad and max(seen.values()) < profile.bad_below:
        reason = _pick(seed, BOTH_BAD_REASONS, "judge reason", *about)
        return SimulatedJudgment("both_bad", confidence, reason)
    if abs(difference) < profile.tie_width:
        reason = _pick(seed, TIE_REASONS, "judge reason", *about)
        return SimulatedJudgment("tie", confidence, reason)
    winner, loser = (system_a, system_b) if difference > 0 else (system_b, system_a)
    names = ("Response 1", "Response 2")
    if (difference > 0) != (order == "ab"):
        names = ("Response 2", "Response 1")
    strength = _pick(seed, STRENGTHS[winner], "judge strength", *about)
    weakness = _pick(seed, WEAKNESSES[loser], "judge weakness", *about)
    reason = f"{names[0]} {strength}; {names[1]} {weakness}."
    return SimulatedJudgment("a" if difference > 0 else "b", confidence, reason)
