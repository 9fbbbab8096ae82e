"""What an annotator left on the desk and finds again on any device: an answer begun, own keys."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from annotation.models import Annotator, Assignment, AssignmentState, Draft, KeyMap
from annotation.voting import Answer, Remarks

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
    """An answer that was begun on a pair that is still reserved."""

    assignment: uuid.UUID
    answers: Mapping[str, Mapping[str, Any]]
    remarks: Remarks


@dataclass(frozen=True, slots=True)
class Desk:
    """`keys` holds only those that differ from the given ones."""

    begun: Begun | None = None
    keys: Mapping[str, str] = field(default_factory=dict)


class KeysRefused(ValueError):
    """Keys that cannot be used together, in words."""


def load_desk(annotator: Annotator) -> Desk:
    """Both in one query."""
    row = Annotator.objects.values_list(
        "key_map__keys",
        "draft__assignment__public_id",
        "draft__assignment__state",
        "draft__answers",
        "draft__rationale",
        "draft__tags",
        "draft__confidence",
    ).get(pk=annotator.pk)
    keys, public_id, state, answers, rationale, tags, confidence = row
    begun = None
    if public_id is not None and state == AssignmentState.RESERVED:
        begun = Begun(public_id, answers, Remarks(rationale, tuple(tags), confidence))
    return Desk(begun, keys or {})


def save_draft(
    annotator: Annotator, assignment: uuid.UUID, answers: Mapping[str, Answer], remarks: Remarks
) -> bool:
    """Keep what was begun on an own pair; nothing at all takes back what was kept of it.

    Returns
    -------
    bool
        False where the pair is not reserved for this annotator (any more): nothing is kept then.
    """
    held = Assignment.objects.filter(
        annotator=annotator, public_id=assignment, state=AssignmentState.RESERVED
    ).first()
    if held is None:
        return False
    if not answers and remarks == Remarks():
        Draft.objects.filter(annotator=annotator, assignment=held).delete()
        return True
    Draft.objects.update_or_create(
        annotator=annotator,
        defaults={
            "assignment": held,
            "answers": {
                key: {"choice": answer.choice, "margin": answer.margin}
                for key, answer in answers.items()
            },
            "rationale": remarks.rationale,
            "tags": list(remarks.tags),
            "confidence": remarks.confidence,
            "saved_at": timezone.now(),
        },
    )
    return True


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
