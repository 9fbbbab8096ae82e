"""Single-use links: to join a study, to set a password, to sign in.

A link is a secret of 256 bits, of which only the hash is stored. It is used by a compare-and-swap
on its own row, in the transaction of what it allows: of two people who use it at the same moment
one is refused, and what fails leaves the link unused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth import password_validation
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from annotation import audit
from annotation.models import (
    ApiToken,
    EarlierLink,
    Invitation,
    InvitationPurpose,
    Role,
    Study,
    StudyState,
    User,
)

from .accounts import lock_usable_account
from .members import grant_role
from .refusals import (
    AlreadyMemberError,
    InvitationError,
    InvitationRefusedError,
    InvitationStatus,
    NoSuchInvitationError,
    PeopleError,
    UsernameTakenError,
)
from .tokens import TOKEN_LENGTH, draw_token, hash_token
from .usernames import check_username, is_taken

# People read their mail within a fortnight; a link that lies around longer is a risk.
JOIN_LIFETIME = timedelta(days=14)

# The next two open an existing account, so they live only as long as it takes to pass them on.
SET_PASSWORD_LIFETIME = timedelta(hours=24)
SIGN_IN_LIFETIME = timedelta(hours=24)

# Sentences, not a role put into one: languages bend their words differently.
ALREADY = {
    Role.OWNER: gettext_lazy("You take part in this study as owner already."),
    Role.RESEARCHER: gettext_lazy("You take part in this study as researcher already."),
    Role.MONITOR: gettext_lazy("You take part in this study as monitor already."),
    Role.ADJUDICATOR: gettext_lazy("You take part in this study as adjudicator already."),
    Role.ANNOTATOR: gettext_lazy("You take part in this study as annotator already."),
}

# One call, one list of links to hand out. More people than this come in several lists.
MAX_INVITATIONS = 1000


@dataclass(frozen=True, slots=True)
class Issued:
    """An invitation and its secret, which cannot be had again."""

    invitation: Invitation
    token: str


def issue(invitation: Invitation, lifetime: timedelta) -> Issued:
    token = draw_token()
    invitation.token_hash = hash_token(token)
    invitation.expires_at = invitation.created_at + lifetime
    invitation.save(force_insert=True)
    return Issued(invitation, token)


def invite(
    study: Study, role: Role, count: int = 1, actor: User | None = None, *, next_path: str = ""
) -> list[Issued]:
    """Issue `count` links, each of which gives one person `role` in the study."""
    if not 1 <= count <= MAX_INVITATIONS:
        raise PeopleError(f"{count} invitations: ask for 1 to {MAX_INVITATIONS} at a time.")
    refuse_over(study, role)
    with transaction.atomic():
        issued = [
            issue(
                Invitation(
                    purpose=InvitationPurpose.JOIN,
                    study=study,
                    role=role,
                    next_path=next_path,
                    created_by=actor,
                ),
                JOIN_LIFETIME,
            )
            for _ in range(count)
        ]
        audit.record(study, actor, "invitations.issued", {"role": role.value, "count": count})
    return issued


def takes_nobody(study: Study, role: Role) -> bool:
    """Whether somebody who joins as `role` would find nothing to do, as the study is over.

    Its results are still read, so that others than annotators may join.
    """
    return role == Role.ANNOTATOR and study.state in (StudyState.CLOSED, StudyState.ARCHIVED)


def refuse_over(study: Study, *roles: Role) -> None:
    """Raise PeopleError where annotators are invited into a study that is over."""
    if any(takes_nobody(study, role) for role in roles):
        raise PeopleError(
            f"{study.slug} is {study.state} and takes no annotators any more. Nobody was invited."
        )


def issue_set_password_link(user: User, actor: User | None = None) -> Issued:
    """A link with which `user` sets a password; earlier ones end."""
    return issue_for_account(user, InvitationPurpose.SET_PASSWORD, SET_PASSWORD_LIFETIME, actor)


def issue_sign_in_link(user: User, actor: User | None = None, *, next_path: str = "") -> Issued:
    """A link that signs `user` in without a password and leads to `next_path`.

    Earlier ones to the same place end.
    """
    return issue_for_account(user, InvitationPurpose.SIGN_IN, SIGN_IN_LIFETIME, actor, next_path)


def issue_for_account(
    user: User,
    purpose: InvitationPurpose,
    lifetime: timedelta,
    actor: User | None,
    next_path: str = "",
) -> Issued:
    with transaction.atomic():
        issued, act = replace_link(user, purpose, lifetime, actor, next_path)
        audit.record_acts(None, actor, act)
    return issued


def replace_link(
    user: User,
    purpose: InvitationPurpose,
    lifetime: timedelta,
    actor: User | None = None,
    next_path: str = "",
) -> tuple[Issued, audit.Act]:
    """A new link in the place of earlier ones; the caller records the act at the end."""
    live_invitations().filter(user=user, purpose=purpose, next_path=next_path).update(
        revoked_at=timezone.now()
    )
    issued = issue(
        Invitation(purpose=purpose, user=user, next_path=next_path, created_by=actor), lifetime
    )
    return issued, audit.Act(f"link.{purpose.value}.issued", {"user": user.pk})


def live_invitations() -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
    )


def get_invitation(token: str) -> Invitation:
    """The invitation of that token, whatever its status, with its study and user.

    Raises
    ------
    NoSuchInvitationError
        There is none.
    """
    if len(token) != TOKEN_LENGTH:
        raise NoSuchInvitationError("There is no such invitation.")
    hashed = hash_token(token)
    rows = Invitation.objects.select_related("study", "user")
    invitation = rows.filter(token_hash=hashed).first()
    if invitation is None:
        earlier = EarlierLink.objects.filter(token_hash=hashed)
        invitation = rows.filter(pk__in=earlier.values("invitation")).first()
    if invitation is None:
        raise NoSuchInvitationError("There is no such invitation.")
    return invitation


def draw_link(invitation: Invitation, *, keep: bool) -> str:
    """Give the locked invitation a new secret, which the caller saves; the token of it.

    The one before goes on to work where it may be in somebody's letter (`keep`).
    """
    if keep:
        EarlierLink.objects.create(invitation=invitation, token_hash=invitation.token_hash)
    token = draw_token()
    invitation.token_hash = hash_token(token)
    return token


def status_of(invitation: Invitation) -> InvitationStatus:
    if invitation.used_at is not None:
        return InvitationStatus.USED
    if invitation.revoked_at is not None:
        return InvitationStatus.REVOKED
    if invitation.user is not None and not invitation.user.is_active:
        return InvitationStatus.REVOKED
    if invitation.expires_at <= timezone.now():
        return InvitationStatus.EXPIRED
    return InvitationStatus.LIVE


def get_live_invitation(token: str, purpose: InvitationPurpose) -> Invitation:
    """The invitation, if it may be used now; `use` decides again when it is."""
    invitation = get_invitation(token)
    if invitation.purpose != purpose:
        raise NoSuchInvitationError("There is no such invitation.")
    refuse_dead(invitation)
    return invitation


def refuse_dead(invitation: Invitation) -> None:
    """Raise InvitationRefusedError where the invitation cannot be used now.

    One that lets an annotator into a closed study is not: there is nothing to rate.
    """
    status = status_of(invitation)
    if status != InvitationStatus.LIVE:
        raise InvitationRefusedError(status)
    if (
        invitation.purpose == InvitationPurpose.JOIN
        and invitation.study is not None
        and takes_nobody(invitation.study, Role(invitation.role))
    ):
        raise InvitationRefusedError(InvitationStatus.STUDY_OVER)


def use(invitation: Invitation) -> None:
    """Mark the invitation as used, within the caller's transaction; refuse if it is not live.

    However many letters brought a link of it, this ends them all.
    """
    if live_invitations().filter(pk=invitation.pk).update(used_at=timezone.now()) != 1:
        raise InvitationRefusedError(status_of(Invitation.objects.get(pk=invitation.pk)))


def accept_invitation(token: str, username: str, password: str) -> User:
    """Join a study with a new account.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        The link is none, or cannot be used any more.
    UsernameTakenError
        Someone has the name; the link is still good.
    ValidationError
        The name or the password is not allowed; the link is still good.
    """
    invitation = get_live_invitation(token, InvitationPurpose.JOIN)
    user = User(username=check_username(username))
    password_validation.validate_password(password, user)
    # Hashing takes long on purpose; no lock is held meanwhile.
    user.set_password(password)
    try:
        with transaction.atomic():
            use(invitation)
            user.save(force_insert=True)
            join(invitation, user)
    except IntegrityError:
        if not is_taken(user.username):
            raise
        raise UsernameTakenError(
            gettext(
                "Someone has this name already. Choose another, or sign in first if it is yours."
            )
        ) from None
    return user


def accept_invitation_as(token: str, user: User) -> None:
    """Join a study with an account that exists; the caller has signed the user in.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        The link is none, or cannot be used any more.
    AlreadyMemberError
        The account has the role; the link is still good for someone else.
    AccountGoneError
        The account was erased or blocked meanwhile; the link is still good.
    """
    invitation = get_live_invitation(token, InvitationPurpose.JOIN)
    with transaction.atomic():
        lock_usable_account(user)
        use(invitation)
        join(invitation, user)


def join(invitation: Invitation, user: User) -> None:
    study, role = invitation.study, Role(invitation.role)
    if study is None:
        raise InvitationError("The invitation names no study.")
    Invitation.objects.filter(pk=invitation.pk).update(accepted_by=user)
    granted = grant_role(study, user, role, user, invitation=invitation.pk, team=invitation.team)
    if not granted:
        raise AlreadyMemberError(str(ALREADY[role]))


def set_password(token: str, password: str) -> User:
    """Give the account of the link a password.

    All sessions and other links of the account end, and its API keys are revoked.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        The link is none, or cannot be used any more.
    ValidationError
        The password is not allowed; the link is still good.
    """
    invitation = get_live_invitation(token, InvitationPurpose.SET_PASSWORD)
    user = account_of(invitation)
    password_validation.validate_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        use(invitation)
        store_password(user, {"invitation": invitation.pk})
    return user


def change_password(user: User, password: str) -> None:
    """Give the user, who has shown that they know the present one, a new password.

    All other sessions and all links of the account end, and its API keys are revoked.

    Raises
    ------
    ValidationError
        The password is not allowed.
    """
    password_validation.validate_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        store_password(user, {})


def store_password(user: User, detail: dict[str, int]) -> None:
    # Sessions carry a hash of the password, and so end with the old one.
    user.save(update_fields=["password"])
    now = timezone.now()
    live_invitations().filter(user=user).update(revoked_at=now)
    # Whoever knew the old password may have made keys with it.
    tokens = ApiToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now)
    if revoked := tokens.update(revoked_at=now):
        detail = {**detail, "tokens_revoked": revoked}
    audit.record(None, user, "password.set", {"user": user.pk, **detail})


def sign_in(token: str) -> Invitation:
    """Use a sign-in link; the caller signs the invitation's user in.

    Raises
    ------
    NoSuchInvitationError, InvitationRefusedError
        The link is none, or cannot be used any more.
    """
    invitation = get_live_invitation(token, InvitationPurpose.SIGN_IN)
    user = account_of(invitation)
    with transaction.atomic():
        use(invitation)
        audit.record(None, user, "link.sign_in.used", {"user": user.pk})
    return invitation


def account_of(invitation: Invitation) -> User:
    if invitation.user is None:
        raise InvitationError("The invitation names no account.")
    return invitation.user


def revoke_invitation(invitation: Invitation, actor: User | None) -> None:
    """End a link before it is used.

    Raises
    ------
    InvitationRefusedError
        It was used, had expired or was revoked before.
    """
    with transaction.atomic():
        revoked = live_invitations().filter(pk=invitation.pk).update(revoked_at=timezone.now())
        if revoked != 1:
            raise InvitationRefusedError(status_of(Invitation.objects.get(pk=invitation.pk)))
        audit.record(invitation.study, actor, "invitation.revoked", {"invitation": invitation.pk})
