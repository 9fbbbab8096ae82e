"""Pairs and opening in the background: what the page says, what a lost worker leaves."""

from __future__ import annotations

import os
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from annotation import taking_turns
from annotation.lifecycle import jobs
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.opening import open_study
from annotation.models import (
    Comparison,
    Criterion,
    JobState,
    Membership,
    Study,
    StudyJob,
    StudyState,
)
from annotation.tasks import work_on_job
from tests.annotation.researcher.studio import Studio, make_studio
from tests.annotation.researcher.test_pages import filled
from tests.pages import text_of

pytestmark = pytest.mark.django_db

DESIGN = {"design": "all", "rounds": 1, "overlap": 3, "seed": 0}


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch) -> None:
    """Three pairs are a large study here."""
    monkeypatch.setattr(jobs, "AT_ONCE", 2)


@pytest.fixture
def large(tmp_path) -> Studio:
    """Three pairs could be made; none is."""
    studio = filled(tmp_path, 3)
    Comparison.objects.all().delete()
    return studio


def only_job() -> StudyJob:
    return StudyJob.objects.get()


def test_pairs_of_a_large_study_are_made_in_the_background_and_the_page_says_so(large: Studio):
    assert large.post("design", DESIGN).status_code == 302
    assert Comparison.objects.count() == 0
    page = large.get("design")
    assert "Making the pairs" in text_of(page)
    assert "Waiting for a worker" in text_of(page)
    assert "Generate pairs" not in text_of(page)
    waiting = large.get("job_progress", job=only_job().public_id)
    assert "HX-Refresh" not in waiting
    assert work_on_job() == JobState.DONE
    assert large.get("job_progress", job=only_job().public_id)["HX-Refresh"] == "true"
    assert Comparison.objects.count() == 3
    assert only_job().found["created"] == 3
    assert "3 pairs were made" in text_of(large.get("design"))
    assert not list((jobs.progress_path(only_job()).parent).iterdir())


def test_a_large_study_is_opened_in_the_background(tmp_path):
    studio = filled(tmp_path, 3)
    assert studio.post("open")["Location"] == studio.url("open")
    studio.study.refresh_from_db()
    assert studio.study.state == StudyState.DRAFT
    page = text_of(studio.get("open"))
    assert "Opening the study" in page
    assert "Opening is final" not in page
    assert work_on_job() == JobState.DONE
    assert studio.get("open")["Location"] == studio.url("running")
    assert only_job().found == {"version": 1}
    assert Comparison.objects.filter(open=True).count() == 3


def test_a_small_study_waits_for_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "AT_ONCE", 3)
    studio = filled(tmp_path, 3)
    assert studio.post("design", {**DESIGN, "replace": "on"}).status_code == 302
    assert studio.post("open")["Location"] == studio.url("running")
    assert not StudyJob.objects.exists()


def test_faults_are_told_at_once(tmp_path):
    studio = filled(tmp_path, 3)
    Criterion.objects.update(question=" ")
    answer = studio.post("open")
    assert answer.status_code == 422
    assert "has no question" in text_of(answer)
    assert studio.post("design", {**DESIGN, "design": "anchor"}).status_code == 422
    assert not StudyJob.objects.exists()


def test_nothing_else_is_begun_meanwhile(large: Studio):
    large.post("design", DESIGN)
    again = large.post("design", DESIGN)
    assert again.status_code == 422
    assert "its pairs are being made" in text_of(again)
    assert large.post("open").status_code == 422
    assert StudyJob.objects.count() == 1


def test_what_was_refused_meanwhile_is_told_on_the_page(large: Studio):
    large.post("design", DESIGN)
    generate_comparisons(large.study)
    open_study(large.study)
    assert work_on_job() == JobState.FAILED
    assert "was opened on" in only_job().problem
    assert "The pairs were not made" in text_of(large.get("design"))


@pytest.mark.parametrize("since", [generate_comparisons, open_study])
def test_a_failure_is_not_told_after_a_later_success(large: Studio, monkeypatch, since):
    large.post("design", DESIGN)
    job = jobs.claim()
    assert job is not None
    if since is open_study:
        generate_comparisons(large.study)
    jobs.end(job, problem="It was cut off.")
    assert "The pairs were not made" in text_of(large.get("design"))
    since(large.study)
    assert "The pairs were not made" not in text_of(large.get("design"))


def test_rows_are_taken_while_other_threads_take_and_end_theirs(large: Studio, monkeypatch):
    large.post("design", DESIGN)
    held: set[Any] = set()

    class Busy:
        """Another thread takes a row just as this one is looked at."""

        def __iter__(self):
            held.add((Study, len(held)))
            return iter((Study, 0))

    held.add(Busy())
    monkeypatch.setattr(taking_turns, "_held", held)
    assert jobs.claim() is not None


def test_who_runs_the_study_no_more_makes_no_pairs(large: Studio):
    large.post("design", DESIGN)
    Membership.objects.filter(study=large.study).delete()
    assert work_on_job() == JobState.FAILED
    assert Comparison.objects.count() == 0


def test_a_lost_worker_is_replaced_once_and_leaves_nothing(large: Studio):
    large.post("design", DESIGN)
    first = jobs.claim()
    assert first is not None
    assert jobs.claim() is None
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = jobs.claim()
    assert second is not None
    # The first one comes back late: its word does not count.
    assert jobs.end(first, found={"created": 9}) is None
    assert only_job().state == JobState.WAITING
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.claim() is None
    assert only_job().state == JobState.FAILED
    assert "cut off twice" in text_of(large.get("design"))
    assert large.post("design", DESIGN).status_code == 302


