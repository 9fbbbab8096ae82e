"""Votes summed by group and cluster, and the cluster-robust variance of a mean score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.stats.covariance import CHUNK_ENTRIES, intersect
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.votes import FloatArray, IntArray

__all__ = ["ClusterSums", "MeanVariances", "cluster_sums", "mean_variances"]


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
    code: IntArray = group.astype(np.int64)
    code *= clusters
    code += cluster
    size = groups * clusters
    if size <= 4 * code.size + CHUNK_ENTRIES:
        count = np.bincount(code, minlength=size)
        distinct = np.flatnonzero(count)
        count = count[distinct]
    else:
        place, size = intersect(group, cluster)
        distinct = np.empty(size, dtype=np.int64)
        distinct[place] = code
        code, count = place, np.bincount(place, minlength=size)
    kept: Any = distinct if size != distinct.size else slice(None)
    votes = count.astype(np.float64)
    if weight is None:
        weights, scores = votes, group_sum(code, score, size)[kept]
    else:
        weights = group_sum(code, on_exact_grid(weight), size)[kept]
        scores = group_sum(code, on_exact_grid(weight * score), size)[kept]
    owner, member = np.divmod(distinct, max(clusters, 1))
    return ClusterSums(owner, member, votes, weights, scores)


@dataclass(frozen=True, slots=True)
class MeanVariances:
    """Cluster-robust variances of mean scores over one dimension, shape (groups,) each.

    Attributes
    ----------
    clusters : int array
        Clusters with votes.
    effective : float array
        G_eff.
    cr1, cr3 : float array
        NaN for a single cluster.
    """

    clusters: IntArray
    effective: FloatArray
    cr1: FloatArray
    cr3: FloatArray


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
    votes = group_sum(owner, sums.count, groups)
    residual = sums.score - mean[owner] * sums.weight
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = votes**2 / group_sum(owner, sums.count**2, groups)
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
