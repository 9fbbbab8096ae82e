"""Runs begin: what is asked is frozen, all of it is written, and then it may be asked."""

from __future__ import annotations

from decimal import Decimal

from django.db import IntegrityError

from annotation.models import User
from judging.budget import SMALLEST
from judging.judges import is_outdated, outdated_in_words
from judging.models import LIVE_RUN_STATES, JudgeRun, JudgeVersion, RunState
from judging.runs.planning import Reader, RunFault, check_replicates
from judging.runs.preparing import MOST_ON_A_PAGE, Wish, start_all


def start_run(
    version: JudgeVersion,
    *,
    actor: User | None,
    budget: Decimal | None = None,
    replicates: int = 1,
    seed: int = 0,
    fresh: bool = False,
) -> JudgeRun:
    """Freeze what is asked, write a row for each call, and let it run.

    Parameters
    ----------
    budget : Decimal, optional
        US dollars that are never exceeded; None: no cap.
    replicates : int
        How often each pair is asked in each order.
    seed : int
        Of the order in which calls are sent.
    fresh : bool
        Ask again what an earlier run of the version has answered.

    Raises
    ------
    RunFault
    """
    check_replicates(replicates)
    check_start(version, budget)
    if run := live_run(version):
        raise RunFault(live_run_in_words(run))
    study = version.judge.study
    try:
        (started,) = start_all(
            study,
            [Wish(version, budget)],
            Reader(study),
            actor=actor,
            most=MOST_ON_A_PAGE,
            replicates=replicates,
            seed=seed,
            fresh=fresh,
        )
    except IntegrityError as fault:
        run = live_run(version)
        if run is None:
            raise
        raise RunFault(live_run_in_words(run)) from fault
    return started


def check_start(version: JudgeVersion, budget: Decimal | None) -> None:
    """Refuse what can never be run, or not under a budget, before anything is read for it.

    Raises
    ------
    RunFault
    """
    if version.imported:
        raise RunFault("This version holds labels from elsewhere; it cannot be asked.")
    if is_outdated(version):
        raise RunFault(outdated_in_words(version))
    if budget is not None:
        check_budget(budget)
        check_card(version)


def check_card(version: JudgeVersion) -> None:
    if version.config.get("price") is None:
        raise RunFault(
            f"{version.judge.judge_id} has no price card, so a budget could not be kept. Add "
            "[price] to its file, with zeros if it costs nothing, or start without a budget."
        )


def check_budget(budget: Decimal) -> None:
    if not budget.is_finite() or not SMALLEST <= budget < Decimal(10) ** 10:
        raise RunFault("The budget is a positive amount of US dollars.")


def live_run_in_words(run: JudgeRun) -> str:
    name = run.version.judge.judge_id
    if run.state == RunState.DRAFT:
        return f"{name} has a run that is being prepared. Look again in two minutes."
    return f"{name} has a run that has not ended. Resume it, or cancel it first."


def live_run(version: JudgeVersion) -> JudgeRun | None:
    """The version's run that has not ended, if there is one."""
    return version.runs.filter(state__in=LIVE_RUN_STATES).first()
