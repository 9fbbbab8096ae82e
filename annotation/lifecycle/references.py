"""Reference answers that experts write: what a prompt's answer should be like."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation import audit
from annotation.importing.formats.limits import KIB, MAX_FIELD_BYTES
from annotation.models import Prompt, Study, User
from annotation.storable import is_storable

from .states import check_editable


def set_references(study: Study, references: Mapping[int, str], actor: User | None = None) -> int:
    """Set the reference answers of a draft's prompts, by their keys; the number that changed.

    Raises
    ------
    StudyFrozenError
        The study was opened.
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
        changed = []
        for prompt in Prompt.objects.filter(study=study, pk__in=list(references)).only("reference"):
            text = references[prompt.pk]
            if text != prompt.reference:
                prompt.reference = text
                changed.append(prompt)
        if changed:
            Prompt.objects.bulk_update(changed, ["reference"])
            audit.record(study, actor, "study.references_set", {"prompts": len(changed)})
    return len(changed)
