"""Judges and their runs through the API: what a script adds, asks, starts and never gets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from annotation.api.tokens import Scope
from annotation.models import AuditEntry, Role
from judging.models import Endpoint, JudgeRun, JudgeVersion
from judging.runs.conducting import pause
from judging.runs.money import standing_of
from judging.runs.panels import quote_all
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from tests.annotation.api.calling import Caller, member
from tests.judging.asked import KEY, SIMULATED, add, make_judged_study, work_off


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, resolved: None) -> None:
    monkeypatch.setattr("judging.api.runs.ring", lambda run: None)


@pytest.fixture
def script(study) -> Caller:
    return member(study, Role.RESEARCHER)


def draft(**more: object) -> dict[str, object]:
    return {
        "name": "careful",
        "endpoint": {"name": "main", "base_url": SIMULATED},
        "models": [{"name": "fair:delay=0", "price": {"input": "1", "output": 2}}],
        **more,
    }


def test_judges_are_added_as_from_a_file_and_a_change_is_a_further_version(script, study) -> None:
    path = f"studies/{study.slug}/judges"
    made = script.post(path, draft())
    assert made.status_code == 201
    (first,) = made.json()["judges"]
    assert (first["judge"], first["version"], first["is_new"]) == ("careful", 1, True)
    assert script.post(path, draft()).json()["judges"][0]["is_new"] is False
    changed = draft(instructions=[{"name": "sceptic"}, {"name": "mine", "text": "Be fair."}])
    names = [one["judge"] for one in script.post(path, changed).json()["judges"]]
    assert names == ["careful/fair:delay=0/sceptic", "careful/fair:delay=0/mine"]
    models = [{"name": "fair:delay=0", "temperature": 1}]
    assert script.post(path, draft(models=models)).json()["judges"][0]["version"] == 2
    listed = script.get(f"{path}?judge=careful").json()["results"]
    assert [(row["version"], row["model"]) for row in listed] == [
        (1, "fair:delay=0"),
        (2, "fair:delay=0"),
    ]
    whole = script.get(f"{path}/{first['id']}").json()
    price = {"input": "1.0000000000", "cached_input": "1.0000000000", "output": "2.0000000000"}
    assert {k: Decimal(v) for k, v in whole["config"]["price"].items()} == {
        k: Decimal(v) for k, v in price.items()
    }
    assert whole["endpoint"]["base_url"] == SIMULATED
    assert whole["live_run"] is None


def test_a_key_goes_in_and_never_comes_out(script, study) -> None:
    path = f"studies/{study.slug}/judges"
    endpoint = {"name": "main", "base_url": "https://api.example.com/v1"}
    answers = [script.post(path, draft(endpoint=endpoint, key=KEY))]
    version = JudgeVersion.objects.get()
    answers += [
        script.get(path),
        script.get(f"{path}/{version.pk}"),
        script.send("PUT", f"{path}/{version.pk}/key", {"key": f"{KEY}-new"}),
    ]
    for answer in answers:
        assert answer.status_code < 300
        assert KEY not in answer.content.decode()
    assert answers[-1].json()["key_hint"] == "-new"[-4:]
    assert Endpoint.objects.get().has_key


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"endpoint": {"name": "main", "base_url": "http://api.example.com"}}, 409, "Only https"),
        ({"models": []}, 422, "models"),
        ({"rubric": "none"}, 422, "rubric"),
        ({"instructions": [{"name": "unknown"}]}, 422, "instructions"),
        (
            {"endpoint": {"name": "main", "base_url": SIMULATED, "key_variable": "X"}},
            409,
            "given no key",
        ),
        ({"key": "two words"}, 409, "visible ASCII"),
    ],
)
def test_what_cannot_be_a_judge_is_refused_with_its_place(
    script, study, wrong, status, said
) -> None:
    answer = script.post(f"studies/{study.slug}/judges", draft(**wrong))
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert KEY not in answer.content.decode()
    assert not JudgeVersion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_tested_and_a_pair_tried(script, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    path = f"studies/{study.slug}/judges/{version.pk}"
    assert script.post(f"{path}/connection").json()["outcome"] == "ok"
    assert Endpoint.objects.get().test_result == "ok"
    tried = script.post(f"{path}/try", {"item_id": "pair0", "order": "ba"}).json()
    assert (tried["outcome"], tried["verdict"]) == ("ok", "a")
    assert tried["grade"] in ("2>1", "2>>1")
    assert "B0" in tried["messages"][-1]["content"]
    assert script.post(f"{path}/try", {"item_id": "none"}).status_code == 404
    assert not AuditEntry.objects.filter(action="look").exists()


@pytest.mark.django_db(transaction=True)
def test_a_pair_of_a_sealed_study_is_tried_by_code_and_written_down() -> None:
    study = make_judged_study(1, state="open", opened_at=timezone.now())
    for system, code in zip(study.systems.order_by("name"), ("A2", "A1"), strict=True):
        system.code = code
        system.save()
    script = member(study, Role.OWNER)
    version = add(study, SIMULATED, "fair:delay=0")
    tried = script.post(
        f"studies/{study.slug}/judges/{version.pk}/try", {"item_id": "pair0", "order": "ab"}
    ).json()
    # As the pair is listed, a is the system A1, which is the second by name.
    first = tried["messages"][-1]["content"]
    assert first.index("B0") < first.index("A0")
    assert tried["grade"] in ("2>1", "2>>1")
    assert tried["verdict"] is None
    look = AuditEntry.objects.get(action="look")
    assert look.detail["how"] == "judge try-out"
    set_study_budget(study, None, standing_of(study.pk).spent)
    path = f"studies/{study.slug}/judges/{version.pk}/try"
    refused = script.post(path, {"item_id": "pair0", "order": "ab"})
    assert refused.status_code >= 400
    assert AuditEntry.objects.filter(action="look").count() == 1, "nothing was sent"


@pytest.mark.django_db(transaction=True)
def test_a_run_is_quoted_started_watched_and_done(script, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    path = f"studies/{study.slug}"
    quote = script.post(f"{path}/judges/{version.pk}/quote", {"replicates": 2}).json()
    assert (quote["comparisons"], quote["calls"]) == (3, 12)
    assert Decimal(quote["cost"]) > 0
    assert not JudgeRun.objects.exists()
    headers = {"Idempotency-Key": "one"}
    started = script.post(f"{path}/judges/{version.pk}/runs", {"budget": "5"}, **headers)
    assert started.status_code == 201
    assert started.json()["progress"]["asked"] == 6
    again = script.post(f"{path}/judges/{version.pk}/runs", {"budget": "5"}, **headers)
    assert again.json() == started.json()
    assert script.post(f"{path}/judges/{version.pk}/runs").status_code == 409
    run = JudgeRun.objects.get()
    assert script.get(f"{path}/judges/{version.pk}").json()["live_run"] == run.pk
    work_off(run)
    done = script.get(f"{path}/judge-runs/{run.pk}").json()
    assert (done["state"], done["progress"]["parsed"]) == ("finished", 6)
    assert Decimal(done["spent"]) > 0
    listed = script.get(f"{path}/judge-runs?state=finished&judge=judge").json()["results"]
    assert [row["id"] for row in listed] == [run.pk]
    assert script.get(f"{path}/judge-runs?state=nothing").status_code == 422


def test_a_run_is_paused_resumed_with_another_budget_and_cancelled(script, study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    run = start_run(version, actor=None, budget=Decimal(1))
    path = f"studies/{study.slug}/judge-runs/{run.pk}"
    assert script.post(f"{path}/pause").json()["pause_cause"] == "person"
    assert script.post(f"{path}/pause").status_code == 409
    resumed = script.post(f"{path}/resume", {"budget": "2.5"}).json()
    assert (resumed["state"], Decimal(resumed["budget"])) == ("running", Decimal("2.5"))
    assert script.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert script.post(f"{path}/retry").status_code == 409


def test_runs_and_judges_of_other_studies_are_not_there(script, study) -> None:
    other = make_judged_study(1)
    version = add(other, SIMULATED, "fair:delay=0")
    run = start_run(version, actor=None)
    pause(run, None)
    path = f"studies/{study.slug}"
    for answer in (
        script.get(f"{path}/judges/{version.pk}"),
        script.post(f"{path}/judges/{version.pk}/runs"),
        script.post(f"{path}/judges/{version.pk}/try", {"item_id": "pair0"}),
        script.get(f"{path}/judge-runs/{run.pk}"),
        script.post(f"{path}/judge-runs/{run.pk}/cancel"),
    ):
        assert answer.status_code == 404
    run.refresh_from_db()
    assert run.state == "paused"


def test_a_key_to_read_starts_nothing(study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    reader = member(study, Role.OWNER, Scope.READ)
    path = f"studies/{study.slug}/judges/{version.pk}"
    assert reader.get(path).status_code == 200
    for act in ("runs", "connection", "quote"):
        assert reader.post(f"{path}/{act}").status_code == 403
    assert not JudgeRun.objects.exists()


def test_what_all_judges_may_cost_is_read_and_capped(script, study) -> None:
    path = f"studies/{study.slug}/judge-budget"
    nothing = script.get(path).json()
    assert (nothing["amount"], nothing["left"], nothing["trials"]) == (None, None, 0)
    run = start_run(add(study, SIMULATED, "fair:delay=0"), actor=None)
    pause(run, None, "study_budget")
    capped = script.send("PUT", path, {"amount": "2.5"}).json()
    assert Decimal(capped["amount"]) == Decimal(capped["left"]) == Decimal("2.5")
    run.refresh_from_db()
    assert run.state == "running"
    assert script.send("PUT", path, {"amount": "0"}).status_code == 422
    assert script.send("PUT", path, {"amount": None}).json()["amount"] is None
    unpriced = add(study, SIMULATED, "fair:delay=0", name="free", with_model={"price": None})
    start_run(unpriced, actor=None)
    refused = script.send("PUT", path, {"amount": "1"})
    assert refused.status_code == 409
    assert "has no price card" in refused.content.decode()


def test_a_limit_is_taken_away_by_nought(script, study) -> None:
    path = f"studies/{study.slug}/judges"
    for limit, stored in ((60, 60), (None, 60), (0, None)):
        endpoint: dict[str, object] = {"name": "main", "base_url": SIMULATED}
        if limit is not None:
            endpoint["requests_per_minute"] = limit
        assert script.post(path, draft(endpoint=endpoint)).status_code == 201
        assert Endpoint.objects.get().requests_per_minute == stored


def test_a_key_of_the_site_is_taken_by_its_name(script, study, monkeypatch) -> None:
    monkeypatch.setenv("EVALSITE_JUDGE_KEY_MAIN", KEY)
    monkeypatch.setenv("EVALSITE_JUDGE_ORIGIN_MAIN", "https://api.example.com")
    monkeypatch.setenv("EVALSITE_JUDGE_STUDIES_MAIN", "*")
    path = f"studies/{study.slug}/judges"
    endpoint = {
        "name": "main",
        "base_url": "https://api.example.com/v1",
        "key_variable": "MAIN",
    }
    elsewhere = endpoint | {"base_url": "https://other.example/v1"}
    assert script.post(path, draft(endpoint=elsewhere)).status_code == 409
    made = script.post(path, draft(endpoint=endpoint))
    assert made.status_code == 201
    one = f"{path}/{made.json()['judges'][0]['id']}"
    assert script.get(one).json()["endpoint"]["key_variable"] == "MAIN"
    for wrong in ({}, {"key": KEY, "key_variable": "MAIN"}):
        assert script.send("PUT", f"{one}/key", wrong).status_code == 422
    told = script.send("PUT", f"{one}/key", {"key": "sk-another-0123456789"}).json()
    assert (told["key_variable"], told["key_hint"]) == ("", "6789")
    told = script.send("PUT", f"{one}/key", {"key_variable": "MAIN"}).json()
    assert (told["key_variable"], told["has_key"], told["key_hint"]) == ("MAIN", True, "")


def test_a_panel_is_quoted_and_started_together(script, study) -> None:
    path = f"studies/{study.slug}/judge-runs"
    refused = script.post(f"{path}/quote", {})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "The study has no judge that can be asked. Add one first.",
    )
    versions = [add(study, SIMULATED, "fair:delay=0", name=name) for name in ("one", "two")]
    set_study_budget(study, None, Decimal("0.02"))
    told = script.post(f"{path}/quote", {"budget": "0.5"}).json()
    found = quote_all(versions)
    assert [(one["judge"], one["judge_version"]) for one in told["judges"]] == [
        (version.judge.judge_id, version.pk) for version in versions
    ]
    assert [one["calls"] for one in told["judges"]] == [6, 6]
    assert [Decimal(one["part"]) for one in told["judges"]] == [Decimal("0.25")] * 2
    assert told["together"]["calls"] == 12
    assert Decimal(told["together"]["worst_case"]) == found.together.worst_case
    assert told["together"]["input_tokens"] == found.together.input_tokens
    assert (Decimal(told["left"]), told["above_budget"], told["above_left"]) == (
        Decimal("0.02"),
        False,
        True,
    )
    assert not JudgeRun.objects.exists()
    started = script.post(path, {"budget": "0.5"})
    assert started.status_code == 201
    assert [Decimal(run["budget"]) for run in started.json()["runs"]] == [Decimal("0.25")] * 2
    assert {run["state"] for run in started.json()["runs"]} == {"running"}
    again = script.post(path, {})
    assert again.status_code == 409
    assert "Every judge has had a run" in again.json()["detail"]
    assert JudgeRun.objects.count() == 2
