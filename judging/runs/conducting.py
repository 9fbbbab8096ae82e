"""Pause, resume, cancel and ask again: what people do to a run, and what it does to itself."""

from __future__ import annotations

from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation import audit
from annotation.models import User
from judging.judges import is_outdated, outdated_in_words
from judging.models import CallState, JudgeRun, JudgeVersion, PauseNotice, RunState
from judging.runs.money import StudyBudgetFault, check_price
from judging.runs.waits import forget

# Why a run paused, for people.
CAUSES = {
    "person": "Somebody paused it.",
    "budget": "The next call could cost more than the budget has left.",
    "study_budget": "The next call could cost more than is left of what all judges of the study "
    "may cost together. The run goes on when that is raised.",
    "quota": "The account at the endpoint has no credit or quota left.",
    "unauthorised": "The endpoint refused the key.",
    "not_found": "The endpoint knows no such address or model.",
    "redirected": "The endpoint answered with a redirect, which is never followed.",
    "address_refused": "The endpoint's name leads to an address that may not be called.",
    "endpoint": "The endpoint cannot be used as it is set up: look at its key on the judge's page.",
    "limits": "The limits cannot be kept, since Redis is out of reach. The run goes on with it.",
    "outdated": "evalsite asks or reads otherwise since it was updated. Cancel the run, and start "
    "one of a new version: on the judge's page, or by add_judge with the same file.",
    "failing": "Too many calls in a row failed.",
    "unreadable": "Too many replies in a row could not be read.",
}

# Everything else needs somebody who looks at it.
NOBODY_IS_TOLD = frozenset({"person", "limits"})

WAITING = [CallState.PENDING, CallState.LEASED]
UNANSWERED = [CallState.UNPARSED, CallState.REFUSED, CallState.FAILED_PERMANENT]


class ConductFault(ValueError):
    """The run is not in a state for this; says which it is in."""


def locked(run: JudgeRun) -> JudgeRun:
    return (
        JudgeRun.objects.select_for_update(no_key=True, of=("self",))
        .select_related("study", "version__judge")
        .get(pk=run.pk)
    )


def act_on(run: JudgeRun, action: str, **detail: object) -> audit.Act:
    """What the log is to say of something that was done to a run."""
    return audit.Act(
        action,
        {
            "run": run.pk,
            "judge": run.version.judge.judge_id,
            "version": run.version.number,
            **detail,
        },
    )


def note(run: JudgeRun, actor: User | None, *acts: audit.Act) -> None:
    """Log acts on a run; the last thing in their transaction."""
    audit.record_acts(run.study, actor, *acts)


def pause_locked(run: JudgeRun, cause: str, actor: User | None = None) -> None:
    """Pause a running run whose row the caller holds; its calls stay as they are."""
    run.state, run.pause_cause = RunState.PAUSED, cause
    run.save(update_fields=["state", "pause_cause"])
    if cause not in NOBODY_IS_TOLD:
        PauseNotice.objects.create(run=run, cause=cause, due_at=timezone.now())
    note(run, actor, act_on(run, "judge.run_paused", cause=cause))


def go_on_locked(run: JudgeRun, *changed: str) -> None:
    """Let a paused run go on whose row the caller holds, and save the fields that it changed."""
    run.state, run.pause_cause = RunState.RUNNING, ""
    run.save(update_fields=["state", "pause_cause", *changed])


def finish_locked(run: JudgeRun) -> None:
    """Finish a running run whose row the caller holds, if nothing waits any more."""
    note(run, None, *finished_locked(run))


def finished_locked(run: JudgeRun) -> list[audit.Act]:
    """The same, for a caller that still has to lock or write something: it logs the acts.

    A probe that was lost with its worker still holds money until the sweep has charged it.
    """
    if run.state != RunState.RUNNING or run.calls.filter(state__in=WAITING).exists():
        return []
    if run.trials.filter(finished_at__isnull=True).exists():
        return []
    run.state, run.finished_at = RunState.FINISHED, timezone.now()
    run.save(update_fields=["state", "finished_at"])
    return [act_on(run, "judge.run_finished")]


def pause(run: JudgeRun, actor: User | None, cause: str = "person") -> JudgeRun:
    """Send nothing more; what is in flight is still stored.

    Raises
    ------
    ConductFault
    """
    with transaction.atomic():
        held = locked(run)
        if held.state != RunState.RUNNING:
            raise ConductFault(f"Only a running run can be paused; this one is {held.state}.")
        pause_locked(held, cause, actor)
    return held


def resume(run: JudgeRun, actor: User | None, budget: Decimal | None = None) -> JudgeRun:
    """Go on, with another budget if one is given.

    Raises
    ------
    ConductFault
    """
    with transaction.atomic():
        held = locked(run)
        acts = resume_locked(held, budget)
        note(held, actor, *acts)
    ask_at_once(held)
    return held


