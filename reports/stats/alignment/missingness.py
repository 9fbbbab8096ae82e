"""How often a judge gave no verdict, and whether that depends on who wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import Comparisons, Judgments
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.results import Estimate, VerdictCode

__all__ = ["MUCH_MISSING", "missing_share"]

MUCH_MISSING = 0.02
"""Above this share of calls without a verdict the figures may be of an easier study."""


def missing_share(
    judgments: Judgments, humans: Humans, comparisons: Comparisons, *, level: float = 0.95
) -> Estimate:
    """Share of calls without a verdict.

    Returns
    -------
    Estimate
        `n` counts calls. ``details``: `much`, whether it is above 2 %; `by_majority`, for each
        verdict of the majority how many comparisons were asked and on how many a call went
        missing; `p_value`, Fisher's exact test that this is as likely where a wins as where b
        does, None where one of the two never does.
    """
    gone = ~judgments.parsed
    figure = share_by_prompt(
        gone, comparisons.prompt[judgments.comparison], method="missing_share", level=level
    )
    asked = np.bincount(judgments.comparison, minlength=comparisons.n) > 0
    lost = np.bincount(judgments.comparison[gone], minlength=comparisons.n) > 0
    table: dict[VerdictCode, tuple[int, int]] = {}
    for code in VerdictCode:
        row = asked & (humans.majority == code)
        table[code] = (int(row.sum()), int((row & lost).sum()))
    details: dict[str, Any] = {
        **figure.details,
        "much": bool(figure.estimate is not None and figure.estimate > MUCH_MISSING),
        "by_majority": [
            {"verdict": code.name.lower(), "n": n, "missing": number}
            for code, (n, number) in table.items()
            if n
        ],
        "p_value": _p_value(table[VerdictCode.A], table[VerdictCode.B]),
    }
    return replace(figure, details=details)


def _p_value(a: tuple[int, int], b: tuple[int, int]) -> float | None:
    if not a[0] or not b[0]:
        return None
    # Imported here: scipy.stats takes a second to load.
    from scipy.stats import fisher_exact

    table = np.array([[a[1], a[0] - a[1]], [b[1], b[0] - b[1]]])
    return float(fisher_exact(table).pvalue)
