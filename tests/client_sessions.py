"""`Client.force_login` writes the session that a sign-in leaves, and does none of the rest.

Django's makes a session that it throws away for a second, writes that twice, stores when the
account last signed in and lets the lock against guessed passwords count: five times as long as the
row that a test wants, before each request that it is about. Tests of signing in send the form.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.test import Client

from annotation import sessions
from annotation.models import User


def write_sessions_only(patch: pytest.MonkeyPatch) -> None:
    """Shorten the sign-in of clients that have no session yet; others go Django's way."""
    at_length = Client._login  # type: ignore[attr-defined]

    def sign_in(client: Any, user: User, backend: str | None = None) -> None:
        if backend is None or client.cookies.get(settings.SESSION_COOKIE_NAME):
            at_length(client, user, backend)
            return
        request = HttpRequest()
        request.session = sessions.SessionStore()
        request.session[SESSION_KEY] = str(user.pk)
        request.session[BACKEND_SESSION_KEY] = backend
        request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        sessions.begin(type(user), request)
        request.session.create()
        client._set_login_cookies(request)

    patch.setattr(Client, "_login", sign_in)
