"""What a quality rule found, in a sentence: of how many answers, what, and where it fires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .numbers import counted, percent

# Rule → what its finding is called, and the kind of rows behind it.
TITLES = {
    "gold_accuracy": "Gold accuracy too low",
    "repeat_consistency": "Repeats answered otherwise",
    "side_share": "One side preferred",
    "agreement": "At odds with the others",
    "speed": "Faster than the texts can be read",
    "straight_lining": "The same answer in a row",
    "skips": "Many pairs skipped",
    "by_hand": "Paused by hand",
}
ROWS = {
    "gold_accuracy": "gold",
    "repeat_consistency": "repeats",
    "side_share": "answers",
    "agreement": "counted",
    "speed": "answers",
    "straight_lining": "answers",
    "skips": "skipped",
    "by_hand": "answers",
}


def finding_in_words(
    rule: str, n: int, value: float, threshold: float, detail: Mapping[str, Any]
) -> str:
    """The reason of a finding.

    Examples
    --------
    >>> finding_in_words("straight_lining", 120, 30, 25, {})
    'The same answer 30 times in a row, in 120 answers. The rule fires from 25 on.'
    """
    answers = counted(n, "answer")
    match rule:
        case "gold_accuracy":
            return (
                f"{percent(value, 0)} of {answers} on gold are right, and it cannot be more than "
                f"{percent(detail.get('upper_bound', value), 0)}. The rule wants "
                f"{percent(threshold, 0)}."
            )
        case "repeat_consistency":
            return (
                f"{percent(value, 0)} of {counted(n, 'repeat')} got the same answer again, and it "
                f"cannot be more than {percent(detail.get('upper_bound', value), 0)}. The rule "
                f"wants {percent(threshold, 0)}."
            )
        case "side_share":
            return (
                f"{percent(value, 0)} of {answers} with a preference are for the left. Were the "
                f"sides alike to them, that had a chance of {chance(detail.get('p_adjusted'))}, "
                f"all annotators allowed for; the rule fires below {threshold:g}."
            )
        case "agreement":
            return (
                f"On {counted(n, 'pair')} {percent(value, 0)} of the others' answers are the same. "
                f"{percent(threshold, 0)} would be the least by the rule, and "
                f"{percent(detail.get('chance', 0), 0)} comes by chance."
            )
        case "speed":
            return (
                f"{percent(value, 0)} of the latest {answers} took less time than looking at the "
                f"two texts does. The rule fires above {percent(threshold, 0)}."
            )
        case "straight_lining":
            return (
                f"The same answer {value:.0f} times in a row, in {answers}. The rule fires from "
                f"{threshold:.0f} on."
            )
        case "skips":
            return (
                f"{percent(value, 0)} of {counted(n, 'pair')} were skipped. The rule fires above "
                f"{percent(threshold, 0)}."
            )
        case "by_hand":
            return f"{detail.get('reason', '')} (after {answers})"
    return f"{value:g} of {answers}; the rule fires at {threshold:g}."


def chance(p_value: float | None) -> str:
    if p_value is None:
        return "little"
    return f"{p_value:.1g}" if p_value >= 1e-6 else "less than one in a million"
