"""Labels of judges, imported like any other file."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.imports import ImportView, described
from judging.runs.imported import IMPORT_PLAN


class ImportJudgments(ImportView):
    @extend_schema(**described("imports_judgments", "Import judgments made elsewhere"))
    def post(self, request: Request, slug: str) -> Response:
        return self.take(request, IMPORT_PLAN)
