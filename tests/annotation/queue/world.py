"""A study in the queue, and what the tests of queue and votes do to it again and again."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from itertools import combinations, islice
from typing import Any

from django.utils import timezone

from annotation import queue, voting
from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Prompt,
    Response,
    Study,
    StudyState,
)
from annotation.selectors import live_exclusions
from tests.factories import (
    make_comparison,
    make_open_study,
    make_prompt,
    make_response,
    make_system,
)


def make_queue(comparisons: int = 3, *, overlap: int = 1, systems: int = 3, **fields: Any) -> Study:
    """An open study whose comparisons can be claimed; a prompt has every pair of systems."""
    study = make_open_study(**fields)
    made = [make_system(study, f"system{number}") for number in range(systems)]
    pairs: list[tuple[Prompt, Response, Response]] = []
    while len(pairs) < comparisons:
        # Named by their number, so that places on the ring are the same in every run.
        prompt = make_prompt(study, f"p{len(pairs)}")
        responses = [make_response(prompt, system) for system in made]
        pairs.extend((prompt, *pair) for pair in combinations(responses, 2))
    for number, (prompt, response_a, response_b) in enumerate(islice(pairs, comparisons)):
        make_comparison(
            study,
            prompt=prompt,
            response_a=response_a,
            response_b=response_b,
            overlap=overlap,
            item_id=f"i{number}",
        )
    queue.open_for_claims(study)
    return study


def current_id(annotator: Annotator, want: int = 1) -> uuid.UUID:
    """Claim, and give the id of the pair to rate now."""
    current = queue.claim(annotator, want=want).current
    assert current is not None
    return current.pair.id


def vote(
    annotator: Annotator,
    assignment: uuid.UUID,
    choice: str = "left",
    key: uuid.UUID | None = None,
    **fields: Any,
) -> voting.Outcome:
    return voting.submit(
        annotator, assignment, {"overall": voting.Answer(choice)}, key or uuid.uuid4(), **fields
    )


def row_of(public_id: uuid.UUID) -> Assignment:
    return Assignment.objects.select_related("comparison").get(public_id=public_id)


def lapse(*public_ids: uuid.UUID) -> None:
    """Let leases have run out a second ago; the database's clock cannot be turned."""
    Assignment.objects.filter(public_id__in=public_ids).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )


def lose(annotator: Annotator) -> uuid.UUID:
    """Claim a pair and let it lapse; its slot is free again. The id still takes a late vote."""
    lost = current_id(annotator)
    lapse(lost)
    queue.expire_lapsed()
    return lost


def set_state(study: Study, state: StudyState, minutes_ago: float = 0) -> None:
    Study.objects.filter(pk=study.pk).update(
        state=state, state_changed_at=timezone.now() - timedelta(minutes=minutes_ago)
    )
    study.refresh_from_db()


# Compiled, since the state machine asks after each of its 10,000 steps.
ASSIGNMENTS = CompiledQuery(
    lambda: Assignment.objects.filter(comparison__study=Parameter("study", KEY)).values_list(
        "pk", "comparison", "annotator", "kind", "pass_no", "state", "slot_no"
    )
)
WORK = CompiledQuery(
    lambda: Comparison.objects.filter(
        study=Parameter("study", KEY), kind=ComparisonKind.WORK
    ).values_list("pk", "item_id", "overlap", "taken", "open", "cell__stopped_at")
)
PEOPLE = CompiledQuery(
    lambda: Annotator.objects.filter(study=Parameter("study", KEY)).values_list(
        "pk", "handed", "answered", "skipped"
    )
)
EXCLUDED = CompiledQuery(lambda: live_exclusions().values_list("assignment"))


def assert_counters_hold(study: Study) -> None:
    """The queue's own counters equal a recount of the rows, in plain Python."""
    slots: dict[int, list[int]] = {}
    people: Counter[tuple[int, int, int]] = Counter()
    states: dict[int, Counter[str]] = {}
    excluded = {assignment for (assignment,) in EXCLUDED.rows()}
    for pk, comparison, annotator, kind, pass_no, state, slot_no in ASSIGNMENTS.rows(
        study=study.pk
    ):
        people[comparison, annotator, pass_no] += 1
        if kind != ComparisonKind.TRAINING:
            states.setdefault(annotator, Counter())[state] += 1
        holds = state in (AssignmentState.RESERVED, AssignmentState.SUBMITTED)
        if kind != ComparisonKind.WORK or pass_no or pk in excluded:
            assert slot_no is None
        else:
            assert holds == (slot_no is not None)
        if slot_no is not None:
            slots.setdefault(comparison, []).append(slot_no)
    assert all(count == 1 for count in people.values())
    for pk, item_id, overlap, taken, is_open, stopped_at in WORK.rows(study=study.pk):
        held = slots.get(pk, [])
        assert len(set(held)) == len(held) <= overlap
        assert taken == len(held), item_id
        assert is_open == (stopped_at is None and len(held) < overlap), item_id
    for pk, handed, answered, skipped in PEOPLE.rows(study=study.pk):
        counted = states.get(pk, Counter())
        assert handed == counted.total()
        assert answered == counted["submitted"] + counted["late_surplus"]
        assert skipped == counted["released"]
