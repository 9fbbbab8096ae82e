"""The figures of progress, as the page shows them: in words, with the addresses of their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from annotation.models import Study, StudyState
from reports.wording.numbers import NOTHING, count, percent

from .counts import Figures, total
from .keeping import Kept
from .names import Names
from .progress_words import ago, ending_in_words, foresee, pace_in_words, stopping_in_words

# A page with more pairs is a wall; those furthest behind are what there is to do something about.
MOST_PAIRS = 100
# Figures older than this are said to be.
OLD = 20.0

STATE_WORDS = {
    StudyState.DRAFT: "Not opened yet: nobody rates.",
    StudyState.OPEN: "Pairs are handed out.",
    StudyState.PAUSED: "Nothing is handed out. Votes on open pairs count for ten minutes after a "
    "pause.",
    StudyState.CLOSED: "Closed: no more votes come in.",
    StudyState.ARCHIVED: "Put away; nothing of it is deleted.",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number that leads to its rows."""

    label: str
    value: int
    url: str
    hint: str = ""

    @property
    def text(self) -> str:
        return count(self.value)


@dataclass(frozen=True, slots=True)
class CellLine:
    """A pair of systems, a category of it, or a category of all.

    Attributes
    ----------
    label : str
    counted, wanted, reserved, room : int
    share : float
        Of the wanted votes that are counted, 0 to 1.
    sides : str
        How often the two stood left, the larger first: which is which would tell an outcome beside
        a click.
    state : str
        That its collection has ended, or empty.
    """

    label: str
    counted: int
    wanted: int
    reserved: int
    room: int
    share: float
    sides: str
    state: str
    votes_url: str
    all_url: str
    room_url: str
    reserved_url: str
    is_part: bool = False

    @property
    def has_sides(self) -> bool:
        return self.sides != NOTHING

    @property
    def of_wanted(self) -> str:
        return percent(self.share, 0)


