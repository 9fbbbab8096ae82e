"""Whether answers fit the rubric, and what of them identifies a request."""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext, ngettext

from annotation.blinding import BOTH_BAD, LEFT, RIGHT, TIE
from annotation.canonical_json import canonical_json
from annotation.models import Criterion, Scale
from annotation.page_rules import MOST_TAGS, Answering, Ask
from annotation.text_faults import fault_of_text

from .decisions import Answer, Remarks
from .faults import InvalidAnswers
from .rubrics import Form, Question

# A rationale is a paragraph or two; with the rest it stays below the 32 KiB of a submit.
MAX_RATIONALE = 10_000
MAX_TAGS = MOST_TAGS
MAX_TAG_LENGTH = 64
# More criteria than a study may have, and longer than a criterion's key may be.
MAX_ANSWERS = 20
MAX_KEY_LENGTH = 64
# Layout, source view, scrolled to the end and the like.
MAX_READING_BYTES = 4_096

MAX_MARGIN = {Scale.FIVE: 2, Scale.SEVEN: 3}


def parse_answers(raw: object) -> dict[str, Answer]:
    """Read {"overall": {"choice": "left", "margin": 2}, ...}; `{"overall": "left"}` will do too.

    Raises
    ------
    InvalidAnswers
        If it has another shape, more than 20 criteria, or texts that no database keeps. Whether it
        fits the rubric is checked when it is submitted.
    """
    if not isinstance(raw, dict) or not raw:
        raise InvalidAnswers(
            gettext("The answers must be an object with a criterion each."), "answers"
        )
    if len(raw) > MAX_ANSWERS:
        raise InvalidAnswers(
            gettext("There are more than %(most)s answers.") % {"most": MAX_ANSWERS}, "answers"
        )
    answers = {}
    for key, value in raw.items():
        if not isinstance(key, str):
            raise InvalidAnswers(gettext("A criterion is named by a string."), "answers")
        # Answers that were begun are stored as they come, and refusals name the key.
        check_text(key, "answers", MAX_KEY_LENGTH)
        if isinstance(value, str):
            check_text(value, key, MAX_KEY_LENGTH)
            answers[key] = Answer(value)
            continue
        if not isinstance(value, dict) or not set(value) <= {"choice", "margin"}:
            raise InvalidAnswers(
                gettext("An answer is an object with `choice` and, on graded scales, `margin`."),
                key,
            )
        choice, margin = value.get("choice"), value.get("margin")
        if not isinstance(choice, str):
            raise InvalidAnswers(gettext("An answer needs a `choice`."), key)
        check_text(choice, key, MAX_KEY_LENGTH)
        if margin is not None and (isinstance(margin, bool) or not isinstance(margin, int)):
            raise InvalidAnswers(gettext("`margin` must be a whole number."), key)
        answers[key] = Answer(choice, margin)
    return answers


def check_answers(answers: Mapping[str, Answer], questions: Sequence[Question]) -> None:
    """Raise InvalidAnswers unless the answers fit the questions of the study."""
    known = {question.key: question for question in questions}
    for key, answer in answers.items():
        if key not in known:
            raise InvalidAnswers(gettext("This study has no such criterion."), key)
        check_answer(answer, known[key])
    for question in questions:
        if question.key not in answers and (question.required or question.key == Criterion.OVERALL):
            raise InvalidAnswers(gettext("This criterion must be answered."), question.key)


def check_decision(answers: Mapping[str, Answer], remarks: Remarks, form: Form) -> None:
    """Raise InvalidAnswers unless a page of this form could have sent it."""
    check_answers(answers, form.questions)
    check_asked(remarks, form.answering)


def fits(answers: Mapping[str, Answer], remarks: Remarks, form: Form) -> bool:
    """Whether `check_decision` passes."""
    try:
        check_decision(answers, remarks, form)
    except InvalidAnswers:
        return False
    return True


