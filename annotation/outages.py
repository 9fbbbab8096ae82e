"""When the database cannot save for now: the same request may succeed in a moment."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

# A restart takes seconds; a page waits a little longer each time by itself.
RETRY_AFTER_SECONDS = 5

# PostgreSQL: the transaction is read-only, as after a failover.
READ_ONLY = "25006"


def is_outage(fault: BaseException | None) -> bool:
    """Whether the database is overloaded, restarting, full, read-only or cut off.

    PostgreSQL takes read-only for an internal error, as it does what a trigger refuses, which no
    repetition would change.
    """
    if isinstance(fault, InternalError):
        return getattr(fault.__cause__, "sqlstate", None) == READ_ONLY
    return isinstance(fault, (OperationalError, InterfaceError))
