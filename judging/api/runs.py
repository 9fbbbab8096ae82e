"""Runs of judges: what one would cost, start it, watch it, pause, resume, cancel and ask again."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.edges import PAGED
from annotation.api.lists import FilteredView
from annotation.api.schema import OF_A_STUDY, lists, tells
from annotation.api.study_shapes import NothingSerializer
from judging.models import JudgeRun, RunState
from judging.runs import conducting
from judging.runs.money import standing_of
from judging.runs.panels import quote_first_runs, start_together
from judging.runs.planning import quote
from judging.runs.progress import progress_of
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from judging.tasks import ring

from .edges import JudgeView
from .judges import JUDGE
from .shapes import (
    BudgetSerializer,
    JudgeMoneySerializer,
    PlannedRunSerializer,
    QuoteSerializer,
    RunProgressSerializer,
    RunSerializer,
    StartedSerializer,
    StartSerializer,
    StudyBudgetSerializer,
    TogetherQuoteSerializer,
    WholeRunSerializer,
)

STATE = OpenApiParameter(
    "state",
    {"type": "string", "enum": list(RunState.values)},
    OpenApiParameter.QUERY,
    description="In this state.",
)


class JudgeBudget(JudgeView):
    @extend_schema(
        **tells(
            JudgeMoneySerializer, "judge_budget_get",
            "Read what all judges have cost and may cost together", OF_A_STUDY,
        )
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        return Response(JudgeMoneySerializer(standing_of(self.study.pk)).data)

    @extend_schema(
        **tells(
            JudgeMoneySerializer, "judge_budget_set",
            "Cap what all judges cost together; runs that an older cap paused go on",
            OF_A_STUDY, takes=StudyBudgetSerializer,
        )
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        wanted = self.read(StudyBudgetSerializer)
        for run in set_study_budget(self.study, self.user, wanted["amount"]):
            transaction.on_commit(partial(ring, run.pk))
        return Response(JudgeMoneySerializer(standing_of(self.study.pk)).data)


class QuoteRun(JudgeView):
    takes_key = False

    @extend_schema(
        **tells(
            QuoteSerializer, "judge_runs_quote",
            "Ask what a run would ask and cost; nothing is sent", OF_A_STUDY,
            takes=PlannedRunSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        wanted = self.read(PlannedRunSerializer)
        quoted = quote(found, wanted["replicates"], fresh=wanted["fresh"])
        return Response(QuoteSerializer(asdict(quoted)).data)


class QuoteTogether(JudgeView):
    takes_key = False

    @extend_schema(
        **tells(
            TogetherQuoteSerializer, "judge_runs_quote_together",
            "Ask what a first run of each judge that has had none would cost; nothing is sent",
            OF_A_STUDY, takes=BudgetSerializer, takes_key=False,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        found = quote_first_runs(self.study, self.read(BudgetSerializer)["budget"])
        told = {
            "judges": [
                {"version": version, "part": part, **asdict(quoted)}
                for version, quoted, part in found.rows
            ],
            "together": asdict(found.quotes.together),
            "budget": found.budget,
            "left": found.standing.left,
            "above_budget": found.above_budget,
            "above_left": found.above_left,
        }
        return Response(TogetherQuoteSerializer(told).data)


class StartRun(JudgeView):
    @extend_schema(
        **tells(
            WholeRunSerializer, "judge_runs_start", "Start a run", OF_A_STUDY, 201,
            takes=StartSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str, version: int) -> Response:
        found = self.version(version)
        run = start_run(found, actor=self.user, **self.read(StartSerializer))
        transaction.on_commit(lambda: ring(run.pk))
        return Response(whole(self.run(run.pk)), status=201)


def whole(run: JudgeRun) -> dict[str, Any]:
    """A run with its progress, which is counted now."""
    return {**RunSerializer(run).data, "progress": RunProgressSerializer(progress_of(run)).data}


class Runs(FilteredView, JudgeView):
    filters = {"judge": "version__judge__judge_id", "state": "state"}
    choices = {"state": RunState.values}
    reads = (*PAGED, *filters)

    @extend_schema(
        **lists(RunSerializer, "judge_runs_list", "List runs", OF_A_STUDY, [JUDGE, STATE])
    )
    def get(self, request: Request, slug: str) -> Response:
        rows = self.study.judge_runs.select_related("version__judge")
        return self.paginated(self.narrowed(rows), RunSerializer)

    @extend_schema(
        **tells(
            StartedSerializer, "judge_runs_start_together",
            "Start a first run of each judge that has had none: of all, or of none",
            OF_A_STUDY, 201, takes=BudgetSerializer,
        )
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        budget = self.read(BudgetSerializer)["budget"]
        runs = start_together(self.study, self.user, budget)
        for run in runs:
            transaction.on_commit(partial(ring, run.pk))
        return Response(StartedSerializer({"runs": runs}).data, status=201)


class OneRun(JudgeView):
    @extend_schema(
        **tells(WholeRunSerializer, "judge_runs_get", "Read a run and how far it is", OF_A_STUDY)
    )
    def get(self, request: Request, slug: str, run: int) -> Response:
        return Response(whole(self.run(run)))


def acting(name: str, words: str, takes: Any = NothingSerializer) -> dict[str, Any]:
    return tells(WholeRunSerializer, f"judge_runs_{name}", words, OF_A_STUDY, takes=takes)


class PauseRun(JudgeView):
    @extend_schema(**acting("pause", "Send nothing more; what is in flight is stored"))
    def post(self, request: Request, slug: str, run: int) -> Response:
        self.read(NothingSerializer)
        conducting.pause(self.run(run), self.user)
        return Response(whole(self.run(run)))


class ResumeRun(JudgeView):
    @extend_schema(
        **acting("resume", "Go on, with another budget if one is given", BudgetSerializer)
    )
    def post(self, request: Request, slug: str, run: int) -> Response:
        wanted = self.read(BudgetSerializer)
        held = conducting.resume(self.run(run), self.user, wanted["budget"])
        transaction.on_commit(lambda: ring(held.pk))
        return Response(whole(self.run(run)))


class CancelRun(JudgeView):
    @extend_schema(**acting("cancel", "End a run; what it has decided stays"))
    def post(self, request: Request, slug: str, run: int) -> Response:
        self.read(NothingSerializer)
        conducting.cancel(self.run(run), self.user)
        return Response(whole(self.run(run)))


class RetryRun(JudgeView):
    @extend_schema(**acting("retry", "Ask again what has no answer, of a finished run"))
    def post(self, request: Request, slug: str, run: int) -> Response:
        self.read(NothingSerializer)
        held = self.run(run)
        conducting.retry(held, self.user)
        transaction.on_commit(lambda: ring(held.pk))
        return Response(whole(self.run(run)))
