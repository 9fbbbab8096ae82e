"""The database refuses what the contract rules out about judges: contract.md, section 1."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from annotation.models import Comparison, Study, Verdict
from judging.models import (
    Endpoint,
    Judge,
    JudgeAttempt,
    JudgeCall,
    JudgeRun,
    JudgeTrial,
    JudgeVersion,
    Judgment,
    JudgmentCriterion,
    RunState,
    StudyBudget,
)
from tests import factories
from tests.refusals import refused_by, untested

pytestmark = pytest.mark.django_db


class World:
    """A study with one comparison and one judge with a running run."""

    def __init__(self) -> None:
        self.study: Study = factories.make_study()
        self.comparison: Comparison = factories.make_comparison(self.study)
        self.version: JudgeVersion = factories.make_judge_version(
            self.study, "judge", imported=False
        )
        self.run: JudgeRun = self.start()

    def start(self, **fields: Any) -> JudgeRun:
        fields.setdefault("state", RunState.RUNNING)
        return JudgeRun.objects.create(study=self.study, version=self.version, **fields)

    def pause_and_start(self) -> None:
        change(self.run, state=RunState.PAUSED)
        self.start()

    def call(self, **fields: Any) -> JudgeCall:
        values = {"run": self.run, "comparison": self.comparison, "order": "ab"}
        return JudgeCall.objects.create(content_key="0" * 64, **{**values, **fields})

    def attempt(self, call: JudgeCall) -> JudgeAttempt:
        return JudgeAttempt.objects.create(call=call, number=1)

    def trial(self, **fields: Any) -> JudgeTrial:
        return JudgeTrial.objects.create(version=self.version, **{"purpose": "probe", **fields})

    def judge(self, verdict: Verdict | str | None = Verdict.A, **fields: Any) -> Judgment:
        return factories.make_judgment(self.comparison, verdict, version=self.version, **fields)

    def criterion(self, judgment: Judgment) -> JudgmentCriterion:
        return JudgmentCriterion.objects.create(
            judgment=judgment, criterion=self.study.criteria.get(), verdict=Verdict.A
        )


@pytest.fixture
def world(db: None) -> World:
    return World()


def again(first: object, create: Callable[[], object]) -> None:
    """Create a second one beside `first`, which Python has made already."""
    create()


BAD_ROWS: list[tuple[str, str, Callable[[World], object]]] = [
    (
        "two judges of one name",
        "judge_id_once",
        lambda w: Judge.objects.create(study=w.study, judge_id="judge"),
    ),
    (
        "two endpoints of one name",
        "endpoint_name_once",
        lambda w: [Endpoint.objects.create(study=w.study, name="e") for _ in range(2)],
    ),
    (
        "two versions of one number",
        "judge_version_once",
        lambda w: JudgeVersion.objects.create(judge=w.version.judge, number=1),
    ),
    ("two live runs of one version", "judge_run_one_live", lambda w: w.start()),
    (
        "a live run beside a paused one",
        "judge_run_one_live",
        lambda w: w.pause_and_start(),
    ),
    ("a state that no run has", "judge_run_state_known", lambda w: change(w.run, state="x")),
    (
        "a run beyond its budget",
        "judge_run_within_budget",
        lambda w: change(w.run, budget=1, spent="0.75", reserved="0.5"),
    ),
    (
        "a running run that is still being prepared",
        "judge_run_prepared_as_draft",
        lambda w: change(w.run, prepared_until=timezone.now()),
    ),
    ("a question asked twice", "judge_call_once", lambda w: again(w.call(), w.call)),
    (
        "a question in both orders at once",
        "judge_call_has_one_order",
        lambda w: w.call(order="both"),
    ),
    ("a state that no call has", "judge_call_state_known", lambda w: w.call(state="x")),
    ("a sixth attempt", "judge_call_attempts_bounded", lambda w: w.call(attempts_made=6)),
    (
        "a lease without its end",
        "judge_call_lease_complete",
        lambda w: w.call(state="leased", lease_token=uuid.uuid4()),
    ),
    (
        "two attempts of one number",
        "judge_attempt_once",
        lambda w: [w.attempt(call) for call in [w.call()] * 2],
    ),
    (
        "one imported label twice",
        "judgment_imported_once",
        lambda w: again(w.judge(), w.judge),
    ),
    (
        "two judgments of one call",
        "call_id",
        lambda w: [w.judge(order="ab", call=call) for call in [w.call()] * 2],
    ),
    ("a verdict that is none", "judgment_verdict_known", lambda w: w.judge("c")),
    (
        "no verdict and no reason why",
        "judgment_verdict_or_cause",
        lambda w: w.judge(None, missing=""),
    ),
    (
        "a verdict that is said to be missing",
        "judgment_verdict_or_cause",
        lambda w: w.judge(Verdict.TIE, missing="unparsed"),
    ),
    ("an order that is none", "judgment_order_known", lambda w: w.judge(order="aa")),
    (
        "both orders from one call",
        "a judgment has the version, the comparison and the order of its call",
        lambda w: w.judge(order="both", call=w.call()),
    ),
    (
        "another order than the call asked",
        "a judgment has the version, the comparison and the order of its call",
        lambda w: w.judge(order="ba", call=w.call()),
    ),
    (
        "an attempt moved to another number",
        "an attempt keeps its call and its number",
        lambda w: JudgeAttempt.objects.filter(pk=w.attempt(w.call()).pk).update(number=2),
    ),
    (
        "a budget of nothing for all judges",
        "study_budget_positive",
        lambda w: StudyBudget.objects.create(study=w.study, amount=0),
    ),
    (
        "two budgets for all judges of a study",
        "study_id",
        lambda w: [StudyBudget.objects.create(study=w.study) for _ in range(2)],
    ),
    (
        "a trial for no known purpose",
        "judge_trial_purpose_known",
        lambda w: w.trial(purpose="x"),
    ),
    ("a trial that ended at no cost known", "judge_trial_settled_once", lambda w: w.trial(cost=0)),
    (
        "a trial that cost more than was reserved",
        "judge_trial_within_reservation",
        lambda w: w.trial(reserved=1, cost=2, finished_at=timezone.now()),
    ),
    (
        "a criterion judged twice",
        "judgment_criterion_once",
        lambda w: [w.criterion(judgment) for judgment in [w.judge()] * 2],
    ),
]


def change(row: models.Model, **fields: Any) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**fields)


@pytest.mark.parametrize(
    ("rule", "write"), [case[1:] for case in BAD_ROWS], ids=[case[0] for case in BAD_ROWS]
)
def test_the_database_refuses(world: World, rule: str, write: Callable[[World], object]) -> None:
    with refused_by(rule):
        write(world)


def test_every_constraint_of_the_room_has_its_bad_row() -> None:
    assert untested("judging", (rule for _, rule, _ in BAD_ROWS)) == set()


def test_a_finished_run_makes_room_for_the_next(world: World) -> None:
    change(world.run, state=RunState.FINISHED)
    assert world.start().pk != world.run.pk


def test_an_unparsed_reply_is_a_judgment_without_a_verdict(world: World) -> None:
    assert world.judge(None).missing == "unparsed"


def test_two_orders_of_one_comparison_are_two_imported_judgments(world: World) -> None:
    world.judge(order="ab")
    world.judge(order="ba")
    assert world.comparison.judgments.count() == 2


APPEND_ONLY: dict[str, Callable[[World], models.Model]] = {
    "judging_judgeversion": lambda w: w.version,
    "judging_judgment": lambda w: w.judge(),
    "judging_judgmentcriterion": lambda w: w.criterion(w.judge()),
}


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_that_is_written_once_is_not_changed(world: World, table: str) -> None:
    row = APPEND_ONLY[table](world)
    with refused_by(f"{table} is append-only"):
        change(row, id=row.pk)


@pytest.mark.parametrize("table", [*APPEND_ONLY, "judging_judgeattempt"])
def test_a_row_that_is_written_once_is_not_deleted(world: World, table: str) -> None:
    row = APPEND_ONLY[table](world) if table in APPEND_ONLY else world.attempt(world.call())
    with refused_by(f"{table} is append-only"):
        type(row)._base_manager.filter(pk=row.pk)._raw_delete(using="default")


def test_the_outcome_of_an_attempt_is_written_when_it_is_known(world: World) -> None:
    attempt = world.attempt(world.call())
    change(attempt, http_status=200)
    attempt.refresh_from_db()
    assert attempt.http_status == 200
