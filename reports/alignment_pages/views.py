"""All judges side by side, and each in full. A GET reads the report that is kept."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, can_see_outcomes, roles_of, study_role
from annotation.access.outcomes import READERS
from annotation.models import Comparison, Role, Study
from judging.models import JudgeVersion
from reports import looks, requests
from reports.freshness import freshness, latest_run
from reports.models import AnalysisRun, Expertise, JudgeValidation
from reports.pages.views import OUTCOME_ROLES, stale_in_words
from reports.pages.wishes import wish_in_words
from reports.presentation.alignment import in_brief, panel_section, sections
from reports.revalidation import MOST_DRAWN
from reports.stats.alignment.alt_test import EPSILON
from reports.validation_records import recorded_at
from reports.validations import entry_of, rule_of
from reports.wording.judges import closest_in_words
from reports.wording.trust import trust_in_words

from .standing import Standing, judge_versions, standings

# Offered in the form: enough for a verdict.
USUAL_COUNT = 100

# What a judge is granted in the place of such annotators.
MARGINS = [(value, f"{value} ({round(100 * EPSILON[value])} points)") for value in Expertise.values]

# Where the page of a report that was asked for here leads back to.
ASKING = {"asked_from": "alignment"}


@require_safe
@study_role(*OUTCOME_ROLES)
def judges(request: SignedInRequest, study: Study) -> HttpResponse:
    """Judges beside people, the one sentence on each, and whether it still counts."""
    sees = can_see_outcomes(request.user, study)
    found = standings(study, judge_versions(study), sees_outcomes=sees)
    may_decide = bool(roles_of(request.user, study) & READERS)
    context = {"study": study, "standings": found, "may_decide": may_decide, **ASKING}
    context["may_compute"] = may_decide
    if may_decide:
        context |= {"rule": rule_of(study), "margins": MARGINS}
    if not sees:
        # Calm words and no outcome: a sample can be sent all the same.
        return render(request, "reports/alignment/sealed.html", context, status=403)
    kept = latest_run(study)
    if kept is None or not found:
        context["wish"] = wish_in_words(requests.latest_request(study), kept)
        return render(request, "reports/alignment/empty.html", context)
    looks.record_view(study, kept, request.user)
    rows = {(row.judge, row.version): row for row in in_brief(kept.result)}
    return render(
        request,
        "reports/alignment/judges.html",
        {
            **context,
            **how_new(study, kept),
            "rows": [
                (one, rows.get((one.version.judge.judge_id, one.version.number))) for one in found
            ],
            "closest": closest_in_words(kept.result) if len(found) > 1 else "",
            "panel": panel_section(kept.result),
            "guide": reverse("reports:statistics_guide"),
        },
    )


@require_safe
@study_role(*OUTCOME_ROLES)
def judge(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """Everything that is known of one judge version."""
    row = get_version(study, version)
    may_decide = bool(roles_of(request.user, study) & READERS)
    sees = can_see_outcomes(request.user, study)
    (standing,) = standings(study, [row], sees_outcomes=sees)
    context = {
        "study": study,
        "standing": standing,
        "may_decide": may_decide,
        "may_compute": may_decide,
        **ASKING,
        "may_send": study.is_running,
        "usual_count": USUAL_COUNT,
        "most_drawn": MOST_DRAWN,
    }
    if not sees:
        context["standings"] = [standing]
        return render(request, "reports/alignment/sealed.html", context, status=403)
    kept = latest_run(study)
    entry = None
    if kept is not None:
        entry = entry_of(kept.result, row.judge.judge_id, row.number)
    if kept is None or entry is None:
        context["wish"] = wish_in_words(requests.latest_request(study), kept)
        return render(request, "reports/alignment/unknown.html", context)
    looks.record_view(study, kept, request.user)
    return render(
        request, "reports/alignment/judge.html", context | known(study, row, kept, standing)
    )


def known(
    study: Study, row: JudgeVersion, kept: AnalysisRun, standing: Standing
) -> dict[str, object]:
    """What the page of a judge shows of a report that knows it."""
    entry = entry_of(kept.result, row.judge.judge_id, row.number)
    if entry is None:
        raise Http404("The report does not know this judge.")
    items = [one["item"] for one in entry["disagreements"]]
    keys = dict(
        Comparison.objects.filter(study=study, item_id__in=items).values_list("item_id", "pk")
    )

    def pair_link(item: str) -> str:
        return reverse("alignment:pair", args=[study.slug, row.pk, keys[item]])

    entries = [one for one in kept.result["alignment"] if "standing" in one]
    return {
        **how_new(study, kept),
        "name": f"{row.judge.judge_id}, version {row.number}",
        "model": entry["model"],
        "trust": trust_in_words(entry, entries),
        "notes": entry["warnings"],
        "n": entry["n"],
        "sections": sections(entry, pair_link),
        "validations": with_their_record(row),
        "is_recorded": standing.validity.validation is not None
        and standing.validity.validation.analysis_run_id == kept.pk,
        "guide": reverse("reports:statistics_guide"),
    }


def with_their_record(version: JudgeVersion) -> list[tuple[JudgeValidation, datetime]]:
    """The newest validations of a version, each with when it was recorded."""
    newest = JudgeValidation.objects.filter(version=version).order_by("-id")
    rows = list(newest.select_related("created_by", "version__judge")[:10])
    recorded = recorded_at(rows)
    return [(row, recorded[row.pk]) for row in rows]


def how_new(study: Study, kept: AnalysisRun) -> dict[str, object]:
    """The report that is shown, what came since, and how far the next one is."""
    stale = stale_in_words(freshness(study, kept))
    wish = wish_in_words(requests.latest_request(study), kept, stale=bool(stale))
    return {"kept": kept, "stale": stale, "wish": wish}


def get_version(study: Study, key: int) -> JudgeVersion:
    """The version, if it is one of the study's."""
    return get_object_or_404(
        JudgeVersion.objects.select_related("judge"), pk=key, judge__study=study
    )


DECIDERS = (Role.OWNER, Role.RESEARCHER)
