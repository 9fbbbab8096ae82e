"""Django's sessions in the database, read by a query that is compiled once.

Every request of the rating path begins with it. Writing, expiry and signing are Django's own.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, DateTimeField
from django.utils import timezone

from annotation.compiled import CompiledQuery, Parameter

LIVE = CompiledQuery(
    lambda: Session.objects.filter(
        session_key=Parameter("key", CharField()),
        expire_date__gt=Parameter("now", DateTimeField()),
    ).values_list("session_data")
)


class SessionStore(db.SessionStore):
    """The session of a key; an unknown or expired one is empty."""

    def load(self) -> dict[str, Any]:
        found = LIVE.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
            return {}
        return self.decode(found[0])
