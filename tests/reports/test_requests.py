"""Asking for a report: one live wish a study, one worker a wish, and an end that is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from celery.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotation.models import AuditEntry, Membership, Role, Study, User
from reports import analysis, requests, tasks
from reports.models import AnalysisRequest, AnalysisRun, RequestProblem, RequestState
from reports.pages.wishes import NEWS
from reports.tasks import make_requested_report
from tests.factories import make_comparison, make_imported_vote, make_membership
from tests.killing import Killed
from tests.pages import text_of
from tests.races import at_once
from tests.reports.voted import make_voted_study

URL = "/study/voted/report/"
COMPUTE = f"{URL}compute"
PROGRESS = f"{URL}progress"


@pytest.fixture
def study() -> Study:
    return make_voted_study(prompts=3)


@pytest.fixture
def reader(study: Study) -> User:
    return make_membership(study, Role.RESEARCHER).user


@pytest.fixture
def client(reader: User) -> Client:
    client = Client()
    client.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
    return client


def fail_with(fault: BaseException) -> Any:
    def run(*args: object, **fields: object) -> None:
        raise fault

    return run


# One wish, one worker


@pytest.mark.django_db
def test_asking_twice_is_one_wish(study: Study, reader: User) -> None:
    first = requests.ask(study, reader)
    assert requests.ask(study, reader) == first
    assert requests.claim() is not None
    assert requests.ask(study, reader) == first
    assert make_requested_report() is None


@pytest.mark.django_db
def test_the_database_lets_no_second_live_wish_in(study: Study, reader: User) -> None:
    requests.ask(study, reader)
    with pytest.raises(IntegrityError), transaction.atomic():
        AnalysisRequest.objects.create(study=study, requested_by=reader)
    running = {"state": RequestState.RUNNING, "lease_until": None}
    for wrong in (running, {"state": RequestState.FAILED}, {"state": RequestState.DONE}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AnalysisRequest.objects.update(**wrong)


@pytest.mark.django_db
def test_after_a_wish_ended_the_next_is_a_new_one(study: Study, reader: User) -> None:
    first = requests.ask(study, reader)
    assert make_requested_report() == RequestState.DONE
    first.refresh_from_db()
    assert first.analysis_run == AnalysisRun.objects.get()
    assert requests.ask(study, reader) != first


@pytest.mark.django_db(transaction=True)
def test_many_who_ask_and_many_who_work_make_one_report(study: Study, reader: User) -> None:
    wishes = at_once([lambda: requests.ask(study, reader).pk] * 6)
    assert len(set(wishes)) == 1
    claims = at_once([requests.claim] * 6)
    assert sum(claimed is not None for claimed in claims) == 1


@pytest.mark.django_db
def test_wishes_are_fulfilled_one_by_one_the_oldest_first(
    study: Study, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_voted_study("other", prompts=3)
    person = make_membership(other, Role.OWNER).user
    rung: list[bool] = []
    monkeypatch.setattr(tasks, "ring_for_report", lambda: rung.append(True))
    requests.ask(study, reader)
    requests.ask(other, person)
    make_requested_report()
    assert [run.study for run in AnalysisRun.objects.all()] == [study]
    assert rung == [True]
    make_requested_report()
    assert rung == [True]
    assert AnalysisRun.objects.filter(study=other, created_by=person).exists()


# How it ends


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "problem", "words"),
    [
        (SoftTimeLimitExceeded(), RequestProblem.TOO_LONG, "longer than 150 seconds"),
        (ZeroDivisionError(), RequestProblem.FAULT, "could not be analysed"),
    ],
)
def test_a_wish_that_fails_says_why_and_can_be_made_again(
    study: Study,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    problem: RequestProblem,
    words: str,
) -> None:
    client.post(COMPUTE)
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "run", fail_with(fault))
        assert make_requested_report() == RequestState.FAILED
    assert AnalysisRequest.objects.get().problem == problem
    # It survives a reload, and another person's look.
    for _ in range(2):
        text = text_of(client.get(URL))
        assert "The report could not be made." in text
        assert words in text
        assert "All votes are kept" in text
        assert "Try again" in text
    client.post(COMPUTE)
    make_requested_report()
    text = text_of(client.get(URL))
    assert "could not be made" not in text
    assert "Leaderboard" in text


@pytest.mark.django_db
def test_who_lost_the_right_to_see_gets_no_report(study: Study, reader: User) -> None:
    requests.ask(study, reader)
    Membership.objects.filter(user=reader).delete()
    assert make_requested_report() == RequestState.FAILED
    assert AnalysisRequest.objects.get().problem == RequestProblem.SEALED
    assert not AnalysisRun.objects.exists()


@pytest.mark.django_db
def test_a_lost_worker_is_replaced_once_and_a_late_one_changes_nothing(
    study: Study, reader: User, client: Client
) -> None:
    requests.ask(study, reader)
    first = requests.claim()
    assert first is not None
    assert requests.claim() is None
    with time_machine.travel(timezone.now() + requests.LEASE + timedelta(seconds=1)):
        second = requests.claim()
        assert second is not None
        assert second.attempt == 2
        requests.fulfil(first)  # it was only slow
        assert AnalysisRequest.objects.get().state == RequestState.RUNNING
        with time_machine.travel(timezone.now() + requests.LEASE + timedelta(seconds=1)):
            assert requests.claim() is None
    lost = AnalysisRequest.objects.get()
    assert (lost.state, lost.problem) == (RequestState.FAILED, RequestProblem.LOST)
    requests.fulfil(second)
    lost.refresh_from_db()
    assert lost.state == RequestState.FAILED


@pytest.mark.django_db
def test_a_thread_that_takes_longer_than_the_lease_keeps_its_wish(
    study: Study, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded worker's threads know no time limit: the sweep must not start them anew."""
    requests.ask(study, reader)
    claimed = requests.claim()
    assert claimed is not None
    swept: list[str | None] = []
    run = analysis.run

    def slow(*args: Any, **fields: Any) -> AnalysisRun:
        for _ in range(requests.MOST_ATTEMPTS + 1):
            with time_machine.travel(timezone.now() + 2 * requests.LEASE):
                swept.append(make_requested_report())
        return run(*args, **fields)

    monkeypatch.setattr(analysis, "run", slow)
    assert requests.fulfil(claimed) == RequestState.DONE
    assert swept == [None] * 3
    request = AnalysisRequest.objects.get()
    assert (request.state, request.attempts) == (RequestState.DONE, 1)
    # The process forgets it with its end: another wish may lapse.
    requests.ask(study, reader)
    assert requests.claim() is not None
    with time_machine.travel(timezone.now() + 2 * requests.LEASE):
        assert requests.claim() is not None