def resume_locked(held: JudgeRun, budget: Decimal | None = None) -> list[audit.Act]:
    """The same to a run whose row the caller holds.

    Returns
    -------
    list of audit.Act
        The caller logs them last, and then, with its transaction committed, calls `ask_at_once`.

    Raises
    ------
    ConductFault
    """
    if held.state != RunState.PAUSED:
        raise ConductFault(f"Only a paused run can be resumed; this one is {held.state}.")
    check_parser(held.version)
    if budget is not None:
        cap_locked(held, budget)
    check_price_locked(held)
    held.resumed_at = timezone.now()
    go_on_locked(held, "budget", "resumed_at")
    return [act_on(held, "judge.run_resumed"), *finished_locked(held)]


def ask_at_once(run: JudgeRun) -> None:
    """Leave the run's endpoint alone no longer: somebody let the run go on.

    Outside of the transaction that did so. The endpoint's row is held there by whoever saves a key
    or a limit, and then logs it.
    """
    forget(run.study_id, run.version.config["endpoint"]["name"])


def go_on_by_itself(run: JudgeRun, cause: str) -> bool:
    """Go on with a run that paused for a cause that is mended now; whether it did."""
    with transaction.atomic():
        held = locked(run)
        if (held.state, held.pause_cause) != (RunState.PAUSED, cause):
            return False
        go_on_locked(held)
        note(held, None, act_on(held, "judge.run_resumed", cause=cause))
    return True


def check_parser(version: JudgeVersion) -> None:
    """Refuse to let a run go on whose replies today's evalsite would ask for or read otherwise.

    Raises
    ------
    ConductFault
    """
    if is_outdated(version):
        raise ConductFault(outdated_in_words(version))


def check_price_locked(held: JudgeRun) -> None:
    """Refuse to let a run go on that would cost what nobody knows, under a cap of the study.

    Raises
    ------
    ConductFault
    """
    try:
        check_price(held.version)
    except StudyBudgetFault as fault:
        raise ConductFault(str(fault)) from None


def cap_locked(held: JudgeRun, budget: Decimal) -> None:
    """Give a run whose row the caller holds, and then saves, another budget.

    Raises
    ------
    ConductFault
    """
    if not budget.is_finite() or budget <= held.spent + held.reserved:
        raise ConductFault(
            f"The budget of {held.version.judge.judge_id} must be more than the "
            f"{held.spent + held.reserved:.4f} US dollars that are spent or reserved."
        )
    if held.version.config.get("price") is None:
        raise ConductFault(
            f"{held.version.judge.judge_id} has no price card, so a budget could not be kept."
        )
    held.budget = budget


def recap_locked(held: JudgeRun, budget: Decimal) -> list[audit.Act]:
    """Give a running run another budget; what leaves from now on keeps to it.

    Its row is the caller's, who logs the acts last.

    Raises
    ------
    ConductFault
    """
    if held.state != RunState.RUNNING:
        raise ConductFault(f"Only a running run gets another budget; this one is {held.state}.")
    if held.budget == budget:
        return []
    cap_locked(held, budget)
    held.save(update_fields=["budget"])
    return [act_on(held, "judge.run_budget_changed", budget=str(budget))]


def cancel(run: JudgeRun, actor: User | None) -> JudgeRun:
    """End a run; what it has decided so far stays.

    Raises
    ------
    ConductFault
    """
    with transaction.atomic():
        held = locked(run)
        if held.state not in (RunState.RUNNING, RunState.PAUSED):
            raise ConductFault(
                f"Only a run that goes on can be cancelled; this one is {held.state}."
            )
        held.calls.filter(state=CallState.PENDING).update(state=CallState.CANCELLED)
        held.state, held.pause_cause, held.finished_at = RunState.CANCELLED, "", timezone.now()
        held.save(update_fields=["state", "pause_cause", "finished_at"])
        note(held, actor, act_on(held, "judge.run_cancelled"))
    return held


def retry(run: JudgeRun, actor: User | None, budget: Decimal | None = None) -> int:
    """Ask again what has no answer, and nothing else; the number of calls.

    Parameters
    ----------
    budget : Decimal, optional
        In place of the run's own, with what it has spent already; None leaves that.

    Raises
    ------
    ConductFault
    """
    try:
        with transaction.atomic():
            held = locked(run)
            if held.state != RunState.FINISHED:
                raise ConductFault(f"Only a finished run is asked again; this one is {held.state}.")
            check_parser(held.version)
            number = held.calls.filter(state__in=UNANSWERED).update(
                state=CallState.PENDING, attempts_made=0, failure="", not_before=None
            )
            if not number:
                raise ConductFault("Every call of this run has an answer.")
            if budget is not None:
                cap_locked(held, budget)
            check_price_locked(held)
            held.state, held.finished_at = RunState.RUNNING, None
            held.resumed_at = timezone.now()
            held.save(update_fields=["state", "finished_at", "budget", "resumed_at"])
            note(held, actor, act_on(held, "judge.run_retried", calls=number))
    except IntegrityError:
        raise ConductFault("The judge has another run that has not ended.") from None
    ask_at_once(held)
    return number
