"""Annotators who are signed in, without the cost of a password each.

The settings must be `tests.settings` in the site's processes too: both sides share the key that
sessions are signed with.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction

from annotation.models import Annotator, Role, Study
from annotation.sessions import SEEN, STARTED, SessionStore
from tests.factories import make_annotator, make_membership, make_user

# CSRF needs a secret in the cookie and the same in the header; it is nobody else's here.
CSRF_SECRET = "t" * 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An annotator, by external id, and the headers of a browser that is signed in as them."""

    annotator: str
    headers: Mapping[str, str]


def sign_in_annotators(study: Study, count: int) -> list[SignedIn]:
    """Make annotators of the study with an account and a session each."""
    # In one transaction: a disk that is waited for makes hundreds of them slow.
    with transaction.atomic():
        return [sign_in(make_annotator(study)) for _ in range(count)]


def sign_in(annotator: Annotator) -> SignedIn:
    """Give an annotator who has none an account, their role and a session."""
    user = make_user()
    Annotator.objects.filter(pk=annotator.pk).update(user=user)
    make_membership(annotator.study, Role.ANNOTATOR, user)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[STARTED] = session[SEEN] = int(time.time())
    session.create()
    cookies = {
        settings.SESSION_COOKIE_NAME: session.session_key,
        settings.CSRF_COOKIE_NAME: CSRF_SECRET,
    }
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return SignedIn(annotator.external_id, {"Cookie": cookie, "X-CSRFToken": CSRF_SECRET})
