"""What the views of judges stand on: the study's own judges, and refusals in this room's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from annotation.api.edges import StudyView
from annotation.api.problems import Conflict, Refused
from judging.endpoints.saving import EndpointFault
from judging.judge_files import JudgeFileError
from judging.judges import JudgeFault
from judging.models import JudgeRun, JudgeVersion
from judging.runs.conducting import ConductFault
from judging.runs.money import StudyBudgetFault
from judging.runs.planning import RunFault


class JudgeView(StudyView):
    """For owners and researchers, as the pages of judges."""

    refusals: ClassVar[Mapping[type[Exception], type[exceptions.APIException]]] = {
        EndpointFault: Conflict,
        JudgeFault: Conflict,
        RunFault: Conflict,
        ConductFault: Conflict,
        StudyBudgetFault: Conflict,
    }

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, JudgeFileError):
            exc = Refused(
                "The judge cannot be made as it is stated. Nothing was done.",
                [("", fault) for fault in exc.faults],
            )
        return super().handle_exception(exc)

    def version(self, key: int) -> JudgeVersion:
        """A version of the study's judges that can be asked."""
        found = (
            JudgeVersion.objects.filter(judge__study=self.study, imported=False, pk=key)
            .select_related("judge__study")
            .first()
        )
        if found is None:
            raise Http404("The study has no such judge that can be asked.")
        return found

    def run(self, key: int) -> JudgeRun:
        found = (
            self.study.judge_runs.filter(pk=key).select_related("version__judge", "study").first()
        )
        if found is None:
            raise Http404("The study has no such run.")
        return found
