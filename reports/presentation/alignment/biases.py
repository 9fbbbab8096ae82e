"""What sways one judge: places, length, texts that speak to it, names, silence, drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    share,
)

from .sections import Cell, Section, number, points, said
from .verdicts import Entry

TEXTS = {"a": "a is better", "tie": "a tie", "b": "b is better", "both_bad": "both are bad"}


def biases(entry: Entry) -> Section:
    position, longer = entry["position_consistency"], entry["longer_wins"]
    bait, missing = entry["bait_wins"], entry["missing_share"]
    by_side = [
        f"{count(row['missing'])} of {count(row['n'])} where {TEXTS[row['verdict']]}"
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
        *_replicates(position),
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
        *_named(entry),
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


def _named(entry: Entry) -> Iterable[list[Cell]]:
    """How many of its pairs tell who wrote them; never by which name."""
    # Reports of older formats do not know.
    found = entry.get("maker_names")
    if found is None:
        return
    parts = [
        f"agrees in {percent(figure['estimate'])} of votes {where}"
        for figure, where in (
            (found["agreement_named"], "there"),
            (found["agreement_others"], "elsewhere"),
        )
        if figure["estimate"] is not None
    ]
    if found.get("named"):
        parts.insert(0, counted(found["named"], "pair"))
    yield [
        said("pairs in which a response names a maker"),
        Cell(percentage(found)),
        number(NOTHING),
        said("; ".join(parts) if found.get("named") else ""),
    ]


def _replicates(position: Mapping[str, Any]) -> Iterable[list[Cell]]:
    """What only a judge that was asked in both orders, or more than once, can be told."""
    first, stability = position.get("first_share"), position.get("stability")
    rows = (
        ("calls that go to the response shown first", first, "one half, but for ties, is neutral"),
        ("same answer when asked again", stability, "what is missing to all of them is noise"),
    )
    for name, value, more in rows:
        if value is not None:
            yield [said(name), number(share(value)), number(NOTHING), said(more)]
