"""What the background does for judges: tasks run at once, and by a worker inside the process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings as django_settings
from django.core import mail
from django.db import connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotation.models import Role
from evalsite.celery import app
from evalsite.embedded_worker import EmbeddedWork
from judging import tasks
from judging.clients import DEADLINE_SECONDS
from judging.models import Endpoint, JudgeAttempt, JudgeRun, JudgeTrial, Judgment, RunState
from judging.runs.conducting import cancel, pause
from judging.runs.starting import start_run
from judging.runs.working import SHIFT_SECONDS
from tests import factories
from tests.judging.asked import add, make_judged_study, simulating

SIMULATED = "simulator://built-in/v1"
PATIENCE_S = 100.0
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def configured(**changed: Any) -> Iterator[None]:
    """Celery with these settings for a while."""
    before = {name: current_app.conf[name] for name in changed}
    current_app.conf.update(changed)
    yield
    current_app.conf.update(before)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is rung for runs at once, where it is rung for."""
    monkeypatch.setattr("judging.runs.working.IDLE_SECONDS", 0.3)
    with configured(task_always_eager=True, task_eager_propagates=True):
        yield


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What is rung for, and runs not."""
    rung: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def ring(arguments: tuple[Any, ...], **options: Any) -> None:
        rung.append((arguments, options))

    monkeypatch.setattr(tasks.work_on_run, "apply_async", ring)
    return rung


def started(pairs: int = 2, model: str = "fair:delay=0", url: str = SIMULATED) -> JudgeRun:
    version = add(make_judged_study(pairs), url, model)
    Endpoint.objects.update(rungs={model: "text"})
    return start_run(version, actor=None)


def states(run: JudgeRun) -> Counter[str]:
    return Counter(run.calls.values_list("state", flat=True))


# At once


def test_the_sweep_rings_for_a_run_until_it_is_finished(eager) -> None:
    run = started(3)
    assert tasks.ring_for_runs.delay().get() == [run.pk]
    run.refresh_from_db()
    assert (run.state, states(run)) == (RunState.FINISHED, {"succeeded": 6})
    assert tasks.ring_for_runs.delay().get() == []


def test_a_task_that_is_delivered_twice_asks_nothing_twice(eager, settings) -> None:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        run = started(3, "fair", simulator.url)
        for _ in range(3):
            tasks.work_on_run.delay(run.pk)
        assert len(simulator.log) == 6
    assert Judgment.objects.count() == JudgeAttempt.objects.count() == 6


@pytest.mark.parametrize("act", [pause, cancel])
def test_a_bell_for_a_run_that_does_not_go_on_asks_nothing(eager, act) -> None:
    run = started()
    act(run, None)
    assert tasks.work_on_run.delay(run.pk).get() == 0
    assert tasks.ring_for_runs.delay().get() == []
    assert not JudgeAttempt.objects.exists()


def test_what_a_lost_worker_held_is_asked_again_by_the_next(eager) -> None:
    run = started(2)
    held = run.calls.earliest("pk")
    JudgeAttempt.objects.create(call=held, number=1, reserved=0)
    run.calls.filter(pk=held.pk).update(
        state="leased",
        attempts_made=1,
        lease_token="00000000-0000-0000-0000-000000000001",
        lease_expires_at=timezone.now() - timedelta(seconds=1),
    )
    tasks.ring_for_runs.delay()
    run.refresh_from_db()
    assert (run.state, states(run)) == (RunState.FINISHED, {"succeeded": 4})
    assert [one.status_class for one in held.attempts.order_by("number")] == ["lost", "ok"]


def test_old_replies_are_forgotten_and_pauses_told(eager, settings) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    run = started(1)
    tasks.ring_for_runs.delay()
    JudgeAttempt.objects.update(finished_at=timezone.now() - timedelta(days=400))
    assert tasks.forget_old_replies.delay().get() == 2
    owner = factories.make_user(email="owner@example.org")
    factories.make_membership(run.study, Role.OWNER, owner)
    pause(start_run(run.version, actor=None, fresh=True), None, "quota")
    assert tasks.tell_of_pauses.delay().get() == 1
    assert len(mail.outbox) == 1


# Bells


@pytest.mark.parametrize(
    ("redis", "pairs", "number"),
    [("", 20, 1), ("redis://elsewhere", 1, 1), ("redis://elsewhere", 6, 3), ("redis://x", 20, 4)],
)
def test_no_more_bells_are_rung_than_there_is_work(bells, settings, redis, pairs, number) -> None:
    settings.REDIS_URL, settings.JUDGE_CALLS_AT_ONCE = redis, 4
    run = started(pairs)
    tasks.ring(run.pk)
    # A bell that nobody hears for half a minute is late: the sweep has rung again.
    assert bells == [((run.pk,), {"expires": 30})] * number
    bells.clear()
    run.calls.update(state="succeeded")
    tasks.ring(run.pk)
    assert bells == []


def test_a_shift_rings_for_one_in_its_place_if_it_stored_anything(bells, monkeypatch) -> None:
    run = started(1)
    for stored in (0, 5):

        async def work(run_id: int, *, at_once: int, stored: int = stored) -> int:
            assert (run_id, at_once) == (run.pk, django_settings.JUDGE_CALLS_AT_ONCE)
            return stored

        monkeypatch.setattr(tasks, "work", work)
        assert tasks.work_on_run(run.pk) == stored
        assert len(bells) == (1 if stored else 0)


def test_without_a_broker_nothing_is_lost_and_the_sweep_rings_again(monkeypatch, eager) -> None:
    run = started(2)

    def unheard(*given: object, **more: object) -> None:
        raise OperationalError

    with monkeypatch.context() as away:
        away.setattr(tasks.work_on_run, "apply_async", unheard)
        assert tasks.ring_for_runs.delay().get() == [run.pk]
    assert states(run) == {"pending": 4}
    tasks.ring_for_runs.delay()
    assert states(run) == {"succeeded": 4}


def test_judges_have_a_queue_of_their_own_and_time_for_a_shift() -> None:
    route = current_app.amqp.router.route({}, "judging.work_on_run")
    assert route["queue"].name == "judge"
    assert SHIFT_SECONDS + DEADLINE_SECONDS < tasks.SOFT_SECONDS < tasks.HARD_SECONDS
    assert tasks.HARD_SECONDS < django_settings.CELERY_VISIBILITY_TIMEOUT
    assert (tasks.work_on_run.soft_time_limit, tasks.work_on_run.time_limit) == (
        tasks.SOFT_SECONDS,
        tasks.HARD_SECONDS,
    )
    assert tasks.work_on_run.acks_late


def test_no_task_is_delivered_again_while_it_may_still_run() -> None:
    current_app.loader.import_default_modules()
    limits = {
        name: task.time_limit or django_settings.CELERY_TASK_TIME_LIMIT
        for name, task in current_app.tasks.items()
    }
    assert len(limits) > 10
    longest = max(limits, key=lambda name: limits[name])
    assert limits[longest] < django_settings.CELERY_VISIBILITY_TIMEOUT, longest


# By a worker inside the process


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedWork]:
    """The worker and the clock that the web process has where there is no Redis."""
    monkeypatch.setattr("judging.runs.working.IDLE_SECONDS", 0.3)
    schedule = {"ring": {"task": "judging.ring_for_runs", "schedule": 0.5}}
    with configured(beat_schedule=schedule):
        work = EmbeddedWork(app)
        work.start()
        assert work.worker.ready.wait(PATIENCE_S)
        yield work
        work.stop()


def wait_for(run: JudgeRun, state: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        run.refresh_from_db()
        if run.state == state:
            return
        time.sleep(0.1)
    raise AssertionError(f"The run is {run.state}, and not {state}.")


@pytest.mark.timeout(9 * PATIENCE_S)
def test_the_embedded_worker_takes_a_run_from_its_rows_to_its_judgments(embedded) -> None:
    version = add(make_judged_study(4), SIMULATED, "fair:delay=0")
    run = start_run(version, actor=None)
    # Nobody rings: the sweep finds it, probes, asks and finishes.
    wait_for(run, RunState.FINISHED)
    assert states(run) == {"succeeded": 8}
    assert JudgeTrial.objects.get().run == run
    assert Judgment.objects.count() == 8
    again = start_run(version, actor=None, fresh=True)
    tasks.ring(again.pk)
    wait_for(again, RunState.FINISHED)
    assert Judgment.objects.count() == 16
    connections.close_all()
