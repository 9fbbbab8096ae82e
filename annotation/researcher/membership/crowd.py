"""The link for people of a recruitment platform, its parameters and codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from annotation import people
from annotation.access import SignedInRequest, study_role
from annotation.models import CrowdArrival, Invitation, InvitationPurpose, Role, Study
from annotation.people.inviting import withdraw
from annotation.researcher.meanwhile import Difference, shown_of
from annotation.rules import rules_of

from .edges import MANAGERS, done, page
from .forms import CROWD_FIELDS, CrowdForm, CrowdLinkForm
from .invitations import site_of
from .saving import saved


@require_http_methods(["GET", "HEAD", "POST"])
@study_role(*MANAGERS)
def platform(request: SignedInRequest, study: Study) -> HttpResponse:
    """GET shows links and settings; POST changes the settings."""
    if request.method != "POST":
        return platform_page(request, study)
    form = CrowdForm(request.POST, needs_reason=study.was_opened)
    changed, context = saved(request, study, form, crowd_form)
    if changed is not None:
        messages.success(request, "Saved." if changed else "Nothing was changed.")
        return redirect("people:platform", slug=study.slug)
    return platform_page(request, study, form=form, **context)


def crowd_form(
    study: Study, data: Mapping[str, Any] | None, *, needs_reason: bool = False
) -> CrowdForm:
    crowd = rules_of(study.rules).crowd
    initial = {name: getattr(crowd, name) for name, *_ in CROWD_FIELDS}
    return CrowdForm(data, initial=initial, needs_reason=needs_reason)


def platform_page(
    request: SignedInRequest,
    study: Study,
    *,
    form: CrowdForm | None = None,
    link_form: CrowdLinkForm | None = None,
    link: str = "",
    shown: str = "",
    moved: Sequence[Difference] = (),
) -> HttpResponse:
    crowd = rules_of(study.rules).crowd
    links = (
        Invitation.objects.filter(study=study, purpose=InvitationPurpose.CROWD)
        .annotate(arrived=Count("arrivals"))
        .select_related("user", "created_by")
        .order_by("-pk")
    )
    bad = (form is not None and form.errors) or (link_form is not None and link_form.errors)
    return page(
        request,
        "platform",
        study,
        {
            "crowd": crowd,
            "links": [(entry, people.status_of(entry).value) for entry in links],
            "arrived": CrowdArrival.objects.filter(study=study).count(),
            "form": form or crowd_form(study, None, needs_reason=study.was_opened),
            "shown": shown_of(crowd_form, study) if form is None else shown,
            "moved": moved,
            "link_form": link_form or CrowdLinkForm(),
            "link": link,
        },
        status=422 if bad else 200,
    )


@require_POST
@study_role(*MANAGERS)
def make_link(request: SignedInRequest, study: Study) -> HttpResponse:
    """A link that many come in by, shown this once."""
    form = CrowdLinkForm(request.POST)
    if not form.is_valid():
        return platform_page(request, study, link_form=form)
    people.check_may_manage(request.user, study, Role.ANNOTATOR)
    issued = people.issue_crowd_link(
        study,
        form.cleaned_data["most_people"],
        request.user,
        lifetime=timedelta(days=form.cleaned_data["days"]),
    )
    link = people.crowd_url(issued.token, rules_of(study.rules).crowd, site_of(request))
    return platform_page(request, study, link=link)


@require_POST
@study_role(*MANAGERS)
def withdraw_link(request: SignedInRequest, study: Study, invitation: int) -> HttpResponse:
    found = Invitation.objects.filter(
        study=study, pk=invitation, purpose=InvitationPurpose.CROWD
    ).first()
    if found is None:
        raise Http404("The study has no such link.")

    def act() -> str:
        withdraw(found, request.user)
        return "The link lets nobody in any more. Whoever came by it before is signed in still."

    return done(request, act, "people:platform", slug=study.slug)
