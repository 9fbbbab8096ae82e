"""What goes over the wire to an annotator: all of it is made here, from what they may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.crypto import salted_hmac

from annotation.blinding import PresentedPair
from annotation.models import Criterion
from annotation.queue import Claim, HeldPair, Lease, Practice, Progress
from annotation.voting import Answer, Feedback, LastVote, Outcome

from .markdown import render_markdown
from .visible_text import visible_text
from .wording import EMPTY_TEXTS

# Names of the roles of a conversation as the page heads them; others are shown as they are.
SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System", "tool": "Tool"}


def text_for_page(text: str) -> dict[str, Any]:
    """A text rendered and as it was written; `empty` if there is nothing to see in it."""
    source = visible_text(text)
    return {"html": render_markdown(text), "source": source, "empty": not source.strip()}


def pair_for_page(pair: PresentedPair) -> dict[str, Any]:
    return {
        "id": str(pair.id),
        "prompt": [
            {"speaker": SPEAKERS.get(message.role, visible_text(message.role)), **text}
            for message in pair.prompt
            for text in [text_for_page(message.content)]
        ],
        "left": text_for_page(pair.left),
        "right": text_for_page(pair.right),
    }


def claim_for_page(claim: Claim) -> dict[str, Any]:
    """The pairs held, without the texts of those the page has already; or why there are none."""
    empty = None
    if claim.empty is not None:
        title, text = EMPTY_TEXTS[claim.empty]
        empty = {
            "code": claim.empty.value,
            "title": title,
            "text": text,
            "retry_after_seconds": claim.retry_after_seconds,
        }
    return {
        "pairs": [held_for_page(held) for held in claim.held],
        "empty": empty,
        "progress": progress_for_page(claim.progress),
        "practice": None if claim.practice is None else practice_for_page(claim.practice),
        "version": version_for_page(claim.study_version_id),
    }


def version_for_page(study_version_id: int | None) -> str | None:
    """A name of a study's version, only to tell whether the page was made under it.

    Not the key: a page shows no keys of rows.
    """
    if study_version_id is None:
        return None
    return salted_hmac("annotation.rating.version", str(study_version_id)).hexdigest()[:16]


def held_for_page(held: HeldPair) -> dict[str, Any]:
    pair = {"id": str(held.id)} if held.texts is None else pair_for_page(held.texts)
    return {**pair, "lease_seconds": held.lease_seconds}


def progress_for_page(progress: Progress) -> dict[str, Any]:
    return {
        "voted": progress.voted,
        "skipped": progress.skipped,
        "maximum": progress.maximum,
    }


def practice_for_page(practice: Practice) -> dict[str, int]:
    return {
        "number": practice.number,
        "of": practice.of,
        "attempt": practice.attempt,
        "attempts": practice.attempts,
    }


def leases_for_page(leases: Iterable[Lease]) -> dict[str, Any]:
    return {
        "leases": [
            {"id": str(lease.id), "state": lease.state.value, "seconds": lease.seconds}
            for lease in leases
        ]
    }


def answers_for_page(answers: Mapping[str, Answer]) -> dict[str, Any]:
    return {
        key: {"choice": answer.choice, "margin": answer.margin} for key, answer in answers.items()
    }


def outcome_for_page(outcome: Outcome) -> dict[str, Any]:
    """The same bytes however often the decision is sent."""
    return {
        "assignment": str(outcome.assignment),
        "received": outcome.received.value,
        "stored": True,
        "late": outcome.late,
        "revision": outcome.revision,
        "answers": answers_for_page(outcome.answers),
        "feedback": None if outcome.feedback is None else feedback_for_page(outcome.feedback),
    }


def feedback_for_page(feedback: Feedback) -> dict[str, Any]:
    """What was expected of a practice pair, on the sides that this person saw."""
    return {
        "correct": feedback.correct,
        "accepted": {key: list(choices) for key, choices in feedback.accepted.items()},
        "explanation": render_markdown(feedback.explanation, keep_breaks=False)
        if feedback.explanation.strip()
        else "",
    }


def last_vote_for_page(last: LastVote | None) -> dict[str, Any]:
    if last is None:
        return {"pair": None}
    return {
        "pair": pair_for_page(last.pair),
        "answers": answers_for_page(last.answers),
        "rationale": last.rationale,
        "revision": last.revision,
    }


def criteria_for_page(criteria: Sequence[Criterion]) -> list[dict[str, Any]]:
    """The questions, `overall` first, then in the order of the rubric."""
    ordered = sorted(criteria, key=lambda criterion: criterion.key != Criterion.OVERALL)
    return [
        {
            "key": criterion.key,
            "question": criterion.question or "Which response is better?",
            "scale": criterion.scale,
            "both_bad": criterion.both_bad,
            "required": criterion.required or criterion.key == Criterion.OVERALL,
        }
        for criterion in ordered
    ]
