"""A comparison lent to an annotator for a while, with its side and its expiry."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from .comparisons import Comparison, ComparisonKind
from .people import Annotator
from .studies import StudyVersion


class AssignmentState(models.TextChoices):
    RESERVED = "reserved"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    RELEASED = "released"
    LATE_SURPLUS = "late_surplus"


class SkipReason(models.TextChoices):
    CANNOT_JUDGE = "cannot_judge"
    BROKEN_DISPLAY = "broken_display"
    HARMFUL = "harmful"
    LANGUAGE = "language"
    OTHER = "other"


class Assignment(models.Model):
    """One slot of a comparison held by one annotator.

    `public_id` is all that a browser ever learns of it. `overlap` and `kind` are copied from the
    comparison under its lock, so that CHECKs can see them; triggers keep them equal.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # Their indexes are the composite ones below; of versions nothing asks. Each index is written
    # again for each state that an assignment gets.
    comparison = models.ForeignKey(
        Comparison, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    annotator = models.ForeignKey(
        Annotator, on_delete=models.PROTECT, related_name="assignments", db_index=False
    )
    study_version = models.ForeignKey(
        StudyVersion, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=16, choices=ComparisonKind)
    overlap = models.PositiveSmallIntegerField()
    slot_no = models.PositiveSmallIntegerField(null=True, blank=True)
    pass_no = models.PositiveSmallIntegerField(default=0)
    # False: response a is shown left. Drawn by the slot at claim, never changed.
    swapped = models.BooleanField()
    state = models.CharField(
        max_length=16, choices=AssignmentState, default=AssignmentState.RESERVED
    )
    reserved_at = models.DateTimeField(default=timezone.now)
    lease_expires_at = models.DateTimeField()
    # None while the pair is only held in advance; set when the page shows it.
    displayed_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=32, choices=SkipReason, blank=True)
    skip_note = models.CharField(max_length=1000, blank=True)
    # How the comparison was chosen, for reweighting.
    policy = models.CharField(max_length=32, default="uniform")
    selection_probability = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comparison", "slot_no"], name="assignment_slot_once"),
            models.UniqueConstraint(
                fields=["comparison", "annotator", "pass_no"], name="assignment_person_once"
            ),
            models.CheckConstraint(
                condition=Q(slot_no__isnull=True) | Q(slot_no__gte=1, slot_no__lte=F("overlap")),
                name="assignment_slot_within_overlap",
            ),
            models.CheckConstraint(
                condition=Q(slot_no__isnull=True) | Q(pass_no=0, kind=ComparisonKind.WORK),
                name="assignment_only_work_holds_slots",
            ),
            models.CheckConstraint(
                condition=Q(slot_no__isnull=True)
                | Q(state__in=[AssignmentState.RESERVED, AssignmentState.SUBMITTED]),
                name="assignment_slot_only_while_held",
            ),
            models.CheckConstraint(
                condition=~Q(
                    state=AssignmentState.RESERVED,
                    pass_no=0,
                    kind=ComparisonKind.WORK,
                    slot_no__isnull=True,
                ),
                name="assignment_reserved_work_has_slot",
            ),
            models.CheckConstraint(
                condition=Q(state__in=AssignmentState.values), name="assignment_state_known"
            ),
            models.CheckConstraint(
                condition=Q(skip_reason="") | Q(skip_reason__in=SkipReason.values),
                name="assignment_skip_reason_known",
            ),
        ]
        # None is partial on the state: SQLite cannot use such an index where the state is a bound
        # parameter, and would read all that an annotator ever did.
        indexes = [
            # What an annotator holds; at most three rows each.
            models.Index(fields=["annotator", "state"], name="assignment_held_by"),
            # An annotator's latest, whose sides the next one evens out.
            models.Index(fields=["annotator", "id"], name="assignment_by_annotator"),
            # What is reserved, by whomever: `reserved_by_anybody` of the queue. On an expression,
            # so that nothing else can take it: among millions of answers PostgreSQL expects one
            # reservation at most, and would go through everybody's to find what one of them holds.
            models.Index(Upper("state"), "lease_expires_at", name="assignment_reserved_in_order"),
            # Repeats, of which there are few: their list begins here and not at all assignments.
            models.Index(
                fields=["comparison"], condition=Q(pass_no__gt=0), name="assignment_again"
            ),
        ]
