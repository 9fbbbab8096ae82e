"""Every refusal in one form, `application/problem+json` of RFC 9457: what, where, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import DatabaseError, InterfaceError
from django.http import Http404
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from annotation.importing.formats import FileError
from annotation.importing.transfer import ImportRefusedError
from annotation.lifecycle.refusals import (
    ChangeRefusedError,
    LifecycleError,
    StudyNotReadyError,
)
from annotation.outages import RETRY_AFTER_SECONDS, is_outage
from annotation.pairing import DesignError
from annotation.people import BadListError, NotTheirsError, PeopleError
from annotation.quality import ReviewRefusedError
from annotation.queue import AssignmentNotFound

MEDIA_TYPE = "application/problem+json"

TITLES = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not offered",
    406: "Not offered in this form",
    409: "Refused as things stand",
    413: "Too large",
    415: "Not taken in this form",
    422: "Refused",
    429: "Too many requests",
    503: "Busy",
}


class FaultSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="The field, row or part that it is about; or empty.")
    what = serializers.CharField(help_text="What is wrong, and what to do.")


class ProblemSerializer(serializers.Serializer[Any]):
    """Why nothing was done."""

    type = serializers.CharField(help_text="Names the kind of problem; does not change.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened, what was kept and what to do.")
    faults = FaultSerializer(many=True, help_text="Each thing that is wrong, if there are several.")


class Conflict(exceptions.APIException):
    """What was asked for does not fit how things stand."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Refused(exceptions.APIException):
    """What was sent can be read and is not allowed; `faults` has each place."""

    status_code = 422
    default_code = "refused"

    def __init__(self, detail: str, faults: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(detail)
        self.faults = list(faults)


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The answer to whatever a view raises; None for what is a fault of ours."""
    if is_outage(error) and isinstance(error, DatabaseError | InterfaceError):
        # What was begun may have been rolled back or not: nobody can ask the database now.
        has_acted = getattr(context.get("view"), "has_acted", False)
        came_of_it = (
            "What was asked for may have been done in part: look at what there is before you ask "
            "again."
            if has_acted
            else "Nothing was done."
        )
        response = problem(503, "busy", f"The server cannot use its database now. {came_of_it}")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    found = of_the_product(error)
    if found is not None:
        return found
    if isinstance(error, exceptions.ValidationError):
        faults = list(flatten(error.detail))
        return problem(
            422,
            "invalid",
            "The request has values that are not allowed. Nothing was done.",
            faults,
        )
    answered = exception_handler(error, dict(context))
    if answered is None:
        return None
    code = error.default_code if isinstance(error, exceptions.APIException) else ""
    faults = error.faults if isinstance(error, Refused) else []
    detail = str(answered.data.get("detail", "")) if isinstance(answered.data, dict) else ""
    response = problem(answered.status_code, str(code or kind_of(error)), detail, faults)
    for name, value in answered.headers.items():
        if name.lower() not in ("content-type", "content-length"):
            response[name] = value
    return response


def kind_of(error: Exception) -> str:
    return "not_found" if isinstance(error, Http404) else "forbidden"


def of_the_product(error: Exception) -> Response | None:
    """What functions of this project refuse, in their own words."""
    if isinstance(error, StudyNotReadyError | ChangeRefusedError):
        faults = [("", fault) for fault in error.faults]
        return problem(409, "not_ready", str(error).splitlines()[0].rstrip(":") + ".", faults)
    if isinstance(error, BadListError):
        faults = [(f"people[{found.line - 1}]", found.reason) for found in error.problems]
        return problem(422, "bad_rows", "Nobody was invited: some rows cannot be used.", faults)
    if isinstance(error, NotTheirsError):
        return problem(403, "forbidden", str(error))
    if isinstance(error, LifecycleError | ImportRefusedError | PeopleError | ReviewRefusedError):
        return problem(409, "conflict", str(error))
    if isinstance(error, DesignError | FileError):
        return problem(422, "refused", str(error))
    if isinstance(error, AssignmentNotFound):
        return problem(404, "not_found", str(error))
    if isinstance(error, ValidationError):
        faults = [("", said) for said in error.messages]
        return problem(422, "invalid", "Nothing was done: some values are not allowed.", faults)
    if isinstance(error, RequestDataTooBig):
        return problem(413, "too_large", "The body is larger than 1 MiB. Nothing was done.")
    if isinstance(error, PermissionDenied):
        return problem(403, "forbidden", str(error) or "Your role does not include this.")
    return None


def problem(code: int, kind: str, detail: str, faults: Iterable[tuple[str, str]] = ()) -> Response:
    return Response(
        {
            "type": f"urn:evalsite:problem:{kind}",
            "title": TITLES.get(code, "Refused"),
            "status": code,
            "detail": detail,
            "faults": [{"where": where, "what": what} for where, what in faults],
        },
        status=code,
        content_type=MEDIA_TYPE,
    )


def flatten(detail: Any, where: str = "") -> Iterable[tuple[str, str]]:
    """Each message with its place, such as `people[2].email`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            if isinstance(name, int):
                own = f"{where}[{name}]"
            elif name == "non_field_errors":
                own = where
            else:
                own = f"{where}.{name}" if where else str(name)
            yield from flatten(inner, own)
    elif isinstance(detail, list | tuple):
        for number, inner in enumerate(detail):
            if isinstance(inner, Mapping):
                yield from flatten(inner, f"{where}[{number}]")
            else:
                yield from flatten(inner, where)
    else:
        yield where, str(detail)
