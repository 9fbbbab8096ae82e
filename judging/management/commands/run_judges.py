"""Let judges decide a study's comparisons, with live progress; --dry-run only quotes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import connections

from annotation.audit import Act
from annotation.management.study_command import StudyCommand, seed
from annotation.models import Study
from judging.judges import newest_versions, warnings_about
from judging.models import JudgeRun, JudgeVersion, RunState
from judging.runs.conducting import (
    ConductFault,
    ask_at_once,
    locked,
    recap_locked,
    resume_locked,
    retry,
)
from judging.runs.money import Standing, StudyBudgetFault, standing_of
from judging.runs.panels import check_all, quote_all, share_budget, start_beside
from judging.runs.planning import Quote, Reader, RunFault
from judging.runs.preparing import discard_abandoned
from judging.runs.progress import Progress, progress_of, progress_of_all
from judging.runs.starting import check_start, live_run, live_run_in_words
from judging.runs.study_budget import set_study_budget
from judging.runs.sweeping import sweep
from judging.runs.working import work
from judging.tasks import ring

LOOK_SECONDS = 0.5
SWEEP_SECONDS = 5.0


class Command(StudyCommand):
    help = (
        "Ask judges about every comparison, in both orders. A run that was interrupted goes on; "
        "one that has finished is not repeated: what is answered is reused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--judge", default="", help="only this one (default: all)")
        parser.add_argument(
            "--dry-run", action="store_true", help="quote calls, tokens and money, and stop"
        )
        parser.add_argument(
            "--budget",
            help="US dollars for all of it, what a run has spent before included; never exceeded "
            "(default: no cap, or the one that the run has)",
        )
        parser.add_argument(
            "--study-budget",
            metavar="AMOUNT",
            help="US dollars that all judges of the study may cost together, over every run, test "
            "and try-out; it is stored and holds until it is changed; none takes it away",
        )
        parser.add_argument("--replicates", type=int, help="how often each is asked (default: 1)")
        parser.add_argument("--seed", type=seed, help="of the order of the calls (default: 0)")
        parser.add_argument("--fresh", action="store_true", help="ask again what is answered")
        parser.add_argument(
            "--retry", action="store_true", help="ask again only what has no answer in the last run"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        versions = newest_versions(study, options["judge"])
        if not versions:
            raise CommandError(
                f"The study has no judge {options['judge']!r} that can be asked."
                if options["judge"]
                else "The study has no judge that can be asked. Add one with add_judge."
            )
        budget = read_budget(options["budget"], "--budget")
        try:
            if options["dry_run"]:
                self.quote(versions, budget, options)
                self.stdout.write(standing_in_words(standing_of(study.pk)))
                return
            if options["study_budget"] is not None:
                for run in set_study_budget(study, None, read_cap(options["study_budget"])):
                    ring(run.pk)
            ask = self.again if options["retry"] else self.start
            runs = ask(versions, budget, options)
        except (RunFault, ConductFault, StudyBudgetFault) as fault:
            raise CommandError(str(fault)) from None
        for warning in sorted(
            {warning for version in versions for warning in warnings_about(study, version.config)}
        ):
            self.warn(warning)
        try:
            self.follow(runs)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was answered is stored; the same command goes on from there."
            ) from None
        self.conclude(runs)

    def quote(
        self, versions: list[JudgeVersion], budget: Decimal | None, options: dict[str, Any]
    ) -> None:
        """What the same command would ask and cost without --dry-run, of each judge and in all."""
        live = {version.pk: live_run(version) for version in versions}
        reader = Reader(versions[0].judge.study)
        found = quote_all(versions, replicates_of(options), fresh=options["fresh"], reader=reader)
        shares: dict[int, Decimal | None] = {}
        if budget is not None:
            going_on = {pk for pk, run in live.items() if run}
            shares = shares_of(versions, budget, options, going_on, reader)
        for version, quoted in found.each:
            self.stdout.write(quote_in_words(version, quoted, shares.get(version.pk)))
        if len(versions) > 1:
            self.stdout.write(sum_in_words(len(versions), found.together, budget))

    def start(
        self, versions: list[JudgeVersion], budget: Decimal | None, options: dict[str, Any]
    ) -> list[JudgeRun]:
        """Start what has no run that goes on, and go on with what has: all of it, or nothing."""
        discard_abandoned()
        live = {version.pk: live_run(version) for version in versions}
        going_on = [run for run in live.values() if run is not None]
        for run in going_on:
            if run.state == RunState.DRAFT:
                raise RunFault(live_run_in_words(run))
            check_frozen(run, options)
        new = [version for version in versions if live[version.pk] is None]
        check_all(lambda version: check_start(version, budget), new)
        study = versions[0].judge.study
        reader = Reader(study)
        shares = shares_of(versions, budget, options, {run.version_id for run in going_on}, reader)
        runs: dict[int, JudgeRun] = {}
        resumed: list[JudgeRun] = []

        def go_on() -> list[Act]:
            acts: list[Act] = []
            for run in going_on:
                held = locked(run)
                runs[run.version_id] = held
                if run.state == RunState.PAUSED:
                    resumed.append(held)
                acts += gone_on(held, run.state, shares[run.version_id])
            return acts

        started = start_beside(
            study,
            new,
            shares,
            reader,
            others=going_on,
            alongside=go_on,
            replicates=replicates_of(options),
            seed=options["seed"] or 0,
            fresh=options["fresh"],
        )
        for run in resumed:
            ask_at_once(run)
        runs |= {run.version_id: run for run in started}
        return [runs[version.pk] for version in versions]

    def again(
        self, versions: list[JudgeVersion], budget: Decimal | None, options: dict[str, Any]
    ) -> list[JudgeRun]:
        last = {}
        for version in versions:
            run = version.runs.filter(state=RunState.FINISHED).order_by("-pk").first()
            if run is not None and progress_of(run).missing_total:
                check_frozen(run, options)
                last[version.pk] = run
        if not last:
            raise CommandError("Every call of the last runs has an answer.")
        asked = [version for version in versions if version.pk in last]
        shares = shares_of(asked, budget, options, set(last))
        for version in asked:
            retry(last[version.pk], None, shares[version.pk])
        return list(last.values())

    def follow(self, runs: list[JudgeRun]) -> None:
        """Work on the runs here, beside any worker, and show how far they are."""
        stopped = threading.Event()
        faults: list[BaseException] = []

        def ask() -> None:
            try:
                asyncio.run(work_on_all([run.pk for run in runs], stopped))
            except BaseException as fault:
                faults.append(fault)
            finally:
                connections.close_all()

        worker = threading.Thread(target=ask, name="judges", daemon=True)
        worker.start()
        shown = ""
        try:
            while worker.is_alive():
                worker.join(LOOK_SECONDS)
                found = progress_of_all(runs)
                line = " · ".join(one_line(run, found[run.pk]) for run in runs)
                if line != shown:
                    self.show(line)
                    shown = line
        finally:
            stopped.set()
            if self.stderr.isatty():
                self.stderr.write("")
        if faults:
            raise faults[0]

    def show(self, line: str) -> None:
        """On a terminal one line that changes; in a log a line now and then."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\x1b[2K{line}", ending="")
            self.stderr.flush()
        elif time.monotonic() - getattr(self, "_said", 0.0) >= SWEEP_SECONDS:
            self._said = time.monotonic()
            self.stderr.write(line)

    def conclude(self, runs: list[JudgeRun]) -> None:
        paused = []
        for run in runs:
            found = progress_of(run)
            self.say(summary(run, found))
            if found.too_many_missing:
                self.warn(
                    f"{run.version.judge.judge_id}: more than 2 % of the answers are missing. What "
                    "is missing is rarely random; --retry asks these again."
                )
            if found.state == RunState.PAUSED:
                paused.append(f"{run.version.judge.judge_id} paused: {found.pause}")
        self.say(standing_in_words(standing_of(runs[0].study_id)))
        if paused:
            raise CommandError(
                "\n".join([*paused, "When that is mended, the same command goes on from there."])
            )


