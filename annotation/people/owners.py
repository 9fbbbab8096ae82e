"""The accounts that run the site, and the first owners of a study.

A site owner may use the admin site and owns every study that nobody else owns: those made at the
command line, before or after the account. Beyond its memberships it has no power over a study.
"""

from __future__ import annotations

from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import audit
from annotation.models import Criterion, InvitationPurpose, Membership, Role, Study, User

from .invitations import SET_PASSWORD_LIFETIME, Issued, replace_link
from .members import add_member
from .refusals import PeopleError
from .usernames import check_username


def site_owners() -> QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True)


def create_owner(email: str) -> Issued:
    """Make a site owner, or give an existing one a new link to set a password.

    Raises
    ------
    ValidationError
        `email` is no address that can be a sign-in name.
    PeopleError
        An account of that name exists and is no site owner. Anyone invited may have chosen the
        name, so it is not made one.
    """
    validate_email(email)
    username = check_username(email)
    with transaction.atomic():
        user = User.objects.filter(username=username).first()
        of_site: list[audit.Act] = []
        if user is None:
            user = User(username=username, email=username, is_staff=True, is_superuser=True)
            user.set_unusable_password()
            user.save(force_insert=True)
            of_site.append(audit.Act("owner.created", {"user": user.pk}))
        elif not (user.is_superuser and user.is_active):
            raise PeopleError(
                f"{username} is the name of an account that does not run this site. Invite it as "
                "owner of a study instead: invite STUDY --role owner."
            )
        # One without any question is being copied, and is somebody's once it is whole.
        whole = Exists(Criterion.objects.filter(study=OuterRef("pk")))
        ownerless = list(Study.objects.filter(~has_owner(), whole).order_by("pk"))
        of_studies = [(study, add_member(study, user, Role.OWNER)) for study in ownerless]
        link, issued = replace_link(user, InvitationPurpose.SET_PASSWORD, SET_PASSWORD_LIFETIME)
        # Entries come last: the studies' in the order of their keys, then the site's.
        for study, act in of_studies:
            if act is not None:
                audit.record_acts(study, None, act)
        audit.record_acts(None, None, *of_site, issued)
    return link


def has_owner() -> Exists:
    return Exists(Membership.objects.filter(study=OuterRef("pk"), role=Role.OWNER))


def make_first_owners(study: Study, actor: User | None) -> list[audit.Act]:
    """`actor` owns the new study, or else every site owner; the caller records the acts."""
    owners = [actor] if actor is not None else list(site_owners())
    acts = [add_member(study, user, Role.OWNER) for user in owners]
    return [act for act in acts if act is not None]
