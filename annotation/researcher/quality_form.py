"""The quality rules of a study as a form: what in somebody's answers is noticed, and what then."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from annotation.answer_rules import OWN_VOTES, Action, OwnVotes
from annotation.lifecycle.rule_changes import DEFAULTS, with_rule
from annotation.models import Study
from annotation.rules import QUALITY_RULES, rules_as_json, rules_of

from .meanwhile import field_in_words, fields_in_words
from .rule_forms import PERCENT, Place, RulesForm, as_percent

OFF = "off"
CHOICES = (
    (OFF, "Off"),
    (Action.FLAG, "Tell the researcher"),
    (Action.PAUSE, "Pause the person"),
)
ACTION = "action"


@dataclass(frozen=True, slots=True)
class Value:
    """A number of a rule, as the page asks for it."""

    name: str
    label: str
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A rule with its numbers; the first is what it is about, and `more` is seldom touched."""

    key: str
    label: str
    values: tuple[Value, ...]
    more: tuple[Value, ...] = ()


MIN_N = Value("min_n", "From so many on")
QUALITY = (
    QualityRule(
        "gold_accuracy",
        "Gold answered wrongly",
        (Value("least", "Right answers, at least", True), MIN_N),
    ),
    QualityRule(
        "repeat_consistency",
        "Repeats answered otherwise",
        (Value("least", "The same again, at least", True), MIN_N),
    ),
    QualityRule(
        "agreement",
        "Disagrees with the others",
        (Value("least", "Of their agreement, at least", True), MIN_N),
        (Value("alpha", "Chance below which it is no accident", True),),
    ),
    QualityRule(
        "side_share",
        "Favours a side",
        (Value("alpha", "Chance below which it is no accident", True), MIN_N),
    ),
    QualityRule(
        "speed",
        "Answers faster than texts are read",
        (Value("most", "Too fast, at most", True), MIN_N),
        (
            Value("window", "Of so many latest answers"),
            Value("floor_ms", "Least time of any pair (ms)"),
            Value("ms_per_character", "Time for each character (ms)"),
            Value("ceiling_ms", "Most that is asked of any pair (ms)"),
        ),
    ),
    QualityRule(
        "straight_lining", "Same button again and again", (Value("run", "Times in a row"),)
    ),
    QualityRule("skips", "Skips much", (Value("most", "Skipped, at most", True), MIN_N)),
)


class QualityForm(RulesForm):
    """What in somebody's answers is noticed, what happens then, and whether owners' votes count."""

    own_votes = forms.ChoiceField(
        label="Votes of those who own the study",
        choices=(
            (OwnVotes.EXCLUDE, "Do not count"),
            (OwnVotes.COUNT, "Count as everybody's do"),
        ),
        widget=forms.RadioSelect,
        help_text="An owner may know which system wrote what. Votes that do not count are kept and "
        "marked, others get these pairs, and the report shows the ranking with and without them. "
        "What is out of the count stays out until you let the person’s votes count.",
    )

    places = {OWN_VOTES: Place("quality", OWN_VOTES)}

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(study, *args, **kwargs)
        now = rules_as_json(rules_of(study.rules))["quality"]
        for rule in QUALITY:
            values = now[rule.key] or DEFAULTS["quality"][rule.key]
            self.fields[f"{rule.key}_{ACTION}"] = forms.ChoiceField(
                label=rule.label,
                choices=CHOICES,
                initial=OFF if now[rule.key] is None else values[ACTION],
            )
            for value in (*rule.values, *rule.more):
                self.fields[f"{rule.key}_{value.name}"] = value_field(
                    rule.key, value, values[value.name]
                )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "label": rule.label,
                "action": self[f"{rule.key}_{ACTION}"],
                "fields": [self[f"{rule.key}_{value.name}"] for value in rule.values],
                "more": [self[f"{rule.key}_{value.name}"] for value in rule.more],
                "more_errors": any(self[f"{rule.key}_{value.name}"].errors for value in rule.more),
            }
            for rule in QUALITY
        ]

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        rules: dict[str, Any] = copy.deepcopy(dict(before))
        quality = dict(rules.get("quality", {}))
        for rule in QUALITY:
            quality.pop(rule.key, None)
            changed = self.changed_rule(rule)
            if changed != {}:
                quality[rule.key] = changed
        rules.pop("quality", None)
        rules |= {"quality": quality} if quality else {}
        return with_rule(rules, "quality", OWN_VOTES, str(self.cleaned_data[OWN_VOTES]))

    def fields_at(self, place: str) -> list[str]:
        if fields := super().fields_at(place):
            return fields
        rule = rule_of(place)
        if rule is None:
            return []
        return [
            f"{rule.key}_{name}"
            for name in (ACTION, *(value.name for value in (*rule.values, *rule.more)))
        ]

    def in_words(self, place: str) -> dict[str, str]:
        rule = rule_of(place)
        if rule is None:
            return super().in_words(place)
        names = self.fields_at(place)
        action, numbers = self[names[0]], names[1:]
        return {
            rule.label: field_in_words(action),
            **{
                f"{rule.label}: {label}": said
                for label, said in fields_in_words(self, numbers).items()
            },
        }

    def changed_rule(self, rule: QualityRule) -> dict[str, Any] | None:
        """What differs from the defaults of a rule; None where it is off."""
        data = self.cleaned_data
        if data[f"{rule.key}_{ACTION}"] == OFF:
            return None
        wanted: dict[str, Any] = {ACTION: str(data[f"{rule.key}_{ACTION}"])}
        for value in (*rule.values, *rule.more):
            entered = data[f"{rule.key}_{value.name}"]
            wanted[value.name] = entered / PERCENT if value.is_share else entered
        given = DEFAULTS["quality"][rule.key]
        return {name: value for name, value in wanted.items() if given[name] != value}


def rule_of(place: str) -> QualityRule | None:
    return next((rule for rule in QUALITY if place == f"quality.{rule.key}"), None)


def value_field(key: str, value: Value, now: float) -> forms.Field:
    """The field of a number, within the limits that its rule has."""
    entry = next(
        field for field in dataclasses.fields(QUALITY_RULES[key]) if field.name == value.name
    )
    least, most = entry.metadata["least"], entry.metadata["most"]
    if value.is_share:
        return forms.FloatField(
            label=f"{value.label} (%)",
            min_value=least * PERCENT,
            max_value=most * PERCENT,
            initial=as_percent(now),
            widget=forms.NumberInput(attrs={"step": "any"}),
        )
    if "int" in str(entry.type):
        return forms.IntegerField(label=value.label, min_value=least, max_value=most, initial=now)
    return forms.FloatField(
        label=value.label,
        min_value=least,
        max_value=most,
        initial=now,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
