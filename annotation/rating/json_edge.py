"""One form for every JSON address: who may call it, what it reads, how it refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse

from annotation.access import study_annotator
from annotation.models import Annotator
from annotation.queue import AssignmentNotFound

from .requests import BadRequest, read_body

NO_STORE = "no-store, private"

Handler = Callable[[Annotator, dict[str, Any]], HttpResponseBase]
View = Callable[..., HttpResponseBase]


def answer(
    content: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> JsonResponse:
    """JSON with sorted keys, so that no order tells anything; never stored by a cache."""
    return JsonResponse(
        content,
        status=status,
        headers={"Cache-Control": NO_STORE, **(headers or {})},
        json_dumps_params={"sort_keys": True},
    )


def refusal(code: str, message: str, status: int, **more: object) -> JsonResponse:
    """What went wrong: a code for the script, a sentence for people."""
    return answer({"error": code, "message": message, **more}, status)


def json_edge(handle: Handler) -> View:
    """A POST of a JSON object by an annotator of the study; every refusal is JSON too."""

    def with_body(request: HttpRequest, *, annotator: Annotator) -> HttpResponseBase:
        return handle(annotator, read_body(request))

    for_annotators = study_annotator(with_body)

    @functools.wraps(for_annotators)
    def edge(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method != "POST":
            refused = refusal("method_not_allowed", "This address takes POST only.", 405)
            refused.headers["Allow"] = "POST"
            return refused
        try:
            return for_annotators(request, *args, **kwargs)
        except BadRequest as fault:
            return refusal(fault.code, str(fault), fault.status, field=fault.field)
        except AssignmentNotFound as fault:
            return refusal(fault.code, str(fault), 404)
        except Http404:
            return refusal("not_found", "There is no such study, or you have no part in it.", 404)
        except PermissionDenied as fault:
            return refusal("forbidden", str(fault), 403)

    return edge
