"""What researchers write to an annotator: shown on the annotator's page until it was read."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from annotation import audit
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import Annotator, AnnotatorState, Message, User
from annotation.storable import is_storable

MOST_CHARACTERS = 1_000
# Whoever does not read is not written to without end.
MOST_UNREAD = 5


class MessageRefusedError(Exception):
    """Nothing was sent. The message is for people."""


def send(annotator: Annotator, text: str, actor: User) -> Message:
    """Leave a message for an annotator. The log keeps that it was sent, not what it says.

    Raises
    ------
    MessageRefusedError
        The actor may not, the text is none, nobody would read it, or too much is unread.
    """
    text = text.strip()
    study = annotator.study
    if not roles_of(actor, study) & READERS:
        raise MessageRefusedError(
            f"Only an owner or a researcher of {study.slug} writes to annotators."
        )
    if not text:
        raise MessageRefusedError("Write what the annotator is to read.")
    if len(text) > MOST_CHARACTERS:
        raise MessageRefusedError(
            f"The message has {len(text)} characters, and {MOST_CHARACTERS} is the limit."
        )
    if not is_storable(text):
        raise MessageRefusedError("The message is no text. Write it in UTF-8 and without NUL.")
    with transaction.atomic():
        # Under the lock that an erasure takes, too.
        row = Annotator.objects.select_for_update(no_key=True).get(pk=annotator.pk)
        if row.user_id is None or row.state == AnnotatorState.REMOVED:
            raise MessageRefusedError(
                f"{row.external_id} does not rate here any more, and would not see a message."
            )
        if row.messages.filter(read_at__isnull=True).count() >= MOST_UNREAD:
            raise MessageRefusedError(
                f"{row.external_id} has {MOST_UNREAD} messages unread. Wait until they were read."
            )
        message = Message.objects.create(annotator=row, text=text, created_by=actor)
        audit.record(
            study,
            actor,
            "annotator.message_sent",
            {"annotator": row.pk, "message": message.pk, "characters": len(text)},
        )
    return message


def list_unread(annotator: Annotator) -> list[Message]:
    """The annotator's unread messages, oldest first. One query."""
    return list(annotator.messages.filter(read_at__isnull=True).order_by("pk"))


def mark_read(annotator: Annotator, public_id: uuid.UUID) -> bool:
    """Show a message no longer; whether the annotator has such a message. Twice changes nothing."""
    with transaction.atomic():
        own = Message.objects.filter(annotator=annotator, public_id=public_id)
        if own.filter(read_at__isnull=True).update(read_at=timezone.now()) == 1:
            audit.record(
                annotator.study,
                annotator.user,
                "annotator.message_read",
                {"annotator": annotator.pk, "message": own.values_list("pk", flat=True)[0]},
            )
            return True
    return own.exists()
