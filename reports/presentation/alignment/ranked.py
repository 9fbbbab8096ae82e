"""The systems as one judge ranks them: win rates, their corrections, its own family."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.presentation.figures import coefficient, percentage
from reports.stats.alignment.equal_length import FEWEST
from reports.wording.figures import FIGURES
from reports.wording.numbers import NOTHING, count, decimal, share

from .sections import Cell, Section, number, points, said

Entry = Mapping[str, Any]

# Five systems, each against each; the others unfold.
PAIRS_OPEN = 10


def systems(entry: Entry) -> Section:
    ranked = {row["system"]: row for row in entry["ranking"]["systems"]}
    styled = {row["system"]: row["win_rate"] for row in entry["controlled_win_rates"]}
    # Reports of older formats have none of these.
    level = {row["system"]: row["win_rate"] for row in entry.get("length_controlled_win_rates", ())}
    corrected = {row["system"]: row for row in entry["corrected_win_rates"]}
    sample = entry["sample"]
    head = ["System", "Win rate by people", "By the judge", "At equal length", "At equal style"]
    # Reports of older formats have no strengths here.
    with_strengths = any("strength" in row for row in corrected.values())
    if sample is not None:
        head += ["Corrected by its errors", "Sharpened by it"]
        head += ["Strength, sharpened"] if with_strengths else []
    rows = []
    for system in sorted(corrected | ranked):
        rate, seen = corrected.get(system), ranked.get(system)
        row = [
            said(system),
            number(share(seen["humans"] if seen else None)),
            number(share(seen["judge"] if seen else None)),
            *(
                Cell(percentage(rates[system])) if system in rates else number(NOTHING)
                for rates in (level, styled)
            ),
        ]
        if sample is not None:
            row += [
                Cell(percentage(rate[figure])) if rate else number(NOTHING)
                for figure in ("rogan_gladen", "prediction_powered")
            ]
            if with_strengths:
                row.append(Cell(coefficient(rate["strength"])) if rate else number(NOTHING))
        rows.append(row)
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
        head,
        rows,
        "Win rates by people and by the judge are over the same comparisons, those that people "
        "voted on. Those at equal length and style are the judge's, over all that it decided. At "
        "equal length: how hard a prompt is has a part in it. At equal style: length and Markdown "
        "held equal, all prompts alike."
        + (
            " Corrected: Rogan and Gladen. Sharpened: PPI++, people's votes with the judge's to "
            "help; a strength is in logits, with mean 0."
            if sample is not None
            else ""
        ),
        "corrected_win_rates",
    )


def pairs_at_equal_length(entry: Entry) -> Iterable[Section]:
    """System against system, were all responses of one length; each pair once.

    Nothing where nobody met two others: the rate over all is the same then, and stands above.
    """
    rows = [
        (row["system"], one["system"], one["win_rate"])
        for row in entry.get("length_controlled_win_rates", ())
        for one in row["over"]
        if row["system"] < one["system"]
    ]
    if len(rows) < 2:
        return
    figure = FIGURES["alignment/length_controlled_win_rates"]
    yield Section(
        "equal-length",
        "System against system, at equal length",
        "Win rates that this judge would give if all responses to a prompt were of one length.",
        ("Pair", "Win rate of the first", "Comparisons", "Prompts"),
        [
            [
                said(f"{own} against {other}"),
                Cell(percentage(rate)),
                number(count(rate["n"])),
                number(prompts_of(rate)),
            ]
            for own, other, rate in sorted(rows, key=lambda row: row[:2])
        ],
        f"Method: {figure.method}, after AlpacaEval 2. It assumes: {figure.assumes} A rate needs "
        f"{FEWEST} prompts of its own.",
        figure.anchor,
        shown=PAIRS_OPEN,
    )


def prompts_of(rate: Entry) -> str:
    """How many prompts an estimate rests on; none are counted where it is not given."""
    clusters = rate.get("n_clusters")
    return count(clusters["prompts"]) if clusters else NOTHING


def ranking(entry: Entry) -> Section:
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
    rows = [
        [said(name), Cell(what(found[key])), number(count(found[key]["n"]))]
        for key, name, what in names
    ]
    loss = found["forecast"].get("log_loss")
    if loss is not None:
        pairs = number(count(found["forecast"]["n"]))
        rows.append([said("the same forecast (log loss)"), number(decimal(loss, 2)), pairs])
    return Section(
        "ranking",
        "Its ranking",
        "",
        ("Measure", "Value", "n"),
        rows,
        "With few systems even a perfect order needs its interval. Forecasts: a coin has a Brier "
        "score of 0.25 and a log loss of 0.69.",
        "ranking",
    )


def own_family(entry: Entry) -> Iterable[Section]:
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
