"""The counted votes as the acknowledgements alone say they must be.

What people were shown, sent and were told, and what operators were told of their exclusions; no
row of the database has a part in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from .history import History, Kind, Line, Op
from .records import CountedVote, Manifest, Texts

COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Served:
    """The texts that a page showed for an assignment."""

    who: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Expected:
    """`certain` votes must be counted; of the others only those of `possible` may be."""

    certain: frozenset[CountedVote]
    possible: frozenset[CountedVote]


def servings(history: History) -> Iterator[tuple[str, Served]]:
    """Every time that an assignment was shown with its texts."""
    for line in history.of(Op.NEXT, Kind.OK):
        for pair in line.data["served"]:
            yield pair["id"], Served(line.who, pair["left"], pair["right"])


def item_of_texts(manifest: Manifest) -> dict[frozenset[str], str]:
    return {frozenset((texts.a, texts.b)): item for item, texts in manifest.texts.items()}


def verdict_of(choice: str, served: Served, texts: Texts) -> str:
    """What a click means, from the texts on the screen; not by the product's own mapping."""
    chosen = {"left": served.left, "right": served.right}.get(choice)
    if chosen is None:
        return choice
    return "a" if chosen == texts.a else "b"


def work_shown(history: History, manifest: Manifest) -> dict[str, tuple[str, Served]]:
    """The assignments whose votes may count, with their items.

    Not those of checks, and of two for the same pair and person only the first that was shown: the
    other is its repeat.
    """
    items = item_of_texts(manifest)
    first: dict[tuple[str, str], str] = {}
    shown: dict[str, tuple[str, Served]] = {}
    for assignment, served in servings(history):
        item = items.get(frozenset((served.left, served.right)))
        if item is None or item in manifest.checks:
            continue
        if first.setdefault((served.who, item), assignment) == assignment:
            shown[assignment] = item, served
    return shown


def excluded(history: History) -> tuple[set[str], set[str]]:
    """The assignments out of the count for sure, and those of which nobody knows.

    One whose exclusion was lifted counts again only if its owner was told that it has a place.
    """
    out: set[str] = set()
    unknown: set[str] = set()
    for line in history.lines:
        if line.op not in (Op.EXCLUDE, Op.LIFT):
            continue
        if line.kind == Kind.INFO:
            unknown.add(line.assignment)
        elif line.kind == Kind.OK and line.op == Op.EXCLUDE:
            out.add(line.assignment)
        elif line.kind == Kind.OK and line.data["restored"]:
            out.discard(line.assignment)
    return out, unknown


def expected_votes(history: History, manifest: Manifest) -> Expected:
    """Rebuild the count from what people were shown, sent and were told, and from nothing else."""
    invoked = {line.key: line for line in history.of(Op.VOTE, Kind.INVOKE)}
    newest: dict[str, Line] = {}
    for line in history.of(Op.VOTE, Kind.OK):
        if line.data["received"] != COUNTED:
            continue
        earlier = newest.get(line.assignment)
        if earlier is None or line.data["revision"] > earlier.data["revision"]:
            newest[line.assignment] = line
    unsettled: dict[str, list[Line]] = defaultdict(list)
    for line in history.of(Op.VOTE, Kind.INFO):
        if line.key in invoked:
            unsettled[line.assignment].append(invoked[line.key])
    shown = work_shown(history, manifest)
    out, unknown = excluded(history)

    def counted(line: Line) -> CountedVote | None:
        if line.assignment not in shown:
            return None
        item, served = shown[line.assignment]
        return item, line.who, verdict_of(line.data["choice"], served, manifest.texts[item])

    certain: set[CountedVote] = set()
    possible: set[CountedVote] = set()
    for assignment, line in newest.items():
        vote = counted(line)
        if vote is None or assignment in out - unknown:
            continue
        (possible if assignment in unknown or unsettled[assignment] else certain).add(vote)
    for assignment, lines in unsettled.items():
        if assignment not in out - unknown:
            possible.update(vote for vote in map(counted, lines) if vote is not None)
    return Expected(frozenset(certain), frozenset(possible))
