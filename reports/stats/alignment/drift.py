"""Does a judge agree with people less on a new random sample than it did before?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.resampling import sums_by_prompt
from reports.stats.covariance import FEW_CLUSTERS
from reports.stats.intervals import NO_ERROR, critical_value, difference_of_shares
from reports.stats.ratings import Floats, Ratings
from reports.stats.results import Estimate, WarningCode, undefined
from reports.stats.votes import IntArray

__all__ = ["Since", "agreement_drift"]

_FEWEST = 30


@dataclass(frozen=True, slots=True, eq=False)
class Since:
    """When votes came, as far as it matters. Comparison and annotator of each.

    Attributes
    ----------
    later : int array of shape (votes, 2)
        Votes that the judge's last validation had not read.
    since : int array of shape (votes, 2)
        Of these the ones that came after the sample was drawn.
    """

    later: IntArray
    since: IntArray


def agreement_drift(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    sample: NDArray[np.bool_] | None,
    when: Since | None,
    *,
    level: float = 0.95,
) -> Estimate:
    """Agreement with votes on the sample, less that with the votes it was last validated by.

    Parameters
    ----------
    sample : bool array of shape (comparisons,), optional
        A random sample that was drawn after the judge had been validated. Of its votes those that
        came before the draw are among the votes before, if the validation had read them.
    when : Since, optional
        None where the judge had not been validated before the draw.

    Returns
    -------
    Estimate
        t interval with prompts as clusters, which may hold both kinds; `n` counts votes of the
        sample. ``details``: `before` and `since`, both agreements. Below 0 as a whole: the judge
        has drifted from what it was validated by. None with `no_votes` without a sample or an
        earlier validation, with `too_few_prompts` below 30 comparisons on either side.
        Where all prompts are alike, as where a judge was right on each before and on none since,
        the interval is Newcombe's of two shares with their prompts as votes, with
        `degenerate_scale`.
    """
    method = "agreement_drift"
    if sample is None:
        reason = "no random sample came back since the judge was first held against people"
        return undefined(method, 0, WarningCode.NO_VOTES, reason=reason)
    if when is None:
        reason = "it was not validated before the random sample was drawn"
        return undefined(method, 0, WarningCode.NO_VOTES, reason=reason)
    votes = humans.ratings
    new = sample[votes.item] & _among(votes, when.since)
    # What came between validation and draw, and since then outside the sample, is neither.
    used = (judge.category != MISSING)[votes.item] & (new | ~_among(votes, when.later))
    item, new = votes.item[used], new[used]
    hit = (judge.category[item] == votes.category[used]).astype(np.float64)
    n = int(new.sum())
    few = min(np.unique(item[new]).size, np.unique(item[~new]).size)
    if few < _FEWEST:
        reason = f"fewer than {_FEWEST} comparisons with votes since the draw or before"
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
    quantile = critical_value(level, df)
    difference = since - before
    codes = (WarningCode.FEW_PROMPTS,) if prompts < FEW_CLUSTERS else ()
    if se > NO_ERROR:
        method, half = f"{method}_by_prompt", quantile * se
        low, high = max(-1.0, difference - half), min(1.0, difference + half)
    else:
        method, codes = f"{method}_by_score", (*codes, WarningCode.DEGENERATE_SCALE)
        lately, earlier = (np.unique(comparisons.prompt[item[part]]).size for part in (new, ~new))
        low, high = difference_of_shares(since, before, lately, earlier, quantile)
    return Estimate(
        difference,
        low,
        high,
        method,
        n,
        n_clusters={"prompts": prompts},
        se=se if se > NO_ERROR else None,
        df=df,
        level=level,
        warnings=codes,
        details={"before": before, "since": since},
    )


def _among(votes: Ratings, named: IntArray) -> NDArray[np.bool_]:
    """Which votes are named by comparison and annotator."""
    own = votes.item * votes.n_raters + votes.rater
    others = named[:, 0].astype(np.int64) * votes.n_raters + named[:, 1]
    return np.isin(own, others)
