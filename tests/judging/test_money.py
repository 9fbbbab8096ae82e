"""What all judges of a study may cost together: reserved by whoever asks, over every run."""

from __future__ import annotations

import asyncio
import threading
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.db.models import Sum
from django.utils import timezone

from annotation.models import AuditEntry, Comparison
from judging.clients import Client, Reply
from judging.endpoints.saving import EndpointFault
from judging.models import (
    Endpoint,
    JudgeRun,
    JudgeTrial,
    JudgeVersion,
    Judgment,
    RunState,
    TrialPurpose,
)
from judging.outcomes import Outcome
from judging.probing import DEADLINE_SECONDS
from judging.runs import trials
from judging.runs.asking import Asking
from judging.runs.claiming import claim
from judging.runs.conducting import ConductFault, cancel, pause, resume
from judging.runs.money import StudyBudgetFault, standing_of
from judging.runs.planning import RunFault, quote
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from judging.runs.sweeping import sweep
from judging.runs.working import work
from judging.trying import check_connection, try_out
from tests.judging.asked import add, let_pass, make_judged_study, simulating, work_off

SIMULATED = "simulator://built-in/v1"
NOTHING = Decimal(0)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def study(transactional_db):
    return make_judged_study(6)


def judge(study, name: str = "judge", **more) -> JudgeVersion:
    """A judge whose endpoint's form is known, so that nothing is asked to find it out."""
    version = add(study, SIMULATED, "fair:delay=0", name=name, **more)
    Endpoint.objects.update(rungs={"fair:delay=0": "text"})
    return version


def cap(study, amount: str | Decimal) -> None:
    set_study_budget(study, None, Decimal(amount))


def per_call(version: JudgeVersion) -> Decimal:
    """A little more than one call of it can cost."""
    found = quote(version, fresh=True)
    assert found.worst_case is not None
    return found.worst_case / found.calls * Decimal("1.05")


def test_runs_of_a_study_share_its_budget_and_pause_by_it(study) -> None:
    one, two = judge(study, "one"), judge(study, "two")
    cap(study, per_call(one) * Decimal("1.2"))
    runs = [start_run(version, actor=None) for version in (one, two)]
    work_off(*runs)

    standing = standing_of(study.pk)
    assert 0 < standing.spent <= standing.amount
    assert standing.reserved == 0
    assert standing.spent == sum(run.spent for run in JudgeRun.objects.all())
    assert set(JudgeRun.objects.values_list("state", "pause_cause")) == {("paused", "study_budget")}
    assert 0 < Judgment.objects.count() < 24

    # With more of it they go on, and nobody has to resume them one by one.
    went_on = set_study_budget(study, None, Decimal(1))
    assert {run.pk for run in went_on} == {run.pk for run in runs}
    work_off(*runs)
    assert set(JudgeRun.objects.values_list("state", flat=True)) == {"finished"}
    assert Judgment.objects.count() == 24


def test_a_run_waits_while_another_may_still_give_back(study) -> None:
    one, two = (
        start_run(judge(study, "one"), actor=None),
        start_run(judge(study, "two"), actor=None),
    )
    cap(study, per_call(one.version) * 2)
    held = claim(one.pk, uuid.uuid4(), Asking.of(one.version), "text", 8)
    assert len(held.calls) == 2
    found = claim(two.pk, uuid.uuid4(), Asking.of(two.version), "text", 8)
    assert (found.calls, found.is_over) == ([], False)
    two.refresh_from_db()
    assert two.state == RunState.RUNNING


def test_a_budget_of_the_run_holds_beside_that_of_the_study(study) -> None:
    version = judge(study)
    cap(study, 1)
    run = start_run(version, actor=None, budget=per_call(version))
    work_off(run)
    run.refresh_from_db()
    assert (run.state, run.pause_cause) == (RunState.PAUSED, "budget")
    assert run.spent <= run.budget


@pytest.mark.postgres
def test_workers_that_reserve_at_once_never_spend_the_same_room(study) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer.")
    runs = [start_run(judge(study, f"judge{n}"), actor=None) for n in range(4)]
    price = per_call(runs[0].version)
    cap(study, price * 7)
    gate = threading.Barrier(len(runs))

    def ask(run: JudgeRun) -> None:
        asking = Asking.of(run.version)
        try:
            gate.wait()
            for _ in range(4):
                claim(run.pk, uuid.uuid4(), asking, "text", 1)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    standing = standing_of(study.pk)
    assert price * 6 < standing.reserved <= standing.amount


