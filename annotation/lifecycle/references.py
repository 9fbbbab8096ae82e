"""Reference answers that experts write: what a prompt's answer should be like."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation import audit
from annotation.importing.formats.limits import KIB, MAX_FIELD_BYTES
from annotation.models import Prompt, Study, User
from annotation.storable import is_storable

from .refusals import LifecycleError
from .states import check_editable


class ReferencesMovedError(LifecycleError):
    """Somebody else wrote references meanwhile; `theirs` has their texts by the prompts' keys."""

    def __init__(self, theirs: Mapping[int, str]) -> None:
        super().__init__(
            f"Somebody else changed {len(theirs)} of these references after you had opened the "
            "page. Theirs stand beside yours; save again to keep yours."
        )
        self.theirs = theirs


def as_typed(text: str) -> str:
    """A text as a form sends it back: one kind of line end, and no blanks around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def digest_of(text: str) -> str:
    """What tells whether a reference is still the one that was shown."""
    return hashlib.sha256(as_typed(text).encode("utf-8", "surrogatepass")).hexdigest()


def set_references(
    study: Study,
    references: Mapping[int, str],
    actor: User | None = None,
    *,
    shown: Mapping[int, str] | None = None,
) -> int:
    """Set the reference answers of a draft's prompts, by their keys; the number that changed.

    Parameters
    ----------
    shown : mapping of int to str, optional
        The digests of the texts that stood there when the new ones were written. A text that is
        still the one shown is not written, whatever stands there by now; a prompt without a digest
        was shown blank.

    Raises
    ------
    StudyFrozenError
        The study was opened.
    ReferencesMovedError
        A reference to be written is no more the one that was shown. Nothing is set then.
    ValidationError
        A text is too long or cannot be stored. Nothing is set then.
    """
    for text in references.values():
        if len(text.encode("utf-8", "surrogatepass")) > MAX_FIELD_BYTES:
            raise ValidationError(f"A reference has at most {MAX_FIELD_BYTES // KIB} KiB.")
        if not is_storable(text):
            raise ValidationError("A reference holds a character that cannot be stored, as NUL is.")
    with transaction.atomic():
        check_editable(study)
        changed, theirs = [], {}
        prompts = Prompt.objects.filter(study=study, pk__in=list(references))
        for prompt in prompts.only("reference").order_by("pk"):
            text = references[prompt.pk]
            if shown is not None:
                seen = shown.get(prompt.pk) or digest_of("")
                if digest_of(text) == seen or as_typed(prompt.reference) == as_typed(text):
                    continue
                if digest_of(prompt.reference) != seen:
                    theirs[prompt.pk] = prompt.reference
            if text != prompt.reference:
                prompt.reference = text
                changed.append(prompt)
        if theirs:
            raise ReferencesMovedError(theirs)
        if changed:
            Prompt.objects.bulk_update(changed, ["reference"])
            audit.record(study, actor, "study.references_set", {"prompts": len(changed)})
    return len(changed)
