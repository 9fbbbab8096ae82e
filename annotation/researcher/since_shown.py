"""The version that a page of an opened study was shown with, and what moved since."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.http import Http404

from annotation.access import SignedInRequest
from annotation.frozen_rules import as_frozen
from annotation.jobs.steps import draft_of
from annotation.lifecycle.rubric import CriterionDraft
from annotation.models import Study, StudyVersion

from .criterion_form import difference_in, said_of, sent_back_of
from .meanwhile import Difference, MovedMeanwhileError
from .question_levels import numbered, with_own_ids
from .running import ReasonForm

SHOWN_VERSION = "shown_version"
TOLD_VERSION = "told_version"
# What the forms show of a study's own columns.
IN_FORMS = (
    "title",
    "instructions",
    "notice",
    "results",
    "stopping",
    "target_votes",
    "max_per_annotator",
)


def shown_version(request: SignedInRequest, study: Study) -> StudyVersion:
    """The version that the form was shown with; the newest where it says none."""
    versions = StudyVersion.objects.filter(study=study).order_by("-number")
    number = request.POST.get(SHOWN_VERSION, "")
    # Longer ones are no number of a version, and too large for a column.
    if number.isascii() and number.isdigit() and len(number) < 10:
        versions = versions.filter(number__gte=int(number)).order_by("number")
    found = versions.first()
    if found is None:
        raise Http404("There is no such version.")
    return found


def newest_version(study: Study) -> StudyVersion:
    return StudyVersion.objects.filter(study=study).latest("number")


def was_told(request: SignedInRequest, newest: StudyVersion) -> bool:
    """Whether the page has told what this version changed, and it was saved all the same."""
    return request.POST.get(TOLD_VERSION) == str(newest.number)


def tell(reason: ReasonForm, moved: list[Difference], newest: StudyVersion) -> dict[str, Any]:
    """Refuse with what both want; saved once more, the page knows that it has told of it."""
    reason.add_error(None, str(MovedMeanwhileError(moved, {})))
    return {"moved": moved, "told_version": newest.number}


def as_shown(study: Study, shown: Mapping[str, Any]) -> Study:
    """The study with what the forms show of it as a snapshot has it; not to be stored."""
    then = copy.copy(study)
    then.rules, then.seed = as_frozen(shown["rules"]), shown["seeds"]["study"]
    for name in IN_FORMS:
        setattr(then, name, shown["study"][name])
    return then


def question_in(
    rubric: Sequence[Mapping[str, Any]], own: CriterionDraft | None
) -> Mapping[str, Any] | None:
    """A question as a snapshot has it."""
    return next((entry for entry in rubric if own is not None and entry["key"] == own.key), None)


def changed_question(before: Mapping[str, Any] | None, made: CriterionDraft) -> dict[str, Any]:
    """What was entered of a question differently than it was shown; all of one that was not."""
    entered = said_of(made)
    same = {} if before is None else said_as_shown(before)
    return {
        name: value
        for name, value in entered.items()
        if name == "key" or name not in same or same[name] != value
    }


def question_moved_since(
    shown: Mapping[str, Any] | None,
    newest: Mapping[str, Any] | None,
    made: CriterionDraft,
    wishes: Mapping[str, Any],
) -> list[Difference]:
    """What is wished of a question otherwise than somebody else has set it since it was shown."""
    if shown is None or newest is None:
        return []
    then, now, mine = said_as_shown(shown), said_as_shown(newest), said_of(made)
    return [
        difference_in(name, now[name], mine[name])
        for name in wishes
        if now[name] not in (then[name], mine[name])
    ]


def with_levels_of_its_own(
    wishes: Mapping[str, Any],
    shown: Mapping[str, Any] | None,
    newest: Mapping[str, Any] | None,
    ids: Collection[str],
) -> dict[str, Any]:
    """The wishes with no level that has the id of another in the newest version."""
    if "levels" not in wishes:
        return dict(wishes)
    then, now = (() if entry is None else entry.get("levels", ()) for entry in (shown, newest))
    known = {level["id"] for level in numbered(then)}
    return {**wishes, "levels": with_own_ids(wishes["levels"], now, ids, known)}


def said_as_shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says of a question that nobody touches."""
    return said_of(sent_back_of(draft_of(entry)))