def test_a_fault_of_the_program_fails_the_job_and_stores_nothing(large: Studio, monkeypatch):
    large.post("design", DESIGN)

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("annotation.lifecycle.generation.insert_rows", broken)
    assert work_on_job() == JobState.FAILED
    assert "broken" not in only_job().problem
    assert Comparison.objects.count() == 0


class Killed(BaseException):
    """What no worker can catch."""


def test_a_worker_that_dies_before_its_end_is_told_has_done_nothing(large: Studio, monkeypatch):
    large.post("design", DESIGN)

    def killed(*args: Any, **kwargs: Any) -> None:
        assert Comparison.objects.count() == 3
        raise Killed

    job = jobs.claim()
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "store_end", killed)
        with pytest.raises(Killed):
            jobs.work_on(job)
    assert Comparison.objects.count() == 0
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert work_on_job() == JobState.DONE
    assert only_job().found["created"] == 3


def test_a_worker_that_was_replaced_keeps_nothing_of_its_work(large: Studio):
    large.post("design", DESIGN)
    job = jobs.claim()
    StudyJob.objects.update(attempts=2)
    assert jobs.work_on(job) is None
    assert Comparison.objects.count() == 0
    assert only_job().state == JobState.WAITING


def test_a_worker_on_a_machine_without_the_others_files_is_not_taken_for_lost(large: Studio):
    large.post("design", DESIGN)
    job = jobs.claim()
    assert job is not None
    path = jobs.progress_path(job)
    os.utime(path, (0, 0))
    assert jobs.claim() is None
    path.unlink()
    assert jobs.claim() is None
    assert only_job().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_the_worker_lives_and_not_longer(large: Studio, monkeypatch):
    monkeypatch.setattr(taking_turns, "BEAT_SECONDS", 0.01)
    large.post("design", DESIGN)
    job = jobs.claim()
    assert job is not None

    def lapse() -> None:
        StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    with taking_turns.at_work(job):
        lapse()
        for _ in range(500):
            lease = only_job().lease_until
            if lease is not None and lease > timezone.now():
                break
            time.sleep(0.01)
        assert jobs.claim() is None
    assert "signs-of-life" not in {thread.name for thread in threading.enumerate()}
    lapse()
    again = jobs.claim()
    assert again is not None
    assert again.attempts == 2
    # The first one is back: it renews nothing of what is another's.
    then = only_job().lease_until
    taking_turns.renew(job)
    assert only_job().lease_until == then


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_row_is_nobody_elses_while_its_worker_stores_however_old_its_lease(large: Studio):
    large.post("design", DESIGN)
    job = jobs.claim()
    assert job is not None
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    begun, over = threading.Event(), threading.Event()

    def other_machine() -> None:
        with transaction.atomic():
            taking_turns.hold(job)
            begun.set()
            over.wait(30)
        connection.close()

    thread = threading.Thread(target=other_machine)
    thread.start()
    try:
        assert begun.wait(30)
        assert jobs.claim() is None
    finally:
        over.set()
        thread.join()
    assert jobs.claim() is not None


def test_a_job_of_another_study_is_not_found(large: Studio):
    large.post("design", DESIGN)
    other = make_studio("Other")
    assert other.get("job_progress", job=only_job().public_id).status_code == 404
    assert large.get("job_progress", job=uuid.uuid4()).status_code == 404


# -- through the API -------------------------------------------------------------------------


def send(studio: Studio, name: str, data: dict[str, Any]) -> Any:
    return studio.client.post(
        reverse(f"api:{name}", kwargs={"slug": studio.study.slug}),
        data,
        content_type="application/json",
    )


def job_through_api(studio: Studio, name: str) -> Any:
    return studio.client.get(
        reverse("api:job", kwargs={"slug": studio.study.slug, "job": name})
    ).json()


def test_a_script_is_told_where_to_ask_for_a_large_study(large: Studio):
    asked = send(large, "generate", {"identical": 2, "design": "all"})
    assert asked.status_code == 202, asked.content
    name = asked.json()["id"]
    assert asked.json() | {"id": "", "asked_at": ""} == {
        "id": "",
        "kind": "pairs",
        "state": "waiting",
        "asked_at": "",
        "ended_at": None,
        "pairs_done": 0,
        "pairs_at_most": 3,
        "problem": "",
        "found": {},
    }
    refused = send(large, "open", {})
    assert refused.status_code == 409
    assert "being made" in refused.json()["detail"]
    work_on_job()
    done = job_through_api(large, name)
    assert done["state"] == "done"
    assert done["found"] == {
        "identical": 2, "created": 3, "existing": 0, "comparisons": 3, "votes": 9,
    }  # fmt: skip
    opening = send(large, "open", {})
    assert opening.status_code == 202
    work_on_job()
    assert job_through_api(large, opening.json()["id"])["found"] == {"version": 1}
    assert Study.objects.get(pk=large.study.pk).state == StudyState.OPEN


def test_both_kinds_of_pairs_are_made_or_neither(large: Studio):
    asked = send(large, "generate", {"identical": 1000, "design": "all"})
    assert asked.status_code == 202
    assert work_on_job() == JobState.FAILED
    assert "identical pairs need as many" in job_through_api(large, asked.json()["id"])["problem"]
    assert Comparison.objects.count() == 0
