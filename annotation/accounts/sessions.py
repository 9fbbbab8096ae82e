"""How long a session lasts: 12 hours at most, 2 hours without a request.

The moment of the last request is written only when it has moved by some minutes, so that rating
does not cost a write for each page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest, HttpResponseBase

STARTED = "started_at"
SEEN = "seen_at"

# The idle time is measured to this precision.
SEEN_PRECISION_SECONDS = 300


def begin(sender: object, request: HttpRequest, **_: Any) -> None:
    """Receiver of `user_logged_in`: note when the session began."""
    now = int(time.time())
    request.session[STARTED] = now
    request.session[SEEN] = now


class SessionLimits:
    """Middleware after authentication: an outlived session is signed out before any view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Without the cookie there is no session, and nothing is read. Who it is of is not asked
        # here: that costs a query, which the rating path saves.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and SESSION_KEY in request.session:
            now = int(time.time())
            if has_outlived(request.session.get(STARTED), request.session.get(SEEN), now):
                logout(request)
            elif now - request.session[SEEN] >= SEEN_PRECISION_SECONDS:
                request.session[SEEN] = now
        return self.get_response(request)


def has_outlived(started: int | None, seen: int | None, now: int) -> bool:
    """Whether a session ends; one without its times was not begun by a sign-in here."""
    if started is None or seen is None:
        return True
    return (
        now - started >= settings.SESSION_COOKIE_AGE or now - seen >= settings.SESSION_IDLE_SECONDS
    )
