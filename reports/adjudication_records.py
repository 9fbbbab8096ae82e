"""What reviewers decided on disagreements, beside the votes.

A part of :mod:`reports.records`, which alone calls it. Nothing else is computed from it: boards,
agreement and every other figure are of the votes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef

from annotation.adjudication import answered_differently, standing_adjudications
from annotation.models import Adjudication, Comparison, ComparisonKind, Criterion, Study
from reports.columns import CHUNK, KeyCodes
from reports.stats.votes import IntArray, Votes


@dataclass(frozen=True, slots=True)
class AdjudicationRecords:
    """The newest decision on each adjudicated comparison, on `overall`.

    Attributes
    ----------
    cases : int
        Comparisons whose answers or flags disagree by the study's rules, or that were decided. Not
        those that were only skipped: a skip is no row of its own, and no report would know that it
        is old.
    item : int32 array, shape (n,)
        Index into the items, ascending.
    verdict : int8 array, shape (n,)
        A verdict code.
    """

    cases: int
    item: IntArray
    verdict: IntArray

    def as_dict(self, votes: Votes) -> dict[str, int]:
        """The counts of the report. `votes` are the counted ones on `overall`."""
        plurality = pluralities(votes)[self.item]
        known = plurality >= 0
        return {
            "cases": self.cases,
            "decided": int(self.item.size),
            "with_plurality": int(known.sum()),
            "as_plurality": int((plurality[known] == self.verdict[known]).sum()),
        }


def pluralities(votes: Votes) -> IntArray:
    """Of each item the verdict that was given oftener than each other one, -1 without one."""
    codes = int(votes.verdict.max(initial=0)) + 1
    counts = np.zeros((votes.n_items, codes), dtype=np.int64)
    np.add.at(counts, (votes.item, votes.verdict), 1)
    most = counts.max(axis=1, initial=0)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    return np.where(alone & (most > 0), counts.argmax(axis=1), -1)


def load_adjudications(
    study: Study, *, items: KeyCodes, verdicts: Mapping[str, Any]
) -> AdjudicationRecords | None:
    """Read the decisions; None for a study in which none was taken.

    Parameters
    ----------
    study : Study
    items : KeyCodes
        Of comparisons.
    verdicts : mapping of str to int
        Verdict → code.
    """
    decided = standing_adjudications().filter(
        comparison__study=study,
        comparison__kind=ComparisonKind.WORK,
        criterion__key=Criterion.OVERALL,
    )
    found = decided.values_list("comparison", "verdict").iterator(chunk_size=CHUNK)
    rows = sorted((items[comparison], int(verdicts[verdict])) for comparison, verdict in found)
    if not rows:
        return None
    adjudicated = Exists(Adjudication.objects.filter(comparison=OuterRef("pk")))
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    table = np.array(rows, dtype=np.int32)
    return AdjudicationRecords(
        cases=work.filter(answered_differently(study) | adjudicated).count(),
        item=table[:, 0],
        verdict=table[:, 1].astype(np.int8),
    )
