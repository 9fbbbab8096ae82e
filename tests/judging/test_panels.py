"""Judges that are started together: all or none, once, and never above their budget."""

from __future__ import annotations

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from annotation import audit
from annotation.models import AuditEntry
from judging.endpoints.saving import save_endpoint
from judging.models import JudgeCall, JudgeRun, JudgeVersion
from judging.runs import panels, planning, preparing
from judging.runs.conducting import cancel, pause
from judging.runs.panels import STEP, cut, quote_all, share_budget, start_together
from judging.runs.planning import RunFault, quote
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from tests.judging.asked import SIMULATED, add
from tests.races import at_once

pytestmark = pytest.mark.django_db


def judge(study, name: str, price: object = "1") -> JudgeVersion:
    card = None if price is None else {"input": price, "output": price}
    return add(study, SIMULATED, "fair:delay=0", name=name, with_model={"price": card})


def nothing_began() -> bool:
    return not (
        JudgeRun.objects.exists()
        or JudgeCall.objects.exists()
        or AuditEntry.objects.filter(action="judge.run_started").exists()
    )


def test_parts_are_cut_by_what_each_can_cost_and_never_above_the_budget(study) -> None:
    one, three, free = judge(study, "one"), judge(study, "three", "3"), judge(study, "free", "0")
    runs = start_together(study, None, Decimal("1"))
    budgets = {run.version: run.budget for run in runs}
    assert budgets == {free: STEP, one: Decimal("0.2499"), three: Decimal("0.7499")}
    assert [run.calls.count() for run in runs] == [6, 6, 6]
    assert AuditEntry.objects.filter(action="judge.run_started").count() == 3
    # What the parts are cut by is what a quote says.
    shares = share_budget([free, one, three], Decimal("1"), fresh=True)
    assert {run.version_id: run.budget for run in runs} == shares
    assert quote(three, fresh=True).worst_case == 3 * quote(one, fresh=True).worst_case


def test_where_nothing_costs_anything_all_get_the_same_and_no_more(study) -> None:
    versions = [judge(study, name, "0") for name in ("a", "b", "c")]
    assert cut(Decimal("1"), dict.fromkeys(versions, Decimal(0))) == dict.fromkeys(
        [version.pk for version in versions], Decimal("0.3333")
    )


def test_a_part_below_a_step_is_refused_and_what_is_asked_for_is_enough(study) -> None:
    judge(study, "dear", "5000"), judge(study, "cheap", "1")
    with pytest.raises(RunFault) as told:
        start_together(study, None, Decimal("0.5"))
    assert str(told.value) == (
        "The part of cheap in this budget would be less than 0.0001 US dollars. Give at least "
        "0.5001 to all of them, or start it alone."
    )
    assert nothing_began()
    runs = start_together(study, None, Decimal("0.5001"))
    assert sum(run.budget or 0 for run in runs) == Decimal("0.5001")


@pytest.mark.parametrize("name", ["a", "z"])
def test_one_that_cannot_start_stops_all_whatever_its_name(study, name) -> None:
    judge(study, "m"), judge(study, name, None), judge(study, name + "2", None)
    set_study_budget(study, None, Decimal(5))
    with pytest.raises(RunFault, match=rf"^{name} has no price card.*\n{name}2 has no price card"):
        start_together(study, None)
    assert nothing_began()


def test_a_fault_half_way_leaves_nothing(study, monkeypatch) -> None:
    judge(study, "a"), judge(study, "b")
    write = preparing.write_calls

    def fail(run, *given):
        write(run, *given)
        if run.version.judge.judge_id == "b":
            raise IntegrityError

    monkeypatch.setattr(preparing, "write_calls", fail)
    with pytest.raises(IntegrityError):
        start_together(study, None)
    assert nothing_began()


@pytest.mark.parametrize("other", ["both", "one", "judge"])
def test_who_comes_second_starts_nothing(study, monkeypatch, other) -> None:
    """Somebody else is faster while this one reads the pairs."""
    first = judge(study, "a")
    judge(study, "b")
    budget, reading = Decimal(1), planning.read_questions
    others = {
        "both": lambda: start_together(study, None, budget),
        "one": lambda: start_run(first, actor=None, budget=budget),
        "judge": lambda: judge(study, "c"),
    }

    def meanwhile(*given):
        monkeypatch.setattr(planning, "read_questions", reading)
        others[other]()
        return reading(*given)

    monkeypatch.setattr(planning, "read_questions", meanwhile)
    with pytest.raises(RunFault, match="started meanwhile, so none of these was started now"):
        start_together(study, None, budget)
    budgets = list(JudgeRun.objects.values_list("budget", flat=True))
    assert len(budgets) == {"both": 2, "one": 1, "judge": 0}[other]
    assert sum(budgets) <= budget


