"""Random samples of judged comparisons that came back from people.

A part of :mod:`reports.records`, which alone calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from annotation.models import Study, StudyState
from annotation.selectors import counted_votes
from reports.columns import KeyCodes
from reports.models import JudgeValidation, Revalidation
from reports.stats.votes import IntArray


@dataclass(frozen=True, slots=True)
class DrawnRecords:
    """The newest sample of one judge version that has all its votes, or as many as it will get.

    Attributes
    ----------
    key : int
        Of the Revalidation; never part of a result.
    judge : str
    judge_version : int
    seed : int
    frame, sample : int64 arrays
        Items that it was drawn from, and that were drawn and came back; ascending.
    missing : int
        Drawn ones without the vote that was asked for, once the study has closed.
    later, since : int64 arrays of shape (votes, 2), or None
        Item and annotator of the counted votes that came after the report which the version was
        last validated by when the sample was drawn, and of those after the draw; by item. None
        where it was not validated then.
    """

    key: int
    judge: str
    judge_version: int
    seed: int
    frame: IntArray
    sample: IntArray
    missing: int = 0
    later: IntArray | None = None
    since: IntArray | None = None


def load_drawn(
    study: Study,
    items: Sequence[str],
    votes_of_item: IntArray,
    item_codes: KeyCodes,
    annotator_codes: KeyCodes,
) -> list[DrawnRecords]:
    """One for each judge version with such a sample, by judge and number.

    Parameters
    ----------
    study : Study
    items : sequence of str
        Names of the items, in the order of their codes.
    votes_of_item : int array, shape (items,)
        Counted votes.
    item_codes, annotator_codes : KeyCodes
        Of the keys in the database.
    """
    found: dict[tuple[str, int], DrawnRecords] = {}
    drawn_at: dict[tuple[str, int], Revalidation] = {}
    rows = (
        Revalidation.objects.filter(study=study, withdrawn_at__isnull=True)
        .select_related("version__judge")
        .order_by("id")
    )
    # What has no vote by now gets none.
    over = study.state in (StudyState.CLOSED, StudyState.ARCHIVED)
    code: dict[str, int] = {}
    for row in rows:
        # Few studies have one.
        code = code or {name: number for number, name in enumerate(items)}
        sample = {code[name]: had for name, had in row.sample.items() if name in code}
        back = [item for item, had in sample.items() if votes_of_item[item] > had]
        whole = len(back) == len(sample)
        if not (back if over else whole or row.merged_at is not None):
            continue
        key = (row.version.judge.judge_id, row.version.number)
        found[key] = DrawnRecords(
            key=row.pk,
            judge=key[0],
            judge_version=key[1],
            seed=row.seed,
            frame=np.array(sorted(code[n] for n in row.frame if n in code), dtype=np.int64),
            sample=np.array(sorted(back if over else sample), dtype=np.int64),
            missing=len(sample) - len(back) if over else 0,
        )
        drawn_at[key] = row
    return [
        _with_times(found[key], drawn_at[key], item_codes, annotator_codes) for key in sorted(found)
    ]


def _with_times(
    drawn: DrawnRecords, row: Revalidation, items: KeyCodes, annotators: KeyCodes
) -> DrawnRecords:
    """With the votes that came since the version was last held against people."""
    last = (
        JudgeValidation.objects.filter(version=row.version_id, created_at__lt=row.created_at)
        .order_by("-id")
        .values_list("analysis_run__created_at", flat=True)
        .first()
    )
    if last is None:
        return drawn
    votes = list(
        counted_votes(row.study)
        .filter(created_at__gt=last)
        .order_by()
        .values_list("comparison", "annotator", "created_at")
    )
    table = np.column_stack(
        [
            items.of(np.array([vote[0] for vote in votes], dtype=np.int64)),
            annotators.of(np.array([vote[1] for vote in votes], dtype=np.int64)),
            [vote[2] > row.created_at for vote in votes],
        ]
    ).astype(np.int64)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    return replace(drawn, later=table[:, :2], since=table[table[:, 2] > 0, :2])
