"""Random samples of judged comparisons that came back from people.

A part of :mod:`reports.records`, which alone calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotation.models import Study
from reports.models import Revalidation
from reports.stats.votes import IntArray


@dataclass(frozen=True, slots=True)
class DrawnRecords:
    """The newest sample of one judge version that has all its votes.

    Attributes
    ----------
    key : int
        Of the Revalidation; never part of a result.
    judge : str
    judge_version : int
    seed : int
    frame, sample : int64 arrays
        Items that it was drawn from, and that were drawn; ascending.
    """

    key: int
    judge: str
    judge_version: int
    seed: int
    frame: IntArray
    sample: IntArray


def load_drawn(study: Study, items: Sequence[str], votes_of_item: IntArray) -> list[DrawnRecords]:
    """One for each judge version with such a sample, by judge and number.

    Parameters
    ----------
    study : Study
    items : sequence of str
        Names of the items, in the order of their codes.
    votes_of_item : int array, shape (items,)
        Counted votes.
    """
    found: dict[tuple[str, int], DrawnRecords] = {}
    rows = Revalidation.objects.filter(study=study).select_related("version__judge").order_by("id")
    code: dict[str, int] = {}
    for row in rows:
        # Few studies have one.
        code = code or {name: number for number, name in enumerate(items)}
        sample = {code[name]: had for name, had in row.sample.items() if name in code}
        if row.merged_at is None and not all(
            votes_of_item[item] > had for item, had in sample.items()
        ):
            continue
        key = (row.version.judge.judge_id, row.version.number)
        found[key] = DrawnRecords(
            key=row.pk,
            judge=key[0],
            judge_version=key[1],
            seed=row.seed,
            frame=np.array(sorted(code[n] for n in row.frame if n in code), dtype=np.int64),
            sample=np.array(sorted(sample), dtype=np.int64),
        )
    return [found[key] for key in sorted(found)]
