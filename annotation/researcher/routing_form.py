"""Who may rate which prompts, and what goes to an adjudicator, as a form.

What a category of prompts asks of people stands in rows of the page: category, question, answers.
As many rows as there are demands, and some empty ones; further ones come with saving.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from annotation.models import LONGEST_TEAM, Annotator, Prompt, Study
from annotation.profile_rules import LONGEST_OPTION, MOST_OPTIONS, TEAM
from annotation.rules import rules_of

from .rule_forms import Place, RulesForm, number_field

ELIGIBILITY = "eligibility"
# Three fields each, of the two hundred that a request may have.
MOST_ROWS = 60
EMPTY_ROWS = 3
# More categories than these cannot be chosen from; a file can name them.
MOST_CATEGORIES = 500
TEAM_LABEL = "Team"

Demand = tuple[str, str, tuple[str, ...]]


class RoutingForm(RulesForm):
    """Demands on people by category of prompts; which disagreements are decided by somebody."""

    no_plurality = forms.BooleanField(
        label="No answer has more votes than every other", required=False
    )
    distance = number_field(
        "Two votes lie so many steps apart",
        "On scales of five or seven steps. Empty: never for that.",
        required=False,
    )
    flagged = forms.BooleanField(label="Somebody reported the pair", required=False)

    places = {name: Place("adjudication", name) for name in ("no_plurality", "distance", "flagged")}

    def __init__(self, study: Study, posted: Mapping[str, Any] | None = None) -> None:
        super().__init__(study, posted)
        rules = rules_of(study.rules)
        self.questions = rules.profile.questions
        self.before: list[Demand] = [
            (category, key, values)
            for category, demands in sorted(rules.eligibility.items())
            for key, values in sorted(demands.items())
        ]
        # What a file states beyond the rows of the page stays as it is.
        self.beyond = self.before[MOST_ROWS:]
        self.categories = categories_of(study, [row[0] for row in self.before])
        keys = {question.key: question.text for question in self.questions} | {TEAM: TEAM_LABEL}
        # A file may name what nobody is asked any more; it is shown, so that it can be taken out.
        keys |= {key: key for _, key, _ in self.before if key not in keys}
        self.keys = keys
        self.number = (
            rows_in(posted) if posted is not None else min(len(self.before) + EMPTY_ROWS, MOST_ROWS)
        )
        rows = [*self.before, *[("", "", ())] * self.number][: self.number]
        for number, (category, key, values) in enumerate(rows):
            self.fields[f"category_{number}"] = forms.ChoiceField(
                label="Category",
                required=False,
                choices=[("", "–"), *((name, name) for name in self.categories)],
                initial=category,
            )
            self.fields[f"key_{number}"] = forms.ChoiceField(
                label="Question", required=False, choices=[("", "–"), *keys.items()], initial=key
            )
            self.fields[f"answers_{number}"] = forms.CharField(
                label="Answers that may rate",
                required=False,
                max_length=MOST_OPTIONS * (LONGEST_OPTION + 2),
                initial="\n".join(values),
                widget=forms.Textarea(attrs={"rows": 2}),
            )

    def rows(self) -> list[list[forms.BoundField]]:
        return [
            [self[f"{name}_{number}"] for name in ("category", "key", "answers")]
            for number in range(self.number)
        ]

    def triggers(self) -> list[forms.BoundField]:
        return [self[name] for name in self.places]

    def clean(self) -> dict[str, Any]:
        options = {question.key: question.options for question in self.questions}
        seen: set[tuple[str, str]] = set()
        for number in range(self.number):
            category, key, answers = self.demand(number)
            if not (category or key or answers):
                continue
            if not (category and key and answers):
                self.add_error(
                    f"{self.lacking(category, key)}_{number}",
                    "Name category, question and answers, or leave all three empty.",
                )
            elif (category, key) in seen:
                self.add_error(
                    f"key_{number}", "This category asks it in another row; put the answers there."
                )
            elif unknown := [text for text in answers if text not in options.get(key, answers)]:
                self.add_error(
                    f"answers_{number}",
                    f"Nobody can answer “{unknown[0]}”; the question offers "
                    f"{', '.join(options[key])}.",
                )
            elif any(len(text) > max(LONGEST_OPTION, LONGEST_TEAM) for text in answers):
                self.add_error(f"answers_{number}", "A line is longer than any answer can be.")
            seen.add((category, key))
        return super().clean()

    def lacking(self, category: str, key: str) -> str:
        return "category" if not category else "key" if not key else "answers"

    def demand(self, number: int) -> Demand:
        data = self.cleaned_data
        lines = str(data.get(f"answers_{number}", "")).splitlines()
        answers = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
        return data.get(f"category_{number}", ""), data.get(f"key_{number}", ""), answers

    def in_words(self, place: str) -> dict[str, str]:
        section, _, category = place.partition(".")
        if section != ELIGIBILITY:
            return super().in_words(place)
        lines = [
            f"{self.keys.get(key, key)}: {', '.join(answers)}"
            for named, key, answers in (*map(self.demand, range(self.number)), *self.beyond)
            if named == category and key and answers
        ]
        return {f"Who rates “{category}”": "\n".join(lines) or "Everybody."}

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        rules = copy.deepcopy(super().changed_rules(before))
        eligibility: dict[str, dict[str, list[str]]] = {}
        for category, key, answers in (*map(self.demand, range(self.number)), *self.beyond):
            if category and key and answers:
                eligibility.setdefault(category, {})[key] = list(answers)
        rules.pop(ELIGIBILITY, None)
        return rules | ({ELIGIBILITY: eligibility} if eligibility else {})


def rows_in(posted: Mapping[str, Any]) -> int:
    """How many rows the page had."""
    return next(
        (number for number in range(MOST_ROWS) if f"category_{number}" not in posted), MOST_ROWS
    )


def categories_of(study: Study, named: Sequence[str]) -> list[str]:
    """The categories of the study's prompts, and those that the rules name."""
    there = (
        Prompt.objects.filter(study=study)
        .exclude(category="")
        .order_by("category")
        .values_list("category", flat=True)
        .distinct()[:MOST_CATEGORIES]
    )
    return sorted({*there, *named})


def teams_of(study: Study) -> list[str]:
    """The names of the study's teams."""
    return sorted(
        Annotator.objects.filter(study=study, profile__has_key=TEAM)
        .values_list(f"profile__{TEAM}", flat=True)
        .distinct()
    )
