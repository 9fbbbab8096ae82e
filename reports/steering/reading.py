"""What steering reads: the queue's cells, and the counted votes of their pairs.

Systems are coded by name in code-point order, as in :mod:`reports.records`; prompts and annotators
only need to be told apart. Sides, texts and names of people are not read at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, QuerySet

from annotation import queue
from annotation.models import Study, System
from annotation.selectors import counted_votes
from reports.columns import KeyCodes, read_numbers
from reports.stats.cells import Cells
from reports.stats.sampling_policies import CellCounts, Evidence
from reports.stats.votes import Votes
from reports.vote_rows import VERDICT_CODES, verdict_code


@dataclass(frozen=True, slots=True)
class StudyCells:
    """The cells of a study.

    Attributes
    ----------
    systems : tuple of str
        Names, by code.
    keys : tuple of int
        The queue's keys of the cells.
    counts : CellCounts
        In the order of `keys`.
    """

    systems: tuple[str, ...]
    keys: tuple[int, ...]
    counts: CellCounts


def read_cells(study: Study) -> StudyCells:
    """What each cell of the study wants and has."""
    states = queue.cells_of(study)
    systems = tuple(sorted({name for cell in states for name in (cell.system_a, cell.system_b)}))
    code = {name: number for number, name in enumerate(systems)}

    def column(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, dtype=np.int64)

    counts = CellCounts(
        system_a=column([code[cell.system_a] for cell in states]),
        system_b=column([code[cell.system_b] for cell in states]),
        wanted=column([cell.wanted for cell in states]),
        taken=column([cell.taken for cell in states]),
        stopped=np.array([cell.stopped for cell in states], dtype=bool),
        n_systems=len(systems),
    )
    return StudyCells(systems, tuple(cell.pk for cell in states), counts)


def _codes(study: Study, systems: tuple[str, ...]) -> dict[int, int]:
    """Code of each system by database key; systems outside every cell have none."""
    code = {name: number for number, name in enumerate(systems)}
    named = System.objects.filter(study=study).values_list("pk", "name")
    return {key: code[name] for key, name in named if name in code}


def read_evidence(study: Study, systems: tuple[str, ...]) -> Evidence:
    """Points and votes of each pair of systems."""
    return evidence_of(count_cells(study, systems))


def grouped_votes(study: Study) -> QuerySet[Any, Any]:
    """Counted votes by a, b and verdict: as many rows as there are kinds of vote."""
    return (
        counted_votes(study)
        .order_by()
        .values_list("comparison__system_a", "comparison__system_b", "verdict")
        .annotate(votes=Count("pk"))
    )


def count_cells(study: Study, systems: tuple[str, ...]) -> Cells:
    """The cells of a study by one grouped query, whatever the number of votes; sides unknown."""
    codes = _codes(study, systems)
    table = np.array(
        [
            (codes[a], codes[b], VERDICT_CODES[verdict], votes)
            for a, b, verdict, votes in grouped_votes(study)
            if a in codes and b in codes
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    return Cells.from_counts(*table.T, n_systems=len(systems))


def evidence_of(cells: Cells) -> Evidence:
    """Ties and both-bad as half a win, as on the first board."""
    return Evidence(*cells.scores("half", "tie"))


def read_votes(study: Study, systems: tuple[str, ...]) -> Votes:
    """The counted votes one by one: the stopping rule allows for prompts and annotators."""
    codes = _codes(study, systems)
    a, b, verdict, prompt, person = read_numbers(
        counted_votes(study)
        .order_by()
        .values_list(
            "comparison__system_a",
            "comparison__system_b",
            verdict_code(),
            "comparison__prompt",
            "annotator",
        ),
        5,
    )
    inside = np.isin(a, list(codes)) & np.isin(b, list(codes))
    key = KeyCodes(sorted(codes, key=codes.__getitem__))
    prompt, annotator = (
        np.unique(column[inside], return_inverse=True)[1] for column in (prompt, person)
    )
    return Votes.from_arrays(
        key.of(a[inside]),
        key.of(b[inside]),
        verdict[inside],
        prompt=prompt,
        annotator=annotator,
        n_systems=len(systems),
    )
