"""Inviting people: lists, e-mails, links that are shown once, reminders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from annotation import people
from annotation.access import SignedInRequest, study_role
from annotation.models import Invitation, InvitationPurpose, MailState, Role, Study
from annotation.people.invitations import JOIN_LIFETIME
from annotation.people.invited import DEFAULT_STANDING, STANDINGS, Wanted
from annotation.people.reminding import remindable
from annotation.tasks import ring_for_letters

from .edges import MANAGERS, done, manageable_by, page
from .forms import InviteForm, LinksForm

# Digits of a cursor, and letters of a name that is searched for.
LONGEST_KEY = 18
LONGEST_NAME = 150


@require_safe
@study_role(*MANAGERS)
def invitations(request: SignedInRequest, study: Study) -> HttpResponse:
    return invitations_page(request, study)


def invitations_page(
    request: SignedInRequest,
    study: Study,
    *,
    form: InviteForm | None = None,
    links_form: LinksForm | None = None,
) -> HttpResponse:
    allowed = manageable_by(request, study)
    bad = (form is not None and form.errors) or (links_form is not None and links_form.errors)
    return page(
        request,
        "invitations",
        study,
        {
            "form": form or InviteForm(allowed),
            "links_form": links_form or LinksForm(allowed),
            "lifetime": JOIN_LIFETIME.days,
            "has_mail_server": bool(settings.EMAIL_HOST),
            **shown(request, study),
        },
        status=422 if bad else 200,
    )


@require_safe
@study_role(*MANAGERS)
def rows(request: SignedInRequest, study: Study) -> HttpResponse:
    """The list alone, for the page that waits for letters to go out."""
    return page(request, "invitation_rows", study, shown(request, study))


def wanted_of(request: SignedInRequest) -> Wanted:
    """What the address asks for; whatever is none of ours is left as it is by default."""
    show = request.GET.get("show", "")
    before = request.GET.get("before", "")
    # PostgreSQL takes no NUL; nobody's name has one.
    name = request.GET.get("name", "")[:LONGEST_NAME].replace("\0", "").strip()
    is_cursor = before.isascii() and before.isdigit() and len(before) <= LONGEST_KEY
    return Wanted(
        show if show in STANDINGS else DEFAULT_STANDING, name, int(before) if is_cursor else None
    )


def query_of(wanted: Wanted, **changed: str | int | None) -> str:
    """The part of an address that asks for it."""
    asked = {"show": wanted.show, "name": wanted.name, "before": wanted.before, **changed}
    if asked["show"] == DEFAULT_STANDING:
        asked["show"] = None
    return urlencode({key: value for key, value in asked.items() if value})


def shown(request: SignedInRequest, study: Study) -> dict[str, Any]:
    wanted = wanted_of(request)
    found = people.list_invitations(study, wanted)
    allowed = manageable_by(request, study)
    return {
        "wanted": wanted,
        "heading": STANDINGS[wanted.show].label,
        "is_limited": bool(wanted.name) or wanted.show != DEFAULT_STANDING,
        "lines": [(line, Role(line.invitation.role) in allowed) for line in found.lines],
        "filters": [
            (
                standing.label,
                found.numbers[key],
                query_of(wanted, show=key, before=None),
                key == wanted.show,
            )
            for key, standing in STANDINGS.items()
        ],
        "failed": found.numbers["failed"] if wanted.show != "failed" else 0,
        "failed_query": query_of(wanted, show="failed", before=None),
        "query": query_of(wanted),
        "older": "" if found.before is None else query_of(wanted, before=found.before),
        "newest": query_of(wanted, before=None) if wanted.before is not None else None,
        "is_sending": any(line.invitation.mail_state == MailState.QUEUED for line in found.lines),
        "can_remind": remindable(study, allowed, timezone.now()).count(),
    }


@require_POST
@study_role(*MANAGERS)
def invite(request: SignedInRequest, study: Study) -> HttpResponse:
    """Everybody of a list, or nobody where a row is bad."""
    form = InviteForm(manageable_by(request, study), request.POST, request.FILES)
    if not form.is_valid():
        return invitations_page(request, study, form=form)
    try:
        issued = people.invite_people(study, form.invitees, request.user, by_email=form.by_email)
    except people.BadListError as bad:
        form.refuse(bad)
        return invitations_page(request, study, form=form)
    except people.PeopleError as refused:
        form.add_error(None, str(refused))
        return invitations_page(request, study, form=form)
    if not form.by_email:
        return links_page(request, study, issued)
    transaction.on_commit(ring_for_letters)
    count = len(issued)
    messages.success(
        request,
        f"{count} invitation{' is' if count == 1 else 's are'} on the way. The list below says "
        "when each has left.",
    )
    return redirect("people:invitations", slug=study.slug)


@require_POST
@study_role(*MANAGERS)
def links(request: SignedInRequest, study: Study) -> HttpResponse:
    """Links for nobody in particular, shown this once."""
    form = LinksForm(manageable_by(request, study), request.POST)
    if not form.is_valid():
        return invitations_page(request, study, links_form=form)
    role = Role(form.cleaned_data["role"])
    people.check_may_manage(request.user, study, role)
    try:
        issued = people.invite(study, role, form.cleaned_data["count"], request.user)
    except people.PeopleError as refused:
        form.add_error(None, str(refused))
        return invitations_page(request, study, links_form=form)
    return links_page(request, study, issued)


def links_page(
    request: SignedInRequest, study: Study, issued: Sequence[people.Issued]
) -> HttpResponse:
    entries = [
        (entry.invitation, people.invitation_url(entry.token, site_of(request))) for entry in issued
    ]
    return page(
        request,
        "links",
        study,
        {
            "entries": entries,
            "all_links": "\n".join(
                "\t".join(part for part in (found.name, found.email, url) if part)
                for found, url in entries
            ),
            "lifetime": JOIN_LIFETIME.days,
        },
    )


def site_of(request: SignedInRequest) -> str:
    """Links lead to where the page was read, which is one of the hosts that are allowed."""
    return request.build_absolute_uri("/")


@require_POST
@study_role(*MANAGERS)
def remind_all(request: SignedInRequest, study: Study) -> HttpResponse:
    def act() -> str:
        count = people.remind_all(study, request.user)
        transaction.on_commit(ring_for_letters)
        if count == 0:
            return "There is nobody to remind now."
        return f"{count} letter{' is' if count == 1 else 's are'} on the way."

    return back(request, study, act)


@require_POST
@study_role(*MANAGERS)
def remind(request: SignedInRequest, study: Study, invitation: int) -> HttpResponse:
    found = find(study, invitation)

    def act() -> str:
        people.remind(found, request.user)
        transaction.on_commit(ring_for_letters)
        return f"A letter to {found.email} is on the way."

    return back(request, study, act)


@require_POST
@study_role(*MANAGERS)
def withdraw(request: SignedInRequest, study: Study, invitation: int) -> HttpResponse:
    found = find(study, invitation)

    def act() -> str:
        people.withdraw(found, request.user)
        whose = found.name or found.email
        return f"The link of {whose} no longer works." if whose else "The link no longer works."

    return back(request, study, act)


def back(request: SignedInRequest, study: Study, act: Callable[[], str]) -> HttpResponse:
    """Do it, and go back to the part of the list in which it was asked for."""
    said = done(request, act, "people:invitations", slug=study.slug)
    query = query_of(wanted_of(request))
    here = reverse("people:invitations", kwargs={"slug": study.slug})
    return redirect(f"{here}?{query}") if query else said


def find(study: Study, key: int) -> Invitation:
    found = Invitation.objects.filter(study=study, pk=key, purpose=InvitationPurpose.JOIN).first()
    if found is None:
        raise Http404("The study has no such invitation.")
    return found
