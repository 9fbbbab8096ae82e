"""The rules of a study's collection as forms: order, checks and limits, and what is asked.

A form is filled from the study's rules and gives them back with what was changed; what it does not
show stays as it is. Quality rules and who rates what have forms of their own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from annotation.lifecycle.rule_changes import DEFAULTS, with_rule
from annotation.lifecycle.study_file import LARGEST_SEED
from annotation.models import ResultsPolicy, Stopping, Study
from annotation.page_rules import Ask
from annotation.rules import (
    Policy,
    PromptOrder,
    RulesError,
    read_rules,
    rules_as_json,
    rules_of,
)

from .frame import StudioForm
from .meanwhile import StoredForm

# What the study's rules mean by the choices of who practises.
REQUIRED: Mapping[str, bool | None] = {"there": None, "always": True, "never": False}
PRACTICE = (
    ("there", "Everybody, where the study has training pairs"),
    ("always", "Everybody; without training pairs the study cannot be opened"),
    ("never", "Nobody"),
)
ASK_CHOICES = ((Ask.OFF, "No"), (Ask.OPTIONAL, "Optional"), (Ask.REQUIRED, "Required"))
PERCENT = 100.0


def share_field(label: str, help_text: str = "") -> forms.FloatField:
    return forms.FloatField(
        label=f"{label} (%)",
        help_text=help_text,
        min_value=0,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )


def number_field(
    label: str, help_text: str = "", *, required: bool = True, least: int = 1
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, help_text=help_text, min_value=least, max_value=1_000_000, required=required
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field's value stands in the rules; shares are asked for in percent."""

    section: str
    name: str
    is_share: bool = False


