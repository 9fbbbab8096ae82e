"""Scores of clusters, and clusters in blocks that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reports.stats.clusters import order_of
from reports.stats.design import Design
from reports.stats.group_sums import group_sum
from reports.stats.votes import FloatArray, IntArray

__all__ = ["blocks", "score_sums", "some_votes", "system_sums"]

BLOCK_ENTRIES = 1 << 17
"""Entries of cluster information held at once (1 MB): more would leave the processor's cache."""


def system_sums(design: Design, value: FloatArray, cluster: IntArray, clusters: int) -> FloatArray:
    """Σ value (e_a - e_b) by cluster, shape (clusters, m)."""
    m = design.n_systems
    start = cluster * np.int64(m)
    sums = group_sum(start + design.a, value, clusters * m)
    sums -= group_sum(start + design.b, value, clusters * m)
    return sums.reshape(clusters, m)


def score_sums(design: Design, cluster: IntArray, clusters: int) -> FloatArray:
    """S_g, the score of each cluster, shape (clusters, k)."""
    sums = system_sums(design, design.residual, cluster, clusters)
    more = [group_sum(cluster, extra.score(k), clusters) for k, extra in design.further()]
    return np.column_stack([sums, *more]) if more else sums


def blocks(cluster: IntArray, clusters: int, entries: int) -> Iterator[tuple[Any, IntArray, int]]:
    """Consecutive clusters whose arrays of `entries` numbers each fit one block.

    Yields the rows of the block (a slice or an index array), their clusters counted from the
    block's start, and the number of clusters.
    """
    per_block = max(1, BLOCK_ENTRIES // max(entries, 1))
    if clusters <= per_block:
        yield slice(None), cluster, clusters
        return
    order = order_of(cluster)
    ordered = cluster[order]
    for low in range(0, clusters, per_block):
        high = min(low + per_block, clusters)
        begin, end = np.searchsorted(ordered, [low, high])
        yield order[begin:end], ordered[begin:end] - low, high - low


def some_votes(design: Design, rows: Any) -> Design:
    """The design of some of its votes, or itself for a slice, which is all of them."""
    if isinstance(rows, slice):
        return design
    return Design(
        design.a[rows],
        design.b[rows],
        design.residual[rows],
        design.information[rows],
        None if design.extra is None else design.extra.take(rows),
        design.total,
        design.gauge,
        design.n_systems,
    )
