"""Work on many rows in transactions between which others write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# SQLite has one writer and no queue for it: whoever waits looks now and then, at last every 100 ms,
# whether it is free. So long it is left free between two slices, as a share of the slice before
# and at least.
FREE_SHARE, FREE_SECONDS = 0.5, 0.02


@contextmanager
def slice_of_rows() -> Iterator[None]:
    """A transaction that is one of many, with time for other writers after it."""
    begun = time.monotonic()
    with transaction.atomic():
        yield
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(max(FREE_SECONDS, FREE_SHARE * (time.monotonic() - begun)))
