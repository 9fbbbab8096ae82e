"""Why a pair is here, what raters said, and why there is none, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annotation.blinding import BOTH_BAD, LEFT, RIGHT
from annotation.models import Criterion, SkipReason, Study, StudyState
from annotation.rating.visible_text import visible_text
from annotation.voting import Answer

from .disagreements import Cause, Disagreement
from .routing import Desk
from .showing import FlagRemark, Remark

NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip

FLAGGED = {
    SkipReason.CANNOT_JUDGE: "it cannot be judged",
    SkipReason.BROKEN_DISPLAY: "it is not displayed properly",
    SkipReason.HARMFUL: "it is harmful or upsetting",
    SkipReason.LANGUAGE: "they do not know its language well enough",
    SkipReason.OTHER: "something is wrong with it",
}

DEGREES = {2: {1: "somewhat", 2: "clearly"}, 3: {1: "slightly", 2: "somewhat", 3: "clearly"}}


def spelled(number: int) -> str:
    """`three`, `eleven` as 11."""
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"


def people(number: int) -> str:
    return f"{spelled(number)} {'person' if number == 1 else 'people'}".capitalize()


def why_here(found: Disagreement, questions: Mapping[str, str]) -> str:
    """One sentence; `questions` has the text of each criterion, named where there are several."""
    sentence = cause_in_words(found)
    if found.criterion and len(questions) > 1:
        question = visible_text(questions[found.criterion])
        return f"{sentence.removesuffix('.')} on \u201c{question}\u201d."
    return sentence


def cause_in_words(found: Disagreement) -> str:
    if found.cause == Cause.FLAGGED:
        return f"{people(found.people)} flagged this pair."
    if found.cause == Cause.SKIPPED:
        return f"{people(found.people)} skipped this pair."
    if found.cause == Cause.FAR_APART:
        return f"{people(found.people)} gave answers that lie far apart."
    if found.people == found.answers:
        return f"{people(found.people)} chose {spelled(found.answers)} different answers."
    return f"{people(found.people)} are split, with no answer ahead of the others."


@dataclass(frozen=True, slots=True)
class SpokenRemark:
    """What the page shows of a remark. `said` comes before the text, `hint` after it."""

    said: str
    text: str
    hint: str


def speak(remark: Remark, questions: Mapping[str, str], steps: Mapping[str, int]) -> SpokenRemark:
    """A rater's reason; `steps` has the steps of each graded criterion."""
    said = f"Someone {answer_in_words(remark.answer, steps.get(remark.criterion))}"
    if remark.criterion != Criterion.OVERALL and remark.criterion in questions:
        said = f"{said} on \u201c{visible_text(questions[remark.criterion])}\u201d"
    return SpokenRemark(
        said=said,
        text=visible_text(remark.text),
        # Their words may name a side.
        hint="For them, Response 1 and Response 2 were the other way round."
        if remark.other_way_round
        else "",
    )


def answer_in_words(answer: Answer, steps: int | None) -> str:
    """`preferred Response 2`, with how clearly on a graded scale of `steps` to each side."""
    if answer.choice in (LEFT, RIGHT):
        number = 1 if answer.choice == LEFT else 2
        degree = DEGREES.get(steps or 0, {}).get(answer.margin or 0)
        return f"{degree + ' ' if degree else ''}preferred Response {number}"
    return "found both bad" if answer.choice == BOTH_BAD else "called it a tie"


def flag_in_words(flag: FlagRemark) -> SpokenRemark:
    reason = flag.reason if flag.reason in SkipReason.values else SkipReason.OTHER
    return SpokenRemark(
        said=f"Someone flagged the pair: {FLAGGED[SkipReason(reason)]}",
        text=visible_text(flag.note),
        hint="",
    )


NOT_DECIDABLE = {
    StudyState.DRAFT: (
        "This study has not started yet",
        "There is nothing to decide before people have voted.",
    ),
    StudyState.ARCHIVED: (
        "This study is archived",
        "It takes no more decisions. Those that were taken are stored.",
    ),
}


def nothing_to_decide(study: Study, desk: Desk) -> tuple[str, str]:
    """A title and an explanation for an empty desk; true whenever they are shown."""
    if study.state in NOT_DECIDABLE:
        return NOT_DECIDABLE[StudyState(study.state)]
    if not desk.whole:
        return (
            "No pair is left for you at the moment",
            "Either everything is decided, or what is left waits for other reviewers: nobody "
            "decides a pair that they were given to rate, that they skipped here, or that a "
            "colleague has open. Look again later.",
        )
    if desk.with_colleagues:
        return (
            "Other reviewers have the remaining pairs open",
            "They may leave some of them, and those would come to you. Look again later.",
        )
    if desk.not_yours:
        return (
            "Nothing is left for you to decide",
            "What is left waits for another reviewer: nobody decides a pair that they were given "
            "to rate, or that they skipped here.",
        )
    if study.state == StudyState.CLOSED:
        return (
            "Nothing is left to decide",
            "The study is closed, and every disagreement in it is decided.",
        )
    return (
        "No disagreement waits at the moment",
        "A pair comes here when everybody who was asked has answered, and the answers disagree. "
        "Look again later.",
    )


def broken_off(gone: int, length: int) -> str:
    """How far a search came that takes longer than a page.

    Examples
    --------
    >>> broken_off(250_000, 1_000_000)[:56]
    'The study is large. 25 % of it was looked through so far'
    """
    share = min(99, 100 * gone // max(1, length))
    return (
        f"The study is large. {share} % of it was looked through so far, and no pair was found "
        "there for you. The next search goes on from there."
    )


def waiting(desk: Desk) -> str:
    """How many pairs can be taken now."""
    if not desk.yours:
        return (
            "The study is large, and none was found in the part of it that was looked through. The "
            "next pair is looked for in all of it."
        )
    pairs = f"{desk.yours:,} {'pair waits' if desk.yours == 1 else 'pairs wait'}"
    return f"{pairs if desk.whole else f'At least {pairs}'} for your decision."
