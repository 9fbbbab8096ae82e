"""Comparisons as lines of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import F, QuerySet

from annotation.adjudication import needing_adjudication
from annotation.adjudication.routing import LOOKED_THROUGH, Window
from annotation.models import Comparison, ComparisonKind, Study

from .entries import PAGE_SIZE, Entry, Narrowing, Page, below, cut, prompt_of

COMPARISON_COLUMNS = (
    "pk",
    "item_id",
    "prompt__text",
    "prompt__messages",
    "system_a",
    "system_b",
    "prompt__category",
    "overlap",
    "taken",
)


def read_comparisons(
    of_study: Callable[[Study], QuerySet[Comparison]],
) -> Callable[[Study, Narrowing, int | None], Page]:
    def read(study: Study, narrowing: Narrowing, cursor: int | None) -> Page:
        found = of_study(study).filter(narrowing.of_comparisons())
        rows = below(found, cursor).values(*COMPARISON_COLUMNS)[: PAGE_SIZE + 1]
        return cut([entry_of_comparison(row) for row in rows])

    return read


def entry_of_comparison(row: Mapping[str, Any]) -> Entry:
    return Entry(
        key=row["pk"],
        comparison=row["pk"],
        prompt=prompt_of(row["prompt__text"], row["prompt__messages"]),
        systems=(row["system_a"], row["system_b"]),
        category=row["prompt__category"],
        annotator=None,
        at=None,
        what=f"{row['taken']} of {row['overlap']}",
        remark=row["item_id"],
    )


def work_of(study: Study) -> QuerySet[Comparison]:
    return Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)


def with_room(study: Study) -> QuerySet[Comparison]:
    return work_of(study).filter(taken__lt=F("overlap"))


def read_waiting(study: Study, narrowing: Narrowing, cursor: int | None) -> Page:
    """Comparisons that wait for an adjudicator, some thousand keys at a time.

    A page looks through so many; what it finds may be less than a page, and the next goes on.
    """
    newest = cursor
    if newest is None:
        last = work_of(study).order_by("-pk").values_list("pk", flat=True).first()
        newest = 0 if last is None else last + 1
    window = Window(first=max(0, newest - LOOKED_THROUGH), before=newest)
    found = needing_adjudication(study, window).filter(narrowing.of_comparisons())
    rows = [
        entry_of_comparison(row)
        for row in found.order_by("-pk").values(*COMPARISON_COLUMNS)[: PAGE_SIZE + 1]
    ]
    page = cut(rows)
    if page.before is None and window.first > 0:
        earlier = work_of(study).filter(pk__lt=window.first).exists()
        page = Page(page.entries, window.first if earlier else None)
    return page
