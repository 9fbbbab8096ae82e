"""Figures by category and by tag, as the report tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.records import StudyRecords
from reports.stats.slices import SLICE_VOTES, fit_slices
from reports.stats.votes import Votes

# Rows of all slices of a kind: more would make the report's file larger than all the rest.
ROWS = 1_000
SLICES = 40


def slices(votes: Votes, read: StudyRecords, *, level: float) -> dict[str, Any]:
    """Both kinds of slices; a prompt without a category is in a slice without a name."""
    categories = [(category,) for category in read.prompt_category]
    if not any(read.prompt_category):
        categories = []
    return {
        "category": _kind(votes, read, categories, "category", level),
        "tag": _kind(votes, read, read.prompt_tags, "tag", level),
    }


def no_slices(reason: str) -> dict[str, Any]:
    """No slices of either kind, and why."""
    return {kind: {"slices": None, "reason": reason} for kind in ("category", "tag")}


def _kind(
    votes: Votes,
    read: StudyRecords,
    labels: Sequence[Sequence[str]],
    kind: str,
    level: float,
) -> dict[str, Any]:
    names = sorted({name for own in labels for name in own})
    if not any(names):
        return {"slices": None, "reason": f"No prompt has a {kind}."}
    code = {name: number for number, name in enumerate(names)}
    member = np.zeros((len(names), len(labels)), dtype=bool)
    for prompt, own in enumerate(labels):
        for name in own:
            member[code[name], prompt] = True
    votes_of_prompt = np.bincount(votes.prompt, minlength=len(labels))
    sizes = member @ votes_of_prompt
    most = max(1, min(SLICES, ROWS // max(len(read.systems), 1)))
    # The largest, in the order of their names.
    largest = np.lexsort((np.arange(len(names)), -sizes))[:most]
    chosen = sorted(number for number in largest.tolist() if sizes[number] > 0)
    if not chosen:
        return {"slices": None, "reason": f"No prompt with votes has a {kind}."}
    found = fit_slices(votes, [member[number][votes.prompt] for number in chosen], level=level)
    return {
        "reason": None,
        "tau": found.tau.as_dict(),
        "dispersion": found.dispersion,
        "smallest": SLICE_VOTES,
        "left_out": int((sizes > 0).sum()) - len(chosen),
        "slices": [
            {
                "name": names[number],
                "votes": part.votes,
                "shrunk_only": part.raw is None,
                "rows": [
                    {
                        "system": system,
                        "strength": part.strengths[place].as_dict(),
                        "raw": None if part.raw is None else part.raw[place].as_dict(),
                        "win_rate": part.win_rates[place].as_dict(),
                    }
                    for place, system in enumerate(read.systems)
                ],
            }
            for number, part in zip(chosen, found.slices, strict=True)
        ],
    }