def test_a_budget_without_prices_cannot_be_kept_and_is_refused(study) -> None:
    unpriced = judge(study, "free", with_model={"price": None})
    run = start_run(unpriced, actor=None)
    with pytest.raises(StudyBudgetFault, match="has no price card and a run"):
        cap(study, 1)
    pause(run, None)
    with pytest.raises(StudyBudgetFault, match="has no price card and a run"):
        cap(study, 1)
    cancel(run, None)
    cap(study, 1)
    with pytest.raises(RunFault, match="no price card"):
        start_run(unpriced, actor=None)
    with pytest.raises(EndpointFault, match="no price card"):
        try_out(unpriced, Comparison.objects.first(), "ab")
    JudgeRun.objects.update(state="paused")
    with pytest.raises(ConductFault, match="no price card"):
        resume(run, None)
    assert JudgeRun.objects.count() == 1


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "1e12"])
def test_an_amount_that_is_none_is_refused(study, amount) -> None:
    with pytest.raises(StudyBudgetFault, match="positive amount"):
        cap(study, amount)
    assert standing_of(study.pk).amount is None


def test_a_budget_below_what_is_spent_is_refused_and_each_change_is_logged(study) -> None:
    cap(study, 1)
    run = start_run(judge(study), actor=None)
    work_off(run)
    with pytest.raises(StudyBudgetFault, match="must not be less"):
        cap(study, "0.0000001")
    assert standing_of(study.pk).amount == 1
    set_study_budget(study, None, None)
    set_study_budget(study, None, None)
    assert standing_of(study.pk).amount is None
    logged = AuditEntry.objects.filter(action="judge.study_budget_changed").order_by("pk")
    assert [entry.detail["amount"] for entry in logged] == ["1", None]


def test_the_same_budget_wakes_what_it_had_paused_and_a_lower_one_does_not(study) -> None:
    cap(study, 2)
    run = start_run(judge(study), actor=None)
    pause(run, None, "study_budget")
    assert set_study_budget(study, None, Decimal(1)) == []
    run.refresh_from_db()
    assert run.state == "paused"
    assert [found.pk for found in set_study_budget(study, None, Decimal(1))] == [run.pk]
    run.refresh_from_db()
    assert run.state == "running"
    assert AuditEntry.objects.filter(action="judge.study_budget_changed").count() == 2


def test_another_study_has_a_budget_of_its_own(study) -> None:
    other = make_judged_study(1)
    cap(study, "0.000001")
    run = start_run(judge(other), actor=None)
    work_off(run)
    assert standing_of(other.pk).spent > 0
    assert standing_of(study.pk).spent == 0


# Requests that are no calls


