"""Votes, the log, judges beside people and the planner through the API: what opens to whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from annotation import audit
from annotation.lifecycle.opening import open_study
from annotation.models import (
    AuditEntry,
    Choice,
    Comparison,
    Criterion,
    Exclusion,
    Flag,
    Role,
    StudyState,
    Verdict,
    VoteCriterion,
    VoteNote,
)
from reports import analysis, validations
from reports.models import JudgeValidation, Revalidation
from tests import factories
from tests.annotation.api.calling import Caller, member
from tests.annotation.test_audit import tamper
from tests.reports.test_revalidation import judged_study

pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed():
    """An open, sealed study of north and south, whose codes are in the other order."""
    study = factories.make_open_study("weather")
    factories.make_system(study, "north", code="A2")
    factories.make_system(study, "south", code="A1")
    return study


def unblind(study) -> None:
    study.state, study.closed_at = StudyState.CLOSED, timezone.now()
    study.unblinded_at = timezone.now()
    study.save()


def pair(study, **fields) -> Comparison:
    return factories.make_comparison(study, "north", "south", **fields)


def rows(key: Caller, path: str) -> Any:
    answer = key.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


# -- votes ----------


def test_a_list_of_votes_says_what_was_clicked_and_never_which_system_won(sealed):
    one = pair(sealed)
    factories.make_vote(one, Choice.LEFT)
    factories.make_vote(one, Choice.TIE)
    for role in (Role.OWNER, Role.RESEARCHER, Role.MONITOR):
        key = member(sealed, role)
        listed = rows(key, "studies/weather/votes")
        assert [row["choice"] for row in listed] == ["tie", "left"]
        assert listed[0]["systems"] == ["A1", "A2"]
        text = key.get("studies/weather/votes").content.decode()
        for word in ("north", "south", "swapped", "verdict", "preferred"):
            assert word not in text
    unblind(sealed)
    listed = rows(member(sealed, Role.MONITOR), "studies/weather/votes")
    assert listed[0]["systems"] == ["north", "south"]
    assert "verdict" not in listed[0]


def test_votes_are_narrowed_by_what_there_is_and_by_nothing_else(sealed):
    key = member(sealed, Role.OWNER)
    ada = factories.make_annotator(sealed, external_id="ada")
    law = factories.make_prompt(sealed, "p-law", category="law")
    on_law = factories.make_vote(pair(sealed, prompt=law, item_id="on-law"), annotator=ada)
    other = factories.make_vote(pair(sealed))
    third = factories.make_vote(factories.make_comparison(sealed, "north", "third"))
    path = "studies/weather/votes"
    for asked, wanted in (
        ("annotator=ada", [on_law]),
        ("category=law", [on_law]),
        ("item_id=on-law&prompt_id=p-law", [on_law]),
        ("system=A1", [other, on_law]),
        ("show=gold", []),
        ("annotator=nobody", []),
    ):
        assert [row["id"] for row in rows(key, f"{path}?{asked}")] == [one.pk for one in wanted]
    assert len(rows(key, path)) == 3
    assert third.pk in [row["id"] for row in rows(key, path)]
    for asked in ("show=all", "system=north", "swapped=true", "verdict=a", "comparison__x=1"):
        assert key.get(f"{path}?{asked}").status_code == 422, asked
    first = key.get(f"{path}?page_size=2").json()
    assert len(first["results"]) == 2
    assert len(rows(key, first["next"].split("/api/v1/")[1])) == 1


def test_excluded_votes_changed_answers_flags_and_skips_are_listed(sealed):
    key = member(sealed, Role.MONITOR)
    one = pair(sealed)
    vote = factories.make_vote(one)
    changed = factories.make_vote(one, Choice.RIGHT, assignment=vote.assignment, revision=1)
    assert vote.assignment is not None
    Flag.objects.create(assignment=vote.assignment, reason="harmful", note="It names a person.")
    factories.make_assignment(pair(sealed), state="released", skip_reason="language")
    assert [row["id"] for row in rows(key, "studies/weather/votes?show=revisions")] == [changed.pk]
    (flag,) = rows(key, "studies/weather/flags")
    assert (flag["reason"], flag["systems"]) == ("harmful", ["A1", "A2"])
    assert "person" not in str(flag)
    (skip,) = rows(key, "studies/weather/skips?system=A2")
    assert skip["reason"] == "language"
    Exclusion.objects.create(assignment=vote.assignment, reason="at random")
    assert rows(key, "studies/weather/votes?show=counted") == []
    assert len(rows(key, "studies/weather/votes?show=excluded")) == 1


def test_a_vote_tells_its_verdict_once_outcomes_may_be_seen(sealed):
    one = pair(sealed)
    vote = factories.make_vote(one, Choice.RIGHT)
    later = factories.make_vote(one, Choice.LEFT, assignment=vote.assignment, revision=1)
    criterion = Criterion.objects.create(study=sealed, key="clear", question="Clearer?")
    VoteCriterion.objects.create(
        vote=later, criterion=criterion, choice=Choice.RIGHT, verdict=Verdict.B, swapped=False
    )
    VoteNote.objects.create(vote=later, rationale="The left one is right.", tags=["clear"])
    path = f"studies/weather/votes/{vote.pk}"
    owner, monitor = member(sealed, Role.OWNER), member(sealed, Role.MONITOR)
    for key in (owner, monitor):
        blind = key.get(path).json()
        assert [row["choice"] for row in blind["revisions"]] == ["right", "left"]
        assert [row["preferred"] for row in blind["revisions"]] == [None, None]
        assert [row["verdict"] for row in blind["revisions"]] == [None, None]
        assert "left one" not in str(blind)
    assert not AuditEntry.objects.filter(action="look").exists()
    # A look opens this pair to this person, by code, and the log keeps it once an hour.
    asked = owner.post("studies/weather/looks", {"item_id": one.item_id})
    assert (asked.status_code, asked.json()["votes"]) == (201, [vote.pk, later.pk])
    owner.post("studies/weather/looks", {"item_id": one.item_id})
    assert AuditEntry.objects.get(action="look").detail["comparison"] == one.pk
    seen = owner.get(path).json()["revisions"]
    assert [row["preferred"] for row in seen] == ["A1", "A2"]
    assert seen[1]["criteria"] == [
        {"criterion": "clear", "choice": "right", "margin": None, "preferred": "A1"}
    ]
    assert seen[1]["rationale"] == "The left one is right."
    assert monitor.post("studies/weather/looks", {"item_id": one.item_id}).status_code == 403
    assert monitor.get(path).json()["revisions"][0]["preferred"] is None
    other = member(sealed, Role.OWNER)
    assert other.get(path).json()["revisions"][0]["preferred"] is None
    unblind(sealed)
    told = monitor.get(path).json()["revisions"]
    assert [row["preferred"] for row in told] == ["south", "north"]
    assert [row["rationale"] for row in told] == ["", ""]
    assert owner.post("studies/weather/looks", {"item_id": one.item_id}).status_code == 409


def test_votes_of_another_study_are_not_there(sealed):
    other = factories.make_vote(factories.make_comparison(factories.make_open_study()))
    key = member(sealed, Role.OWNER)
    assert key.get(f"studies/weather/votes/{other.pk}").status_code == 404
    asked = key.post("studies/weather/looks", {"item_id": other.comparison.item_id})
    assert asked.status_code == 404


# -- the log ----------


def test_the_log_is_read_by_kind_without_outcomes_while_sealed(sealed):
    audit.record(sealed, None, "pair.stopped", {"a": "A1", "b": "A2", "e_value": 41.5})
    audit.record(sealed, None, "look", {"how": "view"})
    key = member(sealed, Role.OWNER)
    assert [row["action"] for row in rows(key, "studies/weather/log")] == ["look", "pair.stopped"]
    (stopped,) = rows(key, "studies/weather/log?kind=stops")
    assert stopped["detail"] == {"a": "A1", "b": "A2"}
    assert key.get("studies/weather/log?kind=nothing").status_code == 422
    unblind(sealed)
    (stopped,) = rows(key, "studies/weather/log?kind=stops")
    assert stopped["detail"]["e_value"] == 41.5


def test_no_hash_of_the_log_tells_a_withheld_figure(sealed):
    audit.record(sealed, None, "study.paused", {})
    audit.record(sealed, None, "pair.stopped", {"a": "A1", "b": "A2", "e_value": 41.5})
    audit.record(sealed, None, "look", {"how": "view"})
    key = member(sealed, Role.OWNER)
    look, stopped, paused = rows(key, "studies/weather/log")
    assert paused["hash"] == stopped["prev_hash"] != ""
    # The hash of the look follows from the hash before it.
    assert [look["hash"], look["prev_hash"], stopped["hash"]] == ["", "", ""]
    unblind(sealed)
    look, stopped, _ = rows(key, "studies/weather/log")
    assert look["prev_hash"] == stopped["hash"] != ""
    assert look["hash"] != ""


def test_a_chain_is_checked_and_a_touched_entry_named(sealed):
    entry = audit.record(sealed, None, "study.paused", {})
    key = member(sealed, Role.RESEARCHER)
    good = key.get("studies/weather/log/verification").json()
    assert good == {"holds": True, "entries": 1, "faults": []}
    tamper("UPDATE annotation_auditentry SET action = 'study.resumed' WHERE id = %s", entry.pk)
    bad = key.get("studies/weather/log/verification").json()
    assert bad["holds"] is False
    assert bad["faults"][0]["seq"] == 1


# -- judges beside people ----------


def test_alignment_opens_with_the_report_and_each_look_is_written_down():
    study = judged_study(40)
    for number, one in enumerate(Comparison.objects.filter(study=study).order_by("pk")):
        factories.make_vote(one, Choice.LEFT if number % 2 else Choice.RIGHT)
    key = member(study, Role.RESEARCHER)
    path = f"studies/{study.slug}"
    (standing,) = key.get(f"{path}/judge-standings").json()["judges"]
    assert (standing["judge"], standing["trust"]) == ("gpt", "uncalibrated")
    judge = f"{path}/judges/{standing['judge_version']}"
    assert key.get(f"{path}/alignment").status_code == 403
    assert key.get(f"{judge}/validations").status_code == 403
    assert key.post(f"{judge}/validations").status_code == 403
    unblind(study)
    assert key.get(f"{path}/alignment").status_code == 409
    kept = analysis.run(study)
    found = key.get(f"{path}/alignment").json()
    assert (found["analysis"], found["judges"][0]["judge"]) == (kept.pk, "gpt")
    assert AuditEntry.objects.filter(action="look", detail__how="view").count() == 1
    made = key.post(f"{judge}/validations")
    assert made.status_code == 201
    assert JudgeValidation.objects.get().analysis_run_id == kept.pk
    assert key.post(f"{judge}/validations").status_code == 409
    assert [row["analysis"] for row in rows(key, f"{judge}/validations")] == [kept.pk]
    (standing,) = key.get(f"{path}/judge-standings").json()["judges"]
    assert standing["validation"]["analysis"] == kept.pk
    monitor = member(study, Role.MONITOR)
    assert monitor.get(f"{path}/alignment").status_code == 200
    assert monitor.post(f"{judge}/validations").status_code == 403


def test_a_validation_says_when_it_was_recorded_and_from_when_it_counts():
    """One that grants another margin on the same votes has their day, and was recorded later."""
    study = judged_study(40)
    for number, one in enumerate(Comparison.objects.filter(study=study).order_by("pk")):
        factories.make_vote(one, Choice.LEFT if number % 2 else Choice.RIGHT)
    unblind(study)
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}"
    version = key.get(f"{path}/judge-standings").json()["judges"][0]["judge_version"]
    first = validations.record_validation(analysis.run(study), "gpt", 1, None)
    day = timezone.now() - timedelta(days=80)
    JudgeValidation.objects.filter(pk=first.pk).update(created_at=day)
    validations.set_rule(study, None, days=90, new_responses=1000, expertise="crowd")
    analysis.run(study)
    made = key.post(f"{path}/judges/{version}/validations").json()
    second = JudgeValidation.objects.get(pk=made["id"])
    logged = list(AuditEntry.objects.filter(action="judge.validated").order_by("seq"))
    told = rows(key, f"{path}/judges/{version}/validations")
    assert [parse_datetime(row["recorded_at"]) for row in told] == [one.at for one in logged]
    assert [parse_datetime(row["created_at"]) for row in told] == [day, day]
    assert made == told[1]
    assert logged[1].at > second.created_at
    (standing,) = key.get(f"{path}/judge-standings").json()["judges"]
    assert standing["validation"] == made
    # However many there are, the log is asked once.
    with CaptureQueriesContext(connection) as asked:
        rows(key, f"{path}/judges/{version}/validations")
    assert sum("annotation_auditentry" in query["sql"] for query in asked.captured_queries) == 1


def test_a_sample_is_sent_to_people_watched_and_withdrawn():
    study = judged_study(30)
    key = member(study, Role.OWNER)
    path = f"studies/{study.slug}"
    judge = key.get(f"{path}/judge-standings").json()["judges"][0]["judge_version"]
    samples = f"{path}/judges/{judge}/samples"
    assert key.post(samples, {"count": 31}).status_code == 409
    refused = key.post(samples, {"count": 31}).json()["detail"]
    assert "--" not in refused
    made = key.post(samples, {"count": 10})
    assert (made.status_code, made.json()["drawn"]) == (201, 10)
    assert key.post(samples, {"count": 10}).status_code == 409
    (standing,) = key.get(f"{path}/judge-standings").json()["judges"]
    assert standing["sample_out"] == {"drawn": 10, "voted": 0}
    assert key.post(f"{samples}/withdraw").json()["withdrawn_at"] is not None
    assert key.post(f"{samples}/withdraw").status_code == 409
    assert [row["drawn"] for row in rows(key, samples)] == [10]
    assert Revalidation.objects.count() == 1


def test_how_long_validations_count_is_read_and_set(sealed):
    key = member(sealed, Role.OWNER)
    assert key.get("studies/weather/validity").json() == {
        "days": 90, "new_responses": 1000, "expertise": "trained",
    }  # fmt: skip
    wanted = {"days": 30, "new_responses": None, "expertise": "crowd"}
    assert key.send("PUT", "studies/weather/validity", wanted).json() == wanted
    assert AuditEntry.objects.filter(action="judges.expertise_set").count() == 1
    left_out = {"days": 30, "new_responses": None}
    assert key.send("PUT", "studies/weather/validity", left_out).json() == wanted
    odd = {**wanted, "expertise": "wise"}
    assert key.send("PUT", "studies/weather/validity", odd).status_code == 422
    assert key.get("studies/weather/validity").json() == wanted
    assert key.send("PUT", "studies/weather/validity", {"days": 0}).status_code == 422


# -- the planner ----------


def test_the_planner_answers_without_a_look():
    study = factories.make_study()
    for number in range(4):
        factories.make_comparison(study, prompt=factories.make_prompt(study, f"p{number}"))
    open_study(study)
    key = member(study, Role.RESEARCHER)
    path = f"studies/{study.slug}/plan"
    found = key.get(path).json()
    assert found["inputs"]["prompts"] == {"value": 4, "source": "study"}
    assert found["current"]["power"] < 0.8
    more = key.get(f"{path}?prompts=5000&annotators=50&win_rate=0.6").json()
    assert more["current"]["power"] > 0.8
    assert "gaps" not in found
    assert not AuditEntry.objects.filter(action="look").exists()
    for asked in ("win_rate=2", "prompts=none", "wishes=1", "win_rate=0.5"):
        assert key.get(f"{path}?{asked}").status_code == 422, asked


def test_the_planner_draws_how_surely_each_win_rate_is_found():
    study = factories.make_study("weather")
    for number in range(40):
        factories.make_comparison(study, prompt=factories.make_prompt(study, f"p{number}"))
    found = member(study, Role.RESEARCHER).get(f"studies/{study.slug}/plan").json()
    curve = {point["win_rate"]: point["power"] for point in found["power_curve"]}
    assert list(curve) == [0.55, 0.6, 0.65, 0.7, 0.75, 0.8]
    assert list(curve.values()) == sorted(curve.values())
    assert curve[0.6] == pytest.approx(found["current"]["power"])
    client = Client()
    client.force_login(factories.make_membership(study, Role.OWNER).user)
    page = client.get(reverse("reports:planner", kwargs={"slug": study.slug})).content.decode()
    for rate in curve:
        assert f">{100 * rate:.0f} %<" in page
    assert page.count("<progress") == len(curve)
    assert f'value="{100 * page_power(page):.1f}"' in page
    nothing = factories.make_study("nothing")
    plan = member(nothing, Role.RESEARCHER).get("studies/nothing/plan").json()
    assert plan["power_curve"] is None


def test_the_planner_says_how_well_ranks_will_be_known():
    study = factories.make_study("weather")
    for name in ("alpha", "beta", "gamma", "delta"):
        factories.make_system(study, name)
    for number in range(40):
        factories.make_prompt(study, f"p{number}")
    key = member(study, Role.RESEARCHER)
    found = key.get("studies/weather/plan").json()
    assert found["inputs"]["spread"] == {"value": 0.4, "source": "default"}
    assert found["ranks"]["votes"] == found["current"]["votes_in_all"] == 720
    client = Client()
    client.force_login(factories.make_membership(study, Role.OWNER).user)

    def said(**asked: str) -> str:
        page = client.get(reverse("reports:planner", kwargs={"slug": "weather"}), asked)
        return re.sub(r"\s+", " ", page.content.decode())

    assert "With 720 votes over 4 systems, " in said()
    assert "With 360 votes over 4 systems, " in said(design="focused", systems="1")
    assert "With 486 votes over 4 systems, " in said(design="balanced", rounds="2")
    assert "standard deviation of 1.5, " in said(spread="1.5")
    assert "spread: " in said(spread="0")
    assert key.get("studies/weather/plan?spread=1.5").json()["ranks"]["spread"] == 1.5
    assert key.get("studies/weather/plan?spread=0").status_code == 422
    # Of a number of pairs alone it is not known which.
    assert key.get("studies/weather/plan?pairs=3").json()["ranks"]["votes"] == 360
    assert key.get("studies/weather/plan?pairs=2").json()["ranks"] is None
    assert key.get("studies/weather/plan?systems=2").json()["ranks"] is None


def page_power(page: str) -> float:
    """What the page says in words of a win rate of 60 %."""
    said = re.search(r"One of 60 % is found in (\d+) of 100", page)
    drawn = re.search(r">60 %</th><td><progress max=\"100\" value=\"([\d.]+)\"", page)
    assert said is not None
    assert drawn is not None
    assert round(float(drawn[1])) == int(said[1])
    return float(drawn[1]) / 100


def test_files_about_people_are_streamed_and_a_look_at_payments_is_kept(sealed):
    factories.make_vote(pair(sealed), annotator=factories.make_annotator(sealed, external_id="ada"))
    key = member(sealed, Role.RESEARCHER)
    people = key.get("studies/weather/people/annotators.csv")
    assert people.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert b"ada" in b"".join(people.streaming_content)
    payments = key.get("studies/weather/people/payments.csv")
    assert b"participant" in b"".join(payments.streaming_content)
    assert AuditEntry.objects.get(action="payments.listed").detail == {"participants": 0}
    monitor = member(sealed, Role.MONITOR)
    assert monitor.get("studies/weather/people/payments.csv").status_code == 403
