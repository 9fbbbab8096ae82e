"""What a study's content and people say of its size, before anybody votes."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import median_low
from typing import Any

import numpy as np
from django.db.models import Count, QuerySet, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from annotation.models import AnnotatorState, Comparison, ComparisonKind, Study

__all__ = ["Counts", "Layout", "counts_of", "layout_of"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the study's content and people say of its design; None where they say nothing.

    Attributes
    ----------
    systems : int
    pairs : int or None
        Of systems that meet.
    prompts : int or None
        Of a pair: the median of the pairs, or all there are without a pair.
    overlap : int or None
        The commonest.
    annotators : int
        Who may rate.
    meets : float array, shape (k, k), or None
        1 where two of the k systems in pairs meet, else 0.
    share : float
        `prompts` over all prompts; 1 without a pair.
    """

    systems: int
    pairs: int | None
    prompts: int | None
    overlap: int | None
    annotators: int
    meets: NDArray[np.float64] | None
    share: float


def layout_of(study: Study) -> Layout:
    """In three queries, none of which knows a vote."""
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    pairs: defaultdict[frozenset[int], int] = defaultdict(int)
    for a, b, prompts in (
        work.values("system_a", "system_b")
        .annotate(prompts=Count("prompt", distinct=True))
        .values_list("system_a", "system_b", "prompts")
    ):
        pairs[frozenset((a, b))] += prompts
    overlaps = Counter(dict(work.values_list("overlap").annotate(rows=Count("pk"))))
    counts = counts_of(study)
    prompts = median_low(pairs.values()) if pairs else counts.prompts
    place = {system: row for row, system in enumerate(sorted(set().union(*pairs)))}
    meets = np.zeros((len(place), len(place)))
    for pair in pairs:
        row, column = (place[system] for system in pair)
        meets[row, column] = meets[column, row] = 1.0
    return Layout(
        systems=counts.systems,
        pairs=len(pairs) or None,
        prompts=prompts or None,
        overlap=max(overlaps, key=lambda size: (overlaps[size], size)) if overlaps else None,
        annotators=counts.annotators,
        meets=meets if pairs else None,
        share=min(1.0, prompts / counts.prompts) if pairs else 1.0,
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many systems, prompts and people that may rate a study has."""

    systems: int
    prompts: int
    annotators: int


def counts_of(study: Study) -> Counts:
    """In one query."""
    gone = (AnnotatorState.FAILED, AnnotatorState.REMOVED)
    rows = (
        study.systems.all(),
        study.prompts.all(),
        study.annotators.exclude(state__in=gone),
    )
    number = Study.objects.filter(pk=study.pk).values_list(*map(_number_of, rows))
    return Counts(*number.get())


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    """How many rows there are, within another query."""
    counted = rows.order_by().values("study").annotate(rows=Count("pk")).values("rows")
    return Coalesce(Subquery(counted), 0)
