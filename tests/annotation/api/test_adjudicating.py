"""Adjudication by a script: the case on the desk, what is seen of it, and what is decided."""

from __future__ import annotations

import pytest

from annotation.models import Adjudication, AdjudicationCase, Role
from tests import factories
from tests.annotation.adjudication.test_deciding import study_of
from tests.annotation.api.calling import caller, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return study_of(2)


def test_a_case_is_taken_read_and_decided_once(study):
    key = member(study, Role.ADJUDICATOR)
    path = f"studies/{study.slug}/adjudicate"
    taken = key.post(f"{path}/next").json()
    assert taken["search"] is None
    assert key.post(f"{path}/next").json()["case"] == taken["case"]
    one = f"{path}/cases/{taken['case']}"
    case = key.get(one).json()
    assert case["why"] == ["Two people chose two different answers."]
    assert [question["key"] for question in case["questions"]] == ["overall"]
    assert (case["answers"], case["is_decided"]) == ({}, False)
    text = key.get(one).content.decode()
    for word in ("alpha", "beta", "swapped", "annotator"):
        assert word not in text
    decision = {"answers": {"overall": {"choice": "left"}}, "reason": "It is right."}
    assert key.post(f"{one}/decide", decision).json() == {"revision": 0, "replayed": False}
    assert key.post(f"{one}/decide", decision).json() == {"revision": 0, "replayed": True}
    assert Adjudication.objects.get().reason == "It is right."
    again = key.get(one).json()
    assert again["answers"]["overall"]["choice"] == "left"
    bad = key.post(f"{one}/decide", {"answers": {"overall": {"choice": "left", "margin": 2}}})
    assert bad.status_code == 422
    assert bad.json()["faults"][0]["where"] == "overall"


def test_a_skipped_case_goes_to_others_until_there_is_none(study):
    key = member(study, Role.ADJUDICATOR)
    path = f"studies/{study.slug}/adjudicate"
    for _ in range(2):
        case = key.post(f"{path}/next").json()["case"]
        assert key.post(f"{path}/cases/{case}/skip").json() == {}
    assert key.post(f"{path}/next").json() == {"case": None, "search": None}
    assert set(AdjudicationCase.objects.values_list("state", flat=True)) == {"skipped"}
    going_on = {"search": {"at": 0, "gone": 0}}
    assert key.post(f"{path}/next", going_on).json()["case"] is None


def test_cases_of_colleagues_and_for_other_roles_are_not_there(study):
    key, colleague = member(study, Role.ADJUDICATOR), member(study, Role.ADJUDICATOR)
    path = f"studies/{study.slug}/adjudicate"
    case = key.post(f"{path}/next").json()["case"]
    assert colleague.get(f"{path}/cases/{case}").status_code == 404
    decision = {"answers": {"overall": {"choice": "left"}}}
    assert colleague.post(f"{path}/cases/{case}/decide", decision).status_code == 404
    owner = member(study, Role.OWNER)
    assert owner.post(f"{path}/next").status_code == 403
    assert not Adjudication.objects.exists()


def test_who_was_given_the_pair_to_rate_reads_nothing_of_it(study):
    user = factories.make_membership(study, Role.ADJUDICATOR).user
    key = caller(user)
    path = f"studies/{study.slug}/adjudicate"
    case = key.post(f"{path}/next").json()["case"]
    comparison = AdjudicationCase.objects.get().comparison
    comparison.overlap = 3
    comparison.save()
    factories.make_assignment(comparison, factories.make_annotator(study, user))
    answer = key.get(f"{path}/cases/{case}")
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:evalsite:problem:rated_themselves",
    )
