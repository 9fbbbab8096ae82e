"""Each fault that the checker is there to find is planted, and must be found by its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from .checker import AT_THE_END, Evidence, check
from .history import History, Kind, Line, Op, read_history
from .records import AssignmentRow, ItemRow, Manifest, Records, Texts, VoteRow

MANIFEST = Manifest(
    texts={"one": Texts("a1", "b1"), "two": Texts("a2", "b2")},
    systems={"one": ("x", "y"), "two": ("y", "x")},
)


class Tale:
    """A run in which two people rate two items once each, and everything is as it should be."""

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
        self.say(Kind.OK, Op.NEXT, "ann", served=[], empty="finished")
        self.records = Records(
            items=(ItemRow("one", 2, 2, False), ItemRow("two", 2, 2, False)),
            assignments=(
                AssignmentRow("ann-1", "one", "ann", "submitted", 1, False),
                AssignmentRow("bob-1", "one", "bob", "submitted", 2, True),
                AssignmentRow("ann-2", "two", "ann", "submitted", 1, True),
                AssignmentRow("bob-2", "two", "bob", "submitted", 2, False),
            ),
            votes=(
                VoteRow("k1", "ann-1", "one", "ann", "left", "a", False, 0, False, 1),
                VoteRow("k2", "bob-1", "one", "bob", "left", "b", True, 0, False, 2),
                VoteRow("k3", "ann-2", "two", "ann", "tie", "tie", True, 0, False, 3),
                VoteRow("k4", "ann-2", "two", "ann", "right", "a", True, 1, False, 4),
                VoteRow("k5", "bob-2", "two", "bob", "both_bad", "both_bad", False, 0, False, 5),
            ),
            counted=COUNTED,
            analysed=COUNTED,
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
        reported_votes=len(votes),
        reported_pairs={("x", "y"): len(votes)},
    )


def lose_a_vote(tale: Tale) -> None:
    tale.drop_vote("k2")


def store_a_vote_twice(tale: Tale) -> None:
    copy = replace(tale.records.votes[1], revision=1)
    tale.change(votes=(*tale.records.votes, copy), revisions_logged=("ann-2", "bob-1"))


def store_another_choice(tale: Tale) -> None:
    tale.change_vote("k1", choice="right")


def forget_that_it_was_late(tale: Tale) -> None:
    tale.change_vote("k1", late=True)


def answer_a_repeat_otherwise(tale: Tale) -> None:
    tale.answer("bob", "bob-1", "k2", "left", late=True, replayed=True)


def take_a_repeat_for_a_first(tale: Tale) -> None:
    tale.answer("bob", "bob-1", "k2", "left")


def invent_a_vote(tale: Tale) -> None:
    tale.lines = [line for line in tale.lines if line.key != "k2"]


def store_a_refused_vote(tale: Tale) -> None:
    tale.say(Kind.FAIL, Op.VOTE, "bob", "k2", "bob-1", status=409)


def count_too_many(tale: Tale) -> None:
    tale.change_item("one", overlap=1, taken=2)


def count_a_person_twice(tale: Tale) -> None:
    count(tale, *COUNTED, COUNTED[0])


def reserve_a_place_too_many(tale: Tale) -> None:
    row = AssignmentRow("cy-1", "one", "cy", "reserved", 3, False)
    tale.change(assignments=(*tale.records.assignments, row))
    tale.change_item("one", taken=3)


def give_a_slot_twice(tale: Tale) -> None:
    tale.change_assignment("bob-1", slot_no=1)


def reserve_without_a_slot(tale: Tale) -> None:
    tale.change_assignment("bob-1", slot_no=None)


def give_a_person_an_item_twice(tale: Tale) -> None:
    row = AssignmentRow("ann-3", "one", "ann", "released", None, False)
    tale.change(assignments=(*tale.records.assignments, row))


def miscount_taken(tale: Tale) -> None:
    tale.change_item("two", taken=1)


def leave_a_full_item_open(tale: Tale) -> None:
    tale.change_item("two", open=True)


def submit_without_a_vote(tale: Tale) -> None:
    row = AssignmentRow("cy-1", "one", "cy", "submitted", 3, False)
    tale.change(assignments=(*tale.records.assignments, row))


def skip_a_revision(tale: Tale) -> None:
    tale.change_vote("k4", revision=2)


def turn_the_sides_of_an_assignment(tale: Tale) -> None:
    tale.change_assignment("bob-2", swapped=True)


def turn_the_sides_of_a_vote(tale: Tale) -> None:
    tale.change_vote("k5", swapped=True)


def show_a_pair_in_two_ways(tale: Tale) -> None:
    tale.serve("bob", "bob-2", "b2", "a2")


def show_a_pair_to_somebody_else(tale: Tale) -> None:
    tale.serve("cy", "bob-2", "a2", "b2")


def show_a_pair_that_is_not_stored(tale: Tale) -> None:
    tale.serve("cy", "cy-1", "a1", "b1")


def vote_on_what_was_not_shown(tale: Tale) -> None:
    tale.lines = [line for line in tale.lines if line.op != Op.NEXT or line.who != "bob"]


def break_the_chain(tale: Tale) -> None:
    tale.change(audit_faults=("seq 3 was changed after it was written",))


def leave_a_revision_out_of_the_log(tale: Tale) -> None:
    tale.change(revisions_logged=())


def log_a_revision_that_is_none(tale: Tale) -> None:
    tale.change(revisions_logged=("ann-2", "bob-1"))


def end_too_early(tale: Tale) -> None:
    # Told at the first moment that nothing is left, when all the votes were still to come.
    told = Line(Kind.OK, Op.NEXT, "cy", data={"served": [], "empty": "finished"}, at=0.5)
    tale.lines.insert(0, told)


def leave_out_an_acknowledged_vote(tale: Tale) -> None:
    count(tale, *COUNTED[1:])


def count_the_first_revision(tale: Tale) -> None:
    count(tale, *COUNTED[:2], ("two", "ann", "tie"), COUNTED[3])


def count_the_wrong_side(tale: Tale) -> None:
    count(tale, ("one", "ann", "b"), *COUNTED[1:])


def count_an_excluded_vote(tale: Tale) -> None:
    tale.say(Kind.OK, Op.EXCLUDE, assignment="bob-1")


def leave_out_what_was_let_back_in(tale: Tale) -> None:
    tale.say(Kind.OK, Op.EXCLUDE, assignment="bob-1")
    tale.say(Kind.OK, Op.LIFT, assignment="bob-1")
    count(tale, COUNTED[0], *COUNTED[2:])


def count_what_nobody_sent(tale: Tale) -> None:
    count(tale, *COUNTED, ("two", "cy", "a"))


def analyse_fewer(tale: Tale) -> None:
    tale.change(analysed=COUNTED[1:])


def analyse_one_twice(tale: Tale) -> None:
    tale.change(analysed=(*COUNTED, COUNTED[0]))


def report_another_number(tale: Tale) -> None:
    tale.change(reported_votes=5)


def report_another_pair(tale: Tale) -> None:
    tale.change(reported_pairs={("x", "y"): 3, ("x", "z"): 1})


def leave_an_item_unfilled(tale: Tale) -> None:
    tale.change_item("two", overlap=3, open=True)


PLANTED: list[tuple[Callable[[Tale], None], str]] = [
    (lose_a_vote, "acknowledged"),
    (store_a_vote_twice, "acknowledged"),
    (store_another_choice, "acknowledged"),
    (forget_that_it_was_late, "acknowledged"),
    (answer_a_repeat_otherwise, "one_answer"),
    (take_a_repeat_for_a_first, "one_answer"),
    (invent_a_vote, "invoked"),
    (store_another_choice, "invoked"),
    (store_a_refused_vote, "invoked"),
    (count_too_many, "overlap"),
    (count_a_person_twice, "overlap"),
    (reserve_a_place_too_many, "slots"),
    (give_a_slot_twice, "slots"),
    (reserve_without_a_slot, "slots"),
    (give_a_person_an_item_twice, "slots"),
    (miscount_taken, "counters"),
    (leave_a_full_item_open, "counters"),
    (submit_without_a_vote, "states"),
    (skip_a_revision, "states"),
    (turn_the_sides_of_an_assignment, "sides"),
    (turn_the_sides_of_a_vote, "sides"),
    (show_a_pair_in_two_ways, "sides"),
    (show_a_pair_to_somebody_else, "sides"),
    (show_a_pair_that_is_not_stored, "sides"),
    (vote_on_what_was_not_shown, "sides"),
    (break_the_chain, "log"),
    (leave_a_revision_out_of_the_log, "log"),
    (log_a_revision_that_is_none, "log"),
    (end_too_early, "endings"),
    (leave_out_an_acknowledged_vote, "expectation"),
    (count_the_first_revision, "expectation"),
    (count_the_wrong_side, "expectation"),
    (count_an_excluded_vote, "expectation"),
    (leave_out_what_was_let_back_in, "expectation"),
    (count_what_nobody_sent, "expectation"),
    (analyse_fewer, "analysis"),
    (analyse_one_twice, "analysis"),
    (report_another_number, "analysis"),
    (report_another_pair, "analysis"),
    (leave_an_item_unfilled, "filled"),
]


def test_a_run_without_faults_breaks_no_rule() -> None:
    assert Tale().rules_broken() == set()


@pytest.mark.parametrize(
    ("plant", "rule"), PLANTED, ids=[f"{plant.__name__}-{rule}" for plant, rule in PLANTED]
)
def test_a_planted_fault_is_found_by_its_rule(plant: Callable[[Tale], None], rule: str) -> None:
    tale = Tale()
    plant(tale)
    assert rule in tale.rules_broken()


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule.__name__ for rule in AT_THE_END} == {rule for _, rule in PLANTED}


@pytest.mark.parametrize("stored", [True, False])
def test_a_vote_of_unknown_fate_may_be_stored_or_not(stored: bool) -> None:
    tale = Tale()
    tale.lines = [line for line in tale.lines if (line.key, line.kind) != ("k2", Kind.OK)]
    tale.say(Kind.INFO, Op.VOTE, "bob", "k2", "bob-1")
    if not stored:
        tale.drop_vote("k2")
        tale.change_assignment("bob-1", state="reserved")
        count(tale, COUNTED[0], *COUNTED[2:])
    assert tale.rules_broken() == (set() if stored else {"filled"})


def test_a_vote_of_unknown_fate_must_not_say_something_else() -> None:
    tale = Tale()
    tale.lines = [line for line in tale.lines if (line.key, line.kind) != ("k2", Kind.OK)]
    tale.say(Kind.INFO, Op.VOTE, "bob", "k2", "bob-1")
    count(tale, COUNTED[0], ("one", "bob", "tie"), *COUNTED[2:])
    assert "expectation" in tale.rules_broken()


def test_an_excluded_vote_that_is_left_out_breaks_no_rule() -> None:
    tale = Tale()
    tale.say(Kind.OK, Op.EXCLUDE, assignment="bob-1")
    count(tale, COUNTED[0], *COUNTED[2:])
    assert tale.rules_broken() == set()


def test_a_surplus_vote_is_stored_and_does_not_count() -> None:
    tale = Tale()
    tale.serve("cy", "cy-1", "a1", "b1")
    tale.send("cy", "cy-1", "k6", "left")
    tale.answer("cy", "cy-1", "k6", "left", status=202, received="late_surplus", late=True)
    tale.change(
        assignments=(
            *tale.records.assignments,
            AssignmentRow("cy-1", "one", "cy", "late_surplus", None, False),
        ),
        votes=(
            *tale.records.votes,
            VoteRow("k6", "cy-1", "one", "cy", "left", "a", False, 0, True, 9),
        ),
    )
    assert tale.rules_broken() == set()
    count(tale, *COUNTED, ("one", "cy", "a"))
    assert {"overlap", "expectation"} <= tale.rules_broken()


def test_a_history_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with path.open("w") as file:
        written = History(file)
        written.add(Kind.OK, Op.NEXT, who="ann", served=[{"id": "1", "left": "l"}], empty=None)
        written.add(Kind.INVOKE, Op.VOTE, who="ann", key="k", assignment="1", choice="left")
    assert read_history(path).lines == written.lines
