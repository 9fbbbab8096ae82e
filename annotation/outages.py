"""When the database cannot save for now: the same request may succeed in a moment."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

# A restart takes seconds; a page waits a little longer each time by itself.
RETRY_AFTER_SECONDS = 5

# What PostgreSQL takes for internal errors although it passes: the transaction is read-only, as
# after a failover, or it stood still for too long, as on a server that is short of processors.
PASSING = frozenset({"25006", "25P03", "25P04"})


def is_outage(fault: BaseException | None) -> bool:
    """Whether the database is overloaded, restarting, full, read-only or cut off.

    What a trigger refuses is an internal error, too, which no repetition would change.
    """
    if isinstance(fault, InternalError):
        return getattr(fault.__cause__, "sqlstate", None) in PASSING
    return isinstance(fault, (OperationalError, InterfaceError))
