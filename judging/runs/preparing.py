"""Runs that are being prepared: calls in slices, of runs that are not running, then all at once.

A study with ten thousand pairs and twenty judges has four hundred thousand calls. Written in one
transaction they would keep everybody else from writing for as long as that takes, where the
database has one writer. So the runs are drafts at first, which nobody asks or shows as running,
their calls are written in slices, and one short transaction lets them run: all of them or none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from annotation import audit
from annotation.many_rows import insert_rows
from annotation.models import Study, User
from annotation.slices import slice_of_rows
from judging.models import CallState, JudgeCall, JudgeRun, JudgeVersion, RunState
from judging.runs.asking import Asking
from judging.runs.money import StudyBudgetFault, check_price
from judging.runs.planning import NOTHING, ORDERS, Reader, RunFault, Step, drawn
from judging.runs.reusing import answered, reuse

log = structlog.get_logger(__name__)

# Renewed with every slice; what a process that died was preparing goes after it.
LEASE = timedelta(minutes=2)
# So many take half a minute of a free machine. A proxy that waits no longer cuts the answer off and
# not the work: the runs show as being prepared, and then as running.
MOST_ON_A_PAGE = 500_000
# Calls that are written at a time: some tens of milliseconds.
SLICE = 2_000
# Those that are deleted at a time, which takes twice as long for each.
DISCARDED = 500

CUT_OFF = (
    "Preparing the runs was cut off, so none of them was started. Look at the runs, and start them "
    "once more."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A judge that is to be started, and what its run may cost; None: no cap."""

    version: JudgeVersion
    budget: Decimal | None = None


def nothing() -> None:
    """No check."""


def nothing_beside() -> Sequence[audit.Act]:
    return ()


def start_all(
    study: Study,
    wishes: Sequence[Wish],
    reader: Reader,
    *,
    actor: User | None,
    replicates: int = 1,
    seed: int = 0,
    fresh: bool = False,
    most: int | None = None,
    check: Callable[[], None] = nothing,
    others: Collection[JudgeRun] = (),
    alongside: Callable[[], Sequence[audit.Act]] = nothing_beside,
) -> list[JudgeRun]:
    """Start a run of each judge: of all, or of none.

    Parameters
    ----------
    most : int, optional
        Calls that are prepared at most; a page has less time than a command.
    check : callable
        Refuses by a `RunFault`, with the study locked, before anything is written.
    others : collection of JudgeRun
        Runs that `alongside` changes; they are locked with the new ones.
    alongside : callable
        What is done in the transaction that lets them run; a fault in it starts none. It logs
        nothing, but returns what is to be logged, of this study and by this actor: more is locked
        after it.

    Raises
    ------
    RunFault
    IntegrityError
        One of them has a live run by now.
    """
    # Reading and hashing every pair takes a while: nothing is locked meanwhile.
    asked = {wish.version: reader.questions(wish.version) for wish in wishes}
    if not all(questions.asked for questions in asked.values()):
        raise RunFault(NOTHING)
    calls = len(ORDERS) * replicates * sum(len(questions.asked) for questions in asked.values())
    if most is not None and calls > most:
        raise RunFault(
            f"These are {calls:,} calls, and {most:,} at most are prepared while a page waits. "
            "Start the judges on their own pages, or all of them by the command run_judges."
        )
    with transaction.atomic():
        hold(study)
        check()
        check_prices(wishes)
        until = timezone.now() + LEASE
        runs = [
            JudgeRun.objects.create(
                study=study,
                version=wish.version,
                state=RunState.DRAFT,
                budget=wish.budget,
                replicates=replicates,
                seed=seed,
                skipped_identical=asked[wish.version].identical,
                started_by=actor,
                prepared_until=until,
            )
            for wish in wishes
        ]
    try:
        sizes = {}
        # Judges that are sent the same of a pair are asked in the same order.
        orders: dict[int, list[Step]] = {}
        for run in runs:
            questions = asked[run.version]
            if id(questions) not in orders:
                orders[id(questions)] = drawn(questions, replicates, seed)
            order = orders[id(questions)]
            sizes[run.pk] = len(order)
            write_calls(run, order, runs, {} if fresh else answered(run.version))
        begin(study, runs, sizes, actor=actor, others=others, alongside=alongside)
    except BaseException:
        discard(runs)
        raise
    if not fresh:
        for run in runs:
            reuse(run)
    return runs


def hold(study: Study) -> None:
    """Of two who start runs of a study at once the second sees those of the first."""
    Study.objects.select_for_update(no_key=True).get(pk=study.pk)


def check_prices(wishes: Sequence[Wish]) -> None:
    """Refuse, with a line for each, versions whose costs the study's budget could not hold."""
    faults = []
    for wish in wishes:
        try:
            check_price(wish.version)
        except StudyBudgetFault as fault:
            faults.append(str(fault))
    if faults:
        raise RunFault("\n".join(faults))


