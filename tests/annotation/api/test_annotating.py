"""Voting by a script: where the study allows it, and on the terms of the page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Annotator, Assignment, Flag, Role, Vote
from tests import factories
from tests.annotation.api.calling import Caller, caller, member

pytestmark = pytest.mark.django_db

BY_SCRIPT = {"answering": {"by_script": True, "tags": ["clearer"], "confidence": "optional"}}


def held_pair(key: Caller, study) -> dict[str, Any]:
    annotator = Annotator.objects.get(study=study)
    comparison = factories.make_comparison(study)
    factories.make_assignment(comparison, annotator)
    assignment = Assignment.objects.filter(annotator=annotator).latest("pk")
    return {
        "assignment": str(assignment.public_id),
        "key": str(uuid.uuid4()),
        "answers": {"overall": {"choice": "left"}},
        "timing": {"active_ms": 0},
    }


def test_a_study_takes_no_votes_of_scripts_until_it_says_so():
    study = factories.make_open_study()
    key = member(study, Role.ANNOTATOR)
    body = held_pair(key, study)
    for path, sent in (("next", {}), ("vote", body)):
        answer = key.post(f"studies/{study.slug}/annotate/{path}", sent)
        assert answer.status_code == 409
        assert "by_script" in answer.json()["detail"]
    assert not Vote.objects.exists()


def test_the_studys_questions_come_first():
    profile = {
        "questions": [
            {"key": "level", "text": "How well do you know it?", "options": ["little", "well"]}
        ]
    }
    study = factories.make_open_study(rules={**BY_SCRIPT, "profile": profile})
    user = factories.make_annotator(study, factories.make_user()).user
    key = caller(user)
    answer = key.post(f"studies/{study.slug}/annotate/next")
    assert answer.status_code == 409
    assert "How well do you know it?" in answer.json()["detail"]
    Annotator.objects.filter(user=user).update(profile={"level": "well"})
    assert key.post(f"studies/{study.slug}/annotate/next").status_code == 200


def test_a_vote_brings_what_the_page_sends():
    study = factories.make_open_study(rules=BY_SCRIPT)
    key = member(study, Role.ANNOTATOR)
    body = held_pair(key, study)
    path = f"studies/{study.slug}/annotate/vote"
    untimed = {name: value for name, value in body.items() if name != "timing"}
    assert key.post(path, untimed).json()["faults"][0]["where"] == "timing"
    full = {**body, "tags": ["clearer"], "confidence": 0.5}
    assert key.post(path, full).status_code == 200
    vote = Vote.objects.get()
    assert (vote.active_ms, vote.confidence, vote.metadata["via"]) == (0, 0.5, "api")
    assert vote.notes.get().tags == ["clearer"]


# -- beside voting ----------


def answered(key: Caller, study, choice: str = "left") -> dict[str, Any]:
    body = held_pair(key, study) | {"answers": {"overall": {"choice": choice}}, "tags": []}
    assert key.post(f"studies/{study.slug}/annotate/vote", body).status_code == 200
    return body


@pytest.fixture
def study():
    return factories.make_open_study(rules={"answering": {"by_script": True}})


@pytest.fixture
def key(study) -> Caller:
    return member(study, Role.ANNOTATOR)


def test_a_pair_is_given_back_with_a_reason_and_flagged(study, key):
    pair = held_pair(key, study)["assignment"]
    path = f"studies/{study.slug}/annotate"
    remark = {"assignment": pair, "reason": "harmful", "note": "It names somebody."}
    for _ in range(2):
        assert key.post(f"{path}/flag", remark).status_code == 200
    assert [flag.note for flag in Flag.objects.all()] == ["It names somebody."]
    assert key.post(f"{path}/skip", {**remark, "reason": "dull"}).status_code == 422
    assert key.post(f"{path}/skip", remark).json() == {"assignment": pair, "notice": ""}
    row = Assignment.objects.get()
    assert (row.state, row.skip_reason) == ("released", "harmful")
    strange = {**remark, "assignment": str(uuid.uuid4())}
    assert key.post(f"{path}/skip", strange).status_code == 404
    assert key.post(f"{path}/flag", strange).status_code == 404


def test_a_skip_past_the_limit_is_refused_as_on_the_page(study, key):
    study.rules = {"answering": {"by_script": True}, "limits": {"skips_per_hour": 1}}
    study.save(update_fields=["rules"])
    for status in (200, 429):
        remark = {"assignment": held_pair(key, study)["assignment"], "reason": "cannot_judge"}
        by_script = key.post(f"studies/{study.slug}/annotate/skip", remark)
        assert by_script.status_code == status
    browser = Client()
    browser.force_login(Annotator.objects.get().user)
    address = reverse("rating:skip", kwargs={"slug": study.slug})
    on_page = browser.post(address, remark, content_type="application/json")
    told = by_script.json()
    assert (told["type"].rpartition(":")[2], told["detail"], told["status"]) == (
        on_page.json()["error"],
        on_page.json()["message"],
        on_page.status_code,
    )
    assert abs(int(by_script["Retry-After"]) - int(on_page["Retry-After"])) <= 2


def test_an_answered_pair_is_not_given_back(study, key):
    body = answered(key, study)
    remark = {"assignment": body["assignment"], "reason": "other"}
    assert key.post(f"studies/{study.slug}/annotate/skip", remark).status_code == 409


def test_own_answers_are_paged_to_and_fro(study, key, monkeypatch):
    monkeypatch.setattr("annotation.rating.own_answers.PAGE_SIZE", 1)
    path = f"studies/{study.slug}/annotate"
    for _ in range(3):
        answered(key, study)

    def at(url: str) -> Any:
        return key.get(url.partition("/api/v1/")[2]).json()

    pages = [key.get(f"{path}/answers").json()]
    while (following := pages[-1]["next"]) is not None:
        pages.append(at(following))
    seen = [page["results"][0]["assignment"] for page in pages]
    assert len(set(seen)) == 3
    back = [pages[-1]]
    while (newer := back[-1]["previous"]) is not None:
        back.append(at(newer))
    assert [page["results"][0]["assignment"] for page in back] == seen[::-1]
    assert back[-1]["next"] is not None
    assert key.get(f"{path}/answers?cursor=-none").status_code == 404


def test_own_answers_are_listed_and_read_with_their_pair(study, key):
    bodies = [answered(key, study, choice) for choice in ("left", "right")]
    path = f"studies/{study.slug}/annotate"
    listed = key.get(f"{path}/answers").json()
    assert [row["choice"] for row in listed["results"]] == ["right", "left"]
    assert listed["next"] is None
    one = key.get(f"{path}/answers/{bodies[0]['assignment']}").json()
    assert one["answers"] == {"overall": {"choice": "left", "margin": None}}
    assert one["may_change"] is False
    last = key.get(f"{path}/answers/{bodies[1]['assignment']}").json()
    assert last["may_change"] is True
    assert key.get(f"{path}/summary").json()["pairs"] == 2
    assert key.get(f"{path}/answers?cursor=none").status_code == 404
    other = member(study, Role.ANNOTATOR)
    assert other.get(f"{path}/answers").json()["results"] == []
    assert other.get(f"{path}/answers/{bodies[0]['assignment']}").status_code == 404


def test_the_last_answer_is_changed_and_an_earlier_one_where_the_study_lets_it(study, key):
    first, last = (answered(key, study) for _ in range(2))
    path = f"studies/{study.slug}/annotate/vote"

    def changed(body: dict[str, Any]) -> Any:
        more = {"key": str(uuid.uuid4()), "answers": {"overall": {"choice": "right"}}}
        return key.post(path, {**body, **more, "revises": True}).status_code

    assert key.post(path, {**last, "key": str(uuid.uuid4())}).status_code == 409
    assert changed(last) == 200
    assert changed(first) == 409
    assert Vote.objects.filter(revision=1).count() == 1
    study.rules = {"answering": {"by_script": True, "revise_earlier": True}}
    study.save()
    assert changed(first) == 200
    assert Vote.objects.filter(revision=1).count() == 2
