"""Keys of scripts: made by a person, never stronger than that person, known by their hash alone."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from annotation import audit
from annotation.access import roles_of
from annotation.models import ApiToken, Study, User
from annotation.people.tokens import hash_token
from annotation.storable import is_storable

# Marks a key in a file or a log for whoever looks for such; not a secret.
MARK = "evs_"
SECRET_BYTES = 32
# What `MARK` and 256 bits make; nothing longer is hashed.
TOKEN_LENGTH = len(MARK) + 43
PREFIX_LENGTH = 10
LONGEST_NAME = 80
DEFAULT_DAYS = 90
MOST_DAYS = 365
MOST_LIVE = 50
# Reading writes nothing oftener than this.
USE_PRECISION = timedelta(minutes=1)


class Scope(enum.StrEnum):
    """What a key may be used for, within what its owner may do."""

    READ = "read"
    WRITE = "write"
    ANNOTATE = "annotate"


class TokenRefusedError(Exception):
    """No key was made or ended; the message is for people."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A key and its secret, which cannot be had again."""

    token: ApiToken
    secret: str


def scopes_of(token: ApiToken) -> frozenset[Scope]:
    given = ((Scope.READ, token.may_read), (Scope.WRITE, token.may_write))
    more = ((Scope.ANNOTATE, token.may_annotate),)
    return frozenset(scope for scope, held in (*given, *more) if held)


def issue_token(
    user: User,
    name: str,
    scopes: Collection[Scope],
    *,
    study: Study | None = None,
    days: int = DEFAULT_DAYS,
) -> IssuedToken:
    """Make a key.

    Parameters
    ----------
    name : str
        What it is for, so that it can be told from others.
    scopes : collection of Scope
    study : Study, optional
        The only study that it opens; by default all of the user's, those to come as well.
    days : int
        1 to 365.

    Raises
    ------
    TokenRefusedError
        The name is empty or too long, there is no scope, the user has no part in the study, the
        time is out of bounds, or there are too many live keys.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not is_storable(name):
        raise TokenRefusedError(f"Give the key a name of 1 to {LONGEST_NAME} characters.")
    if not scopes:
        raise TokenRefusedError("Choose what the key may do: read, write or annotate.")
    if not 1 <= days <= MOST_DAYS:
        raise TokenRefusedError(f"{days} days: let a key last 1 to {MOST_DAYS}.")
    if study is not None and not roles_of(user, study):
        raise TokenRefusedError("You have no part in that study.")
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        # The account's row orders two who make keys at once.
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if live_tokens().filter(user=user).count() >= MOST_LIVE:
            raise TokenRefusedError(f"You have {MOST_LIVE} keys: end some that are not used.")
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            token_hash=hash_token(secret),
            study=study,
            may_read=Scope.READ in scopes,
            may_write=Scope.WRITE in scopes,
            may_annotate=Scope.ANNOTATE in scopes,
            expires_at=timezone.now() + timedelta(days=days),
        )
        audit.record(
            study,
            user,
            "token.issued",
            {"token": token.pk, "scopes": sorted(scopes), "days": days},
        )
    return IssuedToken(token, secret)


def live_tokens() -> QuerySet[ApiToken]:
    now = timezone.now()
    return ApiToken.objects.filter(revoked_at=None, expires_at__gt=now, user__is_active=True)


def list_tokens(user: User) -> QuerySet[ApiToken]:
    """The user's keys, live ones first, then the newest."""
    return ApiToken.objects.filter(user=user).select_related("study").order_by("-pk")


def find_token(secret: str) -> ApiToken | None:
    """The live key with that secret, with its user; None for anything else."""
    if len(secret) != TOKEN_LENGTH or not secret.startswith(MARK):
        return None
    token = live_tokens().filter(token_hash=hash_token(secret)).select_related("user").first()
    if token is not None:
        note_use(token)
    return token


def note_use(token: ApiToken) -> None:
    now = timezone.now()
    old = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_PRECISION)
    if token.last_used_at is None or token.last_used_at < now - USE_PRECISION:
        ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)


def revoke_token(user: User, key: int) -> ApiToken:
    """End one of the user's keys; it opens nothing from the next request on.

    Raises
    ------
    TokenRefusedError
        The user has no such live key.
    """
    with transaction.atomic():
        ended = ApiToken.objects.filter(user=user, pk=key, revoked_at=None).update(
            revoked_at=timezone.now()
        )
        if not ended:
            raise TokenRefusedError("There is no such key, or it has ended before.")
        token = ApiToken.objects.select_related("study").get(pk=key)
        audit.record(token.study, user, "token.revoked", {"token": token.pk})
    return token