def check_asked(remarks: Remarks, asked: Answering) -> None:
    """Raise InvalidAnswers if something is missing that is asked, or given that is not."""
    words = remarks.rationale.strip()
    if words and asked.rationale is Ask.OFF:
        raise InvalidAnswers(gettext("This study asks for no reason."), "rationale")
    if len(words) < asked.shortest_rationale:
        raise InvalidAnswers(
            ngettext(
                "A reason of at least %(least)s character is required.",
                "A reason of at least %(least)s characters is required.",
                asked.shortest_rationale,
            )
            % {"least": asked.shortest_rationale},
            "rationale",
        )
    if remarks.confidence is None and asked.confidence is Ask.REQUIRED:
        raise InvalidAnswers(gettext("How sure you are must be said."), "confidence")
    if remarks.confidence is not None and asked.confidence is Ask.OFF:
        raise InvalidAnswers(gettext("This study does not ask how sure you are."), "confidence")
    unknown = [tag for tag in remarks.tags if tag not in asked.tags]
    if unknown:
        raise InvalidAnswers(
            gettext("This study has no such reason: %(reason)s.") % {"reason": unknown[0]}, "tags"
        )
    if len(set(remarks.tags)) < len(remarks.tags):
        raise InvalidAnswers(gettext("A reason is named once."), "tags")


def check_answer(answer: Answer, question: Question) -> None:
    allowed = [LEFT, RIGHT]
    if question.scale != Scale.BINARY:
        allowed.append(TIE)
    if question.both_bad:
        allowed.append(BOTH_BAD)
    if answer.choice not in allowed:
        raise InvalidAnswers(
            gettext("The choice must be one of %(known)s.") % {"known": ", ".join(allowed)},
            question.key,
        )
    most = MAX_MARGIN.get(Scale(question.scale))
    if most is None or answer.choice not in (LEFT, RIGHT):
        if answer.margin is not None:
            raise InvalidAnswers(gettext("This answer takes no margin."), question.key)
    elif answer.margin is None or not 1 <= answer.margin <= most:
        raise InvalidAnswers(
            gettext("The margin must be 1 to %(most)s on this scale.") % {"most": most},
            question.key,
        )


def check_text(value: object, field: str, most: int) -> None:
    """Raise InvalidAnswers unless both databases can hold the text."""
    if fault := fault_of_text(value, most):
        raise InvalidAnswers(fault, field)


def check_remarks(rationale: str, tags: Sequence[str], confidence: float | None) -> None:
    """Raise InvalidAnswers unless what accompanies the answers can be stored."""
    check_text(rationale, "rationale", MAX_RATIONALE)
    if len(tags) > MAX_TAGS:
        raise InvalidAnswers(
            gettext("There are more than %(max_tags)s tags.") % {"max_tags": MAX_TAGS}, "tags"
        )
    for tag in tags:
        check_text(tag, "tags", MAX_TAG_LENGTH)
    if confidence is not None and not (math.isfinite(confidence) and 0 <= confidence <= 1):
        raise InvalidAnswers(gettext("The confidence must lie between 0 and 1."), "confidence")


def read_remarks(rationale: str, tags: Sequence[str], confidence: float | None) -> Remarks:
    """The remarks, if they can be stored; whether the study asks for them is another question.

    Raises
    ------
    InvalidAnswers
        Too long, too many, or outside 0 to 1.
    """
    check_remarks(rationale, tags, confidence)
    return Remarks(rationale, tuple(tags), confidence)


def check_reading(reading: Mapping[str, Any]) -> None:
    """Raise InvalidAnswers unless it is a small flat object."""
    for key, value in reading.items():
        if not isinstance(key, str) or not isinstance(value, (bool, int, float, str)):
            raise InvalidAnswers(gettext("This must be an object of plain values."), "reading")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidAnswers(gettext("This must hold finite numbers."), "reading")
        check_text(key, "reading", MAX_READING_BYTES)
        if isinstance(value, str):
            check_text(value, "reading", MAX_READING_BYTES)
    if len(json.dumps(dict(reading))) > MAX_READING_BYTES:
        raise InvalidAnswers(
            gettext("This is larger than %(max_reading_bytes)s bytes.")
            % {"max_reading_bytes": MAX_READING_BYTES},
            "reading",
        )


def request_hash(
    assignment: uuid.UUID,
    answers: Mapping[str, Answer],
    rationale: str,
    tags: Sequence[str],
    confidence: float | None,
) -> str:
    """SHA-256 over the canonical JSON of the decision; timings are no part of it."""
    content = {
        "assignment": str(assignment),
        "answers": {key: [answer.choice, answer.margin] for key, answer in answers.items()},
        "rationale": rationale,
        "tags": list(tags),
        "confidence": confidence,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()
