"""Who is there to rate, before the study opens; inviting them has an area of its own."""

from __future__ import annotations

from django.db.models import Count, Max
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    Invitation,
    InvitationPurpose,
    Membership,
    Role,
    Study,
)

from .frame import readers_only, render_step


def people_url(study: Study) -> str:
    """The area in which people are invited."""
    return reverse("people:members", kwargs={"slug": study.slug})


@require_safe
@readers_only
def people(request: SignedInRequest, study: Study) -> HttpResponse:
    """How many people there are, and how many the design needs at least."""
    states = dict(
        Annotator.objects.filter(study=study)
        .order_by()
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    roles = dict(
        Membership.objects.filter(study=study)
        .order_by()
        .values_list("role")
        .annotate(number=Count("pk"))
    )
    links = Invitation.objects.filter(
        study=study,
        purpose__in=[InvitationPurpose.JOIN, InvitationPurpose.CROWD],
        role=Role.ANNOTATOR,
        used_at__isnull=True,
        revoked_at__isnull=True,
    ).count()
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    overlap = work.aggregate(most=Max("overlap"))["most"]
    here = sum(
        number
        for state, number in states.items()
        if state not in (AnnotatorState.REMOVED, AnnotatorState.FAILED)
    )
    return render_step(
        request,
        study,
        "people",
        "people",
        {
            "here": here,
            "links": links,
            "overlap": overlap,
            "lacking": max(0, (overlap or 0) - here),
            "roles": [(Role(role).label, number) for role, number in sorted(roles.items())],
            "people_url": people_url(study),
        },
    )
