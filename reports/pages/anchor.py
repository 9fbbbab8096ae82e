"""The form on the report's page that says which system ratings are measured from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation.access import SignedInRequest, can_see_outcomes, study_role
from annotation.models import Role, Study
from reports import rating_anchor, requests
from reports.freshness import latest_run
from reports.models.anchors import DEFAULT_RATING, HIGHEST, LOWEST
from reports.rating_anchor import AnchorRefusedError, ShownAnchor
from reports.tasks import ring_for_report

# In the place of a code: the system that was chosen by its name before the study was sealed.
AS_CHOSEN = "as-chosen"


class AnchorForm(forms.Form):
    """Which system, none if empty, and where it stands."""

    system = forms.CharField(required=False, strip=False, max_length=255)
    rating = forms.FloatField(min_value=LOWEST, max_value=HIGHEST)


@dataclass(frozen=True, slots=True)
class AnchorChoice:
    """What the form shows.

    Attributes
    ----------
    choices : sequence of str
        Names, or codes while names are sealed.
    shown : ShownAnchor or None
        What is chosen now.
    """

    choices: Sequence[str]
    shown: ShownAnchor | None

    @classmethod
    def of(cls, study: Study) -> AnchorChoice:
        return cls(rating_anchor.list_choices(study), rating_anchor.shown_anchor(study))

    @property
    def rating(self) -> str:
        """As a field of numbers takes it."""
        return f"{DEFAULT_RATING if self.shown is None else self.shown.rating:.10g}"

    @property
    def as_chosen(self) -> str:
        """The value that leaves a withheld system as it is; empty where none is withheld."""
        return AS_CHOSEN if self.shown is not None and self.shown.withheld else ""


@require_POST
@study_role(Role.OWNER, Role.RESEARCHER)
def set_anchor(request: SignedInRequest, study: Study) -> HttpResponse:
    """Choose the anchor, or none, and ask for the report that follows it."""
    form = AnchorForm(request.POST)
    if not form.is_valid():
        messages.error(
            request,
            f"The anchor's rating must be a number from {LOWEST:,} to {HIGHEST:,}. Nothing was "
            "changed.",
        )
        return redirect("reports:report", slug=study.slug)
    system = form.cleaned_data["system"]
    try:
        if system:
            rating_anchor.set_anchor(
                study,
                request.user,
                system=None if study.is_sealed and system == AS_CHOSEN else system,
                rating=form.cleaned_data["rating"],
            )
        else:
            rating_anchor.remove_anchor(study, request.user)
    except AnchorRefusedError as refused:
        messages.error(request, str(refused))
        return redirect("reports:report", slug=study.slug)
    if can_see_outcomes(request.user, study) and latest_run(study, with_result=False) is not None:
        requests.ask(study, request.user)
        transaction.on_commit(ring_for_report)
    messages.success(request, "What ratings are measured from is saved. Reports follow it.")
    return redirect("reports:report", slug=study.slug)
