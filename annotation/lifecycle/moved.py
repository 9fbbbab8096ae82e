"""Whether others changed of an opened study what a change sets, after somebody had compared it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from annotation.frozen_rules import as_frozen
from annotation.models import Study, StudyVersion

from .differences import changed_settings, rule_changes
from .refusals import MovedSinceError
from .rubric import PARTS_OF_A_CRITERION, CriterionDraft


def refuse_moved(
    study: Study,
    compared: int | None,
    settings: Mapping[str, Any],
    criteria: Sequence[CriterionDraft] | None,
) -> None:
    """Raise MovedSinceError where the change would undo what a newer version brought.

    Parameters
    ----------
    study
        Locked, so that no further version comes before the change is made.
    compared
        The number of the newest version when the change was compared; None where nobody did.
    settings, criteria
        As they would be, valid.
    """
    if compared is None:
        return
    newest = StudyVersion.objects.filter(study=study).latest("number")
    if newest.number == compared:
        return
    seen = StudyVersion.objects.get(study=study, number=compared)
    theirs = changes_between(seen.snapshot, newest.snapshot)
    if moved := sorted(theirs & wished_places(study, newest.snapshot, settings, criteria)):
        raise MovedSinceError(study.slug, compared, moved)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The places where two snapshots differ."""
    rules = (before["rules"], after["rules"])
    return {
        *(name for name, value in after["study"].items() if before["study"].get(name) != value),
        *(f"rules.{place}" for place in rule_changes(*map(as_frozen, rules))),
        *differing(questions_in(before["rubric"]), questions_in(after["rubric"])),
    }


def wished_places(
    study: Study,
    now: Mapping[str, Any],
    settings: Mapping[str, Any],
    criteria: Sequence[CriterionDraft] | None,
) -> set[str]:
    """The places where the study would become another."""
    changed = changed_settings(study, settings)
    rules = rule_changes(study.rules, changed.pop("rules", study.rules))
    places = {*changed, *(f"rules.{place}" for place in rules)}
    if criteria is not None:
        stated = [
            {"key": draft.key, **{name: getattr(draft, name) for name in PARTS_OF_A_CRITERION}}
            for draft in criteria
        ]
        places |= differing(questions_in(now["rubric"]), questions_in(stated))
    return places


def questions_in(rubric: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the criteria say, by place."""
    return {
        f"criteria.{entry['key']}.{name}": list(entry[name]) if name == "levels" else entry[name]
        for entry in rubric
        for name in PARTS_OF_A_CRITERION
    }


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {place for place in {*before, *after} if before.get(place) != after.get(place)}
