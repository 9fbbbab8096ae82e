"""Judges, their versions and their runs. A GET reads; what asks or changes is a POST."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import ComparisonKind, Role, Study
from judging.endpoints.saving import EndpointFault, save_endpoint
from judging.judge_files import JudgeFileError, read_draft
from judging.judges import JudgeFault, add_judges, newest_versions, warnings_about
from judging.models import JudgeRun, JudgeVersion, RunState
from judging.outcomes import IN_WORDS, Outcome
from judging.pages.forms import (
    SIMULATED,
    JudgeForm,
    KeyForm,
    StartForm,
    StudyBudgetForm,
    initial_of,
)
from judging.parsing import Missing
from judging.runs import conducting
from judging.runs.asking import TEXTS
from judging.runs.money import StudyBudgetFault, standing_of
from judging.runs.progress import DETAILS, Progress, progress_of
from judging.runs.starting import Quote, RunFault, live_run, quote, start_run
from judging.runs.study_budget import set_study_budget
from judging.tasks import ring
from judging.trying import check_connection, endpoint_of, note_look, try_out

MOST_RUNS_SHOWN = 20

ACTS: dict[str, tuple[str, Callable[..., object]]] = {
    "pause": ("The run is paused. What is in flight is still stored.", conducting.pause),
    "resume": ("The run goes on.", conducting.resume),
    "cancel": ("The run is cancelled. What it has answered stays.", conducting.cancel),
    "retry": ("Calls without an answer are asked again.", conducting.retry),
}


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as a page shows it."""

    run: JudgeRun
    progress: Progress

    @property
    def tone(self) -> str:
        tones = {"running": "info", "paused": "warning", "finished": "ok"}
        return f"status--{tones[self.progress.state]}" if self.progress.state in tones else ""

    @property
    def can_retry(self) -> bool:
        return self.progress.state == "finished" and self.progress.missing_total > 0


def runs_context(study: Study, version: JudgeVersion | None = None) -> dict[str, object]:
    """The newest runs of a study or a version, and where a page that watches asks for them."""
    found = study.judge_runs.select_related("version__judge").order_by("-pk")
    url = reverse("judges:runs", kwargs={"slug": study.slug})
    if version is not None:
        found, url = found.filter(version=version), f"{url}?version={version.pk}"
    shown = [ShownRun(run, progress_of(run)) for run in found[:MOST_RUNS_SHOWN]]
    # With nothing under way a page stays still, and keeps the focus where it is.
    watched = any(one.progress.state == RunState.RUNNING for one in shown)
    return {
        "runs": shown,
        "runs_url": url,
        "are_watched": watched,
        "standing": standing_of(study.pk),
    }


def version_of(study: Study, pk: int) -> JudgeVersion:
    version = (
        JudgeVersion.objects.filter(judge__study=study, imported=False, pk=pk)
        .select_related("judge__study")
        .first()
    )
    if version is None:
        raise Http404("This study has no such judge.")
    return version


