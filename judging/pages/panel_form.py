"""The form that adds a judge, or a panel: several models and instructions of one endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from judging.judge_files import LONGEST_NAME, MOST_MEMBERS
from judging.models import JudgeVersion
from judging.pages.forms import OWN, JudgeForm, choices_of_instructions

MOST_PRICE = 100_000


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A line of the field of models: a name, and prices where they are its own."""

    name: str
    price: tuple[Decimal, Decimal] | None = None


def read_models(text: str) -> list[ModelLine]:
    """One model on each line, as `name` or `name, price of input, price of output`.

    Raises
    ------
    forms.ValidationError
        With every fault, each naming its line.
    """
    lines = [line.strip() for line in text.splitlines()]
    found, faults, seen = [], [], set()
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        name, *prices = (part.strip() for part in line.split(","))
        price = None
        if prices:
            price = _prices(prices)
            if price is None:
                faults.append(
                    f"Line {number}: write the model alone, or the model and two prices, as in "
                    "“model-one, 2.5, 10”. Prices have a decimal point, and a model whose name "
                    "holds a comma is added from a file."
                )
                continue
        if not 0 < len(name) <= LONGEST_NAME:
            faults.append(f"Line {number}: a name has 1 to {LONGEST_NAME} characters.")
        elif name in seen:
            faults.append(f"Line {number}: {name} is named twice.")
        seen.add(name)
        found.append(ModelLine(name, price))
    if faults:
        raise forms.ValidationError(faults)
    return found


def _prices(parts: list[str]) -> tuple[Decimal, Decimal] | None:
    if len(parts) != 2:
        return None
    try:
        first, second = (Decimal(part) for part in parts)
    except InvalidOperation:
        return None
    fits = all(one.is_finite() and 0 <= one <= MOST_PRICE for one in (first, second))
    return (first, second) if fits else None


class PanelForm(JudgeForm):
    """Each model with each instruction is a judge of its own; their answers are averaged."""

    model = forms.CharField(
        label="Models, one a line",
        max_length=MOST_MEMBERS * (LONGEST_NAME + 40),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="Of this endpoint. A model with prices of its own: name, price of input, price "
        "of output, as in “model-one, 2.5, 10”.",
    )
    instruction = forms.MultipleChoiceField(
        label="Instructions",
        choices=choices_of_instructions,
        initial=["assessor"],
        widget=forms.CheckboxSelectMultiple,
        help_text="Several say the same in other words. Each model with each of them is a judge of "
        "its own, and the report averages them.",
    )

    def clean_model(self) -> list[ModelLine]:
        return read_models(self.cleaned_data["model"])

    def clean(self) -> dict[str, Any]:
        stated = super().clean()
        members = len(stated.get("model") or ()) * len(stated.get("instruction") or ())
        if members > MOST_MEMBERS:
            self.add_error(
                "model",
                f"These are {members} judges, and {MOST_MEMBERS} at most are added at once. Leave "
                "models or instructions out, and add them under another name.",
            )
        return stated

    def needs_own_instruction(self, chosen: Any) -> bool:
        return OWN in (chosen or ())

    def draft_models(self, before: JudgeVersion | None = None) -> list[dict[str, Any]]:
        stated = self.cleaned_data
        common: dict[str, Any] = {"max_tokens": stated["max_tokens"]}
        if stated["temperature"] is not None:
            common["temperature"] = stated["temperature"]
        models = []
        for line in stated["model"]:
            prices = line.price
            if prices is None and stated["price_input"] is not None:
                prices = stated["price_input"], stated["price_output"]
            card = {} if prices is None else {"price": priced(*prices)}
            models.append({"name": line.name, **common, **card})
        return models

    def draft_instructions(self) -> list[Any]:
        return [self.draft_instruction(name) for name in self.cleaned_data["instruction"]]


def priced(first: Decimal, second: Decimal) -> dict[str, str]:
    return {"input": str(first), "output": str(second)}
