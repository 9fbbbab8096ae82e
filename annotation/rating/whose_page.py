"""Whose page a request comes from, when a browser is shared.

A page stays open while somebody else signs in in the same browser; it then has their session and
soon their CSRF token. So each request of the page names the account it was made for, and what one
person decided is never taken as another's (annotating.md P8 and P9).
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare, salted_hmac

from annotation.models import User

SALT = "annotation.rating.account"
HEADER = "X-Rating-Account"
# As WSGI names it: `request.headers` would give all others their names, too, for each vote.
HEADER_IN_WSGI = "HTTP_" + HEADER.upper().replace("-", "_")


def account_name(user: User) -> str:
    """An opaque name of the account, the same on every page of it; it says nothing else."""
    return signed_name(user, settings.SECRET_KEY)


def signed_name(user: User, secret: str) -> str:
    return salted_hmac(SALT, str(user.pk), secret=secret).hexdigest()[:20]


def names_another_account(request: HttpRequest) -> bool:
    """Whether the request comes from a page of somebody else than who is signed in.

    A request without the name is judged by its session alone: a script that keeps nothing for
    later has no need of it. Nor has one without a session, which is told to sign in.
    """
    named = request.META.get(HEADER_IN_WSGI)
    if named is None or not isinstance(request.user, User):
        return False
    # A page that was loaded before the key was changed names its account by the former key.
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return not any(
        constant_time_compare(named, signed_name(request.user, secret)) for secret in secrets
    )
