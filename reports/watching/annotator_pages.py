"""The pages of annotators: the table of all, one of them, and what is decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from annotation import messages, quality
from annotation.access import SignedInRequest, study_role
from annotation.models import (
    Annotator,
    AnnotatorState,
    ReviewOutcome,
    Study,
)
from reports.wording.quality import ROWS, TITLES, finding_in_words

from .acts import ACTS, what_leaves
from .figures import PEOPLE, PROGRESS
from .names import Watcher
from .people import COLUMNS, FILTERS, Choice, gave_many, seen_at, tabulate
from .progress import OLD, Addresses
from .progress_pages import CONDUCTORS, WATCHERS, shown
from .progress_words import ago

# States as people read them.
STATES = {
    AnnotatorState.INVITED: ("invited", ""),
    AnnotatorState.QUALIFYING: ("in training", "info"),
    AnnotatorState.ACTIVE: ("active", "ok"),
    AnnotatorState.PAUSED: ("paused", "warning"),
    AnnotatorState.FAILED: ("not qualified", "error"),
    AnnotatorState.REMOVED: ("removed", ""),
}
REVIEWS = {
    ReviewOutcome.RESUME: "went on",
    ReviewOutcome.RETRAIN: "sent to train again",
    ReviewOutcome.REJECT: "rejected",
    ReviewOutcome.REINSTATE: "reinstated",
    ReviewOutcome.COUNT_OWN: "own votes counted",
}


def state_in_words(state: str, *, rejected: bool) -> tuple[str, str]:
    """The state and the tone of its dot."""
    if rejected and state == AnnotatorState.FAILED:
        return "rejected", "error"
    return STATES[AnnotatorState(state)]


# -- the table ----------


@require_safe
@study_role(*WATCHERS)
def page(request: SignedInRequest, study: Study) -> HttpResponse:
    """Everybody who rates, with how they rate."""
    return shown(request, "annotators.html", study, table_context(request, study))


@require_safe
@study_role(*WATCHERS)
def live(request: SignedInRequest, study: Study) -> HttpResponse:
    """The table, which asks for itself again."""
    return shown(request, "annotators_live.html", study, table_context(request, study))


def table_context(request: SignedInRequest, study: Study) -> dict[str, Any]:
    watcher = Watcher.of(request, study)
    choice = Choice.of(request.GET.dict())
    kept = PEOPLE.figures(study)
    context: dict[str, Any] = {
        "watcher": watcher,
        "is_live": study.is_running,
        "live_url": reverse("annotators:live", kwargs={"slug": study.slug}) + url_of(choice),
    }
    if kept is None:
        return context
    people = kept.figures["people"]
    table = tabulate(people, choice)
    at = Addresses(study)
    return context | {
        "table": table,
        "is_empty": not people,
        "columns": [
            {
                "label": column.label,
                "url": url_of(choice, sort=column.name, way=next_way(choice, column.name)),
                "sorted": ("descending" if choice.falls else "ascending")
                if column.name == choice.column
                else "",
                "is_number": column.name not in ("name", "state", "findings"),
            }
            for column in COLUMNS.values()
        ],
        "filters": [
            (label, table.numbers[name], url_of(choice, show=name, page="1"), name == choice.shown)
            for name, (label, _) in FILTERS.items()
            if table.numbers[name] or name in ("all", choice.shown)
        ],
        "rows": [row_context(row, at) for row in table.rows],
        "pages": [
            (number, url_of(choice, page=str(number)), number == table.page)
            for number in near_pages(table.page, table.pages)
        ],
        "age": "" if kept.age < OLD else f"Read {ago(kept.age)}.",
    }


def near_pages(page: int, pages: int) -> list[int]:
    if pages == 1:
        return []
    return [
        number for number in range(1, pages + 1) if abs(number - page) < 3 or number in (1, pages)
    ]


def url_of(choice: Choice, **changed: str) -> str:
    wanted = {
        "show": choice.shown,
        "sort": choice.column,
        "way": "down" if choice.falls else "up",
        "page": str(choice.page),
    }
    return f"?{urlencode(wanted | changed)}"


def next_way(choice: Choice, name: str) -> str:
    if choice.column == name:
        return "up" if choice.falls else "down"
    return "down" if COLUMNS[name].falls else "up"


def row_context(row: dict[str, Any], at: Addresses) -> dict[str, Any]:
    word, tone = state_in_words(row["state"], rejected=row["rejected"])
    who = str(row["annotator"])

    def url(show: str) -> str:
        return at.votes(show, annotator=who)

    return {
        **row,
        "state_word": word,
        "tone": tone,
        # The release before kept figures without it.
        "own_votes": quality.words_of(row.get("own_votes")),
        "seen": seen_at(row),
        "found": [TITLES.get(finding["rule"], finding["rule"]) for finding in row["findings"]],
        "counted_url": url("counted"),
        "skipped_url": url("skipped"),
        "flagged_url": url("flagged"),
        "answers_url": url("answers"),
        "gold_url": url("gold"),
        "repeats_url": url("repeats"),
    }


# -- one annotator ----------


@require_safe
@study_role(*WATCHERS)
def one(request: SignedInRequest, study: Study, annotator: int) -> HttpResponse:
    """One annotator: figures, findings with their reasons and rows, decisions, messages."""
    watcher = Watcher.of(request, study)
    is_large = gave_many(study, annotator)
    history = quality.history_of(study, annotator, with_figures=not is_large)
    if history is None:
        raise Http404("There is no such annotator in this study.")
    row, found = history.annotator, history.quality
    rejected = found.last_review is not None and found.last_review.outcome == ReviewOutcome.REJECT
    word, tone = state_in_words(row.state, rejected=rejected)
    figures = kept_figures(study, row) if is_large else found
    at = Addresses(study)
    who = str(row.pk)
    open_keys = {finding.pk for finding in found.findings}
    return shown(
        request,
        "annotator.html",
        study,
        {
            "watcher": watcher,
            "annotator": row,
            "quality": found,
            "state_word": word,
            "tone": tone,
            "own_votes": quality.words_of(found.own_votes),
            "figures": figures,
            "answers_url": at.votes("answers", annotator=who),
            "rates": () if figures is None else rates_of(figures, at, who),
            "numbers": [
                ("Counted votes", found.counted, at.votes("counted", annotator=who)),
                ("Answered", found.answered, at.votes("answers", annotator=who)),
                ("Skipped", found.skipped, at.votes("skipped", annotator=who)),
                ("Flagged", found.flagged, at.votes("flagged", annotator=who)),
            ],
            "findings": [
                {
                    "title": TITLES.get(finding.rule, finding.rule),
                    "text": finding_in_words(
                        finding.rule, finding.n, finding.value, finding.threshold, finding.detail
                    ),
                    "at": finding.created_at,
                    "pauses": finding.action == "pause",
                    "is_open": finding.pk in open_keys,
                    "version": finding.study_version.number,
                    "rows_url": at.votes(ROWS.get(finding.rule, "answers"), annotator=who),
                }
                for finding in history.findings
            ],
            "reviews": [
                {
                    "what": REVIEWS[ReviewOutcome(review.outcome)],
                    "reason": review.reason,
                    "at": review.created_at,
                    "by": "" if review.created_by is None else review.created_by.get_username(),
                    "post_hoc": review.post_hoc,
                }
                for review in history.reviews
            ],
            "acts": [act for act in ACTS.values() if act.fits(row, found, rejected)]
            if watcher.conducts
            else [],
            "letters": list(row.messages.order_by("-pk")[:20]) if watcher.conducts else [],
        },
    )


@dataclass(frozen=True, slots=True)
class RateLine:
    """A figure of one annotator with its interval.

    Attributes
    ----------
    kind : str
        `share` or `number`.
    """

    label: str
    figure: Any
    kind: str
    url: str
    note: str


def kept_figures(study: Study, row: Annotator) -> dict[str, Any] | None:
    """The annotator's figures as they were read last; None while they are read."""
    kept = PEOPLE.figures(study)
    people = () if kept is None else kept.figures["people"]
    return next((found for found in people if found["annotator"] == row.pk), None)


