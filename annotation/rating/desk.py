"""What an annotator left on the desk and finds again on any device: an answer begun, own keys."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext

from annotation import quality
from annotation.answer_rules import OwnVotes
from annotation.models import Annotator, Assignment, AssignmentState, Draft, KeyMap, Message
from annotation.voting import Answer, Remarks, answers_as_json

# What a key can do, with the key that does it unless an annotator chose another. The digits
# answer: which of them mean something depends on the scale. The page's script has the same list
# (`static/annotation/rating/keymap.js`); a test compares the two.
GIVEN_KEYS = {
    "skip": "s",
    "flag": "f",
    "undo": "u",
    "guidelines": "g",
    "source": "v",
    "differences": "d",
    "reference": "a",
    "linked": "l",
    "prompt": "p",
    "reason": "r",
    "more": "m",
    "help": "?",
    **{f"answer_{digit}": str(digit) for digit in range(10)},
}


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that was begun on a pair that is still reserved, and when it was written."""

    assignment: uuid.UUID
    answers: Mapping[str, Answer]
    remarks: Remarks
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    """`keys` holds only those that differ; `has_letters` says that a message is unread.

    `own_votes` is what will become of the votes of an owner of the study; None of others.
    """

    begun: Begun | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    has_letters: bool = False
    own_votes: OwnVotes | None = None


class KeysRefused(ValueError):
    """Keys that cannot be used together, in words."""


def load_desk(annotator: Annotator) -> Desk:
    """All of it in one query."""
    unread = Message.objects.filter(annotator=OuterRef("pk"), read_at__isnull=True)
    row = (
        quality.with_ownership(Annotator.objects.all())
        .values_list(
            Exists(unread),
            "owns",
            "let_count",
            "key_map__keys",
            "draft__assignment__public_id",
            "draft__assignment__state",
            "draft__answers",
            "draft__rationale",
            "draft__tags",
            "draft__confidence",
            "draft__saved_at",
        )
        .get(pk=annotator.pk)
    )
    (
        has_letters,
        owns,
        let_count,
        keys,
        public_id,
        state,
        answers,
        rationale,
        tags,
        confidence,
        written_at,
    ) = row
    begun = None
    if public_id is not None and state == AssignmentState.RESERVED:
        remarks = Remarks(rationale, tuple(tags), confidence)
        if answers or remarks != Remarks():
            kept = {
                key: Answer(answer["choice"], answer["margin"]) for key, answer in answers.items()
            }
            begun = Begun(public_id, kept, remarks, written_at)
    own_votes = quality.fate_of_next(annotator.study, owns=owns, let_count=let_count)
    return Desk(begun, keys or {}, has_letters, own_votes)


def save_draft(
    annotator: Annotator,
    assignment: uuid.UUID,
    answers: Mapping[str, Answer],
    remarks: Remarks,
    written_at: datetime | None = None,
) -> bool:
    """Keep what was begun on an own pair, unless something newer is kept.

    Nothing at all takes back what was kept of this pair. It is kept as nothing, so that what was
    written before and arrives afterwards does not come back.

    Parameters
    ----------
    written_at : datetime, optional
        When it was written, by this site's clock: requests of one page may overtake each other,
        and another device may send late. Now if nobody says; a moment yet to come counts as now,
        so that a wrong clock keeps nothing out.

    Returns
    -------
    bool
        False where the pair is not reserved for this annotator (any more), or where something
        newer is kept, of this pair or of another one that is reserved: nothing changes then.
    """
    held = Assignment.objects.filter(
        annotator=annotator, public_id=assignment, state=AssignmentState.RESERVED
    ).first()
    if held is None:
        return False
    now = timezone.now()
    values = {
        "assignment": held,
        "answers": answers_as_json(answers),
        "rationale": remarks.rationale,
        "tags": list(remarks.tags),
        "confidence": remarks.confidence,
        "saved_at": now if written_at is None else min(written_at, now),
    }
    reserved = Assignment.objects.filter(
        pk=OuterRef("assignment_id"), state=AssignmentState.RESERVED
    )
    replaceable = Draft.objects.filter(annotator=annotator)
    if answers or remarks != Remarks():
        replaceable = replaceable.filter(Q(saved_at__lte=values["saved_at"]) | ~Exists(reserved))
    else:
        replaceable = replaceable.filter(
            Q(assignment=held, saved_at__lte=values["saved_at"]) | ~Exists(reserved)
        )
    # One statement that looks and writes: two requests at once cannot both find it older.
    if replaceable.update(**values):
        return True
    _, created = Draft.objects.get_or_create(annotator=annotator, defaults=values)
    return created or bool(replaceable.update(**values))


def save_keys(annotator: Annotator, keys: Mapping[str, str]) -> dict[str, str]:
    """Replace the annotator's own keys; what equals the given key is not kept.

    Raises
    ------
    KeysRefused
        A command or a key is none, or two commands would have one key.
    """
    own = {name: key for name, key in keys.items() if GIVEN_KEYS.get(name) != key}
    check_keys(own)
    if own:
        KeyMap.objects.update_or_create(annotator=annotator, defaults={"keys": own})
    else:
        KeyMap.objects.filter(annotator=annotator).delete()
    return own


def check_keys(own: Mapping[str, str]) -> None:
    """Raise KeysRefused unless every command has a key of its own that types one character."""
    for name, key in own.items():
        if name not in GIVEN_KEYS:
            raise KeysRefused(gettext("There is no command %(name)s.") % {"name": name})
        if len(key) != 1 or not key.isprintable() or key.isspace() or key != key.lower():
            raise KeysRefused(
                gettext("A key must type one character: a letter, a digit or a sign.")
            )
    taken: dict[str, str] = {}
    for name, key in {**GIVEN_KEYS, **own}.items():
        if key in taken:
            raise KeysRefused(
                gettext("The key %(key)s would do two things: %(one)s and %(other)s.")
                % {"key": key, "one": taken[key], "other": name}
            )
        taken[key] = name
