"""Rows about assignments, votes and what stands beside a vote that the database must refuse."""

from __future__ import annotations

import uuid
from functools import partial

from annotation.models import (
    AssignmentState,
    Choice,
    ComparisonKind,
    Criterion,
    Exclusion,
    Verdict,
    Vote,
    VoteNote,
)
from tests import factories

from .world import BadRow, change, twice

BAD_VOTES: list[BadRow] = [
    # Assignments
    (
        "one slot held twice",
        "assignment_slot_once",
        lambda w: factories.make_assignment(w.comparison, slot_no=w.holder.slot_no),
    ),
    (
        "one pair lent twice to a person",
        "assignment_person_once",
        lambda w: factories.make_assignment(w.comparison, w.holder.annotator),
    ),
    (
        "a slot above the overlap",
        "assignment_slot_within_overlap",
        lambda w: factories.make_assignment(w.comparison, slot_no=4),
    ),
    (
        "a slot below one",
        "assignment_slot_within_overlap",
        lambda w: factories.make_assignment(w.comparison, slot_no=0),
    ),
    (
        "a slot held by a repeat",
        "assignment_only_work_holds_slots",
        lambda w: factories.make_assignment(w.comparison, pass_no=1, slot_no=3),
    ),
    (
        "a slot of a gold pair",
        "assignment_only_work_holds_slots",
        lambda w: factories.make_assignment(
            w.other_comparison(kind=ComparisonKind.GOLD, gold={"overall": ["a"]}), slot_no=1
        ),
    ),
    (
        "a slot held after expiry",
        "assignment_slot_only_while_held",
        lambda w: factories.make_assignment(w.comparison, state=AssignmentState.EXPIRED, slot_no=3),
    ),
    (
        "a reservation of work without a slot",
        "assignment_reserved_work_has_slot",
        lambda w: factories.make_assignment(w.comparison, slot_no=None),
    ),
    (
        "a state that no assignment has",
        "assignment_state_known",
        lambda w: factories.make_assignment(w.comparison, state="lost", slot_no=None),
    ),
    (
        "a reason to skip that is none",
        "assignment_skip_reason_known",
        lambda w: factories.make_assignment(w.comparison, skip_reason="lunch"),
    ),
    (
        "an overlap that is not the comparison's",
        "an assignment carries the kind and the overlap of its comparison",
        lambda w: factories.make_assignment(w.comparison, overlap=9),
    ),
    (
        "a kind that is not the comparison's",
        "an assignment carries the kind and the overlap of its comparison",
        lambda w: factories.make_assignment(w.comparison, kind=ComparisonKind.GOLD, slot_no=None),
    ),
    (
        "an overlap that was changed by itself",
        "an assignment carries the kind and the overlap of its comparison",
        lambda w: change(w.holder, overlap=9),
    ),
    (
        "a side changed after the claim",
        "an assignment keeps its comparison, its annotator, its pass and its side",
        lambda w: change(w.holder, swapped=True),
    ),
    (
        "an assignment handed to somebody else",
        "an assignment keeps its comparison, its annotator, its pass and its side",
        lambda w: change(w.holder, annotator=factories.make_annotator(w.study)),
    ),
    # Votes
    (
        "two votes of one revision",
        "vote_revision_once",
        lambda w: factories.make_vote(w.comparison, assignment=w.vote.assignment),
    ),
    (
        "one decision stored twice",
        "vote_decision_once",
        lambda w: factories.make_vote(
            w.comparison,
            assignment=w.vote.assignment,
            revision=1,
            idempotency_key=w.vote.idempotency_key,
        ),
    ),
    (
        "one imported label twice",
        "vote_imported_once",
        lambda w: twice(lambda: w.imported(annotator=w.holder.annotator)),
    ),
    (
        "an imported vote with a key",
        "vote_collected_or_imported",
        lambda w: w.imported(idempotency_key=uuid.uuid4()),
    ),
    (
        "an imported vote without an occurrence",
        "vote_collected_or_imported",
        lambda w: w.imported(occurrence=None),
    ),
    (
        "an imported vote of a study version",
        "vote_collected_or_imported",
        lambda w: w.imported(study_version=w.study.versions.get()),
    ),
    (
        "an imported vote with a click",
        "vote_collected_or_imported",
        lambda w: w.imported(choice=Choice.LEFT, swapped=False),
    ),
    (
        "a collected vote without a hash of its request",
        "vote_collected_or_imported",
        lambda w: w.new_vote(request_hash=None),
    ),
    (
        "a collected vote without a key",
        "vote_collected_or_imported",
        lambda w: w.new_vote(idempotency_key=None),
    ),
    (
        "a collected vote that states a side as an import does",
        "vote_collected_or_imported",
        lambda w: w.new_vote(left="a"),
    ),
    (
        "a source that is none",
        "vote_collected_or_imported",
        lambda w: Vote.objects.create(
            source="heard",
            comparison=w.comparison,
            annotator=w.holder.annotator,
            verdict=Verdict.A,
            occurrence=0,
        ),
    ),
    (
        "left clicked, a shown left, b preferred",
        "vote_verdict_follows_from_choice",
        lambda w: w.new_vote(choice=Choice.LEFT, verdict=Verdict.B),
    ),
    (
        "a tie clicked, both bad stored",
        "vote_verdict_follows_from_choice",
        lambda w: w.new_vote(choice=Choice.TIE, verdict=Verdict.BOTH_BAD),
    ),
    (
        "a click that is none",
        "vote_verdict_follows_from_choice",
        lambda w: factories.make_vote(w.other_comparison(), Choice.LEFT, verdict="c"),
    ),
    ("a verdict that is none", "vote_verdict_known", lambda w: w.imported(verdict="c")),
    (
        "a margin above three",
        "vote_margin_fits",
        lambda w: w.imported(margin=4),
    ),
    ("a margin of zero", "vote_margin_fits", lambda w: w.imported(margin=0)),
    (
        "a margin of a tie",
        "vote_margin_fits",
        lambda w: w.imported(verdict=Verdict.TIE, margin=1),
    ),
    ("a side that is none", "vote_left_known", lambda w: w.imported(left="c")),
    (
        "a vote on a side that the assignment does not have",
        "a vote has the comparison, the annotator and the side of its assignment",
        lambda w: factories.make_vote(w.comparison, assignment=w.holder, swapped=True),
    ),
    (
        "a vote on another comparison than the one lent",
        "a vote has the comparison, the annotator and the side of its assignment",
        lambda w: factories.make_vote(w.other_comparison(), assignment=w.holder),
    ),
    # Beside the vote
    (
        "a criterion decided twice in one vote",
        "vote_criterion_once",
        lambda w: w.judged(criterion=w.judged().criterion),
    ),
    (
        "a criterion whose verdict contradicts its click",
        "vote_criterion_verdict_follows",
        lambda w: w.judged(vote=w.vote, choice=Choice.RIGHT, swapped=False),
    ),
    (
        "a criterion with a side but without a click",
        "vote_criterion_verdict_follows",
        lambda w: w.judged(vote=w.vote, swapped=False),
    ),
    (
        "a criterion with a click but without a side",
        "vote_criterion_verdict_follows",
        lambda w: w.judged(choice=Choice.LEFT),
    ),
    (
        "a criterion shown on another side than its vote",
        "a further decision has the study and the side of its vote",
        lambda w: w.judged(vote=w.vote, choice=Choice.RIGHT, swapped=True, verdict=Verdict.A),
    ),
    (
        "a criterion of another study",
        "a further decision has the study and the side of its vote",
        lambda w: w.judged(criterion=factories.make_criterion(factories.make_study())),
    ),
    (
        "a vote by an annotator of another study",
        "a vote is of an annotator and a comparison of one study",
        lambda w: w.imported(annotator=factories.make_annotator(factories.make_study())),
    ),
    (
        "a pair lent to an annotator of another study",
        "an assignment is of an annotator and a comparison of one study",
        lambda w: factories.make_assignment(
            w.comparison, factories.make_annotator(factories.make_study())
        ),
    ),
    (
        "another kind for a pair that was lent",
        "a comparison that was assigned keeps its kind",
        lambda w: change(w.comparison, kind=ComparisonKind.CONSISTENCY),
    ),
    (
        "a criterion with a verdict that is none",
        "vote_criterion_verdict_known",
        lambda w: w.judged(verdict="c"),
    ),
    (
        "a criterion with a margin above three",
        "vote_criterion_margin_fits",
        lambda w: w.judged(margin=4),
    ),
    (
        "the criterion overall beside the vote that it is",
        "the decision on overall is the vote itself",
        lambda w: w.judged(criterion=w.study.criteria.get(key=Criterion.OVERALL)),
    ),
    (
        "two notes on one vote",
        "vote_note_once",
        lambda w: twice(lambda: VoteNote.objects.create(vote=w.vote)),
    ),
    (
        "two notes on one criterion of a vote",
        "vote_note_criterion_once",
        lambda w: twice(
            lambda: VoteNote.objects.create(vote=w.vote, criterion=w.study.criteria.get())
        ),
    ),
    (
        "an exclusion of nothing",
        "exclusion_of_one_thing",
        lambda w: Exclusion.objects.create(reason="?"),
    ),
    (
        "an exclusion of an assignment and a vote at once",
        "exclusion_of_one_thing",
        lambda w: Exclusion.objects.create(assignment=w.holder, vote=w.vote, reason="?"),
    ),
    (
        "two adjudications of one revision",
        "adjudication_once",
        lambda w: twice(w.adjudicate),
    ),
    (
        "an adjudication that contradicts its click",
        "adjudication_verdict_follows",
        lambda w: w.adjudicate(verdict=Verdict.B),
    ),
    (
        "an adjudication with a margin above three",
        "adjudication_margin_fits",
        lambda w: w.adjudicate(margin=4),
    ),
    (
        "an adjudication on a criterion of another study",
        "an adjudication is on a criterion of the study of its comparison",
        lambda w: w.adjudicate(criterion=factories.make_criterion(factories.make_study())),
    ),
    # Cases of adjudication
    (
        "two cases of one adjudicator and one comparison",
        "adjudication_case_once",
        lambda w: twice(partial(w.case, adjudicator=factories.make_user(), state="skipped")),
    ),
    (
        "a case on two desks at once",
        "adjudication_case_held_by_one",
        lambda w: twice(w.case),
    ),
    (
        "a case in an unknown state",
        "adjudication_case_state_known",
        lambda w: w.case(state="lost"),
    ),
    (
        "a case that changes its side",
        "a case keeps its comparison, its adjudicator and its side",
        lambda w: change(w.case(), swapped=True),
    ),
]
