"""Those who rate a study, with the figures of how they rate; sorted and filtered by allow-lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from annotation import quality
from annotation.models import Annotator, AnnotatorState, Study
from annotation.quality import AnnotatorQuality

from .keeping import Kept

Figures = dict[str, Any]

# What a page reads itself: one batch of evidence, and not many answers in it.
FEW_PEOPLE = 50
FEW_ANSWERS = 5_000

# Everybody is read anew after so long, whatever is known to have happened.
WHOLE_SECONDS = 3600
# What was stored at a moment may be seen a while later, at the end of its transaction.
OVERLAP = timedelta(minutes=2)

# Lines of one page of the table.
PAGE_SIZE = 50


def are_many(study: Study) -> bool:
    """Whether a page should leave the reading of everybody's answers to the background."""
    found = Annotator.objects.filter(study=study).aggregate(
        people=Count("pk"), answers=Sum("answered")
    )
    return bool(found["people"] > FEW_PEOPLE or (found["answers"] or 0) > FEW_ANSWERS)


def gave_many(study: Study, annotator: int) -> bool:
    """Whether a page should leave the reading of this one's answers to the background."""
    found = Annotator.objects.filter(study=study, pk=annotator).values_list("answered", flat=True)
    return (found.first() or 0) > FEW_ANSWERS


def read_people(study: Study) -> Figures:
    """The figures of all annotators as plain JSON."""
    return {
        "people": [as_json(row) for row in quality.overview(study)],
        "whole_at": timezone.now().isoformat(),
    }


def read_people_again(study: Study, before: Kept) -> Figures:
    """The same, with the answers read of those alone to whom something happened since."""
    # The release before kept figures without it.
    whole_at = before.figures.get("whole_at")
    if whole_at is None:
        return read_people(study)
    if (timezone.now() - datetime.fromisoformat(whole_at)).total_seconds() > WHOLE_SECONDS:
        return read_people(study)
    changed = quality.changed_since(study, before.counted_at - OVERLAP)
    if changed is None:
        return read_people(study)
    kept = {row["annotator"]: row for row in before.figures["people"]}
    now = Annotator.objects.filter(study=study).values_list("pk", "state", "answered", "skipped")
    for pk, *standing in now:
        row = kept.get(pk)
        if row is None or standing != [row["state"], row["answered"], row["skipped"]]:
            changed.add(pk)
    people = [as_json(row) for row in quality.overview(study, figures_of=changed)]
    if {row["annotator"] for row in people} - changed - kept.keys():
        # Somebody joined between the two queries.
        return read_people_again(study, before)
    for row in people:
        if row["annotator"] not in changed:
            row |= {name: kept[row["annotator"]][name] for name in OF_ANSWERS}
    return {"people": people, "whole_at": whole_at}


def as_json(row: AnnotatorQuality) -> Figures:
    last = row.last_review
    return {
        "annotator": row.annotator,
        "external_id": row.external_id,
        "state": row.state.value,
        "last_seen": None if row.last_seen is None else row.last_seen.isoformat(),
        "findings": [{"rule": finding.rule, "action": finding.action} for finding in row.findings],
        "own_votes": row.own_votes,
        "rejected": last is not None and last.outcome == "reject",
        **{name: getattr(row, name) for name in COUNTS},
        **{name: asdict(getattr(row, name)) for name in RATES},
    }


COUNTS = ("answered", "counted", "skipped", "flagged", "looked_at", "longest_run")
RATES = ("gold", "repeats", "identical", "left", "skips", "agreement", "seconds")
# What follows from the answers that are looked at.
OF_ANSWERS = ("looked_at", "longest_run", *RATES)


@dataclass(frozen=True, slots=True)
class Column:
    """A column by which the table can be sorted.

    Attributes
    ----------
    name : str
        As it stands in an address.
    label : str
    key : callable
        Row → a value that sorts, or None where there is nothing to sort by.
    falls : bool
        Whether the first press puts the largest first.
    """

    name: str
    label: str
    key: Callable[[Figures], Any]
    falls: bool = True


