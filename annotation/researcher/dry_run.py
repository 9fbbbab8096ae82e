"""The study before it is open: its real page on some of its pairs, and simulated people.

The page is the annotators' own. What it sends is answered as it would be and stored nowhere; the
session alone remembers which of the pairs are through, so that the next one comes.
"""

from __future__ import annotations

import functools
import heapq
import uuid
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation import voting
from annotation.access import SignedInRequest
from annotation.blinding import opaque_id
from annotation.draws import DRAW_BITS, draw
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    Study,
    System,
)
from annotation.queue.presenting import Texts, texts_of
from annotation.rating import requests, wire
from annotation.rating.edges import read_reason
from annotation.rating.json_edge import answer, refusal
from annotation.rating.markdown import render_markdown
from annotation.rating.requests import BadRequest, milliseconds_of
from annotation.rating.views import EDGES, SKIP_REASONS, rubric_for_page, sign_in_again
from annotation.rating.whose_page import account_name
from annotation.rules import rules_of
from annotation.workload import Workload

from .frame import StudioForm, readers_only, render_step
from .lengths import seconds_a_pair_of
from .rehearsal import MOST_PAIRS, PlannedWork, rehearse

# Enough to see long and short texts; nobody rates in earnest here.
SAMPLED = 12
LEASE_SECONDS = 3600
DEFAULT_PEOPLE = 10
DEFAULT_PAY = 15.0
MOST_PEOPLE = 200


class RehearsalForm(StudioForm):
    """How many people, and what an hour costs."""

    people = forms.IntegerField(label="People", min_value=1, max_value=MOST_PEOPLE)
    pay = forms.FloatField(
        label="Pay an hour", min_value=0, max_value=10_000, help_text="In any currency."
    )
    seconds = forms.FloatField(
        label="Seconds a pair",
        min_value=1,
        max_value=7_200,
        help_text="From the length of the texts; take your own if you know better.",
    )


@require_safe
@readers_only
def dry_run(request: SignedInRequest, study: Study) -> HttpResponse:
    """Where both begin; with people in the address they are simulated."""
    seconds = round(seconds_a_pair_of(study))
    people = (
        Annotator.objects.filter(study=study)
        .exclude(state__in=[AnnotatorState.REMOVED, AnnotatorState.FAILED])
        .count()
    )
    given = {
        "people": max(1, min(people, MOST_PEOPLE)) if people else DEFAULT_PEOPLE,
        "pay": DEFAULT_PAY,
        "seconds": seconds,
    }
    asked = any(name in request.GET for name in given)
    form = RehearsalForm({**given, **request.GET.dict()} if asked else None, initial=given)
    context: dict[str, Any] = {"form": form}
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    context["pairs"] = pairs = work.count()
    if asked and pairs and form.is_valid():
        context |= simulated(study, pairs, form.cleaned_data)
    return render_step(request, study, "dry_run", "dry_run", context)


class PairOfWork(NamedTuple):
    pk: int
    system_a: int
    system_b: int
    overlap: int


def drawn(study: Study, most: int) -> list[PairOfWork]:
    """A seeded part of the work, in which each two systems have their share.

    Neither the order of a file nor its identifiers are random: a file can begin with all pairs of
    the same two systems.
    """
    rows = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK).values_list(
        "pk", "system_a_id", "system_b_id", "overlap"
    )
    by_systems: dict[frozenset[int], list[tuple[int, PairOfWork]]] = defaultdict(list)
    # A multiplication and no hash for each: there may be hundreds of thousands of pairs.
    spread = draw(study.seed, "dry run") | 1
    for row in rows.iterator():
        pair = PairOfWork(*row)
        place = pair.pk * spread % (1 << DRAW_BITS)
        by_systems[frozenset(pair[1:3])].append((place, pair))
    # Where a pair stands among those of its two systems, from 0 to 1: the lowest of all are taken.
    placed: list[tuple[float, int, PairOfWork]] = []
    for pairs in by_systems.values():
        pairs.sort()
        placed += [
            ((number + 0.5) / len(pairs), place, pair) for number, (place, pair) in enumerate(pairs)
        ]
    return [pair for _, _, pair in heapq.nsmallest(most, placed)]


