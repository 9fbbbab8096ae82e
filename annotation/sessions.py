"""Sessions: who they are of, and how long they last: 12 hours at most, 2 without a request.

They are in the database, so that annotators notice nothing when Redis is gone. Storage, signing and
expiry are Django's; an outlived session is as good as none, from the next request on. The moment of
the last request is written only when it has moved by some minutes, so that rating does not cost a
write for each page. Only the synchronous side is ours, as there is no other view.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.core import signing
from django.db import DatabaseError
from django.db.models import CharField, DateTimeField
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from annotation.compiled import CompiledQuery, Parameter
from annotation.models import Session, User

log = structlog.get_logger(__name__)

STARTED = "started_at"
SEEN = "seen_at"

# The idle time is measured to this precision.
SEEN_PRECISION_SECONDS = 300

LIVE: CompiledQuery[Any] = CompiledQuery(
    lambda: Session.objects.filter(
        session_key=Parameter("key", CharField()),
        expire_date__gt=Parameter("now", DateTimeField()),
    ).values_list("session_data")
)


# So many signed texts are known to be genuine, some kilobytes of memory for a hundred.
KNOWN_TEXTS = 4_096


class AsItIs:
    """A serialiser of `django.core.signing` that leaves the text to the caller."""

    def dumps(self, obj: bytes) -> bytes:
        return obj

    def loads(self, data: bytes) -> bytes:
        return data


@functools.lru_cache(maxsize=KNOWN_TEXTS)
def genuine(stored: str, salt: str, secrets: tuple[str, ...]) -> bytes:
    """What a stored session says, its signature checked; that of a text never changes."""
    said: bytes = signing.loads(stored, salt=salt, serializer=AsItIs)
    return said


class SessionStore(db.SessionStore):
    """The session of a key; an unknown, expired or outlived one is empty."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        account = data.get(SESSION_KEY)
        if account is not None:
            row.account_id = User._meta.pk.to_python(account)
        return row

    def load(self) -> dict[str, Any]:
        found = LIVE.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
            return {}
        return self.living(found[0])

    @property
    def is_read(self) -> bool:
        """Whether what is stored has been read in this request."""
        return hasattr(self, "_session_cache")

    def take_in(self, stored: str) -> None:
        """Use what another query read of this session, in place of a query of its own."""
        self._session_cache = self.living(stored)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """As Django does, which would check the same text again for each vote."""
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        try:
            said = genuine(str(session_data), self.key_salt, secrets)
        except signing.BadSignature:
            return super().decode(session_data)
        found: dict[str, Any] = self.serializer().loads(said)
        return found

    def living(self, stored: str) -> dict[str, Any]:
        data = self.decode(stored)
        if SESSION_KEY in data and has_outlived(data, int(time.time())):
            self.delete()
            self._session_key = None
            return {}
        return data


def has_outlived(data: Mapping[str, Any], now: int) -> bool:
    """Whether a session ends; one without its times was not begun by a sign-in here."""
    started, seen = data.get(STARTED), data.get(SEEN)
    if started is None or seen is None:
        return True
    return bool(
        now - started >= settings.SESSION_COOKIE_AGE or now - seen >= settings.SESSION_IDLE_SECONDS
    )


def begin(sender: object, request: HttpRequest, **_: Any) -> None:
    """Receiver of `user_logged_in`: note when the session began."""
    now = int(time.time())
    request.session[STARTED] = now
    request.session[SEEN] = now


class NoteLastRequest:
    """Middleware within the one of sessions: a session that was used is in use."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = request.session
        # A request that did not ask for it, or could not, is not made to wait for it.
        if isinstance(session, SessionStore) and session.is_read and SESSION_KEY in session:
            now = int(time.time())
            if now - session.get(SEEN, 0) >= SEEN_PRECISION_SECONDS:
                note(session, now)
        return response


def note(session: SessionStore, now: int) -> None:
    """Store that the session was used. What was done is done, also where that cannot be stored."""
    was_modified = session.modified
    session[SEEN] = now
    if was_modified:
        return
    try:
        session.save()
    except (DatabaseError, UpdateError):
        log.warning("session.not_noted", exc_info=True)
    session.modified = False
