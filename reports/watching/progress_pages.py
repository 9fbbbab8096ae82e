"""The pages of progress: live figures, the rows behind them, a pair in full, the log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import Role, Study, Vote
from annotation.researcher.running import available
from reports import looks
from reports.chart_rendering import RenderedChart
from reports.chart_rendering import render as render_chart
from reports.charts.pace import pace_chart

from .counts import PACE_DAYS, hours_of
from .entries import Page, cursor_of
from .figures import PLAN, PROGRESS
from .keeping import Kept
from .lists import COMPARISONS, FILTERS, VOTES, Asked, Kind
from .names import Names, Watcher
from .pair import find_comparison, show_pair
from .progress import category_in_words, view_progress
from .progress_words import evidence_in_words
from .trail import KINDS, read_trail

WATCHERS = (Role.OWNER, Role.RESEARCHER, Role.MONITOR)
CONDUCTORS = (Role.OWNER, Role.RESEARCHER)


def shown(
    request: SignedInRequest, template: str, study: Study, context: Mapping[str, Any]
) -> HttpResponse:
    """The page, which no cache keeps."""
    response = render(request, f"reports/watching/{template}", {"study": study, **context})
    response["Cache-Control"] = "no-store"
    return response


# -- progress ----------


@require_safe
@study_role(*WATCHERS)
def page(request: SignedInRequest, study: Study) -> HttpResponse:
    """How far the study is."""
    watcher = Watcher.of(request, study)
    context = live_context(study, watcher)
    steps = available(study) if watcher.conducts else ()
    return shown(request, "progress.html", study, {**context, "steps": steps})


@require_safe
@study_role(*WATCHERS)
def live(request: SignedInRequest, study: Study) -> HttpResponse:
    """The part of the page that asks for itself again."""
    context = live_context(study, Watcher.of(request, study))
    return shown(request, "progress_live.html", study, context)


def live_context(study: Study, watcher: Watcher) -> dict[str, Any]:
    kept = PROGRESS.figures(study)
    context: dict[str, Any] = {
        "watcher": watcher,
        "is_live": study.is_running,
    }
    if kept is None:
        return context
    names = Names.of(study, watcher)
    return {**context, "progress": view_progress(study, kept, names)}


@require_safe
@study_role(*WATCHERS)
def pace(request: SignedInRequest, study: Study) -> HttpResponse:
    """The chart of answers over time. It asks for itself again each minute."""
    kept = PROGRESS.figures(study)
    chart = None if kept is None else drawn_pace(study, kept)
    return shown(request, "pace.html", study, {"chart": chart, "is_live": study.is_running})


def drawn_pace(study: Study, kept: Kept) -> RenderedChart | None:
    answers = hours_of(kept.figures)
    if not answers:
        return None
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = min(answers)[0]
    since = max(first, now - timedelta(days=PACE_DAYS - 1))
    return draw(json.dumps(kept.figures["hours"]), since.isoformat(), now.isoformat())


@lru_cache(maxsize=64)
def draw(hours: str, since: str, now: str) -> RenderedChart:
    """The picture of these figures, drawn once."""
    answers = hours_of({"hours": json.loads(hours)})
    return render_chart(
        pace_chart(answers, since=datetime.fromisoformat(since), now=datetime.fromisoformat(now))
    )


@require_safe
@study_role(*WATCHERS)
def evidence(request: SignedInRequest, study: Study) -> HttpResponse:
    """What the planner says of the votes so far, without telling who leads."""
    kept, planned = PROGRESS.figures(study), PLAN.figures(study)
    said = None
    if kept is not None and planned is not None:
        said = evidence_in_words(planned.figures, kept.figures["cells"])
    return shown(request, "evidence.html", study, {"said": said})


# -- rows ----------


@require_safe
@study_role(*WATCHERS)
def votes(request: SignedInRequest, study: Study) -> HttpResponse:
    """The votes behind a number, and what is no counted vote."""
    return list_page(request, study, "progress:votes", VOTES)


@require_safe
@study_role(*WATCHERS)
def comparisons(request: SignedInRequest, study: Study) -> HttpResponse:
    """The comparisons behind a number."""
    return list_page(request, study, "progress:comparisons", COMPARISONS)


def list_page(
    request: SignedInRequest, study: Study, route: str, kinds: Mapping[str, Kind]
) -> HttpResponse:
    watcher = Watcher.of(request, study)
    names = Names.of(study, watcher)
    given = {name: str(value) for name, value in request.GET.dict().items()}
    asked = Asked.of(given, kinds, names, study)
    kind = kinds[asked.show]
    found = Page([], None) if asked.unknown else kind.read(study, asked.narrowing, asked.cursor)
    here = reverse(route, kwargs={"slug": study.slug})

    def url(**changed: Any) -> str:
        wanted = {"show": asked.show}
        wanted |= {name: given[name] for name in FILTERS if name in given}
        wanted |= changed
        return f"{here}?{urlencode({k: v for k, v in wanted.items() if v is not None})}"

    narrowed = [
        (unknown.label, url(**({unknown.name: None} if unknown.name in FILTERS else {})))
        for unknown in asked.unknown
    ]
    if asked.narrowing.pair is not None:
        narrowed.append((names.pair(*asked.narrowing.pair), url(pair=None)))
    if asked.narrowing.category is not None:
        narrowed.append((category_in_words(asked.narrowing.category), url(category=None)))
    if asked.narrowing.annotator is not None:
        narrowed.append((asked.annotator, url(annotator=None)))
    return shown(
        request,
        "list.html",
        study,
        {
            "kind": kind,
            "kinds": [
                (other.label, url(show=name), name == asked.show) for name, other in kinds.items()
            ],
            "narrowed": narrowed,
            "unknown": [unknown.said for unknown in asked.unknown],
            "entries": [
                (
                    entry,
                    names.pair(*entry.systems)
                    if entry.systems[0] != entry.systems[1]
                    else names.labels[entry.systems[0]],
                )
                for entry in found.entries
            ],
            "has_people": route == "progress:votes",
            "older": "" if found.before is None else url(before=found.before),
            "newest": url() if asked.cursor is not None else "",
            "watcher": watcher,
        },
    )


@require_safe
@study_role(*WATCHERS)
def pair(request: SignedInRequest, study: Study, comparison: int) -> HttpResponse:
    """One comparison with everybody's turn on it."""
    watcher = Watcher.of(request, study)
    found = find_comparison(study, comparison)
    if found is None:
        raise Http404("There is no such comparison in this study.")
    sees = watcher.sees_outcomes
    may_ask = watcher.conducts and not sees
    if may_ask:
        sees = looks.has_seen_pair(study, request.user, found.pk)
    context = show_pair(
        found,
        Names.of(study, watcher),
        with_answers=sees,
        with_texts=watcher.conducts,
        view=view_of(request.GET.get("as", "")),
    )
    return shown(
        request,
        "pair.html",
        study,
        {
            "page": context,
            "sees_answers": sees,
            "may_ask": may_ask and not sees,
        },
    )


