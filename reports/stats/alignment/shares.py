"""A share with an interval that knows of prompts: Wilson on the effective number of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import critical_value, wilson
from reports.stats.mean_scores import EFFECTIVE_CAP, TINY_VARIANCE
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, WarningCode, undefined

__all__ = ["share_by_prompt"]


def share_by_prompt(
    hit: ArrayLike,
    prompt: Integers,
    *,
    method: str,
    level: float = 0.95,
    details: Mapping[str, Any] | None = None,
    empty: WarningCode = WarningCode.NO_VOTES,
) -> Estimate:
    """Share of true rows, clustered by prompt.

    Parameters
    ----------
    hit : bool array of shape (rows,)
    prompt : int array of shape (rows,)
    empty : WarningCode
        The reason where there are no rows.

    Returns
    -------
    Estimate
        `n` counts rows. Korn & Graubard 1998: Wilson with n_eff = m(1-m)/v and Student's t
        with the effective number of prompts less one; the number of prompts where v is 0.
    """
    y = np.asarray(hit, dtype=np.float64)
    n = int(y.size)
    figures = dict(details or {})
    if n == 0:
        return undefined(method, 0, empty, **figures)
    _, cluster = np.unique(prompt, return_inverse=True)
    size = np.bincount(cluster.reshape(-1))
    prompts = int(size.size)
    share = float(y.mean())
    effective, df = float(n), None
    if prompts > 1:
        sums = (np.bincount(cluster.reshape(-1), y) - share * size) / n
        variance = prompts / (prompts - 1) * float(sums @ sums)
        binomial = share * (1 - share)
        if variance > TINY_VARIANCE * binomial / n:
            effective = min(binomial / variance, EFFECTIVE_CAP * n)
        else:
            effective = float(prompts)
        df = max(1.0, n * n / float(size @ size) - 1)
    low, high = wilson(share, effective, critical_value(level, df))
    figures["n_effective"] = effective
    return Estimate(
        share,
        float(low),
        float(high),
        f"{method}_wilson_by_prompt",
        n,
        n_clusters={"prompts": prompts},
        df=df,
        level=level,
        warnings=(WarningCode.FEW_PROMPTS,) if prompts < FEW_CLUSTERS else (),
        details=figures,
    )