@require_safe
@study_role(Role.OWNER, Role.RESEARCHER)
def overview(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """Every judge with its newest version, the runs, and what they may cost together."""
    amount = standing_of(study.pk).amount
    return show_overview(request, study, StudyBudgetForm(initial={"amount": plain(amount)}))


def plain(amount: Decimal | None) -> str:
    """An amount as somebody would type it, without noughts that say nothing."""
    return "" if amount is None else f"{amount.normalize():f}"


def show_overview(
    request: SignedInRequest, study: Study, form: StudyBudgetForm, status: int = 200
) -> HttpResponseBase:
    judges = [
        {"version": version, "warnings": warnings_about(study, version.config)}
        for version in newest_versions(study)
    ]
    imported = study.judges.filter(versions__imported=True).distinct().order_by("judge_id")
    return render(
        request,
        "judging/overview.html",
        {
            "study": study,
            "judges": judges,
            "imported": imported,
            "budget_form": form,
            **runs_context(study),
        },
        status=status,
    )


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def study_budget(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """Cap what all judges cost together, or take the cap away."""
    form = StudyBudgetForm(request.POST)
    if form.is_valid():
        try:
            going_on = set_study_budget(study, request.user, form.cleaned_data["amount"])
        except StudyBudgetFault as fault:
            form.add_error("amount", str(fault))
        else:
            for run in going_on:
                ring(run.pk)
            said = "The budget for all judges is stored."
            if going_on:
                runs = "A run that it" if len(going_on) == 1 else f"{len(going_on)} runs that it"
                said += f" {runs} had paused go{'es' if len(going_on) == 1 else ''} on."
            messages.success(request, said)
            return redirect("judges:overview", slug=study.slug)
    return show_overview(request, study, form, status=422)


@require_safe
@study_role(Role.OWNER, Role.RESEARCHER)
def runs(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """The runs alone, for the page that watches them."""
    wanted = whole(request.GET.get("version"), 0)
    version = version_of(study, wanted) if wanted else None
    context = {"study": study, **runs_context(study, version)}
    response = render(request, "judging/runs.html", context)
    response["Cache-Control"] = "no-store"
    return response


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
    if before is None and "simulated" in request.GET:
        start_with = SIMULATED
    form = JudgeForm(request.POST or None, initial=start_with)
    if before is not None:
        form.fields["name"].disabled = True
        form.fields["base_url"].widget.attrs["readonly"] = True
        form.fields["endpoint"].widget.attrs["readonly"] = True
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
            version = added[0].version
            said = "is added" if added[0].is_new else "was there already, unchanged"
            messages.success(request, f"Version {version.number} {said}.")
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
            "tested": tested,
            "versions": version.judge.versions.filter(imported=False).order_by("-number"),
            "warnings": warnings_about(study, version.config),
            "quote": found,
            "pairs": study.comparisons.filter(kind=ComparisonKind.WORK).count(),
            "has_answers": version.judgments.exists(),
            "live": live_run(version),
            **runs_context(study, version),
            "start_form": start_form,
            "key_form": key_form,
        },
        status=status,
    )


@require_POST
@sensitive_post_parameters("key")
@study_role(Role.OWNER, Role.RESEARCHER)
def key(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """Replace the key of the version's endpoint."""
    asked = version_of(study, version)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            endpoint = endpoint_of(asked)
            save_endpoint(
                study,
                endpoint.name,
                endpoint.base_url,
                actor=request.user,
                key=form.cleaned_data["key"],
            )
        except EndpointFault as fault:
            form.add_error("key", str(fault))
        else:
            messages.success(request, "The new key is stored.")
            return redirect("judges:judge", slug=study.slug, version=asked.pk)
    return show_judge(request, study, asked, StartForm(), form, status=422)


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def connect(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """Test the connection; the class of the result is all that is shown."""
    asked = version_of(study, version)
    try:
        outcome = check_connection(asked)
    except EndpointFault as fault:
        messages.error(request, str(fault))
    else:
        say = messages.success if outcome is Outcome.OK else messages.error
        say(request, IN_WORDS[outcome])
    return redirect("judges:judge", slug=study.slug, version=asked.pk)


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
        note_look(asked, comparison, request.user)
        try:
            tried = try_out(asked, comparison, order)
        except EndpointFault as fault:
            context["fault"] = str(fault)
        else:
            missing = tried.answer if isinstance(tried.answer, Missing) else None
            context |= {
                "tried": tried,
                "said": IN_WORDS[tried.outcome],
                "missing": DETAILS.get(missing.detail, missing.detail) if missing else "",
            }
    return render(request, "judging/try.html", context)


def whole(raw: str | None, otherwise: int) -> int:
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 9 else otherwise


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def start(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """Start a run, and wake whoever works."""
    asked = version_of(study, version)
    form = StartForm(request.POST)
    if form.is_valid():
        try:
            run = start_run(
                asked,
                actor=request.user,
                budget=form.cleaned_data["budget"],
                replicates=form.cleaned_data["replicates"],
                fresh=form.cleaned_data["fresh"],
            )
        except RunFault as fault:
            form.add_error(None, str(fault))
        else:
            transaction.on_commit(lambda: ring(run.pk))
            messages.success(request, "The run has started.")
            return redirect("judges:overview", slug=study.slug)
    return show_judge(request, study, asked, form, KeyForm(), status=422)


def amount(raw: str) -> Decimal:
    """A budget that somebody typed.

    Raises
    ------
    conducting.ConductFault
    """
    try:
        return Decimal(raw.strip())
    except InvalidOperation:
        raise conducting.ConductFault("The new budget is no amount of US dollars.") from None


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def act(request: SignedInRequest, study: Study, run: int, act: str) -> HttpResponseBase:
    """Pause, resume, cancel, or ask again what has no answer."""
    held = study.judge_runs.filter(pk=run).first()
    if held is None or act not in ACTS:
        raise Http404("This study has no such run.")
    said, change = ACTS[act]
    more = {}
    try:
        if act == "resume" and request.POST.get("budget"):
            more["budget"] = amount(request.POST["budget"])
        change(held, request.user, **more)
    except conducting.ConductFault as fault:
        messages.error(request, str(fault))
    else:
        messages.success(request, said)
        if act in ("resume", "retry"):
            transaction.on_commit(lambda: ring(held.pk))
    return redirect("judges:overview", slug=study.slug)
