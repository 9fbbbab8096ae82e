"""Setting a draft up from a file: the same file again changes nothing."""

from __future__ import annotations

from django.db import transaction

from annotation.models import Study, User

from .differences import changed_criteria, changed_settings, in_words, logged
from .refusals import StudyFrozenError
from .rubric import configure_draft, set_rubric
from .study_file import StudyFile


def configure_study(study: Study, file: StudyFile, actor: User | None = None) -> list[str]:
    """Set what the file states and the draft does not have yet.

    Returns
    -------
    list of str
        A line for each thing that was set; empty where the draft was so already.

    Raises
    ------
    StudyFrozenError
        The study was opened.
    ValidationError
        A criterion that has imported votes would go.
    """
    if study.was_opened:
        raise StudyFrozenError(
            f"{study.slug} was opened, and is changed by a new version only: "
            f"change_study {study.slug} FILE.toml --reason TEXT takes the same file. Nothing was "
            "changed."
        )
    settings = changed_settings(study, file.settings)
    criteria = changed_criteria(study, file.criteria)
    lines = in_words(logged(study, settings))
    with transaction.atomic():
        if settings:
            configure_draft(study, actor, **settings)
        if criteria is not None:
            set_rubric(study, criteria, actor)
            lines.append(f"criteria: {', '.join(draft.key for draft in criteria)}")
    return lines
