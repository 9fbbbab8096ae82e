"""The JSON behind the rating page."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.test import Client
from psycopg.errors import RaiseException, ReadOnlySqlTransaction

from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Choice,
    Comparison,
    Criterion,
    Flag,
    Study,
    StudyState,
    Vote,
    VoteCriterion,
    VoteNote,
)
from annotation.queue import EmptyReason
from annotation.queue.reserving import Overtaken
from annotation.rating.requests import MAX_BODY_BYTES
from annotation.rating.wording import EMPTY_TEXTS
from tests import factories
from tests.annotation.rating.conftest import Door

PAIR = {"id", "left", "right", "prompt", "reference", "lease_seconds"}
TEXT = {"html", "source", "empty"}


def vote_body(pair: dict[str, Any], choice: str = "left", **more: Any) -> dict[str, Any]:
    return {
        "assignment": pair["id"],
        "key": str(uuid.uuid4()),
        "answers": {"overall": {"choice": choice, "margin": None}},
        **more,
    }


# -- next ----------


def test_next_brings_the_current_pair_and_the_one_after(door: Door) -> None:
    answer = door.next()
    assert set(answer) == {"pairs", "empty", "progress", "practice", "version"}
    assert len(answer["pairs"]) == 2
    assert answer["empty"] is None
    assert answer["progress"] == {"voted": 0, "skipped": 0, "maximum": None}
    assert answer["practice"] is None


@pytest.mark.parametrize("attempts", [None, 1])
def test_somebody_whose_training_is_over_by_new_rules_is_told_so_at_once(
    study: Study, door: Door, attempts: int | None
) -> None:
    """As if the background had not come to them since the rules changed."""
    qualification = {"required": False} if attempts is None else {"attempts": attempts}
    Study.objects.filter(pk=study.pk).update(rules={"qualification": qualification})
    pair = factories.make_comparison(study, kind="training", gold={"overall": ["a"]})
    factories.make_assignment(pair, door.annotator, state=AssignmentState.SUBMITTED)
    Annotator.objects.filter(pk=door.annotator.pk).update(state=AnnotatorState.QUALIFYING)
    answer = door.next()
    if attempts is None:
        assert len(answer["pairs"]) == 2
    else:
        assert answer["empty"]["code"] == EmptyReason.QUALIFICATION_FAILED


def test_a_pair_holds_nothing_but_what_may_be_seen(door: Door) -> None:
    for pair in door.next()["pairs"]:
        assert set(pair) == PAIR
        assert set(pair["left"]) == set(pair["right"]) == TEXT
        assert [set(message) for message in pair["prompt"]] == [TEXT | {"speaker"}]
        uuid.UUID(pair["id"], version=4)


def test_the_sides_are_those_of_the_assignment(door: Door) -> None:
    for pair in door.next(want=3)["pairs"]:
        assignment = Assignment.objects.get(public_id=pair["id"])
        first, second = assignment.comparison.response_a, assignment.comparison.response_b
        left, right = (second, first) if assignment.swapped else (first, second)
        assert (pair["left"]["source"], pair["right"]["source"]) == (left.text, right.text)


def test_asking_again_brings_the_same_pairs(door: Door) -> None:
    first, again = door.next(), door.next()
    assert [pair["id"] for pair in first["pairs"]] == [pair["id"] for pair in again["pairs"]]


def test_texts_that_the_page_has_are_not_sent_again(door: Door) -> None:
    [first, _] = door.next()["pairs"]
    [known, other] = door.next(have=[first["id"]])["pairs"]
    assert set(known) == {"id", "lease_seconds"}
    assert set(other) == PAIR


def test_texts_come_rendered_and_as_written(door: Door) -> None:
    Comparison.objects.get(open_seq=1).response_a.__class__.objects.update(text="**b** <i>\u202e")
    side = door.next()["pairs"][0]["left"]
    assert side["html"] == '<p dir="auto"><strong>b</strong> &lt;i&gt;</p>\n'
    assert side["source"] == "**b** <i>"
    assert side["empty"] is False


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2060"])
def test_a_response_without_anything_to_see_is_marked_empty(door: Door, text: str) -> None:
    Comparison.objects.get(open_seq=1).response_a.__class__.objects.update(text=text)
    assert door.next()["pairs"][0]["left"]["empty"] is True


def test_a_conversation_comes_message_by_message(
    study: Study, open_door: Callable[[Study], Door]
) -> None:
    Comparison.objects.all().delete()
    messages = [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    prompt = factories.make_prompt(study, messages=messages)
    factories.make_comparison(study, prompt=prompt, open=True, open_seq=1, first_swapped=False)
    [pair] = open_door(study).next()["pairs"]
    assert [(message["speaker"], message["source"]) for message in pair["prompt"]] == [
        ("System", "Be terse."),
        ("User", "Hi"),
        ("Assistant", "Hello"),
        ("User", "Bye"),
    ]


def test_the_wish_is_held_to_what_the_queue_lends(door: Door) -> None:
    assert len(door.next(want=3)["pairs"]) == 3
    for want in (0, 4, True, "2", 1.5, None):
        assert door.post("next", {"want": want}).status_code == 400


# -- why there is nothing ----------


@pytest.mark.parametrize("reason", EmptyReason)
def test_every_reason_has_its_words(reason: EmptyReason) -> None:
    title, text = EMPTY_TEXTS[reason]
    assert title
    assert text.endswith(".")
    assert "!" not in title + text


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (StudyState.PAUSED, "study_paused"),
        (StudyState.CLOSED, "study_closed"),
        (StudyState.DRAFT, "study_not_open"),
    ],
)
def test_a_study_that_is_not_open_says_so(
    door: Door, study: Study, state: StudyState, code: str
) -> None:
    Study.objects.filter(pk=study.pk).update(state=state)
    answer = door.next()
    assert answer["pairs"] == []
    assert answer["empty"]["code"] == code


def test_a_paused_annotator_is_told_without_blame(door: Door) -> None:
    Annotator.objects.filter(pk=door.annotator.pk).update(state=AnnotatorState.PAUSED)
    assert door.next()["empty"]["code"] == "annotator_paused"


def test_the_share_of_one_person_ends_with_that_reason(door: Door, study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(max_per_annotator=1)
    [pair] = door.next()["pairs"]
    door.post("vote", vote_body(pair))
    answer = door.next()
    assert answer["empty"]["code"] == "maximum_reached"
    assert answer["progress"] == {"voted": 1, "skipped": 0, "maximum": 1}


def test_finished_is_said_when_all_is_rated(door: Door) -> None:
    while pairs := door.next()["pairs"]:
        assert door.post("vote", vote_body(pairs[0])).status_code == 200
    assert door.next()["empty"]["code"] == "finished"
    assert Vote.objects.count() == 4


def test_pairs_held_by_others_come_with_a_time_to_look_again(
    study: Study, open_door: Callable[[Study], Door]
) -> None:
    Comparison.objects.update(overlap=1)
    for comparison in Comparison.objects.all():
        factories.make_assignment(comparison)
    Comparison.objects.update(open=False, taken=1)
    empty = open_door(study).next()["empty"]
    assert empty["code"] == "held_by_others"
    assert empty["retry_after_seconds"] > 0


# -- vote ----------


def test_a_vote_is_stored_with_everything_about_it(door: Door) -> None:
    pair = door.next()["pairs"][0]
    door.post("renew", {"displayed": pair["id"], "held": [pair["id"]]})
    response = door.post(
        "vote",
        vote_body(
            pair,
            "right",
            rationale="clearer",
            timing={"active_ms": 1, "elapsed_ms": 2, "hidden_ms": 0, "first_choice_ms": 1},
            reading={"layout": "columns", "source_used": True},
        ),
    )
    assert response.status_code == 200
    vote = Vote.objects.get()
    assert vote.choice == Choice.RIGHT
    assert vote.reading["layout"] == "columns"
    assert vote.active_ms is not None
    assert VoteNote.objects.get().rationale == "clearer"
    assert response.json() == {
        "assignment": pair["id"],
        "received": "counted",
        "stored": True,
        "feedback": None,
        "late": False,
        "revision": 0,
        "answers": {"overall": {"choice": "right", "margin": None}},
    }


def test_the_same_request_again_gets_the_same_bytes(door: Door) -> None:
    body = vote_body(door.next()["pairs"][0])
    first, again = door.post("vote", body), door.post("vote", body)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
def test_a_database_that_cannot_save_is_told_and_the_same_request_works_later(
    door: Door, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise fault("database is locked")

    body = vote_body(door.next()["pairs"][0])
    with monkeypatch.context() as patch:
        patch.setattr("annotation.voting.submit", fail)
        response = door.post("vote", body)
    assert response.status_code == 503
    assert (response.json()["error"], response.json()["stored"]) == ("database_busy", False)
    assert "kept in this browser" in response.json()["message"]
    assert int(response.headers["Retry-After"]) > 0
    assert "locked" not in response.content.decode()
    assert door.post("vote", body).status_code == 200


def test_a_read_only_database_is_told_as_one_that_cannot_save(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise InternalError("read-only") from ReadOnlySqlTransaction("read-only")

    body = vote_body(door.next()["pairs"][0])
    with monkeypatch.context() as patch:
        patch.setattr("annotation.voting.submit", fail)
        response = door.post("vote", body)
    assert (response.status_code, response.json()["error"]) == (503, "database_busy")
    assert door.post("vote", body).status_code == 200


def test_what_a_trigger_refuses_is_not_told_to_be_sent_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise InternalError("refused") from RaiseException("refused")

    body = vote_body(door.next()["pairs"][0])
    with monkeypatch.context() as patch:
        patch.setattr("annotation.voting.submit", fail)
        with pytest.raises(InternalError):
            door.post("vote", body)


def test_the_same_key_with_another_choice_changes_nothing(door: Door) -> None:
    body = vote_body(door.next()["pairs"][0])
    door.post("vote", body)
    refused = door.post("vote", body | {"answers": {"overall": {"choice": "right"}}})
    assert refused.status_code == 409
    assert refused.json()["error"] == "idempotency_mismatch"
    assert refused.json()["answers"] == {"overall": {"choice": "left", "margin": None}}
    assert Vote.objects.get().choice == Choice.LEFT


def test_a_second_vote_must_say_that_it_revises(door: Door) -> None:
    pair = door.next()["pairs"][0]
    door.post("vote", vote_body(pair))
    refused = door.post("vote", vote_body(pair, "right"))
    assert (refused.status_code, refused.json()["error"]) == (409, "already_voted")
    revised = door.post("vote", vote_body(pair, "right", revises=True))
    assert (revised.status_code, revised.json()["revision"]) == (200, 1)
    assert Vote.objects.count() == 2


def test_further_criteria_are_stored_beside_the_overall_answer(
    study: Study, open_door: Callable[[Study], Door]
) -> None:
    factories.make_criterion(study, "clarity", scale="five", required=False)
    door = open_door(study)
    body = vote_body(door.next()["pairs"][0])
    body["answers"]["clarity"] = {"choice": "right", "margin": 2}
    assert door.post("vote", body).status_code == 200
    row = VoteCriterion.objects.get()
    assert (row.criterion.key, row.choice, row.margin) == ("clarity", "right", 2)


def test_a_criterion_that_must_be_answered_is_named(
    study: Study, open_door: Callable[[Study], Door]
) -> None:
    factories.make_criterion(study, "clarity", required=True)
    door = open_door(study)
    refused = door.post("vote", vote_body(door.next()["pairs"][0]))
    assert refused.status_code == 400
    assert refused.json()["field"] == "clarity"
    assert Vote.objects.count() == 0


def test_a_vote_after_the_study_closed_is_kept_and_said_to_be(door: Door, study: Study) -> None:
    pair = door.next()["pairs"][0]
    long_ago = study.state_changed_at.replace(year=2000)
    Study.objects.filter(pk=study.pk).update(
        state=StudyState.CLOSED, closed_at=long_ago, state_changed_at=long_ago
    )
    response = door.post("vote", vote_body(pair))
    assert response.status_code == 409
    assert response.json()["received"] == "study_closed"
    assert response.json()["stored"] is True
    assert Vote.objects.count() == 1


@pytest.mark.parametrize(
    "assignment",
    ["00000000-0000-4000-8000-000000000000", "not an id", 7, None, ["x"], {"a": 1}, "x" * 10_000],
)
def test_an_id_that_was_never_issued_is_refused(door: Door, assignment: object) -> None:
    door.next()
    response = door.post("vote", vote_body({"id": assignment}))
    assert response.status_code in (400, 404)
    assert Vote.objects.count() == 0


def test_somebody_elses_pair_is_answered_like_one_that_does_not_exist(
    study: Study, door: Door
) -> None:
    theirs = factories.make_assignment(Comparison.objects.get(open_seq=1))
    refused = door.post("vote", vote_body({"id": str(theirs.public_id)}))
    unknown = door.post("vote", vote_body({"id": str(uuid.uuid4())}))
    assert (refused.status_code, refused.content) == (unknown.status_code, unknown.content)
    assert refused.status_code == 404
    for name in ("skip", "flag"):
        body = {"assignment": str(theirs.public_id), "reason": "other"}
        assert door.post(name, body).status_code == 404
    assert door.post("renew", {"displayed": str(theirs.public_id)}).status_code == 404
    assert door.post("renew", {"held": [str(theirs.public_id)]}).json() == {"leases": []}


@pytest.mark.parametrize(
    "more",
    [
        {"key": "x"},
        {"key": None},
        {"answers": None},
        {"answers": {}},
        {"answers": {"overall": {"choice": "up"}}},
        {"answers": {"overall": {"choice": "left", "margin": 1}}},
        {"answers": {"other": {"choice": "left"}}},
        {"rationale": 7},
        {"rationale": "\x00"},
        {"rationale": "x" * 20_000},
        {"timing": []},
        {"timing": {"active_ms": -1}},
        {"timing": {"active_ms": "1"}},
        {"timing": {"elapsed_ms": 10**20}},
        {"reading": "columns"},
        {"reading": {"nested": {}}},
        {"revises": "yes"},
    ],
)
def test_a_vote_of_the_wrong_form_is_refused_with_the_field(
    door: Door, more: dict[str, Any]
) -> None:
    response = door.post("vote", vote_body(door.next()["pairs"][0], **more))
    assert response.status_code == 400
    assert response.json()["message"]
    assert response.json()["field"]
    assert Vote.objects.count() == 0


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("[]", 400),
        ("7", 400),
        ("{", 400),
        ('{"a": NaN}', 400),
        ("[" * 100_000, 413),
        ("[" * 50_000, 400),
        ('{"a": ' + "9" * 5_000 + "}", 400),
        (b"\xff\xfe", 400),
        ("x" * (MAX_BODY_BYTES + 1), 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(door: Door, raw: str | bytes, status: int) -> None:
    response = door.post("vote", raw)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"


def test_another_content_type_is_refused(door: Door) -> None:
    response = door.client.post(door.url("vote"), {"assignment": "x"})
    assert response.status_code == 415


# -- a vote that brings the next pairs ----------


def test_a_vote_may_bring_the_next_pairs(door: Door) -> None:
    first, second = door.next()["pairs"]
    body = vote_body(first, next={"want": 2, "have": [second["id"]]})
    answer = door.post("vote", body).json()
    assert answer["received"] == "counted"
    brought = answer.pop("next")
    # Asked for alone it is the same: the vote is stored before anything is lent.
    assert brought["pairs"][0]["id"] == second["id"]
    alone = door.next(have=[second["id"]])
    for claim in (brought, alone):
        for pair in claim["pairs"]:
            pair.pop("lease_seconds")
    assert brought == alone
    assert len(brought["pairs"]) == 2
    assert brought["progress"]["voted"] == 1
    assert set(brought["pairs"][0]) == {"id"}
    assert "prompt" in brought["pairs"][1]


def test_a_vote_that_asks_for_nothing_brings_nothing(door: Door) -> None:
    for wish in ({}, {"next": None}):
        answer = door.post("vote", vote_body(door.next()["pairs"][0], **wish)).json()
        assert "next" not in answer
        assert Assignment.objects.filter(state=AssignmentState.RESERVED).count() == 1


def test_a_repeat_brings_what_is_held_then_and_is_the_same_decision(door: Door) -> None:
    pair = door.next()["pairs"][0]
    body = vote_body(pair, next={"want": 1, "have": []})
    first, again = door.post("vote", body), door.post("vote", body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json() == again.json()
    # Neither is part of the decision: the same key without the wish is the same vote.
    del body["next"]
    without = door.post("vote", body)
    assert without.headers["Idempotent-Replayed"] == "true"
    assert Vote.objects.count() == 1


@pytest.mark.parametrize(
    "wish", [[], "two", {"want": 4}, {"want": True}, {"have": "all"}, {"have": ["x"]}]
)
def test_a_wish_of_the_wrong_form_stores_nothing(door: Door, wish: object) -> None:
    response = door.post("vote", vote_body(door.next()["pairs"][0], next=wish))
    assert response.status_code == 400
    assert response.json()["field"] in {"next", "want", "have"}
    assert not Vote.objects.exists()


def test_a_refused_vote_brings_nothing(door: Door) -> None:
    pair = door.next()["pairs"][0]
    door.post("vote", vote_body(pair))
    refused = door.post("vote", vote_body(pair, "right", next={"want": 2, "have": []}))
    assert refused.status_code == 409
    assert "next" not in refused.json()
    assert Assignment.objects.filter(state=AssignmentState.RESERVED).count() == 1


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError, Overtaken])
def test_a_vote_is_stored_and_said_to_be_though_no_pair_can_be_claimed(
    door: Door, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise fault("database is locked")

    body = vote_body(door.next()["pairs"][0], next={"want": 2, "have": []})
    monkeypatch.setattr("annotation.queue.claim", fail)
    response = door.post("vote", body)
    assert (response.status_code, response.json()["next"]) == (200, None)
    assert response.json()["stored"] is True
    assert Vote.objects.count() == 1


def test_the_last_vote_brings_the_reason_why_there_is_no_more(door: Door) -> None:
    for _ in range(3):
        door.post("vote", vote_body(door.next(want=1)["pairs"][0]))
    last = door.next(want=1)["pairs"][0]
    brought = door.post("vote", vote_body(last, next={"want": 2, "have": []})).json()["next"]
    assert brought["pairs"] == []
    assert brought["empty"]["code"] == EmptyReason.FINISHED
    assert brought["progress"]["voted"] == 4


# -- skip, flag, renew, undo ----------


def test_a_skipped_pair_goes_back_and_does_not_return(door: Door) -> None:
    pair = door.next()["pairs"][0]
    answer = door.post("skip", {"assignment": pair["id"], "reason": "language", "note": "Welsh"})
    assert answer.status_code == 200
    row = Assignment.objects.get(public_id=pair["id"])
    assert (row.state, row.skip_reason, row.skip_note) == (
        AssignmentState.RELEASED,
        "language",
        "Welsh",
    )
    assert pair["id"] not in [held["id"] for held in door.next(want=3)["pairs"]]


def test_skipping_twice_is_no_fault(door: Door) -> None:
    body = {"assignment": door.next()["pairs"][0]["id"], "reason": "other"}
    first, again = door.post("skip", body), door.post("skip", body)
    assert (first.status_code, first.content) == (again.status_code, again.content)


def test_an_answered_pair_cannot_be_skipped(door: Door) -> None:
    pair = door.next()["pairs"][0]
    door.post("vote", vote_body(pair))
    refused = door.post("skip", {"assignment": pair["id"], "reason": "other"})
    assert (refused.status_code, refused.json()["error"]) == (409, "already_voted")
    assert refused.json()["stored"] is True


@pytest.mark.parametrize("name", ["skip", "flag"])
@pytest.mark.parametrize("reason", ["", "boredom", None, 3, ["other"]])
def test_a_reason_must_be_one_of_those_offered(door: Door, name: str, reason: object) -> None:
    pair = door.next()["pairs"][0]
    refused = door.post(name, {"assignment": pair["id"], "reason": reason})
    assert (refused.status_code, refused.json()["field"]) == (400, "reason")


def test_a_flag_is_stored_once_however_often_it_is_sent(door: Door) -> None:
    pair = door.next()["pairs"][0]
    body = {"assignment": pair["id"], "reason": "broken_display", "note": "a table"}
    assert door.post("flag", body).content == door.post("flag", body).content
    flag = Flag.objects.get()
    assert (flag.reason, flag.note) == ("broken_display", "a table")
    assert door.post("vote", vote_body(pair)).status_code == 200


def test_renewing_tells_what_became_of_each_pair(door: Door) -> None:
    [first, second] = door.next()["pairs"]
    door.post("vote", vote_body(first))
    answer = door.post(
        "renew", {"displayed": second["id"], "held": [first["id"], second["id"]]}
    ).json()
    states = {lease["id"]: lease["state"] for lease in answer["leases"]}
    assert states == {first["id"]: "answered", second["id"]: "live"}
    assert Assignment.objects.get(public_id=second["id"]).displayed_at is not None


def test_undo_brings_the_last_pair_with_its_answers(door: Door) -> None:
    pair = door.next()["pairs"][0]
    door.post("vote", vote_body(pair, "tie", rationale="same"))
    last = door.post("undo").json()
    assert last["pair"]["id"] == pair["id"]
    assert last["pair"]["left"] == pair["left"]
    assert last["answers"] == {"overall": {"choice": "tie", "margin": None}}
    assert last["rationale"] == "same"


def test_undo_before_the_first_vote_is_calm(door: Door) -> None:
    assert door.post("undo").json() == {"pair": None}


# -- who, how, headers ----------

EDGES = ["next", "vote", "skip", "flag", "renew", "undo"]


@pytest.mark.parametrize("name", EDGES)
def test_a_script_without_a_session_is_told_to_sign_in(study: Study, name: str) -> None:
    client = Client()
    door = Door(client, factories.make_annotator(study))
    response = door.post(name)
    assert response.status_code == 401
    assert response.json()["error"] == "sign_in_required"


@pytest.mark.parametrize("name", EDGES)
def test_another_role_in_the_study_may_not(study: Study, client: Client, name: str) -> None:
    user = factories.make_user()
    factories.make_membership(study, user=user)
    client.force_login(user)
    response = Door(client, factories.make_annotator(study)).post(name)
    assert (response.status_code, response.json()["error"]) == (403, "forbidden")


@pytest.mark.parametrize("name", EDGES)
def test_an_outsider_learns_nothing_of_the_study(study: Study, client: Client, name: str) -> None:
    user = factories.make_user()
    client.force_login(user)
    door = Door(client, factories.make_annotator(study))
    there = door.post(name)
    nowhere = client.post("/study/nowhere/rate/" + name, "{}", content_type="application/json")
    assert (there.status_code, there.content) == (nowhere.status_code, nowhere.content)
    assert there.status_code == 404


@pytest.mark.parametrize("name", EDGES)
def test_a_removed_annotator_may_not(door: Door, name: str) -> None:
    Annotator.objects.filter(pk=door.annotator.pk).update(state=AnnotatorState.REMOVED)
    assert door.post(name).status_code == 403


@pytest.mark.parametrize("name", EDGES)
def test_reading_is_no_way_to_change_anything(door: Door, name: str) -> None:
    response = door.client.get(door.url(name))
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"
    assert Assignment.objects.count() == 0


@pytest.mark.parametrize("name", EDGES)
def test_a_request_without_the_token_is_refused(study: Study, name: str) -> None:
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    door = Door(client, annotator)
    assert door.post(name).status_code == 403
    token = client.get(door.url("session")).json()["csrf"]
    assert door.post(name, **{"X-CSRFToken": token}).status_code != 403


def test_the_headers_of_json_are_these_and_no_others(door: Door) -> None:
    for name in EDGES:
        headers = dict(door.post(name).headers)
        headers.pop("X-Request-ID")
        headers.pop("Content-Length", None)
        assert headers.pop("Content-Security-Policy").startswith("default-src 'none'")
        headers.pop("Permissions-Policy")
        assert headers == {
            "Content-Type": "application/json",
            "Cache-Control": "no-store, private",
            "Vary": "Cookie, Accept-Language",
            "Content-Language": "en",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": headers["Referrer-Policy"],
            "Cross-Origin-Opener-Policy": "same-origin",
        }


def test_keys_come_sorted_so_that_their_order_tells_nothing(door: Door) -> None:
    raw = door.post("next").content.decode()
    assert raw.index('"id"') < raw.index('"left"') < raw.index('"prompt"') < raw.index('"right"')


def test_the_overall_question_comes_first(study: Study) -> None:
    from annotation.rating.wire import criteria_for_page

    factories.make_criterion(study, "early", position=0)
    Criterion.objects.filter(key="overall").update(position=9)
    keys = [entry["key"] for entry in criteria_for_page(list(study.criteria.all()))]
    assert keys == ["overall", "early"]


def test_the_number_of_queries_does_not_grow_with_the_study(
    study: Study, open_door: Callable[[Study], Door], django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        factories.make_comparison(study, open=True, open_seq=number + 10, first_swapped=False)
    door = open_door(study)
    door.next()
    with django_assert_max_num_queries(14):
        door.next()
