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
    if int(request.headers.get("Content-Length") or 0) <= LARGEST_REPORT:
        try:
            report = json.loads(request.body).get("csp-report", {})
            fields = {name: str(report[name])[:200] for name in LOGGED_FIELDS if name in report}
        except (ValueError, AttributeError, TypeError):
            fields = {}
        if fields:
            log.warning("csp.blocked", **{name.replace("-", "_"): v for name, v in fields.items()})
    return HttpResponse(status=204)