def test_a_probe_is_paid_by_the_run_that_needs_it(study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    run = start_run(version, actor=None, budget=Decimal(1))
    work_off(run)
    run.refresh_from_db()
    probe = JudgeTrial.objects.get()
    assert (probe.purpose, probe.run, probe.status_class) == ("probe", run, "ok")
    assert 0 < probe.cost <= probe.reserved
    calls = run.calls.aggregate(n=Sum("attempts__cost"))["n"]
    assert run.spent == calls + probe.cost
    assert run.reserved == 0
    assert standing_of(study.pk).spent == run.spent, "and counted once"


def test_a_probe_without_room_is_not_sent_and_pauses_the_run(study, settings) -> None:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        run = start_run(add(study, simulator.url), actor=None, budget=Decimal("0.00001"))
        asyncio.run(work(run.pk, at_once=2, seconds=5))
        run.refresh_from_db()
        assert (run.state, run.pause_cause) == (RunState.PAUSED, "budget")
        cap(study, "0.00001")
        resume(run, None, Decimal(1))
        asyncio.run(work(run.pk, at_once=2, seconds=5))
        run.refresh_from_db()
        assert (run.state, run.pause_cause) == (RunState.PAUSED, "study_budget")
        assert not simulator.log
    assert not JudgeTrial.objects.exists()


def test_a_try_out_and_a_test_count_in_the_studys_budget(study) -> None:
    version = add(study, SIMULATED, "fair:delay=0")
    cap(study, 1)
    assert check_connection(version) == "ok"
    tried = try_out(version, Comparison.objects.first(), "ab")
    assert tried.grade is not None
    standing = standing_of(study.pk)
    assert sorted(JudgeTrial.objects.values_list("purpose", flat=True)) == ["probe", "try_out"]
    assert standing.trials == 2
    assert 0 < standing.spent == standing.spent_on_trials < standing.amount

    set_study_budget(study, None, standing.spent)
    for ask in (check_connection, lambda v: try_out(v, Comparison.objects.first(), "ab")):
        with pytest.raises(EndpointFault, match="raise it"):
            ask(version)
    assert JudgeTrial.objects.count() == 2


def test_a_try_out_that_fails_is_charged_where_it_may_have_been_billed(study, settings) -> None:
    with simulating() as simulator:
        settings.JUDGE_LOCAL_ENDPOINTS = {f"127.0.0.1:{simulator.port}"}
        for fault in ("500", "401"):
            try_out(add(study, simulator.url, fault), Comparison.objects.first(), "ab")
    billed, free = JudgeTrial.objects.order_by("pk")
    assert (billed.status_class, billed.cost) == ("server_error", billed.reserved)
    assert (free.status_class, free.cost) == ("unauthorised", NOTHING)


@pytest.mark.parametrize("with_run", [True, False])
def test_a_trial_that_is_lost_with_its_process_is_charged_and_corrected(study, with_run) -> None:
    version = judge(study)
    run = start_run(version, actor=None) if with_run else None
    trial = trials.begin_trial(
        version, TrialPurpose.PROBE, Decimal("0.25"), run.pk if run else None
    )
    assert standing_of(study.pk).reserved == Decimal("0.25")
    sweep()
    assert JudgeTrial.objects.get().finished_at is None, "it may still be in flight"
    JudgeTrial.objects.update(started_at=timezone.now() - timedelta(hours=1))
    sweep()
    sweep()
    standing = standing_of(study.pk)
    assert (standing.spent, standing.reserved) == (Decimal("0.25"), NOTHING)
    assert JudgeTrial.objects.get().status_class == "lost"

    late = Reply(Outcome.UNAUTHORISED, 401, 1.0)
    trials.end_trial(trial.pk, Asking.of(version), late)
    standing = standing_of(study.pk)
    assert (standing.spent, standing.reserved) == (NOTHING, NOTHING)


def test_a_run_does_not_end_while_a_lost_probe_holds_its_money(study) -> None:
    run = start_run(judge(study), actor=None)
    trials.begin_trial(run.version, TrialPurpose.PROBE, Decimal("0.25"), run.pk)
    asyncio.run(work(run.pk, at_once=12, seconds=20))
    run.refresh_from_db()
    assert not run.calls.filter(state__in=["pending", "leased"]).exists()
    assert (run.state, run.reserved) == (RunState.RUNNING, Decimal("0.25"))
    JudgeTrial.objects.update(started_at=timezone.now() - timedelta(minutes=2))
    sweep()
    run.refresh_from_db()
    assert (run.state, run.reserved) == (RunState.FINISHED, NOTHING)
    assert run.spent > Decimal("0.25")


def test_a_probe_that_is_cut_off_is_charged(study, monkeypatch) -> None:
    """The deadline comes once it was sent, however long that took."""
    send = Client.ask

    async def ask(client: Client, payload: dict[str, object]) -> Reply:
        let_pass(2 * DEADLINE_SECONDS, asyncio.get_running_loop())
        return await send(client, payload)

    monkeypatch.setattr(Client, "ask", ask)
    run = start_run(add(study, SIMULATED, "fair:delay=60"), actor=None)
    asyncio.run(work(run.pk, at_once=2, seconds=1))
    probe = JudgeTrial.objects.get()
    assert (probe.status_class, probe.cost) == ("timeout", probe.reserved)
    run.refresh_from_db()
    assert (run.spent, run.reserved) == (probe.cost, NOTHING)


def test_a_trial_that_is_settled_while_money_is_summed_stays_in_the_sum(study) -> None:
    version = judge(study)
    trial = JudgeTrial.objects.create(version=version, purpose="try_out", reserved=Decimal(2))

    def settle_after_it_is_read(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and JudgeTrial._meta.db_table in sql:
            JudgeTrial.objects.filter(pk=trial.pk, finished_at__isnull=True).update(
                finished_at=timezone.now(), cost=Decimal(2)
            )
        return found

    with connection.execute_wrapper(settle_after_it_is_read):
        standing = standing_of(study.pk)
    assert standing.spent + standing.reserved == 2
    assert standing.trials == 1
