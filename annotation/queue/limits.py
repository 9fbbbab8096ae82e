"""How much one annotator may do: over the study, as a share of it, and in a day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Cell,
    Comparison,
    ComparisonKind,
    Study,
    Vote,
    VoteSource,
)
from annotation.rules import rules_of

from .claims import EmptyReason
from .locks import LockedAnnotator
from .policy import MAX_HELD


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many more pairs an annotator may get, and, where that is none, why."""

    room: int
    reason: EmptyReason | None = None
    retry_after_seconds: int | None = None


def maximum_of(study: Study) -> int | None:
    """How many pairs one annotator may rate over the whole study; None is no limit."""
    caps = [] if study.max_per_annotator is None else [study.max_per_annotator]
    share = rules_of(study.rules).limits.share_of_study
    if share is not None:
        # Whoever takes part may rate one pair.
        caps.append(max(1, math.floor(share * votes_wanted(study))))
    return min(caps, default=None)


def votes_wanted(study: Study) -> int:
    """All votes that the study wants, from its cells: of these there are few."""
    wanted = Cell.objects.filter(study=study).aggregate(total=Sum("wanted"))["total"]
    if wanted is None:
        # A study that was opened before there were cells.
        work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
        wanted = work.aggregate(total=Sum("overlap"))["total"]
    return wanted or 0


def allowance(holder: LockedAnnotator, held: int, maximum: int | None) -> Allowance:
    """What the limits leave to an annotator who holds so many pairs; those count."""
    room = MAX_HELD
    if maximum is not None:
        room = maximum - holder.annotator.answered - held
        if room <= 0:
            return Allowance(0, EmptyReason.MAXIMUM_REACHED)
    per_day = rules_of(holder.study.rules).limits.per_day
    if per_day is not None:
        midnight = start_of_day(holder.now)
        today = per_day - held - answered_since(holder.annotator, midnight)
        if today <= 0:
            tomorrow = midnight + timedelta(days=1)
            seconds = math.ceil((tomorrow - holder.now).total_seconds())
            return Allowance(0, EmptyReason.DAILY_MAXIMUM_REACHED, max(1, seconds))
        room = min(room, today)
    return Allowance(room)


def is_within(holder: LockedAnnotator) -> bool:
    """Whether one more answer, besides all that the annotator holds, is within the limits."""
    held = (
        Assignment.objects.filter(annotator=holder.annotator, state=AssignmentState.RESERVED)
        .exclude(kind=ComparisonKind.TRAINING)
        .count()
    )
    return allowance(holder, held, maximum_of(holder.study)).room > 0


def start_of_day(moment: datetime) -> datetime:
    """Midnight before a moment, in the time zone that it is given in: the database's, UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def answered_since(annotator: Annotator, moment: datetime) -> int:
    """How many pairs were answered since then, checks included; as many rows are read."""
    return (
        Vote.objects.filter(
            annotator=annotator,
            created_at__gte=moment,
            revision=0,
            source=VoteSource.COLLECTED,
        )
        .exclude(assignment__kind=ComparisonKind.TRAINING)
        .count()
    )
