"""A study in the queue, and what the tests of queue and votes do to it again and again."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from itertools import combinations, islice
from typing import Any

from django.utils import timezone

from annotation import queue, voting
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


def set_state(study: Study, state: StudyState, minutes_ago: float = 0) -> None:
    Study.objects.filter(pk=study.pk).update(
        state=state, state_changed_at=timezone.now() - timedelta(minutes=minutes_ago)
    )
    study.refresh_from_db()


def assert_counters_hold(study: Study) -> None:
    """The queue's own counters equal a recount of the rows, in plain Python."""
    slots: dict[int, list[int]] = {}
    people: Counter[tuple[int, int, int]] = Counter()
    states: dict[int, Counter[str]] = {}
    excluded = set(live_exclusions().values_list("assignment", flat=True))
    for row in Assignment.objects.filter(comparison__study=study):
        people[row.comparison_id, row.annotator_id, row.pass_no] += 1
        if row.kind != ComparisonKind.TRAINING:
            states.setdefault(row.annotator_id, Counter())[row.state] += 1
        holds = row.state in (AssignmentState.RESERVED, AssignmentState.SUBMITTED)
        if row.kind != ComparisonKind.WORK or row.pass_no or row.pk in excluded:
            assert row.slot_no is None
        else:
            assert holds == (row.slot_no is not None)
        if row.slot_no is not None:
            slots.setdefault(row.comparison_id, []).append(row.slot_no)
    assert all(count == 1 for count in people.values())
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    for comparison in work.select_related("cell"):
        held = slots.get(comparison.pk, [])
        going = comparison.cell is None or comparison.cell.stopped_at is None
        assert len(set(held)) == len(held) <= comparison.overlap
        assert comparison.taken == len(held), comparison.item_id
        assert comparison.open == (going and len(held) < comparison.overlap), comparison.item_id
    for annotator in Annotator.objects.filter(study=study):
        counted = states.get(annotator.pk, Counter())
        assert annotator.handed == counted.total(), annotator.external_id
        assert annotator.answered == counted["submitted"] + counted["late_surplus"]
        assert annotator.skipped == counted["released"]
