"""Erasing a person from a study: who they are goes, what they decided stays.

The annotator's row becomes the tombstone, under a new random name; no vote changes, so every figure
stays as it was. The account is emptied too where nothing else needs it. What was written once and
says nothing of a person by itself stays: votes, flags without their notes, decisions about them,
the chained log, which knows accounts by number only.
"""

from __future__ import annotations

import enum
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from annotation import audit, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    ApiToken,
    Assignment,
    AssignmentState,
    AuditEntry,
    CrowdArrival,
    Draft,
    Exclusion,
    Flag,
    Invitation,
    KeyMap,
    MailState,
    Membership,
    Message,
    QualityReview,
    RememberedAnswer,
    Role,
    Session,
    Study,
    User,
    Vote,
    VoteNote,
    random_external_id,
)

from .accounts import lock_account
from .refusals import AlreadyErasedError, NoSuchAnnotatorError
from .usernames import normalise_username

ERASED = "annotator.erased"


class AccountFate(enum.Enum):
    """What becomes of the account behind an annotator."""

    NONE = "none"  # an imported rater has none
    EMPTIED = "emptied"  # nothing else needs it
    KEPT = "kept"  # it takes part elsewhere, or has another role, or runs the site


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a study holds of a person, counted.

    Attributes
    ----------
    account : AccountFate
        Whether the account goes with it.
    reasons, flag_notes, skip_notes : int
        Texts that the person wrote: with votes (reasons and ticked tags), flags and skips.
    drafts, key_maps, arrivals, sessions, links : int
        An answer begun, own keys, the names of a recruitment platform, browsers that are signed
        in, and links of the account that are still good.
    votes, flags, reservations : int
        Rows of votes and flags, which stay, and pairs held now, which go back to the others.
    reviews, exclusions : int
        Decisions of researchers about the person, with the reasons that they wrote; these stay.
    reports, exports : int
        Analyses and exports that the log names: made before, they can hold the old name.
    """

    account: AccountFate
    reasons: int
    flag_notes: int
    skip_notes: int
    drafts: int
    key_maps: int
    arrivals: int
    sessions: int
    links: int
    votes: int
    flags: int
    reservations: int
    reviews: int
    exclusions: int
    reports: int
    exports: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done: the name under which the votes stand now, and what there was."""

    new_name: str
    belongings: Belongings


def find_annotator(study: Study, who: str) -> Annotator:
    """The annotator whom exports call so, or whose sign-in or platform's name it is.

    Raises
    ------
    NoSuchAnnotatorError
        Nobody is called so here, or several people are, each by another kind of name.
    """
    own = Annotator.objects.filter(study=study)
    found = own.filter(
        Q(external_id=who)
        | Q(user__username=normalise_username(who))
        | Q(crowd_arrival__participant=who)
    )
    match list(found.order_by("pk")[:2]):
        case [annotator]:
            return annotator
        case []:
            raise NoSuchAnnotatorError(
                f"{study.slug} has no annotator {who!r}. Give the name in exports, as "
                f"check_quality {study.slug} lists them, the sign-in name or the platform's."
            )
        case _:
            raise NoSuchAnnotatorError(
                f"{who!r} is the name of several people in {study.slug}, one in exports and one "
                "to sign in with. Give the name that only one has."
            )


def look_over(annotator: Annotator) -> Belongings:
    """What the study holds of the person now; changes nothing."""
    user = annotator.user
    looks = AuditEntry.objects.filter(study=annotator.study_id, action="look")
    own_pairs = Assignment.objects.filter(annotator=annotator)
    votes = Vote.objects.filter(annotator=annotator)
    counted: dict[str, QuerySet[Any]] = {
        "reasons": VoteNote.objects.filter(vote__annotator=annotator),
        "flag_notes": flags_with_notes(annotator),
        "skip_notes": own_pairs.exclude(skip_note=""),
        "drafts": Draft.objects.filter(annotator=annotator),
        "key_maps": KeyMap.objects.filter(annotator=annotator),
        "arrivals": CrowdArrival.objects.filter(annotator=annotator),
        "sessions": Session.objects.filter(account=user, account__isnull=False),
        "links": Invitation.objects.none() if user is None else live_links(user),
        "votes": votes,
        "flags": Flag.objects.filter(assignment__annotator=annotator),
        "reservations": own_pairs.filter(state=AssignmentState.RESERVED),
        "reviews": QualityReview.objects.filter(annotator=annotator),
        "exclusions": Exclusion.objects.filter(
            Q(assignment__annotator=annotator) | Q(vote__in=votes)
        ),
        "reports": looks.filter(detail__how="analysis"),
        "exports": looks.filter(detail__how__startswith="export"),
    }
    return Belongings(account=fate_of(annotator), **counts_of(annotator, counted))


def counts_of(annotator: Annotator, rows: Mapping[str, QuerySet[Any]]) -> dict[str, int]:
    """How many rows each of these has, in one query: they are of one moment then."""
    numbers = {
        name: Coalesce(
            Subquery(
                some.order_by()
                .annotate(one_group=Value(1))
                .values("one_group")
                .annotate(number=Count("pk"))
                .values("number")
            ),
            0,
        )
        for name, some in rows.items()
    }
    places = {f"number_of_{name}": number for name, number in numbers.items()}
    found = Annotator.objects.filter(pk=annotator.pk).annotate(**places).values(*places).get()
    return {name: found[f"number_of_{name}"] for name in rows}


