"""All judges beside each other, and averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.presentation.figures import Figure, coefficient, percentage
from reports.presentation.judges import missing_in_words
from reports.wording.judges import judge_name
from reports.wording.numbers import NOTHING, count, decimal
from reports.wording.trust import TrustInWords, trust_in_words

from .sections import Cell, Section, number, points, said


@dataclass(frozen=True, slots=True)
class JudgeInBrief:
    """A row of the table of all judges."""

    judge: str
    version: int
    name: str
    trust: TrustInWords
    comparisons: str
    n: int
    agreement: Figure
    ceiling: Figure
    guess: Figure
    kappa: Figure
    missing: str


def in_brief(result: Mapping[str, Any]) -> list[JudgeInBrief]:
    """All judges of a report that has their standing; reports of older formats have none."""
    entries = [entry for entry in result["alignment"] if "standing" in entry]
    return [
        JudgeInBrief(
            judge=entry["judge"],
            version=entry["judge_version"],
            name=judge_name(entry, entries),
            trust=trust_in_words(entry, entries),
            comparisons=count(entry["n"]),
            n=entry["n"],
            agreement=percentage(entry["agreement"]),
            ceiling=percentage(entry["human_ceiling"]),
            guess=percentage(entry["constant_guess"]),
            kappa=coefficient(entry["cohen_kappa"]),
            missing=missing_in_words(entry["missing"]),
        )
        for entry in entries
    ]


PANELS = {"all": "All judges", "other_families": "Judges of no compared system's family"}


def panel_section(result: Mapping[str, Any]) -> Section:
    """Panels of the report beside their best members, one a column."""
    panels = result.get("panels", ())

    def row(name: str, key: str, shown: Callable[[Any], Cell]) -> list[Cell] | None:
        # A report of an older format lacks some of them.
        if not all(key in panel for panel in panels):
            return None
        return [said(name), *(shown(panel[key]) for panel in panels)]

    rows = [
        row("judges", "judges", lambda judges: number(count(len(judges)))),
        row("comparisons", "n", lambda n: number(count(n))),
        row("averaged, agrees with votes", "agreement", lambda one: Cell(percentage(one))),
        row("weighted by kappa on other prompts", "weighted", lambda one: Cell(percentage(one))),
        row("by majority of the judges", "plurality", lambda one: Cell(percentage(one))),
        row("best judge alone", "best", lambda one: number(one["judge"] if one else NOTHING)),
        row("averaged less the best judge, points", "gain", lambda one: Cell(points(one))),
        row("worth so many judges", "effective_judges", lambda one: Cell(coefficient(one))),
        row("spread of the judges' scores", "spread", _spread),
        row("the same between instructions of one model", "spread_templates", _spread),
        row("the same between models of one instruction", "spread_models", _spread),
    ]
    return Section(
        "panels",
        "Panels",
        _panel_lead(panels),
        ("Measure", *(PANELS[panel["panel"]] for panel in panels)),
        [one for one in rows if one is not None] if panels else [],
        "The best judge is chosen on the same votes, which holds the gain down. Judges that err "
        "alike are worth fewer. Scores go from −1 (b) to 1 (a); a spread is the standard "
        "deviation on a comparison, averaged over comparisons.",
        "panels",
        "A panel takes two judges.",
    )


def _spread(value: float | None) -> Cell:
    return number(NOTHING if value is None else decimal(value, 2))


def _panel_lead(panels: Sequence[Mapping[str, Any]]) -> str:
    for panel in panels:
        gain = panel["gain"]
        if gain["low"] is None:
            continue
        if gain["low"] > 0:
            return "Averaged, the judges agree with people more than the best of them alone."
        if gain["high"] < 0:
            return "Averaged, the judges agree with people less than the best of them alone."
        return "Whether averaging the judges gains anything over the best of them is not decided."
    return ""
