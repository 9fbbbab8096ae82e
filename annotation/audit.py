"""The chained log: one entry for each act that changes a study or shows its outcomes.

An entry is written in the transaction of what it records, so that neither exists without the
other. Entries of one scope (a study, or the site) form a chain: each hash covers the entry and
the hash before it, so that an edited, removed or inserted row is found by `verify`.

The head of a chain is the last lock of a transaction: whoever has it waits for nothing else any
more (see `queue.locks`). So entries come at the end, after every other row was locked and written,
and of several chains the studies' in the order of their keys, the site's last. What an inner step
has to say before that, it hands to its caller as an `Act`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from .canonical_json import canonical_json
from .models import AuditChain, AuditEntry, Study, User

SITE_SCOPE = "site"

# Told of each entry in the transaction that writes it, before the chain's head is locked: whoever
# does an act knows by it whether any of it was done, should the process die over the answer.
WITNESS: ContextVar[Callable[[], None] | None] = ContextVar("audit_witness", default=None)


@dataclass(frozen=True, slots=True)
class Act:
    """What an entry is to say of an act whose transaction goes on; its caller records it."""

    action: str
    detail: dict[str, Any]


def scope_of(study: Study | None) -> str:
    return SITE_SCOPE if study is None else f"study:{study.pk}"


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the canonical JSON of everything in the entry but its own hash."""
    content = {
        "scope": entry.scope,
        "seq": entry.seq,
        "study": entry.study_id,
        "actor": entry.actor_id,
        "action": entry.action,
        "detail": entry.detail,
        "at": entry.at.isoformat(),
        "prev_hash": entry.prev_hash,
    }
    return hashlib.sha256(canonical_json(content)).hexdigest()


def record(
    study: Study | None, actor: User | None, action: str, detail: dict[str, Any] | None = None
) -> AuditEntry:
    """Add an entry to the study's chain (None: the site's) in the caller's transaction.

    The last thing in it that locks or writes anything: the chain's head stays locked until it
    ends. `detail` must be plain JSON and hold no personal data: entries outlive an erasure.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "An audit entry belongs into the transaction of what it records."
        )
    witness = WITNESS.get()
    if witness is not None:
        witness()
    scope = scope_of(study)
    AuditChain.objects.get_or_create(scope=scope)
    # On SQLite the transaction already holds the only write lock; elsewhere this row is it.
    head = AuditChain.objects.select_for_update(no_key=True).get(scope=scope)
    entry = AuditEntry(
        scope=scope,
        seq=head.seq + 1,
        study=study,
        actor=actor,
        action=action,
        # Round-tripped, so that what is hashed is what the database gives back.
        detail=json.loads(canonical_json(detail or {}).decode("utf-8", "surrogatepass")),
        at=timezone.now(),
        prev_hash=head.hash,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    head.seq, head.hash = entry.seq, entry.hash
    head.save(update_fields=["seq", "hash"])
    return entry


def record_acts(study: Study | None, actor: User | None, *acts: Act) -> None:
    """Add an entry for each act, in this order, as `record` does."""
    for act in acts:
        record(study, actor, act.action, act.detail)


@dataclass(frozen=True, slots=True)
class AuditFault:
    """A place where a chain does not hold."""

    scope: str
    seq: int
    reason: str


def verify(study: Study | None = None) -> Iterator[AuditFault]:
    """Yield every fault of the study's chain, or of all chains without a study."""
    scopes = (
        [scope_of(study)]
        if study is not None
        else sorted(
            set(AuditChain.objects.values_list("scope", flat=True))
            | set(AuditEntry.objects.values_list("scope", flat=True).distinct())
        )
    )
    for scope in scopes:
        yield from verify_scope(scope)


def verify_scope(scope: str) -> Iterator[AuditFault]:
    expected_seq = 1
    # What the next entry may name as the hash before it: of an entry whose own hash was touched
    # also the right one, so that the entry after it is not blamed.
    previous = {""}
    for entry in AuditEntry.objects.filter(scope=scope).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != expected_seq:
            yield AuditFault(scope, expected_seq, missing(expected_seq, entry.seq))
        elif entry.prev_hash not in previous:
            yield AuditFault(scope, entry.seq, "does not follow the entry before it")
        own_hash = entry_hash(entry)
        if own_hash != entry.hash:
            yield AuditFault(scope, entry.seq, "was changed after it was written")
        expected_seq, previous = entry.seq + 1, {entry.hash, own_hash}
    head = AuditChain.objects.filter(scope=scope).first()
    if head is None:
        if expected_seq > 1:
            yield AuditFault(scope, expected_seq - 1, "has no chain head")
    elif head.seq >= expected_seq:
        yield AuditFault(scope, expected_seq, missing(expected_seq, head.seq + 1))
    elif head.seq != expected_seq - 1 or head.hash not in previous:
        yield AuditFault(scope, expected_seq - 1, "is not the end its chain names")


def missing(first: int, following: int) -> str:
    return "missing" if following == first + 1 else f"missing, as all are up to {following - 1}"