@dataclass(frozen=True, slots=True)
class ProgressView:
    """Everything that the live part of the page shows."""

    counted: Number
    wanted: int
    wanted_url: str
    share: float
    left: int
    about_state: str
    pace: str
    ending: str
    apart: Sequence[Number]
    pairs: Sequence[CellLine]
    hidden_pairs: int
    categories: Sequence[CellLine]
    stopping: Sequence[str]
    adjudication: Number | None
    age: str

    @property
    def wanted_text(self) -> str:
        return count(self.wanted)

    @property
    def left_text(self) -> str:
        return count(self.left)

    @property
    def percent(self) -> str:
        return percent(self.share, 0)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the rows behind the numbers of a study are."""

    study: Study

    def votes(self, show: str, **narrowed: str) -> str:
        return self._list("progress:votes", show, narrowed)

    def comparisons(self, show: str, **narrowed: str) -> str:
        return self._list("progress:comparisons", show, narrowed)

    def _list(self, name: str, show: str, narrowed: Mapping[str, str]) -> str:
        query = urlencode({"show": show, **narrowed})
        return f"{reverse(name, kwargs={'slug': self.study.slug})}?{query}"


def view_progress(study: Study, kept: Kept, names: Names) -> ProgressView:
    """The live part of the page; no query."""
    cells, apart = kept.figures["cells"], kept.figures["apart"]
    at = Addresses(study)
    counted_votes, wanted = total(cells, "counted"), total(cells, "wanted")
    left = sum(max(0, cell["wanted"] - cell["counted"]) for cell in cells if not cell["stopped"])
    foreseen = foresee(study, kept, left)
    pairs, hidden = pair_lines(cells, names, at)
    return ProgressView(
        counted=Number("Votes counted", counted_votes, at.votes("counted")),
        wanted=wanted,
        wanted_url=at.comparisons("all"),
        share=counted_votes / wanted if wanted else 0.0,
        left=left,
        about_state=STATE_WORDS[StudyState(study.state)],
        pace=pace_in_words(study, kept.figures, foreseen),
        ending=ending_in_words(study, foreseen, left),
        apart=apart_numbers(cells, apart, at),
        pairs=pairs,
        hidden_pairs=hidden,
        categories=category_lines(cells, at),
        stopping=stopping_in_words(study, cells, wanted, counted_votes),
        adjudication=None
        if kept.figures["adjudication"] is None
        else Number(
            "Waiting for an adjudicator",
            kept.figures["adjudication"],
            at.comparisons("adjudication"),
        ),
        age="" if kept.age < OLD else f"Counted {ago(kept.age)}.",
    )


def apart_numbers(
    cells: Sequence[Figures], apart: Mapping[str, int], at: Addresses
) -> list[Number]:
    """What is open, lent or kept beside the counted votes."""
    return [
        Number(
            "Open",
            sum(max(0, c["wanted"] - c["counted"] - c["reserved"]) for c in cells),
            at.comparisons("room"),
            "votes that nobody holds a pair for yet",
        ),
        Number("Reserved", total(cells, "reserved"), at.votes("reserved"), "on a screen, or next"),
        Number("Late", total(cells, "late"), at.votes("late"), "counted, after their time"),
        Number("Surplus", apart["surplus"], at.votes("surplus"), "kept and paid, not counted"),
        Number("Excluded", apart["excluded"], at.votes("excluded"), "held out by a decision"),
        Number("Flagged", apart["flagged"], at.votes("flagged"), "pairs with a remark"),
        Number("Skipped", apart["skipped"], at.votes("skipped"), "given back with a reason"),
        Number("Changed", apart["revisions"], at.votes("revisions"), "answers put right later"),
        Number("Gold", apart["gold"], at.votes("gold"), "checks with a known answer"),
        Number("Repeats", apart["repeats"], at.votes("repeats"), "the same pair again"),
        Number("Identical", apart["identical"], at.votes("identical"), "a response with itself"),
        Number("Training", apart["training"], at.votes("training"), "answers of practice rounds"),
    ]


# -- pairs and categories ----------


def line(
    label: str,
    cells: Sequence[Figures],
    at: Addresses,
    narrowed: Mapping[str, str],
    *,
    is_part: bool = False,
) -> CellLine:
    wanted, counted_votes = total(cells, "wanted"), total(cells, "counted")
    more, fewer = (sum(cell["sides"][place] for cell in cells) for place in (0, 1))
    return CellLine(
        label=label,
        counted=counted_votes,
        wanted=wanted,
        reserved=total(cells, "reserved"),
        room=total(cells, "room"),
        share=counted_votes / wanted if wanted else 0.0,
        sides=f"{count(more)} : {count(fewer)}" if more else NOTHING,
        state=stopped_in_words(cells),
        votes_url=at.votes("counted", **narrowed),
        all_url=at.comparisons("all", **narrowed),
        room_url=at.comparisons("room", **narrowed),
        reserved_url=at.votes("reserved", **narrowed),
        is_part=is_part,
    )


def stopped_in_words(cells: Sequence[Figures]) -> str:
    if any(cell["stopped"] is None for cell in cells):
        return ""
    last = max(datetime.fromisoformat(cell["stopped"]) for cell in cells)
    return f"decided {last:%-d %b}"


def pair_lines(cells: Sequence[Figures], names: Names, at: Addresses) -> tuple[list[CellLine], int]:
    """A line for each pair of systems, with its categories below it; how many are left out."""
    by_pair: dict[tuple[int, int], list[Figures]] = defaultdict(list)
    for cell in cells:
        by_pair[cell["systems"][0], cell["systems"][1]].append(cell)
    pairs = sorted(by_pair, key=lambda pair: names.place_of_pair(*pair))
    shown = pairs
    if len(pairs) > MOST_PAIRS:
        behind = sorted(pairs, key=lambda pair: share_of(by_pair[pair]))[:MOST_PAIRS]
        shown = [pair for pair in pairs if pair in set(behind)]
    lines = []
    for pair in shown:
        found, token = by_pair[pair], names.token_of_pair(*pair)
        lines.append(line(names.pair(*pair), found, at, {"pair": token}))
        if len(found) > 1:
            lines += [
                line(
                    category_in_words(cell["category"]),
                    [cell],
                    at,
                    {"pair": token, "category": cell["category"]},
                    is_part=True,
                )
                for cell in sorted(found, key=lambda cell: cell["category"])
            ]
    return lines, len(pairs) - len(shown)


def share_of(cells: Sequence[Figures]) -> float:
    return total(cells, "counted") / max(1, total(cells, "wanted"))


def category_lines(cells: Sequence[Figures], at: Addresses) -> list[CellLine]:
    """A line for each category; none where all prompts are of one."""
    by_category: dict[str, list[Figures]] = defaultdict(list)
    for cell in cells:
        by_category[cell["category"]].append(cell)
    if len(by_category) < 2:
        return []
    return [
        line(category_in_words(name), found, at, {"category": name})
        for name, found in sorted(by_category.items())
    ]


def category_in_words(category: str) -> str:
    return category or "no category"