def write_calls(
    run: JudgeRun, order: Sequence[Step], runs: Sequence[JudgeRun], known: dict[str, int]
) -> None:
    """Write the calls of a draft, in slices; each keeps all that are prepared with it.

    Parameters
    ----------
    known : dict
        Calls that have answered the same, by what they asked: their answers are copied later.

    Raises
    ------
    RunFault
        Somebody took the draft for abandoned.
    """
    asking = Asking.of(run.version)
    keys = [one.pk for one in runs]
    for steps in slices(order):
        rows = []
        for step in steps:
            key = step.key(asking)
            rows.append(
                (step.question.comparison_id, step.order.value, step.replicate, key, known.get(key))
            )
        with slice_of_rows():
            drafts = JudgeRun.objects.filter(pk__in=keys, state=RunState.DRAFT)
            if drafts.update(prepared_until=timezone.now() + LEASE) != len(keys):
                raise RunFault(CUT_OFF)
            insert_rows(
                JudgeCall,
                ["comparison", "order", "replicate", "content_key", "reused_from"],
                rows,
                same={
                    "run": run.pk,
                    "state": CallState.PENDING,
                    "lease_token": None,
                    "lease_expires_at": None,
                    "not_before": None,
                    "attempts_made": 0,
                    "failure": "",
                },
            )


def slices(order: Sequence[Step]) -> Iterator[list[Step]]:
    rest = iter(order)
    while some := list(islice(rest, SLICE)):
        yield some


def begin(
    study: Study,
    runs: Sequence[JudgeRun],
    sizes: dict[int, int],
    *,
    actor: User | None,
    others: Collection[JudgeRun],
    alongside: Callable[[], Sequence[audit.Act]],
) -> None:
    """Let drafts run whose calls are all there: every lock, then every change, and the log last.

    Raises
    ------
    RunFault
    """
    keys = sorted(sizes)
    with transaction.atomic():
        hold(study)
        states = lock_runs([*runs, *others])
        written = {run.pk: run.calls.count() for run in runs}
        if written != sizes or any(states.get(pk) != RunState.DRAFT for pk in keys):
            raise RunFault(CUT_OFF)
        acts = alongside()
        check_prices([Wish(run.version) for run in runs])
        for run in runs:
            run.state, run.prepared_until = RunState.RUNNING, None
            run.save(update_fields=["state", "prepared_until"])
        audit.record_acts(study, actor, *acts)
        for run in runs:
            note_start(run, sizes[run.pk])


def lock_runs(runs: Collection[JudgeRun]) -> dict[int, str]:
    """Lock runs in the order of their keys, and before the study's money, as everywhere.

    Returns
    -------
    dict
        The state of each that is still there, by its key.
    """
    locked = JudgeRun.objects.select_for_update(no_key=True).filter(pk__in=[run.pk for run in runs])
    return dict(locked.order_by("pk").values_list("pk", "state"))


def note_start(run: JudgeRun, calls: int) -> None:
    """Log that a run has started; the last thing in its transaction."""
    audit.record(
        run.study,
        run.started_by,
        "judge.run_started",
        {
            "judge": run.version.judge.judge_id,
            "version": run.version.number,
            "calls": calls,
            "budget": None if run.budget is None else str(run.budget),
        },
    )


def discard(runs: Sequence[JudgeRun]) -> int:
    """Delete drafts with their calls, of which none was asked; the number of drafts."""
    return sum(_discard_one(run.pk, lambda: Q()) for run in runs)


def _lapsed() -> Q:
    return Q(prepared_until__lt=timezone.now())


def _discard_one(run_id: int, which: Callable[[], Q]) -> bool:
    """Delete a draft as long as it is one of these, which is asked before each slice."""
    while True:
        with slice_of_rows():
            draft = JudgeRun.objects.filter(which(), pk=run_id, state=RunState.DRAFT)
            if draft.select_for_update(no_key=True).first() is None:
                return False
            some = list(
                JudgeCall.objects.filter(run=run_id).values_list("pk", flat=True)[:DISCARDED]
            )
            if not some:
                draft.delete()
                return True
            # Nothing refers to a call that was never asked, and the database would refuse to delete
            # one that something refers to. Django looks for that in four tables first, which takes
            # three times as long as all of it (240 µs against 80 a call on SQLite, measured).
            calls = JudgeCall.objects.filter(pk__in=some)
            calls._raw_delete(calls.db)


def discard_abandoned() -> int:
    """Delete drafts whose process died over them; their number.

    One that was only slow, and has renewed its lease since it was found, is left to itself.
    """
    abandoned = list(JudgeRun.objects.filter(_lapsed(), state=RunState.DRAFT))
    if abandoned:
        log.warning("judging.drafts_abandoned", runs=[run.pk for run in abandoned])
    return sum(_discard_one(run.pk, _lapsed) for run in abandoned)