class RulesForm(StoredForm, StudioForm):
    """A form over some of the rules."""

    places: Mapping[str, Place] = {}

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        self.study = study
        written = rules_as_json(rules_of(study.rules))
        kwargs["initial"] = {
            **self.initial_of(study),
            **{
                field: as_percent(written[place.section][place.name])
                if place.is_share
                else written[place.section][place.name]
                for field, place in self.places.items()
            },
        }
        super().__init__(*args, **kwargs)

    def initial_of(self, study: Study) -> dict[str, Any]:
        return {}

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            try:
                read_rules(self.rules())
            except RulesError as fault:
                for sentence in fault.faults:
                    self.add_error(None, sentence)
        return self.cleaned_data

    def rules(self) -> dict[str, Any]:
        """The study's rules, as they were read, with what was entered."""
        return self.changed_rules(self.study.rules)

    def changed_rules(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """These rules with what was entered."""
        rules: dict[str, Any] = copy.deepcopy(dict(before))
        for field, place in self.places.items():
            value = self.cleaned_data[field]
            if place.is_share and value is not None:
                value = value / PERCENT
            rules = with_rule(rules, place.section, place.name, value)
        return rules

    def fields_at(self, place: str) -> list[str]:
        """The fields of a column, or of a rule by section and name."""
        if place in self.columns:
            return [place]
        return [field for field, at in self.places.items() if f"{at.section}.{at.name}" == place]


def as_percent(share: float | None) -> float | int | None:
    if share is None:
        return None
    percent = round(share * PERCENT, 6)
    return int(percent) if percent.is_integer() else percent


class ChecksForm(RulesForm):
    """What is mixed in, in which order, and how much one person may do."""

    gold_share = share_field(
        "Gold", "Pairs with a known answer, among all that somebody is handed."
    )
    repeat_share = share_field("Repeats", "Own pairs once more, with the sides exchanged.")
    identical_share = share_field("Identical pairs", "One response twice: a tie is right.")
    repeat_gap = number_field(
        "Pairs between one and its repeat", "Of the same person; nobody shall remember it."
    )
    by_category = forms.BooleanField(
        label="Balance by category of the prompts",
        required=False,
        help_text="Every stretch of the work has its share of each category.",
    )
    prompts = forms.ChoiceField(
        label="Pairs of one prompt",
        choices=(
            (PromptOrder.SPACED, "As far apart as the study allows"),
            (PromptOrder.GROUPED, "One after the other"),
        ),
        widget=forms.RadioSelect,
    )
    policy = forms.ChoiceField(
        label="Which pair of systems comes next",
        choices=(
            (Policy.UNIFORM, "All alike"),
            (Policy.EMPTIEST, "The one with the fewest votes for what it wants"),
            (Policy.ADAPTIVE, "The one where a vote tells most"),
        ),
        widget=forms.RadioSelect,
    )
    uniform_share = forms.FloatField(
        label="Drawn from all alike nevertheless (%)",
        help_text="Of the draws that put first where a vote tells most, so that every pair of "
        "systems goes on. At least 10.",
        min_value=10,
        max_value=100,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    max_per_annotator = number_field(
        "Most pairs for one person", "Empty: no limit.", required=False
    )
    per_day = number_field("Most pairs a day", "Empty: no limit.", required=False)
    share_of_study = forms.FloatField(
        label="Largest share of the votes by one person (%)",
        help_text="Empty: no limit.",
        min_value=0,
        max_value=100,
        required=False,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    skips_per_hour = number_field("Most skips an hour", "Empty: no limit.", required=False)
    qualification = forms.ChoiceField(
        label="Who practises?",
        choices=PRACTICE,
        widget=forms.RadioSelect,
    )
    pass_mark = share_field("Right answers to pass")
    attempts = number_field("Attempts")
    stopping = forms.ChoiceField(
        label="When does a pair of systems have enough votes?",
        choices=(
            (Stopping.FIXED, "When all wanted votes are in"),
            (Stopping.SEQUENTIAL, "As soon as it is decided, at a guaranteed error rate"),
        ),
        widget=forms.RadioSelect,
        help_text="Chosen now, for good: a rule that is chosen after votes came in proves nothing.",
    )
    results = forms.ChoiceField(
        label="Who may see results while votes come in?",
        choices=(
            (ResultsPolicy.SEALED, "Nobody: names and outcomes are sealed until unblinding"),
            (ResultsPolicy.OPEN, "Owners and researchers"),
        ),
        widget=forms.RadioSelect,
        help_text="For good, too. Who sees results early can steer the study without meaning to.",
    )
    target_votes = number_field(
        "Votes wanted for each pair of systems",
        "The report says whether they are reached. Where the design collects fewer on a pair, "
        "the target of the pair is what it collects.",
    )

    seed = forms.IntegerField(
        label="Seed of the analysis",
        min_value=0,
        max_value=LARGEST_SEED,
        help_text="Draws what the report resamples; the same seed gives the same figures. "
        "Sides and order are drawn from another one that nobody sees.",
    )

    places = {
        "gold_share": Place("checks", "gold_share", is_share=True),
        "repeat_share": Place("checks", "repeat_share", is_share=True),
        "identical_share": Place("checks", "identical_share", is_share=True),
        "repeat_gap": Place("checks", "repeat_gap"),
        "by_category": Place("order", "by_category"),
        "prompts": Place("order", "prompts"),
        "policy": Place("priorities", "policy"),
        "uniform_share": Place("priorities", "uniform_share", is_share=True),
        "qualification": Place("qualification", "required"),
        "pass_mark": Place("qualification", "pass_mark", is_share=True),
        "attempts": Place("qualification", "attempts"),
        "per_day": Place("limits", "per_day"),
        "share_of_study": Place("limits", "share_of_study", is_share=True),
        "skips_per_hour": Place("limits", "skips_per_hour"),
    }
    columns = ("max_per_annotator", "stopping", "results", "target_votes", "seed")
    # What holds for good from opening on.
    for_good = ("by_category", "prompts", "stopping", "results", "seed")

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(study, *args, **kwargs)
        required = self.initial["qualification"]
        self.initial["qualification"] = next(
            word for word, meaning in REQUIRED.items() if meaning is required
        )

    def clean_qualification(self) -> bool | None:
        return REQUIRED[self.cleaned_data["qualification"]]

    def initial_of(self, study: Study) -> dict[str, Any]:
        return {name: getattr(study, name) for name in self.columns}


class AskingForm(RulesForm):
    """What is asked beside the criteria, and shown beside the pair."""

    rationale = forms.ChoiceField(
        label="A reason in own words", choices=ASK_CHOICES, widget=forms.RadioSelect
    )
    rationale_min = forms.IntegerField(
        label="Least characters of a required reason", min_value=1, max_value=2_000
    )
    confidence = forms.ChoiceField(
        label="How sure one is", choices=ASK_CHOICES, widget=forms.RadioSelect
    )
    tags = forms.CharField(
        label="Reasons to tick",
        required=False,
        help_text="One on each line, at most 20.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    revise_earlier = forms.BooleanField(
        label="Any own answer can be changed while the study takes votes",
        required=False,
        help_text="Otherwise only the last one.",
    )
    by_script = forms.BooleanField(
        label="Annotators can answer by a script",
        required=False,
        help_text="Through the REST API, with a key. Otherwise on the page alone.",
    )
    show_reference = forms.BooleanField(
        label="Annotators can open the reference answer", required=False
    )
    break_after_minutes = forms.IntegerField(
        label="Propose a break after minutes",
        help_text="Empty: never.",
        required=False,
        min_value=5,
        max_value=480,
    )

    places = {
        name: Place("answering", name)
        for name in (
            "rationale",
            "rationale_min",
            "confidence",
            "tags",
            "revise_earlier",
            "show_reference",
            "by_script",
            "break_after_minutes",
        )
    }

    def __init__(self, study: Study, *args: Any, **kwargs: Any) -> None:
        super().__init__(study, *args, **kwargs)
        self.initial["tags"] = "\n".join(self.initial["tags"])

    def clean_tags(self) -> list[str]:
        text: str = self.cleaned_data["tags"]
        return [line.strip() for line in text.splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("rationale") != Ask.REQUIRED:
            # A minimum of what nobody must give is none.
            self.cleaned_data["rationale_min"] = DEFAULTS["answering"]["rationale_min"]
        return super().clean()
