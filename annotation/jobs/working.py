"""The worker's half: a job is claimed, done in one transaction with its end, and told of.

Much content is copied in slices before that transaction, which then only makes a study of it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ValidationError
from django.db import transaction

from annotation import quality
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.importing.formats import FileError
from annotation.importing.transfer import BadRowsError, ImportRefusedError
from annotation.lifecycle.cloning import WantedCopy
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.sliced_copies import GIVEN_UP, NAMED, discard, unfinished
from annotation.models import JobKind, JobState, Study, StudyJob
from annotation.pairing import DesignError
from annotation.progress_notes import note_progress
from annotation.taking_turns import TIME_LIMIT, TakenOverError, at_work, hold, take_turn

from .rows import PROBLEMS, UNITS, Found, end, folder_of, forget_files, progress_path, store_end
from .steps import Problems, begin_copy, change_it, make_pairs, open_it

log = structlog.get_logger(__name__)


def claim() -> StudyJob | None:
    """Take the oldest job that waits, or whose worker was lost; None where there is none."""
    waiting = StudyJob.objects.filter(state=JobState.WAITING).order_by("asked_at", "pk")
    return take_turn(waiting, progress=progress_path, give_up=give_up)


def give_up(job: StudyJob) -> None:
    log.error("jobs.lost", job=str(job.public_id), attempts=job.attempts)
    store_end(
        job, problem="The work was cut off twice, and nothing was changed. Ask for it once more."
    )
    # Were the end not stored, the job would be taken once more and find no file.
    transaction.on_commit(partial(forget_files, job))


def work_on(job: StudyJob) -> JobState | None:
    """Do what was asked for; how it ended, None where another worker has it by now."""
    problems = Problems()
    with at_work(job):
        try:
            if not roles_of(job.asked_by, job.study) & READERS:
                problem = "Whoever asked for this does not run the study any more."
            else:
                return _done(job, problems)
        except TakenOverError:
            return None
        except (DesignError, LifecycleError) as fault:
            problem = str(fault)
        except BadRowsError:
            problem = f"{problems.count:,} rows are bad; nothing was added."
        except (FileError, ImportRefusedError) as fault:
            problem = str(fault).replace(f"{folder_of(job)}/", "")
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
        found: dict[str, Any] = {}
        if problems.count:
            found = {"bad_rows": problems.count, PROBLEMS: [list(row) for row in problems.first]}
        return end(job, found=found, problem=problem)


def _done(job: StudyJob, problems: Problems) -> JobState | None:
    """Do the work and tell that it is done, both or neither: whatever kills the worker."""
    if job.kind == JobKind.COPYING:
        state = _copied(job)
    else:
        with transaction.atomic():
            hold(job)
            state = store_end(job, found=carry_out(job, problems))
    forget_files(job)
    if job.kind == JobKind.CHANGING:
        settle(job)
    return state


def _copied(job: StudyJob) -> JobState | None:
    path, arguments = progress_path(job), dict(job.arguments)
    expected = arguments.pop("expected", None)
    # Another attempt has a copy of its own, so that neither touches that of the other.
    key = f"{job.public_id.hex}-{job.attempts}"
    copy = begin_copy(job.study, job.asked_by, WantedCopy(**arguments), key)
    try:
        copy.fill(
            partial(hold, job),
            lambda done: note_progress(path, done, expected, UNITS[JobKind.COPYING]),
        )
        with transaction.atomic():
            hold(job)
            return store_end(job, found={"slug": copy.finish(job.asked_by).slug})
    except BaseException:
        copy.discard()
        raise


def discard_copies() -> int:
    """Delete what workers that were lost had copied; of how many studies."""
    gone = 0
    for study in unfinished():
        key = study.slug.removeprefix(NAMED).removesuffix(GIVEN_UP)
        hexed, _, attempt = key.rpartition("-")
        at_work = StudyJob.objects.filter(state=JobState.WAITING, attempts=int(attempt))
        # It may have been finished since it was read; then it stays.
        if not at_work.filter(public_id=hexed).exists() and discard(study):
            log.warning("jobs.copy_abandoned", study=study.slug)
            gone += 1
    return gone


def settle(job: StudyJob) -> None:
    """Put annotators where the new version asks, now that it is stored and nothing is locked."""
    try:
        # As it is now: the job's study has the rules of before.
        quality.settle_training(Study.objects.get(pk=job.study_id))
    except Exception:
        # The job is done. Whoever is left is settled by the next check of quality.
        log.exception("jobs.unsettled", job=str(job.public_id))


def carry_out(job: StudyJob, problems: Problems) -> Found:
    path, arguments = progress_path(job), dict(job.arguments)
    expected = arguments.pop("expected", None)

    def progress(done: int) -> None:
        note_progress(path, done, expected, UNITS[JobKind(job.kind)])

    match job.kind:
        case JobKind.PAIRS:
            return make_pairs(job.study, job.asked_by, progress=progress, **arguments)
        case JobKind.OPENING:
            return open_it(job.study, job.asked_by, progress=progress, **arguments)
        case _:
            name = arguments.pop("file", None)
            return change_it(
                job.study,
                job.asked_by,
                file=None if name is None else folder_of(job) / name,
                problems=problems,
                settle=False,
                progress=partial(note_progress, path),
                **arguments,
            )


def are_waiting() -> bool:
    """Whether somebody waits whom no worker has taken."""
    return StudyJob.objects.filter(state=JobState.WAITING, lease_until__isnull=True).exists()
