"""How far apart the judges of a panel lie, by what makes them differ."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.stats.ratings import Floats

__all__ = ["Make", "mean_spread", "spread_between"]


@dataclass(frozen=True, slots=True)
class Make:
    """What a judge is made of.

    Attributes
    ----------
    template, model : str
        Its instruction and its language model; empty where they are not known.
    """

    template: str = ""
    model: str = ""


def mean_spread(scores: Floats) -> float | None:
    """Standard deviation of the judges' scores on a comparison, averaged over comparisons.

    Parameters
    ----------
    scores : float array of shape (judges, comparisons)
        NaN where a judge said nothing.

    Returns
    -------
    float or None
        None where no comparison has two scores.
    """
    several = (~np.isnan(scores)).sum(axis=0) > 1
    if not several.any():
        return None
    return float(np.nanstd(scores[:, several], axis=0, ddof=1).mean())


def spread_between(scores: Floats, group: Sequence[str], kind: Sequence[str]) -> float | None:
    """The same between kinds within groups: between templates of one model, or the reverse.

    Judges of one kind in one group are averaged first, so that only what the kinds differ in is
    seen. Comparisons count once in every group that has two kinds on them.

    Parameters
    ----------
    group, kind : sequence of str
        Of each judge; a judge without one of them takes no part.

    Returns
    -------
    float or None
        None where no group has two kinds on one comparison.
    """
    total, number = 0.0, 0
    for one in sorted(set(group) - {""}):
        rows = []
        for other in sorted({k for g, k in zip(group, kind, strict=True) if g == one and k}):
            own = [g == one and k == other for g, k in zip(group, kind, strict=True)]
            with warnings.catch_warnings():
                # A comparison on which all of them are silent stays without a score.
                warnings.simplefilter("ignore", RuntimeWarning)
                rows.append(np.nanmean(scores[own], axis=0))
        table = np.array(rows)
        if len(rows) < 2:
            continue
        spread = mean_spread(table)
        if spread is not None:
            several = int(((~np.isnan(table)).sum(axis=0) > 1).sum())
            total += spread * several
            number += several
    return total / number if number else None
