"""A write that is sent twice is done once, where the sender names it by an Idempotency-Key.

The first request claims the key in a row, and its answer is kept there for a day: sent again, it is
given again and nothing is done. The same key with another request is refused. A request that failed
leaves the key free if it changed nothing, and else the key is refused. That something was done is
noted with the first entry of the log that the act makes, in its transaction: so it is known of one
that never ended, because its process died. Its key is refused until it is a day old, and the
refusal says which it was. Keys are stored as hashes, and answers, which can hold links that are
shown once, under a cipher that needs the key itself and the site's.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from annotation.models import RememberedAnswer, User

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT = timedelta(hours=24)
# Who claimed a key and did not answer was killed: longer than any request lives.
LOST = timedelta(minutes=10)
# In place of an HTTP status: something was done, and the answer is on its way.
DONE = 0
# Something was done, and then the request failed.
ENDED = 1


class KeyInUse(Exception):
    """The first request with this key is still at work."""


class KeyOfAnother(Exception):
    """The key named another request before."""


class KeyLost(Exception):
    """The first request with this key never ended, or failed after it had done something.

    Attributes
    ----------
    was_done : bool
        The log has an entry of it, so that it was done, at least in part. Without one nothing was
        done that the log keeps.
    """

    def __init__(self, *, was_done: bool) -> None:
        super().__init__()
        self.was_done = was_done


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer given before."""

    status: int
    content: Any


@dataclass(frozen=True, slots=True)
class Claimed:
    """The right to do the request; `remember` or `release` ends it."""

    row: int
    key: str


def hash_of(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        # Their lengths, too: no two requests run together to the same bytes.
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def claim(user: User, key: str, request_hash: str) -> Claimed | Kept:
    """The answer that this request had before, or the right to do it now.

    Raises
    ------
    KeyInUse, KeyOfAnother, KeyLost
    """
    key_hash = hash_of(key.encode("utf-8", "surrogatepass"))
    now = timezone.now()
    for _ in range(2):
        RememberedAnswer.objects.filter(
            user=user, key_hash=key_hash, created_at__lt=now - KEPT
        ).delete()
        row = RememberedAnswer.objects.filter(user=user, key_hash=key_hash).first()
        if row is not None:
            if row.request_hash != request_hash:
                raise KeyOfAnother
            if row.status == ENDED:
                raise KeyLost(was_done=True)
            if row.status is None or row.status == DONE:
                if row.created_at >= now - LOST:
                    raise KeyInUse
                raise KeyLost(was_done=row.status == DONE)
            return Kept(row.status, opened(bytes(row.answer), key))
        try:
            with transaction.atomic():
                row = RememberedAnswer.objects.create(
                    user=user, key_hash=key_hash, request_hash=request_hash
                )
        except IntegrityError:
            continue  # somebody else's came first
        return Claimed(row.pk, key)
    raise KeyInUse


def remember(claimed: Claimed, status: int, content: Any) -> None:
    sealed = cipher(claimed.key).encrypt(json.dumps(content).encode())
    RememberedAnswer.objects.filter(pk=claimed.row).update(status=status, answer=sealed)


def note_done(claimed: Claimed) -> None:
    """Something is done, in the caller's transaction."""
    RememberedAnswer.objects.filter(pk=claimed.row, status=None).update(status=DONE)


def release(claimed: Claimed) -> None:
    """The request failed: the same key may be tried again if nothing was changed."""
    own = RememberedAnswer.objects.filter(pk=claimed.row)
    own.filter(status=DONE).update(status=ENDED)
    own.filter(status=None).delete()


def opened(sealed: bytes, key: str) -> Any:
    try:
        return json.loads(cipher(key).decrypt(sealed))
    except InvalidToken:
        # The site's key was changed since.
        raise KeyOfAnother from None


def cipher(key: str) -> Fernet:
    secret = settings.SECRET_KEY.encode()
    derived = hashlib.blake2b(
        key.encode("utf-8", "surrogatepass"),
        key=hashlib.sha256(b"annotation.api.idempotency" + secret).digest(),
        digest_size=32,
    ).digest()
    return Fernet(base64.urlsafe_b64encode(derived))


def forget_old_answers() -> int:
    """Delete what is older than a day; the number deleted."""
    count, _ = RememberedAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    return count
