"""Many small objects made without being searched for cycles again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Let Python's collector of cycles rest while the block runs.

    A report of 200 systems is half a million objects without a cycle. The collector went through
    all of them each time that some thousands were added, which took 1.2 of 10 seconds. What is in
    no cycle is freed as ever. It rests in the whole process; of two blocks that overlap, the one
    that began first ends its rest.
    """
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_at_work:
            gc.enable()