def value_of(name: str) -> Callable[[Figures], Any]:
    return lambda row: row[name]["value"]


STATE_ORDER: dict[str, int] = {
    state.value: place
    for place, state in enumerate(
        (
            AnnotatorState.PAUSED,
            AnnotatorState.ACTIVE,
            AnnotatorState.QUALIFYING,
            AnnotatorState.INVITED,
            AnnotatorState.FAILED,
            AnnotatorState.REMOVED,
        )
    )
}

COLUMNS = {
    column.name: column
    for column in (
        Column("name", "Annotator", lambda row: row["external_id"], falls=False),
        Column("state", "State", lambda row: STATE_ORDER[row["state"]], falls=False),
        Column("findings", "Findings", lambda row: len(row["findings"])),
        Column("counted", "Counted", lambda row: row["counted"]),
        Column("skipped", "Skipped", lambda row: row["skipped"]),
        Column("flagged", "Flagged", lambda row: row["flagged"]),
        Column("seconds", "Median active time, s", value_of("seconds"), falls=False),
        Column("left", "Left share", value_of("left")),
        Column("gold", "Gold right", value_of("gold"), falls=False),
        Column("repeats", "Repeats same", value_of("repeats"), falls=False),
        Column("agreement", "Agreement with the rest", value_of("agreement"), falls=False),
        Column("seen", "Last seen, UTC", lambda row: row["last_seen"]),
    )
}
DEFAULT_COLUMN = "findings"

# Filters by their name in an address: words and what fits.
FILTERS: Mapping[str, tuple[str, Callable[[Figures], bool]]] = {
    "all": ("All", lambda row: True),
    "review": ("To review", lambda row: bool(row["findings"])),
    "active": ("Active", lambda row: row["state"] == AnnotatorState.ACTIVE),
    "training": ("In training", lambda row: row["state"] == AnnotatorState.QUALIFYING),
    "paused": ("Paused", lambda row: row["state"] == AnnotatorState.PAUSED),
    "rejected": ("Rejected", lambda row: row["rejected"]),
    "invited": ("Not begun", lambda row: not row["answered"]),
    "gone": (
        "Not rating any more",
        lambda row: row["state"] in (AnnotatorState.FAILED, AnnotatorState.REMOVED),
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Filter, column and direction of a table, each from its allow-list, and the page."""

    shown: str = "all"
    column: str = DEFAULT_COLUMN
    falls: bool = True
    page: int = 1

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Choice:
        """From an address; whatever is none of ours is left as it is by default."""
        shown = asked.get("show", "")
        column = COLUMNS.get(asked.get("sort", ""), COLUMNS[DEFAULT_COLUMN])
        way = {"up": False, "down": True}.get(asked.get("way", ""), column.falls)
        page = asked.get("page", "")
        return cls(
            shown if shown in FILTERS else "all",
            column.name,
            way,
            int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1,
        )


@dataclass(frozen=True, slots=True)
class Table:
    """One page of the table: rows, how many fit in all, and how many each filter would show."""

    rows: list[Figures]
    of: int
    page: int
    pages: int
    numbers: dict[str, int]


def tabulate(people: list[Figures], choice: Choice) -> Table:
    """Sort and filter; what has no value stays at the end whichever way the rest is sorted."""
    fits = FILTERS[choice.shown][1]
    key = COLUMNS[choice.column].key
    named = sorted((row for row in people if fits(row)), key=lambda row: row["external_id"])
    known = [row for row in named if key(row) is not None]
    known.sort(key=key, reverse=choice.falls)
    rows = known + [row for row in named if key(row) is None]
    pages = max(1, -(-len(rows) // PAGE_SIZE))
    page = min(choice.page, pages)
    return Table(
        rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        len(rows),
        page,
        pages,
        {name: sum(map(fit, people)) for name, (_, fit) in FILTERS.items()},
    )


def seen_at(row: Figures) -> datetime | None:
    return None if row["last_seen"] is None else datetime.fromisoformat(row["last_seen"])