@pytest.mark.django_db
def test_a_thread_that_hangs_does_not_keep_its_wish_for_ever(
    study: Study, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = requests.ask(study, reader)
    claimed = requests.claim()
    assert claimed is not None
    run = analysis.run
    found: list[str] = []

    def hung(*args: Any, **fields: Any) -> AnalysisRun:
        for spent in (requests.LONGEST - timedelta(minutes=1), requests.LONGEST):
            with time_machine.travel(timezone.now() + spent + timedelta(seconds=1)):
                assert requests.claim() is None
            first.refresh_from_db()
            found.append(first.state)
        assert requests.ask(study, reader) != first
        return run(*args, **fields)  # after all

    monkeypatch.setattr(analysis, "run", hung)
    requests.fulfil(claimed)
    assert found == [RequestState.RUNNING, RequestState.FAILED]
    first.refresh_from_db()
    assert (first.state, first.problem) == (RequestState.FAILED, RequestProblem.TOO_LONG)
    assert AnalysisRequest.objects.filter(state=RequestState.WAITING).count() == 1
    assert AnalysisRun.objects.filter(study=study).exists()


@pytest.mark.django_db
def test_a_worker_lost_after_it_kept_the_report_leaves_one_look(
    study: Study, reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = requests.ask(study, reader)
    run = analysis.run

    def lost(*args: Any, **fields: Any) -> None:
        run(*args, **fields)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(analysis, "run", lost)
        with pytest.raises(Killed):
            make_requested_report()
    with time_machine.travel(timezone.now() + 2 * requests.LEASE):
        make_requested_report()
    wish.refresh_from_db()
    assert (wish.state, wish.attempts) == (RequestState.DONE, 1)
    assert wish.analysis_run == AnalysisRun.objects.get()
    assert AuditEntry.objects.filter(action="look", detail__how="analysis").count() == 1


# What the page says


@pytest.mark.django_db
def test_the_page_waits_while_it_is_made_and_offers_no_second_button(
    study: Study, client: Client
) -> None:
    assert client.get(PROGRESS).json() == {"state": None}
    client.post(COMPUTE)
    assert client.get(PROGRESS).json() == {"state": "waiting"}
    claimed = requests.claim()
    assert claimed is not None
    response = client.get(PROGRESS)
    assert response.json() == {"state": "running"}
    assert response["Cache-Control"] == "no-store"
    page = text_of(client.get(URL))
    assert "A report is being made." in page
    assert f'data-progress="{PROGRESS}"' in page
    assert "Compute the report" not in page
    requests.fulfil(claimed)
    assert client.get(PROGRESS).json() == {"state": "done"}
    assert "data-progress" not in text_of(client.get(URL))


@pytest.mark.django_db
def test_an_older_report_stays_readable_while_a_newer_one_is_made(
    study: Study, client: Client
) -> None:
    analysis.run(study)
    make_imported_vote(make_comparison(study))
    assert "Refresh the report" in text_of(client.get(URL))
    client.post(COMPUTE)
    page = text_of(client.get(URL))
    assert "A report was asked for." in page
    assert "Leaderboard" in page
    assert "Refresh the report" not in page
    make_requested_report()
    assert "1 newer vote" not in text_of(client.get(URL))


@pytest.mark.django_db
def test_that_nothing_was_new_is_told_for_a_while(study: Study, client: Client) -> None:
    analysis.run(study)
    client.post(COMPUTE)
    make_requested_report()
    assert "Nothing has changed since this report was made." in text_of(client.get(URL))
    with time_machine.travel(timezone.now() + NEWS + timedelta(minutes=1)):
        assert "Nothing has changed" not in text_of(client.get(URL))


@pytest.mark.django_db
def test_a_report_that_is_old_is_not_called_up_to_date(study: Study, client: Client) -> None:
    analysis.run(study)
    client.post(COMPUTE)
    make_requested_report()
    make_imported_vote(make_comparison(study))
    page = text_of(client.get(URL))
    assert "Not up to date." in page
    assert "Nothing has changed" not in page
    assert "Refresh the report" in page


@pytest.mark.django_db
def test_a_failure_is_forgotten_once_a_report_came_by_another_way(
    study: Study, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post(COMPUTE)
    with monkeypatch.context() as patch:
        patch.setattr(analysis, "run", fail_with(ValueError()))
        make_requested_report()
    analysis.run(study)
    assert "could not be made" not in text_of(client.get(URL))


# The bell


@pytest.mark.django_db
def test_a_bell_that_nobody_hears_loses_no_wish(
    study: Study,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr(make_requested_report, "delay", fail_with(OperationalError("no broker")))
    with django_capture_on_commit_callbacks(execute=True) as rung:
        assert client.post(COMPUTE).status_code == 302
    assert len(rung) == 1
    assert AnalysisRequest.objects.get().state == RequestState.WAITING
    assert make_requested_report() == RequestState.DONE


@pytest.mark.django_db
def test_the_request_itself_computes_nothing(
    study: Study, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "run", fail_with(AssertionError("a page computed")))
    monkeypatch.setattr(analysis, "report", fail_with(AssertionError("a page computed")))
    assert client.post(COMPUTE).status_code == 302
