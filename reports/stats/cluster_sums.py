"""Votes summed by group and cluster, and the cluster-robust variance of a mean score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.clusters import ALONE, CHUNK_ENTRIES, begins_of, order_of_both
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.votes import FloatArray, IntArray

__all__ = [
    "ClusterSums",
    "MeanVariances",
    "Squares",
    "cluster_sums",
    "mean_variances",
    "shared_variance",
]

ROUNDED = 2.0**-44
"""Of numbers that should cancel, so small a share is left by rounding. One tie among a million won
votes leaves four million times as much."""


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """Votes summed by group and cluster, sorted by the two.

    Attributes
    ----------
    group, cluster : int array, shape (cells,)
    count, weight, score : float array, shape (cells,)
        Votes, Σ w and Σ w y.
    """

    group: IntArray
    cluster: IntArray
    count: FloatArray
    weight: FloatArray
    score: FloatArray


def cluster_sums(
    group: IntArray,
    groups: int,
    cluster: IntArray,
    clusters: int,
    score: FloatArray,
    weight: FloatArray | None,
) -> ClusterSums:
    """Add votes up by (group, cluster).

    Parameters
    ----------
    group, cluster : int array, shape (n,)
    groups, clusters : int
        Numbers of codes.
    score : float array, shape (n,)
    weight : float array, shape (n,), or None
    """
    size = groups * clusters
    if size <= 4 * group.size + CHUNK_ENTRIES:
        code = group * np.int64(clusters)
        code += cluster
        count = np.bincount(code, minlength=size)
        kept = np.flatnonzero(count)
        count = count[kept]
        owner, member = np.divmod(kept, max(clusters, 1))

        def total(values: FloatArray) -> FloatArray:
            return group_sum(code, values, size)[kept]
    else:
        order = order_of_both(group, cluster)
        owner, member = group[order], cluster[order]
        begins = begins_of(owner, member)
        place = np.cumsum(begins, dtype=np.int32) - 1
        owner, member = owner[begins], member[begins]
        count = np.bincount(place)

        def total(values: FloatArray) -> FloatArray:
            return group_sum(place, values[order], count.size)

    votes = count.astype(np.float64)
    if weight is None:
        return ClusterSums(owner, member, votes, votes, total(score))
    weights, scores = (total(on_exact_grid(values)) for values in (weight, weight * score))
    return ClusterSums(owner, member, votes, weights, scores)


@dataclass(frozen=True, slots=True)
class MeanVariances:
    """Cluster-robust variances of mean scores over one dimension, shape (groups,) each.

    Attributes
    ----------
    clusters : int array
        Clusters with votes.
    effective : float array
        G_eff, clusters counting by the weight of their votes.
    cr1, cr3 : float array
        NaN for a single cluster.
    """

    clusters: IntArray
    effective: FloatArray
    cr1: FloatArray
    cr3: FloatArray

    @classmethod
    def of_nothing(cls, groups: int) -> MeanVariances:
        """Where nobody looked for clusters."""
        unknown = np.full(groups, np.nan)
        return cls(np.zeros(groups, dtype=np.int64), unknown, unknown, unknown)


def mean_variances(
    sums: ClusterSums, groups: int, mean: FloatArray, total: FloatArray
) -> MeanVariances:
    """CR1 and CR3 of every group's mean score.

    Parameters
    ----------
    sums : ClusterSums
    groups : int
    mean, total : float array, shape (groups,)
        Mean score, and Σ w.
    """
    owner = sums.group
    clusters = np.bincount(owner, minlength=groups)
    weight = group_sum(owner, sums.weight, groups)
    residual = sums.score - mean[owner] * sums.weight
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = weight**2 / group_sum(owner, sums.weight**2, groups)
        cr1 = clusters / (clusters - 1) * group_sum(owner, residual**2, groups) / total**2
        change = residual / (total[owner] - sums.weight)
        change = change - (group_sum(owner, change, groups) / clusters)[owner]
        cr3 = (clusters - 1) / clusters * group_sum(owner, change**2, groups)
    cr3 = np.where(np.isfinite(cr3), cr3, cr1)  # all the weight in one cluster
    single = clusters < 2
    return MeanVariances(
        clusters,
        effective,
        np.where(single, np.nan, cr1),
        np.where(single, np.nan, cr3),
    )


@dataclass(frozen=True, slots=True)
class Squares:
    """Σ W², Σ W S and Σ S² over the clusters of every group, shape (groups,) each.

    W are a cluster's votes, weighted, and S their scores: what Σ (S - mW)² needs of any mean m.
    """

    weight: FloatArray
    cross: FloatArray
    score: FloatArray

    @classmethod
    def of(
        cls, group: IntArray, groups: int, weight: FloatArray | None, score: FloatArray
    ) -> Squares:
        """Of clusters with their Σ w, 1 each if not given, and Σ w y, each shape (clusters,)."""
        if weight is None:
            parts = (score, score**2)
            first = np.bincount(group, minlength=groups).astype(np.float64)
        else:
            parts = (weight * score, score**2)
            first = group_sum(group, on_exact_grid(weight**2), groups)
        return cls(first, *(group_sum(group, on_exact_grid(part), groups) for part in parts))

    def put_together(self, apart: Squares, joined: Squares) -> Squares:
        """With clusters that were counted `apart` taken as `joined`."""
        return Squares(
            self.weight - apart.weight + joined.weight,
            self.cross - apart.cross + joined.cross,
            self.score - apart.score + joined.score,
        )

    def around(self, mean: FloatArray) -> FloatArray:
        """Σ (S - mW)², shape (groups,)."""
        level = mean**2 * self.weight
        spread = self.score - 2 * mean * self.cross + level
        return np.where(spread > ROUNDED * (self.score + level), spread, 0.0)


def shared_variance(
    group: IntArray,
    groups: int,
    shared: IntArray,
    score: FloatArray,
    weight: FloatArray | None,
    squares: Squares,
    mean: FloatArray,
    total: FloatArray,
) -> FloatArray:
    """CR1 of every group's mean score over the clusters that share annotator and prompt.

    Most of these hold one vote. So each vote is taken for a cluster of its own at first, and only
    those that are not are looked for.

    Parameters
    ----------
    group : int array, shape (n,)
    groups : int
    shared : int array, shape (n,)
        As from :func:`~reports.stats.clusters.shared_by_several`.
    score : float array, shape (n,)
    weight : float array, shape (n,), or None
    squares : Squares
        Of the votes, each a cluster.
    mean, total : float array, shape (groups,)
        Mean score, and Σ w.

    Returns
    -------
    float array, shape (groups,)
        NaN for a single cluster.
    """
    clusters = np.bincount(group, minlength=groups)
    rows = np.flatnonzero(shared != ALONE)
    if rows.size:
        held, own = group[rows], score[rows]
        weights = None if weight is None else weight[rows]
        sums = cluster_sums(held, groups, shared[rows], int(shared.max()) + 1, own, weights)
        clusters = clusters - np.bincount(held, minlength=groups)
        clusters += np.bincount(sums.group, minlength=groups)
        squares = squares.put_together(
            Squares.of(held, groups, weights, own if weights is None else weights * own),
            Squares.of(sums.group, groups, sums.weight, sums.score),
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = clusters / (clusters - 1) * squares.around(mean) / total**2
    return np.where(clusters < 2, np.nan, found)