def rates_of(
    found: quality.AnnotatorQuality | dict[str, Any], at: Addresses, who: str
) -> list[RateLine]:
    def url(show: str) -> str:
        return at.votes(show, annotator=who)

    def read(name: str) -> Any:
        return found[name] if isinstance(found, dict) else getattr(found, name)

    return [
        RateLine("Gold right", read("gold"), "share", url("gold"), "pairs with a known answer"),
        RateLine(
            "Repeats same",
            read("repeats"),
            "share",
            url("repeats"),
            "the same pair, sides exchanged",
        ),
        RateLine("Identical tied", read("identical"), "share", url("identical"), "equal texts"),
        RateLine(
            "Left share", read("left"), "share", url("answers"), "of answers with a preference"
        ),
        RateLine(
            "Agreement with the rest",
            read("agreement"),
            "share",
            url("counted"),
            "same verdict, mean over pairs",
        ),
        RateLine("Skipped", read("skips"), "share", url("skipped"), "of the latest pairs"),
        RateLine(
            "Median active time", read("seconds"), "number", url("answers"), "seconds of an answer"
        ),
    ]


# -- deciding ----------


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(*CONDUCTORS)
def decide(request: SignedInRequest, study: Study, annotator: int, act: str) -> HttpResponse:
    """Ask for the reason, and do it."""
    chosen = ACTS.get(act)
    row = Annotator.objects.filter(study=study, pk=annotator).select_related("study").first()
    if chosen is None or row is None:
        raise Http404("There is no such annotator, or nothing of this kind to do.")
    text = request.POST.get("text", "") if request.method == "POST" else ""
    fault = ""
    if request.method == "POST":
        try:
            chosen.do(row, text, request.user)
        except (quality.ReviewRefusedError, messages.MessageRefusedError) as refused:
            fault = str(refused)
        else:
            # Whoever decides wants to see at once what follows.
            PROGRESS.forget(study)
            PEOPLE.forget(study)
            notices.success(request, f"{row.external_id}: {chosen.done}")
            return redirect("annotators:one", slug=study.slug, annotator=row.pk)
    response = render(
        request,
        "reports/watching/act.html",
        {
            "study": study,
            "annotator": row,
            "act": chosen,
            "text": text,
            "fault": fault,
            "most": messages.MOST_CHARACTERS if act == "message" else 400,
            "leaves": what_leaves(study, row) if act == "reject" else (),
        },
        status=400 if fault else 200,
    )
    response["Cache-Control"] = "no-store"
    return response
