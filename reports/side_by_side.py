"""Parts of a report made at the same time, where a study is so large that somebody waits for it.

Numpy and scipy let other threads work while they count and multiply, so that two threads take
little more than half the time. Processes would share nothing that the parts have in common, and
are not safe to fork from a server that has threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


def side_by_side(
    first: Callable[[], First], second: Callable[[], Second], *, together: bool
) -> tuple[First, Second]:
    """What two parts give that know nothing of each other.

    Parameters
    ----------
    first, second : callable
        Neither may touch the database: the thread of `second` has no connection. Both must give
        the same whatever runs beside them; then `together` changes no digit.
    together : bool
        Whether at the same time, or one after the other in this thread.

    Raises
    ------
    Exception
        What a part raises, once the other one has ended; of two, that of the first.
    """
    if not together:
        return first(), second()
    with ThreadPoolExecutor(max_workers=1) as beside:
        other = beside.submit(second)
        return first(), other.result()
