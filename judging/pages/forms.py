"""The forms of a judge: what a file for `add_judge` states, on a page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from annotation.accounts.forms import PlainForm
from judging import presets
from judging.endpoints.addresses import SIMULATOR_URL
from judging.judge_files import DEFAULT_TOKENS, MOST_TOKENS, STUDY_RUBRIC
from judging.models import JudgeVersion

OWN = "own"
ONE_KEY = "Give a key or the name of one: one of the two."

# A judge that needs no key; its prices are made up, so that a budget can be tried.
SIMULATED = {
    "name": "simulated",
    "base_url": SIMULATOR_URL,
    "endpoint": "simulator",
    "model": "fair:noise=0.6",
    "max_tokens": DEFAULT_TOKENS,
    "price_input": 1,
    "price_output": 4,
}


def choices_of_instructions() -> list[tuple[str, str]]:
    return [*((name, name.capitalize()) for name in presets.INSTRUCTIONS), (OWN, "My own, below")]


def choices_of_rubrics() -> list[tuple[str, str]]:
    return [
        (STUDY_RUBRIC, "The study's own criteria"),
        *((name, presets.read_rubric(name)["title"]) for name in presets.rubric_names()),
    ]


class MarkedForm(PlainForm):
    """Its labels say what may be left out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not field.required and not isinstance(field, forms.BooleanField):
                field.label = f"{field.label} (optional)"


def named_key() -> forms.CharField:
    """A key that the operator has set, by its name; for one address, which the operator names."""
    return forms.CharField(
        label="Or the name of a key of this site",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Whoever runs this site may have given this study a key for this address, and "
        "tells its name, as in MAIN. It is sent to no other address.",
    )


