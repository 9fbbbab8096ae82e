"""What the background does for annotation. Each task may run twice, late, or not at all for a
while: the claim does the same work itself, so annotators never wait for a worker."""

from __future__ import annotations

from celery import shared_task

from annotation import queue


@shared_task(name="annotation.take_back_lapsed_leases")
def take_back_lapsed_leases() -> int:
    """Return lapsed reservations to the queue; the number taken back."""
    total = 0
    # A sweep takes a bounded number, so that no lock is held for long.
    while taken_back := queue.expire_lapsed():
        total += taken_back
    return total
