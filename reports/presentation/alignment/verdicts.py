"""One judge's verdicts beside those of people: agreement, errors, how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from reports.presentation.figures import coefficient, percentage
from reports.presentation.judges import missing_in_words
from reports.wording.numbers import (
    NOTHING,
    count,
    counted,
    decimal,
    named_list,
    p_value,
    percent,
    points_with_interval,
    share,
)
from reports.wording.trust import FEWEST

from .sections import Cell, Section, number, said

VERDICTS = {"a": "a", "tie": "tie", "b": "b", "both_bad": "both bad"}

Entry = Mapping[str, Any]


def beside(entry: Entry) -> Section:
    ceiling, guess = entry["human_ceiling"], entry["constant_guess"]
    majority = guess.get("majority")
    nothing = number(NOTHING)

    def row(name: str, key: str, of_people: Cell, constant: Cell, what: Any = percentage) -> Any:
        found = entry[key]
        return [said(name), Cell(what(found)), of_people, constant, number(count(found["n"]))]

    no_ties = ceiling.get("no_ties")
    others = ceiling.get("leave_one_out", {})
    strict = entry["agreement"].get("strict")
    rows = [
        row("single votes", "agreement", Cell(percentage(ceiling)), Cell(percentage(guess))),
        [
            said("the same, with a tie where its orders disagree"),
            number(share(strict)),
            nothing,
            nothing,
            number(count(entry["agreement"]["n"])),
        ],
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
        asked_in_words(entry),
        ("Agrees with", "Judge", "People", "Best constant answer", "n"),
        rows,
        "People: how often two of them agree on the same comparisons; in the last row each of "
        "them, and the judge in that person's place, against all others."
        + (f" {draws_in_words(entry)}" if entry["agreement_majority"].get("draws") else ""),
        "ceiling",
    )


def asked_in_words(entry: Entry) -> str:
    """How often it was asked, what became of that, and what stays out."""
    said = f"Of {counted(entry['asked'], 'call')} {count(entry['parsed'])} gave a verdict"
    gone = missing_in_words(entry["missing"])
    if gone != NOTHING:
        said += f" ({gone})"
    if entry["half"]:
        has = "has" if entry["half"] == 1 else "have"
        said += (
            f"; {counted(entry['half'], 'comparison')} {has} a verdict in one of two orders only, "
            "and no part in what follows"
        )
    return f"{said}."


def draws_in_words(entry: Entry) -> str:
    draws = counted(entry["agreement_majority"]["draws"], "judged comparison")
    return f"Without one commonest vote, and so without a row against it: {draws}."


def errors(entry: Entry) -> Section:
    table, errors = entry["confusion"], entry["standing"]["errors"]
    columns = [sum(column) for column in zip(*table["majority"], strict=True)]
    with_shares = entry["n"] >= FEWEST
    rows = [
        [
            said(f"says {VERDICTS[label]}"),
            *(
                number(_cell(cell, total, with_shares))
                for cell, total in zip(cells, columns, strict=True)
            ),
        ]
        for label, cells in zip(table["labels"], table["majority"], strict=True)
    ]
    lead = ""
    if errors["opposite"] is not None and with_shares:
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
        "Comparisons with one commonest vote"
        + ("; shares are of the column" if with_shares else "")
        + ". Which response is called a and which b is blind to the outcome.",
        "confusion",
        "No comparison has both a commonest vote and its verdict.",
    )


def _cell(value: int, total: int, with_shares: bool) -> str:
    if not total:
        return NOTHING
    return f"{count(value)} ({percent(value / total, 0)})" if with_shares else count(value)


def stand_in(entry: Entry) -> Section:
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
    design = tested.get("design_effect")
    return Section(
        "stand-in",
        "In an annotator's place",
        lead,
        ("Annotator", "Comparisons", "At least as close to the others", "Behind them, points", "p"),
        rows,
        "The p-values ask whether it is behind by more than the margin, held together by the "
        "method of Benjamini and Yekutieli."
        + (
            f" They take comparisons for independent; those of one prompt go together, which "
            f"makes the variance {decimal(design, 1)} times as large."
            if design is not None and design > 1
            else ""
        ),
        "alt_test",
        str(tested.get("reason", "No annotator shares enough comparisons with others.")),
    )


def left_out(entry: Entry) -> Iterable[Section]:
    """Each annotator, and the judge in that place, against the majority of the others."""
    found = entry["human_ceiling"].get("leave_one_out", {})
    known = [row for row in found.get("raters", ()) if "judge" in row]
    if not known:
        return
    total = {**found, "rater": "all together"}
    yield Section(
        "left-out",
        "Left out one by one",
        "",
        ("Annotator left out", "Comparisons", "Agrees with the others", "The judge does",
         "Judge less annotator, points"),
        [
            [
                said(row["rater"]),
                number(count(row["n"])),
                number(share(row["humans"])),
                number(share(row["judge"])),
                number(" ".join(points_with_interval({**row, "estimate": row["difference"]}))),
            ]
            for row in (*known, total)
        ],
        "Against the commonest vote of the others, on the same comparisons; annotators with 30 or "
        "more of them.",
        "ceiling",
    )  # fmt: skip


def parts(entry: Entry) -> Iterable[Section]:
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


def confidence(entry: Entry) -> Section:
    rows: list[list[Cell]] = []
    for name, key in (
        ("score over both orders", "calibration"),
        ("what it states itself", "stated_calibration"),
    ):
        found = entry[key]
        if not found["error"]["n"] and rows:
            # Judges that state no confidence are the rule.
            continue
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


def coverage(entry: Entry) -> Section:
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


def disagreements(entry: Entry, pair_link: Callable[[str], str]) -> Section:
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
