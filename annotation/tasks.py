"""What the background does for annotation. Each task may run twice, late, or not at all for a
while: the claim does the same work itself, so annotators never wait for a worker."""

from __future__ import annotations

from datetime import timedelta

import structlog
from celery import shared_task
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotation import quality, queue
from annotation.api import idempotency
from annotation.importing import upload_work
from annotation.jobs import rows, working
from annotation.models import Study, StudyState
from annotation.people import letters
from annotation.sessions import SessionStore
from annotation.taking_turns import TIME_LIMIT

log = structlog.get_logger(__name__)

# Quality control goes on for so long after a study stopped being open: the last votes come then.
AFTERWARDS = timedelta(hours=1)


@shared_task(name="annotation.take_back_lapsed_leases")
def take_back_lapsed_leases() -> int:
    """Return lapsed reservations to the queue; the number taken back."""
    total = 0
    # A sweep takes a bounded number, so that no lock is held for long.
    while taken_back := queue.expire_lapsed():
        total += taken_back
    return total


@shared_task(name="annotation.check_quality")
def check_quality() -> int:
    """Hold the annotators of running studies against their rules; the number of new findings.

    Also takes owners' own votes out of the count, and does what was left undone of decisions on
    annotators, in all studies.
    """
    found = 0
    running = Q(state=StudyState.OPEN) | Q(state_changed_at__gt=timezone.now() - AFTERWARDS)
    for study in Study.objects.filter(running).exclude(state=StudyState.DRAFT).order_by("pk"):
        try:
            quality.exclude_own_votes(study)
            quality.settle_training(study)
            found += quality.run_rules(study)
        except Exception:
            # One study's fault must not keep the others unlooked at.
            log.exception("quality.check_failed", study=study.slug)
    for study in Study.objects.filter(annotators__reviews__isnull=False).distinct():
        try:
            quality.finish_reviews(study)
        except Exception:
            log.exception("quality.finish_failed", study=study.slug)
    return found


@shared_task(name="annotation.send_letters")
def send_letters() -> int:
    """Send invitations that are due; the number sent. More are rung for, one stretch at a time."""
    done = letters.send_letters()
    if done.more:
        ring_for_letters()
    return done.sent


def ring_for_letters() -> None:
    """Wake a worker. Without a broker the sweep does it a minute later."""
    try:
        send_letters.delay()
    except OperationalError:
        log.warning("letters.bell_unheard")


@shared_task(name="annotation.forget_answers")
def forget_answers() -> int:
    """Delete the answers of the API that nobody can ask for once more; their number."""
    return idempotency.forget_old_answers()


@shared_task(name="annotation.forget_ended_sessions")
def forget_ended_sessions() -> None:
    """Delete the sessions that are over: nobody reads them again."""
    SessionStore.clear_expired()


@shared_task(
    name="annotation.work_on_upload",
    soft_time_limit=TIME_LIMIT,
    time_limit=TIME_LIMIT + 60,
)
def work_on_upload() -> str | None:
    """Check or store one upload that waits; how it ended, or None where none waits.

    Running it twice or late does no harm: an upload is claimed by one worker.
    """
    claimed = upload_work.claim()
    if claimed is None:
        return None
    state = upload_work.work_on(claimed)
    if upload_work.are_waiting():
        ring_for_uploads()
    return None if state is None else str(state)


def ring_for_uploads() -> None:
    """Wake a worker. Without a broker the sweep does it some seconds later."""
    try:
        work_on_upload.delay()
    except OperationalError:
        log.warning("uploads.bell_unheard")


@shared_task(
    name="annotation.work_on_job",
    soft_time_limit=TIME_LIMIT,
    time_limit=TIME_LIMIT + 60,
)
def work_on_job() -> str | None:
    """Pair, open, copy or change a study where somebody waits for it; how it ended.

    Running it twice or late does no harm: a job is claimed by one worker.
    """
    job = working.claim()
    if job is None:
        return None
    state = working.work_on(job)
    if working.are_waiting():
        ring_for_jobs()
    return None if state is None else str(state)


def ring_for_jobs() -> None:
    """Wake a worker. Without a broker the sweep does it some seconds later."""
    try:
        work_on_job.delay()
    except OperationalError:
        log.warning("jobs.bell_unheard")


@shared_task(name="annotation.forget_bad_rows")
def forget_bad_rows() -> int:
    """Delete why rows of a file were bad, a day after it was told; of how many jobs."""
    return rows.forget_problems()


@shared_task(name="annotation.tidy_jobs")
def tidy_jobs() -> int:
    """Delete what processes left that died over a job: files, and copies of studies; how many."""
    return rows.tidy() + working.discard_copies()


@shared_task(name="annotation.tidy_uploads")
def tidy_uploads() -> int:
    """Forget the files of uploads that nobody finished; the number of those."""
    return upload_work.tidy()
