"""The report page: who gets it, in which state, and that reading it computes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.lifecycle.rubric import configure_draft
from annotation.models import (
    Adjudication,
    AuditEntry,
    Choice,
    Exclusion,
    ImportFile,
    ResultsPolicy,
    Role,
    Study,
    StudyState,
    User,
    Verdict,
    Vote,
)
from reports import analysis
from reports.chart_rendering import rendered_reports
from reports.models import AnalysisRun
from reports.tasks import make_requested_report
from reports.wording.headline import headline
from tests.factories import (
    make_annotator,
    make_comparison,
    make_imported_vote,
    make_judge_version,
    make_judgment,
    make_membership,
    make_open_study,
    make_user,
)
from tests.pages import text_of
from tests.reports.voted import make_rich_study, make_voted_study

pytestmark = pytest.mark.django_db

URL = "/study/voted/report/"
COMPUTE = "/study/voted/report/compute"
VOTES = "/study/voted/report/files/votes.jsonl"
COMPARISONS = "/study/voted/report/files/comparisons.jsonl"


def member(study: Study, role: Role | None) -> Client:
    client = Client()
    user = make_user()
    if role is Role.ANNOTATOR:
        make_annotator(study, user=user)
    elif role is not None:
        make_membership(study, role, user)
    sign_in(client, user)
    return client


def sign_in(client: Client, user: User) -> None:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


@pytest.fixture
def study() -> Study:
    return make_voted_study(prompts=4)


@pytest.fixture
def researcher(study: Study) -> Client:
    return member(study, Role.RESEARCHER)


# Who may come in


@pytest.mark.parametrize(
    ("role", "page", "compute", "votes"),
    [
        (None, 404, 404, 404),
        (Role.ANNOTATOR, 403, 403, 403),
        (Role.ADJUDICATOR, 403, 403, 403),
        (Role.MONITOR, 403, 403, 403),
        (Role.RESEARCHER, 200, 302, 200),
        (Role.OWNER, 200, 302, 200),
    ],
)
def test_each_role_gets_what_it_may_see(
    study: Study, role: Role | None, page: int, compute: int, votes: int
) -> None:
    client = member(study, role)
    assert client.get(URL).status_code == page
    assert client.post(COMPUTE).status_code == compute
    assert client.get(VOTES).status_code == votes


def test_a_stranger_is_asked_to_sign_in(study: Study) -> None:
    for response in (Client().get(URL), Client().post(COMPUTE), Client().get(VOTES)):
        assert response.status_code == 302
        assert "/sign-in/" in response["Location"]


def test_a_monitor_reads_after_unblinding_and_computes_nothing(study: Study) -> None:
    analysis.run(study)
    study.state, study.opened_at = StudyState.CLOSED, timezone.now()
    study.unblinded_at = timezone.now()
    study.save()
    monitor = member(study, Role.MONITOR)
    page = monitor.get(URL)
    assert page.status_code == 200
    assert "Refresh the report" not in text_of(page)
    assert monitor.post(COMPUTE).status_code == 403
    assert monitor.get(VOTES).status_code == 200


def test_methods_that_mean_nothing_here_are_refused(researcher: Client) -> None:
    assert researcher.post(URL).status_code == 405
    assert researcher.get(COMPUTE).status_code == 405
    assert researcher.post(VOTES).status_code == 405


def test_the_button_needs_its_token(study: Study) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, make_membership(study, Role.OWNER).user)
    assert client.post(COMPUTE).status_code == 403
    assert not AnalysisRun.objects.exists()


# Sealed


@pytest.fixture
def sealed(study: Study) -> Study:
    study.state, study.opened_at = StudyState.OPEN, timezone.now()
    study.save()
    return study


@pytest.mark.parametrize("role", [Role.OWNER, Role.RESEARCHER])
def test_a_sealed_study_says_why_and_what_to_do(sealed: Study, role: Role) -> None:
    AnalysisRun.objects.create(
        study=sealed, input_sha256="0" * 64, settings={}, seed=0, versions={}, result={}
    )
    client = member(sealed, role)
    page = client.get(URL)
    assert page.status_code == 403
    text = text_of(page)
    assert "The results are sealed" in text
    assert "close_study voted" in text
    assert "alpha" not in text
    assert client.post(COMPUTE).status_code == 403
    assert client.get(VOTES).status_code == 403
    assert client.get(COMPARISONS).status_code == 200
    assert not AuditEntry.objects.filter(action="look").exists()


def test_a_closed_study_is_told_to_unblind(sealed: Study) -> None:
    sealed.state = StudyState.CLOSED
    sealed.save()
    text = text_of(member(sealed, Role.OWNER).get(URL))
    assert "unblind_study voted" in text
    assert "close_study voted" not in text


def test_a_monitor_of_a_sealed_study_gets_no_files_at_all(sealed: Study) -> None:
    monitor = member(sealed, Role.MONITOR)
    page = monitor.get(URL)
    assert page.status_code == 403
    assert "Monitors watch progress" in text_of(page)
    assert monitor.get(COMPARISONS).status_code == 403


def test_open_results_can_be_read_while_votes_come_in(sealed: Study) -> None:
    sealed.results = ResultsPolicy.OPEN
    sealed.save()
    client = member(sealed, Role.RESEARCHER)
    client.post(COMPUTE)
    assert client.get(URL).status_code == 200
    assert member(sealed, Role.MONITOR).get(URL).status_code == 403


# Nothing computed, nothing new, something new


def test_without_a_report_the_page_offers_to_compute_one(researcher: Client) -> None:
    page = researcher.get(URL)
    assert page.status_code == 200
    assert "There is no report yet" in text_of(page)
    assert "Compute the report" in text_of(page)
    assert not AnalysisRun.objects.exists()


def test_the_button_asks_for_the_report_and_the_background_makes_it(researcher: Client) -> None:
    response = researcher.post(COMPUTE)
    assert response["Location"] == URL
    assert not AnalysisRun.objects.exists()
    assert "A report was asked for." in text_of(researcher.get(URL))
    make_requested_report()
    assert AnalysisRun.objects.count() == 1
    text = text_of(researcher.get(URL))
    assert "alpha" in text
    assert "was asked for" not in text


def test_computing_again_without_news_says_so(researcher: Client) -> None:
    for _ in range(2):
        researcher.post(COMPUTE)
        make_requested_report()
    assert "Nothing has changed since this report was made." in text_of(researcher.get(URL))
    assert AnalysisRun.objects.count() == 1


def test_reading_computes_nothing(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis.run(study)

    def refuse(*args: Any, **fields: Any) -> None:
        raise AssertionError("a GET computed")

    monkeypatch.setattr(analysis, "run", refuse)
    monkeypatch.setattr(analysis, "report", refuse)
    for url in (URL, VOTES, "/study/voted/report/files/report.html"):
        assert researcher.get(url).status_code == 200
    assert AnalysisRun.objects.count() == 1


def add_votes(study: Study, number: int) -> None:
    for _ in range(number):
        make_imported_vote(make_comparison(study))


def test_newer_votes_are_counted_and_can_be_taken_in(study: Study, researcher: Client) -> None:
    analysis.run(study)
    assert "Not up to date" not in text_of(researcher.get(URL))
    add_votes(study, 12)
    text = text_of(researcher.get(URL))
    assert "Since this report: 12 newer votes." in text
    assert "Refresh the report" in text
    researcher.post(COMPUTE)
    make_requested_report()
    assert "Not up to date" not in text_of(researcher.get(URL))


def test_judgments_and_exclusions_make_a_report_old_too(study: Study, researcher: Client) -> None:
    analysis.run(study)
    vote = Vote.objects.first()
    assert vote is not None
    make_judgment(vote.comparison, version=make_judge_version(study))
    Exclusion.objects.create(vote=vote, reason="wrong person")
    assert "1 newer judgment and 1 decision on what counts" in text_of(researcher.get(URL))


def test_a_changed_study_makes_a_report_old_too(study: Study, researcher: Client) -> None:
    analysis.run(study)
    configure_draft(study, title="Another title")
    assert "Since this report: a change of the study." in text_of(researcher.get(URL))
    researcher.post(COMPUTE)
    assert "Not up to date" not in text_of(researcher.get(URL))


def test_imported_weights_make_a_report_old_too(study: Study, researcher: Client) -> None:
    analysis.run(study)
    ImportFile.objects.create(study=study, kind="prompts", sha256="0" * 64, rows=1)
    assert "a change of the study" in text_of(researcher.get(URL))


def test_an_adjudication_makes_a_report_old_too(study: Study, researcher: Client) -> None:
    analysis.run(study)
    Adjudication.objects.create(
        comparison=study.comparisons.earliest("pk"),
        criterion=study.criteria.get(),
        adjudicator=make_user(),
        choice=Choice.LEFT,
        swapped=False,
        verdict=Verdict.A,
    )
    assert "Since this report: 1 adjudication." in text_of(researcher.get(URL))


def test_a_vote_that_is_stored_late_by_its_own_clock_is_noticed(
    study: Study, researcher: Client
) -> None:
    analysis.run(study)
    # Its transaction began before the analysis read, and ended after it.
    early = timezone.now() - timedelta(seconds=30)
    make_imported_vote(make_comparison(study), created_at=early)
    assert "Since this report: 1 newer vote." in text_of(researcher.get(URL))


def test_a_vote_that_came_while_the_report_was_made_is_noticed(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = analysis.report

    def vote_meanwhile(*arguments: Any) -> dict[str, Any]:
        make_imported_vote(make_comparison(study))
        return report(*arguments)

    monkeypatch.setattr(analysis, "report", vote_meanwhile)
    analysis.run(study)
    assert "Since this report: 1 newer vote." in text_of(researcher.get(URL))


def test_news_that_change_nothing_are_settled_by_one_refresh(
    study: Study, researcher: Client
) -> None:
    analysis.run(study)
    vote = Vote.objects.earliest("pk")
    ban = Exclusion.objects.create(vote=vote, reason="mistake")
    Exclusion.objects.create(vote=vote, reason="it was fine", lifts=ban)
    assert "Not up to date" in text_of(researcher.get(URL))
    researcher.post(COMPUTE)
    assert "Not up to date" not in text_of(researcher.get(URL))
    assert AnalysisRun.objects.count() == 1


def test_the_page_shows_the_analysis_that_was_made_last(study: Study, researcher: Client) -> None:
    first = analysis.run(study)
    analysis.run(study, seed=5)
    again = analysis.run(study)
    assert again.pk != first.pk
    page = researcher.get(URL)
    assert page.context["kept"].pk == again.pk


# What it shows


def test_the_page_holds_every_part_of_the_report() -> None:
    study = make_rich_study(notice="The votes are simulated.", title="A rich study")
    client = member(study, Role.RESEARCHER)
    client.post("/study/rich/report/compute")
    make_requested_report()
    text = text_of(client.get("/study/rich/report/"))
    for part in (
        "A rich study",
        "The votes are simulated.",
        " ".join(headline(AnalysisRun.objects.get().result)),
        '<h2 id="leaderboard-heading">',
        "Win rates as a matrix",
        "Krippendorff&#x27;s alpha, nominal",
        "Cohen's kappa",
        "clarity",
        "judge-1",
        "Human ceiling",
        "Input (SHA-256)",
        "JSONL",
    ):
        assert part in text, part
    assert text.count("<svg") == 2 * 6


HOSTILE = "<script>alert(1)</script>\"'><b onmouseover=x>&amp;"


@pytest.fixture
def hostile() -> Study:
    study = make_voted_study(
        "hostile",
        systems=(HOSTILE, "beta", "gamma"),
        annotators=(HOSTILE, "ann-2", "ann-3"),
        judge=HOSTILE,
        title=HOSTILE,
        notice=HOSTILE,
    )
    study.criteria.create(key=HOSTILE[:64])
    return study


def test_names_are_text_in_the_page_and_in_the_file(hostile: Study) -> None:
    client = member(hostile, Role.OWNER)
    client.post("/study/hostile/report/compute")
    make_requested_report()
    page = text_of(client.get("/study/hostile/report/"))
    response = client.get("/study/hostile/report/files/report.html")
    file = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    for text in (page, file):
        assert "<script>alert" not in text
        assert "<b onmouseover" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_page_and_its_pictures_need_no_inline_style(researcher: Client) -> None:
    researcher.post(COMPUTE)
    text = text_of(researcher.get(URL))
    assert " style=" not in text
    assert "<style" not in text
    assert "<script>" not in text


def test_the_queries_do_not_grow_with_votes_or_systems(study: Study, researcher: Client) -> None:
    analysis.run(study)
    small = queries(researcher, URL)
    bigger = make_voted_study("bigger", systems=("a", "b", "c", "d", "e"), prompts=6)
    analysis.run(bigger)
    big = queries(member(bigger, Role.RESEARCHER), "/study/bigger/report/")
    assert big == small
    assert small <= 16


def queries(client: Client, url: str) -> int:
    """Of a second reading: the first one logs the look."""
    client.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_a_second_reader_gets_the_pictures_that_were_drawn(
    study: Study, researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis.run(study)
    rendered_reports.clear()
    researcher.get(URL)

    def refuse(chart: Any) -> None:
        raise AssertionError("drawn again")

    monkeypatch.setattr("reports.chart_rendering.render", refuse)
    assert "<svg" in text_of(researcher.get(URL))


# Looks


def looks(how: str) -> int:
    return AuditEntry.objects.filter(action="look", detail__how=how).count()


def test_a_person_who_reads_on_is_one_look_an_hour(study: Study) -> None:
    analysis.run(study)
    researcher, owner = member(study, Role.RESEARCHER), member(study, Role.OWNER)
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        for _ in range(3):
            researcher.get(URL)
        assert looks("view") == 1
        owner.get(URL)
        assert looks("view") == 2
        traveller.shift(timedelta(minutes=61))
        researcher.get(URL)
        assert looks("view") == 3


def test_a_new_report_is_a_new_look(study: Study, researcher: Client) -> None:
    analysis.run(study)
    researcher.get(URL)
    add_votes(study, 1)
    researcher.post(COMPUTE)
    make_requested_report()
    researcher.get(URL)
    assert looks("view") == 2


def test_every_file_with_outcomes_is_a_look(researcher: Client) -> None:
    researcher.get(VOTES)
    researcher.get(VOTES)
    researcher.get(COMPARISONS)
    assert looks("export votes") == 2
    assert looks("export comparisons") == 0


# Files


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("votes.jsonl", "application/jsonl"),
        ("votes.csv", "text/csv"),
        ("comparisons.csv", "text/csv"),
        ("judgments.jsonl", "application/jsonl"),
        ("leaderboard.csv", "text/csv"),
        ("head_to_head.csv", "text/csv"),
        ("agreement.csv", "text/csv"),
        ("report.html", "text/html"),
    ],
)
def test_files_are_streamed_attachments_that_run_nothing(
    study: Study, researcher: Client, name: str, kind: str
) -> None:
    analysis.run(study)
    response = researcher.get(f"/study/voted/report/files/{name}")
    assert response.status_code == 200
    assert response.streaming
    assert response["Content-Type"].startswith(kind)
    assert response["Content-Disposition"] == f'attachment; filename="voted-{name}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    # The study has no judge: that file is empty.
    assert bool(body) == (name != "judgments.jsonl")


@pytest.mark.parametrize("name", ["votes.html", "secrets.csv", "report.csv", "bundle.zip"])
def test_files_that_do_not_exist_are_not_found(researcher: Client, name: str) -> None:
    assert researcher.get(f"/study/voted/report/files/{name}").status_code == 404


def test_a_table_needs_a_report_first(researcher: Client) -> None:
    assert researcher.get("/study/voted/report/files/leaderboard.csv").status_code == 404


def test_every_link_of_the_page_leads_somewhere(study: Study, researcher: Client) -> None:
    researcher.post(COMPUTE)
    make_requested_report()
    page = researcher.get(URL)
    links = [
        f"/study/voted/report/files/{export.name}.{export.format}"
        for entry in page.context["downloads"]
        for export in entry.exports
    ]
    assert len(links) == 10
    for link in links:
        assert f'href="{link}"' in text_of(page)
        assert researcher.get(link).status_code == 200


def test_an_open_study_of_another_person_stays_unknown() -> None:
    make_open_study("other", results=ResultsPolicy.OPEN)
    client = member(make_voted_study(), Role.OWNER)
    assert client.get("/study/other/report/").status_code == 404
