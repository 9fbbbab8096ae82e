"""Several systems against one, as the report holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.columns import distinct
from reports.records import StudyRecords
from reports.stats.against_one import Planned, against_one
from reports.stats.results import WarningCode

# Prompts times pairs of systems up to which 20,000 draws take some 0.2 s, and four minutes.
CHEAP_TABLE = 40_000
LARGEST_TABLE = 20_000_000
ASK = "With so many prompts and systems it is made only on request: analyze --diagnostics."
TOO_LARGE = (
    f"With more than {LARGEST_TABLE:,} prompts times pairs of systems it would take too long. The "
    "adjusted tests of single pairs hold for all systems at once."
)
SEQUENTIAL = "Pairs may be stopped early in this study: they are decided by their e-values."
FEW = "No system was compared with two others."


def against_one_rows(
    read: StudyRecords,
    *,
    seed: int,
    level: float,
    sequential: bool,
    thorough: bool,
    also: Sequence[WarningCode] = (),
) -> dict[str, Any]:
    """The key `against_one` of the report object.

    Parameters
    ----------
    read : StudyRecords
    seed : int
    level : float
    sequential : bool
        Whether votes may decide when voting on a pair ends: then there is no such test.
    thorough : bool
        Whether what takes long was asked for.
    also : sequence of WarningCode
        What holds for every test of the study.

    Returns
    -------
    dict
        `anchor`, the one system that all others were compared with and with nobody else, or None;
        `rows`, one for each system with two opponents or more, or None with the `reason`.
    """
    votes = read.overall.votes
    anchor = anchor_of(read)
    met = np.zeros((votes.n_systems, votes.n_systems), dtype=bool)
    met[votes.system_a, votes.system_b] = True
    several = np.flatnonzero((met | met.T).sum(axis=1) >= 2)
    table = votes.n_prompts * int(met.sum())
    reason = None
    if sequential:
        reason = SEQUENTIAL
    elif not several.size:
        reason = FEW
    elif table > LARGEST_TABLE:
        reason = TOO_LARGE
    elif not thorough and table > CHEAP_TABLE:
        reason = ASK
    if reason is not None:
        return {"anchor": anchor, "rows": None, "reason": reason}
    planned = Planned(read.item_system_a, read.item_system_b, read.item_prompt)
    found = against_one(votes, several, seed=seed, level=level, planned=planned)
    return {
        "anchor": anchor,
        "rows": [
            {
                "system": read.systems[row.system],
                "prompts": row.prompts,
                "method": row.method,
                "opponents": [
                    {
                        "system": read.systems[other.system],
                        "prompts": other.prompts,
                        "mean_score": other.mean_score,
                        "p_adjusted": other.p_adjusted,
                    }
                    for other in row.opponents
                ],
                "warnings": [str(code) for code in (*row.warnings, *also)],
            }
            for row in found
        ],
        "reason": None,
    }


def anchor_of(read: StudyRecords) -> str | None:
    """The system of every comparison, where there is one; what is compared knows no outcome."""
    m = max(1, len(read.systems))
    codes = distinct(read.item_system_a.astype(np.int64) * m + read.item_system_b).tolist()
    pairs: set[tuple[int, int]] = {divmod(code, m) for code in codes}
    common: set[int] = set.intersection(*map(set, pairs)) if pairs else set()
    systems = {system for pair in pairs for system in pair}
    if len(common) != 1 or len(systems) < 3:
        return None
    return read.systems[common.pop()]
