"""What may still be done with a study that was opened: pause, close, archive, unblind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from annotation.access import SignedInRequest, roles_of
from annotation.jobs import rows
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.states import (
    archive_study,
    close_study,
    pause_study,
    resume_study,
    unblind_study,
)
from annotation.models import (
    RUNNING,
    Annotator,
    AuditEntry,
    Comparison,
    ComparisonKind,
    JobKind,
    JobState,
    Role,
    Study,
    StudyJob,
    StudyState,
    StudyVersion,
    User,
)

from .frame import StudioForm, readers_only, render_step, take_faults
from .jobs import job_on_page, told

LONGEST_REASON = 1_000
SHOWN_VERSIONS = 50
ACTED = ("study.opened", "study.paused", "study.resumed", "study.closed", "study.archived",
         "study.unblinded", "study.changed")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """A step in the study's life, as it is asked about before it is taken."""

    label: str
    heading: str
    consequences: tuple[str, ...]
    sources: frozenset[StudyState]
    take: Callable[..., Study]
    is_final: bool = False
    is_primary: bool = False


ACTIONS: Mapping[str, Action] = {
    "pause": Action(
        "Pause",
        "Pause the study?",
        (
            "No new pairs are handed out; annotators read that the study is paused.",
            "Answers on pairs that are open now count for ten more minutes.",
            "You can resume at any time.",
        ),
        frozenset({StudyState.OPEN}),
        pause_study,
    ),
    "resume": Action(
        "Resume",
        "Resume the study?",
        ("Annotators get pairs again at once.",),
        frozenset({StudyState.PAUSED}),
        resume_study,
        is_primary=True,
    ),
    "close": Action(
        "Close",
        "Close the study?",
        (
            "No more votes are collected. Answers on pairs that are open now count for ten more "
            "minutes.",
            "A closed study stays closed. What is missing then can only be collected by a new "
            "study that continues it.",
            "Results stay sealed until the study is unblinded.",
        ),
        RUNNING,
        close_study,
        is_final=True,
    ),
    "archive": Action(
        "Archive",
        "Archive the study?",
        (
            "It moves to the end of the lists, and adjudication ends. Nothing of it is deleted.",
            "An archived study stays archived; report and exports can be read as before.",
        ),
        frozenset({StudyState.CLOSED}),
        archive_study,
        is_final=True,
    ),
}


def may_unblind_early(study: Study, roles: frozenset[Role]) -> bool:
    return study.is_running and Role.OWNER in roles


def available(study: Study) -> list[tuple[str, Action]]:
    state = StudyState(study.state)
    return [(key, action) for key, action in ACTIONS.items() if state in action.sources]


@require_safe
@readers_only
def running(request: SignedInRequest, study: Study) -> HttpResponse:
    """How the study stands, what may be done now, and what was done."""
    if not study.was_opened:
        return redirect("studio:open", slug=study.slug)
    roles = roles_of(request.user, study)
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    entries = AuditEntry.objects.filter(study=study, action__in=ACTED).select_related("actor")
    return render_step(
        request,
        study,
        "open",
        "running",
        {
            "actions": available(study),
            **(at_work := job_on_page(study, JobKind.CHANGING)),
            "bad_rows": bad_rows(at_work["ended"], request.user),
            "change_told": told(at_work["ended"].found) if is_done(at_work["ended"]) else "",
            "can_unblind": study.unblinded_at is None
            and (not study.is_running or may_unblind_early(study, roles)),
            "is_early": study.is_running,
            "may_change": study.is_running,
            "nobody_rates": study.is_running
            and not Annotator.objects.filter(study=study, user__isnull=False).exists(),
            "can_challenge": not study.is_running and not study.is_sealed,
            "versions": list(
                StudyVersion.objects.filter(study=study)
                .defer("snapshot")
                .order_by("-number")[:SHOWN_VERSIONS]
            ),
            "overlap": work.aggregate(most=Max("overlap"))["most"],
            "entries": [
                {
                    "at": entry.at,
                    "who": entry.actor.get_username() if entry.actor else "at the command line",
                    "what": entry.action.removeprefix("study."),
                    "reason": entry.detail.get("reason", ""),
                }
                for entry in entries.order_by("-seq")[:SHOWN_VERSIONS]
            ],
        },
    )


def bad_rows(ended: StudyJob | None, reader: User) -> list[list[object]]:
    """The first bad rows of a file, for whoever gave it."""
    return [] if ended is None else rows.found_for(ended, reader).get(rows.PROBLEMS, [])


def is_done(ended: StudyJob | None) -> bool:
    return ended is not None and ended.state == JobState.DONE


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def act(request: SignedInRequest, study: Study, action: str) -> HttpResponse:
    """Say what will happen; and take the step."""
    chosen = ACTIONS.get(action)
    if chosen is None:
        raise Http404("There is no such step.")
    if request.method == "POST":
        try:
            chosen.take(study, request.user)
        except LifecycleError as fault:
            messages.error(request, str(fault))
        else:
            messages.success(request, f"{chosen.label}: done.")
        return redirect("studio:running", slug=study.slug)
    if StudyState(study.state) not in chosen.sources:
        return redirect("studio:running", slug=study.slug)
    return render_step(request, study, "open", "act", {"action": chosen})


class ReasonForm(StudioForm):
    """Why; kept in the log for good."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        help_text="Kept in the log for good. Name no person.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Give a reason; it is recorded."},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def unblind(request: SignedInRequest, study: Study) -> HttpResponse:
    """Let researchers see names and outcomes, once, for good."""
    if not study.was_opened or study.unblinded_at is not None:
        return redirect("studio:running", slug=study.slug)
    early = study.is_running
    if early and Role.OWNER not in roles_of(request.user, study):
        raise PermissionDenied("Only an owner may unblind a study before it is closed.")
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            unblind_study(study, request.user, early=early, reason=form.cleaned_data["reason"])
        except LifecycleError as fault:
            take_faults(form, fault)
        else:
            messages.success(request, "The study is unblinded: names and results can be read.")
            return redirect("studio:running", slug=study.slug)
    return render_step(request, study, "open", "unblind", {"form": form, "is_early": early})