def simulated(study: Study, pairs: int, wishes: dict[str, Any]) -> dict[str, Any]:
    """The rehearsal of a study, scaled up where only a part of it was simulated."""
    # Beside progress, names are sealed once the study is open.
    shown = "code" if study.is_sealed else "name"
    called = dict(System.objects.filter(study=study).values_list("pk", shown))
    work = [
        PlannedWork(called[pair.system_a], called[pair.system_b], pair.overlap)
        for pair in drawn(study, MOST_PAIRS)
    ]
    scale = pairs / len(work)
    rules = rules_of(study.rules)
    checks = rules.checks
    most = study.max_per_annotator
    found = rehearse(
        work,
        people=wishes["people"],
        seconds_each=wishes["seconds"],
        most_each=None if most is None else max(1, round(most / scale)),
        check_share=checks.gold_share + checks.repeat_share + checks.identical_share,
        seed=study.seed,
    )
    answers = round(sum(found.answers) * scale)
    load = Workload(answers, wishes["seconds"], wishes["pay"])
    hours = [hour * scale for hour in found.hours]
    return {
        "rehearsal": found,
        "is_part": scale > 1,
        "simulated_pairs": len(work),
        "wanted": round(found.wanted * scale),
        "coverage": 100 * found.coverage,
        "missing": round((found.wanted - found.given) * scale),
        "answers": answers,
        "fewest": round(found.answers[0] * scale),
        "median": round(found.median_answers * scale),
        "largest": round(found.answers[-1] * scale),
        "hours": sum(hours),
        "longest_hours": max(hours),
        "money": sum(hours) * load.pay_per_hour,
        "coverages": [
            {
                "a": pair.system_a,
                "b": pair.system_b,
                "wanted": round(pair.wanted * scale),
                "share": 100 * pair.given / pair.wanted if pair.wanted else 0,
                "left": None if pair.left_share is None else 100 * pair.left_share,
            }
            for pair in found.pairs
        ],
    }


# The annotators' page, on pairs that nobody stores anything of.


def session_key(study: Study) -> str:
    return f"dry_run_{study.pk}"


def sampled(study: Study) -> list[int]:
    """The keys of the pairs that are shown."""
    return [pair.pk for pair in drawn(study, SAMPLED)]


@require_safe
@readers_only
def rate(request: SignedInRequest, study: Study) -> HttpResponse:
    """The page as annotators have it. Loading it begins anew."""
    pairs = {str(opaque_id()): comparison for comparison in sampled(study)}
    request.session[session_key(study)] = {"pairs": pairs, "through": []}
    criteria = list(study.criteria.all())
    rules = rules_of(study.rules)
    answering, language = rules.answering, rules.texts.language
    step = reverse("studio:dry_run", kwargs={"slug": study.slug})
    return render(
        request,
        "annotation/researcher/dry_run_page.html",
        {
            "back_url": step,
            "study_title": study.title or study.slug,
            "instructions": render_markdown(study.instructions, keep_breaks=False),
            "rubric": rubric_for_page(criteria, language),
            "texts_language": language,
            "answering": answering,
            "answers_url": step,
            "skip_reasons": [(reason.value, text) for reason, text in SKIP_REASONS.items()],
            "settings": {
                "urls": {
                    name: reverse(f"studio:dry_{name}", kwargs={"slug": study.slug})
                    for name in EDGES
                },
                "page": request.path,
                "sign_in": sign_in_again(request.path),
                # Another place in the browser than that of a real annotator.
                "storage": salted_hmac(
                    "annotation.researcher.dry_run", f"{request.user.pk}:{opaque_id()}"
                ).hexdigest()[:20],
                "account": account_name(request.user),
                "criteria": wire.criteria_for_page(criteria, language),
                "answering": wire.answering_for_page(answering, language),
                "has_reference": answering.show_reference,
                "draft": None,
                "now": milliseconds_of(timezone.now()),
                "keys": {},
                "version": None,
            },
        },
    )


Edge = Callable[[HttpRequest, Study, dict[str, Any]], HttpResponseBase]


