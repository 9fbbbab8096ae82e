"""What differs between a study as it is and as it is stated, for the log and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from annotation.models import Study
from annotation.rules import read_rules, rules_as_json

from .rubric import CriterionDraft, criteria_of

# Said by their length: the log and the screen are no place for pages of text.
TEXTS = frozenset({"title", "instructions", "notice"})


def changed_settings(study: Study, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that the study does not have yet. The rules must be valid."""
    return {
        name: value
        for name, value in settings.items()
        if (rule_changes(study.rules, value) if name == "rules" else getattr(study, name) != value)
    }


def rule_changes(before: object, after: object) -> dict[str, list[Any]]:
    """Old and new value of each rule that differs, by its place, such as `checks.gold_share`."""
    old, new = (dict(flat(rules_as_json(read_rules(raw)))) for raw in (before, after))
    return {
        place: [old.get(place), new.get(place)]
        for place in sorted({*old, *new})
        if old.get(place) != new.get(place)
    }


def flat(rules: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in rules.items():
        if isinstance(value, dict):
            yield from flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value


def changed_criteria(
    study: Study, criteria: Sequence[CriterionDraft] | None
) -> tuple[CriterionDraft, ...] | None:
    """The criteria if they differ from the study's, in themselves or in their order."""
    if criteria is None:
        return None
    stated = [as_stored(draft) for draft in criteria]
    return None if stated == [as_stored(draft) for draft in criteria_of(study)] else tuple(criteria)


def as_stored(draft: CriterionDraft) -> tuple[object, ...]:
    return (
        draft.key,
        draft.question,
        str(draft.scale),
        draft.both_bad,
        draft.required,
        [dict(level) for level in draft.levels],
    )


def logged(study: Study, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Old and new values for the log; of texts their lengths, since the version has them."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if name == "rules":
            found |= {
                f"rules.{place}": change
                for place, change in rule_changes(study.rules, value).items()
            }
        elif name in TEXTS:
            found[name] = {"characters": [len(getattr(study, name)), len(value)]}
        else:
            found[name] = [getattr(study, name), value]
    return found


def in_words(changes: Mapping[str, Any]) -> list[str]:
    """One line for each change that `logged` found."""
    return [
        f"{name}: {change['characters'][1]} characters, {change['characters'][0]} before"
        if isinstance(change, dict)
        else f"{name}: {word(change[1])}, {word(change[0])} before"
        for name, change in changes.items()
    ]


def word(value: object) -> str:
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, list):
        return str(value)
    return ", ".join(entry["key"] if isinstance(entry, dict) else entry for entry in value)