def view_of(raw: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw)
    except ValueError:
        return None


@require_POST
@study_role(*CONDUCTORS)
def answers(request: SignedInRequest, study: Study, comparison: int) -> HttpResponse:
    """Ask to see what was answered on a comparison of a sealed study: a look, written down."""
    found = find_comparison(study, comparison)
    if found is None:
        raise Http404("There is no such comparison in this study.")
    number = Vote.objects.filter(comparison=found).count()
    looks.record_pair(study, request.user, found.pk, number)
    return redirect("progress:pair", slug=study.slug, comparison=found.pk)


# -- the log ----------


@require_safe
@study_role(*CONDUCTORS)
def log(request: SignedInRequest, study: Study) -> HttpResponse:
    """Who looked at results, and all else that was done in the study."""
    kind = request.GET.get("kind", "")
    chosen = kind if kind in KINDS else "all"
    before = cursor_of(request.GET.get("before", ""))
    watcher = Watcher.of(request, study)
    trail = read_trail(study, chosen, before, sees_outcomes=watcher.sees_outcomes)
    return shown(
        request,
        "log.html",
        study,
        {
            "trail": trail,
            "kinds": [
                (label, f"?{urlencode({'kind': name})}", name == chosen)
                for name, (label, _) in KINDS.items()
            ],
            "chosen": chosen,
            "older": ""
            if trail.before is None
            else f"?{urlencode({'kind': chosen, 'before': trail.before})}",
            "newest": f"?{urlencode({'kind': chosen})}" if before is not None else "",
        },
    )
