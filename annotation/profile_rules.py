"""What a study asks its annotators about themselves, once, at their first visit. Pure.

A section of `annotation.rules`. The answers stand in the annotator's profile under the keys of the
questions, where eligibility looks, and are told apart by them in the table of annotators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from annotation.shown_values import shown
from annotation.storable import is_storable

# More questions than this are a survey, and people answer them like one.
MOST_QUESTIONS = 5
MOST_OPTIONS = 20
LONGEST_QUESTION = 200
LONGEST_OPTION = 80
KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
# Set by whoever runs the study.
TEAM = "team"
# The demo's mark of people who are made up.
TAKEN = frozenset({TEAM, "simulated"})
PARTS = frozenset({"key", "text", "options"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its options; whoever does not want to say need not.

    Attributes
    ----------
    key : str
        Names the answer in the profile, in rules and in files.
    text : str
    options : tuple of str
        Two to twenty, in the order in which they are shown.
    """

    key: str
    text: str
    options: tuple[str, ...]


def read_questions(place: str, raw: object, faults: list[str]) -> tuple[Question, ...]:
    """The questions that a list of objects states; every fault is named with its place."""
    if not isinstance(raw, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in raw):
        faults.append(f"{place} must be a list of objects with key, text and options.")
        return ()
    if len(raw) > MOST_QUESTIONS:
        faults.append(f"{place} has {len(raw)} questions; {MOST_QUESTIONS} are the most.")
        return ()
    questions = tuple(
        read_question(f"{place}, {number}", entry, faults) for number, entry in enumerate(raw, 1)
    )
    keys = [question.key for question in questions]
    faults += [
        f"{place}: the key {shown(key)} comes {keys.count(key)} times."
        for key in dict.fromkeys(keys)
        if key and keys.count(key) > 1
    ]
    return questions


def read_question(place: str, raw: Mapping[str, object], faults: list[str]) -> Question:
    faults += [
        f"{place}: there is no {shown(name)}; there are {', '.join(sorted(PARTS))}."
        for name in raw
        if name not in PARTS
    ]
    key = raw.get("key")
    if not isinstance(key, str) or KEY.fullmatch(key) is None or key in TAKEN:
        faults.append(
            f"{place}: key must be 1 to 32 small letters, digits or _ that begin with a letter, "
            f"and none of {', '.join(sorted(TAKEN))}; it is {shown(key)}."
        )
        key = ""
    text = raw.get("text")
    if not is_line(text, LONGEST_QUESTION):
        faults.append(
            f"{place}: text must be one line of 1 to {LONGEST_QUESTION} characters, "
            f"not {shown(text)}."
        )
        text = ""
    return Question(key, str(text), read_options(f"{place}, options", raw.get("options"), faults))


def read_options(place: str, raw: object, faults: list[str]) -> tuple[str, ...]:
    if not isinstance(raw, (list, tuple)) or not 2 <= len(raw) <= MOST_OPTIONS:
        faults.append(f"{place} must be a list of 2 to {MOST_OPTIONS} texts.")
        return ()
    wrong = [option for option in raw if not is_line(option, LONGEST_OPTION)]
    faults += [
        f"{place}: {shown(option)} must be one line of 1 to {LONGEST_OPTION} characters without "
        "a space at either end."
        for option in wrong
    ]
    options = tuple(str(option) for option in raw)
    if len(set(options)) < len(options):
        faults.append(f"{place}: an option comes twice.")
    return options


def is_line(text: object, longest: int) -> bool:
    return (
        isinstance(text, str)
        and 1 <= len(text) <= longest
        and text == text.strip()
        and is_storable(text)
        and text.isprintable()
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """The questions of a study; none by default."""

    questions: tuple[Question, ...] = field(default=(), metadata={"read": read_questions})


def open_questions(profile: Profile, known: Mapping[str, object]) -> tuple[Question, ...]:
    """Those that an annotator was not asked yet: an answer of None is one, too."""
    return tuple(question for question in profile.questions if question.key not in known)
