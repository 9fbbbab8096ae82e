"""What a judge may answer, and the one mapping from its answer to the canonical verdict. Pure.

A judge sees "Response 1" and "Response 2" and answers `1>>2`, `1>2`, `tie`, `2>1`, `2>>1`, or
`both_bad` where its rubric allows that. Which of the two is a and which b says the order.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Answer(enum.StrEnum):
    """A grade as the judge writes it."""

    FIRST_MUCH = "1>>2"
    FIRST = "1>2"
    TIE = "tie"
    SECOND = "2>1"
    SECOND_MUCH = "2>>1"
    BOTH_BAD = "both_bad"


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade in canonical terms.

    Attributes
    ----------
    verdict
        `a`, `b`, `tie` or `both_bad`.
    margin
        1 slightly, 2 clearly; None for a tie and for both bad.
    """

    verdict: str
    margin: int | None


# Whether the first response wins, and by how much.
WINS = {
    Answer.FIRST_MUCH: (True, 2),
    Answer.FIRST: (True, 1),
    Answer.SECOND: (False, 1),
    Answer.SECOND_MUCH: (False, 2),
}


def answers_for(both_bad: bool) -> list[Answer]:
    """The answers that a judge is offered, from "the first is much better" on."""
    return [answer for answer in Answer if both_bad or answer is not Answer.BOTH_BAD]


def to_grade(answer: Answer, order: str) -> Grade:
    """Un-swap an answer.

    Parameters
    ----------
    answer : Answer
    order : str
        `ab`: response_a was shown first; `ba`: response_b was.

    Raises
    ------
    ValueError
        The order is none of the two.
    """
    if order not in ("ab", "ba"):
        raise ValueError(f"A judge is asked in the order ab or ba, not {order!r}.")
    won = WINS.get(answer)
    if won is None:
        return Grade(answer.value, None)
    first_wins, margin = won
    return Grade("a" if first_wins == (order == "ab") else "b", margin)
