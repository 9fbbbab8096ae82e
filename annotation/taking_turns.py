"""How workers of the background take rows that are asked for, and are replaced when they are lost.

The row is the queue. A worker that takes it holds a lease and gives signs of life; one that is lost
is replaced once, and then the row has failed and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from annotation.models.background import BackgroundWork
from annotation.progress_notes import note_progress, seconds_silent, signs_of_life

TIME_LIMIT = 30 * 60
"""Seconds for one row, where Celery can end a task."""

LEASE = timedelta(minutes=40)
"""Longer than the task may take; a worker without signs of life is replaced much earlier."""

SILENCE_SECONDS = 120
"""A worker that gave no sign for so long is taken for lost."""

MOST_ATTEMPTS = 2

_held: set[tuple[type[BackgroundWork], int]] = set()
"""Rows that threads of this process work on."""


Row = TypeVar("Row", bound=BackgroundWork)


def take_turn(
    waiting: QuerySet[Row], *, progress: Callable[[Row], Path], give_up: Callable[[Row], None]
) -> Row | None:
    """Take the first row that waits, or whose worker was lost; None where there is none.

    Parameters
    ----------
    waiting : queryset
        What is to be done, in its order.
    progress : callable
        Where a row's signs of life are.
    give_up : callable
        Stores that a row failed, whose workers were lost `MOST_ATTEMPTS` times. Within a
        transaction.
    """
    model = waiting.model
    # A copy, made in one step: other threads take and end rows meanwhile.
    own = tuple(key for kind, key in tuple(_held) if kind is model)
    with transaction.atomic():
        for row in waiting.select_for_update(skip_locked=True, of=("self",)).exclude(pk__in=own):
            if row.lease_until is not None and not is_lost(row, progress(row)):
                continue
            if row.attempts >= MOST_ATTEMPTS:
                give_up(row)
                continue
            row.attempts += 1
            row.lease_until = timezone.now() + LEASE
            row.save(update_fields=["attempts", "lease_until"])
            note_progress(progress(row), 0, None, "begun")
            return row
    return None


def is_lost(row: BackgroundWork, progress: Path) -> bool:
    """Whether whoever took the row is not heard of any more, or holds it for too long."""
    silent = seconds_silent(progress)
    return (row.lease_until is not None and row.lease_until <= timezone.now()) or (
        silent is not None and silent > SILENCE_SECONDS
    )


@contextmanager
def at_work(row: BackgroundWork, progress: Path) -> Iterator[None]:
    """Hold a row that was taken: no thread of this process takes it, and it gives signs of life."""
    key = (type(row), row.pk)
    _held.add(key)
    try:
        with signs_of_life(progress):
            yield
    finally:
        _held.discard(key)
