"""The members of a study, and what is decided about one of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from annotation import people, quality
from annotation.access import SignedInRequest, study_role
from annotation.models import AnnotatorState, Role, Study
from annotation.people.roster import Person, Wanted, find_person, list_people, said_of, teams_of

from .edges import MANAGERS, done, manageable_by, page, refuse_unless

ERASE_WORD = "erase"


@require_safe
@study_role(*MANAGERS)
def members(request: SignedInRequest, study: Study) -> HttpResponse:
    # PostgreSQL takes no NUL; nobody's name has one.
    given = (request.GET.get(key, "")[:150].replace("\0", "") for key in ("name", "role", "team"))
    wanted = Wanted(*(text.strip() for text in given))
    found = list_people(study, wanted, request.GET.get("page"))
    limits = {"name": wanted.name, "role": wanted.role, "team": wanted.team}
    return page(
        request,
        "members",
        study,
        {
            "found": found,
            "wanted": wanted,
            "is_limited": any(limits.values()),
            "query": urlencode({key: value for key, value in limits.items() if value}),
            "roles": [(role.value, role.label) for role in Role],
            "teams": teams_of(study),
        },
    )


@require_safe
@study_role(*MANAGERS)
def member(request: SignedInRequest, study: Study, account: int) -> HttpResponse:
    return member_page(request, study, find(study, account))


def find(study: Study, account: int) -> Person:
    person = find_person(study, account)
    if person is None:
        raise Http404("Nobody of this study has that account.")
    return person


def member_page(
    request: SignedInRequest, study: Study, person: Person, *, fault: str = "", status: int = 200
) -> HttpResponse:
    allowed = manageable_by(request, study)
    annotator = person.annotator
    has_part = annotator is not None and annotator.state != AnnotatorState.REMOVED
    may_end = annotator is not None and Role.ANNOTATOR in allowed
    return page(
        request,
        "member",
        study,
        {
            "person": person,
            "roles": [(role, role in person.roles, role in allowed) for role in Role],
            "may_set_roles": bool(allowed - {Role.ANNOTATOR}),
            "votes_would_leave": Role.OWNER in allowed
            and annotator is not None
            and quality.would_leave(annotator),
            "may_set_team": bool(person.roles) and may_decide(person, allowed),
            "said": said_of(annotator),
            "has_part": has_part,
            "may_end": may_end,
            "belongings": people.look_over(annotator) if may_end and annotator else None,
            "may_erase": Role.OWNER in allowed,
            "erase_word": ERASE_WORD,
            "is_self": person.user.pk == request.user.pk,
            "fault": fault,
            "teams": teams_of(study),
        },
        status=status,
    )


def may_decide(person: Person, allowed: frozenset[Role]) -> bool:
    """Whether somebody who manages the roles `allowed` decides about all that the person is."""
    return set(person.roles) <= allowed


@require_POST
@study_role(*MANAGERS)
def set_roles(request: SignedInRequest, study: Study, account: int) -> HttpResponse:
    """Give and end roles, so that the person has those that were ticked."""
    person, allowed = find(study, account), manageable_by(request, study)
    ticked = {role for role in Role if role.value in request.POST.getlist("role")}
    now = set(person.roles)
    changed = (ticked ^ now) - {Role.ANNOTATOR}
    refuse_unless(changed <= allowed and bool(allowed - {Role.ANNOTATOR}))
    if Role.ANNOTATOR in ticked - now:
        changed.add(Role.ANNOTATOR)

    def act() -> str:
        if changed:
            people.set_roles(study, person.user, now ^ changed, request.user)
        return f"The roles of {person.name} are set." if changed else "Nothing was changed."

    if person.user.pk == request.user.pk and Role.OWNER in changed & now:
        return done(request, act, "home")
    return done(request, act, "people:member", slug=study.slug, account=account)


@require_POST
@study_role(*MANAGERS)
def set_team(request: SignedInRequest, study: Study, account: int) -> HttpResponse:
    person = find(study, account)
    refuse_unless(may_decide(person, manageable_by(request, study)))
    team = request.POST.get("team", "").strip()

    def act() -> str:
        people.set_team(study, person.user, team, request.user)
        return f"{person.name} is in the team {team}." if team else f"{person.name} is in no team."

    return done(request, act, "people:member", slug=study.slug, account=account)


class EndForm(forms.Form):
    """Whether votes stay has no preset: the person who decides says it."""

    votes = forms.ChoiceField(choices=[("keep", "stay"), ("withdraw", "are withdrawn")])
    reason = forms.CharField(required=False)


@require_POST
@study_role(*MANAGERS)
def end_part(request: SignedInRequest, study: Study, account: int) -> HttpResponse:
    person = find(study, account)
    form = EndForm(request.POST)
    if not form.is_valid():
        return member_page(
            request, study, person, fault="Say whether the votes stay or are withdrawn.", status=422
        )
    withdraws = form.cleaned_data["votes"] == "withdraw"

    def act() -> str:
        people.end_part(
            study,
            person.user,
            request.user,
            withdraw_votes=withdraws,
            reason=form.cleaned_data["reason"],
        )
        kept = (
            "Their votes are out of the count, and their slots are open to others."
            if withdraws
            else "Their votes count as before."
        )
        return f"The part of {person.name} has ended. {kept}"

    return done(request, act, "people:member", slug=study.slug, account=account)


@require_POST
@study_role(Role.OWNER)
def erase(request: SignedInRequest, study: Study, account: int) -> HttpResponse:
    """Take who somebody is out of the study, for good; a word is typed, so that no slip does it."""
    person = find(study, account)
    if person.annotator is None:
        raise Http404("This account is no annotator of the study.")
    if request.POST.get("word", "").strip().lower() != ERASE_WORD:
        fault = f"Nothing was erased: type the word {ERASE_WORD} to confirm."
        return member_page(request, study, person, fault=fault, status=422)
    erased: Any = people.erase(person.annotator, request.user)
    messages.success(
        request,
        f"The person is erased. {erased.belongings.votes} votes stay, under the new name "
        f"{erased.new_name}.",
    )
    return redirect(reverse("people:members", kwargs={"slug": study.slug}))
