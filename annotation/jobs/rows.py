"""What was put off: rows that wait for a worker, with what they need on the disk."""

from __future__ import annotations

import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.lifecycle.refusals import LifecycleError
from annotation.models import JobKind, JobState, Study, StudyJob, User
from annotation.progress_notes import progress_at

Found = dict[str, Any]

TOLD_FOR = timedelta(days=1)
"""So long it is told what came of a step that nobody waited for."""

LEFT_FOR = timedelta(days=1)
"""Files of a job that is over are deleted at its end; after it, where that did not happen."""

# Of what came of a step: rows that are bad, and why, with names of systems in the reasons.
PROBLEMS = "problems"
# What is being done with the study, and what its progress counts.
DOING = {
    JobKind.PAIRS: "its pairs are being made",
    JobKind.OPENING: "it is being opened",
    JobKind.COPYING: "it is being copied",
    JobKind.CHANGING: "it is being changed",
}
UNITS = {
    JobKind.PAIRS: "pairs",
    JobKind.OPENING: "pairs",
    JobKind.COPYING: "responses",
    # It has several counts, one after the other: whoever works on it notes which.
    JobKind.CHANGING: "",
}


def ask(
    study: Study,
    kind: JobKind,
    arguments: dict[str, Any],
    actor: User,
    *,
    file: Path | None = None,
) -> StudyJob:
    """Put a step off.

    Parameters
    ----------
    arguments
        What the step takes, as JSON has it, and `expected`: how many of its unit there are.
    file : Path, optional
        Is moved to where the worker finds it.

    Raises
    ------
    LifecycleError
        Something else was asked for in this moment.
    """
    job = StudyJob(study=study, kind=kind, arguments=arguments, asked_by=actor)
    try:
        # Before the row: who takes the job finds its file there.
        if file is not None:
            job.arguments = {**arguments, "file": file.name}
            kept = folder_of(job)
            kept.mkdir(mode=0o700)
            shutil.move(file, kept / file.name)
        with transaction.atomic():
            job.save()
    except IntegrityError:
        forget_files(job)
        raise LifecycleError(
            f"{study.slug}: somebody asked for something else just now. Wait for its end."
        ) from None
    except BaseException:
        # A full disk, a database that is away: nobody will ask for the file.
        forget_files(job)
        raise
    return job


def check_free(study: Study) -> None:
    """Raise LifecycleError while the background does something with the study."""
    job = live_job(study)
    if job is not None:
        raise LifecycleError(f"{study.slug}: {DOING[JobKind(job.kind)]}. Wait until that is done.")


def live_job(study: Study) -> StudyJob | None:
    """What is waited for, or being done."""
    return StudyJob.objects.filter(study=study, state=JobState.WAITING).first()


def last_job(study: Study, kind: JobKind) -> StudyJob | None:
    """The newest of a kind, whatever became of it."""
    return StudyJob.objects.filter(study=study, kind=kind).order_by("-pk").first()


def folder() -> Path:
    path = Path(settings.VAR_DIR) / "jobs"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def progress_path(job: StudyJob) -> Path:
    return folder() / str(job.public_id)


def folder_of(job: StudyJob) -> Path:
    """Where the file of a job lies until its end."""
    return folder() / f"{job.public_id}.files"


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a job's unit are through, and how many there are at most; 0: nobody knows."""

    done: int
    of: int
    unit: str


def progress_of(job: StudyJob) -> Progress:
    noted = progress_at(progress_path(job))
    done, of = noted.get("rows"), noted.get("of")
    done = done if isinstance(done, int) else 0
    unit = UNITS[JobKind(job.kind)]
    if unit:
        return Progress(done, int(job.arguments.get("expected", 0)), unit)
    return Progress(done, of if isinstance(of, int) else 0, str(noted["doing"]) if done else "")


def found_for(job: StudyJob, person: User) -> Found:
    """What came of a job, as somebody who runs the study may know it.

    Names of systems are sealed once the study is open: groups of systems are told to nobody, and
    reasons of bad rows to whoever gave the file. All others are told how many rows are bad.
    """
    hidden = {"components"} if job.asked_by_id == person.pk else {"components", PROBLEMS}
    return {name: value for name, value in job.found.items() if name not in hidden}


def forget_problems() -> int:
    """Delete the reasons of bad rows that were told long enough; of how many jobs."""
    old = StudyJob.objects.filter(
        ended_at__lt=timezone.now() - TOLD_FOR, found__has_key=PROBLEMS
    ).only("found")
    for job in (jobs := list(old)):
        del job.found[PROBLEMS]
    return StudyJob.objects.bulk_update(jobs, ["found"])


def end(job: StudyJob, *, found: Found | None = None, problem: str = "") -> JobState | None:
    """Tell how a job ended; None where another worker has it by now."""
    state = store_end(job, found=found, problem=problem)
    if state is not None:
        forget_files(job)
    return state


def store_end(job: StudyJob, *, found: Found | None = None, problem: str = "") -> JobState | None:
    """As `end`, within the caller's transaction; the files stay until that is committed."""
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


def forget_files(job: StudyJob) -> None:
    """Delete what a job has on the disk; what cannot be deleted is left to `tidy`."""
    for path in (progress_path(job), folder_of(job)):
        delete(path)


def tidy() -> int:
    """Delete what processes that were killed left of jobs that are over; how many entries."""
    waiting = StudyJob.objects.filter(state=JobState.WAITING)
    wanted = set(waiting.values_list("public_id", flat=True))
    gone = 0
    for path in list(folder().iterdir()):
        # What is there under another name was put there by somebody else.
        with suppress(ValueError, OSError):
            job = uuid.UUID(path.name.partition(".")[0])
            # A folder is made before its row: a job that is being asked for is left alone.
            if job not in wanted and path.stat().st_mtime < time.time() - LEFT_FOR.total_seconds():
                delete(path)
                gone += 1
    return gone


def delete(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
