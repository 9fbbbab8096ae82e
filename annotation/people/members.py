"""Roles in a study: granted, and ended at the next request."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from annotation import audit, quality, queue
from annotation.models import Annotator, AnnotatorState, Membership, Role, Study, User

from .accounts import lock_account, lock_usable_account
from .refusals import AccountGoneError, LastOwnerError, PeopleError
from .teams import put_into_team


def grant_role(
    study: Study,
    user: User,
    role: Role,
    actor: User | None,
    *,
    invitation: int | None = None,
    team: str = "",
) -> bool:
    """Give the user a role, within the caller's transaction; False if they have it already.

    The role annotator brings the user's annotator row, new or once more after an invitation or a
    removal: active, or qualifying where the study has training pairs that the annotator has not
    passed. A paused or failed one stays so: that is for quality control to lift.
    """
    act = add_member(study, user, role, invitation=invitation, team=team)
    if act is None:
        return False
    audit.record_acts(study, actor, act)
    return True


def add_member(
    study: Study, user: User, role: Role, *, invitation: int | None = None, team: str = ""
) -> audit.Act | None:
    """As `grant_role`; the caller records the act at the end. None if the user has the role."""
    _, created = Membership.objects.get_or_create(study=study, user=user, role=role)
    if not created:
        return None
    if role == Role.ANNOTATOR:
        annotator, is_new = Annotator.objects.get_or_create(
            study=study, user=user, defaults={"state": quality.first_state(study)}
        )
        if not is_new and annotator.state in (AnnotatorState.INVITED, AnnotatorState.REMOVED):
            quality.let_in_again(annotator)
    if team:
        put_into_team(study, user, team)
    return audit.Act(
        "member.added", {"user": user.pk, "role": role.value, "invitation": invitation}
    )


def give_role(study: Study, user: User, role: Role, actor: User | None) -> None:
    """`grant_role` in a transaction of its own.

    Raises
    ------
    PeopleError
        The user has the role already.
    AccountGoneError
        The account was erased or blocked.
    """
    with transaction.atomic():
        lock_usable_account(user)
        if not grant_role(study, user, role, actor):
            raise PeopleError(f"This account is {role.label.lower()} of {study.slug} already.")


def remove_role(study: Study, user: User, role: Role, actor: User | None) -> None:
    """End a role. An annotator's reservations go back to the others; their votes stay.

    Raises
    ------
    PeopleError
        The user has no such role.
    LastOwnerError
        The study would have no owner.
    """
    with transaction.atomic():
        lock_member(study, user)
        act = end_member(study, user, role)
        audit.record_acts(study, actor, act)
    if role == Role.ANNOTATOR:
        give_back(study, user)


def set_roles(study: Study, user: User, roles: Collection[Role], actor: User | None) -> bool:
    """Give and end roles, so that the user has `roles` and no other: all of it or nothing.

    Returns
    -------
    bool
        Whether anything was changed.

    Raises
    ------
    LastOwnerError
        The study would have no owner.
    AccountGoneError
        The account, which was to be given a role, was erased or blocked.
    """
    with transaction.atomic():
        account = lock_account(user)
        lock_member(study, user)
        held = {
            Role(role)
            for role in Membership.objects.filter(study=study, user=user).values_list(
                "role", flat=True
            )
        }
        if set(roles) - held and not account.is_active:
            raise AccountGoneError("This account was erased or blocked: it is given no role.")
        # Given first: whoever hands the study on ends as owner only once another one is.
        acts = [add_member(study, user, role) for role in sorted(set(roles) - held)]
        acts += [end_member(study, user, role) for role in sorted(held - set(roles))]
        audit.record_acts(study, actor, *(act for act in acts if act is not None))
    if Role.ANNOTATOR in held - set(roles):
        give_back(study, user)
    return bool(acts)


def lock_member(study: Study, user: User) -> None:
    # The annotator before the study, as whoever votes has it: the other order can lock both out.
    list(Annotator.objects.select_for_update(no_key=True).filter(study=study, user=user))
    # The study's row orders two owners who remove each other.
    Study.objects.select_for_update(no_key=True).get(pk=study.pk)


def end_member(study: Study, user: User, role: Role) -> audit.Act:
    """As `remove_role`, of a locked member; the caller records the act at the end."""
    memberships = Membership.objects.filter(study=study, role=role)
    removed, _ = memberships.filter(user=user).delete()
    if not removed:
        raise PeopleError(f"This account is not {role.label.lower()} of {study.slug}.")
    if role == Role.OWNER and not memberships.exists():
        raise LastOwnerError(f"{study.slug} needs an owner. Make someone else one first.")
    if role == Role.ANNOTATOR:
        Annotator.objects.filter(study=study, user=user).update(state=AnnotatorState.REMOVED)
    return audit.Act("member.removed", {"user": user.pk, "role": role.value})


def give_back(study: Study, user: User) -> None:
    # Nothing new is reserved from here on; were this lost, the leases would lapse.
    queue.give_back(Annotator.objects.get(study=study, user=user))
