"""A run in which everything is as it should be, to plant faults in."""

from __future__ import annotations

from dataclasses import replace

from .checker import check
from .evidence import Evidence
from .history import History, Kind, Line, Op
from .records import (
    AnnotatorRow,
    AssignmentRow,
    ItemRow,
    Manifest,
    Records,
    Texts,
    VoteRow,
)

MANIFEST = Manifest(
    texts={"one": Texts("a1", "b1"), "two": Texts("a2", "b2"), "gold": Texts("a3", "b3")},
    systems={"one": ("x", "y"), "two": ("y", "x"), "gold": ("x", "y")},
    checks=frozenset({"gold"}),
)


class Tale:
    """A run in which two people rate two items once each, and everything is as it should be.

    One of them rates a gold pair, too, and one of the items a second time as a repeat.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.clock = 0.0
        self.serve("ann", "ann-1", "a1", "b1")
        self.vote("ann", "ann-1", "k1", "left")
        self.serve("bob", "bob-1", "b1", "a1")
        self.vote("bob", "bob-1", "k2", "left")
        self.serve("ann", "ann-2", "b2", "a2")
        self.vote("ann", "ann-2", "k3", "tie")
        self.vote("ann", "ann-2", "k4", "right", revision=1)
        self.serve("bob", "bob-2", "a2", "b2")
        self.vote("bob", "bob-2", "k5", "both_bad")
        self.serve("bob", "bob-3", "a3", "b3")
        self.vote("bob", "bob-3", "k6", "left")
        self.serve("bob", "bob-4", "a1", "b1")
        self.vote("bob", "bob-4", "k7", "left")
        self.say(Kind.OK, Op.NEXT, "ann", served=[], empty="finished")
        self.records = Records(
            items=(
                ItemRow("one", 2, 2, False),
                ItemRow("two", 2, 2, False),
                ItemRow("gold", 2, 0, False, "gold"),
            ),
            assignments=(
                AssignmentRow("ann-1", "one", "ann", "submitted", 1, False),
                AssignmentRow("bob-1", "one", "bob", "submitted", 2, True),
                AssignmentRow("ann-2", "two", "ann", "submitted", 1, True),
                AssignmentRow("bob-2", "two", "bob", "submitted", 2, False),
                AssignmentRow("bob-3", "gold", "bob", "submitted", None, False, "gold"),
                AssignmentRow("bob-4", "one", "bob", "submitted", None, False, pass_no=1),
            ),
            votes=(
                VoteRow("k1", "ann-1", "one", "ann", "left", "a", False, 0, False, 1),
                VoteRow("k2", "bob-1", "one", "bob", "left", "b", True, 0, False, 2),
                VoteRow("k3", "ann-2", "two", "ann", "tie", "tie", True, 0, False, 3),
                VoteRow("k4", "ann-2", "two", "ann", "right", "a", True, 1, False, 4),
                VoteRow("k5", "bob-2", "two", "bob", "both_bad", "both_bad", False, 0, False, 5),
                VoteRow("k6", "bob-3", "gold", "bob", "left", "a", False, 0, False, 6),
                VoteRow("k7", "bob-4", "one", "bob", "left", "a", False, 0, False, 7),
            ),
            annotators=(AnnotatorRow("ann", 2, 2, 0), AnnotatorRow("bob", 4, 4, 0)),
            counted=COUNTED,
            analysed=COUNTED,
            exported=COUNTED,
            reported_votes=4,
            reported_pairs={("x", "y"): 4},
            revisions_logged=("ann-2",),
        )

    def say(
        self, kind: Kind, op: Op, who: str = "", key: str = "", assignment: str = "", **data: object
    ) -> None:
        self.clock += 10
        self.lines.append(Line(kind, op, who, key, assignment, data, self.clock))

    def serve(self, who: str, assignment: str, left: str, right: str) -> None:
        served = [{"id": assignment, "left": left, "right": right}]
        self.say(Kind.OK, Op.NEXT, who, served=served, empty=None)

    def send(self, who: str, assignment: str, key: str, choice: str) -> None:
        self.say(Kind.INVOKE, Op.VOTE, who, key, assignment, choice=choice)

    def answer(self, who: str, assignment: str, key: str, choice: str, **other: object) -> None:
        told = {
            "status": 200,
            "received": "counted",
            "late": False,
            "revision": 0,
            "replayed": False,
            "choice": choice,
        }
        self.say(Kind.OK, Op.VOTE, who, key, assignment, **{**told, **other})

    def vote(self, who: str, assignment: str, key: str, choice: str, revision: int = 0) -> None:
        self.send(who, assignment, key, choice)
        self.answer(who, assignment, key, choice, revision=revision)

    def rules_broken(self) -> set[str]:
        evidence = Evidence(History(lines=self.lines), self.records, MANIFEST)
        return {violation.rule for violation in check(evidence)}

    def change(self, **rows: object) -> None:
        self.records = replace(self.records, **rows)

    def change_vote(self, key: str, **columns: object) -> None:
        votes = self.records.votes
        self.change(
            votes=tuple(replace(row, **columns) if row.key == key else row for row in votes)
        )

    def change_assignment(self, assignment: str, **columns: object) -> None:
        self.change(
            assignments=tuple(
                replace(row, **columns) if row.assignment == assignment else row
                for row in self.records.assignments
            )
        )

    def add_assignment(self, row: AssignmentRow) -> None:
        """One more, which its holder's counters know of."""
        self.change(assignments=(*self.records.assignments, row))
        people = {who.annotator: who for who in self.records.annotators}
        known = people.get(row.annotator, AnnotatorRow(row.annotator, 0, 0, 0))
        people[row.annotator] = replace(
            known,
            handed=known.handed + 1,
            answered=known.answered + (row.state in ("submitted", "late_surplus")),
            skipped=known.skipped + (row.state == "released"),
        )
        self.change(annotators=tuple(people.values()))

    def exclude(self, assignment: str) -> None:
        """Take an assignment of `one` out of the count, as an operator does."""
        self.say(Kind.OK, Op.EXCLUDE, assignment=assignment)
        self.change_assignment(assignment, excluded=True, slot_no=None)
        self.change_item("one", taken=1, open=True)

    def lift(self, assignment: str, *, restored: bool) -> None:
        self.say(Kind.OK, Op.LIFT, assignment=assignment, restored=restored)
        self.change_assignment(assignment, excluded=False)

    def change_item(self, item: str, **columns: object) -> None:
        self.change(
            items=tuple(
                replace(row, **columns) if row.item == item else row for row in self.records.items
            )
        )

    def drop_vote(self, key: str) -> None:
        self.change(votes=tuple(row for row in self.records.votes if row.key != key))


COUNTED = (
    ("one", "ann", "a"),
    ("one", "bob", "b"),
    ("two", "ann", "a"),
    ("two", "bob", "both_bad"),
)


def count(tale: Tale, *votes: tuple[str, str, str]) -> None:
    """Let the product count these, everywhere."""
    tale.change(
        counted=votes,
        analysed=votes,
        exported=votes,
        reported_votes=len(votes),
        reported_pairs={("x", "y"): len(votes)},
    )
