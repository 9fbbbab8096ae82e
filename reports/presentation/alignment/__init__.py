"""Judges on pages of their own: all beside each other, and one with everything that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reports.wording.trust import FEWEST

from .biases import biases
from .overview import JudgeInBrief, in_brief, panel_section
from .ranked import own_family, pairs_at_equal_length, ranking, systems
from .sections import Cell, Section
from .verdicts import (
    beside,
    confidence,
    coverage,
    disagreements,
    errors,
    left_out,
    parts,
    stand_in,
    votes_in_words,
)


def sections(entry: Mapping[str, Any], pair_link: Callable[[str], str]) -> list[Section]:
    """What is known of one judge version; with too few votes that is counts alone.

    Parameters
    ----------
    entry : mapping
        Of the report's alignment, with a standing.
    pair_link : function
        From an item's id to the address of its page.
    """
    if entry["n"] < FEWEST:
        # What stands in the other sections begins there.
        return [beside(entry), errors(entry), biases(entry), disagreements(entry, pair_link)]
    return [
        beside(entry),
        errors(entry),
        biases(entry),
        stand_in(entry),
        *left_out(entry),
        *parts(entry),
        confidence(entry),
        coverage(entry),
        systems(entry),
        *pairs_at_equal_length(entry),
        ranking(entry),
        *own_family(entry),
        disagreements(entry, pair_link),
    ]


__all__ = [
    "Cell",
    "JudgeInBrief",
    "Section",
    "in_brief",
    "panel_section",
    "sections",
    "votes_in_words",
]
