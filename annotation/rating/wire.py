"""What goes over the wire to an annotator: all of it is made here, from what they may see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotation.blinding import PresentedPair
from annotation.models import Criterion
from annotation.page_rules import Answering, Crowd
from annotation.queue import Claim, HeldPair, Lease, Practice, Progress
from annotation.voting import EarlierVote, Feedback, Outcome, Remarks, answers_as_json

from .desk import Begun
from .ending import Ending, ending_of
from .markdown import render_markdown
from .own_answers import Summary
from .requests import milliseconds_of
from .visible_text import visible_text
from .wording import EMPTY_TEXTS

# Names of the roles of a conversation as the page heads them; others are shown as they are.
SPEAKERS = {
    "user": _("User"),
    "assistant": _("Assistant"),
    "system": _("System"),
    "tool": _("Tool"),
}


def text_for_page(text: str) -> dict[str, Any]:
    """A text rendered and as it was written; `empty` if there is nothing to see in it."""
    source = visible_text(text)
    return {"html": render_markdown(text), "source": source, "empty": not source.strip()}


def pair_for_page(pair: PresentedPair) -> dict[str, Any]:
    return {
        "id": str(pair.id),
        "prompt": [
            {"speaker": str(SPEAKERS.get(message.role) or visible_text(message.role)), **text}
            for message in pair.prompt
            for text in [text_for_page(message.content)]
        ],
        "left": text_for_page(pair.left),
        "right": text_for_page(pair.right),
        "reference": text_for_page(pair.reference) if pair.reference.strip() else None,
    }


def claim_for_page(claim: Claim, crowd: Crowd) -> dict[str, Any]:
    """The pairs held, without the texts of those the page has already; or why there are none."""
    empty = None
    if claim.empty is not None:
        title, text = EMPTY_TEXTS[claim.empty]
        empty = {
            "code": claim.empty.value,
            "title": str(title),
            "text": str(text),
            "retry_after_seconds": claim.retry_after_seconds,
            "completion": completion_for_page(ending_of(claim, crowd)),
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


def outcome_for_page(outcome: Outcome) -> dict[str, Any]:
    """The same bytes however often the decision is sent."""
    return {
        "assignment": str(outcome.assignment),
        "received": outcome.received.value,
        "stored": True,
        "late": outcome.late,
        "revision": outcome.revision,
        "answers": answers_as_json(outcome.answers),
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


def earlier_for_page(earlier: EarlierVote | None) -> dict[str, Any]:
    """An own vote with its pair; `pair` is None where there is none."""
    if earlier is None:
        return {"pair": None}
    return {
        "pair": pair_for_page(earlier.pair),
        "answers": answers_as_json(earlier.answers),
        **remarks_for_page(earlier.remarks),
        "revision": earlier.revision,
    }


def remarks_for_page(remarks: Remarks) -> dict[str, Any]:
    return {
        "rationale": remarks.rationale,
        "tags": list(remarks.tags),
        "confidence": remarks.confidence,
    }


def completion_for_page(ending: Ending | None) -> dict[str, str] | None:
    return None if ending is None else {"code": ending.code, "url": ending.url}


def summary_for_page(summary: Summary) -> dict[str, Any]:
    return {
        "pairs": summary.pairs,
        "timed": summary.timed,
        "active_seconds": round(summary.active_ms / 1000),
        "mean_seconds": None if summary.mean_seconds is None else round(summary.mean_seconds, 1),
    }


def begun_for_page(begun: Begun | None) -> dict[str, Any] | None:
    if begun is None:
        return None
    return {
        "assignment": str(begun.assignment),
        "answers": answers_as_json(begun.answers),
        **remarks_for_page(begun.remarks),
        "written_at": milliseconds_of(begun.written_at),
    }


def answering_for_page(answering: Answering, language: str = "") -> dict[str, Any]:
    """What is asked beside the criteria, and when a break is proposed."""
    return {
        "lang": language,
        "rationale": answering.rationale.value,
        "rationale_min": answering.shortest_rationale,
        "confidence": answering.confidence.value,
        "tags": list(answering.tags),
        "revise_earlier": answering.revise_earlier,
        "break_after_minutes": answering.break_after_minutes,
    }


def criteria_for_page(criteria: Sequence[Criterion], language: str = "") -> list[dict[str, Any]]:
    """The questions, `overall` first, then in the order of the rubric.

    `language` is that of the study's texts; None stands where the question is the page's own.
    """
    ordered = sorted(criteria, key=lambda criterion: criterion.key != Criterion.OVERALL)
    return [
        {
            "key": criterion.key,
            "question": question_of(criterion),
            "lang": language if is_own(criterion) else None,
            "scale": criterion.scale,
            "both_bad": criterion.both_bad,
            "required": criterion.required or criterion.key == Criterion.OVERALL,
        }
        for criterion in ordered
    ]


def question_of(criterion: Criterion) -> str:
    """As the study asks it; what nobody wrote is asked in the reader's language."""
    return criterion.question if is_own(criterion) else gettext("Which response is better?")


def is_own(criterion: Criterion) -> bool:
    """Whether the study wrote the question."""
    return criterion.question not in ("", Criterion.GIVEN_QUESTION)