async def work_on_all(run_ids: list[int], stopped: threading.Event) -> None:
    """Shift after shift until no run is running; lapsed leases are taken back meanwhile."""
    loop = asyncio.get_running_loop()
    share = max(1, settings.JUDGE_CALLS_AT_ONCE // len(run_ids))

    def still_running() -> list[int]:
        try:
            sweep()
            return list(
                JudgeRun.objects.filter(pk__in=run_ids, state=RunState.RUNNING).values_list(
                    "pk", flat=True
                )
            )
        finally:
            # The loop has many threads for this; each would keep a connection of its own.
            connections.close_all()

    while not stopped.is_set():
        running = await loop.run_in_executor(None, still_running)
        if not running:
            return
        stored = await asyncio.gather(*(work(run_id, at_once=share) for run_id in running))
        if not any(stored):
            # Nothing is due yet, or another process is at it.
            await asyncio.sleep(1)


def read_budget(raw: str | None, option: str) -> Decimal | None:
    if raw is None:
        return None
    try:
        budget = Decimal(raw)
    except InvalidOperation:
        raise CommandError(f"{option} takes an amount of US dollars; {raw!r} is none.") from None
    if not budget.is_finite() or budget <= 0:
        raise CommandError(f"{option} takes a positive amount of US dollars.")
    return budget


def read_cap(raw: str) -> Decimal | None:
    return None if raw == "none" else read_budget(raw, "--study-budget")


def replicates_of(options: dict[str, Any]) -> int:
    return 1 if options["replicates"] is None else int(options["replicates"])


def check_frozen(run: JudgeRun, options: dict[str, Any]) -> None:
    """Refuse what would have to change the calls of a run that has them already.

    Raises
    ------
    ConductFault
    """
    wrong = [
        f"--{key}"
        for key in ("replicates", "seed")
        if options[key] not in (None, getattr(run, key))
    ]
    wrong += ["--fresh"] if options["fresh"] else []
    if wrong:
        raise ConductFault(
            f"{run.version.judge.judge_id} goes on with a run whose calls are fixed (asked "
            f"{run.replicates} times each, seed {run.seed}): {', '.join(wrong)} cannot change "
            "them. Leave it out, or cancel that run and start another."
        )


def gone_on(held: JudgeRun, was: str, share: Decimal | None) -> list[Act]:
    """Let a run go on that the caller holds, with its share of a budget if there is one.

    Parameters
    ----------
    was : str
        The state in which the command found it. One that somebody changed since is refused.
    """
    if was == RunState.PAUSED:
        return resume_locked(held, share)
    return [] if share is None else recap_locked(held, share)


def shares_of(
    versions: list[JudgeVersion],
    budget: Decimal | None,
    options: dict[str, Any],
    going_on: Collection[int],
    reader: Reader | None = None,
) -> dict[int, Decimal | None]:
    return share_budget(
        versions,
        budget,
        replicates=replicates_of(options),
        fresh=options["fresh"],
        going_on=going_on,
        reader=reader,
    )


def dollars(amount: Decimal | None) -> str:
    return "unknown (no price card)" if amount is None else f"{amount:,.4f} US dollars"


def quote_in_words(version: JudgeVersion, found: Quote, share: Decimal | None = None) -> str:
    lines = [f"{version.judge.judge_id}, version {version.number}", *lines_of(found)]
    if share is not None:
        lines.append(f"  budget       {share:,.4f} US dollars")
    if found.skipped_identical:
        lines.append(f"  left out     {found.skipped_identical:,} pairs of two equal responses")
    return "\n".join(lines)


def sum_in_words(judges: int, found: Quote, budget: Decimal | None) -> str:
    """The quotes of several judges in all; a cost is unknown where that of one of them is."""
    lines = [f"All {judges} together", *lines_of(found)]
    if budget is not None:
        lines.append(f"  budget       {budget:,.4f} US dollars")
        if found.worst_case is not None and found.worst_case > budget:
            lines.append("               They could cost more: a run whose part is used up pauses.")
    return "\n".join(lines)


def lines_of(found: Quote) -> list[str]:
    return [
        f"  calls        {found.calls:,} ({found.comparisons:,} comparisons in both orders)",
        f"  answered     {found.reused:,} of them, by an earlier run; these are reused",
        f"  tokens       about {found.input_tokens:,} in, {found.output_tokens:,} out",
        f"  cost         about {dollars(found.cost)}",
        f"  at most      {dollars(found.worst_case)}, each sent once",
    ]


def standing_in_words(found: Standing) -> str:
    """What all judges of the study have cost, and may cost, together."""
    cap = "no cap" if found.amount is None else f"{found.left:,.4f} left of {found.amount:,.4f}"
    held = f", {found.reserved:,.4f} reserved" if found.reserved else ""
    return f"All judges of the study: {found.spent:,.4f} US dollars spent{held}, {cap}."


def one_line(run: JudgeRun, found: Progress) -> str:
    share = 100 * found.done // found.asked if found.asked else 100
    missing = f", {found.missing_total:,} missing" if found.missing_total else ""
    return (
        f"{run.version.judge.judge_id} {found.done:,} of {found.asked:,} ({share} %), "
        f"{found.in_flight} in flight{missing}, {found.spent:.4f} US dollars"
    )


def summary(run: JudgeRun, found: Progress) -> str:
    causes = "".join(f"; {number:,} {cause}" for cause, number in found.missing.items())
    reused = f", {found.reused:,} of them reused" if found.reused else ""
    return (
        f"{run.version.judge.judge_id}, version {run.version.number}: {found.state}. "
        f"Asked {found.asked:,}, answered {found.parsed:,}{reused}, missing "
        f"{found.missing_total:,}{causes}. Spent {found.spent:.4f} US dollars."
    )
