"""The statistics guide as a page: the same file that lies in docs/."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

from annotation.access import signed_in
from annotation.rating.allow_list import Html

GUIDE = settings.BASE_DIR / "docs" / "statistics.md"

# Our own text, and cleaned all the same: whoever edits the file cannot make it run.
TAGS = {
    "a", "code", "em", "h1", "h2", "h3", "li", "ol", "p", "pre", "strong", "sub", "sup", "table",
    "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@lru_cache(maxsize=1)
def guide_as_html() -> Html:
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    return Html(
        nh3.clean(
            markdown.render(GUIDE.read_text(encoding="utf-8")),
            tags=TAGS,
            attributes={"a": {"href", "id"}},
            url_schemes={"https"},
            link_rel="noopener noreferrer",
        )
    )


@require_safe
@signed_in
def statistics(request: HttpRequest) -> HttpResponse:
    """What every figure, warning and method of a report means."""
    return render(request, "reports/guide.html", {"guide": guide_as_html()})
