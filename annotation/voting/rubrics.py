"""The questions that a vote must answer: those of its study version, read once per process.

A version never changes once it is written, and the criteria of a study that was opened are never
deleted, so what was read stays true for as long as the process lives.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from annotation.models import Criterion, StudyVersion

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


class NotWrittenDown(LookupError):
    """The version's snapshot names no rubric."""


def rubric_of(study_version_id: int, study_id: int) -> Rubric:
    """The rubric of a version; where its snapshot has none, the study's criteria as they are now.

    Only the first is remembered: nothing keeps the second from changing.
    """
    try:
        return remembered_rubric(study_version_id)
    except NotWrittenDown:
        return tuple(
            Question(row.pk, row.key, row.scale, row.both_bad, row.required)
            for row in Criterion.objects.filter(study=study_id)
        )


@functools.lru_cache(maxsize=REMEMBERED)
def remembered_rubric(study_version_id: int) -> Rubric:
    study_id, written = StudyVersion.objects.values_list("study", "snapshot__rubric").get(
        pk=study_version_id
    )
    if not written:
        raise NotWrittenDown(f"Version {study_version_id} has no rubric.")
    ids = dict(Criterion.objects.filter(study=study_id).values_list("key", "pk"))
    return tuple(question(entry, ids[entry["key"]]) for entry in written)


def question(entry: dict[str, Any], criterion_id: int) -> Question:
    return Question(
        criterion_id, entry["key"], entry["scale"], entry["both_bad"], entry["required"]
    )


def later_rubrics(study_version_id: int, study_id: int) -> Iterable[tuple[int, Rubric]]:
    """The versions made after this one, oldest first, each with its rubric."""
    later = StudyVersion.objects.filter(study=study_id, pk__gt=study_version_id).order_by("pk")
    for pk in later.values_list("pk", flat=True):
        yield pk, rubric_of(pk, study_id)
