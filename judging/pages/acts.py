"""What changes a judge's runs, key or money, or tests its endpoint. Each is a POST."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TypeVar

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from annotation.access import SignedInRequest, study_role
from annotation.models import Role, Study
from judging.endpoints.saving import EndpointFault
from judging.judges import replace_key
from judging.outcomes import IN_WORDS, Outcome
from judging.pages.forms import KeyForm, StartForm, StudyBudgetForm, TogetherForm
from judging.pages.shown_runs import version_of
from judging.pages.views import show_judge, show_overview
from judging.runs import conducting
from judging.runs.money import StudyBudgetFault
from judging.runs.panels import quote_first_runs, start_together
from judging.runs.planning import RunFault
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from judging.tasks import ring
from judging.trying import check_connection

Found = TypeVar("Found")

ACTS: dict[str, tuple[str, Callable[..., object]]] = {
    "pause": ("The run is paused. What is in flight is still stored.", conducting.pause),
    "resume": ("The run goes on.", conducting.resume),
    "cancel": ("The run is cancelled. What it has answered stays.", conducting.cancel),
    "retry": ("Calls without an answer are asked again.", conducting.retry),
}


@require_POST
@sensitive_post_parameters("key")
@study_role(Role.OWNER, Role.RESEARCHER)
def key(request: SignedInRequest, study: Study, version: int) -> HttpResponseBase:
    """Replace the key of the version's endpoint."""
    asked = version_of(study, version)
    form = KeyForm(request.POST)
    if form.is_valid():
        try:
            replace_key(asked, actor=request.user, **form.cleaned_data)
        except EndpointFault as fault:
            is_named = bool(form.cleaned_data["key_variable"])
            form.add_error("key_variable" if is_named else "key", str(fault))
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


def tried(form: TogetherForm, act: Callable[[Decimal | None], Found]) -> Found | None:
    """What came of an act with the form's budget; None, with its faults in the form."""
    if not form.is_valid():
        return None
    try:
        return act(form.cleaned_data["budget"])
    except RunFault as fault:
        for line in str(fault).splitlines():
            form.add_error(None, line)
        return None


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def start_all(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """Start a first run of each judge that has had none: of all, or of none."""
    form = TogetherForm(request.POST)
    runs = tried(form, partial(start_together, study, request.user))
    if runs is None:
        return show_overview(request, study, together=form, status=422)
    number = "A run has" if len(runs) == 1 else f"{len(runs)} runs have"
    messages.success(request, f"{number} started.")
    for run in runs:
        transaction.on_commit(partial(ring, run.pk))
    return redirect("judges:overview", slug=study.slug)


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def quote_all(request: SignedInRequest, study: Study) -> HttpResponseBase:
    """What a first run of each judge that has had none would ask and cost; every pair is read."""
    form = TogetherForm(request.POST)
    found = tried(form, partial(quote_first_runs, study))
    status = 422 if found is None else 200
    return show_overview(request, study, together=form, found=found, status=status)


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
