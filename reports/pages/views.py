"""The report page. A GET reads what is kept; the button asks the background for a new one."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import (
    Http404,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from annotation.access import SignedInRequest, roles_on_page, study_role
from annotation.access.outcomes import READERS, roles_can_see_outcomes
from annotation.models import Role, Study
from reports import looks, requests
from reports.chart_rendering import rendered_reports
from reports.exports import catalogue, delivery
from reports.exports.catalogue import Export
from reports.freshness import Freshness, freshness, latest_run
from reports.pages.anchor import AnchorChoice
from reports.pages.wishes import wish_in_words
from reports.presentation.report import view
from reports.tasks import ring_for_report
from reports.wording.numbers import counted, named_list

OUTCOME_ROLES = (Role.OWNER, Role.RESEARCHER, Role.MONITOR)


@require_safe
@study_role(*OUTCOME_ROLES)
def report(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """The latest report, or why there is none to be seen."""
    if not roles_can_see_outcomes(roles_on_page(request, study), study):
        return _sealed(request, study)
    kept = latest_run(study)
    may_compute = bool(roles_on_page(request, study) & READERS)
    if kept is None:
        return render(
            request,
            "reports/empty.html",
            {
                "study": study,
                "may_compute": may_compute,
                "anchor_choice": AnchorChoice.of(study) if may_compute else None,
                "wish": wish_in_words(requests.latest_request(study), None),
            },
        )
    looks.record_view(study, kept, request.user)
    stale = stale_in_words(freshness(study, kept))
    return render(
        request,
        "reports/report.html",
        {
            "study": study,
            "kept": kept,
            "report": view(kept.result, kept.versions, kept.created_at),
            "charts": rendered_reports.charts_of(kept),
            "stale": stale,
            "may_compute": may_compute,
            "anchor_choice": AnchorChoice.of(study) if may_compute else None,
            "wish": wish_in_words(requests.latest_request(study), kept, stale=bool(stale)),
            "downloads": DOWNLOADS,
            "guide": reverse("reports:statistics_guide"),
        },
    )


REPORT = "reports:report"
# Pages beside the report's own that show how far it is.
ASKED_FROM = {"alignment": "alignment:judges"}


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def compute(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """Ask for a report of what is there now; the page says how far it is."""
    if not roles_can_see_outcomes(roles_on_page(request, study), study):
        return _sealed(request, study)
    requests.ask(study, request.user)
    transaction.on_commit(ring_for_report)
    return redirect(ASKED_FROM.get(request.POST.get("from", ""), REPORT), slug=study.slug)


@require_safe
@study_role(*OUTCOME_ROLES)
def progress(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """How far the newest wish for a report is, for the page that waits for it."""
    if not roles_can_see_outcomes(roles_on_page(request, study), study):
        return _sealed(request, study)
    newest = requests.latest_request(study)
    response = JsonResponse({"state": None if newest is None else newest.state})
    response["Cache-Control"] = "no-store"
    return response


@require_safe
@study_role(*OUTCOME_ROLES)
def download(request: SignedInRequest, study: Study, name: str, chosen: str) -> HttpResponseBase:
    """A file of the report or of the study's rows, streamed."""
    try:
        export = catalogue.find(name, chosen)
    except catalogue.UnknownExportError as fault:
        raise Http404(str(fault)) from None
    roles = roles_on_page(request, study)
    try:
        response = delivery.deliver(
            study, request.user, roles, export, taken=request.method == "GET"
        )
    except delivery.SealedError:
        return _sealed(request, study)
    except delivery.NotForRoleError:
        raise PermissionDenied("Files of a study are for its owner and researchers.") from None
    except delivery.NoReportError:
        raise Http404("There is no report yet: compute it on the report's page first.") from None
    # The report's file has its styles in itself.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _sealed(request: SignedInRequest, study: Study) -> HttpResponse:
    """Calm words: nothing is wrong, it is not time yet."""
    is_reader = bool(roles_on_page(request, study) & READERS)
    choice = AnchorChoice.of(study) if is_reader else None
    told = {"study": study, "is_reader": is_reader, "anchor_choice": choice}
    return render(request, "reports/sealed.html", told, status=403)


def stale_in_words(fresh: Freshness) -> str:
    """What has come in since; empty where the report holds everything."""
    if not fresh.is_stale:
        return ""
    news = [
        counted(number, *words)
        for number, words in (
            (fresh.newer_votes, ("newer vote",)),
            (fresh.newer_judgments, ("newer judgment",)),
            (fresh.newer_exclusions, ("decision on what counts", "decisions on what counts")),
            (max(fresh.newer_flags, 0), ("flag",)),
            (fresh.newer_adjudications, ("adjudication",)),
        )
        if number
    ]
    if fresh.study_changed:
        news.append("a change of the study")
    return named_list(news)


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the page offers, in each of its formats."""

    label: str
    what: str
    exports: tuple[Export, ...]


def _download(name: str, label: str, what: str) -> Download:
    exports = tuple(catalogue.find(name, chosen) for chosen in catalogue.FORMATS[name])
    return Download(label, what, exports)


DOWNLOADS = (
    _download("report", "Report", "this page in one file, which opens without a network"),
    _download("leaderboard", "Leaderboard", "ratings, ranks and win rates of every criterion"),
    _download("head_to_head", "Pairs", "counts, win rates and tests of every pair of systems"),
    _download("agreement", "Agreement", "every coefficient, and kappa of every pair of annotators"),
    _download("votes", "Votes", "one row for each vote and criterion"),
    _download("comparisons", "Comparisons", "prompts with both responses"),
    _download("judgments", "Judgments", "what the judges said"),
)
