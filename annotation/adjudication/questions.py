"""The questions as a form shows them: each criterion with its answers, from left to right.

The answers have the order, the words and the keys of the rating page (rating/choices.js).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annotation.blinding import BOTH_BAD, LEFT, RIGHT, TIE
from annotation.models import Criterion, Scale
from annotation.voting import Answer

FIELD = "answer-"
# How clearly, from the end of a graded scale to its middle.
GRADES = {
    Scale.FIVE: ("much better", "better"),
    Scale.SEVEN: ("much better", "better", "slightly better"),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be given.

    Attributes
    ----------
    answer : Answer
    label : str
        As short as on a button.
    full : str
        The same as a sentence.
    key : str
        The key that chooses it.
    chosen : bool
    """

    answer: Answer
    label: str
    full: str
    key: str
    chosen: bool = False

    @property
    def value(self) -> str:
        return value_of(self.answer)


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One criterion of the form."""

    key: str
    text: str
    required: bool
    scale: str
    options: tuple[Option, ...]
    levels: tuple[Mapping[str, str], ...]
    # Why it is asked: people disagreed on it.
    disputed: bool
    # Why its answer was not taken; empty if it was, or was not sent.
    fault: str = ""

    @property
    def field(self) -> str:
        return FIELD + self.key


def value_of(answer: Answer) -> str:
    """What a form sends for an answer: `left`, or `left:2` where it is graded."""
    return answer.choice if answer.margin is None else f"{answer.choice}:{answer.margin}"


def answer_from(value: str) -> Answer:
    """The inverse of `value_of`; what it cannot read is a choice that no rubric has."""
    choice, _, margin = value.partition(":")
    if margin in {"1", "2", "3"}:
        return Answer(choice, int(margin))
    return Answer(value)


def read_answers(posted: Mapping[str, str], criteria: Iterable[Criterion]) -> dict[str, Answer]:
    """The answers among the fields of a form; questions that were left open are missing."""
    return {
        row.key: answer_from(posted[FIELD + row.key])
        for row in criteria
        if posted.get(FIELD + row.key)
    }


def ask(
    criteria: Iterable[Criterion],
    answers: Mapping[str, Answer],
    disputed: Iterable[str] = (),
    *,
    was_sent: bool = False,
) -> list[AskedQuestion]:
    """The questions, `overall` first, with the answers given so far.

    `was_sent`: the answers were refused, so each question says what is wrong with its answer.
    """
    known = set(disputed)
    ordered = sorted(criteria, key=lambda row: row.key != Criterion.OVERALL)
    return [
        AskedQuestion(
            key=row.key,
            text=row.question or "Which response is better?",
            required=row.required or row.key == Criterion.OVERALL,
            scale=row.scale,
            options=tuple(
                Option(
                    option.answer,
                    option.label,
                    option.full,
                    option.key,
                    option.answer == answers.get(row.key),
                )
                for option in options_of(row)
            ),
            levels=tuple(row.levels),
            disputed=row.key in known,
            fault=fault_of(row, answers.get(row.key)) if was_sent else "",
        )
        for row in ordered
    ]


def fault_of(criterion: Criterion, answer: Answer | None) -> str:
    """What is wrong with an answer, for people; empty if nothing is."""
    if answer is None:
        required = criterion.required or criterion.key == Criterion.OVERALL
        return "Choose an answer to this question." if required else ""
    if any(option.answer == answer for option in options_of(criterion)):
        return ""
    return "This answer is not on offer here. Choose another."


def options_of(criterion: Criterion) -> list[Option]:
    """What can be answered; "both bad" stands between the sides, or after a graded scale."""
    both_bad = Option(Answer(BOTH_BAD), "Both bad", "Both responses are bad", "9")
    words = GRADES.get(Scale(criterion.scale))
    if words is not None:
        options = graded_options(words)
        return [*options, both_bad] if criterion.both_bad else options
    options = [Option(Answer(LEFT), "Response 1", "Response 1 is better", "1")]
    if criterion.scale != Scale.BINARY:
        options.append(Option(Answer(TIE), "Tie", "Tie: both are equally good", "0"))
    if criterion.both_bad:
        options.append(both_bad)
    return [*options, Option(Answer(RIGHT), "Response 2", "Response 2 is better", "2")]


def graded_options(words: tuple[str, ...]) -> list[Option]:
    steps = len(words)
    left = [(Answer(LEFT, steps - place), 1, word) for place, word in enumerate(words)]
    right = [(Answer(RIGHT, steps - place), 2, word) for place, word in enumerate(words)][::-1]
    middle = Option(Answer(TIE), "Tie", "Tie: both are equally good", str(steps + 1))
    return [
        *(graded(answer, side, word, place) for place, (answer, side, word) in enumerate(left, 1)),
        middle,
        *(
            graded(answer, side, word, place)
            for place, (answer, side, word) in enumerate(right, steps + 2)
        ),
    ]


def graded(answer: Answer, side: int, word: str, place: int) -> Option:
    return Option(answer, f"{side} {word}", f"Response {side} is {word}", str(place))