def dry_edge(handle: Edge) -> Callable[..., HttpResponseBase]:
    """A POST of a JSON object from the dry run's page."""

    @require_POST
    @readers_only
    @functools.wraps(handle)
    def edge(request: SignedInRequest, study: Study) -> HttpResponseBase:
        try:
            return handle(request, study, requests.read_body(request))
        except BadRequest as fault:
            return refusal(fault.code, str(fault), fault.status, field=fault.field)
        except voting.InvalidAnswers as fault:
            return refusal(fault.code, str(fault), fault.status, stored=False, field=fault.field)

    return edge


def begun(request: HttpRequest, study: Study) -> dict[str, Any]:
    held = request.session.get(session_key(study))
    return held if isinstance(held, dict) else {"pairs": {}, "through": []}


@dry_edge
def dry_next(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Two pairs that are not through yet, one side each drawn by the pair's identifier."""
    have = {str(one) for one in requests.read_uuids(body, "have")}
    held = begun(request, study)
    left = [name for name in held["pairs"] if name not in held["through"]][:2]
    wanted = {held["pairs"][name]: name for name in left}
    rows = texts_of(Comparison.objects.filter(study=study, pk__in=list(wanted)))
    with_reference = rules_of(study.rules).answering.show_reference
    shown = {}
    for row in rows:
        name = wanted[row[0]]
        public_id = uuid.UUID(name)
        pair = wire.pair_for_page(
            Texts.of(row).shown(
                public_id, swapped=bool(public_id.int & 1), with_reference=with_reference
            )
        )
        shown[name] = {"id": name} if name in have else pair
    empty = None
    if not left:
        empty = {
            "code": "finished",
            "title": "That was the dry run",
            "text": "You have seen all pairs of the sample. Nothing was stored; reload to begin "
            "again.",
            "retry_after_seconds": None,
            "completion": None,
        }
    return answer(
        {
            "pairs": [
                {**shown[name], "lease_seconds": LEASE_SECONDS} for name in left if name in shown
            ],
            "empty": empty,
            "progress": {
                "voted": len(held["through"]),
                "skipped": 0,
                "maximum": len(held["pairs"]),
            },
            "practice": None,
            "version": None,
        }
    )


def note_through(request: HttpRequest, study: Study, name: str) -> None:
    held = begun(request, study)
    if name in held["pairs"] and name not in held["through"]:
        held["through"].append(name)
        request.session[session_key(study)] = held


@dry_edge
def dry_vote(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Answer as a stored vote is answered."""
    name = str(requests.read_uuid(body, "assignment"))
    answers = voting.parse_answers(body.get("answers"))
    note_through(request, study, name)
    return answer(
        {
            "assignment": name,
            "received": "counted",
            "stored": True,
            "late": False,
            "revision": 2 if requests.read_flag(body, "revises") else 1,
            "answers": voting.answers_as_json(answers),
            "feedback": None,
        }
    )


@dry_edge
def dry_skip(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Go past a pair."""
    name = str(requests.read_uuid(body, "assignment"))
    read_reason(body)
    note_through(request, study, name)
    return answer({"assignment": name, "skipped": True, "notice": None})


@dry_edge
def dry_flag(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Take a remark for nothing."""
    read_reason(body)
    return answer({"assignment": str(requests.read_uuid(body, "assignment")), "flagged": True})


@dry_edge
def dry_renew(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Every pair stays held."""
    return answer(
        {
            "leases": [
                {"id": str(one), "state": "held", "seconds": LEASE_SECONDS}
                for one in requests.read_uuids(body, "held")
            ]
        }
    )


@dry_edge
def dry_undo(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Nothing was stored that could be looked up; the page itself remembers its last answer."""
    return answer({"pair": None})


@dry_edge
def dry_draft(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """An answer that was begun is kept by the page alone."""
    return answer({"kept": True})


@dry_edge
def dry_keys(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Keys hold until the page is left."""
    return answer({"keys": requests.read_mapping(body, "keys")})


@dry_edge
def dry_summary(request: HttpRequest, study: Study, body: dict[str, Any]) -> HttpResponseBase:
    """Own work in numbers: none of it is kept."""
    return answer({"pairs": 0, "timed": 0, "active_seconds": 0, "mean_seconds": None})


@require_http_methods(["GET", "HEAD"])
@readers_only
def dry_session(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """A fresh token."""
    return answer({"csrf": get_token(request)})
