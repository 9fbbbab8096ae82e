"""What people get when a request fails: words, and 503 where the database is away or read-only.

Sessions are read before any view runs, so a restart of the database is met here as well as there.
"""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext
from django.views import defaults

from annotation.access.declarations import wants_json
from annotation.outages import RETRY_AFTER_SECONDS, is_outage


def server_error(request: HttpRequest) -> HttpResponse:
    """The handler of every exception that no view answers; the log has it already."""
    if is_outage(sys.exc_info()[1]):
        return unavailable(request)
    return defaults.server_error(request)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: nothing was saved, and the same request may succeed in a moment."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS), "Cache-Control": "no-store"}
    if wants_json(request):
        content = {
            "error": "database_busy",
            "message": gettext(
                "The server cannot use its database now. Send this once more in a moment."
            ),
            "stored": False,
        }
        return JsonResponse(content, status=503, headers=headers)
    return HttpResponse(render_to_string("503.html"), status=503, headers=headers)
