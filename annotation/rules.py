"""The rules of a study's collection: what is mixed in, who may rate, what is looked at. Pure.

They stand in `Study.rules` as JSON that names only what differs from the defaults, are changed on a
draft or by a new version, and are written out whole in each version's snapshot.

    {"checks": {"gold_share": 0.1}, "priorities": {"policy": "adaptive"}}
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from annotation.answer_rules import (
    Action,
    Agreement,
    AtLeast,
    OwnVotes,
    Quality,
    SideShare,
    Skips,
    Speed,
    StraightLining,
)
from annotation.page_rules import Answering, Crowd, Texts
from annotation.profile_rules import Profile
from annotation.rule_conflicts import faults_between
from annotation.rule_fields import number, share
from annotation.shown_values import shown
from annotation.storable import is_storable


class RulesError(ValueError):
    """Rules that cannot be followed; `faults` are sentences that name each place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class Policy(StrEnum):
    """Which pair of systems the next comparison is of."""

    UNIFORM = "uniform"  # a seeded walk through all comparisons
    EMPTIEST = "emptiest"  # the cell with the fewest votes for what it wants
    ADAPTIVE = "adaptive"  # where a vote tells most, mixed with the uniform draw


class PromptOrder(StrEnum):
    """How an annotator meets the comparisons of one prompt."""

    SPACED = "spaced"  # as far apart as the study allows
    GROUPED = "grouped"  # one after the other


@dataclass(frozen=True, slots=True)
class Checks:
    """Pairs that look like work and are none: outside overlap and results.

    Attributes
    ----------
    gold_share, repeat_share, identical_share : float
        Of all pairs that an annotator is handed, in random places, one in each block of 1 / share.
    repeat_gap : int
        An annotator's own votes between a pair and its repeat with the sides exchanged.
    """

    gold_share: float = share(0.0)
    repeat_share: float = share(0.0)
    identical_share: float = share(0.0)
    repeat_gap: int = number(20, 1)


@dataclass(frozen=True, slots=True)
class Qualification:
    """A round of training pairs with explanations, before the first pair of work.

    `required` is None where the study decides by whether it has training pairs.
    """

    required: bool | None = None
    pass_mark: float = share(0.7)
    attempts: int = number(2, 1)


@dataclass(frozen=True, slots=True)
class Priorities:
    """Which comparison is handed out next; what it follows from is computed in the background.

    `uniform_share` of the adaptive draws ignore the weights, so that each pair goes on.
    """

    policy: Policy = Policy.UNIFORM
    uniform_share: float = field(default=0.15, metadata={"least": 0.1, "most": 1.0})


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the walk.

    Attributes
    ----------
    by_category : bool
        Each stretch of the walk has its share of every category of prompts, and a pair of systems
        has a cell for each.
    prompts : PromptOrder
    """

    by_category: bool = False
    prompts: PromptOrder = PromptOrder.SPACED


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one annotator may do; None is no limit. Pairs that are held count.

    The cap over the whole study is `Study.max_per_annotator`.
    """

    per_day: int | None = number(None, 1)
    # Of all votes that the study wants.
    share_of_study: float | None = field(default=None, metadata={"least": 0.0, "most": 1.0})
    skips_per_hour: int | None = number(20, 1)


