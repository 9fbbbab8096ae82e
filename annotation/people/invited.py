"""Invitations as lists show them: by what became of them and by name, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from annotation.models import Invitation, InvitationPurpose, MailState, Study

from .invitations import status_of
from .refusals import InvitationStatus
from .reminding import why_no_reminder

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """An invitation as a list shows it."""

    invitation: Invitation
    status: InvitationStatus
    # Why it cannot be reminded of; empty where it can.
    no_reminder: str

    @property
    def is_live(self) -> bool:
        return self.status == InvitationStatus.LIVE

    @property
    def is_old_link_good(self) -> bool:
        """Whether an earlier letter went out whose link still works, however the newest fared."""
        return self.is_live and self.invitation.mail_sent_at is not None


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of invitations: in words, and which these are at a moment."""

    label: str
    fits: Callable[[datetime], Q]


UNUSED = Q(used_at=None, revoked_at=None)

STANDINGS: Mapping[str, Standing] = {
    "unused": Standing("Not used yet", lambda now: UNUSED),
    "failed": Standing("Letter not sent", lambda now: UNUSED & Q(mail_state=MailState.FAILED)),
    "expired": Standing("Expired", lambda now: UNUSED & Q(expires_at__lte=now)),
    "used": Standing("Used", lambda now: Q(used_at__isnull=False)),
    "withdrawn": Standing("Withdrawn", lambda now: Q(used_at=None, revoked_at__isnull=False)),
    "all": Standing("All", lambda now: Q()),
}
DEFAULT_STANDING = "unused"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them.

    Attributes
    ----------
    show : str
        A key of `STANDINGS`.
    name : str
        A part of the name, address or team; empty for everybody.
    before : int or None
        The cursor of a page; None begins at the newest.
    """

    show: str = DEFAULT_STANDING
    name: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """A page of lines, newest first.

    Attributes
    ----------
    lines : list of InvitationLine
    before : int or None
        The cursor of the next page; None at the end.
    numbers : dict of str to int
        How many of the name each of `STANDINGS` holds.
    """

    lines: list[InvitationLine]
    before: int | None
    numbers: dict[str, int]


def invitations_of(study: Study) -> QuerySet[Invitation]:
    """Links to join the study, the newest first."""
    return (
        Invitation.objects.filter(study=study, purpose=InvitationPurpose.JOIN)
        .select_related("study", "created_by", "accepted_by", "user")
        .order_by("-pk")
    )


def list_invitations(study: Study, wanted: Wanted | None = None) -> InvitationPage:
    """A page of the invitations that are wanted, with the numbers of all. Two queries."""
    wanted = wanted or Wanted()
    now = timezone.now()
    rows = invitations_of(study)
    if wanted.name:
        rows = rows.filter(
            Q(name__icontains=wanted.name)
            | Q(email__icontains=wanted.name)
            | Q(team__icontains=wanted.name)
        )
    numbers = rows.order_by().aggregate(
        **{key: Count("pk", filter=standing.fits(now)) for key, standing in STANDINGS.items()}
    )
    rows = rows.filter(STANDINGS[wanted.show].fits(now))
    if wanted.before is not None:
        rows = rows.filter(pk__lt=wanted.before)
    found = list(rows[: ON_A_PAGE + 1])
    shown = found[:ON_A_PAGE]
    return InvitationPage(
        [InvitationLine(row, status_of(row), why_no_reminder(row, now)) for row in shown],
        shown[-1].pk if len(found) > ON_A_PAGE else None,
        numbers,
    )
