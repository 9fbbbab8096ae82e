"""Claiming pairs: the quick way, the slow way, and the recount before "finished" is said."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from secrets import SystemRandom

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Count

from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    ComparisonKind,
    StudyState,
)
from annotation.rules import rules_of

from .choosing import Seeker, choice_of, fit_for, that_fit, with_slots
from .claims import Claim, EmptyReason, HeldPair, Practice, Progress
from .leases import expire_lapsed, reserved_by_anybody
from .limits import Allowance, allowance
from .locks import LockedAnnotator, lock_annotator, lock_comparison
from .policy import (
    MAX_HELD,
    RETRY_AFTER_SECONDS,
    SLOW_ATTEMPTS,
    SLOW_CANDIDATES,
)
from .presenting import read_texts
from .progress import progress
from .reserving import Held, lend, reservations_of, take_ahead, take_given
from .training import Round

STUDY_REASONS = {
    StudyState.DRAFT: EmptyReason.STUDY_NOT_OPEN,
    StudyState.PAUSED: EmptyReason.STUDY_PAUSED,
    StudyState.CLOSED: EmptyReason.STUDY_CLOSED,
    StudyState.ARCHIVED: EmptyReason.STUDY_CLOSED,
}
ANNOTATOR_REASONS = {
    AnnotatorState.INVITED: EmptyReason.INVITATION_PENDING,
    AnnotatorState.QUALIFYING: EmptyReason.QUALIFICATION_PENDING,
    AnnotatorState.FAILED: EmptyReason.QUALIFICATION_FAILED,
    AnnotatorState.PAUSED: EmptyReason.ANNOTATOR_PAUSED,
    AnnotatorState.REMOVED: EmptyReason.ANNOTATOR_REMOVED,
}

# PostgreSQL: another transaction held the row longer than lock_timeout.
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one transaction came to."""

    holder: LockedAnnotator
    progress: Progress
    held: tuple[Held, ...] = ()
    reason: EmptyReason | None = None
    retry_after_seconds: int | None = None
    practice: Practice | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to try."""
        return bool(self.held) or self.reason is not None


def claim(annotator: Annotator, *, want: int = 2, have: Collection[uuid.UUID] = ()) -> Claim:
    """Reserve up to `want` pairs for the annotator, those already held included.

    While the annotator qualifies it is one pair of training at a time.

    Parameters
    ----------
    annotator : Annotator
        Who asks; state, study and cursor are read afresh.
    want : int
        1 to 3: the current pair and those held in advance.
    have : collection of UUID
        Pairs whose texts the caller has; they are not read.

    Returns
    -------
    Claim
        At least one pair, or the true reason why there is none.

    Raises
    ------
    ValueError
        If `want` is outside 1 to 3.
    """
    if not 1 <= want <= MAX_HELD:
        raise ValueError(f"An annotator can hold 1 to {MAX_HELD} pairs, not {want}.")
    attempt = unless_overtaken(partial(reserve_ahead, annotator.pk, want))
    if not attempt.is_over:
        attempt = reserve_anywhere(annotator.pk, attempt)
    answer = partial(
        Claim,
        progress=attempt.progress,
        study_version_id=attempt.holder.study_version_id,
        annotator_state=AnnotatorState(attempt.holder.annotator.state),
    )
    if attempt.held:
        return answer(held_pairs(attempt, have), practice=attempt.practice)
    if attempt.reason is not None:
        wait = attempt.retry_after_seconds
        return answer((), empty=attempt.reason, retry_after_seconds=wait)
    if work_remains(attempt.holder):
        wait = RETRY_AFTER_SECONDS
        return answer((), empty=EmptyReason.HELD_BY_OTHERS, retry_after_seconds=wait)
    return answer((), empty=EmptyReason.FINISHED)


def unless_overtaken(reserve: Callable[[], Attempt]) -> Attempt:
    """Reserve, and once more if a slot went to somebody else while its row was being locked.

    What is read beside a row that others change is from before they did; the unique key on slots
    then has the last word.
    """
    try:
        return reserve()
    except IntegrityError:
        return reserve()


def held_pairs(attempt: Attempt, have: Collection[uuid.UUID]) -> tuple[HeldPair, ...]:
    """The pairs as they may be shown; what is still to be read is read outside a transaction."""
    answering = rules_of(attempt.holder.study.rules).answering
    asked = [held for held in attempt.held if held.public_id not in have]
    texts = read_texts({held.comparison_id for held in asked if held.texts is None})
    return tuple(
        HeldPair(
            id=held.public_id,
            texts=(held.texts or texts[held.comparison_id]).shown(
                held.public_id, swapped=held.swapped, with_reference=answering.show_reference
            )
            if held in asked
            else None,
            lease_expires_at=held.lease_expires_at,
            lease_seconds=seconds_until(held.lease_expires_at, attempt.holder.now),
            displayed=held.displayed,
        )
        for held in attempt.held
    )


def seconds_until(moment: datetime, now: datetime) -> int:
    return max(0, int((moment - now).total_seconds()))


def reason_for_none(holder: LockedAnnotator) -> EmptyReason | None:
    """Why this annotator gets nothing whatever is left."""
    annotator_state = AnnotatorState(holder.annotator.state)
    if annotator_state == AnnotatorState.REMOVED:
        return EmptyReason.ANNOTATOR_REMOVED
    study_state = StudyState(holder.study.state)
    return STUDY_REASONS.get(study_state) or ANNOTATOR_REASONS.get(annotator_state)


def reserve_ahead(annotator_id: int, want: int) -> Attempt:
    """The quick way: what the annotator holds, then the next open pairs past the cursor."""
    with transaction.atomic():
        holder = lock_annotator(annotator_id)
        counts = progress(holder.annotator)
        reason = reason_for_none(holder)
        if reason == EmptyReason.QUALIFICATION_PENDING:
            return reserve_practice(holder, counts)
        if reason is not None:
            return Attempt(holder, counts, reason=reason)
        found = reservations_of(holder)
        allowed = Allowance(0)
        wanted = want - len(found.held)
        if wanted > 0:
            allowed = allowance(holder, len(found.held), counts.maximum)
            if allowed.room:
                take_ahead(found, min(wanted, allowed.room))
        if found.held:
            return Attempt(holder, counts, tuple(found.held))
        return Attempt(holder, counts, (), allowed.reason, allowed.retry_after_seconds)


def reserve_practice(holder: LockedAnnotator, counts: Progress) -> Attempt:
    """The training pair that is held, or the next one; only one at a time is shown."""
    annotator = holder.annotator
    pending = Attempt(holder, counts, reason=EmptyReason.QUALIFICATION_PENDING)
    rules = rules_of(holder.study.rules).qualification
    if rules.required is False:
        return pending
    training = Round.of(annotator)
    state = training.state
    attempt = state.attempt - state.first
    if not state.of or attempt >= rules.attempts:
        return pending
    found = reservations_of(holder, training=True)
    if not found.held:
        lend(found, training.next_pair(holder.study.queue_seed, annotator.external_id))
    practice = Practice(state.done + 1, state.of, attempt + 1, rules.attempts)
    return Attempt(holder, counts, (found.held[0],), practice=practice)


def reserve_anywhere(annotator_id: int, before: Attempt) -> Attempt:
    """The slow way: take back what lapsed, then try a few comparisons that are open.

    The cursor is only a hint: what was locked when it passed lies behind it.
    """
    expire_lapsed(before.holder.study)
    attempt = before
    for comparison_id in candidates(before.holder):
        try:
            attempt = unless_overtaken(partial(reserve_given, annotator_id, comparison_id))
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            continue
        if attempt.is_over:
            break
    return attempt


def candidates(holder: LockedAnnotator) -> Iterable[int]:
    """A few open comparisons for this annotator, in random order so that not all try the same."""
    open_now = Comparison.objects.filter(study=holder.study, open=True).order_by("open_seq")
    fit = that_fit(holder.study, holder.annotator, open_now)
    found = list(fit.values_list("pk", flat=True)[:SLOW_CANDIDATES])
    return SystemRandom().sample(found, min(SLOW_ATTEMPTS, len(found)))


def reserve_given(annotator_id: int, comparison_id: int) -> Attempt:
    """Take one comparison, waiting for its lock: one a transaction, so that nobody holds two."""
    with transaction.atomic():
        holder = lock_annotator(annotator_id)
        counts = progress(holder.annotator)
        if reason := reason_for_none(holder):
            return Attempt(holder, counts, reason=reason)
        found = reservations_of(holder)
        if found.held:
            return Attempt(holder, counts, tuple(found.held))
        allowed = allowance(holder, 0, counts.maximum)
        if not allowed.room:
            return Attempt(holder, counts, (), allowed.reason, allowed.retry_after_seconds)
        lock_comparison(comparison_id)
        # Read with the lock held, and only if nobody else and no other tab was quicker.
        seeker = Seeker.of(holder)
        given = Comparison.objects.filter(pk=comparison_id, open=True)
        fit = fit_for(annotator_id, seeker.forbidden, given)
        comparison = with_slots(annotator_id, fit).first()
        if comparison is not None:
            take_given(found, choice_of(seeker, comparison, seeker.cursor))
        return Attempt(holder, counts, tuple(found.held))


def work_remains(holder: LockedAnnotator) -> bool:
    """The recount: does any comparison this annotator may rate and has not done lack votes?

    Either a slot is free, or somebody holds one without having answered. What belongs to a pair of
    systems that was stopped lacks none; checks are no work. Neither way reads what is full or was
    stopped: a comparison is open exactly while it has room and its pair goes on (`slots.recount`).
    """
    study = holder.study
    opened = that_fit(
        study,
        holder.annotator,
        Comparison.objects.filter(
            study=study,
            kind=ComparisonKind.WORK,
            open_seq__isnull=False,
            cell__stopped_at__isnull=True,
        ),
    )
    # In one statement, which sees one moment: a slot that is taken back and lent again meanwhile
    # would else be seen neither free nor held.
    has_room = opened.filter(open=True)
    # Grouped, so that PostgreSQL reads once what is reserved, by everybody at work: joined instead,
    # it may read that anew for each comparison of the study, the dead versions of rows included.
    reserved = (
        reserved_by_anybody()
        .filter(slot_no__isnull=False)
        .values("comparison")
        .annotate(Count("pk"))
        .values("comparison")
    )
    return has_room.union(opened.filter(pk__in=reserved), all=True).exists()