class JudgeForm(MarkedForm):
    """A judge of one model and one instruction."""

    name = forms.CharField(label="Name of the judge", max_length=120)
    base_url = forms.CharField(
        label="Address of the endpoint",
        max_length=500,
        help_text="Up to /v1, as in https://api.example.com/v1. "
        f"{SIMULATOR_URL} is a simulated judge that needs no key and calls nobody.",
    )
    endpoint = forms.CharField(
        label="Name of the endpoint",
        max_length=64,
        initial="main",
        help_text="Judges of one endpoint share its key and its limits.",
    )
    key = forms.CharField(
        label="Key",
        required=False,
        strip=True,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Stored encrypted, for this address only, and never shown again. "
        "Leave it empty to keep the one that is stored.",
    )
    key_variable = named_key()
    model = forms.CharField(label="Model", max_length=120)
    instruction = forms.ChoiceField(label="Instruction", choices=choices_of_instructions)
    own_instruction = forms.CharField(
        label="My own instruction",
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    rubric = forms.ChoiceField(label="Rubric", choices=choices_of_rubrics)
    max_tokens = forms.IntegerField(
        label="Most tokens of a reply",
        min_value=1,
        max_value=MOST_TOKENS,
        initial=DEFAULT_TOKENS,
        help_text="A model that thinks before it answers needs several thousand.",
    )
    temperature = forms.FloatField(
        label="Temperature",
        required=False,
        min_value=0,
        max_value=2,
        help_text="Empty: the model's own.",
    )
    price_input = forms.DecimalField(
        label="Price of input",
        required=False,
        min_value=0,
        max_value=100_000,
        help_text="US dollars for a million tokens. Without prices no budget can be kept.",
    )
    price_output = forms.DecimalField(
        label="Price of output", required=False, min_value=0, max_value=100_000
    )
    requests_per_minute = forms.IntegerField(
        label="Most requests a minute",
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        help_text="Of the endpoint, by all of its judges. Empty: as it is, or no limit if it is "
        "new. 0 takes a limit away.",
    )
    tokens_per_minute = forms.IntegerField(
        label="Most tokens a minute",
        required=False,
        min_value=0,
        max_value=1_000_000_000,
        help_text="Likewise.",
    )

    def clean(self) -> dict[str, Any]:
        stated = super().clean() or {}
        is_own = self.needs_own_instruction(stated.get("instruction"))
        if is_own and not stated.get("own_instruction"):
            self.add_error("own_instruction", "Write the instruction, or choose a ready-made one.")
        if (stated.get("price_input") is None) != (stated.get("price_output") is None):
            self.add_error("price_output", "Give both prices, or neither.")
        if stated.get("key") and stated.get("key_variable"):
            self.add_error("key_variable", ONE_KEY)
        return stated

    def needs_own_instruction(self, chosen: Any) -> bool:
        return bool(chosen == OWN)

    def draft(self, before: JudgeVersion | None = None) -> dict[str, Any]:
        """What a file would state.

        Parameters
        ----------
        before : JudgeVersion, optional
            The one that this follows: what the form does not show stays as it is there.
        """
        stated = self.cleaned_data
        endpoint = {"name": stated["endpoint"], "base_url": stated["base_url"]}
        if stated["key_variable"]:
            endpoint["key_variable"] = stated["key_variable"]
        for name in ("requests_per_minute", "tokens_per_minute"):
            # A form that showed the stored limit says by an empty field that there is none now.
            if stated[name] is not None or before is not None:
                endpoint[name] = stated[name] or 0
        return {
            "name": stated["name"],
            "instructions": self.draft_instructions(),
            "rubric": stated["rubric"],
            "endpoint": endpoint,
            "models": self.draft_models(before),
        }

    def draft_instructions(self) -> list[Any]:
        return [self.draft_instruction(self.cleaned_data["instruction"])]

    def draft_instruction(self, name: str) -> Any:
        if name == OWN:
            return {"name": OWN, "text": self.cleaned_data["own_instruction"]}
        return name

    def draft_models(self, before: JudgeVersion | None = None) -> list[dict[str, Any]]:
        stated = self.cleaned_data
        model: dict[str, Any] = {"name": stated["model"], "max_tokens": stated["max_tokens"]}
        card: dict[str, Any] = {}
        if before is not None:
            config = before.config
            model |= {
                key: value for key, value in config["parameters"].items() if key != "temperature"
            }
            model["tokens_field"] = config["tokens_field"]
            card = dict(config["price"] or {})
        if stated["temperature"] is not None:
            model["temperature"] = stated["temperature"]
        if stated["price_input"] is not None:
            is_as_before = Decimal(card.get("input", "NaN")) == stated["price_input"]
            model["price"] = {
                "input": str(stated["price_input"]),
                "output": str(stated["price_output"]),
                # The price of cached input goes with that of input.
                **({"cached_input": card["cached_input"]} if is_as_before else {}),
            }
        return [model]


def initial_of(version: JudgeVersion) -> dict[str, Any]:
    """What the form of a further version begins with."""
    config = version.config
    endpoint = version.judge.study.judge_endpoints.filter(name=config["endpoint"]["name"]).first()
    instruction = config["instruction"]
    is_ready_made = presets.INSTRUCTIONS.get(instruction["name"]) == instruction["text"]
    question = config["rubric"]["question"]
    rubric = next(
        (n for n in presets.rubric_names() if presets.read_rubric(n)["question"] == question),
        STUDY_RUBRIC,
    )
    price = config["price"] or {}
    return {
        "name": version.judge.judge_id,
        "base_url": config["endpoint"]["base_url"],
        "endpoint": config["endpoint"]["name"],
        "model": config["model"],
        "instruction": instruction["name"] if is_ready_made else OWN,
        "own_instruction": "" if is_ready_made else instruction["text"],
        "rubric": rubric,
        "max_tokens": config["max_tokens"],
        "temperature": config["parameters"].get("temperature"),
        "price_input": price.get("input"),
        "price_output": price.get("output"),
        "requests_per_minute": endpoint.requests_per_minute if endpoint else None,
        "tokens_per_minute": endpoint.tokens_per_minute if endpoint else None,
    }


class KeyForm(MarkedForm):
    """A new key for an endpoint, in place of the stored one."""

    key = forms.CharField(
        label="New key",
        required=False,
        strip=True,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    key_variable = named_key()

    def clean(self) -> dict[str, Any]:
        stated = super().clean() or {}
        if bool(stated.get("key")) == bool(stated.get("key_variable")):
            self.add_error("key", ONE_KEY)
        return stated


def dollars(label: str, help_text: str, least: str = "0.0001") -> forms.DecimalField:
    """A cap in US dollars, as exact as it is stored; empty for none."""
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(least),
        max_digits=12,
        decimal_places=4,
        help_text=help_text,
    )


class StudyBudgetForm(MarkedForm):
    """What all judges of the study may cost together."""

    amount = dollars(
        "US dollars",
        "Over every run, test of a connection and try-out. Each request's worst case is "
        "reserved before it leaves, so it is never exceeded. Empty: no cap.",
    )


class TogetherForm(MarkedForm):
    """A run of every judge."""

    budget = dollars(
        "Budget for all of them, in US dollars",
        "Shared by what each can cost at most, and never exceeded. Empty: no cap.",
        least="0.01",
    )


class StartForm(MarkedForm):
    """A run."""

    budget = dollars(
        "Budget in US dollars", "Never exceeded: the run pauses before. Empty: no cap."
    )
    replicates = forms.IntegerField(
        label="Times asked in each order", min_value=1, max_value=20, initial=1
    )
    fresh = forms.BooleanField(label="Ask again what an earlier run has answered", required=False)
