"""What annotators said about themselves: answers to the study's own questions, and nothing else.

Only what the study's rules ask is read, and only answers that its questions offer: a profile can
hold more, such as a team's name, and none of it reaches a report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotation.models import Study
from annotation.rules import rules_of
from reports.stats.votes import IntArray

UNKNOWN = -1
"""Not asked, or rather not said."""


@dataclass(frozen=True, slots=True)
class ProfileRecords:
    """One question, and the answer of each annotator.

    Attributes
    ----------
    key, text : str
    options : tuple of str
    answer : int array, shape (annotators,)
        The place of the answer among the options; `UNKNOWN` without one.
    """

    key: str
    text: str
    options: tuple[str, ...]
    answer: IntArray


def load_profiles(study: Study, annotators: Sequence[str]) -> tuple[ProfileRecords, ...]:
    """The answers of the annotators whose votes count, named in their order, by question."""
    questions = rules_of(study.rules).profile.questions
    if not questions:
        return ()
    profiles = dict(study.annotators.values_list("external_id", "profile"))
    return tuple(
        ProfileRecords(
            question.key,
            question.text,
            question.options,
            np.array(
                [
                    place_of(profiles[name].get(question.key), question.options)
                    for name in annotators
                ],
                dtype=np.int64,
            ),
        )
        for question in questions
    )


def place_of(said: object, options: Sequence[str]) -> int:
    return options.index(said) if isinstance(said, str) and said in options else UNKNOWN


def pooled_profiles(
    new: tuple[ProfileRecords, ...],
    old: tuple[ProfileRecords, ...],
    places: IntArray,
    old_places: IntArray,
    number: int,
) -> tuple[ProfileRecords, ...]:
    """The new study's questions with the answers of both, where the old one asked the same.

    Parameters
    ----------
    places, old_places : int array
        Where the annotators of each stand among all.
    number : int
        Of all annotators.
    """
    before = {(asked.key, asked.options): asked for asked in old}
    found = []
    for asked in new:
        answer = np.full(number, UNKNOWN, dtype=np.int64)
        same = before.get((asked.key, asked.options))
        if same is not None:
            answer[old_places] = same.answer
        answer[places] = np.where(asked.answer == UNKNOWN, answer[places], asked.answer)
        found.append(replace(asked, answer=answer))
    return tuple(found)
