"""Voting by a script: where the study allows it, and on the terms of the page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from annotation.models import Annotator, Assignment, Role, Vote
from tests import factories
from tests.annotation.api.calling import Caller, caller, member

pytestmark = pytest.mark.django_db

BY_SCRIPT = {"answering": {"by_script": True, "tags": ["clearer"], "confidence": "optional"}}


def held_pair(key: Caller, study) -> dict[str, Any]:
    annotator = Annotator.objects.get(study=study)
    comparison = factories.make_comparison(study)
    factories.make_assignment(comparison, annotator)
    assignment = Assignment.objects.get(annotator=annotator)
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
