"""Where browsers tell of blocked content. A report means a fault of ours or an attack."""

from __future__ import annotations

import json

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from annotation.access import public

log = structlog.get_logger(__name__)

# A browser's report is some hundred bytes; anything longer is not one.
LARGEST_REPORT = 16 * 1024
# Which rule and which kind of content; never the page's address, which may hold a token.
LOGGED_FIELDS = ("effective-directive", "violated-directive", "blocked-uri", "disposition")


@csrf_exempt  # a browser sends reports by itself, without a token; nothing is changed
@public
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    # Gunicorn hands over no more than the length that was announced.
    body = request.body if content_length(request) <= LARGEST_REPORT else b""
    try:
        report = json.loads(body).get("csp-report", {})
        fields = {name: str(report[name])[:200] for name in LOGGED_FIELDS if name in report}
    except (ValueError, AttributeError, TypeError, RecursionError):
        fields = {}
    if fields:
        log.warning("csp.blocked", **{name.replace("-", "_"): v for name, v in fields.items()})
    return HttpResponse(status=204)


def content_length(request: HttpRequest) -> int:
    """The announced length; one that is no number counts as too large."""
    try:
        return int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return LARGEST_REPORT + 1
