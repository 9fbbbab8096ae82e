"""What people did, for those who run the study: payments of a platform, and annotators in a file.

Part of the pages about people; here, since work is counted in this room.
"""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, study_role
from annotation.models import CrowdArrival, Role, Study
from reports.annotator_rows import list_annotators
from reports.payments import list_paid, list_payments, note_payments
from reports.people_files import csv_file

READING = (Role.OWNER, Role.RESEARCHER)
# More rows than this nobody reads on a page; the file has all.
MOST_SHOWN = 500


@require_safe
@study_role(*READING)
def payments(request: SignedInRequest, study: Study) -> HttpResponse:
    count = CrowdArrival.objects.filter(study=study).count()
    rows = list_paid(study, most=MOST_SHOWN)
    if rows and request.method == "GET":
        note_payments(study, request.user, min(count, MOST_SHOWN))
    response = render(
        request,
        "reports/payments.html",
        {"study": study, "rows": rows, "count": count, "most": MOST_SHOWN},
    )
    response.headers["Cache-Control"] = "no-store, private"
    return response


@require_safe
@study_role(*READING)
def payments_file(request: SignedInRequest, study: Study) -> HttpResponseBase:
    if request.method == "GET":
        note_payments(study, request.user, CrowdArrival.objects.filter(study=study).count())
    return csv_file(list_payments(study), f"{study.slug}-payments.csv")


@require_safe
@study_role(*READING)
def annotators_file(request: SignedInRequest, study: Study) -> HttpResponseBase:
    return csv_file(list_annotators(study), f"{study.slug}-annotators.csv")
