"""A study's texts, settings, rules and criteria in one TOML file, read with every fault at once.

    title = "Support mails"
    instructions_file = "instructions.md"
    max_per_annotator = 200

    [rules.checks]
    gold_share = 0.1

    [[criteria]]
    key = "overall"
    question = "Which answer would you rather send?"
    both_bad = true

What a file leaves out stays as it is; `rules` and `criteria` are whole where they are stated.
TOML has no null: `false` switches a limit or a quality rule off.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.models import ResultsPolicy, Stopping
from annotation.rules import SECTIONS, RulesError, read_rules
from annotation.shown_values import shown

from .refusals import LifecycleError
from .rubric import CriterionDraft, faults_of_drafts

# Instructions of a hundred pages; a larger file is not what was meant.
MOST_BYTES = 1024 * 1024
LONGEST_TITLE = 200
LONGEST_QUESTION = 400
LONGEST_KEY = 64
LARGEST_NUMBER = 1_000_000
LARGEST_SEED = 2**63 - 1


class StudyFileError(LifecycleError):
    """The file cannot be followed; `faults` are sentences that name each place."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        self.faults = faults
        super().__init__(
            "\n".join([*(f"{path}: {fault}" for fault in faults), "Nothing was changed."])
        )


@dataclass(frozen=True, slots=True)
class StudyFile:
    """What a file states.

    Attributes
    ----------
    settings : dict
        By the names of the study's columns, `rules` among them.
    criteria : tuple of CriterionDraft, optional
        None where the file says nothing of them.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    criteria: tuple[CriterionDraft, ...] | None = None


def read_study_file(path: Path) -> StudyFile:
    """Read a file.

    Raises
    ------
    StudyFileError
        With every fault: it cannot be read, is no TOML, or states what cannot be set.
    """
    try:
        raw = tomllib.loads(read_text(path))
    except (TextError, tomllib.TOMLDecodeError) as fault:
        raise StudyFileError(path, [f"{fault}."]) from None
    except RecursionError:
        raise StudyFileError(path, ["It is nested too deeply."]) from None
    except ValueError:
        # Such as a number of thousands of digits or a date that there is not: TOML in its form.
        raise StudyFileError(
            path, ["It holds a number or a date that cannot be: too many digits, or no such day."]
        ) from None
    faults: list[str] = []
    settings: dict[str, Any] = {}
    criteria = None
    for name, value in raw.items():
        if name == "criteria":
            criteria = read_criteria(value, faults)
        elif name == "rules":
            settings["rules"] = read_rules_table(value, faults)
        elif name == "instructions_file":
            settings["instructions"] = read_instructions(path, raw, faults)
        elif name in SETTINGS:
            settings[name] = SETTINGS[name](name, value, faults)
        else:
            known = ", ".join([*SETTINGS, "instructions_file", "rules", "criteria"])
            faults.append(f"There is no setting {shown(name)}; there are {known}.")
    if faults:
        raise StudyFileError(path, faults)
    return StudyFile(settings, criteria)


class TextError(ValueError):
    """A file that holds no text; the message says why."""


def read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise TextError(f"{path.name} cannot be read: {fault.strerror}") from None
    if len(content) > MOST_BYTES:
        raise TextError(f"{path.name} is larger than {MOST_BYTES // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise TextError(f"{path.name} is no UTF-8 from byte {fault.start + 1} on") from None


def read_instructions(path: Path, raw: Mapping[str, Any], faults: list[str]) -> str:
    """The text of the file that is named, which lies beside this one."""
    if "instructions" in raw:
        faults.append("instructions and instructions_file exclude each other.")
        return ""
    before = len(faults)
    name = one_text("instructions_file", raw["instructions_file"], faults)
    if not name or len(faults) > before:
        return ""
    try:
        return one_text("instructions_file", read_text(path.parent / name), faults)
    except TextError as fault:
        faults.append(f"instructions_file: {fault}.")
        return ""


def one_text(place: str, value: object, faults: list[str], longest: int = MOST_BYTES) -> str:
    if not isinstance(value, str):
        faults.append(f"{place} must be text, not {shown(value)}.")
        return ""
    if "\0" in value:
        faults.append(f"{place} holds the character NUL, which cannot be stored.")
    if len(value) > longest:
        faults.append(f"{place} has {len(value)} characters; {longest} are the most.")
    return value


def one_switch(place: str, value: object, faults: list[str]) -> bool:
    if not isinstance(value, bool):
        faults.append(f"{place} must be true or false, not {shown(value)}.")
        return False
    return value


def one_number(place: str, value: object, faults: list[str], least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        faults.append(f"{place} must be a whole number from {least} to {most}, not {shown(value)}.")
        return least
    return value


def one_of(place: str, value: object, faults: list[str], allowed: list[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        faults.append(f"{place} must be one of {', '.join(allowed)}, not {shown(value)}.")
        return allowed[0]
    return value


Reader = Callable[[str, object, list[str]], Any]
SETTINGS: dict[str, Reader] = {
    "title": lambda place, value, faults: one_text(place, value, faults, LONGEST_TITLE),
    "instructions": one_text,
    "notice": one_text,
    "results": lambda place, value, faults: one_of(place, value, faults, ResultsPolicy.values),
    "stopping": lambda place, value, faults: one_of(place, value, faults, Stopping.values),
    "seed": lambda place, value, faults: one_number(place, value, faults, 0, LARGEST_SEED),
    "target_votes": lambda place, value, faults: one_number(
        place, value, faults, 1, LARGEST_NUMBER
    ),
    "max_per_annotator": lambda place, value, faults: (
        None if value is False else one_number(place, value, faults, 1, LARGEST_NUMBER)
    ),
}


def read_rules_table(raw: object, faults: list[str]) -> object:
    """The rules as they are stored."""
    rules = nothing_for_false(raw)
    try:
        read_rules(rules)
    except RulesError as invalid:
        faults += [f"rules: {fault}" for fault in invalid.faults]
    return rules


def nothing_for_false(raw: object) -> object:
    """Put None where `false` switches off what can be left out, and else is a number or a rule."""
    if not isinstance(raw, dict):
        return raw
    read: dict[str, object] = {}
    for name, content in raw.items():
        off = may_be_off(SECTIONS[name]) if name in SECTIONS else set()
        read[name] = (
            {
                key: None if value is False and key in off else value
                for key, value in content.items()
            }
            if isinstance(content, dict)
            else content
        )
    return read


def may_be_off(section: type[Any]) -> set[str]:
    kinds = {entry.name: str(entry.type).split(" | ") for entry in dataclasses.fields(section)}
    return {name for name, kind in kinds.items() if "None" in kind and "bool" not in kind}


CRITERION: dict[str, Reader] = {
    "key": lambda place, value, faults: one_text(place, value, faults, LONGEST_KEY),
    "question": lambda place, value, faults: one_text(place, value, faults, LONGEST_QUESTION),
    "scale": one_text,
    "both_bad": one_switch,
    "required": one_switch,
}


def read_criteria(raw: object, faults: list[str]) -> tuple[CriterionDraft, ...]:
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        faults.append("criteria must be tables: write each below a line [[criteria]].")
        return ()
    before = len(faults)
    drafts = tuple(
        read_criterion(entry, f"criteria {number}", faults)
        for number, entry in enumerate(raw, start=1)
    )
    # What is wrong with the values would be said of the defaults in their place.
    if len(faults) == before:
        faults += [f"criteria: {fault}" for fault in faults_of_drafts(drafts)]
    return drafts


def read_criterion(raw: Mapping[str, Any], place: str, faults: list[str]) -> CriterionDraft:
    values: dict[str, Any] = {"key": "", "question": ""}
    for name, value in raw.items():
        where = f"{place}, {name}"
        if name == "levels":
            values["levels"] = read_levels(value, where, faults)
        elif name in CRITERION:
            values[name] = CRITERION[name](where, value, faults)
        else:
            known = ", ".join([*CRITERION, "levels"])
            faults.append(f"{place}: there is no {shown(name)}; there are {known}.")
    faults += [
        f"{place}: {name} is missing."
        for name in ("key", "question")
        if name not in raw or raw[name] == ""
    ]
    return CriterionDraft(**values)


def read_levels(raw: object, place: str, faults: list[str]) -> tuple[dict[str, str], ...]:
    if not isinstance(raw, list) or not all(isinstance(level, dict) for level in raw):
        faults.append(f"{place} must be tables: write each below a line [[criteria.levels]].")
        return ()
    return tuple(
        {
            name: one_text(f"{place} {number}, {name}", value, faults)
            for name, value in level.items()
        }
        for number, level in enumerate(raw, start=1)
    )
