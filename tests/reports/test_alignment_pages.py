"""Judges on their pages: who gets them, in which state, what stands on top, what a POST does."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField, Value
from django.db.models.functions import Concat
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation.lifecycle.opening import open_study
from annotation.models import (
    AuditEntry,
    Choice,
    Comparison,
    Criterion,
    Response,
    ResultsPolicy,
    Role,
    Study,
    StudyState,
    Verdict,
    Vote,
    VoteNote,
)
from judging.models import JudgeVersion
from reports import analysis, validations
from reports.models import JudgeValidation, Revalidation, ValidityRule
from reports.wording.figures import FIGURES
from tests import pages
from tests.factories import (
    make_annotator,
    make_comparison,
    make_judge_version,
    make_judgment,
    make_membership,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_user,
    make_vote,
)
from tests.reports.voted import make_voted_study

pytestmark = pytest.mark.django_db


def text_of(response: Any) -> str:
    return html.unescape(pages.text_of(response))


HOSTILE = "<script>alert(1)</script> **bold**"


def member(study: Study, role: Role) -> Client:
    client = Client()
    user = make_user()
    make_membership(study, role, user)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def judged_study(prompts: int = 40, **fields: object) -> Study:
    """Imported, so never sealed: three systems on each prompt, four people, one judge."""
    return make_voted_study(prompts=prompts, judge="gpt", **fields)


def version_of(study: Study) -> JudgeVersion:
    return JudgeVersion.objects.get(judge__study=study)


def url(name: str, study: Study, **more: object) -> str:
    return reverse(f"alignment:{name}", kwargs={"slug": study.slug, **more})


def test_a_study_without_a_judge_says_what_to_do() -> None:
    study = make_voted_study()
    page = text_of(member(study, Role.RESEARCHER).get(url("judges", study)))
    assert "No judge has judged anything yet" in page
    assert f"import_judgments {study.slug}" in page


def test_without_a_report_the_page_offers_one_and_computes_nothing() -> None:
    study = judged_study(4)
    response = member(study, Role.RESEARCHER).get(url("judges", study))
    assert "There is no report yet" in text_of(response)
    assert "Compute the report" in response.content.decode()
    watching = member(study, Role.RESEARCHER).get(url("judge", study, version=version_of(study).pk))
    assert "No report knows this judge yet" in text_of(watching)
    assert study.analysis_runs.count() == 0


def test_the_answer_stands_on_top_and_every_part_is_there() -> None:
    study = judged_study()
    analysis.run(study)
    client = member(study, Role.RESEARCHER)
    overview = text_of(client.get(url("judges", study)))
    assert "gpt" in overview
    assert "uncalibrated" in overview
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(url("judge", study, version=version_of(study).pk))
    # Reads the kept report and some rows; neither votes nor judgments one by one.
    assert len(queries) < 30
    page = text_of(response)
    for title in (
        "Beside people",
        "Its errors",
        "What sways it",
        "In an annotator's place",
        "Its confidence",
        "The systems by this judge",
        "Its ranking",
        "Where it disagrees with people",
        "Validation",
    ):
        assert title in page, title
    entry = study.analysis_runs.get().result["alignment"][0]
    assert ("stand in for" in page) == (entry["standing"]["answer"] != "too_few")
    assert study.analysis_runs.count() == 1
    assert AuditEntry.objects.filter(action="look", detail__how="view").count() >= 1


def sealed_study() -> Study:
    study = make_study("sealed")
    systems = [make_system(study, name) for name in ("alphasys", "betasys")]
    version = make_judge_version(study, "gpt")
    for number in range(6):
        prompt = make_prompt(study, f"p{number}", text="What is it?")
        a, b = (make_response(prompt, system, text=HOSTILE) for system in systems)
        comparison = make_comparison(
            study, prompt=prompt, response_a=a, response_b=b, item_id=f"i{number}", overlap=2
        )
        make_judgment(comparison, Verdict.A, version=version, reason="Because of <b>this</b>.")
    open_study(study)
    study.refresh_from_db()
    assert study.is_sealed
    return study


@pytest.mark.parametrize("role", [Role.OWNER, Role.RESEARCHER, Role.MONITOR])
def test_a_sealed_study_shows_no_name_no_vote_and_no_verdict(role: Role) -> None:
    study = sealed_study()
    comparison = Comparison.objects.filter(study=study).first()
    assert comparison is not None
    make_vote(comparison, Choice.LEFT)
    client = member(study, role)
    version = version_of(study).pk
    for address in (
        url("judges", study),
        url("judge", study, version=version),
        url("pair", study, version=version, comparison=comparison.pk),
    ):
        response = client.get(address)
        page = response.content.decode()
        assert "alphasys" not in page
        assert "betasys" not in page
        assert "Because of" not in page
        assert "has voted" not in page
    assert comparison.system_a.code in text_of(response)


@pytest.mark.parametrize("role", [Role.OWNER, Role.MONITOR])
def test_the_order_of_a_sealed_pair_says_nothing_of_its_names(role: Role) -> None:
    study = sealed_study()
    comparison = Comparison.objects.filter(study=study).select_related("system_a", "system_b")[0]
    client = member(study, role)
    address = url("pair", study, version=version_of(study).pk, comparison=comparison.pk)
    for codes in (("A1", "A2"), ("A2", "A1")):
        study.systems.update(code=Concat(Value("X"), "pk", output_field=CharField()))
        for system, code in zip((comparison.system_a, comparison.system_b), codes, strict=True):
            study.systems.filter(pk=system.pk).update(code=code)
        page = text_of(client.get(address))
        first, second = (f'Response {n} <span class="muted">A{n}<' for n in (1, 2))
        assert page.index(first) < page.index(second)
        assert "Response a" not in page
        assert "Response b" not in page


def test_a_monitor_reads_no_reasons_and_nobody_takes_those_of_a_criterion_for_them() -> None:
    study = judged_study(1)
    comparison = Comparison.objects.filter(study=study).first()
    assert comparison is not None
    vote = Vote.objects.filter(comparison=comparison).first()
    assert vote is not None
    VoteNote.objects.create(vote=vote, rationale="Answers what was asked.")
    clarity = Criterion.objects.create(study=study, key="clarity", position=1)
    VoteNote.objects.create(vote=vote, criterion=clarity, rationale="Hard to read.")
    address = url("pair", study, version=version_of(study).pk, comparison=comparison.pk)
    page = text_of(member(study, Role.RESEARCHER).get(address))
    assert "Answers what was asked." in page
    assert "Hard to read." not in page
    watching = member(study, Role.MONITOR).get(address)
    assert watching.status_code == 200
    assert "Answers what was asked." not in text_of(watching)


def test_a_monitor_sees_no_outcome_of_open_results_before_unblinding() -> None:
    study = sealed_study()
    Study.objects.filter(pk=study.pk).update(results=ResultsPolicy.OPEN)
    study.refresh_from_db()
    analysis.run(study)
    comparison = Comparison.objects.filter(study=study).first()
    assert comparison is not None
    client = member(study, Role.MONITOR)
    address = url("pair", study, version=version_of(study).pk, comparison=comparison.pk)
    page = client.get(address).content.decode()
    assert "alphasys" not in page
    assert "Because of" not in page
    assert client.get(url("judges", study)).status_code == 403


@pytest.mark.parametrize("answer", ["stands_in", "does_not", "not_decided"])
def test_what_a_validation_found_is_not_told_who_may_not_see_outcomes(answer: str) -> None:
    study = sealed_study()
    Study.objects.filter(pk=study.pk).update(results=ResultsPolicy.OPEN)
    study.refresh_from_db()
    version = version_of(study)
    JudgeValidation.objects.create(
        study=study, version=version, analysis_run=analysis.run(study), answer=answer,
        comparisons=40, responses=8,
    )  # fmt: skip
    client = member(study, Role.MONITOR)
    for page in (url("judges", study), url("judge", study, version=version.pk)):
        said = text_of(client.get(page))
        assert "Held against people on" in said
        for word in ("alidated on", "without a verdict", "stand in for", "not decided", "failed"):
            assert word not in said
    (told,) = client.get(f"/api/v1/studies/{study.slug}/judge-standings").json()["judges"]
    assert (told["trust"], told["validation"]) == ("held_against_people", None)


def test_the_pair_shows_what_people_and_judge_said_and_its_texts_are_inert() -> None:
    study = judged_study(3)
    comparison = Comparison.objects.filter(study=study).first()
    assert comparison is not None
    comparison.response_a.__class__.objects.filter(pk=comparison.response_a.pk).update(text=HOSTILE)
    version = make_judge_version(study, "says why")
    make_judgment(comparison, Verdict.B, version=version, reason=HOSTILE, confidence=0.8)
    response = member(study, Role.OWNER).get(
        url("pair", study, version=version.pk, comparison=comparison.pk)
    )
    page = response.content.decode()
    assert "<script>alert" not in page
    said = text_of(response)
    assert "ann-1" in said
    assert f"a, {comparison.system_a.name}" in said
    assert "confidence 80" in said
    assert "both orders, reconciled elsewhere" in said


def test_a_judge_or_pair_of_another_study_is_not_found() -> None:
    study, other = judged_study(2), make_voted_study("other", prompts=1, judge="claude")
    client = member(study, Role.OWNER)
    foreign = Comparison.objects.filter(study=other).first()
    assert foreign is not None
    assert client.get(url("judge", study, version=version_of(other).pk)).status_code == 404
    own = version_of(study).pk
    assert client.get(url("pair", study, version=own, comparison=foreign.pk)).status_code == 404


def test_a_report_is_taken_for_the_validation_once() -> None:
    study = judged_study()
    kept = analysis.run(study)
    client = member(study, Role.RESEARCHER)
    version = version_of(study).pk
    page = text_of(client.post(url("validate", study, version=version), follow=True))
    assert "This report is now the judge's validation" in page
    assert "that counts until" in page
    again = client.post(url("validate", study, version=version), follow=True)
    assert "validation already. Nothing was changed" in text_of(again)
    assert AuditEntry.objects.filter(action="judge.validated").count() == 1
    row = JudgeValidation.objects.get()
    assert (row.analysis_run, row.comparisons) == (kept, 120)


def test_a_validation_of_the_same_votes_says_when_it_was_recorded_and_from_when_it_counts() -> None:
    study = judged_study()
    client = member(study, Role.OWNER)
    first = validations.record_validation(analysis.run(study), "gpt", 1, None)
    day = timezone.now() - timedelta(days=80)
    JudgeValidation.objects.filter(pk=first.pk).update(created_at=day)
    validations.set_rule(study, None, days=90, new_responses=1000, expertise="crowd")
    second = validations.record_validation(analysis.run(study), "gpt", 1, None)
    assert second.created_at == day
    page = client.get(url("judge", study, version=version_of(study).pk)).content.decode()
    rows = page.split('aria-label="Table: Validations"')[1].split("<tbody>")[1].split("<tr>")[1:]
    assert len(rows) == 2
    recorded = AuditEntry.objects.filter(action="judge.validated").latest("seq").at
    assert f"{recorded.day} {recorded:%B %Y, %H:%M} UTC</th>" in rows[0]
    assert f"<td>{day.day} {day:%B %Y}</td>" in rows[0]


def test_the_table_of_systems_says_which_rates_are_over_which_comparisons() -> None:
    study = judged_study()
    analysis.run(study)
    page = text_of(member(study, Role.OWNER).get(url("judge", study, version=version_of(study).pk)))
    assert "by the judge are over the same comparisons, those that people voted on" in page
    assert "at equal length and style are the judge's, over all that it decided" in page


def test_each_system_stands_against_each_at_equal_length_with_method_and_assumption() -> None:
    study = judged_study()
    for place, response in enumerate(Response.objects.order_by("pk")):
        response.text += " and more" * (place * 7 % 11)
        response.save()
    run = analysis.run(study)
    (entry,) = run.result["alignment"]
    rates = {
        (row["system"], one["system"]): one["win_rate"]
        for row in entry["length_controlled_win_rates"]
        for one in row["over"]
    }
    page = text_of(member(study, Role.OWNER).get(url("judge", study, version=version_of(study).pk)))
    shown = page.split('id="equal-length"')[1].split("</section>")[0]
    rows = shown.split("<tbody>")[1].split("<tr>")[1:]
    pairs = sorted(pair for pair in rates if pair[0] < pair[1])
    assert len(rows) == len(pairs) == 3
    for row, pair in zip(rows, pairs, strict=True):
        assert " against ".join(pair) in row
        assert f"{100 * rates[pair]['estimate']:.1f}" in row
        assert re.findall(r'<td class="number">\s*(\d+)\s*</td>', row) == ["40", "40"]
        # Each pair once: the other way round says the same.
        assert rates[pair[::-1]]["estimate"] == pytest.approx(1 - rates[pair]["estimate"])
    figure = FIGURES["alignment/length_controlled_win_rates"]
    assert f"Method: {figure.method}, after AlpacaEval 2. It assumes: {figure.assumes}" in page
    assert 'href="' in shown.split("Method:")[1]


def test_two_systems_alone_are_not_set_against_each_other_once_more() -> None:
    study = make_voted_study(systems=("alpha", "beta"), prompts=40, judge="gpt")
    for place, response in enumerate(Response.objects.order_by("pk")):
        response.text += " and more" * (place * 7 % 11)
        response.save()
    (entry,) = analysis.run(study).result["alignment"]
    assert [len(row["over"]) for row in entry["length_controlled_win_rates"]] == [1, 1]
    page = text_of(member(study, Role.OWNER).get(url("judge", study, version=version_of(study).pk)))
    assert 'id="systems"' in page
    assert 'id="equal-length"' not in page


def test_how_long_it_counts_is_set_and_wrong_numbers_are_refused() -> None:
    study = judged_study(2)
    client = member(study, Role.OWNER)
    address = url("set_validity", study)
    page = text_of(client.post(address, {"days": "30", "new_responses": ""}, follow=True))
    assert "was changed" in page
    rule = ValidityRule.objects.get(study=study)
    assert (rule.days, rule.new_responses) == (30, None)
    assert rule.expertise == "trained"
    for wrong in (
        {"days": "0"},
        {"days": "x"},
        {"new_responses": "-1"},
        {"days": "9" * 30},
        {"expertise": "x"},
    ):
        assert "Nothing was changed" in text_of(client.post(address, wrong, follow=True))
    assert ValidityRule.objects.get(study=study).days == 30


def test_the_kind_of_annotators_decides_the_margin_and_outdates_the_report() -> None:
    study = judged_study(40)
    before = analysis.run(study)
    client = member(study, Role.RESEARCHER)
    page = client.get(url("judges", study)).content.decode()
    assert '<option value="trained" selected>trained (15 points)</option>' in page
    answer = client.post(url("set_validity", study), {"expertise": "crowd"}, follow=True)
    assert "Not up to date" in text_of(answer)
    assert '<option value="crowd" selected>crowd (10 points)</option>' in answer.content.decode()
    entry = AuditEntry.objects.get(study=study, action="judges.expertise_set")
    assert entry.detail == {"expertise": "crowd", "before": "trained"}
    after = analysis.run(study)
    assert after.input_sha256 != before.input_sha256
    assert (before.result["settings"]["expertise"], after.result["settings"]["expertise"]) == (
        "trained",
        "crowd",
    )
    epsilon = [kept.result["alignment"][0]["alt_test"]["epsilon"] for kept in (before, after)]
    assert epsilon == [0.15, 0.1]
    # Saved again as it is, it is no change.
    client.post(url("set_validity", study), {"expertise": "crowd", "days": "5"})
    assert AuditEntry.objects.filter(study=study, action="judges.expertise_set").count() == 1


def test_a_click_sends_a_sample_and_says_how_far_it_is() -> None:
    study = sealed_study()
    client = member(study, Role.RESEARCHER)
    address = url("revalidate", study, version=version_of(study).pk)
    for wrong in ("0", "x", "10001", ""):
        page = text_of(client.post(address, {"count": wrong}, follow=True))
        assert "Nothing was changed" in page
    assert "Only 6 comparisons" in text_of(client.post(address, {"count": "7"}, follow=True))
    page = text_of(client.post(address, {"count": "4"}, follow=True))
    assert "4 comparisons of 6 were drawn" in page
    assert "0 of 4 comparisons have their vote" in page
    assert Revalidation.objects.get().created_by is not None
    assert "already" in text_of(client.post(address, {"count": "1"}, follow=True))
    back = url("withdraw", study, version=version_of(study).pk)
    assert member(study, Role.MONITOR).post(back).status_code == 403
    assert "The sample is withdrawn" in text_of(client.post(back, follow=True))
    assert "No sample for gpt" in text_of(client.post(back, follow=True))
    assert Revalidation.objects.get().withdrawn_at is not None


def test_a_closed_study_offers_no_sample() -> None:
    study = judged_study(2)
    now = timezone.now()
    Study.objects.filter(pk=study.pk).update(
        state=StudyState.CLOSED, opened_at=now, closed_at=now, unblinded_at=now
    )
    study.refresh_from_db()
    analysis.run(study)
    page = text_of(member(study, Role.OWNER).get(url("judge", study, version=version_of(study).pk)))
    assert "takes no votes now" in page
    assert "Send a random sample" not in page


def test_annotators_get_none_of_it() -> None:
    study = judged_study(2)
    annotator = make_annotator(study, user=make_user())
    client = Client()
    assert annotator.user is not None
    client.force_login(annotator.user, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("judges", "set_validity"):
        assert client.post(url(name, study)).status_code in (403, 405)
    assert client.get(url("judges", study)).status_code == 403
