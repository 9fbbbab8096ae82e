"""Judges on pages of their own: all beside each other, and one with everything that is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.wording.judges import judge_name
from reports.wording.numbers import (
    NOTHING,
    count,
    decimal,
    named_list,
    p_value,
    percent,
    points_with_interval,
    share,
)
from reports.wording.trust import TrustInWords, trust_in_words

from .figures import Figure, coefficient, figure, percentage
from .judges import missing_in_words

VERDICTS = {"a": "a", "tie": "tie", "b": "b", "both_bad": "both bad"}
TEXTS = {"a": "a is better", "tie": "a tie", "b": "b is better", "both_bad": "both are bad"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure with its interval, or plain text; a link where there is a page behind it."""

    figure: Figure | None = None
    text: str = ""
    link: tuple[str, str] | None = None
    number: bool = True


def said(text: str) -> Cell:
    return Cell(text=text, number=False)


def number(text: str) -> Cell:
    return Cell(text=text)


@dataclass(frozen=True, slots=True)
class Section:
    """
    Attributes
    ----------
    anchor, title : str
    lead : str
        What the table says, in a sentence.
    head : sequence of str
        Of the columns; the first names the row.
    rows : sequence of sequence of Cell
    note : str
    guide : str
        Anchor of the statistics guide.
    empty : str
        What is said in place of the table where it has no rows.
    """

    anchor: str
    title: str
    lead: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    guide: str = ""
    empty: str = "Nothing is known yet."
    # How many rows stand open; the others unfold.
    shown: int = 0

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Titles of the columns, and whether each holds numbers."""
        first = self.rows[0] if self.rows else ()
        return [(title, cell.number) for title, cell in zip(self.head, first, strict=True)]

    @property
    def open_rows(self) -> Sequence[Sequence[Cell]]:
        return self.rows[: self.shown] if self.shown else self.rows

    @property
    def folded_rows(self) -> Sequence[Sequence[Cell]]:
        return self.rows[self.shown :] if self.shown else ()


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


def points(estimate: Mapping[str, Any]) -> Figure:
    return figure(estimate, points_with_interval)


def panel_section(result: Mapping[str, Any]) -> Section:
    """Panels of the report beside their best members."""
    names = {"all": "all judges", "other_families": "judges of no compared system's family"}
    rows = [
        [
            said(f"{names[panel['panel']]} ({len(panel['judges'])})"),
            number(count(panel["n"])),
            Cell(percentage(panel["agreement"])),
            Cell(percentage(panel["plurality"])),
            said(NOTHING if panel["best"] is None else panel["best"]["judge"]),
            Cell(points(panel["gain"])),
            Cell(coefficient(panel["effective_judges"])),
        ]
        for panel in result.get("panels", ())
    ]
    return Section(
        "panels",
        "Panels",
        _panel_lead(result.get("panels", ())),
        ("Panel", "Comparisons", "Averaged, agrees", "By majority, agrees", "Best judge",
         "Gain over it, points", "Worth so many judges"),
        rows,
        "Scores are averaged. The best judge is chosen on the same votes, which holds the gain "
        "down. Judges that err alike are worth fewer.",
        "panels",
        "A panel takes two judges.",
    )  # fmt: skip


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


Entry = Mapping[str, Any]


def sections(entry: Entry, pair_link: Callable[[str], str]) -> list[Section]:
    """What is known of one judge version.

    Parameters
    ----------
    entry : mapping
        Of the report's alignment, with a standing.
    pair_link : function
        From an item's id to the address of its page.
    """
    return [
        _beside(entry),
        _errors(entry),
        _biases(entry),
        _stand_in(entry),
        *_parts(entry),
        _confidence(entry),
        _coverage(entry),
        _systems(entry),
        _ranking(entry),
        *_own_family(entry),
        _disagreements(entry, pair_link),
    ]


def _beside(entry: Entry) -> Section:
    ceiling, guess = entry["human_ceiling"], entry["constant_guess"]
    majority = guess.get("majority")
    nothing = number(NOTHING)

    def row(name: str, key: str, of_people: Cell, constant: Cell, what: Any = percentage) -> Any:
        found = entry[key]
        return [said(name), Cell(what(found)), of_people, constant, number(count(found["n"]))]

    no_ties = ceiling.get("no_ties")
    others = ceiling.get("leave_one_out", {})
    rows = [
        row("single votes", "agreement", Cell(percentage(ceiling)), Cell(percentage(guess))),
        row(
            "votes, where both prefer a side",
            "agreement_no_ties",
            Cell(percentage(no_ties)) if no_ties else nothing,
            nothing,
        ),
        row("the commonest vote", "agreement_majority", nothing, number(share(majority))),
        row("the same, kappa", "cohen_kappa", nothing, number("0"), coefficient),
    ]
    if others.get("n"):
        rows.append(
            [
                said("the majority of the other annotators"),
                number(share(others["judge"])),
                number(share(others["humans"])),
                nothing,
                number(count(others["n"])),
            ]
        )
    return Section(
        "beside",
        "Beside people",
        "",
        ("Agrees with", "Judge", "People", "Best constant answer", "n"),
        rows,
        "People: how often two of them agree on the same comparisons; in the last row each of "
        "them, and the judge in that person's place, against all others.",
        "ceiling",
    )


def _errors(entry: Entry) -> Section:
    table, errors = entry["confusion"], entry["standing"]["errors"]
    columns = [sum(column) for column in zip(*table["majority"], strict=True)]
    rows = [
        [
            said(f"says {VERDICTS[label]}"),
            *(
                number(f"{count(cell)} ({percent(cell / total, 0)})" if total else NOTHING)
                for cell, total in zip(cells, columns, strict=True)
            ),
        ]
        for label, cells in zip(table["labels"], table["majority"], strict=True)
    ]
    lead = ""
    if errors["opposite"] is not None:
        lead = (
            f"Where most people prefer a response ({count(errors['n'])} comparisons), it prefers "
            f"the other one in {percent(errors['opposite'])} and neither in "
            f"{percent(errors['tie'])}."
        )
    return Section(
        "errors",
        "Its errors",
        lead,
        ("Judge", *(f"People: {VERDICTS[label]}" for label in table["labels"])),
        rows,
        "Comparisons with one commonest vote; shares are of the column. Which response is called "
        "a and which b is blind to the outcome.",
        "confusion",
        "No comparison has both a commonest vote and its verdict.",
    )


def _biases(entry: Entry) -> Section:
    position, longer = entry["position_consistency"], entry["longer_wins"]
    bait, missing = entry["bait_wins"], entry["missing_share"]
    by_side = [
        f"{share(row['missing'] / row['n'])} where {TEXTS[row['verdict']]}"
        for row in missing.get("by_majority", ())
    ]
    rows = [
        [
            said("same verdict in both orders"),
            Cell(percentage(position)),
            number(NOTHING),
            said(
                f"{count(position['first_both'])} pairs go to whichever is shown first, "
                f"{count(position['second_both'])} to the second, p "
                f"{p_value(position['p_value'])}"
                if "first_both" in position
                else ""
            ),
        ],
        [
            said("longer response wins"),
            Cell(percentage(longer)),
            number(share(longer.get("humans"))),
            said(f"{decimal(100 * longer['excess'], 1)} points more" if "excess" in longer else ""),
        ],
        [
            said("length effect at equal preference, logits"),
            Cell(coefficient(entry["length_effect"])),
            number("0"),
            said(""),
        ],
        [
            said("responses that speak to a judge score"),
            Cell(percentage(bait)),
            number(share(bait.get("humans"))),
            said(f"{count(bait['n_voted'])} with votes" if bait.get("n_voted") else ""),
        ],
        [
            said("calls without a verdict"),
            Cell(percentage(missing)),
            number(NOTHING),
            said(
                named_list([missing_in_words(entry["missing"]), *by_side])
                if any(entry["missing"].values())
                else ""
            ),
        ],
        [
            said("drift since the last sample, points"),
            Cell(points(entry["drift"])),
            number("0"),
            said(""),
        ],
    ]
    return Section(
        "biases",
        "What sways it",
        "",
        ("Measure", "Judge", "People", "More"),
        rows,
        "One half is not the neutral value for length: people prefer the longer response, too.",
        "standing",
    )


def _stand_in(entry: Entry) -> Section:
    tested = entry["alt_test"]
    rows = [
        [
            said(row["rater"]),
            number(count(row["n"])),
            number(percent(row["rho"])),
            number(decimal(100 * row["disadvantage"], 1) if "disadvantage" in row else NOTHING),
            number(p_value(row["p_value"])),
        ]
        for row in tested.get("raters", ())
    ]
    lead = ""
    if tested["estimate"] is not None:
        passed = {True: "It passes.", False: "It has not passed.", None: "No verdict yet."}
        lead = (
            f"In place of {percent(tested['estimate'], 0)} of these annotators it does as well as "
            f"they do, with a margin of {round(100 * tested['epsilon'])} points; half of them is "
            f"enough. {passed[tested['passed']]}"
        )
    return Section(
        "stand-in",
        "In an annotator's place",
        lead,
        ("Annotator", "Comparisons", "At least as close to the others", "Behind them, points", "p"),
        rows,
        "The p-values ask whether it is behind by more than the margin, held together by the "
        "method of Benjamini and Yekutieli.",
        "alt_test",
        str(tested.get("reason", "No annotator shares enough comparisons with others.")),
    )


def _parts(entry: Entry) -> Iterable[Section]:
    head = ("Comparisons", "Judge", "Human ceiling", "Best constant answer")

    def row(name: str, part: Entry) -> list[Cell]:
        return [
            said(name),
            number(count(part["n"])),
            Cell(percentage(part["agreement"])),
            Cell(percentage(part["human_ceiling"])),
            Cell(percentage(part["constant_guess"])),
        ]

    if entry["categories"]:
        yield Section(
            "categories", "By category", "", ("Category", *head),
            [row(part["category"], part) for part in entry["categories"]],
            "Agreement with single votes.", "judge-categories",
        )  # fmt: skip
    if entry["criteria"]:
        yield Section(
            "criteria", "By criterion", "", ("Criterion", *head, "Weighted kappa"),
            [
                [*row(part["criterion"], part), Cell(coefficient(part["weighted_kappa"]))]
                for part in entry["criteria"]
            ],
            "Kappa is with the commonest vote, with quadratic weights over the ordered answers.",
            "judge-criteria",
        )  # fmt: skip


def _confidence(entry: Entry) -> Section:
    rows = []
    for name, key in (
        ("score over both orders", "calibration"),
        ("what it states itself", "stated_calibration"),
    ):
        found = entry[key]
        rows.append(
            [
                said(name),
                *(
                    Cell(coefficient(found[part]))
                    for part in ("error", "brier", "auroc", "mapped_brier")
                ),
                number(count(found["error"]["n"])),
            ]
        )
    return Section(
        "confidence",
        "Its confidence",
        "",
        ("Confidence", "Calibration error", "Brier score", "AUROC", "Brier score, mapped", "n"),
        rows,
        "AUROC of 0.5: its confidence tells nothing. Mapped: after a curve that was fitted on "
        "other prompts.",
        "calibration",
    )


def _coverage(entry: Entry) -> Section:
    steps = entry["calibration"]["coverage"]
    return Section(
        "coverage",
        "Accept the sure ones, send the rest to people",
        "",
        ("Confidence at least", "Accepted", "Right among them"),
        [
            [
                number(decimal(step["at_least"], 2)),
                number(percent(step["coverage"])),
                number(percent(step["accuracy"])),
            ]
            for step in steps
        ],
        "Right: as most people say.",
        "calibration",
        "There are too few comparisons with a commonest vote.",
    )


def _systems(entry: Entry) -> Section:
    ranked = {row["system"]: row for row in entry["ranking"]["systems"]}
    styled = {row["system"]: row["win_rate"] for row in entry["controlled_win_rates"]}
    corrected = {row["system"]: row for row in entry["corrected_win_rates"]}
    rows = []
    for system in sorted(corrected | ranked):
        rate, seen = corrected.get(system), ranked.get(system)
        rows.append(
            [
                said(system),
                number(share(seen["humans"] if seen else None)),
                number(share(seen["judge"] if seen else None)),
                Cell(percentage(styled[system])) if system in styled else number(NOTHING),
                Cell(percentage(rate["rogan_gladen"])) if rate else number(NOTHING),
                Cell(percentage(rate["prediction_powered"])) if rate else number(NOTHING),
            ]
        )
    sample = entry["sample"]
    lead = (
        "Win rates are not corrected for its errors: for that, send a random sample to people."
        if sample is None
        else f"Corrected by {count(sample['drawn'])} comparisons that were drawn at random from "
        f"{count(sample['frame'])} and given to people."
    )
    return Section(
        "systems",
        "The systems by this judge",
        lead,
        ("System", "Win rate by people", "By the judge", "At equal style",
         "Corrected by its errors", "Sharpened by it"),
        rows,
        "People and judge on the same comparisons. Corrected: Rogan and Gladen. Sharpened: PPI++, "
        "people's votes with the judge's to help.",
        "corrected_win_rates",
    )  # fmt: skip


def _ranking(entry: Entry) -> Section:
    found = entry["ranking"]
    names = (
        ("spearman", "rank correlation (Spearman)", coefficient),
        ("kendall", "rank correlation (Kendall)", coefficient),
        ("gap", "mean distance of win rates, points", points),
        ("separability", "pairs of systems that it keeps apart", percentage),
        ("separability_humans", "pairs that people keep apart", percentage),
        ("same_conclusions", "same conclusion where people have one", percentage),
        ("forecast", "forecast of a pair (Brier score)", coefficient),
    )
    return Section(
        "ranking",
        "Its ranking",
        "",
        ("Measure", "Value", "n"),
        [
            [said(name), Cell(what(found[key])), number(count(found[key]["n"]))]
            for key, name, what in names
        ],
        "With few systems even a perfect order needs its interval.",
        "ranking",
    )


def _own_family(entry: Entry) -> Iterable[Section]:
    if not entry["self_preference"]:
        return
    yield Section(
        "self-preference",
        "Systems of its own family",
        "",
        ("System", "Family", "Adds beyond other judges, points", "By it", "By others", "By people"),
        [
            [
                said(row["system"]),
                said(row["family"]),
                Cell(points(row["extra"])),
                *(number(share(row["extra"].get(key))) for key in ("judge", "others", "humans")),
            ]
            for row in entry["self_preference"]
        ],
        "Families are told by names.",
        "self_preference",
    )


def _disagreements(entry: Entry, pair_link: Callable[[str], str]) -> Section:
    shown = entry["disagreements"]
    rows = [
        [
            Cell(link=(pair_link(row["item"]), row["item"]), number=False),
            said(f"{row['system_a']} v {row['system_b']}"),
            said(VERDICTS[row["verdict"]]),
            said(votes_in_words(row["votes"])),
            number(decimal(row["distance"], 2)),
        ]
        for row in shown
    ]
    total = entry["n_disagreements"]
    lead = f"{count(total)} of {count(entry['n'])} comparisons; the worst come first."
    if total > len(shown):
        lead += f" The first {count(len(shown))} are shown."
    return Section(
        "disagreements",
        "Where it disagrees with people",
        lead if total else "",
        ("Comparison", "a v b", "Judge", "People", "Distance"),
        rows,
        "Distance of its score from the mean vote, at most 2.",
        "disagreements",
        "It says what a commonest vote says on every comparison.",
        shown=10,
    )


def votes_in_words(votes: Mapping[str, int]) -> str:
    parts = [f"{count(n)} {VERDICTS[verdict]}" for verdict, n in votes.items() if n]
    return named_list(parts) or NOTHING


__all__ = [
    "Cell",
    "JudgeInBrief",
    "Section",
    "in_brief",
    "panel_section",
    "sections",
    "votes_in_words",
]
