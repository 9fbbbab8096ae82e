"""A new study made from this one: a clone, or a challenger to a finished study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation.access import NOT_FOR_YOU, SignedInRequest, may_create_studies
from annotation.jobs import putting_off
from annotation.lifecycle.cloning import FINISHED, WantedCopy
from annotation.lifecycle.drafts import free_slug
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.study_file import LONGEST_TITLE
from annotation.models import JobKind, Study, StudyJob

from .basics import NewStudyForm
from .frame import readers_only, render_step, take_faults
from .jobs import job_on_page, ring_where_asked
from .patience import patient_database


class CloneForm(NewStudyForm):
    """A name, and whether the content comes along."""

    with_content = forms.BooleanField(
        label="Copy prompts, responses and checks, too",
        required=False,
        help_text="Votes, people and pairs are never copied.",
    )

    def __init__(self, *args: Any, source: Study, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if source.is_sealed:
            # A draft shows which system wrote what.
            del self.fields["with_content"]


def named_after(study: Study, words: str) -> str:
    return f"{study.title or study.slug} – {words}"[:LONGEST_TITLE]


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def clone(request: SignedInRequest, study: Study) -> HttpResponse:
    """Begin a study with this one's settings and rubric."""
    if not may_create_studies(request.user):
        raise PermissionDenied(NOT_FOR_YOU)
    form = CloneForm(
        request.POST if request.method == "POST" else None,
        initial={"title": named_after(study, "again")},
        source=study,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with patient_database():
                made = putting_off.ask_to_copy(
                    study,
                    request.user,
                    WantedCopy(
                        slug=data["slug"] or free_slug(data["title"]),
                        title=data["title"],
                        with_content=data.get("with_content", False),
                    ),
                )
        except (ValidationError, LifecycleError) as fault:
            take_faults(form, fault)
        else:
            return gone_on(study, "studio:clone", made, "studio:basics")
    at_work = job_on_page(study, JobKind.COPYING)
    return render_step(request, study, "open", "clone", {"form": form, **at_work})


def gone_on(study: Study, here: str, made: Mapping[str, Any] | StudyJob, then: str) -> HttpResponse:
    """To the new study; or back here, where the progress is shown."""
    ring_where_asked(made)
    if isinstance(made, StudyJob):
        return redirect(here, slug=study.slug)
    return redirect(then, slug=made["slug"])


@require_http_methods(["GET", "HEAD", "POST"])
@readers_only
def challenge(request: SignedInRequest, study: Study) -> HttpResponse:
    """Begin a study that adds a system to this finished one."""
    if study.state not in FINISHED or study.is_sealed:
        return redirect("studio:running", slug=study.slug)
    form = NewStudyForm(
        request.POST if request.method == "POST" else None,
        initial={"title": named_after(study, "challenger")},
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with patient_database():
                made = putting_off.ask_to_copy(
                    study,
                    request.user,
                    WantedCopy(
                        slug=data["slug"] or free_slug(data["title"]),
                        title=data["title"],
                        continues=True,
                    ),
                )
        except (ValidationError, LifecycleError) as fault:
            take_faults(form, fault)
        else:
            return gone_on(study, "studio:challenge", made, "studio:content")
    at_work = job_on_page(study, JobKind.COPYING)
    return render_step(request, study, "open", "challenge", {"form": form, **at_work})
