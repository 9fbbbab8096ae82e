"""The beginning of a study."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from annotation import audit, people
from annotation.models import SLUG_PATTERN, Criterion, Scale, Study, User

LONGEST_SLUG = 64
GIVEN_SLUG = "study"


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
        audit.record_acts(study, actor, *acts)
    return study


def begin_draft(slug: str, actor: User | None = None) -> tuple[Study, list[audit.Act]]:
    """As `get_or_create_draft`, within the caller's transaction, which records the acts at its end.

    There are none where the study was there before.
    """
    check_slug(slug)
    study, created = Study.objects.get_or_create(slug=slug)
    return study, equip_draft(study, actor) if created else []


def equip_draft(study: Study, actor: User | None) -> list[audit.Act]:
    """Give a new row of a study its first criterion and its owners; what is to be recorded."""
    Criterion.objects.create(
        study=study,
        key=Criterion.OVERALL,
        question=Criterion.GIVEN_QUESTION,
        scale=Scale.TERNARY,
        both_bad=True,
    )
    begun = audit.Act("study.created", {"slug": study.slug})
    return [begun, *people.make_first_owners(study, actor)]


def create_draft(slug: str, actor: User, *, title: str = "") -> Study:
    """A new study, which must not exist yet, with its name.

    Raises
    ------
    ValidationError
        If the short name is not allowed or taken, or the title is too long.
    """
    with transaction.atomic():
        study, acts = begin_new_draft(slug, actor, title=title)
        audit.record_acts(study, actor, *acts)
    return study


def begin_new_draft(slug: str, actor: User, *, title: str) -> tuple[Study, list[audit.Act]]:
    """As `create_draft`, within the caller's transaction, which records the acts at its end."""
    study, acts = begin_draft(slug, actor)
    if not acts:
        raise ValidationError(taken(slug))
    study.title = title
    study.full_clean()
    study.save(update_fields=["title"])
    return study, acts


def check_new_draft(slug: str, *, title: str) -> None:
    """Raise ValidationError where `create_draft` would now."""
    check_slug(slug)
    if Study.objects.filter(slug=slug).exists():
        raise ValidationError(taken(slug))
    Study(slug=slug, title=title).clean_fields()


def taken(slug: str) -> str:
    return f"There is a study {slug!r} already; choose another short name."


def free_slug(title: str) -> str:
    """A short name made from a title that no study has: `capitals`, or else `capitals-2`.

    Somebody else may take it before it is used; `create_draft` says so then.
    """
    # Room for a number of five digits.
    stem = slugify(title)[: LONGEST_SLUG - 6].strip("-_") or GIVEN_SLUG
    taken = set(Study.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    number, slug = 1, stem
    while slug in taken:
        number += 1
        slug = f"{stem}-{number}"
    return slug
