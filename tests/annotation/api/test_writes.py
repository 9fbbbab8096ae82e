"""Writes: done once under a key, refused in one form; and a study from nothing to a report."""

from __future__ import annotations

import gzip
import json
import tempfile
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from annotation import audit
from annotation.api import idempotency
from annotation.models import (
    Annotator,
    AuditEntry,
    Comparison,
    Exclusion,
    Invitation,
    Membership,
    RememberedAnswer,
    Role,
    Study,
    Vote,
)
from annotation.tasks import forget_answers
from reports.tasks import make_requested_report
from tests import factories
from tests.annotation.api.calling import Caller, caller, member
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.races import at_once

pytestmark = pytest.mark.django_db

RESPONSES = "".join(
    json.dumps(
        {"prompt_id": f"p{p}", "prompt": f"Prompt {p}", "system": s, "response": f"{s} on {p}"}
    )
    + "\n"
    for p in range(4)
    for s in ("north", "south")
).encode()


def test_a_study_goes_from_nothing_to_a_report_by_the_api_alone():
    owner = factories.make_user(is_superuser=True, is_staff=True)
    key = caller(owner)
    made = key.post("studies", {"slug": "capitals", "title": "Capitals"})
    assert (made.status_code, made.json()["roles"]) == (201, ["owner"])
    one = "studies/capitals"
    imported = key.file(f"{one}/imports/responses", RESPONSES).json()
    assert (imported["stored"], imported["rows"], imported["problems"]) == (True, 8, [])
    again = key.file(f"{one}/imports/responses", RESPONSES)
    assert (again.status_code, again.json()["already_imported"]) == (200, True)
    assert key.get(f"{one}/readiness").json()["ready"] is False
    generated = key.post(f"{one}/generate", {"overlap": 1}).json()
    assert (generated["created"], generated["votes"]) == (4, 4)
    rubric = {"criteria": [{"key": "overall", "question": "Which is better?"}]}
    assert key.send("PUT", f"{one}/rubric", rubric).status_code == 200
    by_script = {"rules": {"answering": {"by_script": True}}}
    assert key.send("PATCH", one, by_script).status_code == 200
    ready = key.get(f"{one}/readiness").json()
    assert (ready["ready"], ready["faults"]) == (True, [])
    assert key.post(f"{one}/open").json()["state"] == "open"
    systems = {row["system_a"] for row in key.get(f"{one}/comparisons").json()["results"]}
    assert systems <= {"A1", "A2"}
    assert key.get(f"{one}/exports/votes.jsonl").status_code == 403
    study = Study.objects.get(slug="capitals")
    rater = member(study, Role.ANNOTATOR)
    for _ in range(4):
        pairs = rater.post(f"{one}/annotate/next").json()["pairs"]
        body = {
            "assignment": pairs[0]["id"],
            "key": str(uuid.uuid4()),
            "answers": {"overall": {"choice": "left"}},
            "timing": {"active_ms": 0},
        }
        stored = rater.post(f"{one}/annotate/vote", body)
        assert (stored.status_code, stored.json()["replayed"]) == (200, False)
        assert rater.post(f"{one}/annotate/vote", body).json()["replayed"] is True
    assert Vote.objects.count() == 4
    assert all(vote.metadata["via"] == "api" for vote in Vote.objects.all())
    assert all(vote.active_ms == 0 for vote in Vote.objects.all())
    progress = key.get(f"{one}/progress").json()
    assert (progress["votes_collected"], progress["votes_wanted"]) == (4, 4)
    assert key.post(f"{one}/close").json()["state"] == "closed"
    assert key.post(f"{one}/analyses").status_code == 403
    assert key.post(f"{one}/unblind", {"reason": "done"}).json()["is_sealed"] is False
    wish = key.post(f"{one}/analyses")
    assert wish.status_code == 202
    make_requested_report()
    found = key.get(f"{one}/requests/{wish.json()['id']}").json()
    assert found["state"] == "done"
    result = key.get(f"{one}/analyses/{found['analysis']}").json()["result"]
    assert result["counts"]["votes"] == 4
    file = key.get(f"{one}/exports/votes.jsonl")
    assert b"".join(file.streaming_content).count(b"\n") == 4
    assert key.post(f"{one}/archive").json()["state"] == "archived"


