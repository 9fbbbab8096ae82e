"""Each fault that the checker is there to find is planted, and must be found by its rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from .checker import AT_THE_END
from .history import History, Kind, Line, Op, read_history
from .records import AnnotatorRow, AssignmentRow, VoteRow
from .tale import COUNTED, Tale, count


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
    tale.add_assignment(row)
    tale.change_item("one", taken=3)


def give_a_slot_twice(tale: Tale) -> None:
    tale.change_assignment("bob-1", slot_no=1)


def reserve_without_a_slot(tale: Tale) -> None:
    tale.change_assignment("bob-1", slot_no=None)


def give_a_person_an_item_twice(tale: Tale) -> None:
    row = AssignmentRow("ann-3", "one", "ann", "released", None, False)
    tale.add_assignment(row)


def miscount_taken(tale: Tale) -> None:
    tale.change_item("two", taken=1)


def leave_a_full_item_open(tale: Tale) -> None:
    tale.change_item("two", open=True)


def submit_without_a_vote(tale: Tale) -> None:
    row = AssignmentRow("cy-1", "one", "cy", "submitted", 3, False)
    tale.add_assignment(row)


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
    tale.exclude("bob-1")


def leave_out_what_was_let_back_in(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.lift("bob-1", restored=True)
    count(tale, COUNTED[0], *COUNTED[2:])


def count_what_came_back_as_surplus(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.lift("bob-1", restored=False)


def count_a_gold_pair(tale: Tale) -> None:
    count(tale, *COUNTED, ("gold", "bob", "a"))


def count_the_repeat_in_place_of_the_first(tale: Tale) -> None:
    count(tale, COUNTED[0], ("one", "bob", "a"), *COUNTED[2:])


def export_fewer(tale: Tale) -> None:
    tale.change(exported=COUNTED[1:])


def store_what_contradicts(tale: Tale) -> None:
    tale.say(Kind.FAIL, Op.CONFLICT, "ann", "", "ann-1", **CONFLICT, status=200)


def answer_a_contradiction_with_another_choice(tale: Tale) -> None:
    tale.say(Kind.OK, Op.CONFLICT, "ann", "", "ann-1", **CONFLICT | {"stored": "tie"})


def answer_a_contradiction_with_another_code(tale: Tale) -> None:
    tale.say(Kind.OK, Op.CONFLICT, "ann", "", "ann-1", **CONFLICT | {"code": "study_closed"})


def let_an_excluded_vote_keep_its_slot(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.change_assignment("bob-1", slot_no=2)


def let_a_surplus_vote_keep_its_slot(tale: Tale) -> None:
    tale.change_assignment("bob-1", state="late_surplus")


def give_a_check_a_slot(tale: Tale) -> None:
    tale.change_assignment("bob-3", slot_no=1)


def give_a_repeat_a_slot(tale: Tale) -> None:
    tale.change_assignment("bob-4", slot_no=1)


def let_a_check_be_handed_out_as_work(tale: Tale) -> None:
    tale.change_item("gold", open=True)


def turn_a_check_into_work(tale: Tale) -> None:
    tale.change_item("gold", kind="work")


def keep_a_stopped_item_open(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.change_item("one", stopped=True)


def miscount_who_was_handed(tale: Tale) -> None:
    tale.change(annotators=(AnnotatorRow("ann", 3, 2, 0), AnnotatorRow("bob", 4, 4, 0)))


def miscount_who_answered(tale: Tale) -> None:
    tale.change(annotators=(AnnotatorRow("ann", 2, 2, 0), AnnotatorRow("bob", 4, 3, 0)))


def miscount_who_skipped(tale: Tale) -> None:
    tale.change(annotators=(AnnotatorRow("ann", 2, 2, 1), AnnotatorRow("bob", 4, 4, 0)))


def exclude_without_being_told(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.lines.pop()


def forget_an_exclusion(tale: Tale) -> None:
    tale.exclude("bob-1")
    tale.change_assignment("bob-1", excluded=False)


def pause_without_logging_it(tale: Tale) -> None:
    tale.say(Kind.OK, Op.STUDY_PAUSE)


def log_a_removal_twice(tale: Tale) -> None:
    tale.say(Kind.OK, Op.REMOVE, "cy")
    tale.change(acts_logged={"member.removed": 2})


def hand_out_while_paused(tale: Tale) -> None:
    pause_study(tale)
    tale.change_assignment("bob-2", reserved_at=tale.clock - 5)


def hand_out_to_a_paused_person(tale: Tale) -> None:
    tale.say(Kind.OK, Op.PAUSE, "bob")
    tale.say(Kind.INVOKE, Op.RESUME, "bob")
    tale.change_assignment("bob-2", reserved_at=tale.clock - 5)


def hand_out_to_a_removed_person(tale: Tale) -> None:
    tale.say(Kind.OK, Op.REMOVE, "bob")
    tale.change(acts_logged={"member.removed": 1})
    tale.change_assignment("bob-2", reserved_at=tale.clock + 1)


def hand_out_of_a_stopped_pair(tale: Tale) -> None:
    stop(tale)
    tale.change_assignment("bob-2", reserved_at=tale.clock + 1)


def stop_without_being_told(tale: Tale) -> None:
    tale.change_item("one", stopped=True)


def forget_a_stop(tale: Tale) -> None:
    stop(tale)
    tale.change_item("two", stopped=False)


def end_too_early_although_a_place_came_back_before(tale: Tale) -> None:
    end_too_early(tale)
    tale.lines.insert(0, Line(Kind.OK, Op.EXCLUDE, assignment="bob-1", at=0.1))


CONFLICT = {
    "code": "already_voted",
    "expected": "already_voted",
    "stored": "left",
    "stands": "left",
}


def pause_study(tale: Tale) -> None:
    """A pause and its end, in the log and with nothing handed out."""
    tale.say(Kind.OK, Op.STUDY_PAUSE)
    tale.say(Kind.INVOKE, Op.STUDY_RESUME)
    tale.lines.append(Line(Kind.OK, Op.STUDY_RESUME, at=tale.clock + 1))
    tale.change(acts_logged={"study.paused": 1, "study.resumed": 1})


def stop(tale: Tale) -> None:
    """The pair of systems of both items is stopped."""
    tale.say(Kind.OK, Op.STOP, systems=["x", "y"])
    for item in ("one", "two"):
        tale.change_item(item, stopped=True)


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
    (count_what_came_back_as_surplus, "expectation"),
    (count_a_gold_pair, "expectation"),
    (count_the_repeat_in_place_of_the_first, "expectation"),
    (count_what_nobody_sent, "expectation"),
    (analyse_fewer, "analysis"),
    (analyse_one_twice, "analysis"),
    (report_another_number, "analysis"),
    (report_another_pair, "analysis"),
    (export_fewer, "analysis"),
    (store_what_contradicts, "conflicts"),
    (answer_a_contradiction_with_another_choice, "conflicts"),
    (answer_a_contradiction_with_another_code, "conflicts"),
    (let_an_excluded_vote_keep_its_slot, "slots"),
    (let_a_surplus_vote_keep_its_slot, "slots"),
    (give_a_check_a_slot, "slots"),
    (give_a_check_a_slot, "checks"),
    (give_a_repeat_a_slot, "checks"),
    (let_a_check_be_handed_out_as_work, "checks"),
    (let_a_check_be_handed_out_as_work, "counters"),
    (turn_a_check_into_work, "checks"),
    (count_a_gold_pair, "checks"),
    (keep_a_stopped_item_open, "counters"),
    (miscount_who_was_handed, "people"),
    (miscount_who_answered, "people"),
    (miscount_who_skipped, "people"),
    (exclude_without_being_told, "acts"),
    (forget_an_exclusion, "acts"),
    (pause_without_logging_it, "acts"),
    (log_a_removal_twice, "acts"),
    (hand_out_while_paused, "pauses"),
    (hand_out_to_a_paused_person, "pauses"),
    (hand_out_to_a_removed_person, "pauses"),
    (hand_out_of_a_stopped_pair, "stops"),
    (stop_without_being_told, "stops"),
    (forget_a_stop, "stops"),
    (end_too_early_although_a_place_came_back_before, "endings"),
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
        tale.change(annotators=(AnnotatorRow("ann", 2, 2, 0), AnnotatorRow("bob", 4, 3, 0)))
        count(tale, COUNTED[0], *COUNTED[2:])
    assert tale.rules_broken() == (set() if stored else {"filled"})


def test_a_vote_of_unknown_fate_must_not_say_something_else() -> None:
    tale = Tale()
    tale.lines = [line for line in tale.lines if (line.key, line.kind) != ("k2", Kind.OK)]
    tale.say(Kind.INFO, Op.VOTE, "bob", "k2", "bob-1")
    count(tale, COUNTED[0], ("one", "bob", "tie"), *COUNTED[2:])
    assert "expectation" in tale.rules_broken()


def test_an_excluded_vote_whose_place_another_takes_breaks_no_rule() -> None:
    tale = Tale()
    tale.exclude("bob-1")
    tale.serve("cy", "cy-1", "a1", "b1")
    tale.vote("cy", "cy-1", "k8", "left")
    tale.add_assignment(AssignmentRow("cy-1", "one", "cy", "submitted", 2, False))
    tale.change(
        votes=(
            *tale.records.votes,
            VoteRow("k8", "cy-1", "one", "cy", "left", "a", False, 0, False, tale.clock),
        )
    )
    tale.change_item("one", taken=2, open=False)
    count(tale, COUNTED[0], *COUNTED[2:], ("one", "cy", "a"))
    # Those who were told of the end before, were told the truth.
    assert tale.rules_broken() == set()
    tale.lift("bob-1", restored=False)
    tale.change_assignment("bob-1", state="late_surplus")
    assert tale.rules_broken() == set()


def test_an_exclusion_that_was_lifted_in_time_breaks_no_rule() -> None:
    tale = Tale()
    tale.exclude("bob-1")
    tale.lift("bob-1", restored=True)
    tale.change_assignment("bob-1", slot_no=2)
    tale.change_item("one", taken=2, open=False)
    assert tale.rules_broken() == set()


@pytest.mark.parametrize("act", [pause_study, stop])
def test_an_act_after_which_nothing_is_handed_out_breaks_no_rule(
    act: Callable[[Tale], None],
) -> None:
    tale = Tale()
    act(tale)
    assert tale.rules_broken() == set()


def test_a_claim_that_waited_for_its_lock_may_be_older_than_the_end_of_a_pause() -> None:
    tale = Tale()
    pause_study(tale)
    tale.change_assignment("bob-2", reserved_at=tale.clock - 1)
    assert tale.rules_broken() == set()


def test_an_item_that_was_stopped_need_not_be_full() -> None:
    tale = Tale()
    stop(tale)
    tale.change_item("two", overlap=3)
    assert tale.rules_broken() == set()


def test_a_contradiction_that_is_refused_breaks_no_rule() -> None:
    tale = Tale()
    tale.say(Kind.OK, Op.CONFLICT, "ann", "", "ann-1", **CONFLICT)
    assert tale.rules_broken() == set()


def test_a_surplus_vote_is_stored_and_does_not_count() -> None:
    tale = Tale()
    tale.serve("cy", "cy-1", "a1", "b1")
    tale.send("cy", "cy-1", "k8", "left")
    tale.answer("cy", "cy-1", "k8", "left", status=202, received="late_surplus", late=True)
    tale.add_assignment(AssignmentRow("cy-1", "one", "cy", "late_surplus", None, False))
    tale.change(
        votes=(
            *tale.records.votes,
            VoteRow("k8", "cy-1", "one", "cy", "left", "a", False, 0, True, 9),
        )
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
