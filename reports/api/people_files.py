"""Files about people: what a platform owes its participants, and annotators with their figures."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request

from annotation.api.edges import StudyView
from annotation.api.schema import OF_A_STUDY, refusals
from annotation.models import CrowdArrival
from reports.annotator_rows import list_annotators
from reports.payments import list_payments, note_payments
from reports.people_files import csv_file


def file_of(name: str, words: str) -> dict[str, Any]:
    csv = OpenApiResponse(OpenApiTypes.STR, description="The file, streamed.")
    return {
        "operation_id": name,
        "summary": words,
        "description": f"For: {OF_A_STUDY}",
        "responses": {(200, "text/csv"): csv, **refusals(404)},
    }


class Payments(StudyView):
    @extend_schema(**file_of("payments_file", "Get what participants are owed; the log keeps it"))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        if request.method == "GET":
            count = CrowdArrival.objects.filter(study=self.study).count()
            note_payments(self.study, self.user, count)
        return csv_file(list_payments(self.study), f"{self.study.slug}-payments.csv")


class Annotators(StudyView):
    @extend_schema(**file_of("annotators_file", "Get annotators with their figures"))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        return csv_file(list_annotators(self.study), f"{self.study.slug}-annotators.csv")
