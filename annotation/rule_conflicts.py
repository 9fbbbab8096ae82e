"""Rules that are allowed one by one and cannot be followed together, or can never fire. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from annotation.page_rules import faults_of_page

if TYPE_CHECKING:
    from annotation.answer_rules import Quality
    from annotation.rules import Rules

# Above this the checks would be most of the work.
MOST_CHECKS = 0.5
# The latest answers of one annotator that the quality rules look at, and of these the pairs of work
# that are held against what others said.
ANSWERS = 500
PAIRS = 100


def faults_between(rules: Rules) -> list[str]:
    """Values that are allowed one by one but not together, and rules that could never fire."""
    faults = []
    checks = rules.checks
    total = checks.gold_share + checks.repeat_share + checks.identical_share
    if total > MOST_CHECKS:
        faults.append(
            f"checks: gold, repeats and identical pairs are {total:g} of the work; "
            f"{MOST_CHECKS:g} is the most."
        )
    speed = rules.quality.speed
    if speed is not None and speed.window < speed.min_n:
        faults.append(
            f"quality.speed could never fire: it looks at the latest {speed.window} answers "
            f"(window) and waits for {speed.min_n} (min_n). Make window at least min_n."
        )
    faults += [
        f"quality.{place} could never fire at {wanted}: only the latest {most} {what} of an "
        f"annotator are looked at. Make it at most {most}, or switch the rule off."
        for place, wanted, most, what in answers_wanted(rules.quality)
        if wanted > most
    ]
    faults += faults_of_page(rules.answering, rules.crowd)
    return faults


def answers_wanted(quality: Quality) -> Iterator[tuple[str, int, int, str]]:
    """The answers without which a rule does not fire, and how many of them it could see."""
    for name in ("gold_accuracy", "repeat_consistency", "side_share", "speed", "skips"):
        rule = getattr(quality, name)
        if rule is not None:
            yield f"{name}.min_n", rule.min_n, ANSWERS, "answers"
    if quality.straight_lining is not None:
        yield "straight_lining.run", quality.straight_lining.run, ANSWERS, "answers"
    if quality.agreement is not None:
        yield "agreement.min_n", quality.agreement.min_n, PAIRS, "pairs of work"
