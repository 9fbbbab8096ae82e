"""Calls of our own that brought no verdict are counted by cause, though they have no judgment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from judging.models import CallState, JudgeCall, Judgment
from judging.runs.starting import start_run
from judging.simulator import Simulator
from reports import analysis
from tests.judging.asked import add, make_judged_study, simulating, work_off

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def simulator(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr("judging.runs.next_step.BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr("judging.runs.next_step.MOST_BACKOFF_SECONDS", 0.05)
    monkeypatch.setattr("judging.runs.working.IDLE_SECONDS", 0.5)
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        yield simulator


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("prose", "unparsed"), ("refusal", "refused"), ("length", "truncated"), ("422", "failed")],
)
def test_what_a_run_lost_is_missing_by_its_cause(
    fault: str, cause: str, simulator: Simulator
) -> None:
    study = make_judged_study(2, results="open")
    version = add(study, simulator.url, fault)
    endpoint = study.judge_endpoints.get()
    endpoint.rungs[version.config["model"]] = "text"
    endpoint.save()
    work_off(start_run(version, actor=None))
    assert not Judgment.objects.exists()
    (entry,) = analysis.run(study).result["alignment"]
    assert (entry["asked"], entry["parsed"], entry["missing"]) == (4, 0, {cause: 4})


def test_an_answer_counts_beside_what_was_lost_and_a_later_failure_takes_none_away(
    simulator: Simulator,
) -> None:
    study = make_judged_study(4, results="open")
    run = start_run(add(study, simulator.url), actor=None)
    lost = run.calls.order_by("pk")[0]
    JudgeCall.objects.filter(pk=lost.pk).update(state=CallState.REFUSED)
    work_off(run)
    (entry,) = analysis.run(study).result["alignment"]
    assert (entry["asked"], entry["parsed"], entry["missing"]) == (8, 7, {"refused": 1})
    again = start_run(run.version, actor=None)
    again.calls.update(state=CallState.FAILED_PERMANENT, failure="rejected")
    (entry,) = analysis.run(study).result["alignment"]
    # The newest call says why; what was answered stays so.
    assert (entry["asked"], entry["parsed"], entry["missing"]) == (8, 7, {"failed": 1})
