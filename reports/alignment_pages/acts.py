"""What is done about judges: validate them, ask people anew, say how long that counts.

Plain forms. Each leads back to a page to read, with what came of it.
"""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.access import SignedInRequest, can_see_outcomes, study_role
from annotation.lifecycle.refusals import LifecycleError
from annotation.models import Study
from reports import validations
from reports.freshness import latest_run
from reports.models import Expertise
from reports.revalidation import MOST_DRAWN, revalidate_judge, withdraw_sample
from reports.validations import MOST_DAYS, MOST_NEW_RESPONSES, ValidationError
from reports.wording.numbers import counted, named_list

from .views import DECIDERS, get_version


class SampleForm(forms.Form):
    """How many comparisons are drawn, and from which."""

    count = forms.IntegerField(min_value=1, max_value=MOST_DRAWN)
    raise_overlap = forms.BooleanField(required=False)


class ValidityForm(forms.Form):
    """When validations run out; empty: never for that."""

    days = forms.IntegerField(min_value=1, max_value=MOST_DAYS, required=False)
    new_responses = forms.IntegerField(min_value=1, max_value=MOST_NEW_RESPONSES, required=False)
    expertise = forms.ChoiceField(choices=Expertise, required=False)


def in_words(refused: Exception) -> str:
    """Why, without the names of a command's options."""
    return str(refused).replace(" (--raise-overlap)", "").replace(" (--withdraw)", "")


@require_POST
@study_role(*DECIDERS)
def validate(request: SignedInRequest, study: Study, version: int) -> HttpResponse:
    """Take the newest report for this judge's validation."""
    row = get_version(study, version)
    kept = latest_run(study) if can_see_outcomes(request.user, study) else None
    if kept is None:
        messages.error(request, "There is no report to validate it by. Nothing was changed.")
    else:
        try:
            validations.record_validation(kept, row.judge.judge_id, row.number, request.user)
        except ValidationError as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, "This report is now the judge's validation.")
    return redirect("alignment:judge", slug=study.slug, version=row.pk)


@require_POST
@study_role(*DECIDERS)
def revalidate(request: SignedInRequest, study: Study, version: int) -> HttpResponse:
    """Draw a random sample and have the annotators decide on it."""
    row = get_version(study, version)
    form = SampleForm(request.POST)
    if not form.is_valid():
        messages.error(
            request,
            f"The number of comparisons must be a whole number from 1 to {MOST_DRAWN:,}. Nothing "
            "was changed.",
        )
        return redirect("alignment:judge", slug=study.slug, version=row.pk)
    try:
        sample = revalidate_judge(
            study,
            row,
            form.cleaned_data["count"],
            request.user,
            raise_overlap=form.cleaned_data["raise_overlap"],
        )
    except (ValidationError, LifecycleError) as refused:
        messages.error(request, in_words(refused))
    else:
        messages.success(
            request,
            f"{counted(len(sample.sample), 'comparison')} of {len(sample.frame):,} were drawn. "
            "Annotators get them next; the first report after their votes reads them.",
        )
    return redirect("alignment:judge", slug=study.slug, version=row.pk)


@require_POST
@study_role(*DECIDERS)
def withdraw(request: SignedInRequest, study: Study, version: int) -> HttpResponse:
    """Give up the sample that is with the annotators."""
    row = get_version(study, version)
    try:
        withdraw_sample(study, row, request.user)
    except ValidationError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "The sample is withdrawn. Another one can be sent.")
    return redirect("alignment:judge", slug=study.slug, version=row.pk)


@require_POST
@study_role(*DECIDERS)
def set_validity(request: SignedInRequest, study: Study) -> HttpResponse:
    """Say how long validations of the study's judges count."""
    form = ValidityForm(request.POST)
    if not form.is_valid():
        messages.error(
            request,
            f"Days must be 1 to {MOST_DAYS:,} and new responses 1 to {MOST_NEW_RESPONSES:,}, or "
            f"empty for no limit, and annotators one of {named_list(Expertise.values)}. Nothing "
            "was changed.",
        )
    else:
        validations.set_rule(
            study,
            request.user,
            days=form.cleaned_data["days"],
            new_responses=form.cleaned_data["new_responses"],
            expertise=form.cleaned_data["expertise"] or None,
        )
        messages.success(request, "What judges are held to was changed.")
    return redirect("alignment:judges", slug=study.slug)
