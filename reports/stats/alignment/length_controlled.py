"""Win rates of the systems by a judge at equal style."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.ratings import Integers
from reports.stats.results import Estimate
from reports.stats.style_control import fit_style
from reports.stats.votes import Votes

__all__ = ["ControlledWinRate", "controlled_win_rates"]


@dataclass(frozen=True, slots=True)
class ControlledWinRate:
    """Attributes
    ----------
    system : int
    win_rate : Estimate
        By the judge, at equal length and Markdown; `n` counts judged comparisons.
    """

    system: int
    win_rate: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {"system": self.system, "win_rate": self.win_rate.as_dict()}


def controlled_win_rates(
    judge: Reconciled,
    comparisons: Comparisons,
    features_a: Integers | None,
    features_b: Integers | None,
    *,
    level: float = 0.95,
) -> tuple[ControlledWinRate, ...]:
    """The judge's verdicts as votes of :func:`~reports.stats.style_control.fit_style`.

    Parameters
    ----------
    features_a, features_b : int arrays of shape (comparisons, features), optional
        How responses a and b look; None where the texts were not read.

    Returns
    -------
    tuple of ControlledWinRate
        By system; empty where texts were not read or no feature ever differs. Errors are
        clustered by prompt.
    """
    row = np.flatnonzero(judge.category != MISSING)
    if features_a is None or features_b is None or row.size == 0:
        return ()
    votes = Votes.from_arrays(
        comparisons.system_a[row],
        comparisons.system_b[row],
        judge.category[row],
        prompt=comparisons.prompt[row],
        # One judgment each: only prompts hold several.
        annotator=np.arange(row.size),
        item=row,
        n_systems=comparisons.n_systems,
        n_items=comparisons.n,
    )
    fit = fit_style(votes, features_a[row], features_b[row], level=level)
    if fit is None:
        return ()
    return tuple(
        ControlledWinRate(system, rate) for system, rate in enumerate(fit.win_rates) if rate.n
    )
