"""The report as one file that opens anywhere: no script, no network, light and dark."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from reports.chart_rendering import rendered_reports
from reports.models import AnalysisRun
from reports.presentation.report import view

STYLE_SHEETS = ("evalsite/tokens.css", "evalsite/site.css", "reports/report.css")


class MissingStyleSheetError(RuntimeError):
    """The project's own style sheet is not where its room has it."""


def render(kept: AnalysisRun) -> str:
    """The file's text; the same run gives the same bytes."""
    style = "\n".join(_sheet(name) for name in STYLE_SHEETS)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return render_to_string(
        "reports/file.html",
        {
            "report": view(kept.result, kept.versions, kept.created_at),
            "charts": rendered_reports.charts_of(kept),
            # Our own style sheets, and the policy that allows them by their hash.
            "style": mark_safe(style),  # noqa: S308
            "policy": policy,
        },
    )


def _sheet(name: str) -> str:
    path = finders.find(name)
    if path is None:
        raise MissingStyleSheetError(f"{name} was not found among the static files.")
    return Path(path).read_text(encoding="utf-8")
