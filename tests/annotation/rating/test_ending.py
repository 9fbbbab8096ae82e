"""The code with which somebody goes back to where they came from, once it is earned."""

from __future__ import annotations

import pytest

from annotation import queue
from annotation.models import Annotator, AnnotatorState, Study, StudyState
from annotation.page_rules import Crowd
from annotation.queue import Claim, EmptyReason, Progress
from annotation.rating.ending import Ending, ending_of
from tests.annotation.queue.world import vote
from tests.annotation.rating.conftest import Door

CODES = Crowd(completed_code="DONE", no_work_code="NONE", screened_out_code="OUT")
EARNED = {
    (EmptyReason.FINISHED, 3): "DONE",
    (EmptyReason.FINISHED, 0): "NONE",
    (EmptyReason.MAXIMUM_REACHED, 3): "DONE",
    (EmptyReason.MAXIMUM_REACHED, 0): "NONE",
    (EmptyReason.STUDY_CLOSED, 3): "DONE",
    (EmptyReason.STUDY_CLOSED, 0): "NONE",
    (EmptyReason.HELD_BY_OTHERS, 0): "NONE",
    (EmptyReason.QUALIFICATION_FAILED, 0): "OUT",
}
# Of the annotator themselves; all other reasons are said of the study.
OWN_STATES = {
    EmptyReason.QUALIFICATION_FAILED: AnnotatorState.FAILED,
    EmptyReason.QUALIFICATION_PENDING: AnnotatorState.QUALIFYING,
    EmptyReason.INVITATION_PENDING: AnnotatorState.INVITED,
    EmptyReason.ANNOTATOR_PAUSED: AnnotatorState.PAUSED,
    EmptyReason.ANNOTATOR_REMOVED: AnnotatorState.REMOVED,
}


@pytest.mark.parametrize("voted", [0, 3])
@pytest.mark.parametrize("reason", EmptyReason)
def test_each_end_has_its_code_and_nothing_else_has_one(reason: EmptyReason, voted: int) -> None:
    state = OWN_STATES.get(reason, AnnotatorState.ACTIVE)
    claim = Claim((), Progress(voted, 0, None), 1, empty=reason, annotator_state=state)
    ending = ending_of(claim, CODES)
    if reason == EmptyReason.QUALIFICATION_FAILED:
        voted = 0
    assert (ending.code if ending else None) == EARNED.get((reason, voted))
    assert ending_of(claim, Crowd()) is None


AFTER_CLOSING = {
    (AnnotatorState.ACTIVE, True): "DONE",
    (AnnotatorState.ACTIVE, False): "NONE",
    (AnnotatorState.QUALIFYING, False): "NONE",
    (AnnotatorState.FAILED, True): "OUT",
    (AnnotatorState.FAILED, False): "OUT",
    # Under review: whoever looks decides. Removed: told by the people who did it.
    (AnnotatorState.PAUSED, True): None,
    (AnnotatorState.PAUSED, False): None,
    (AnnotatorState.REMOVED, True): None,
}


@pytest.mark.parametrize(("state", "voted"), AFTER_CLOSING)
def test_closing_the_study_gives_nobody_a_code_they_had_not_earned(
    door: Door, state: AnnotatorState, voted: bool
) -> None:
    if voted:
        held = queue.claim(door.annotator).current
        assert held is not None
        vote(door.annotator, held.id)
    Annotator.objects.update(state=state)
    Study.objects.update(state=StudyState.CLOSED)
    ending = ending_of(queue.claim(door.annotator), CODES)
    assert (ending.code if ending else None) == AFTER_CLOSING[state, voted]


def test_the_address_holds_the_code_escaped() -> None:
    crowd = Crowd(completed_code="A&B c", return_url="https://p.example/complete?cc={code}")
    claim = Claim((), Progress(1, 0, None), 1, empty=EmptyReason.FINISHED)
    assert ending_of(claim, crowd) == Ending("A&B c", "https://p.example/complete?cc=A%26B%20c")


def test_no_code_is_sent_before_it_is_earned(door: Door) -> None:
    Study.objects.update(rules={"crowd": {"completed_code": "SECRET42"}})
    while held := door.annotator.assignments.filter(state="reserved") or door.next()["pairs"]:
        assert b"SECRET42" not in door.post("next").content
        assert b"SECRET42" not in door.client.get(door.url("page")).content
        for assignment in door.annotator.assignments.filter(state="reserved"):
            vote(door.annotator, assignment.public_id)
        del held
    empty = door.next()["empty"]
    assert empty["code"] == "finished"
    assert empty["completion"] == {"code": "SECRET42", "url": ""}
