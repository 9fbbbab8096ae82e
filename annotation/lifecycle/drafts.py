"""The beginning of a study."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.db import transaction

from annotation import audit, people
from annotation.models import SLUG_PATTERN, Criterion, Scale, Study, User


def check_slug(slug: str) -> None:
    """Raise ValidationError unless `slug` can name a study."""
    if not re.fullmatch(SLUG_PATTERN, slug):
        raise ValidationError(
            f"{slug!r} cannot name a study: use 1 to 64 lower-case letters, digits, '-' or '_', "
            "beginning with a letter or digit."
        )


def get_or_create_draft(slug: str, actor: User | None = None) -> Study:
    """The study of that name; a new one is a draft with the criterion `overall`.

    `actor` becomes its owner; a study made at the command line belongs to the site's owners.

    Raises
    ------
    ValidationError
        If the name is not allowed.
    """
    with transaction.atomic():
        study, acts = begin_draft(slug, actor)
        for act in acts:
            audit.record(study, actor, act.action, act.detail)
    return study


def begin_draft(slug: str, actor: User | None = None) -> tuple[Study, list[audit.Act]]:
    """As `get_or_create_draft`, within the caller's transaction, which records the acts at its end.

    There are none where the study was there before.
    """
    check_slug(slug)
    study, created = Study.objects.get_or_create(slug=slug)
    if not created:
        return study, []
    Criterion.objects.create(
        study=study,
        key=Criterion.OVERALL,
        question=Criterion.GIVEN_QUESTION,
        scale=Scale.TERNARY,
        both_bad=True,
    )
    begun = audit.Act("study.created", {"slug": slug})
    return study, [begun, *people.make_first_owners(study, actor)]
