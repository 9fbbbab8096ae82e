"""The version that a page of an opened study was shown with, and what moved since."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404

from annotation.access import SignedInRequest
from annotation.jobs.steps import draft_of
from annotation.lifecycle.rubric import CriterionDraft
from annotation.models import Study, StudyVersion

from .criterion_form import difference_in, said_of, sent_back_of
from .meanwhile import Difference, MovedMeanwhileError
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
    then.rules, then.seed = shown["rules"], shown["seeds"]["study"]
    for name in IN_FORMS:
        setattr(then, name, shown["study"][name])
    return then


def changed_question(
    shown: Sequence[Mapping[str, Any]], own: CriterionDraft | None, made: CriterionDraft
) -> dict[str, Any]:
    """A further question, or of its own what was entered differently than it was shown."""
    entered = said_of(made)
    if own is None:
        return {"add_criterion": entered}
    before = next((draft_of(entry) for entry in shown if entry["key"] == own.key), None)
    if before is None:
        return {"change_criterion": entered}
    same = said_of(sent_back_of(before))
    return {
        "change_criterion": {
            name: value for name, value in entered.items() if name == "key" or same[name] != value
        }
    }


def question_moved_since(
    shown: Sequence[Mapping[str, Any]],
    newest: Sequence[Mapping[str, Any]],
    made: CriterionDraft,
    wishes: Mapping[str, Any],
) -> list[Difference]:
    """What is wished of a question otherwise than somebody else has set it since it was shown."""
    then, now = (
        next(
            (
                said_of(sent_back_of(draft_of(entry)))
                for entry in rubric
                if entry["key"] == made.key
            ),
            None,
        )
        for rubric in (shown, newest)
    )
    mine = said_of(made)
    if then is None or now is None:
        return []
    return [
        difference_in(name, now[name], mine[name])
        for name in wishes["change_criterion"]
        if now[name] not in (then[name], mine[name])
    ]


def said_as_shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a page says of a question that nobody touches."""
    return said_of(sent_back_of(draft_of(entry)))
