"""Which verdicts of people a judge takes for which others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Reconciled
from reports.stats.ratings import Integers
from reports.stats.results import VerdictCode

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Counts of what the judge says (row) where people say something (column).

    Attributes
    ----------
    labels : tuple of str
        Verdicts that occur on either side, in canonical order.
    majority, votes : int64 arrays of shape (labels, labels)
        Comparisons by the commonest vote; single votes.
    macro_precision, macro_recall, macro_f1 : float or None
        Means over `labels` against the majority. A verdict that one side never gives counts 0, as
        published tables count it; None without a comparison.
    """

    labels: tuple[str, ...]
    majority: Integers
    votes: Integers
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "labels": list(self.labels),
            "majority": self.majority.tolist(),
            "votes": self.votes.tolist(),
            "macro_precision": self.macro_precision,
            "macro_recall": self.macro_recall,
            "macro_f1": self.macro_f1,
        }

    def share(self, said: VerdictCode, where: VerdictCode) -> tuple[int, int]:
        """On how many comparisons it says `said` where most people say `where`, and of how many."""
        names = {name: place for place, name in enumerate(self.labels)}
        column = names.get(where.name.lower())
        if column is None:
            return 0, 0
        row = names.get(said.name.lower())
        hits = 0 if row is None else int(self.majority[row, column])
        return hits, int(self.majority[:, column].sum())


def _table(said: Integers, truth: Integers) -> Integers:
    size = len(VerdictCode)
    return np.bincount(said * size + truth, minlength=size**2).reshape(size, size)


def confusion(judge: Reconciled, humans: Humans) -> Confusion:
    """Joint counts on the comparisons that were judged; missing judgments are left out.

    Parameters
    ----------
    judge : Reconciled
    humans : Humans
    """
    item, verdict = humans.ratings.item, humans.ratings.category
    row = (judge.category != MISSING)[item]
    votes = _table(judge.category[item[row]], verdict[row])
    used = (judge.category != MISSING) & (humans.majority != MISSING)
    majority = _table(judge.category[used], humans.majority[used])
    occurs = votes.sum(axis=0) + votes.sum(axis=1) + majority.sum(axis=0) + majority.sum(axis=1)
    kept = np.flatnonzero(occurs > 0)
    labels = tuple(VerdictCode(code).name.lower() for code in kept.tolist())
    majority = majority[np.ix_(kept, kept)]
    precision = recall = f1 = None
    if majority.sum():
        hit = np.diag(majority).astype(np.float64)
        of_said = hit / np.maximum(majority.sum(axis=1), 1)
        of_true = hit / np.maximum(majority.sum(axis=0), 1)
        total = of_said + of_true
        both = np.divide(2 * of_said * of_true, total, out=np.zeros_like(total), where=total > 0)
        precision, recall, f1 = (float(x.mean()) for x in (of_said, of_true, both))
    return Confusion(labels, majority, votes[np.ix_(kept, kept)], precision, recall, f1)
