"""From assignments to what an annotator may see; the only place where the queue reads texts."""

from __future__ import annotations

from collections.abc import Sequence

from annotation.blinding import Message, PresentedPair, present
from annotation.models import Assignment, Prompt


def messages_of(prompt: Prompt) -> tuple[Message, ...]:
    """The prompt as a conversation; a text is one message of the user."""
    if prompt.messages is None:
        return (Message("user", prompt.text),)
    return tuple(Message(message["role"], message["content"]) for message in prompt.messages)


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


def presented_pairs(
    assignment_ids: Sequence[int],
) -> tuple[list[Assignment], list[PresentedPair]]:
    """The assignments in the given order, and their pairs; both sides come from one query."""
    rows = (
        Assignment.objects.filter(pk__in=assignment_ids)
        .select_related("comparison__prompt", "comparison__response_a", "comparison__response_b")
        .only(
            "public_id",
            "swapped",
            "lease_expires_at",
            "displayed_at",
            "comparison__prompt__text",
            "comparison__prompt__messages",
            "comparison__response_a__text",
            "comparison__response_b__text",
        )
        .in_bulk()
    )
    ordered = [rows[pk] for pk in assignment_ids]
    return ordered, [presented_pair(row) for row in ordered]