def test_every_bad_row_is_answered_and_nothing_is_stored():
    study = factories.make_study()
    key = member(study, Role.OWNER)
    content = b'{"prompt_id": "p1"}\nnonsense\n'
    answer = key.file(f"studies/{study.slug}/imports/responses", content)
    assert answer.status_code == 422
    assert [row["line"] for row in answer.json()["problems"]] == [1, 2]
    assert answer.json()["stored"] is False
    assert tempfile.gettempdir() not in answer.content.decode()
    whole = key.file(f"studies/{study.slug}/imports/responses", b"a,a\n1,2\n", "text/csv")
    assert whole.status_code == 422
    assert tempfile.gettempdir() not in whole.content.decode()
    assert whole.json()["detail"].startswith("the file:1")
    wrong = key.file(f"studies/{study.slug}/imports/responses", content, "text/plain")
    assert wrong.status_code == 415


def test_the_same_key_does_a_write_once_and_gives_its_answer_again():
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    body = {"people": [{"name": "Ada", "email": "ada@example.org"}]}
    path = f"studies/{study.slug}/invitations"
    first = key.post(path, body, **{"Idempotency-Key": "k1"})
    second = key.post(path, body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert Invitation.objects.count() == 1
    # A link is shown once: what is kept cannot be read without the key.
    link = first.json()["invitations"][0]["link"]
    kept = RememberedAnswer.objects.get()
    assert link.encode() not in bytes(kept.answer)
    assert kept.key_hash != "k1"
    other = key.post(path, {"people": [{"name": "Grace"}]}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409
    assert Invitation.objects.count() == 1
    # Keys are each person's own.
    somebody = member(study, Role.OWNER)
    assert (
        somebody.post(path, {"people": [{"name": "G"}]}, **{"Idempotency-Key": "k1"}).status_code
        == 201
    )


def test_what_was_refused_may_be_tried_again_under_the_same_key():
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/resume"
    assert key.post(path, **{"Idempotency-Key": "k"}).status_code == 409
    key.post(f"studies/{study.slug}/pause")
    assert key.post(path, **{"Idempotency-Key": "k"}).status_code == 200


def test_an_unblinding_that_was_refused_has_left_own_votes_and_the_key_alone():
    study = make_queue(2)
    rater = factories.make_annotator(study, factories.make_user())
    for _ in range(2):
        vote(rater, current_id(rater))
    factories.make_membership(study, Role.OWNER, rater.user)
    key = caller(rater.user)
    path = f"studies/{study.slug}/unblind"
    assert key.post(path, {"reason": "done"}, **{"Idempotency-Key": "k"}).status_code == 409
    assert not Exclusion.objects.exists()
    assert not AuditEntry.objects.filter(action="quality.own_votes_excluded").exists()
    assert key.post(f"studies/{study.slug}/close").status_code == 200
    answer = key.post(path, {"reason": "done"}, **{"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json().get("is_sealed")) == (200, False)
    assert Exclusion.objects.count() == 2


def test_answers_are_forgotten_after_a_day():
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    key.post(f"studies/{study.slug}/pause", **{"Idempotency-Key": "k"})
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert forget_answers() == 1
    assert not RememberedAnswer.objects.exists()


def test_a_request_that_is_still_at_work_is_not_done_again():
    user = factories.make_user()
    idempotency.claim(user, "k", "0" * 64)
    with pytest.raises(idempotency.KeyInUse):
        idempotency.claim(user, "k", "0" * 64)
    # Its process died: it was done or not, and is not done again under that key.
    with (
        time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False),
        pytest.raises(idempotency.KeyLost),
    ):
        idempotency.claim(user, "k", "0" * 64)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert isinstance(idempotency.claim(user, "k", "0" * 64), idempotency.Claimed)


def test_a_key_whose_first_request_broke_off_after_the_act_says_that_it_was_done(monkeypatch):
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/pause"
    with monkeypatch.context() as patch:
        # As if the process ended between the act and the answer.
        patch.setattr(idempotency, "remember", lambda *args: None)
        assert key.post(path, **{"Idempotency-Key": "k"}).status_code == 200
    key.post(f"studies/{study.slug}/resume")
    assert "still at work" in key.post(path, **{"Idempotency-Key": "k"}).json()["detail"]
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        answer = key.post(path, **{"Idempotency-Key": "k"})
    assert answer.status_code == 409
    assert "was done" in answer.json()["detail"]
    study.refresh_from_db()
    assert study.state == "open"


def test_a_key_whose_request_failed_after_the_act_says_so_at_once(monkeypatch):
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/pause"

    def lost(*args: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(idempotency, "remember", lost)
        with pytest.raises(OperationalError):
            key.post(path, **{"Idempotency-Key": "k"})
    answer = key.post(path, **{"Idempotency-Key": "k"})
    assert answer.status_code == 409
    assert "was done, at least in part" in answer.json()["detail"]


@pytest.mark.parametrize("keyed", [True, False])
def test_an_outage_after_the_act_does_not_say_that_nothing_was_done(monkeypatch, keyed: bool):
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    headers = {"Idempotency-Key": "k"} if keyed else {}
    path = f"studies/{study.slug}/pause"
    monkeypatch.setattr("annotation.api.problems.is_outage", lambda error: True)

    def lost(*args: object, **kwargs: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr("annotation.audit.scope_of", lost)
        answer = key.post(path, **headers)
    assert answer.status_code == 503
    assert "in part" in answer.json()["detail"]
    assert "Nothing was done" not in answer.json()["detail"]
    with monkeypatch.context() as patch:
        patch.setattr("annotation.audit.record", lost)
        answer = key.post(path, **headers)
    assert answer.status_code == 503
    assert "Nothing was done" in answer.json()["detail"]


def test_a_key_whose_first_request_broke_off_before_the_act_says_so(monkeypatch):
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/pause"

    def killed(*args: object) -> None:
        # The act is rolled back, and with it that it was done.
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("annotation.audit.entry_hash", killed)
        patch.setattr(idempotency, "release", lambda claimed: None)
        with pytest.raises(KeyboardInterrupt):
            key.post(path, **{"Idempotency-Key": "k"})
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        answer = key.post(path, **{"Idempotency-Key": "k"})
    assert answer.status_code == 409
    assert "before it did anything" in answer.json()["detail"]
    study.refresh_from_db()
    assert study.state == "open"


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_does_it():
    user = factories.make_user()

    def claim() -> str:
        try:
            return type(idempotency.claim(user, "k", "0" * 64)).__name__
        except idempotency.KeyInUse:
            return "in use"

    assert sorted(at_once([claim, claim])) == ["Claimed", "in use"]


def test_refusals_say_what_where_and_what_to_do():
    study = factories.make_study()
    key = member(study, Role.OWNER)
    answer = key.send("PATCH", f"studies/{study.slug}", {"target_votes": 0, "slug": "x"})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["faults"][0]["where"] == "slug"
    faults = key.send("PATCH", f"studies/{study.slug}", {"target_votes": 0}).json()["faults"]
    assert [fault["where"] for fault in faults] == ["target_votes"]
    rules = key.send("PATCH", f"studies/{study.slug}", {"rules": {"checks": {"gold_share": 2}}})
    assert "checks.gold_share must lie between" in rules.json()["faults"][0]["what"]
    not_ready = key.post(f"studies/{study.slug}/open")
    assert not_ready.status_code == 409
    assert not_ready.json()["faults"]
    bad = {"people": [{"name": "A"}, {"email": "nobody"}]}
    invited = key.post(f"studies/{study.slug}/invitations", bad)
    assert [fault["where"] for fault in invited.json()["faults"]] == ["people[1].email"]
    assert key.send("PATCH", f"studies/{study.slug}", "x" * 2_000_000).status_code == 413
    broken = key.client.post(
        f"/api/v1/studies/{study.slug}/open", "{", content_type="application/json",
        headers={"Authorization": f"Bearer {key.secret}"},
    )  # fmt: skip
    assert broken.status_code == 400


def test_lists_are_paged_by_cursor_and_filtered_by_what_is_allowed_alone():
    study = factories.make_study()
    for number in range(5):
        factories.make_prompt(study, f"p{number}", category="law" if number % 2 else "")
    key = member(study, Role.RESEARCHER)
    names, path = [], f"studies/{study.slug}/prompts?page_size=2"
    while path:
        page = key.get(path).json()
        names += [row["prompt_id"] for row in page["results"]]
        path = page["next"].split("/api/v1/")[1] if page["next"] else ""
    assert names == [f"p{number}" for number in range(5)]
    law = key.get(f"studies/{study.slug}/prompts?category=law").json()["results"]
    assert [row["prompt_id"] for row in law] == ["p1", "p3"]
    for query in ("study__slug=x", "category__regex=.", "ordering=-text", "id=1", "categroy=law"):
        answer = key.get(f"studies/{study.slug}/prompts?{query}")
        assert answer.status_code == 422, query
        fault = answer.json()["faults"][0]
        assert fault["where"] == query.partition("=")[0]
        assert "cursor, page_size, category, prompt_id" in fault["what"]
    wrong = key.post(f"studies/{study.slug}/imports/prompts?skip_bad_row=true")
    assert wrong.status_code == 422
    assert key.get(f"studies/{study.slug}/prompts?category=%00").status_code == 422
    assert key.get(f"studies/{study.slug}/prompts?cursor=x").status_code in (200, 404)


def test_a_sealed_study_is_told_by_codes():
    study = factories.make_open_study()
    comparison = factories.make_comparison(study)
    comparison.system_a.code, comparison.system_b.code = "A1", "A2"
    comparison.system_a.save()
    comparison.system_b.save()
    key = member(study, Role.OWNER)
    names = {comparison.system_a.name, comparison.system_b.name}
    for path in ("comparisons", "responses"):
        page = key.get(f"studies/{study.slug}/{path}").content.decode()
        assert not any(name in page for name in names), path
    assert {
        row["name"] for row in key.get(f"studies/{study.slug}/systems").json()["results"]
    } == names
    assert "A1" not in key.get(f"studies/{study.slug}/systems").content.decode()


def test_people_are_decided_about_as_on_the_pages():
    study = factories.make_open_study()
    owner, researcher = member(study, Role.OWNER), member(study, Role.RESEARCHER)
    user = factories.make_annotator(study, factories.make_user()).user
    one = f"studies/{study.slug}/members/{user.pk}"
    refused = researcher.send("PUT", f"{one}/roles", {"roles": ["annotator", "owner"]})
    assert refused.status_code == 403
    both = owner.send("PUT", f"{one}/roles", {"roles": ["annotator", "monitor"]})
    assert both.json()["roles"] == ["annotator", "monitor"]
    assert owner.send("PUT", f"{one}/roles", {"roles": ["monitor"]}).status_code == 409
    assert owner.send("PUT", f"{one}/team", {"team": "Berlin"}).json()["team"] == "Berlin"
    assert researcher.send("DELETE", f"{one}/identity").status_code == 403
    left = researcher.post(f"{one}/end", {"votes": "keep"})
    assert left.json()["state"] == "removed"
    assert owner.send("DELETE", f"{one}/identity").status_code == 200
    assert Annotator.objects.get(study=study, user=None).erased_at is not None


def test_an_annotator_s_key_opens_their_own_work_alone():
    study = factories.make_open_study()
    factories.make_comparison(study)
    key = member(study, Role.ANNOTATOR)
    seen = key.get(f"studies/{study.slug}").json()
    assert set(seen) == {
        "slug", "title", "state", "roles", "instructions", "created_at", "opened_at", "closed_at",
    }  # fmt: skip
    for path in (
        "systems", "prompts", "responses", "comparisons", "members", "invitations", "quality",
        "findings", "reviews", "progress", "analyses", "exports/votes.jsonl", "readiness",
    ):  # fmt: skip
        assert key.get(f"studies/{study.slug}/{path}").status_code == 403, path
    assert key.post("studies", {"slug": "mine"}).status_code == 403


def test_the_last_owner_stays():
    study = factories.make_open_study()
    user = factories.make_membership(study, Role.OWNER).user
    answer = caller(user).send(
        "PUT", f"studies/{study.slug}/members/{user.pk}/roles", {"roles": []}
    )
    assert answer.status_code == 409
    assert Membership.objects.filter(study=study, role=Role.OWNER).exists()


def test_too_many_requests_are_told_when_to_come_back(settings, monkeypatch):
    from annotation.api.limits import AccountThrottle

    monkeypatch.setattr(
        AccountThrottle, "THROTTLE_RATES", {"read": "2/min", "write": "1/min", "anonymous": "1/min"}
    )
    # What other tests asked as the account of the same number.
    AccountThrottle.cache.clear()
    key = caller(factories.make_user())
    assert [key.get("studies").status_code for _ in range(3)] == [200, 200, 429]
    answer = key.get("studies")
    assert int(answer.headers["Retry-After"]) <= 60
    assert answer.json()["status"] == 429


def test_comparisons_can_be_filtered_by_kind():
    study = factories.make_study()
    factories.make_comparison(study)
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/comparisons?kind="
    assert len(key.get(path + "work").json()["results"]) == Comparison.objects.count()
    assert key.get(path + "gold").json()["results"] == []


def test_a_refused_design_leaves_no_identical_pairs_behind():
    study = factories.make_study()
    factories.make_comparison(study)
    key = member(study, Role.OWNER)
    body = {"identical": 2, "design": "anchor", "anchor": "nobody"}
    assert key.post(f"studies/{study.slug}/generate", body).status_code == 422
    assert not Comparison.objects.filter(kind="identical").exists()
    made = key.post(f"studies/{study.slug}/generate", {"identical": 2, "design": "all"}).json()
    assert made["identical"] == 2
    actions = AuditEntry.objects.filter(study=study, action="comparisons.generated")
    assert actions.count() == 2
    assert not list(audit.verify(study))


def test_refused_roles_are_refused_as_a_whole():
    study = factories.make_open_study()
    user = factories.make_membership(study, Role.OWNER).user
    path = f"studies/{study.slug}/members/{user.pk}/roles"
    answer = caller(user).send("PUT", path, {"roles": ["monitor"]})
    assert answer.status_code == 409
    assert [row.role for row in Membership.objects.filter(study=study, user=user)] == ["owner"]


def test_a_study_with_a_bad_title_is_not_begun():
    owner = factories.make_user(is_superuser=True, is_staff=True)
    answer = caller(owner).post("studies", {"slug": "titled", "title": "a\u0000b"})
    assert answer.status_code == 422
    assert not Study.objects.filter(slug="titled").exists()
    assert caller(owner).post("studies", {"slug": "titled"}).status_code == 201
    assert caller(owner).post("studies", {"slug": "titled"}).status_code == 409


def test_a_packed_file_is_imported():
    study = factories.make_study()
    key = member(study, Role.OWNER)
    path = f"/api/v1/studies/{study.slug}/imports/responses"

    def send(content: bytes, packing: str, **more: str):
        headers = {"Authorization": f"Bearer {key.secret}", "Content-Encoding": packing, **more}
        return key.client.generic(
            "POST", path, content, content_type="application/jsonl", headers=headers
        )

    assert send(RESPONSES, "br").status_code == 415
    assert send(RESPONSES, "gzip").status_code == 422
    keyed = send(gzip.compress(RESPONSES), "gzip", **{"Idempotency-Key": "k"})
    assert keyed.status_code == 422
    assert "Idempotency-Key" in keyed.json()["detail"]
    assert send(gzip.compress(RESPONSES), "gzip").json()["rows"] == 8


def test_unknown_fields_are_named_at_any_depth():
    study = factories.make_open_study()
    key = member(study, Role.OWNER)
    body = {"people": [{"name": "A"}, {"name": "B", "mail": "b@example.org"}]}
    answer = key.post(f"studies/{study.slug}/invitations", body)
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["where"] == "people[1].mail"
    assert not Invitation.objects.exists()


def test_keys_that_are_none_are_counted_by_network(monkeypatch):
    from annotation.api.limits import AccountThrottle

    rates = {"read": "9/min", "write": "9/min", "anonymous": "2/min"}
    monkeypatch.setattr(AccountThrottle, "THROTTLE_RATES", rates)
    AccountThrottle.cache.clear()
    stranger = Caller("evs_" + "x" * 43)
    assert [stranger.get("studies").status_code for _ in range(3)] == [401, 401, 429]
    assert int(stranger.get("studies").headers["Retry-After"]) <= 60
    # A good key of the same network goes on.
    assert caller(factories.make_user()).get("studies").status_code == 200
    AccountThrottle.cache.clear()


def test_many_accounts_are_counted_at_once():
    from annotation.api.limits import AccountThrottle

    AccountThrottle.cache.clear()
    for number in range(1_000):
        AccountThrottle.cache.set(f"account-{number}", [1.0], 60)
    assert AccountThrottle.cache.get("account-0") == [1.0]
    AccountThrottle.cache.clear()


def test_a_look_at_the_headers_is_no_look_at_the_votes():
    study = factories.make_open_study(results="open")
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/exports/votes.jsonl"
    assert key.send("HEAD", path).status_code == 200
    assert not AuditEntry.objects.filter(action="look").exists()
    assert key.get(path).status_code == 200
    assert AuditEntry.objects.filter(action="look").count() == 1


def test_figures_of_annotators_come_in_pages():
    study = factories.make_open_study()
    names = sorted(factories.make_annotator(study).external_id for _ in range(3))
    key = member(study, Role.OWNER)
    first = key.get(f"studies/{study.slug}/quality?page_size=2").json()
    assert [row["annotator_id"] for row in first["results"]] == names[:2]
    rest = key.get(first["next"].split("/api/v1/")[1]).json()
    assert [row["annotator_id"] for row in rest["results"]] == names[2:]


def test_owners_who_rate_are_marked_and_can_be_let_count():
    study = factories.make_open_study()
    rater = factories.make_annotator(study, factories.make_user())
    key, watcher = member(study, Role.OWNER), member(study, Role.MONITOR)
    one = f"studies/{study.slug}/members/{rater.user.pk}"
    reviews = f"studies/{study.slug}/annotators/{rater.external_id}/reviews"
    count = {"outcome": "count_own", "reason": "We know."}

    def marked() -> set[str | None]:
        rows = watcher.get(f"studies/{study.slug}/quality").json()["results"]
        return {rows[0]["own_votes"], key.get(one).json()["own_votes"]}

    assert marked() == {None}
    assert key.post(reviews, count).status_code == 409
    assert key.send("PUT", f"{one}/roles", {"roles": ["annotator", "owner"]}).status_code == 200
    assert marked() == {"exclude"}
    assert watcher.post(reviews, count).status_code == 403
    assert key.post(reviews, count).status_code == 201
    assert marked() == {"count"}


def test_many_studies_are_listed_by_as_many_queries_as_one(django_assert_max_num_queries):
    user = factories.make_user()
    for _ in range(4):
        study = factories.make_study()
        factories.make_membership(study, Role.OWNER, user)
        factories.make_membership(study, Role.MONITOR, user)
        factories.make_membership(study, Role.RESEARCHER)
    key = caller(user)
    key.get("studies")
    with django_assert_max_num_queries(3):
        rows = key.get("studies").json()["results"]
    assert [row["roles"] for row in rows] == [["monitor", "owner"]] * 4


def test_progress_is_that_of_the_page(monkeypatch):
    from reports.watching.figures import PROGRESS

    study = factories.make_open_study()
    factories.make_comparison(study, overlap=3)
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}/progress"
    found = key.get(path).json()
    assert (found["comparisons"], found["votes_wanted"], found["votes_collected"]) == (1, 3, 0)
    monkeypatch.setattr(type(PROGRESS), "figures", lambda *args: None)
    later = key.get(path)
    assert (later.status_code, later.headers["Retry-After"]) == (503, "5")
