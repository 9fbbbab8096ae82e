"""From assignments to what an annotator may see; the only place where the queue reads texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotation.blinding import Message, PresentedPair, present
from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import Assignment, Prompt

from .policy import MAX_HELD

# What a claim hands out is at most so many pairs; with fewer, the last is named again.
NAMES = tuple(f"pair_{number}" for number in range(MAX_HELD))
TEXTS = CompiledQuery(
    lambda: Assignment.objects.filter(pk__in=[Parameter(name, KEY) for name in NAMES]).values_list(
        "pk",
        "public_id",
        "swapped",
        "lease_expires_at",
        "displayed_at",
        "comparison__prompt__text",
        "comparison__prompt__messages",
        "comparison__response_a__text",
        "comparison__response_b__text",
    )
)


@dataclass(frozen=True, slots=True)
class Lent:
    """How long a pair is reserved, and whether it was shown."""

    lease_expires_at: datetime
    displayed_at: datetime | None


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    """The prompt as a conversation; a text is one message of the user."""
    return conversation(prompt.text, prompt.messages)


def conversation(text: str, messages: list[dict[str, Any]] | None) -> tuple[Message, ...]:
    if messages is None:
        return (Message("user", text),)
    return tuple(Message(message["role"], message["content"]) for message in messages)


def presented_pair(assignment: Assignment) -> PresentedPair:
    """One assignment's pair on its sides."""
    comparison = assignment.comparison
    return present(
        assignment.public_id,
        swapped=assignment.swapped,
        prompt=messages_of(comparison.prompt),
        text_a=comparison.response_a.text,
        text_b=comparison.response_b.text,
    )


def presented_pairs(assignment_ids: Sequence[int]) -> tuple[list[Lent], list[PresentedPair]]:
    """The assignments in the given order, and their pairs; both sides come from one query.

    At most MAX_HELD, and at least one.
    """
    named = [*assignment_ids, *[assignment_ids[-1]] * (MAX_HELD - len(assignment_ids))]
    rows = {row[0]: row[1:] for row in TEXTS.rows(**dict(zip(NAMES, named, strict=True)))}
    lent, pairs = [], []
    for pk in assignment_ids:
        public_id, swapped, expires, displayed, text, messages, text_a, text_b = rows[pk]
        lent.append(Lent(expires, displayed))
        prompt = conversation(text, messages)
        pairs.append(
            present(public_id, swapped=swapped, prompt=prompt, text_a=text_a, text_b=text_b)
        )
    return lent, pairs
