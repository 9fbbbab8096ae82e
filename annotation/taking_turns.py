"""How workers of the background take rows that are asked for, and are replaced when they are lost.

The row is the queue. A worker that takes it holds a lease, which it renews while it lives; one that
is lost is replaced once, and then the row has failed and says so. Whether a worker is lost is told
by the database alone, so that machines need nothing else in common.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from annotation.models.background import BackgroundWork
from annotation.progress_notes import note_progress

log = structlog.get_logger(__name__)

TIME_LIMIT = 30 * 60
"""Seconds for one row, where Celery can end a task."""

LEASE = timedelta(minutes=2)
"""A worker that renewed its lease no more for so long is taken for lost."""

BEAT_SECONDS = 20.0
"""Between two renewals: five may be missed."""

LONGEST_SECONDS = 40 * 60
"""Longer than a task may take: a thread that works for longer hangs, and renews nothing more."""

MOST_ATTEMPTS = 2

_held: set[tuple[type[BackgroundWork], int]] = set()
"""Rows that threads of this process work on."""


Row = TypeVar("Row", bound=BackgroundWork)


class TakenOverError(Exception):
    """The row went to another worker, or ended: nothing of this one's work may be kept."""


def take_turn(
    waiting: QuerySet[Row], *, progress: Callable[[Row], Path], give_up: Callable[[Row], None]
) -> Row | None:
    """Take the first row that waits, or whose worker was lost; None where there is none.

    A row that somebody has locked is at work, however old its lease is.

    Parameters
    ----------
    waiting : queryset
        What is to be done, in its order.
    progress : callable
        Where it is written how far a row is.
    give_up : callable
        Stores that a row failed, whose workers were lost `MOST_ATTEMPTS` times. Within a
        transaction.
    """
    model = waiting.model
    # A copy, made in one step: other threads take and end rows meanwhile.
    own = tuple(key for kind, key in tuple(_held) if kind is model)
    free = waiting.filter(Q(lease_until__isnull=True) | Q(lease_until__lte=Now()))
    with transaction.atomic():
        for row in free.select_for_update(no_key=True, skip_locked=True, of=("self",)).exclude(
            pk__in=own
        ):
            if row.attempts >= MOST_ATTEMPTS:
                give_up(row)
                continue
            mine = model._default_manager.filter(pk=row.pk)
            mine.update(attempts=F("attempts") + 1, lease_until=Now() + LEASE)
            row.refresh_from_db(fields=["attempts", "lease_until"])
            note_progress(progress(row), 0, None, "begun")
            return row
    return None


def hold(row: BackgroundWork) -> None:
    """Lock a row that was taken, until the transaction of the work ends.

    What the work stores and that the row is done are told in one, and meanwhile no other worker
    takes the row: it is skipped while it is locked, and is free at once if the process dies.

    Raises
    ------
    TakenOverError
        Another worker has it by now, or it has ended.
    """
    still = _mine(row).select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True)
    if not list(still):
        raise TakenOverError(str(row))


def _mine(row: BackgroundWork) -> QuerySet[BackgroundWork]:
    return type(row)._default_manager.filter(
        pk=row.pk, attempts=row.attempts, lease_until__isnull=False
    )


@contextmanager
def at_work(row: BackgroundWork) -> Iterator[None]:
    """Keep a row that was taken: no thread of this process takes it, and its lease is renewed."""
    key = (type(row), row.pk)
    _held.add(key)
    try:
        with _renewed(row):
            yield
    finally:
        _held.discard(key)


@contextmanager
def _renewed(row: BackgroundWork) -> Iterator[None]:
    """Renew the lease every now and then, over a connection of its own."""
    over = threading.Event()
    begun = time.monotonic()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS) and time.monotonic() - begun < LONGEST_SECONDS:
            renew(row)

    thread = threading.Thread(target=beat, name="signs-of-life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def renew(row: BackgroundWork) -> None:
    """Renew the lease, unless the row is locked: that is a better sign of life."""
    try:
        with transaction.atomic():
            mine = _mine(row).select_for_update(no_key=True, skip_locked=True, of=("self",))
            if keys := list(mine.values_list("pk", flat=True)):
                type(row)._default_manager.filter(pk__in=keys).update(lease_until=Now() + LEASE)
    except (DatabaseError, InterfaceError) as fault:
        # SQLite while something long is stored, or a database that is away: the next may do it.
        log.warning("lease.not_renewed", row=str(row), fault=str(fault))
    finally:
        connection.close()