def test_a_run_that_slips_in_while_the_rows_are_written_is_told_of(study, monkeypatch) -> None:
    """A single start does not hold the study: the database keeps a second live run out."""
    judge(study, "a"), judge(study, "b")

    def slip_in() -> None:
        monkeypatch.setattr(panels, "startable", lambda versions: [])
        raise IntegrityError

    monkeypatch.setattr(preparing, "check_prices", lambda wishes: slip_in())
    with pytest.raises(RunFault, match="started meanwhile"):
        start_together(study, None)
    assert nothing_began()


@pytest.mark.django_db(transaction=True)
def test_two_who_start_at_the_same_moment_start_one_run_of_each(study, monkeypatch) -> None:
    judge(study, "a"), judge(study, "b")
    budget, reading, waited = Decimal(1), planning.read_questions, threading.local()
    both = threading.Barrier(2)

    def read_together(*given):
        if not hasattr(waited, "was"):
            waited.was = True
            both.wait(30)
        return reading(*given)

    monkeypatch.setattr(planning, "read_questions", read_together)

    def start() -> str:
        try:
            return f"{len(start_together(study, None, budget))} runs"
        except RunFault as fault:
            return str(fault)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda _: start(), range(2)))
    assert said == ["2 runs", panels.MEANWHILE]
    assert sum(JudgeRun.objects.values_list("budget", flat=True)) <= budget


def test_only_judges_that_never_ran_are_started(study) -> None:
    ended, new = judge(study, "a"), judge(study, "b")
    cancel(start_run(ended, actor=None), None)
    assert [run.version for run in start_together(study, None)] == [new]
    with pytest.raises(RunFault, match="A further run is started on the judge's own page"):
        start_together(study, None)
    assert JudgeRun.objects.count() == 2


def test_a_panel_is_quoted_as_each_of_it_and_summed_over_pairs_read_once(
    study, monkeypatch
) -> None:
    one, three = judge(study, "one"), judge(study, "three", "3")
    alone = [quote(one), quote(three)]
    read, reading = [], planning.read_questions

    def noted(*given):
        read.append(given)
        return reading(*given)

    monkeypatch.setattr(planning, "read_questions", noted)
    found = quote_all([one, three])
    assert len(read) == 1
    assert [own for _, own in found.each] == alone
    together = found.together
    assert (together.comparisons, together.calls) == (3, 12)
    assert together.input_tokens == sum(one.input_tokens for one in alone)
    zero = Decimal(0)
    assert together.cost == sum((one.cost or zero for one in alone), zero)
    assert together.worst_case == sum((one.worst_case or zero for one in alone), zero) > 0
    # A sum without the one whose prices are unknown would be too little.
    unknown = quote_all([one, judge(study, "unknown", None)]).together
    assert (unknown.calls, unknown.cost, unknown.worst_case) == (12, None, None)


def test_more_calls_than_a_page_waits_for_are_left_to_the_command(study, monkeypatch) -> None:
    judge(study, "a"), judge(study, "b")
    monkeypatch.setattr(panels, "MOST_ON_A_PAGE", 11)
    with pytest.raises(RunFault, match=r"These are 12 calls, and 11 at most .* run_judges"):
        start_together(study, None)
    assert nothing_began()
    monkeypatch.setattr(panels, "MOST_ON_A_PAGE", 12)
    assert len(start_together(study, None)) == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_judges_that_go_on_beside_and_their_endpoint_that_is_saved_wait_for_no_circle(
    study, monkeypatch
) -> None:
    """Whoever saves it holds its row and then wants the log's head."""
    old, new = judge(study, "old"), judge(study, "new")
    pause(start_run(old, actor=None), None)
    both, record = threading.Barrier(2), audit.record

    def meet() -> None:
        # Whoever holds what the other needs never comes: the other goes on without it.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(2)

    def recorded(*given):
        if given[2] == "judge.endpoint_saved":
            meet()
            return record(*given)
        entry = record(*given)
        if given[2] == "judge.run_resumed":
            meet()
        return entry

    monkeypatch.setattr(audit, "record", recorded)
    found = at_once(
        [
            lambda: call_command("run_judges", study.slug, stdout=io.StringIO()),
            lambda: save_endpoint(study, "sim", SIMULATED, actor=None, requests_per_minute=0),
        ]
    )
    assert [one for one in found if isinstance(one, Exception)] == []
    assert {run.version: run.state for run in JudgeRun.objects.all()} == dict.fromkeys(
        [old, new], "finished"
    )
