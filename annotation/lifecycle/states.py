"""Moving an opened study along: open, paused, closed, archived; and unblinding it.

Each step is a compare-and-swap on the state it starts from: of two people who take one at the same
time, one is told that the study has moved. The audit entry is in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Case, F, When
from django.utils import timezone

from annotation import audit, quality
from annotation.access import roles_of
from annotation.models import RUNNING, Role, Study, StudyState, User
from annotation.selectors import counted_votes
from annotation.storable import is_storable

from .refusals import LifecycleError, StudyFrozenError


@dataclass(frozen=True, slots=True)
class Step:
    """From which states a step leads where, and what its refusal advises."""

    action: str
    sources: frozenset[StudyState]
    target: StudyState
    advice: dict[StudyState, str] = field(default_factory=dict)


NEVER_OPENED = "it is a draft; open it first"

PAUSE = Step(
    "paused",
    frozenset({StudyState.OPEN}),
    StudyState.PAUSED,
    {
        StudyState.DRAFT: NEVER_OPENED,
        StudyState.PAUSED: "it is paused already",
        StudyState.CLOSED: "it is closed, and no votes come in",
        StudyState.ARCHIVED: "it is archived, and no votes come in",
    },
)
RESUME = Step(
    "resumed",
    frozenset({StudyState.PAUSED}),
    StudyState.OPEN,
    {
        StudyState.DRAFT: NEVER_OPENED,
        StudyState.OPEN: "it is open already",
        StudyState.CLOSED: "a closed study stays closed; continue it with a new study",
        StudyState.ARCHIVED: "an archived study stays closed; continue it with a new study",
    },
)
CLOSE = Step(
    "closed",
    RUNNING,
    StudyState.CLOSED,
    {
        StudyState.DRAFT: NEVER_OPENED,
        StudyState.CLOSED: "it is closed already",
        StudyState.ARCHIVED: "it is closed and archived already",
    },
)
ARCHIVE = Step(
    "archived",
    frozenset({StudyState.CLOSED}),
    StudyState.ARCHIVED,
    {
        StudyState.DRAFT: NEVER_OPENED,
        StudyState.OPEN: "it is open; close it first",
        StudyState.PAUSED: "it is paused; close it first",
        StudyState.ARCHIVED: "it is archived already",
    },
)


def pause_study(study: Study, actor: User | None = None) -> Study:
    """Stop handing out pairs. Votes on open pairs count for the grace period."""
    return take(PAUSE, study, actor)


def resume_study(study: Study, actor: User | None = None) -> Study:
    """Hand out pairs again."""
    return take(RESUME, study, actor)


def close_study(study: Study, actor: User | None = None) -> Study:
    """End the collection of votes for good; what owners voted is out of the count by then."""
    closed = take(CLOSE, study, actor)
    quality.exclude_own_votes(closed)
    return closed


def archive_study(study: Study, actor: User | None = None) -> Study:
    """Put a closed study away; nothing of it is deleted."""
    return take(ARCHIVE, study, actor)


def take(step: Step, study: Study, actor: User | None) -> Study:
    with transaction.atomic():
        now = timezone.now()
        changes: dict[str, Any] = {
            "state": step.target,
            # The grace for late votes runs from here: only what opens a study or ends its being
            # open moves it, or closing and archiving would begin the grace once more.
            "state_changed_at": now
            if step.target == StudyState.OPEN
            else Case(When(state=StudyState.OPEN, then=now), default=F("state_changed_at")),
        }
        if step.target == StudyState.CLOSED:
            changes["closed_at"] = now
        moved = Study.objects.filter(pk=study.pk, state__in=step.sources).update(**changes)
        study = Study.objects.get(pk=study.pk)
        if moved != 1:
            raise LifecycleError(
                f"{study.slug} cannot be {step.action}: {step.advice[StudyState(study.state)]}."
            )
        audit.record(study, actor, f"study.{step.action}")
    return study


def unblind_study(
    study: Study, actor: User | None = None, *, early: bool = False, reason: str = ""
) -> Study:
    """Let researchers see system names and outcomes, for good.

    Parameters
    ----------
    actor
        Who does it; None is the operator at the command line. Before closing it must be an owner.
    early
        The exception: the study still collects votes. Needs a `reason`.
    reason
        Recorded with the number of counted votes at this moment.

    Raises
    ------
    LifecycleError
        The study was never opened, still collects votes without `early`, or is unblinded; or the
        reason is no text that can be stored.
    """
    reason = reason.strip()
    check_storable(reason, f"{study.slug} was not unblinded")
    # Before the sweep: who is refused has changed nothing.
    check_may_unblind(Study.objects.get(pk=study.pk), actor, early=early, reason=reason)
    # Of an open study some may have come since the last sweep, and the log tells how many count.
    quality.exclude_own_votes(study)
    with transaction.atomic():
        unblinded = (
            Study.objects.filter(pk=study.pk, unblinded_at__isnull=True)
            .exclude(state=StudyState.DRAFT)
            .update(unblinded_at=timezone.now())
        )
        # The update holds the row: state and votes recorded below are of this moment.
        study = Study.objects.get(pk=study.pk)
        if unblinded != 1:
            raise LifecycleError(why_not_unblinded(study))
        check_early(study, actor, early=early, reason=reason)
        audit.record(
            study,
            actor,
            "study.unblinded",
            {
                "state": study.state,
                "early": study.is_running,
                "reason": reason,
                "counted_votes": counted_votes(study).count(),
            },
        )
    return study


def check_storable(reason: str, consequence: str) -> None:
    """Refuse what no database keeps in JSON: NUL, and bytes of a terminal that were no UTF-8."""
    if not is_storable(reason):
        raise LifecycleError(
            f"{consequence}: the reason is no text. Write it in UTF-8 and without NUL."
        )


def check_may_unblind(study: Study, actor: User | None, *, early: bool, reason: str) -> None:
    if study.state == StudyState.DRAFT or study.unblinded_at is not None:
        raise LifecycleError(why_not_unblinded(study))
    check_early(study, actor, early=early, reason=reason)


def why_not_unblinded(study: Study) -> str:
    if study.unblinded_at is None:
        return (
            f"{study.slug} was never opened, so nothing is sealed: names and results can be read."
        )
    return f"{study.slug} was unblinded on {study.unblinded_at:%Y-%m-%d %H:%M} UTC already."


def check_early(study: Study, actor: User | None, *, early: bool, reason: str) -> None:
    """Refuse to unblind a study that still collects votes, but for an owner with a reason."""
    if not study.is_running:
        return
    if not early:
        raise LifecycleError(
            f"{study.slug} still collects votes. Close it first; to unblind it all the same, an "
            "owner gives --early and a --reason, and the report will say so."
        )
    if not reason:
        raise LifecycleError(
            f"Unblinding {study.slug} before it is closed needs a --reason; it is recorded."
        )
    if actor is not None and Role.OWNER not in roles_of(actor, study):
        raise LifecycleError(f"Only an owner of {study.slug} may unblind it before it is closed.")


def check_editable(study: Study) -> None:
    """Demand, within the caller's transaction, that content and rubric may still change.

    Locks the study's row until the transaction ends: the study cannot be opened in the meantime,
    so that what is being stored belongs to its first version. NO KEY: rows that refer to the
    study can be inserted all the while, as every audit entry of others is.

    Raises
    ------
    StudyFrozenError
        The study was opened.
    """
    locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    if locked.state != StudyState.DRAFT:
        raise StudyFrozenError(
            f"{locked.slug} was opened on {locked.opened_at:%Y-%m-%d}, and its prompts, responses, "
            "comparisons and rubric are frozen since. Nothing was changed. What may change does so "
            "by change_study; for anything else use a new study."
        )
