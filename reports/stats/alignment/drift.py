"""Does a judge agree with people less on a new random sample than it did before?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import critical_value
from reports.stats.ratings import Floats
from reports.stats.results import Estimate, WarningCode, undefined

__all__ = ["agreement_drift"]

_FEWEST = 30


def agreement_drift(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    sample: NDArray[np.bool_] | None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Agreement with votes on the sample, less that on all other comparisons with votes.

    Parameters
    ----------
    sample : bool array of shape (comparisons,), optional
        A random sample that was drawn after the judge had been held against the others.

    Returns
    -------
    Estimate
        t interval with prompts as clusters, which may hold both kinds; `n` counts votes of the
        sample. ``details``: `before` and `since`, both agreements. Below 0 as a whole: the judge
        has drifted from what it was validated by. None with `no_votes` without a sample, with
        `too_few_prompts` below 30 comparisons on either side.
    """
    method = "agreement_drift"
    if sample is None:
        reason = "no random sample came back since the judge was first held against people"
        return undefined(method, 0, WarningCode.NO_VOTES, reason=reason)
    item = humans.ratings.item
    held = (judge.category != MISSING)[item]
    item = item[held]
    hit = (judge.category[item] == humans.ratings.category[held]).astype(np.float64)
    new = sample[item]
    n = int(new.sum())
    few = min(np.unique(item[new]).size, np.unique(item[~new]).size)
    if few < _FEWEST:
        reason = f"fewer than {_FEWEST} comparisons with votes in the sample or outside it"
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    since, before = float(hit[new].mean()), float(hit[~new].mean())
    influence: Floats = np.where(new, (hit - since) / n, -(hit - before) / (hit.size - n))
    sums = sums_by_prompt(comparisons.prompt[item], influence[:, None])
    prompts = int(sums.shape[0])
    if prompts < 2:
        reason = "all comparisons belong to one prompt"
        return undefined(method, n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    se = float(np.sqrt(prompts / (prompts - 1) * (sums**2).sum()))
    df = float(prompts - 1)
    half = critical_value(level, df) * se
    difference = since - before
    return Estimate(
        difference,
        max(-1.0, difference - half),
        min(1.0, difference + half),
        f"{method}_by_prompt",
        n,
        n_clusters={"prompts": prompts},
        se=se,
        df=df,
        level=level,
        warnings=(WarningCode.FEW_PROMPTS,) if prompts < FEW_CLUSTERS else (),
        details={"before": before, "since": since},
    )
