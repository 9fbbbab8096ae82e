"""Where the variance of votes comes from, estimated from a study's own votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.cluster_sums import ClusterSums, cluster_sums
from reports.stats.clusters import intersect
from reports.stats.group_sums import group_sum
from reports.stats.votes import FloatArray, Votes
from reports.stats.win_rates import pair_index

__all__ = ["PilotVariance", "pilot_variance"]

FEWEST_VOTE_PAIRS = 100
"""Pairs of votes that must share a prompt (or an annotator) before their correlation is
believed: it then has a standard error of some .1."""


@dataclass(frozen=True, slots=True)
class PilotVariance:
    """Shares of the variance of decisive votes, pooled over the pairs of systems.

    Attributes
    ----------
    votes, decisive : int
    tie_rate : float or None
        Ties and both-bad among votes; None without any.
    prompt, annotator : float or None
        Shares of the variance within [0, 1], together at most 1; None where too few votes share
        a prompt, or an annotator, to tell.
    """

    votes: int
    decisive: int
    tie_rate: float | None
    prompt: float | None
    annotator: float | None


def pilot_variance(votes: Votes) -> PilotVariance:
    """Tie rate and variance components of the votes so far.

    Moments: two votes on a pair that share only the prompt correlate by the prompt's share, two
    that share only the annotator by the annotator's; votes that share neither give the base
    line, which the estimated mean pushes below 0. It speaks of no pair and no system, so that
    it may be shown while a study is sealed.

    Parameters
    ----------
    votes : Votes
    """
    used = votes.counted("drop")
    tie_rate = None if votes.n == 0 else 1 - used.n / votes.n
    m = votes.n_systems
    groups = m * (m - 1) // 2
    low = np.minimum(used.system_a, used.system_b)
    high = np.maximum(used.system_a, used.system_b)
    pair = pair_index(low, high, m)
    score = used.score()
    score[used.system_a > used.system_b] = 1 - score[used.system_a > used.system_b]
    n = np.bincount(pair, minlength=groups).astype(np.float64)
    with np.errstate(invalid="ignore"):
        mean = group_sum(pair, score, groups) / n
    residual = score - mean[pair]
    square = group_sum(pair, residual**2, groups)
    shared, both = intersect(used.annotator, used.prompt)

    def products(sums: ClusterSums) -> tuple[FloatArray, FloatArray]:
        """Σ r_i r_j over ordered pairs i ≠ j within clusters, and how many, by pair."""
        total = group_sum(sums.group, sums.score**2, groups) - square
        return total, group_sum(sums.group, sums.count**2, groups) - n

    by_prompt = products(cluster_sums(pair, groups, used.prompt, votes.n_prompts, residual, None))
    by_person = products(
        cluster_sums(pair, groups, used.annotator, votes.n_annotators, residual, None)
    )
    by_both = products(cluster_sums(pair, groups, shared, both, residual, None))
    # Residuals of a pair sum to 0, so that all products together are minus the squares.
    apart = -square - by_prompt[0] - by_person[0] + by_both[0]
    apart_count = n * n - n - by_prompt[1] - by_person[1] + by_both[1]
    base = apart.sum() / apart_count.sum() if apart_count.sum() > 0 else 0.0
    many = n > 1
    spread = float((square[many] * n[many] / (n[many] - 1)).sum())
    variance = spread / float(n[many].sum()) if bool(many.any()) else 0.0

    def share(own: tuple[FloatArray, FloatArray]) -> float | None:
        count = float((own[1] - by_both[1]).sum())
        if count < FEWEST_VOTE_PAIRS or variance <= 0:
            return None
        found = (float((own[0] - by_both[0]).sum()) / count - base) / variance
        return float(min(1.0, max(0.0, found)))

    prompt, annotator = share(by_prompt), share(by_person)
    if prompt is not None and annotator is not None:
        annotator = min(annotator, 1 - prompt)
    return PilotVariance(votes.n, used.n, tie_rate, prompt, annotator)
