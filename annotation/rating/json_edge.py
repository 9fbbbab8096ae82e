"""One form for every JSON address: who may call it, what it reads, how it refuses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext, gettext_lazy

from annotation.access import recognise, study_annotator
from annotation.models import Annotator
from annotation.outages import RETRY_AFTER_SECONDS, is_outage
from annotation.queue import AssignmentNotFound

from .requests import BadRequest, read_body
from .whose_page import names_another_account

log = structlog.get_logger(__name__)

NO_STORE = "no-store, private"
OTHER_ACCOUNT = gettext_lazy(
    "Someone else is signed in on this browser. Sign in again, then send this once more."
)

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


def own_page(view: View) -> View:
    """Nothing is done for a page of another account than the one that is signed in."""

    @functools.wraps(view)
    def for_own_page(
        request: HttpRequest, *args: object, slug: str, **kwargs: object
    ) -> HttpResponseBase:
        # Account and annotator in one query, where there are both.
        recognise(request, slug, in_brief=True)
        if names_another_account(request):
            # The same for every study, and asked first: the other person may have no part in it.
            return refusal("other_account", str(OTHER_ACCOUNT), 401, stored=False)
        return view(request, *args, slug=slug, **kwargs)

    return for_own_page


def json_edge(handle: Handler) -> View:
    """A POST of a JSON object by an annotator of the study; every refusal is JSON too."""

    def with_body(request: HttpRequest, *, annotator: Annotator) -> HttpResponseBase:
        return handle(annotator, read_body(request))

    for_annotators = own_page(study_annotator(with_body))

    @functools.wraps(for_annotators)
    def edge(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method != "POST":
            refused = refusal("method_not_allowed", gettext("This address takes POST only."), 405)
            refused.headers["Allow"] = "POST"
            return refused
        try:
            return for_annotators(request, *args, **kwargs)
        except BadRequest as fault:
            return refusal(fault.code, str(fault), fault.status, field=fault.field)
        except AssignmentNotFound as fault:
            return refusal(fault.code, str(fault), 404)
        except Http404:
            return refusal(
                "not_found", gettext("There is no such study, or you have no part in it."), 404
            )
        except PermissionDenied as fault:
            return refusal("forbidden", str(fault), 403)
        except (DatabaseError, InterfaceError) as fault:
            if not is_outage(fault):
                raise
            # The page keeps the answer and sends the same again, with the same key.
            log.exception("rating.database_failed")
            refused = refusal(
                "database_busy",
                gettext(
                    "The server cannot save now. Your answer is kept in this browser and sent "
                    "again."
                ),
                503,
                stored=False,
            )
            refused.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return refused

    return edge
