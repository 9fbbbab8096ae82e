"""Agreement of the annotators, and the sides they favour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .figures import Figure, coefficient, percentage

# Key → name, and what the figure means in one line.
COEFFICIENTS: dict[str, tuple[str, str]] = {
    "percent": (
        "Percent agreement",
        "How often two annotators give the same answer to one comparison.",
    ),
    "krippendorff_alpha": (
        "Krippendorff's alpha, nominal",
        "The same, corrected for chance; any other answer counts as fully wrong.",
    ),
    "krippendorff_alpha_ordinal": (
        "Krippendorff's alpha, ordinal",
        "A tie against a win counts as half a disagreement, a win against a loss as a whole one.",
    ),
    "gwet_ac1": (
        "Gwet's AC1",
        "Corrected for chance in a way that holds up when one answer is common.",
    ),
    "gwet_ac2": ("Gwet's AC2", "AC1 with partial credit for neighbouring answers."),
    "fleiss_kappa": (
        "Fleiss' kappa",
        "Corrected for chance, on the comparisons with the commonest number of votes.",
    ),
    "conger_kappa": (
        "Conger's kappa",
        "Corrected for chance from each annotator's own habits.",
    ),
    "brennan_prediger": (
        "Brennan-Prediger",
        "Corrected as if guesses spread evenly over the answers.",
    ),
    "split_half": (
        "Split-half reliability",
        "Would another half of the votes have ranked the systems alike? 1: exactly so.",
    ),
}


@dataclass(frozen=True, slots=True)
class AgreementRow:
    name: str
    meaning: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class RaterPair:
    rater_1: str
    rater_2: str
    kappa: Figure


@dataclass(frozen=True, slots=True)
class SideRow:
    annotator: str
    left_rate: Figure


@dataclass(frozen=True, slots=True)
class Sides:
    overall: Figure
    between_equals: Figure
    rows: Sequence[SideRow]

    @property
    def are_known(self) -> bool:
        return not self.overall.why


def agreement_rows(agreement: Mapping[str, Any]) -> list[AgreementRow]:
    return [
        AgreementRow(
            name,
            meaning,
            percentage(agreement[key]) if key == "percent" else coefficient(agreement[key]),
        )
        for key, (name, meaning) in COEFFICIENTS.items()
        if key in agreement
    ]


def rater_pairs(agreement: Mapping[str, Any]) -> list[RaterPair]:
    return [
        RaterPair(str(pair["rater_1"]), str(pair["rater_2"]), coefficient(pair))
        for pair in agreement["cohen_kappa"]
    ]


def sides(bias: Mapping[str, Any]) -> Sides:
    return Sides(
        percentage(bias["left_rate"]),
        percentage(bias["between_equals"]),
        [
            SideRow(entry["annotator"], percentage(entry["left_rate"]))
            for entry in bias["per_annotator"]
        ],
    )
