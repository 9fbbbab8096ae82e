"""What a vote must answer and may bring along: as its study version has it, read once per process.

A version never changes once it is written, and the criteria of a study that was opened are never
deleted, so what was read stays true for as long as the process lives.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.models import Criterion, StudyVersion
from annotation.page_rules import Answering
from annotation.rules import rules_of

# A few studies with some versions each; the least used is read again.
REMEMBERED = 512


@dataclass(frozen=True, slots=True)
class Question:
    """One criterion as a version fixed it."""

    criterion_id: int
    key: str
    scale: str
    both_bad: bool
    required: bool


Rubric = tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """All that a page of one version asks."""

    questions: Rubric
    answering: Answering


class NotWrittenDown(LookupError):
    """The version's snapshot names no rubric."""


def form_of(study_version_id: int, study_id: int) -> Form:
    """The form of a version; where its snapshot has none, the study's as it is now.

    Only the first is remembered: nothing keeps the second from changing.
    """
    try:
        return remembered_form(study_version_id)
    except NotWrittenDown:
        # `overall` is among them, so that there is a row.
        rows = list(
            Criterion.objects.filter(study=study_id).values_list(
                "pk", "key", "scale", "both_bad", "required", "study__rules"
            )
        )
        return Form(tuple(Question(*row[:5]) for row in rows), rules_of(rows[0][5]).answering)


def rubric_of(study_version_id: int, study_id: int) -> Rubric:
    """The questions of a version."""
    return form_of(study_version_id, study_id).questions


@functools.lru_cache(maxsize=REMEMBERED)
def remembered_form(study_version_id: int) -> Form:
    study_id, written, rules = StudyVersion.objects.values_list(
        "study", "snapshot__rubric", "snapshot__rules"
    ).get(pk=study_version_id)
    if not written:
        raise NotWrittenDown(f"Version {study_version_id} has no rubric.")
    ids = dict(Criterion.objects.filter(study=study_id).values_list("key", "pk"))
    questions = tuple(question(entry, ids[entry["key"]]) for entry in written)
    # A version from before there were such rules asked what the defaults ask.
    return Form(questions, rules_of(rules or {}).answering)


def question(entry: dict[str, Any], criterion_id: int) -> Question:
    return Question(
        criterion_id, entry["key"], entry["scale"], entry["both_bad"], entry["required"]
    )


def later_forms(study_version_id: int, study_id: int) -> Iterable[tuple[int, Form]]:
    """The versions made after this one, oldest first, each with its form."""
    later = StudyVersion.objects.filter(study=study_id, pk__gt=study_version_id).order_by("pk")
    for pk in later.values_list("pk", flat=True):
        yield pk, form_of(pk, study_id)
