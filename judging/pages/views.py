"""Judges, their versions and their runs: what is shown, and what is asked of one pair."""

from __future__ import annotations

from decimal import Decimal
from itertools import chain
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import ComparisonKind, Role, Study
from judging import presets
from judging.endpoints.saving import EndpointFault, is_taken_back
from judging.judge_files import JudgeFileError, read_draft
from judging.judges import (
    JudgeFault,
    add_judges,
    endpoint_of,
    is_outdated,
    newest_versions,
    study_criteria,
    twins,
    warnings_about,
    warnings_about_all,
)
from judging.models import JudgeVersion
from judging.outcomes import IN_WORDS, Outcome
from judging.pages.forms import (
    SIMULATED,
    JudgeForm,
    KeyForm,
    StartForm,
    StudyBudgetForm,
    TogetherForm,
    initial_of,
)
from judging.pages.panel_form import PanelForm
from judging.pages.shown_runs import runs_context, version_of, whole
from judging.parsing import Missing
from judging.runs.asking import TEXTS
from judging.runs.panels import FirstRuns, startable
from judging.runs.planning import Quote, quote
from judging.runs.progress import DETAILS, tallies_of
from judging.runs.starting import live_run
from judging.trying import note_look, try_out


@require_safe
@study_role(Role.OWNER, Role.RESEARCHER)
def overview(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """Every judge with its newest version, the runs, and what they may cost together."""
    before = whole(request.GET.get("before"), 0)
    return show_overview(request, study, before=before)


def plain(amount: Decimal | None) -> str:
    """An amount as somebody would type it, without noughts that say nothing."""
    return "" if amount is None else f"{amount.normalize():f}"


def show_overview(
    request: SignedInRequest,
    study: Study,
    form: StudyBudgetForm | None = None,
    status: int = 200,
    before: int = 0,
    together: TogetherForm | None = None,
    found: FirstRuns | None = None,
) -> HttpResponseBase:
    """The judges, their runs and money, and what a run of each would cost if that was asked."""
    versions = newest_versions(study)
    tallies = tallies_of(versions)
    warned = warnings_about_all(study, [version.config for version in versions])
    judges = [
        {"version": version, "warnings": warnings, "tally": tallies[version.pk]}
        for version, warnings in zip(versions, warned, strict=True)
    ]
    imported = study.judges.filter(versions__imported=True).distinct().order_by("judge_id")
    shown = runs_context(study, before=before)
    amount = plain(shown["standing"].amount)
    return render(
        request,
        "judging/overview.html",
        {
            "study": study,
            "judges": judges,
            "imported": imported,
            "budget_form": form or StudyBudgetForm(initial={"amount": amount}),
            "together_form": together or TogetherForm(),
            "startable": startable(versions),
            "first_runs": found,
            "has_pairs": study.comparisons.filter(kind=ComparisonKind.WORK).exists(),
            **shown,
        },
        status=status,
    )


@require_safe
@study_role(Role.OWNER, Role.RESEARCHER)
def runs(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """The runs alone, for the page that watches them, and what came of the versions it lists."""
    wanted = whole(request.GET.get("version"), 0)
    version = version_of(study, wanted) if wanted else None
    before = whole(request.GET.get("before"), 0)
    listed = newest_versions(study) if version is None else versions_beside(version)
    found = tallies_of(listed)
    context = {
        "study": study,
        "tallies": [{"version": one, "tally": found[one.pk]} for one in listed],
        **runs_context(study, version, before),
    }
    response = render(request, "judging/live_runs.html", context)
    response["Cache-Control"] = "no-store"
    return response


def versions_beside(version: JudgeVersion) -> list[JudgeVersion]:
    """All versions of the judge that can be asked, the newest first."""
    return list(version.judge.versions.filter(imported=False).order_by("-number"))


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("key")
@study_role(Role.OWNER, Role.RESEARCHER)
def add(request: SignedInRequest, study: Study) -> HttpResponseBase:
    return answer_form(request, study, None)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("key")
@study_role(Role.OWNER, Role.RESEARCHER)
def new_version(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    return answer_form(request, study, version_of(study, version))


def answer_form(
    request: SignedInRequest, study: Study, before: JudgeVersion | None
) -> HttpResponseBase:
    """Show the form, or make the judge or its next version."""
    start_with = initial_of(before) if before is not None else None
    if before is None:
        start_with = dict(SIMULATED) if "simulated" in request.GET else {}
        if not study_criteria(study):
            # Its own criteria have no levels, so that a judge would have nothing to go by.
            start_with["rubric"] = presets.rubric_names()[0]
    kind = PanelForm if before is None else JudgeForm
    form = kind(request.POST or None, initial=start_with)
    if before is not None:
        form.fields["name"].disabled = True
        form.fields["base_url"].widget.attrs["readonly"] = True
        form.fields["endpoint"].widget.attrs["readonly"] = True
        form.fields[
            "requests_per_minute"
        ].help_text = "Of the endpoint, by all of its judges, in every version. Empty: no limit."
    if request.method == "POST" and form.is_valid():
        try:
            added = add_judges(
                study,
                read_draft(form.draft(before), "The judge"),
                actor=request.user,
                key=form.cleaned_data["key"],
            )
        except JudgeFileError as fault:
            for one in fault.faults:
                form.add_error(None, one)
        except (JudgeFault, EndpointFault) as fault:
            form.add_error(None, str(fault))
        else:
            if len(added) > 1:
                new = sum(one.is_new for one in added)
                old = len(added) - new
                there = f" {old} {'was' if old == 1 else 'were'} there already." if old else ""
                messages.success(
                    request,
                    f"{new} {'judge' if new == 1 else 'judges'} of the panel "
                    f"{form.cleaned_data['name']} {'is' if new == 1 else 'are'} added.{there} The "
                    "key and limits of their endpoint are stored.",
                )
                found = twins(study, [one.version.config for one in added])
                for warning in sorted(set(chain.from_iterable(found))):
                    messages.warning(request, warning)
                return redirect("judges:overview", slug=study.slug)
            version = added[0].version
            said = "is added" if added[0].is_new else "was there already, unchanged"
            messages.success(
                request,
                f"Version {version.number} {said}. The key and limits of its endpoint are stored.",
            )
            return redirect("judges:judge", slug=study.slug, version=version.pk)
    status = 422 if request.method == "POST" else 200
    return render(
        request,
        "judging/form.html",
        {"study": study, "form": form, "before": before},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(Role.OWNER, Role.RESEARCHER)
def judge(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """A version; on POST with a quote, for which every pair is read and hashed."""
    asked = version_of(study, version)
    found = quote(asked) if request.method == "POST" else None
    return show_judge(request, study, asked, StartForm(), KeyForm(), found=found)


def show_judge(
    request: SignedInRequest,
    study: Study,
    version: JudgeVersion,
    start_form: StartForm,
    key_form: KeyForm,
    status: int = 200,
    found: Quote | None = None,
) -> HttpResponseBase:
    """A version: what it is, its runs, and what a run would cost if that was asked."""
    try:
        endpoint = endpoint_of(version)
    except EndpointFault:
        endpoint = None
    versions = versions_beside(version)
    tallies = tallies_of(versions)
    tested = None
    if endpoint is not None and endpoint.test_result:
        tested = IN_WORDS.get(Outcome(endpoint.test_result))
    return render(
        request,
        "judging/judge.html",
        {
            "study": study,
            "version": version,
            "config": version.config,
            "endpoint": endpoint,
            "is_taken_back": endpoint is not None and is_taken_back(endpoint),
            "tested": tested,
            "versions": [{"version": one, "tally": tallies[one.pk]} for one in versions],
            "is_outdated": is_outdated(version),
            "warnings": warnings_about(study, version.config),
            "quote": found,
            "pairs": study.comparisons.filter(kind=ComparisonKind.WORK).count(),
            "has_answers": tallies[version.pk].answered > 0,
            "live": live_run(version),
            **runs_context(study, version),
            "start_form": start_form,
            "key_form": key_form,
        },
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(Role.OWNER, Role.RESEARCHER)
def try_one(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """One pair, one order: what is sent, what comes back, and what is read of it."""
    asked = version_of(study, version)
    pairs = study.comparisons.filter(kind=ComparisonKind.WORK).order_by("pk")
    number = pairs.count()
    given = request.POST if request.method == "POST" else request.GET
    place = min(max(whole(given.get("pair"), 1), 1), max(number, 1))
    order = "ba" if given.get("order") == "ba" else "ab"
    context: dict[str, Any] = {
        "study": study,
        "version": asked,
        "number": number,
        "place": place,
        "order": order,
    }
    if request.method == "POST" and number:
        comparison = pairs.select_related(*TEXTS)[place - 1]
        try:
            tried = try_out(asked, comparison, order)
        except EndpointFault as fault:
            # Nothing was sent.
            context["fault"] = str(fault)
        else:
            note_look(asked, comparison, request.user)
            missing = tried.answer if isinstance(tried.answer, Missing) else None
            context |= {
                "tried": tried,
                "said": IN_WORDS[tried.outcome],
                "missing": DETAILS.get(missing.detail, missing.detail) if missing else "",
            }
    return render(request, "judging/try.html", context)