@dataclass(frozen=True, slots=True)
class Disagreements:
    """Which complete comparisons go to an adjudicator."""

    no_plurality: bool = True
    # On graded scales: two votes so many steps apart. None: never for that.
    distance: int | None = number(2, 1)
    flagged: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a study. `Rules()` is a plain study: no checks, uniform order."""

    checks: Checks = Checks()
    qualification: Qualification = Qualification()
    quality: Quality = field(default_factory=Quality)
    priorities: Priorities = Priorities()
    order: Order = Order()
    limits: Limits = Limits()
    adjudication: Disagreements = Disagreements()
    answering: Answering = field(default_factory=Answering)
    crowd: Crowd = field(default_factory=Crowd)
    profile: Profile = field(default_factory=Profile)
    texts: Texts = field(default_factory=Texts)
    # Eligible annotators by category of prompt: {"law": {"profession": ["lawyer"]}} gives pairs of
    # that category only to annotators whose profile has one of these values.
    eligibility: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


# What a None in the JSON may stand for, and the class behind it.
SECTIONS: dict[str, type[Any]] = {
    "checks": Checks,
    "qualification": Qualification,
    "quality": Quality,
    "priorities": Priorities,
    "order": Order,
    "limits": Limits,
    "adjudication": Disagreements,
    "answering": Answering,
    "crowd": Crowd,
    "profile": Profile,
    "texts": Texts,
}
QUALITY_RULES: dict[str, type[Any]] = {
    "gold_accuracy": AtLeast,
    "repeat_consistency": AtLeast,
    "agreement": Agreement,
    "side_share": SideShare,
    "speed": Speed,
    "straight_lining": StraightLining,
    "skips": Skips,
}
CHOICES: dict[str, type[StrEnum]] = {
    "policy": Policy,
    "prompts": PromptOrder,
    "action": Action,
    "own_votes": OwnVotes,
}

Section = TypeVar("Section")


def read_rules(raw: object) -> Rules:
    """Read the JSON of `Study.rules`.

    Raises
    ------
    RulesError
        With every fault: unknown names, wrong types, values outside their limits.
    """
    faults: list[str] = []
    if not isinstance(raw, dict):
        raise RulesError(["The rules must be an object with a section each."])
    values: dict[str, Any] = {}
    for name, content in raw.items():
        if name == "eligibility":
            values[name] = read_eligibility(content, faults)
        elif name in SECTIONS:
            default = getattr(Rules(), name)
            values[name] = read_section(SECTIONS[name], default, content, name, faults)
        else:
            faults.append(
                f"There is no section {shown(name)}; there are {', '.join(rule_names())}."
            )
    if faults:
        raise RulesError(faults)
    rules = Rules(**values)
    if faults := faults_between(rules):
        raise RulesError(faults)
    return rules


def rules_of(raw: Mapping[str, Any]) -> Rules:
    """The rules of a stored study: `read_rules`, remembered, since each claim asks for them."""
    return remembered_rules(json.dumps(raw, sort_keys=True))


@functools.lru_cache(maxsize=256)
def remembered_rules(text: str) -> Rules:
    return read_rules(json.loads(text))


def rule_names() -> list[str]:
    return [entry.name for entry in dataclasses.fields(Rules)]


def read_section(
    kind: type[Section], default: Section | None, raw: object, place: str, faults: list[str]
) -> Section:
    """One dataclass from an object that names what differs from `default`."""
    start = kind() if default is None else default
    if not isinstance(raw, dict):
        faults.append(f"{place} must be an object.")
        return start
    known = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, content in raw.items():
        where = f"{place}.{name}"
        if name not in known:
            faults.append(f"There is no {where}; there are {', '.join(sorted(known))}.")
        elif kind is Quality and name in QUALITY_RULES:
            values[name] = (
                None
                if content is None
                else read_section(QUALITY_RULES[name], getattr(start, name), content, where, faults)
            )
        else:
            values[name] = read_value(known[name], content, where, faults)
    return dataclasses.replace(start, **values)  # type: ignore[type-var]


def read_value(entry: dataclasses.Field[Any], raw: object, place: str, faults: list[str]) -> Any:
    """One value, held against its type and limits, or by the reader that it brings along."""
    if "read" in entry.metadata:
        return entry.metadata["read"](place, raw, faults)
    if entry.name in CHOICES:
        allowed = CHOICES[entry.name]
        if not isinstance(raw, str) or raw not in list(allowed):
            faults.append(f"{place} must be one of {', '.join(allowed)}, not {shown(raw)}.")
            return entry.default
        return allowed(raw)
    kinds = str(entry.type).split(" | ")
    if raw is None and "None" in kinds:
        return None
    if "bool" in kinds:
        if not isinstance(raw, bool):
            faults.append(f"{place} must be true or false, not {shown(raw)}.")
        return raw
    whole = "int" in kinds
    if isinstance(raw, bool) or not isinstance(raw, int if whole else (int, float)):
        faults.append(f"{place} must be a {'whole ' if whole else ''}number, not {shown(raw)}.")
        return entry.default
    least, most = entry.metadata["least"], entry.metadata["most"]
    # False for NaN, too; a whole number may be too large to be made a float.
    if not least <= raw <= most:
        faults.append(f"{place} must lie between {least} and {most}, not {shown(raw)}.")
        return entry.default
    return raw if whole else float(raw)


def read_eligibility(raw: object, faults: list[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    shape = (
        "eligibility must be an object of categories, each an object of profile keys, each a list "
        "of the texts that are allowed."
    )
    if not isinstance(raw, dict):
        faults.append(shape)
        return found
    for category, demands in raw.items():
        if not isinstance(demands, dict) or not all(
            isinstance(values, list) and values and all(isinstance(value, str) for value in values)
            for values in demands.values()
        ):
            faults.append(shape)
            return {}
        faults += [
            f"eligibility: {shown(text)} holds NUL or is no UTF-8, which cannot be stored."
            for text in [category, *demands, *itertools.chain.from_iterable(demands.values())]
            if not is_storable(text)
        ]
        found[category] = {key: tuple(values) for key, values in demands.items()}
    return found


def rules_as_json(rules: Rules) -> dict[str, Any]:
    """All rules written out, defaults too; `read_rules` takes it back."""
    written: dict[str, Any] = dataclasses.asdict(rules)
    written["eligibility"] = {
        category: {key: list(values) for key, values in demands.items()}
        for category, demands in rules.eligibility.items()
    }
    written["answering"]["tags"] = list(rules.answering.tags)
    written["profile"]["questions"] = [
        {"key": question.key, "text": question.text, "options": list(question.options)}
        for question in rules.profile.questions
    ]
    return written