def erase(annotator: Annotator, actor: User | None = None) -> Erasure:
    """Take everything that says who the annotator is out of the study, for good.

    Raises
    ------
    AlreadyErasedError
        It was done before; nothing changes.
    """
    new_name = random_external_id()
    with transaction.atomic():
        if annotator.user is not None:
            # Before all else, as whoever joins a study: the account is not emptied meanwhile.
            lock_account(annotator.user)
        # Whoever votes, skips or flags holds this row: none of it comes in behind our back.
        row = queue.lock_annotator(annotator.pk).annotator
        if row.erased_at is not None:
            raise AlreadyErasedError(
                f"{row.external_id} was erased on {row.erased_at:%Y-%m-%d}. Nothing was changed."
            )
        # As in `remove_role`, so that roles are not granted meanwhile.
        study = Study.objects.select_for_update(no_key=True).get(pk=row.study_id)
        belongings = look_over(row)
        erase_texts(row)
        Draft.objects.filter(annotator=row).delete()
        KeyMap.objects.filter(annotator=row).delete()
        Message.objects.filter(annotator=row).delete()
        CrowdArrival.objects.filter(annotator=row).delete()
        user = row.user
        if user is not None:
            forget_invitee(study, user)
            Membership.objects.filter(study=study, user=user, role=Role.ANNOTATOR).delete()
        row.external_id, row.user, row.profile = new_name, None, {}
        row.state, row.state_reason, row.erased_at = AnnotatorState.REMOVED, "", timezone.now()
        row.save(
            update_fields=[
                "external_id",
                "user",
                "profile",
                "state",
                "state_reason",
                "erased_at",
            ]
        )
        if user is not None and belongings.account == AccountFate.EMPTIED:
            empty_account(user)
        audit.record(
            study,
            actor,
            ERASED,
            {"annotator": row.pk, "account": belongings.account.value, "votes": belongings.votes},
        )
    # Nothing new is reserved from here on; were this lost, the leases would lapse.
    queue.give_back(annotator)
    return Erasure(new_name, belongings)


def erase_texts(annotator: Annotator) -> None:
    VoteNote.objects.filter(vote__annotator=annotator).delete()
    # A flag itself is a fact of the study; the database lets it lose its note, and nothing else.
    flags_with_notes(annotator).update(note="")
    queue.forget_skip_notes(annotator)


def forget_invitee(study: Study, user: User) -> None:
    """Of the links by which the person came in, that they were used stays.

    Others to the same address, such as a first letter that a reminder followed, name the person as
    well. What is still to be sent is not sent.
    """
    own = Invitation.objects.filter(study=study, role=Role.ANNOTATOR)
    accepted = own.filter(accepted_by=user)
    known = {user.get_username(), user.email, *accepted.values_list("email", flat=True)} - {""}
    named = Q(accepted_by=user)
    for address in known:
        named |= Q(email__iexact=address)
    keys = own.filter(named).values_list("pk", flat=True)
    # Read now: what is emptied below would not be found by its address any more.
    rows = Invitation.objects.filter(pk__in=list(keys))
    rows.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now())
    rows.update(
        name="",
        email="",
        team="",
        mail_state=MailState.NONE,
        mail_due_at=None,
        mail_fault="",
        accepted_by=None,
    )


def flags_with_notes(annotator: Annotator) -> QuerySet[Flag]:
    return Flag.objects.filter(assignment__annotator=annotator).exclude(note="")


def fate_of(annotator: Annotator) -> AccountFate:
    user = annotator.user
    if user is None:
        return AccountFate.NONE
    of_this = Q(study=annotator.study_id, role=Role.ANNOTATOR)
    needed = (
        user.is_staff
        or user.is_superuser
        or Membership.objects.filter(user=user).exclude(of_this).exists()
        # Who left a study can ask there too; until then the votes there have their account.
        or Annotator.objects.filter(user=user).exclude(pk=annotator.pk).exists()
    )
    return AccountFate.KEPT if needed else AccountFate.EMPTIED


def live_links(user: User) -> QuerySet[Invitation]:
    return Invitation.objects.filter(user=user, used_at=None, revoked_at=None)


def empty_account(user: User) -> None:
    """Leave a number that the log can point to, and nobody who can sign in."""
    name, nameless = user.get_username(), f"erased-{secrets.token_hex(8)}"
    # Tries to sign in are kept by name, with the browser and the network.
    for attempts in (AccessAttempt, AccessFailureLog):
        attempts.objects.filter(username=name).delete()
    LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    ).update(object_repr=nameless)
    live_links(user).update(revoked_at=timezone.now())
    Session.objects.filter(account=user).delete()
    RememberedAnswer.objects.filter(user=user).delete()
    ApiToken.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    ApiToken.objects.filter(user=user).update(name="")
    user.username, user.email, user.is_active, user.last_login = nameless, "", False, None
    user.set_unusable_password()
    user.save(update_fields=["username", "email", "is_active", "last_login", "password"])
