"""Users, their roles in a study, invitations, and annotators."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .studies import Study

LONGEST_TEAM = 80


class User(AbstractUser):
    """An account. `username` is the sign-in name: an e-mail address or a chosen name."""

    first_name = None  # type: ignore[assignment]  # people are known by their sign-in name only
    last_name = None  # type: ignore[assignment]


class Role(models.TextChoices):
    """What a user may do in a study. Anything not granted is denied."""

    OWNER = "owner", _("Owner")
    RESEARCHER = "researcher", _("Researcher")
    MONITOR = "monitor", _("Monitor")
    ADJUDICATOR = "adjudicator", _("Adjudicator")
    ANNOTATOR = "annotator", _("Annotator")


class Membership(models.Model):
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role)
    # A name for some of a study's people; an annotator's also stands in their profile, where the
    # rules about eligibility look.
    team = models.CharField(max_length=LONGEST_TEAM, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "user", "role"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]


class AnnotatorState(models.TextChoices):
    INVITED = "invited"
    QUALIFYING = "qualifying"
    ACTIVE = "active"
    PAUSED = "paused"
    FAILED = "failed"
    REMOVED = "removed"


# Who is handed pairs: of work, or of training.
GOING_ON = (AnnotatorState.ACTIVE, AnnotatorState.QUALIFYING)


def random_external_id() -> str:
    """An opaque identifier that says nothing about the person or the order of arrival."""
    return uuid.uuid4().hex


class Annotator(models.Model):
    """A person (or an imported rater) in one study.

    `erased_at` marks a tombstone: `people.erase` took the identity and left the row to its votes.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="annotators")
    external_id = models.CharField(max_length=255, default=random_external_id)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="annotators",
    )
    state = models.CharField(max_length=16, choices=AnnotatorState, default=AnnotatorState.ACTIVE)
    state_reason = models.CharField(max_length=400, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True)
    # The queue's own, changed under this row's lock: where the annotator stands in the study's
    # order (only a hint), and how many pairs were handed out, answered and skipped, training
    # apart. A test recounts the three; counting 50,000 rows on each request would not do.
    cursor = models.BigIntegerField(null=True, blank=True)
    handed = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    # The number of a pair in whose planned place a check came back that had lapsed; see
    # `queue.checks`. Also the queue's own.
    spent_place = models.PositiveIntegerField(null=True, blank=True, editable=False)
    # The annotator's newest vote, and how many pairs they had skipped, when quality control last
    # looked; hints, so that it need not look again before there is more.
    checked_vote = models.BigIntegerField(null=True, blank=True, editable=False)
    checked_skips = models.PositiveIntegerField(null=True, blank=True, editable=False)
    # When they were last sent to the training pairs again, by a review or since the rubric changed.
    sent_to_train_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "external_id"], name="annotator_id_once"),
            models.UniqueConstraint(
                fields=["study", "user"],
                condition=Q(user__isnull=False),
                name="annotator_user_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=AnnotatorState.values), name="annotator_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class InvitationPurpose(models.TextChoices):
    JOIN = "join"  # a role in a study; sets a password for a new account
    SET_PASSWORD = "set_password"  # noqa: S105  # an existing account, such as the first owner's
    SIGN_IN = "sign_in"  # signs an existing account in, without a password (the local demo)
    CROWD = "crowd"  # many people of a recruitment platform, each by the platform's parameters


class MailState(models.TextChoices):
    """How far the letter with an invitation's link is. Nothing is written for the others."""

    NONE = ""  # the link was shown to whoever made it
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Invitation(models.Model):
    """A link, single-use but for that of a crowd. Only the hash of its token is stored."""

    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=16, choices=InvitationPurpose)
    study = models.ForeignKey(
        Study, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations"
    )
    role = models.CharField(max_length=16, choices=Role, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="invitations",
    )
    # For whom it was made, where that was said: how lists and letters tell people apart. Gone with
    # the erasure of whoever used it.
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    team = models.CharField(max_length=LONGEST_TEAM, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="invitations_accepted",
    )
    # The letter: its secret is drawn when it is sent, so that no row and no message holds it.
    mail_state = models.CharField(
        max_length=8, choices=MailState, default=MailState.NONE, blank=True
    )
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    # When it is sent, or tried again.
    mail_due_at = models.DateTimeField(null=True, blank=True)
    mail_sent_at = models.DateTimeField(null=True, blank=True)
    mail_fault = models.CharField(max_length=200, blank=True)
    # Which reminder of an earlier invitation it is; 0 is the first letter.
    reminder = models.PositiveSmallIntegerField(default=0)
    # A crowd's: how many people it lets in.
    most_people = models.PositiveIntegerField(null=True, blank=True)
    # Where the link leads after use; an internal path.
    next_path = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="invitations_sent",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=InvitationPurpose.values), name="invitation_purpose_known"
            ),
            models.CheckConstraint(
                condition=Q(role="") | Q(role__in=Role.values), name="invitation_role_known"
            ),
            models.CheckConstraint(
                condition=(Q(purpose=InvitationPurpose.JOIN, study__isnull=False) & ~Q(role=""))
                | (
                    Q(purpose__in=[InvitationPurpose.SET_PASSWORD, InvitationPurpose.SIGN_IN])
                    & Q(user__isnull=False)
                )
                | Q(
                    purpose=InvitationPurpose.CROWD,
                    study__isnull=False,
                    role=Role.ANNOTATOR,
                    used_at__isnull=True,
                    most_people__isnull=False,
                ),
                name="invitation_says_for_what",
            ),
            models.CheckConstraint(
                condition=Q(purpose=InvitationPurpose.CROWD) | Q(most_people__isnull=True),
                name="invitation_most_people_of_a_crowd",
            ),
            models.CheckConstraint(
                condition=Q(mail_state__in=MailState.values), name="invitation_mail_state_known"
            ),
            models.CheckConstraint(
                condition=Q(mail_state=MailState.NONE) | ~Q(email=""),
                name="invitation_mail_has_an_address",
            ),
        ]
        indexes = [
            models.Index(
                fields=["mail_due_at"],
                condition=Q(mail_state=MailState.QUEUED),
                name="invitation_mail_due",
            ),
        ]


class EarlierLink(models.Model):
    """The link of an earlier letter of an invitation, as good as that of the newest.

    A letter may have arrived although its sending failed, and a reminder may never arrive: whoever
    holds any of the letters comes in by it, once.
    """

    invitation = models.ForeignKey(
        Invitation, on_delete=models.PROTECT, related_name="earlier_links"
    )
    token_hash = models.CharField(max_length=64, unique=True)
