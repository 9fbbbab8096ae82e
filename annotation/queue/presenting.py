"""From assignments to what an annotator may see; the only place where the queue reads texts."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from annotation.blinding import Message, PresentedPair, present
from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import Assignment, Comparison, Prompt

from .policy import MAX_HELD

# What a claim hands out is at most so many pairs; with fewer, the last is named again.
NAMES = tuple(f"pair_{number}" for number in range(MAX_HELD))


def texts_of(comparisons: QuerySet[Comparison]) -> QuerySet[Comparison, Any]:
    return comparisons.values_list(
        "pk",
        "prompt__text",
        "prompt__messages",
        "response_a__text",
        "response_b__text",
        "prompt__reference",
    )


# The texts of one comparison, and of all that somebody can hold.
TEXTS: CompiledQuery[Any] = CompiledQuery(
    lambda: texts_of(Comparison.objects.filter(pk=Parameter("comparison", KEY)))
)
ALL_TEXTS: CompiledQuery[Any] = CompiledQuery(
    lambda: texts_of(Comparison.objects.filter(pk__in=[Parameter(name, KEY) for name in NAMES]))
)


@dataclass(frozen=True, slots=True)
class Texts:
    """What a comparison shows, before its sides are known."""

    prompt: tuple[Message, ...]
    text_a: str
    text_b: str
    reference: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> Texts:
        """From a row of `texts_of`."""
        _, text, messages, text_a, text_b, reference = row
        return cls(conversation(text, messages), text_a, text_b, reference)

    def shown(self, public_id: uuid.UUID, *, swapped: bool, with_reference: bool) -> PresentedPair:
        """On the sides of one assignment, with the reference answer if the study shows it."""
        return present(
            public_id,
            swapped=swapped,
            prompt=self.prompt,
            text_a=self.text_a,
            text_b=self.text_b,
            reference=self.reference if with_reference else "",
        )


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    """The prompt as a conversation; a text is one message of the user."""
    return conversation(prompt.text, prompt.messages)


def conversation(text: str, messages: list[dict[str, Any]] | None) -> tuple[Message, ...]:
    if messages is None:
        return (Message("user", text),)
    return tuple(Message(message["role"], message["content"]) for message in messages)


def presented_pair(assignment: Assignment, *, with_reference: bool) -> PresentedPair:
    """One assignment's pair on its sides."""
    comparison = assignment.comparison
    texts = Texts(
        messages_of(comparison.prompt),
        comparison.response_a.text,
        comparison.response_b.text,
        comparison.prompt.reference,
    )
    return texts.shown(
        assignment.public_id, swapped=assignment.swapped, with_reference=with_reference
    )


def read_texts(comparison_ids: Collection[int]) -> dict[int, Texts]:
    """The texts of at most MAX_HELD comparisons, in one query; both sides come from it."""
    if not comparison_ids:
        return {}
    ids = sorted(comparison_ids)
    named = [*ids, *ids[-1:] * (MAX_HELD - len(ids))]
    rows = ALL_TEXTS.rows(**dict(zip(NAMES, named, strict=True)))
    return {row[0]: Texts.of(row) for row in rows}
