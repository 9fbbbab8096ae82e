"""What the set-up pages do, done by a script: copies, references, questions, changes of an opened
study, people on pause and messages to them."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from annotation.jobs import steps
from annotation.models import (
    Annotator,
    AnnotatorState,
    AuditEntry,
    Comparison,
    Message,
    Prompt,
    Response,
    Role,
    Study,
    StudyState,
)
from tests import factories
from tests.annotation.api.calling import Caller, caller, member

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return factories.make_open_study("first", title="First")


@pytest.fixture
def owner(study) -> Caller:
    return member(study, Role.OWNER)


def test_a_study_is_cloned_and_a_sealed_one_without_its_content(owner, study):
    factories.make_comparison(study)
    made = owner.post("studies/first/clone", {"slug": "again", "title": "Again"})
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["roles"]) == ("draft", ["owner"])
    assert not Prompt.objects.filter(study__slug="again").exists()
    refused = owner.post("studies/first/clone", {"slug": "whole", "with_content": True})
    assert refused.status_code == 409
    assert "sealed" in refused.json()["detail"]
    assert owner.post("studies/first/clone", {"slug": "again"}).status_code == 409
    assert owner.post("studies/first/clone", {"slug": "Not this"}).status_code == 422
    assert Study.objects.count() == 2


def test_a_finished_study_is_challenged_and_no_other(owner, study):
    factories.make_comparison(study)
    assert owner.post("studies/first/challenge", {"slug": "next"}).status_code == 409
    study.state, study.closed_at = StudyState.CLOSED, timezone.now()
    study.unblinded_at = timezone.now()
    study.save()
    assert owner.post("studies/first/challenge", {"slug": "next"}).status_code == 201
    assert Study.objects.get(slug="next").continues == study
    assert Prompt.objects.filter(study__slug="next").exists()


def test_copies_are_made_by_those_alone_who_may_begin_a_study(study):
    user = factories.make_membership(study, Role.RESEARCHER).user
    bound = caller(user, study=study)
    for path in ("clone", "challenge"):
        assert bound.post(f"studies/first/{path}", {"slug": "again"}).status_code == 403
    assert Study.objects.count() == 1


def test_references_are_written_all_or_none():
    draft = factories.make_study("draft")
    key = member(draft, Role.RESEARCHER)
    first, second = (factories.make_prompt(draft, name) for name in ("p1", "p2"))
    path = "studies/draft/references"

    def write(*entries):
        body = [{"prompt_id": name, "reference": text} for name, text in entries]
        return key.send("PATCH", path, {"references": body})

    assert write(("p1", "Paris."), ("p2", " as it is\n")).json() == {"changed": 2}
    assert write(("p1", "Paris.")).json() == {"changed": 0}
    for row in (first, second):
        row.refresh_from_db()
    assert (first.reference, second.reference) == ("Paris.", " as it is\n")
    refused = write(("p1", "Rome."), ("p3", "x"), ("p1", "y"))
    assert refused.status_code == 422
    assert [fault["where"] for fault in refused.json()["faults"]] == [
        "references[1].prompt_id",
        "references[2].prompt_id",
    ]
    first.refresh_from_db()
    assert first.reference == "Paris."
    Study.objects.filter(pk=draft.pk).update(state=StudyState.OPEN, opened_at=timezone.now())
    assert write(("p1", "Rome.")).status_code == 409


QUESTIONS = [{"key": "level", "text": "How well do you know it?", "options": ["little", "well"]}]


def test_questions_about_the_person_are_set_and_their_answers_counted():
    draft = factories.make_study("draft")
    key = member(draft, Role.OWNER)
    path = "studies/draft/profile-questions"
    assert key.get(path).json() == {"questions": []}
    assert key.send("PUT", path, {"questions": QUESTIONS}).status_code == 200
    for answer in ("well", "well", None):
        factories.make_annotator(draft, factories.make_user(), profile={"level": answer})
    factories.make_annotator(draft, factories.make_user())
    (found,) = key.get(path).json()["questions"]
    assert found["answers"] == {"little": 0, "well": 2}
    assert (found["unsaid"], found["unasked"]) == (1, 1)
    twice = [*QUESTIONS, *QUESTIONS]
    assert key.send("PUT", path, {"questions": twice}).status_code == 422


def test_questions_of_an_opened_study_need_a_reason(owner, study):
    path = "studies/first/profile-questions"
    factories.make_study_version(study, snapshot={"seeds": {"codes": 0}})
    assert owner.send("PUT", path, {"questions": QUESTIONS}).status_code == 409
    study.refresh_from_db()
    assert "profile" not in study.rules


def draft_rows() -> bytes:
    rows = [
        {"prompt_id": f"p{p}", "prompt": f"Prompt {p}", "system": s, "response": f"{s} on {p}"}
        for p in range(2)
        for s in ("north", "south")
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_two_scripts_that_change_different_rules_lose_nothing(opened: Caller):
    for rules in ({"limits": {"per_day": 40}}, {"limits": {"skips_per_hour": 7}}):
        sent = {"change_rules": rules, "reason": "Asked."}
        assert opened.send("PATCH", "studies/open", sent).status_code == 200
    assert Study.objects.get().rules == {"limits": {"per_day": 40, "skips_per_hour": 7}}
    back = {"change_rules": {"limits": {"per_day": None}}, "reason": "Asked."}
    assert opened.send("PATCH", "studies/open", back).status_code == 200
    assert Study.objects.get().rules == {"limits": {"skips_per_hour": 7}}


@pytest.mark.parametrize(
    "rules",
    [
        {"limits": {"a_day": 1}},
        {"limit": {"per_day": 1}},
        {"limits": 3},
        {"limits": {"per_day": 0}},
    ],
)
def test_a_single_rule_that_there_is_not_is_refused(opened: Caller, rules: object):
    sent = {"change_rules": rules, "reason": "Asked."}
    assert opened.send("PATCH", "studies/open", sent).status_code == 422
    assert Study.objects.get().rules == {}


def test_all_rules_and_single_ones_do_not_go_together(opened: Caller):
    sent = {"rules": {}, "change_rules": {"limits": {"per_day": 40}}, "reason": "Asked."}
    assert opened.send("PATCH", "studies/open", sent).status_code == 422


def test_single_rules_of_a_draft_are_set_without_a_reason():
    draft = factories.make_study("draft", rules={"limits": {"skips_per_hour": 7}})
    key = member(draft, Role.OWNER)
    sent = {"change_rules": {"checks": {"repeat_gap": 9}}}
    assert key.send("PATCH", "studies/draft", sent).status_code == 200
    draft.refresh_from_db()
    assert draft.rules == {"limits": {"skips_per_hour": 7}, "checks": {"repeat_gap": 9}}


@pytest.fixture
def opened() -> Caller:
    """A study that a script took from nothing to its opening."""
    draft = factories.make_study("open")
    key = member(draft, Role.OWNER)
    assert key.file("studies/open/imports/responses", draft_rows()).status_code == 200
    assert key.post("studies/open/generate", {"overlap": 1}).status_code == 200
    assert key.post("studies/open/open").status_code == 200
    return key


def test_the_overlap_of_an_opened_study_is_raised_with_a_reason(opened):
    def change(**body):
        return opened.send("PATCH", "studies/open", body)

    assert change(overlap=2).status_code == 409
    assert change(overlap=2, reason="more certainty").status_code == 200
    assert set(Comparison.objects.values_list("overlap", flat=True)) == {2}
    assert change(overlap=1, reason="less").status_code == 409
    item = Comparison.objects.order_by("pk").values_list("item_id", flat=True)[0]
    assert change(overlap=3, items=[item], reason="one more").status_code == 200
    assert sorted(Comparison.objects.values_list("overlap", flat=True)) == [2, 3]
    assert change(items=[item], reason="which").status_code == 422


def test_a_draft_has_no_overlap_to_raise():
    draft = factories.make_study("draft")
    key = member(draft, Role.OWNER)
    assert key.send("PATCH", "studies/draft", {"overlap": 2}).status_code == 409


def test_comparisons_are_added_to_an_opened_study_as_a_version(opened):
    row = {
        "item_id": "new",
        "prompt_id": "p9",
        "prompt": "Prompt 9",
        "system_a": "north",
        "system_b": "south",
        "response_a": "one",
        "response_b": "two",
    }
    path = "studies/open/additions"
    content = json.dumps(row).encode()
    assert opened.file(path, content).status_code == 409
    bad = opened.file(f"{path}?reason=more", b'{"item_id": "new"}')
    assert bad.status_code == 422
    assert bad.json()["faults"][0]["where"] == "line 1"
    strange = json.dumps({**row, "system_b": "west"}).encode()
    assert opened.file(f"{path}?reason=more", strange).status_code == 409
    assert Comparison.objects.count() == 2
    added = opened.file(f"{path}?reason=more", content)
    assert added.status_code == 200, added.content
    assert added.json()["version"] == 2
    assert Comparison.objects.count() == 3
    assert opened.file(f"{path}?reason=more", content).json()["version"] is None
    assert AuditEntry.objects.get(action="study.changed").detail["reason"] == "more"


def test_all_bad_rows_of_an_addition_are_counted_and_the_first_are_named(opened, monkeypatch):
    monkeypatch.setattr(steps, "SHOWN_PROBLEMS", 2)
    path = "studies/open/additions?reason=more"
    row = b'{"item_id": "new"}\n'
    few, many = opened.file(path, row * 2).json(), opened.file(path, row * 3).json()
    assert few["detail"] == "2 rows cannot be used. Nothing was added."
    assert many["detail"] == ("3 rows cannot be used. Nothing was added. The first 2 are named.")
    assert [fault["where"] for fault in many["faults"]] == ["line 1", "line 2"]
    assert opened.file(path, b"\n").json()["detail"] == "the file: the file holds no rows"


# -- people ----------


def test_an_annotator_is_paused_with_a_reason_and_let_go_on(owner, study):
    factories.make_study_version(study)
    ada = factories.make_annotator(study, factories.make_user(), external_id="ada")
    path = "studies/first/annotators/ada"
    assert owner.post(f"{path}/pause").status_code == 422
    paused = owner.post(f"{path}/pause", {"reason": "asked for it"})
    assert paused.status_code == 201
    assert paused.json()["annotator_id"] == "ada"
    ada.refresh_from_db()
    assert ada.state == AnnotatorState.PAUSED
    assert owner.post(f"{path}/pause", {"reason": "again"}).status_code == 409
    assert owner.post(f"{path}/reviews", {"outcome": "resume", "reason": "fine"}).status_code == 201
    assert Annotator.objects.get(pk=ada.pk).state == AnnotatorState.ACTIVE
    assert owner.post("studies/first/annotators/nobody/pause", {"reason": "x"}).status_code == 404


def test_an_annotator_is_written_to_and_it_is_seen_whether_they_read_it(owner, study):
    factories.make_annotator(study, factories.make_user(), external_id="ada")
    factories.make_annotator(study, external_id="elsewhere")
    path = "studies/first/annotators/ada/messages"
    sent = owner.post(path, {"text": "Please read the second page."})
    assert sent.status_code == 201
    (listed,) = owner.get(path).json()["results"]
    assert (listed["id"], listed["read_at"]) == (str(Message.objects.get().public_id), None)
    assert owner.post(path, {"text": ""}).status_code == 422
    nobody = owner.post("studies/first/annotators/elsewhere/messages", {"text": "Hello."})
    assert nobody.status_code == 409
    assert Message.objects.count() == 1
    entry = AuditEntry.objects.get(action="annotator.message_sent")
    assert "second page" not in str(entry.detail)


def test_the_collection_is_rehearsed_with_simulated_people(opened):
    found = opened.post("studies/open/rehearsal", {"people": 2, "pay": 12, "seconds": 30}).json()
    assert (found["wanted"], found["missing"], found["is_part"]) == (2, 0, False)
    assert found["money"] == pytest.approx(found["hours"] * 12)
    assert opened.post("studies/open/rehearsal", {"people": 0}).status_code == 422
    empty = factories.make_study("empty")
    assert member(empty, Role.OWNER).post("studies/empty/rehearsal", {"people": 2}).status_code == (
        409
    )


# -- names in responses ----------


def naming_rows() -> bytes:
    texts = {"north": "As ChatGPT I cannot.", "south": "Ask Southwind.", "southwind": "Yes."}
    rows = [
        {"prompt_id": "p1", "prompt": "Why?", "system": system, "response": text}
        for system, text in texts.items()
    ]
    return "\n".join(map(json.dumps, rows)).encode()


def texts_of(study: Study) -> dict[str, str]:
    return dict(Response.objects.filter(prompt__study=study).values_list("system__name", "text"))


def test_a_script_asks_what_a_file_brings_and_whom_it_names_before_it_is_stored():
    study = factories.make_study("weather")
    key = member(study, Role.OWNER)
    path = "studies/weather/imports/responses"
    found = key.file(f"{path}?check_only=true", naming_rows() + b"\nnonsense").json()
    assert (found["stored"], found["rows"], found["bad_rows"]) == (False, 4, 1)
    assert [row["line"] for row in found["problems"]] == [4]
    assert found["names"] == {"ChatGPT": 1, "Southwind": 1}
    assert found["naming_rows"] == 2
    [pair] = found["sampled"]
    assert pair["prompt"] == "Why?"
    rows = [json.loads(line) for line in naming_rows().splitlines()]
    texts = {row["system"]: row["response"] for row in rows}
    shown = {response["system"]: response["text"] for response in pair["responses"]}
    assert len(shown) == 2
    assert shown.items() <= texts.items()
    assert texts_of(study) == {}
    masked = key.file(f"{path}?naming=mask&names=ChatGPT", naming_rows()).json()
    assert (masked["stored"], masked["rows"], masked["treated_rows"]) == (True, 3, 1)
    assert texts_of(study) == {
        "north": "As [name] I cannot.",
        "south": "Ask Southwind.",
        "southwind": "Yes.",
    }


def test_a_script_asks_what_a_file_of_prompts_brings_before_it_is_stored():
    study = factories.make_study("weather")
    prompt = factories.make_prompt(study, "p1")
    key = member(study, Role.OWNER)
    path = "studies/weather/imports/prompts"
    file = b'{"prompt_id": "p1", "category": "law"}\nnonsense'
    found = key.file(f"{path}?check_only=true", file).json()
    assert (found["stored"], found["rows"], found["bad_rows"]) == (False, 2, 1)
    assert [row["line"] for row in found["problems"]] == [2]
    assert (found["names"], found["naming_rows"], found["sampled"]) == ({}, 0, [])
    prompt.refresh_from_db()
    assert prompt.category == ""
    assert key.file(f"{path}?check_only=perhaps", file).status_code == 422
    stored = key.file(path, file.splitlines()[0]).json()
    assert (stored["stored"], stored["sampled"]) == (True, [])


def test_a_script_leaves_out_responses_that_hold_one_of_some_names():
    study = factories.make_study("weather")
    key = member(study, Role.OWNER)
    path = "studies/weather/imports/responses?naming=exclude&names=ChatGPT&names=Southwind"
    left = key.file(path, naming_rows()).json()
    assert (left["stored"], left["treated_rows"]) == (True, 2)
    assert texts_of(study) == {"southwind": "Yes."}
    assert AuditEntry.objects.filter(action="responses.imported").get().detail["treatment"] == {
        "policy": "exclude",
        "names": 2,
        "rows": 2,
    }


@pytest.mark.parametrize(
    "query",
    [
        "naming=hide",
        "naming=mask",
        "names=ChatGPT",
        "naming=flag&names=ChatGPT",
        "check_only=perhaps",
        "naming=mask&names=" + "x" * 256,
        "naming=mask" + "".join(f"&names=n{number}" for number in range(101)),
    ],
)
def test_a_treatment_that_says_nothing_or_too_much_is_refused(query: str):
    study = factories.make_study("weather")
    key = member(study, Role.OWNER)
    answer = key.file(f"studies/weather/imports/responses?{query}", naming_rows())
    assert answer.status_code == 422
    assert texts_of(study) == {}


def test_prompts_and_votes_hold_no_names_to_treat():
    study = factories.make_study("weather")
    key = member(study, Role.OWNER)
    for kind in ("prompts", "votes"):
        answer = key.file(f"studies/weather/imports/{kind}?naming=mask&names=x", b"{}")
        assert answer.status_code == 422
        assert "There is no such parameter" in answer.json()["faults"][0]["what"]
