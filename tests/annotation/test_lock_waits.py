"""Who waits for whom: locks on a study, and what a command says that waited too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from annotation import audit
from annotation.importing.transfer import import_files
from annotation.importing.writers import votes
from annotation.lifecycle.states import check_editable
from annotation.management.database_faults import database_faults_in_words
from annotation.models import AnnotatorState, Role, Study, User, Vote
from annotation.people import remove_role
from tests import factories
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.races import TIMEOUT_S, at_once

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def held_in_another_transaction(hold: Callable[[], object]) -> Iterator[None]:
    """Run `hold` in a transaction of another connection, which ends with the block."""
    holds, may_end = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                hold()
                holds.set()
                may_end.wait(TIMEOUT_S)
        finally:
            holds.set()
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(run)
        holds.wait(TIMEOUT_S)
        try:
            yield
        finally:
            may_end.set()
            held.result(TIMEOUT_S)


@pytest.fixture
def impatient() -> Iterator[None]:
    """Give up on a lock at once, where the tests' connection would wait for seconds."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET lock_timeout = '100ms'")
        else:
            cursor.execute("PRAGMA busy_timeout = 100")
    yield
    connection.close()


def import_a_vote(study: Study, path: Path) -> None:
    path.write_text('{"item_id": "i0", "annotator_id": "elsewhere", "verdict": "a"}\n')
    import_files(study.slug, [path], votes.PLAN, say=lambda text: None)


@pytest.mark.postgres
@pytest.mark.usefixtures("impatient")
def test_while_an_import_stores_rows_others_insert_what_refers_to_the_study(
    tmp_path: Path,
) -> None:
    study = make_queue(1)
    with held_in_another_transaction(partial(import_a_vote, study, tmp_path / "votes.jsonl")):
        newcomer = factories.make_annotator(study)
    assert set(study.annotators.all()) >= {newcomer}


@pytest.mark.postgres
@pytest.mark.usefixtures("impatient")
def test_while_a_draft_is_changed_others_insert_what_refers_to_the_study() -> None:
    study = factories.make_study()
    with held_in_another_transaction(partial(check_editable, study)):
        newcomer = factories.make_annotator(study)
    assert list(study.annotators.all()) == [newcomer]


def test_a_removal_and_the_revision_of_a_vote_do_not_lock_each_other_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The vote holds its annotator and then writes into the study's log; the removal needs both."""
    study, user = make_queue(1), factories.make_user()
    annotator = factories.make_annotator(study, user)
    pair = current_id(annotator)
    vote(annotator, pair)
    voting, removing = threading.Event(), threading.Event()
    record = audit.record

    def record_late(where: Study, who: User | None, action: str, *detail: dict[str, Any]) -> object:
        if action == "vote.revised":
            voting.set()
            # The removal comes as far as it can; there is nothing it could tell.
            removing.wait(0.5)
        return record(where, who, action, *detail)

    def remove() -> None:
        voting.wait(TIMEOUT_S)
        remove_role(study, user, Role.ANNOTATOR, None)

    monkeypatch.setattr(audit, "record", record_late)
    results = at_once([partial(vote, annotator, pair, "right", revises=True), remove])
    assert not [result for result in results if isinstance(result, Exception)]
    assert Vote.objects.filter(revision=1).count() == 1
    annotator.refresh_from_db()
    assert annotator.state == AnnotatorState.REMOVED


@pytest.mark.usefixtures("impatient")
def test_a_command_that_waited_too_long_says_so_and_what_to_do() -> None:
    study = factories.make_open_study()

    def change() -> None:
        Study.objects.filter(pk=study.pk).update(title="Being changed")

    with (
        held_in_another_transaction(change),
        pytest.raises(CommandError, match="took too long: something else"),
    ):
        call_command("pause_study", study.slug)
    study.refresh_from_db()
    assert study.state == "open"


def test_an_error_that_is_no_wait_stays_what_it_is() -> None:
    with (
        pytest.raises(DatabaseError, match="nonsense"),
        database_faults_in_words(),
        connection.cursor() as cursor,
    ):
        cursor.execute("nonsense")
