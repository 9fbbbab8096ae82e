"""Making pairs and opening: at once for a small study, in the background for a large one.

What is asked for is looked at before it is put off, so that a design that cannot be, or a study
that is not ready, is told of at once. The work itself is the one of the commands.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation import audit
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import (
    Comparison,
    JobKind,
    JobState,
    Response,
    Study,
    StudyJob,
    StudyState,
    System,
    User,
)
from annotation.pairing import Design, DesignError
from annotation.progress_notes import note_progress, progress_at
from annotation.taking_turns import TIME_LIMIT, TakenOverError, at_work, hold, take_turn

from .generation import (
    DEFAULT_OVERLAP,
    check_pairs,
    generate_comparisons,
    most_pairs,
    rules_of_pairs,
)
from .identical import add_identical
from .opening import open_study
from .readiness import list_faults
from .refusals import LifecycleError, StudyFrozenError, StudyNotReadyError
from .rules_readiness import faults_of_reading

log = structlog.get_logger(__name__)

AT_ONCE = 10_000
"""Pairs that are made, or opened, while somebody waits: some two seconds of one core."""

RESPONSES_AT_ONCE = 50_000
"""Responses whose texts are hashed at opening while somebody waits: some two seconds, too."""

MOST_PAIRS = 1_000_000
"""Pairs of one design on a page or through the API; more are made by the command."""

Progress = Callable[[int], None]
Found = dict[str, Any]


def ask_for_pairs(study: Study, actor: User, **wanted: Any) -> Found | StudyJob:
    """Make the pairs of a design; what was made, or the job that will make them.

    Parameters
    ----------
    wanted
        What `make_pairs` takes.

    Raises
    ------
    DesignError
        The design cannot be, or makes too many pairs.
    LifecycleError
        The study was opened, or something is being done with it.
    """
    check_free(study)
    if study.was_opened:
        raise StudyFrozenError(f"{study.slug} was opened, and its pairs are frozen since.")
    if not wanted.get("has_design", True):
        return make_pairs(study, actor, **wanted)
    rules = rules_of_pairs(
        wanted.get("design", Design.ALL),
        wanted.get("anchor"),
        wanted.get("systems", ()),
        wanted.get("rounds", 1),
        wanted.get("overlap", DEFAULT_OVERLAP),
        wanted.get("seed", 0),
    )
    names = System.objects.filter(study=study).values_list("name", flat=True)
    check_pairs(study, rules, list(names))
    number = most_pairs(study, rules)
    if number > MOST_PAIRS:
        raise DesignError(
            f"This makes up to {number:,} pairs; {MOST_PAIRS:,} are made here at most. Take a "
            "design with fewer, or ask those who run this site to generate them by the command "
            f"generate_comparisons {study.slug}."
        )
    if number <= AT_ONCE:
        return make_pairs(study, actor, **wanted)
    plain = {**wanted, "systems": list(wanted.get("systems", ())), "expected": number}
    return ask(study, JobKind.PAIRS, plain, actor)


def make_pairs(
    study: Study,
    actor: User | None,
    *,
    has_design: bool = True,
    identical: int = 0,
    progress: Progress | None = None,
    **design: Any,
) -> Found:
    """Make pairs of a design, identical pairs, or both: what is refused leaves nothing behind."""
    found: Found = {"identical": 0, "created": 0, "existing": 0}
    act: audit.Act | None = None
    with transaction.atomic():
        if identical:
            made, act = add_identical(study, identical, seed=design.get("seed", 0))
            found["identical"] = made.created
        if has_design:
            summary = generate_comparisons(study, actor=actor, progress=progress, **design)
            work = summary.study
            found |= {
                "created": summary.created,
                "existing": summary.skipped,
                "comparisons": work.comparisons,
                "votes": work.votes,
                "components": [list(names) for names in work.components],
            }
        if act is not None:
            audit.record(study, actor, act.action, act.detail)
    return found


def ask_to_open(study: Study, actor: User, *, allow_disconnected: bool = False) -> Found | StudyJob:
    """Open a draft; its version, or the job that will open it.

    Raises
    ------
    StudyNotReadyError
        With every fault of the study.
    LifecycleError
        The study is no draft, or something is being done with it.
    """
    check_free(study)
    pairs = Comparison.objects.filter(study=study).count()
    if study.state != StudyState.DRAFT or (
        pairs <= AT_ONCE
        and Response.objects.filter(prompt__study=study).count() <= RESPONSES_AT_ONCE
    ):
        return opened(study, actor, allow_disconnected=allow_disconnected)
    faults = faults_of_reading(study) or list_faults(study, allow_disconnected=allow_disconnected)
    if faults:
        raise StudyNotReadyError(study.slug, faults)
    arguments = {"allow_disconnected": allow_disconnected, "expected": pairs}
    return ask(study, JobKind.OPENING, arguments, actor)


def opened(
    study: Study,
    actor: User | None,
    *,
    allow_disconnected: bool,
    progress: Progress | None = None,
) -> Found:
    opening = open_study(study, actor, allow_disconnected=allow_disconnected, progress=progress)
    return {"version": opening.version.number}


def check_free(study: Study) -> None:
    """Raise LifecycleError while the background does something with the study."""
    job = live_job(study)
    if job is not None:
        doing = "its pairs are being made" if job.kind == JobKind.PAIRS else "it is being opened"
        raise LifecycleError(f"{study.slug}: {doing}. Wait until that is done.")


def ask(study: Study, kind: JobKind, arguments: dict[str, Any], actor: User) -> StudyJob:
    try:
        with transaction.atomic():
            return StudyJob.objects.create(
                study=study, kind=kind, arguments=arguments, asked_by=actor
            )
    except IntegrityError:
        raise LifecycleError(
            f"{study.slug}: somebody asked for something else just now. Wait for its end."
        ) from None


def live_job(study: Study) -> StudyJob | None:
    """What is waited for, or being done."""
    return StudyJob.objects.filter(study=study, state=JobState.WAITING).first()


def last_job(study: Study, kind: JobKind) -> StudyJob | None:
    """The newest of a kind, whatever became of it."""
    return StudyJob.objects.filter(study=study, kind=kind).order_by("-pk").first()


def progress_path(job: StudyJob) -> Path:
    folder = Path(settings.VAR_DIR) / "jobs"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / str(job.public_id)


def progress_of(job: StudyJob) -> tuple[int, int]:
    """Pairs that are through, and how many there are at most."""
    done = progress_at(progress_path(job)).get("rows", 0)
    return (done if isinstance(done, int) else 0), int(job.arguments.get("expected", 0))


# What workers do.


def claim() -> StudyJob | None:
    """Take the oldest job that waits, or whose worker was lost; None where there is none."""
    waiting = StudyJob.objects.filter(state=JobState.WAITING).order_by("asked_at", "pk")
    return take_turn(waiting, progress=progress_path, give_up=give_up)


def give_up(job: StudyJob) -> None:
    log.error("jobs.lost", job=str(job.public_id), attempts=job.attempts)
    end(job, problem="The work was cut off twice, and nothing was changed. Ask for it once more.")


def work_on(job: StudyJob) -> JobState | None:
    """Do what was asked for; how it ended, None where another worker has it by now."""
    with at_work(job):
        try:
            if not roles_of(job.asked_by, job.study) & READERS:
                problem = "Whoever asked for this does not run the study any more."
            else:
                return _done(job)
        except TakenOverError:
            return None
        except (DesignError, LifecycleError) as fault:
            problem = str(fault)
        except ValidationError as fault:
            problem = " ".join(fault.messages)
        except SoftTimeLimitExceeded:
            log.error("jobs.too_long", job=str(job.public_id))
            problem = (
                f"It took more than {TIME_LIMIT // 60} minutes and was ended; nothing was changed. "
                "Ask those who run this site to do it by a command."
            )
        except Exception:
            log.exception("jobs.fault", job=str(job.public_id))
            problem = (
                "The program failed and nothing was changed; those who run this site find the "
                "reason in its log."
            )
        return end(job, problem=problem)


def _done(job: StudyJob) -> JobState | None:
    """Do the work and tell that it is done, both or neither: whatever kills the worker."""
    with transaction.atomic():
        hold(job)
        found = carry_out(job)
        state = store_end(job, found=found)
    progress_path(job).unlink(missing_ok=True)
    return state


def carry_out(job: StudyJob) -> Found:
    path, arguments = progress_path(job), dict(job.arguments)
    expected = arguments.pop("expected", None)

    def progress(done: int) -> None:
        note_progress(path, done, expected, "done")

    if job.kind == JobKind.OPENING:
        return opened(job.study, job.asked_by, progress=progress, **arguments)
    return make_pairs(job.study, job.asked_by, progress=progress, **arguments)


def end(job: StudyJob, *, found: Found | None = None, problem: str = "") -> JobState | None:
    """Tell how a job ended; None where another worker has it by now."""
    state = store_end(job, found=found, problem=problem)
    if state is not None:
        progress_path(job).unlink(missing_ok=True)
    return state


def store_end(job: StudyJob, *, found: Found | None = None, problem: str = "") -> JobState | None:
    state = JobState.FAILED if problem else JobState.DONE
    mine = StudyJob.objects.filter(pk=job.pk, state=JobState.WAITING, attempts=job.attempts)
    ended = mine.update(
        state=state,
        found=found or {},
        problem=problem,
        ended_at=timezone.now(),
        lease_until=None,
    )
    return state if ended else None


def are_waiting() -> bool:
    """Whether somebody waits whom no worker has taken."""
    return StudyJob.objects.filter(state=JobState.WAITING, lease_until__isnull=True).exists()
