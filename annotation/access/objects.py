"""Objects, each fetched together with the question whether this user may have it.

An outsider gets the same "not found" for a study that exists and for one that does not. A member
with another role is told so. Superusers have no way around this: what they may do in a study is
what their memberships say, and the admin site shows no content, votes or outcomes.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from annotation.models import (
    Annotator,
    AnnotatorState,
    Membership,
    Role,
    Study,
    User,
)

NO_SUCH_STUDY = _("There is no such study, or you have no part in it.")
OTHER_ROLE = _("Your role in this study does not include this page.")
ACCESS_ENDED = _("Your part in this study has ended.")

AnyUser = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class StudyWithRoles:
    """A study and what the user is in it."""

    study: Study
    roles: frozenset[Role]


def roles_of(user: AnyUser, study: Study) -> frozenset[Role]:
    """What the user is in the study; empty for anyone else."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    return frozenset(
        Role(role)
        for role in Membership.objects.filter(study=study, user=user).values_list("role", flat=True)
    )


def get_study_for(user: AnyUser, slug: str, *roles: Role) -> Study:
    """The study, if the user has one of `roles` in it (any role when none is named).

    Raises
    ------
    Http404
        The user has no role there, or there is no such study.
    PermissionDenied
        The user has a role there, but none of these.
    """
    return get_study_with_roles_for(user, slug, *roles).study


def get_study_with_roles_for(user: AnyUser, slug: str, *roles: Role) -> StudyWithRoles:
    """`get_study_for`, with all the roles that the user has in the study. One query."""
    if not user.is_authenticated or not user.is_active:
        raise Http404(NO_SUCH_STUDY)
    memberships = list(
        Membership.objects.filter(user=user, study__slug=slug).select_related("study")
    )
    if not memberships:
        raise Http404(NO_SUCH_STUDY)
    held = frozenset(Role(membership.role) for membership in memberships)
    if roles and held.isdisjoint(roles):
        raise PermissionDenied(OTHER_ROLE)
    return StudyWithRoles(memberships[0].study, held)


def get_annotator_for(user: AnyUser, slug: str) -> Annotator:
    """The user's own annotator in the study, with its study. One query when there is one.

    It may be invited, qualifying, active, paused or failed: what may then be done is the queue's
    business. A removed one is refused.

    Raises
    ------
    Http404
        The user has no role there, or there is no such study.
    PermissionDenied
        The user has a role there but is no annotator, or was removed.
    """
    if not user.is_authenticated or not user.is_active:
        raise Http404(NO_SUCH_STUDY)
    annotator = (
        Annotator.objects.filter(user=user, study__slug=slug)
        .filter(study__memberships__user=user, study__memberships__role=Role.ANNOTATOR)
        .select_related("study")
        .first()
    )
    if annotator is not None:
        if annotator.state == AnnotatorState.REMOVED:
            raise PermissionDenied(ACCESS_ENDED)
        return annotator
    if Annotator.objects.filter(user=user, study__slug=slug).exists():
        # The membership is gone. They were told of the study once: no secret is given away.
        raise PermissionDenied(ACCESS_ENDED)
    if Membership.objects.filter(user=user, study__slug=slug).exists():
        raise PermissionDenied(OTHER_ROLE)
    raise Http404(NO_SUCH_STUDY)


def list_studies_for(user: AnyUser) -> list[StudyWithRoles]:
    """Every study in which the user has a role, the newest first. One query."""
    if not user.is_authenticated or not user.is_active:
        return []
    studies: dict[int, Study] = {}
    roles: dict[int, set[Role]] = {}
    memberships = (
        Membership.objects.filter(user=user)
        .select_related("study")
        .order_by("-study__created_at", "-study_id")
    )
    for membership in memberships:
        studies.setdefault(membership.study_id, membership.study)
        roles.setdefault(membership.study_id, set()).add(Role(membership.role))
    return [StudyWithRoles(study, frozenset(roles[pk])) for pk, study in studies.items()]
