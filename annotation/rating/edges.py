"""The JSON that the page's script talks to. Every change goes through the queue or voting."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError, IntegrityError, InterfaceError
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from annotation import queue, voting
from annotation.access import study_annotator
from annotation.models import Annotator, AnnotatorState, SkipReason
from annotation.outages import is_outage
from annotation.rules import rules_of

from . import requests, wire
from .desk import KeysRefused, load_desk, save_draft, save_keys
from .flagging import MAX_NOTE, flag_pair
from .json_edge import answer, json_edge, own_page, refusal
from .lending import MOST_WANTED, lend_pairs
from .own_answers import summarise
from .requests import BadRequest
from .skipping import refused_skip, skip_pair

log = structlog.get_logger(__name__)

DEFAULT_WANTED = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What a page asks for: so many pairs held, and no texts of those that it has."""

    want: int
    have: list[uuid.UUID]

    @classmethod
    def read(cls, body: dict[str, Any]) -> Wish:
        want = requests.read_whole_number(
            body, "want", default=DEFAULT_WANTED, least=1, most=MOST_WANTED
        )
        return cls(want, requests.read_uuids(body, "have"))


@json_edge
def next_pairs(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """The pairs held, claimed if need be; `have` names those whose texts the page has."""
    wish = Wish.read(body)
    return answer(lend_pairs(annotator, want=wish.want, have=wish.have))


@json_edge
def renew(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """The page is in use: keep what it holds. `displayed` is the pair on the screen."""
    held = requests.read_uuids(body, "held")
    displayed = requests.read_optional_uuid(body, "displayed")
    return answer(wire.leases_for_page(queue.renew(annotator, held, displayed=displayed)))


@json_edge
def vote(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Store a decision; a repeat of the same request gets the same answer.

    `next` asks for pairs in the same request, as :func:`next_pairs` does by itself. They are
    claimed once the decision is stored, in a transaction of their own, and are no part of it: a
    repeat gets what is held then.
    """
    wish = requests.read_optional_object(body, "next")
    # Read first: a wish that cannot be read stores nothing.
    wished = None if wish is None else Wish.read(wish)
    timing = requests.read_object(body, "timing")
    try:
        outcome = voting.submit(
            annotator,
            requests.read_uuid(body, "assignment"),
            voting.parse_answers(body.get("answers")),
            requests.read_uuid(body, "key"),
            rationale=requests.read_text(body, "rationale", requests.MAX_BODY_BYTES),
            tags=requests.read_texts(body, "tags"),
            confidence=requests.read_confidence(body, "confidence"),
            timing=voting.Timing(
                active_ms=requests.read_milliseconds(timing, "active_ms"),
                elapsed_ms=requests.read_milliseconds(timing, "elapsed_ms"),
                hidden_ms=requests.read_milliseconds(timing, "hidden_ms"),
                first_choice_ms=requests.read_milliseconds(timing, "first_choice_ms"),
            ),
            reading=requests.read_object(body, "reading"),
            revises=requests.read_flag(body, "revises"),
        )
    except voting.StoredDecision as fault:
        stored = voting.answers_as_json(fault.stored)
        return refusal(fault.code, str(fault), fault.status, stored=True, answers=stored)
    except voting.InvalidAnswers as fault:
        return refusal(fault.code, str(fault), fault.status, stored=False, field=fault.field)
    except voting.VotingFault as fault:
        return refusal(fault.code, str(fault), fault.status, stored=False)
    headers = {"Idempotent-Replayed": "true"} if outcome.replayed else {}
    content = wire.outcome_for_page(outcome)
    if wished is not None:
        content["next"] = granted_if_possible(wished, annotator)
    return answer(content, outcome.status, headers)


def granted_if_possible(wish: Wish, annotator: Annotator) -> dict[str, Any] | None:
    """The pairs, or None while the database is busy: the decision before it is stored all the same.

    As well where others were twice quicker to take a slot. The page asks again by itself.
    """
    try:
        return lend_pairs(annotator, want=wish.want, have=wish.have)
    except (DatabaseError, InterfaceError) as fault:
        if not isinstance(fault, IntegrityError) and not is_outage(fault):
            raise
        log.warning("rating.pairs_left_out", fault=type(fault).__name__)
        return None


@json_edge
def skip(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Give a pair back for others, with a reason."""
    assignment = requests.read_uuid(body, "assignment")
    note = requests.read_text(body, "note", MAX_NOTE)
    try:
        notice = skip_pair(annotator, assignment, read_reason(body), note)
    except queue.AlreadyAnswered as fault:
        # As with a second vote: what was decided of this pair stands, nothing is to be kept.
        return refusal(fault.code, str(fault), 409, stored=True)
    except queue.SkipLimitReached as fault:
        refused = refused_skip(fault)
        response = refusal(refused.code, refused.message, refused.status, stored=False)
        response["Retry-After"] = refused.retry_after
        return response
    return answer({"assignment": str(assignment), "skipped": True, "notice": notice})


@json_edge
def flag(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Remark that something is wrong with a pair; it stays to be rated."""
    assignment = requests.read_uuid(body, "assignment")
    note = requests.read_text(body, "note", MAX_NOTE)
    flag_pair(annotator, assignment, read_reason(body), note)
    return answer({"assignment": str(assignment), "flagged": True})


@json_edge
def undo(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """The last voted pair with its answers; the vote stands until it is revised.

    `assignment` asks for another own pair, where the study lets earlier answers be changed. Who is
    under review, or in training, changes nothing.
    """
    assignment = requests.read_optional_uuid(body, "assignment")
    if annotator.state != AnnotatorState.ACTIVE:
        return refusal(
            "changes_suspended", gettext("You cannot change answers while you do not rate."), 409
        )
    if assignment is None:
        return answer(wire.earlier_for_page(voting.last_vote(annotator)))
    if not rules_of(annotator.study.rules).answering.revise_earlier:
        return refusal(
            "only_the_last", gettext("Only your last answer can be changed in this study."), 409
        )
    earlier = voting.earlier_vote(annotator, assignment)
    if earlier is None and voting.is_out_of_sight(annotator, assignment):
        return refusal(
            "pair_open",
            gettext("You have a pair of the same prompt open. Answer it before you change this."),
            409,
        )
    return answer(wire.earlier_for_page(earlier))


@json_edge
def draft(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Keep an answer that was begun, for a reload and for other devices, unless a newer is kept."""
    raw = body.get("answers")
    try:
        # Nothing may be answered yet; a vote needs an answer.
        answers = {} if raw == {} else voting.parse_answers(raw)
        remarks = voting.read_remarks(
            requests.read_text(body, "rationale", requests.MAX_BODY_BYTES),
            requests.read_texts(body, "tags"),
            requests.read_confidence(body, "confidence"),
        )
    except voting.InvalidAnswers as fault:
        return refusal(fault.code, str(fault), fault.status, field=fault.field)
    kept = save_draft(
        annotator,
        requests.read_uuid(body, "assignment"),
        answers,
        remarks,
        requests.read_moment(body, "written_at"),
    )
    # What is kept in its place, so that the page goes on from there.
    return answer(
        {"kept": True}
        if kept
        else {"kept": False, "draft": wire.begun_for_page(load_desk(annotator).begun)}
    )


@json_edge
def keys(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Keep the annotator's own keys, all at once."""
    try:
        return answer({"keys": save_keys(annotator, requests.read_mapping(body, "keys"))})
    except KeysRefused as fault:
        return refusal("keys_refused", str(fault), 409, field="keys")


@json_edge
def summary(annotator: Annotator, body: dict[str, Any]) -> HttpResponseBase:
    """Own work in numbers: pairs answered and active time."""
    return answer(wire.summary_for_page(summarise(annotator)))


@require_safe
@own_page
@study_annotator
def session(request: HttpRequest, annotator: Annotator) -> HttpResponseBase:
    """A fresh token for a page that stayed open while its reader signed in again."""
    return answer({"csrf": get_token(request)})


def read_reason(body: dict[str, Any]) -> SkipReason:
    reason = body.get("reason")
    if reason not in SkipReason.values:
        known = ", ".join(SkipReason.values)
        raise BadRequest(
            gettext("The reason must be one of %(known)s.") % {"known": known}, "reason"
        )
    return SkipReason(str(reason))
