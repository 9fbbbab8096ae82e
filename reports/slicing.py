"""Figures by category, by tag and by what annotators said of themselves, as the report tells them.

A slice by an answer is of people, and few people are soon known by name: no slice is of fewer than
`LEAST_PEOPLE`, and so many stand outside the slices too, or nobody, so that none can be had by
taking the others from the whole. While people vote none is told: figures of two days differ by
those who voted between them. Slices by several questions are still of the same people, and whoever
takes them together may know more than one alone tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.profile_records import UNKNOWN, ProfileRecords
from reports.records import StudyRecords
from reports.stats.slices import SLICE_VOTES, fit_slices
from reports.stats.votes import Votes

# Rows of all slices of a kind: more would make the report's file larger than all the rest.
ROWS = 1_000
SLICES = 40
LEAST_PEOPLE = 5
"""People whose votes a slice by an answer has at least, and those outside all of them."""
WHILE_VOTING = (
    "Votes by answers are told once the study is closed: what changes from day to day could show "
    "who voted meanwhile."
)


def slices(
    votes: Votes, read: StudyRecords, *, level: float, still_voting: bool = False
) -> dict[str, Any]:
    """All kinds of slices; a prompt without a category is in a slice without a name.

    Parameters
    ----------
    votes : Votes
    read : StudyRecords
    level : float
    still_voting : bool
        Whether annotators may still vote, so that none by their answers is told.
    """
    categories = [(category,) for category in read.prompt_category]
    if not any(read.prompt_category):
        categories = []
    return {
        "category": _of_prompts(votes, read, categories, "category", level),
        "tag": _of_prompts(votes, read, read.prompt_tags, "tag", level),
        "profile": [
            _asked(asked, 0, {"slices": None, "reason": WHILE_VOTING})
            if still_voting
            else _of_people(votes, read, asked, level)
            for asked in read.profiles
        ],
    }


def no_slices(read: StudyRecords, reason: str) -> dict[str, Any]:
    """No slices of any kind, and why."""
    none = {"slices": None, "reason": reason}
    return {
        "category": none,
        "tag": none,
        "profile": [_asked(asked, 0, none) for asked in read.profiles],
    }


def _asked(asked: ProfileRecords, hidden: int, sliced: dict[str, Any]) -> dict[str, Any]:
    return {
        "question": asked.key,
        "text": asked.text,
        "least_people": LEAST_PEOPLE,
        "hidden": hidden,
        "sliced": sliced,
    }


def _of_people(
    votes: Votes, read: StudyRecords, asked: ProfileRecords, level: float
) -> dict[str, Any]:
    """Slices by the answers to one question, of the people whose votes count."""
    voted = np.unique(votes.annotator)
    people = np.bincount(
        asked.answer[voted][asked.answer[voted] != UNKNOWN], minlength=len(asked.options)
    )
    shown = answers_shown(people.tolist(), voted.size)
    hidden = int((people > 0).sum()) - len(shown)
    if not shown:
        reason = f"No answer was given by {LEAST_PEOPLE} people or more."
        if people.size and people.max() >= LEAST_PEOPLE:
            reason = (
                f"Beside the answers that {LEAST_PEOPLE} people or more gave, fewer than "
                f"{LEAST_PEOPLE} people would be left, whose votes could be had by subtraction."
            )
        return _asked(asked, hidden, {"slices": None, "reason": reason})
    said = asked.answer[votes.annotator]
    names = [asked.options[answer] for answer in shown]
    found = _fitted(votes, read, names, [said == answer for answer in shown], 0, level)
    return _asked(asked, hidden, found)


def answers_shown(people: Sequence[int], voted: int) -> list[int]:
    """Which answers can be shown, of so many people each, among so many who voted.

    Examples
    --------
    >>> answers_shown([9, 7, 4], 20)
    [0]
    >>> answers_shown([9, 7], 16)
    [0, 1]
    """
    shown = [answer for answer, number in enumerate(people) if number >= LEAST_PEOPLE]
    while shown and 0 < voted - sum(people[answer] for answer in shown) < LEAST_PEOPLE:
        # The rest would be what is left of the whole: the smallest goes along with it.
        shown.remove(min(shown, key=lambda answer: people[answer]))
    return shown


def _of_prompts(
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
    return _fitted(
        votes,
        read,
        [names[number] for number in chosen],
        [member[number][votes.prompt] for number in chosen],
        int((sizes > 0).sum()) - len(chosen),
        level,
    )


def _fitted(
    votes: Votes,
    read: StudyRecords,
    names: Sequence[str],
    members: Sequence[np.ndarray[Any, np.dtype[np.bool_]]],
    left_out: int,
    level: float,
) -> dict[str, Any]:
    found = fit_slices(votes, members, level=level)
    return {
        "reason": None,
        "tau": found.tau.as_dict(),
        "dispersion": found.dispersion,
        "smallest": SLICE_VOTES,
        "left_out": left_out,
        "slices": [
            {
                "name": name,
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
            for name, part in zip(names, found.slices, strict=True)
        ],
    }
