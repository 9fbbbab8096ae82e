"""Pairs and opening in the background: what the page says, what a lost worker leaves."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import InterfaceError, OperationalError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from annotation import quality, taking_turns
from annotation.jobs import putting_off, rows, working
from annotation.lifecycle import sliced_copies
from annotation.lifecycle.cloning import clone_study, copy_range
from annotation.lifecycle.configuring import configure_study
from annotation.lifecycle.drafts import create_draft
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import close_study, unblind_study
from annotation.lifecycle.study_file import StudyFile
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    Comparison,
    Criterion,
    JobKind,
    JobState,
    Membership,
    Response,
    Role,
    Study,
    StudyJob,
    StudyState,
)
from annotation.progress_notes import note_progress
from annotation.tasks import check_quality, forget_bad_rows, tidy_jobs, work_on_job
from tests import factories
from tests.annotation.quality.world import make_trainee, make_training
from tests.annotation.researcher.studio import Studio, make_studio
from tests.annotation.researcher.test_copying import content_of
from tests.annotation.researcher.test_pages import filled
from tests.killing import Killed
from tests.pages import text_of
from tests.races import TIMEOUT_S

pytestmark = pytest.mark.django_db

DESIGN = {"design": "all", "rounds": 1, "overlap": 3, "seed": 0}


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch) -> None:
    """Three pairs are a large study here."""
    monkeypatch.setattr(putting_off, "AT_ONCE", 2)


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
    assert not list((rows.progress_path(only_job()).parent).iterdir())


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
    monkeypatch.setattr(putting_off, "AT_ONCE", 3)
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
    job = working.claim()
    assert job is not None
    if since is open_study:
        generate_comparisons(large.study)
    rows.end(job, problem="It was cut off.")
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
    assert working.claim() is not None


def test_who_runs_the_study_no_more_makes_no_pairs(large: Studio):
    large.post("design", DESIGN)
    Membership.objects.filter(study=large.study).delete()
    assert work_on_job() == JobState.FAILED
    assert Comparison.objects.count() == 0


def test_a_lost_worker_is_replaced_once_and_leaves_nothing(large: Studio):
    large.post("design", DESIGN)
    first = working.claim()
    assert first is not None
    assert working.claim() is None
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = working.claim()
    assert second is not None
    # The first one comes back late: its word does not count.
    assert rows.end(first, found={"created": 9}) is None
    assert only_job().state == JobState.WAITING
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert working.claim() is None
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


def test_a_worker_that_dies_before_its_end_is_told_has_done_nothing(large: Studio, monkeypatch):
    large.post("design", DESIGN)

    def killed(*args: Any, **kwargs: Any) -> None:
        assert Comparison.objects.count() == 3
        raise Killed

    job = working.claim()
    with monkeypatch.context() as patched:
        patched.setattr(working, "store_end", killed)
        with pytest.raises(Killed):
            working.work_on(job)
    assert Comparison.objects.count() == 0
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert work_on_job() == JobState.DONE
    assert only_job().found["created"] == 3


def test_a_worker_that_was_replaced_keeps_nothing_of_its_work(large: Studio):
    large.post("design", DESIGN)
    job = working.claim()
    StudyJob.objects.update(attempts=2)
    assert working.work_on(job) is None
    assert Comparison.objects.count() == 0
    assert only_job().state == JobState.WAITING


def test_a_worker_on_a_machine_without_the_others_files_is_not_taken_for_lost(large: Studio):
    large.post("design", DESIGN)
    job = working.claim()
    assert job is not None
    path = rows.progress_path(job)
    os.utime(path, (0, 0))
    assert working.claim() is None
    path.unlink()
    assert working.claim() is None
    assert only_job().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_while_the_worker_lives_and_not_longer(large: Studio, monkeypatch):
    monkeypatch.setattr(taking_turns, "BEAT_SECONDS", 0.01)
    large.post("design", DESIGN)
    job = working.claim()
    assert job is not None

    def lapse() -> None:
        StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    with taking_turns.at_work(job):
        lapse()
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            lease = only_job().lease_until
            if lease is not None and lease > timezone.now():
                break
            time.sleep(0.01)
        assert working.claim() is None
    assert "signs-of-life" not in {thread.name for thread in threading.enumerate()}
    lapse()
    again = working.claim()
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
    job = working.claim()
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
        assert working.claim() is None
    finally:
        over.set()
        thread.join()
    assert working.claim() is not None


def test_a_job_of_another_study_is_not_found(large: Studio):
    large.post("design", DESIGN)
    other = make_studio("Other")
    assert other.get("job_progress", job=only_job().public_id).status_code == 404
    assert large.get("job_progress", job=uuid.uuid4()).status_code == 404


# -- copies and changes ----------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path, monkeypatch) -> Studio:
    """Six responses are many to copy."""
    monkeypatch.setattr(putting_off, "COPIED_AT_ONCE", 5)
    return filled(tmp_path, 3)


CLONE = {"title": "Capitals again", "slug": "again", "with_content": "on"}


def test_a_large_study_is_copied_in_the_background_and_the_page_leads_to_the_copy(copied: Studio):
    assert copied.post("clone", CLONE)["Location"] == copied.url("clone")
    assert not Study.objects.filter(slug="again").exists()
    page = text_of(copied.get("clone"))
    assert "Copying the study" in page
    assert "Waiting for a worker" in page
    assert copied.post("clone", CLONE | {"slug": "once-more"}).status_code == 422
    assert work_on_job() == JobState.DONE
    clone = Study.objects.get(slug="again")
    assert Response.objects.filter(prompt__study=clone).count() == 6
    assert reverse("studio:overview", kwargs={"slug": "again"}) in (
        copied.get("clone").content.decode()
    )


def test_settings_alone_are_copied_at_once(copied: Studio):
    settings = {name: value for name, value in CLONE.items() if name != "with_content"}
    assert copied.post("clone", settings)["Location"] == reverse(
        "studio:basics", kwargs={"slug": "again"}
    )
    assert not StudyJob.objects.exists()


def test_a_name_that_is_taken_is_told_at_once_and_one_that_was_taken_meanwhile_later(
    copied: Studio,
):
    create_draft("again", copied.user, title="Taken")
    assert "choose another short name" in text_of(copied.post("clone", CLONE))
    assert not StudyJob.objects.exists()
    assert copied.post("clone", CLONE | {"slug": "later"}).status_code == 302
    create_draft("later", copied.user, title="Taken")
    assert work_on_job() == JobState.FAILED
    assert "The study was not copied" in text_of(copied.get("clone"))


def test_a_study_that_was_sealed_meanwhile_is_not_copied(copied: Studio):
    copied.post("clone", CLONE)
    open_study(copied.study)
    assert work_on_job() == JobState.FAILED
    assert "is sealed" in only_job().problem
    assert not Study.objects.filter(slug="again").exists()


def test_a_challenger_of_a_large_study_is_made_in_the_background(copied: Studio):
    open_study(copied.study)
    close_study(copied.study)
    unblind_study(copied.study)
    assert copied.post("challenge", {"title": "More", "slug": "more"}).status_code == 302
    assert "Copying the study" in text_of(copied.get("challenge"))
    assert work_on_job() == JobState.DONE
    assert Study.objects.get(slug="more").continues == copied.study


@pytest.fixture
def many_slices(copied: Studio, monkeypatch) -> Studio:
    """A prompt is a slice."""
    monkeypatch.setattr(sliced_copies, "FIRST_SLICE", 1)
    monkeypatch.setattr(sliced_copies, "LARGEST_SLICE", 1)
    monkeypatch.setattr(sliced_copies, "DISCARDED", 2)
    return copied


def after_slices(monkeypatch, number: int, what: Callable[[], object]) -> None:
    """Do something after so many slices of content."""
    done: list[int] = []

    def counted(*args: Any) -> int:
        if len(done) == number:
            what()
        done.append(copy_range(*args))
        return done[-1]

    monkeypatch.setattr(sliced_copies, "copy_range", counted)


def die() -> None:
    raise Killed


def nothing_is_left(slug: str = "again") -> bool:
    return not (
        Study.objects.filter(slug=slug).exists()
        or Study.objects.filter(slug__startswith=sliced_copies.NAMED).exists()
    ) and (Study.objects.count(), Response.objects.count()) == (1, 6)


def test_a_copy_in_slices_has_all_that_a_copy_at_once_has(many_slices: Studio):
    study = many_slices.study
    factories.make_comparison(study, "north", "south", kind="gold", gold={"overall": ["a"]})
    expected = clone_study(study, "at-once", many_slices.user, title="B", with_content=True)
    assert many_slices.post("clone", CLONE).status_code == 302
    assert work_on_job() == JobState.DONE
    made = Study.objects.get(slug="again")
    assert made.title == "Capitals again"
    assert content_of(made) == content_of(expected)
    assert len(content_of(made)["checks"]) == 1
    logs = [
        [(entry.action, entry.actor) for entry in one.audit_entries.order_by("seq")]
        for one in (made, expected)
    ]
    assert logs[0] == logs[1]
    assert made.memberships.get().user == many_slices.user


def test_nobody_has_a_part_in_what_is_being_copied(many_slices: Studio, monkeypatch):
    many_slices.post("clone", CLONE)
    seen: list[Any] = []

    def look() -> None:
        [shell] = sliced_copies.unfinished()
        call_command("create_owner", "site@example.org", stdout=StringIO())
        seen.extend([shell.memberships.count(), shell.audit_entries.count(), tidy_jobs()])
        listed = many_slices.client.get(reverse("home"))
        seen.append(shell.slug in listed.content.decode())

    after_slices(monkeypatch, 2, look)
    assert work_on_job() == JobState.DONE
    assert seen == [0, 0, 0, False]
    made = Study.objects.get(slug="again")
    assert [row.user for row in made.memberships.all()] == [many_slices.user]


@pytest.mark.parametrize("slices", [0, 2])
def test_a_copy_that_fails_leaves_nothing(many_slices: Studio, monkeypatch, slices: int):
    many_slices.post("clone", CLONE)

    def fail() -> None:
        raise OSError("no space left")

    after_slices(monkeypatch, slices, fail)
    assert work_on_job() == JobState.FAILED
    assert nothing_is_left()


def test_what_a_killed_worker_had_copied_is_deleted_and_the_next_one_copies_anew(
    many_slices: Studio, monkeypatch
):
    many_slices.post("clone", CLONE)
    with monkeypatch.context() as dying:
        after_slices(dying, 2, die)
        # Whoever is killed deletes nothing.
        dying.setattr(sliced_copies.SlicedCopy, "discard", lambda copy: None)
        with pytest.raises(Killed):
            work_on_job()
    [left] = sliced_copies.unfinished()
    assert Response.objects.filter(prompt__study=left).count() == 4
    assert tidy_jobs() == 0
    StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert work_on_job() == JobState.DONE
    assert Response.objects.filter(prompt__study__slug="again").count() == 6
    assert tidy_jobs() == 1
    assert not sliced_copies.unfinished().exists()
    assert (Study.objects.count(), Response.objects.count()) == (2, 12)


def test_a_copy_that_is_finished_while_others_are_deleted_keeps_its_content(
    many_slices: Studio, monkeypatch
):
    many_slices.post("clone", CLONE)
    seen: list[Study] = []
    after_slices(monkeypatch, 2, lambda: seen.extend(sliced_copies.unfinished()))
    assert work_on_job() == JobState.DONE
    [copy] = seen
    monkeypatch.setattr(working, "unfinished", lambda: [copy])
    assert tidy_jobs() == 0
    assert Response.objects.filter(prompt__study__slug="again").count() == 6


def test_a_copy_that_is_given_up_is_not_finished(many_slices: Studio, monkeypatch):
    many_slices.post("clone", CLONE)
    given_up: list[bool] = []

    def give_up() -> None:
        [copy] = sliced_copies.unfinished()
        given_up.append(sliced_copies.give_up(copy))

    after_slices(monkeypatch, 2, give_up)
    assert work_on_job() == JobState.FAILED
    assert given_up == [True]
    assert not Study.objects.filter(slug="again").exists()
    # What is left of it is deleted like what a killed worker left.
    assert sliced_copies.unfinished().exists()
    assert tidy_jobs() == 1
    assert nothing_is_left()


def test_a_worker_that_was_taken_for_lost_gives_up_its_own_copy_alone(
    many_slices: Studio, monkeypatch
):
    many_slices.post("clone", CLONE)
    others: list[object] = []

    def taken_over() -> None:
        monkeypatch.undo()
        StudyJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        job = only_job()
        # As a process of its own, which knows nothing of the other's work.
        taking_turns._held.clear()
        others.append(work_on_job())
        assert only_job().attempts == job.attempts + 1

    after_slices(monkeypatch, 1, taken_over)
    assert work_on_job() is None
    assert others == [JobState.DONE]
    assert Response.objects.filter(prompt__study__slug="again").count() == 6
    assert not sliced_copies.unfinished().exists()


@pytest.mark.parametrize("what", ["prompts", "rubric", "opened"])
def test_a_source_that_moves_while_it_is_copied_is_not_copied(
    many_slices: Studio, monkeypatch, what: str
):
    many_slices.post("clone", CLONE)
    study = many_slices.study
    moves: dict[str, Callable[[], object]] = {
        "prompts": lambda: factories.make_prompt(study),
        "rubric": lambda: configure_study(study, StudyFile({"title": "Another"}, None)),
        "opened": lambda: Study.objects.filter(pk=study.pk).update(
            state=StudyState.OPEN, opened_at=timezone.now(), results="open"
        ),
    }
    after_slices(monkeypatch, 2, moves[what])
    assert work_on_job() == JobState.FAILED
    assert "was changed while it was copied" in only_job().problem
    assert not sliced_copies.unfinished().exists()
    assert Study.objects.count() == 1


def test_slices_grow_and_shrink_with_how_long_they_take():
    assert sliced_copies.next_size(50, 0.01) == 100
    assert sliced_copies.next_size(1000, 0.01) == 1000
    assert sliced_copies.next_size(50, 0.07) == 50
    assert sliced_copies.next_size(50, 1.0) == 5
    assert sliced_copies.next_size(1, 5.0) == 1


@pytest.fixture
def large_opened(tmp_path) -> Studio:
    studio = filled(tmp_path, 3)
    open_study(studio.study)
    return studio


def test_a_large_opened_study_is_changed_in_the_background(large_opened: Studio):
    sent = {"title": "Another name", "reason": "Asked.", "language": "de"}
    answer = large_opened.post("change_part", sent, part="texts")
    assert answer["Location"] == large_opened.url("running")
    page = text_of(large_opened.get("running"))
    assert "Changing the study" in page
    assert "Change the study" not in page
    refused = large_opened.post("change_part", sent, part="texts")
    assert "it is being changed" in text_of(refused)
    assert StudyJob.objects.count() == 1
    # Somebody changes something else at the command line meanwhile.
    change_study(large_opened.study, WantedChange.of("Asked.", rules={"limits": {"per_day": 40}}))
    assert work_on_job() == JobState.DONE
    study = Study.objects.get(pk=large_opened.study.pk)
    assert study.title == "Another name"
    assert study.rules == {"limits": {"per_day": 40}, "texts": {"language": "de"}}
    assert "Version 3: title" in text_of(large_opened.get("running"))
    change_study(study, WantedChange.of("Asked.", title="A third name"))
    assert "Version 3: title" not in text_of(large_opened.get("running"))


def test_what_others_changed_while_a_change_waits_is_not_overwritten(large_opened: Studio):
    sent = {"title": "Mine", "reason": "Asked.", "language": "de"}
    assert large_opened.post("change_part", sent, part="texts").status_code == 302
    change_study(large_opened.study, WantedChange.of("Asked.", title="Theirs"))
    assert work_on_job() == JobState.FAILED
    study = Study.objects.get(pk=large_opened.study.pk)
    assert (study.title, study.rules) == ("Theirs", {})
    assert "somebody else changed title, too" in text_of(large_opened.get("running"))


CONTENT = "prompts, responses and pairs"


@pytest.fixture
def told(monkeypatch) -> list[tuple[int, int | None, str]]:
    """What a worker writes down of how far it is, in its order."""
    seen: list[tuple[int, int | None, str]] = []

    def noted(path: Path, done: int, of: int | None, doing: str) -> None:
        seen.append((done, of, doing))
        note_progress(path, done, of, doing)

    monkeypatch.setattr(working, "note_progress", noted)
    return seen


def test_a_change_tells_how_far_it_is(large_opened: Studio, told):
    large_opened.post("change_part", {"title": "A name", "reason": "Asked."}, part="texts")
    assert work_on_job() == JobState.DONE
    # Three prompts, six responses, three pairs.
    assert told == [(12, 12, f"{CONTENT} frozen")]


def test_further_pairs_and_a_raised_overlap_tell_how_far_they_are(large_opened: Studio, told):
    add_pairs(large_opened, further_pairs(2))
    assert work_on_job() == JobState.DONE
    assert told == [
        (12, 12, f"{CONTENT} looked at"),
        (2, None, "rows of the file checked"),
        (2, 2, "rows of the file stored"),
        (12, 12, f"{CONTENT} compared"),
        (20, 20, f"{CONTENT} frozen"),
    ]
    told.clear()
    sent = {"title": "A name", "overlap": "4", "reason": "Too few."}
    large_opened.post("change_part", sent, part="texts")
    assert work_on_job() == JobState.DONE
    assert told == [(5, 5, "pairs raised"), (20, 20, f"{CONTENT} frozen")]


@pytest.mark.parametrize(
    ("noted", "said", "bar"),
    [
        ((0, None, "begun"), "Beginning.", None),
        ((1500, None, "rows of the file checked"), "1,500 rows of the file checked.", None),
        ((1500, 9000, "pairs raised"), "1,500 of 9,000 pairs raised.", "9000"),
        ((9000, 9000, f"{CONTENT} frozen"), f"9,000 {CONTENT} frozen; ending.", "9000"),
    ],
)
def test_the_page_that_waits_for_a_change_shows_its_count_and_asks_again(
    large_opened: Studio, noted, said: str, bar: str | None
):
    large_opened.post("change_part", {"title": "A name", "reason": "Asked."}, part="texts")
    job = working.claim()
    assert job is not None
    note_progress(rows.progress_path(job), *noted)
    for page in (large_opened.get("running"), large_opened.get("job_progress", job=job.public_id)):
        assert said in text_of(page)
        strip = page.content.decode()
        assert 'hx-trigger="every 2s"' in strip
        assert ("<progress" in strip) == (bar is not None)
        assert bar is None or f'max="{bar}"' in strip
    done, of, unit = noted
    assert rows.progress_of(job) == rows.Progress(done, of or 0, unit if done else "")


def ask_without_training(tmp_path) -> Annotator:
    """Somebody who trains in a large study, whose training a job is to switch off."""
    studio = filled(tmp_path, 3)
    for _ in range(2):
        make_training(studio.study)
    open_study(studio.study)
    rater = make_trainee(studio.study)
    off = {"qualification": {"required": False}}
    putting_off.ask_to_change(studio.study, studio.user, reason="Asked.", change_rules=off)
    return rater


@pytest.mark.django_db(transaction=True)
def test_annotators_are_put_in_place_once_the_change_is_stored(tmp_path, monkeypatch):
    rater = ask_without_training(tmp_path)
    settle, seen = quality.settle_training, []

    def watched(study: Study) -> quality.SettledTraining:
        seen.append((connection.in_atomic_block, only_job().state))
        return settle(study)

    monkeypatch.setattr(quality, "settle_training", watched)
    assert work_on_job() == JobState.DONE
    # Whoever waits for an annotator must not hold the study and its log meanwhile.
    assert seen == [(False, JobState.DONE)]
    rater.refresh_from_db()
    assert rater.state == AnnotatorState.ACTIVE


@pytest.mark.django_db(transaction=True)
def test_a_change_that_put_nobody_in_place_is_done_and_the_check_does_it(tmp_path, monkeypatch):
    rater = ask_without_training(tmp_path)

    def away(study: Study) -> None:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(quality, "settle_training", away)
        assert work_on_job() == JobState.DONE
    rater.refresh_from_db()
    assert rater.state == AnnotatorState.QUALIFYING
    check_quality()
    rater.refresh_from_db()
    assert rater.state == AnnotatorState.ACTIVE


def test_faults_of_a_change_are_told_at_once_also_of_a_large_study(large_opened: Studio):
    sent = {"title": "Another name", "reason": ""}
    assert large_opened.post("change_part", sent, part="texts").status_code == 422
    question = {"question": "Which?", "scale": "ternary", "key": "overall", "reason": "Asked."}
    assert large_opened.post("add_question", question).status_code == 422
    assert not StudyJob.objects.exists()


def test_a_question_of_a_large_study_is_added_in_the_background(large_opened: Studio):
    question = {"question": "Which is clearer?", "scale": "ternary", "reason": "Asked."}
    assert large_opened.post("add_question", question).status_code == 302
    assert work_on_job() == JobState.DONE
    assert list(Criterion.objects.order_by("position").values_list("key", flat=True)) == [
        "overall",
        "which_is_clearer",
    ]


def further_pairs(number: int = 1, **changes: Any) -> bytes:
    rows = [
        {
            "item_id": f"more-{one}",
            "prompt_id": f"new-{one}",
            "prompt": "Another question?",
            "system_a": "north",
            "system_b": "south",
            "response_a": "One answer.",
            "response_b": "Another answer.",
            **changes,
        }
        for one in range(number)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def add_pairs(studio: Studio, content: bytes) -> Any:
    chosen = SimpleUploadedFile("more.jsonl", content)
    return studio.post("add_pairs", {"chosen": chosen, "reason": "More of them."})


@pytest.mark.parametrize("by", ["study", "file"])
def test_further_pairs_come_in_the_background_where_study_or_file_is_large(
    large_opened: Studio, monkeypatch, by: str
):
    if by == "file":
        monkeypatch.setattr(putting_off, "AT_ONCE", 1000)
        monkeypatch.setattr(putting_off, "BYTES_AT_ONCE", 10)
    assert add_pairs(large_opened, further_pairs(2)).status_code == 302
    assert Comparison.objects.count() == 3
    assert work_on_job() == JobState.DONE
    assert Comparison.objects.filter(open=True).count() == 5
    assert "comparisons: 2 more" in text_of(large_opened.get("running"))
    assert not list(rows.folder().iterdir())


def test_bad_rows_of_further_pairs_are_listed_on_the_page(large_opened: Studio):
    add_pairs(large_opened, further_pairs(2, response_a=7))
    assert work_on_job() == JobState.FAILED
    page = text_of(large_opened.get("running"))
    assert "2 rows are bad; nothing was added." in page
    assert "response_a" in page
    assert not list(rows.folder().iterdir())


def test_why_rows_are_bad_is_told_to_whoever_gave_the_file_for_a_day(large_opened: Studio):
    add_pairs(large_opened, further_pairs(1, system_a="Hidden-9", system_b="Hidden-9"))
    assert work_on_job() == JobState.FAILED
    name = str(only_job().public_id)
    other = Studio(large_opened.study, factories.make_user("colleague"))
    Membership.objects.create(study=other.study, user=other.user, role=Role.OWNER)
    assert "Hidden-9" in text_of(large_opened.get("running"))
    assert "Hidden-9" in json.dumps(job_through_api(large_opened, name))
    page = text_of(other.get("running"))
    assert "1 rows are bad; nothing was added." in page
    assert "told for a day to whoever gave the file" in page
    assert "Hidden-9" not in page
    told = job_through_api(other, name)
    assert told["found"] == {"bad_rows": 1}
    assert "Hidden-9" not in json.dumps(told)
    assert forget_bad_rows() == 0
    StudyJob.objects.update(ended_at=timezone.now() - timedelta(days=1, minutes=1))
    assert forget_bad_rows() == 1
    assert only_job().found == {"bad_rows": 1}
    assert job_through_api(large_opened, name)["found"] == {"bad_rows": 1}


@pytest.mark.parametrize("large_file", [True, False])
def test_reasons_of_bad_rows_point_to_others_without_where_the_file_lay(
    large_opened: Studio, monkeypatch, large_file: bool
):
    if not large_file:
        monkeypatch.setattr(putting_off, "AT_ONCE", 1000)
    twice = further_pairs(1) + b"\n" + further_pairs(1, response_a="A third answer.")
    answer = add_pairs(large_opened, twice)
    if large_file:
        assert work_on_job() == JobState.FAILED
        answer = large_opened.get("running")
    page = text_of(answer)
    assert "more.jsonl:1" in page
    assert "/more.jsonl" not in page


def test_a_file_that_was_asked_for_too_late_leaves_nothing(large_opened: Studio, monkeypatch):
    add_pairs(large_opened, further_pairs())
    monkeypatch.setattr(putting_off, "check_free", lambda study: None)
    again = add_pairs(large_opened, further_pairs())
    assert again.status_code == 422
    assert "somebody asked for something else just now" in text_of(again)
    assert [path.name for path in rows.folder().iterdir()] == [f"{only_job().public_id}.files"]


@pytest.mark.parametrize("place", ["shutil.move", "annotation.jobs.rows.StudyJob.save"])
def test_a_fault_while_it_is_asked_for_leaves_no_file(
    large_opened: Studio, monkeypatch, tmp_path, place: str
):
    def broken(*args: Any, **kwargs: Any) -> None:
        raise OSError("No space left on device") if place == "shutil.move" else OperationalError

    file = tmp_path / "more.jsonl"
    file.write_bytes(further_pairs())
    monkeypatch.setattr(place, broken)
    with pytest.raises((OSError, OperationalError)):
        rows.ask(large_opened.study, JobKind.CHANGING, {}, large_opened.user, file=file)
    assert not list(rows.folder().iterdir())


@pytest.mark.django_db(transaction=True)
def test_the_file_of_a_lost_job_stays_until_its_end_is_stored(large_opened: Studio):
    add_pairs(large_opened, further_pairs())
    StudyJob.objects.update(
        attempts=taking_turns.MOST_ATTEMPTS, lease_until=timezone.now() - timedelta(seconds=1)
    )

    def give_up_and_die(job: StudyJob) -> None:
        working.give_up(job)
        raise Killed

    waiting = StudyJob.objects.filter(state=JobState.WAITING)
    with pytest.raises(Killed):
        taking_turns.take_turn(waiting, progress=rows.progress_path, give_up=give_up_and_die)
    assert (rows.folder_of(only_job()) / "more.jsonl").exists()
    assert working.claim() is None
    assert only_job().state == JobState.FAILED
    assert not list(rows.folder().iterdir())


def test_what_a_killed_process_left_goes_after_a_day(large_opened: Studio):
    add_pairs(large_opened, further_pairs())
    waiting = rows.folder_of(only_job())
    left = rows.folder() / f"{uuid.uuid4()}.files"
    left.mkdir()
    (left / "more.jsonl").write_bytes(b"")
    part = rows.folder() / f"{uuid.uuid4()}.part"
    part.touch()
    other = rows.folder() / "README"
    other.touch()
    assert tidy_jobs() == 0
    old = time.time() - timedelta(days=1, hours=1).total_seconds()
    for path in (waiting, left, part, other):
        os.utime(path, (old, old))
    assert tidy_jobs() == 2
    assert set(rows.folder().iterdir()) == {waiting, other}
    other.unlink()
    assert work_on_job() == JobState.DONE


@pytest.mark.parametrize("fault", [OperationalError, InterfaceError])
def test_a_lease_is_tried_again_where_the_database_is_away(large: Studio, monkeypatch, fault):
    large.post("design", DESIGN)
    job = working.claim()
    assert job is not None

    def away(row: StudyJob) -> None:
        raise fault("connection already closed")

    monkeypatch.setattr(taking_turns, "_mine", away)
    monkeypatch.setattr(connection, "close", lambda: None)
    # Else the thread that renews it would end, and the job be taken for lost.
    taking_turns.renew(job)


def test_a_file_that_is_none_is_told_without_where_it_lay(large_opened: Studio):
    add_pairs(large_opened, b"\xff\xfe\x00")
    assert work_on_job() == JobState.FAILED
    assert "more.jsonl" in only_job().problem
    assert str(rows.folder()) not in only_job().problem


def test_a_script_changes_and_copies_large_studies(large_opened: Studio, monkeypatch):
    monkeypatch.setattr(putting_off, "COPIED_AT_ONCE", 5)
    slug = large_opened.study.slug

    def through_api(method: str, path: str, data: Any, kind: str = "application/json") -> Any:
        sent = data if isinstance(data, bytes) else json.dumps(data)
        return large_opened.client.generic(
            method, f"/api/v1/studies/{slug}{path}", sent, content_type=kind
        )

    change = {"change_rules": {"limits": {"per_day": 40}}, "reason": "Asked."}
    changed = through_api("PATCH", "", change)
    assert changed.status_code == 202, changed.content
    assert through_api("PATCH", "", change).status_code == 409
    work_on_job()
    job = job_through_api(large_opened, changed.json()["id"])
    assert (job["state"], job["unit"], job["found"]["version"]) == ("done", "", 2)
    rubric = {"criteria": [{"key": "overall", "question": "Which?", "both_bad": True}]}
    asked = through_api("PUT", "/rubric", rubric | {"reason": "Asked."})
    assert asked.status_code == 202, asked.content
    work_on_job()
    assert Criterion.objects.get().question == "Which?"
    added = through_api("POST", "/additions?reason=More", further_pairs(2), "application/jsonl")
    assert added.status_code == 202, added.content
    work_on_job()
    assert job_through_api(large_opened, added.json()["id"])["found"]["version"] == 4
    close_study(large_opened.study)
    unblind_study(large_opened.study)
    copy = through_api("POST", "/clone", {"slug": "again", "with_content": True})
    assert copy.status_code == 202, copy.content
    work_on_job()
    job = job_through_api(large_opened, copy.json()["id"])
    assert (job["unit"], job["done"], job["found"]) == ("responses", 10, {"slug": "again"})


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
        "unit": "pairs",
        "done": 0,
        "at_most": 3,
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
