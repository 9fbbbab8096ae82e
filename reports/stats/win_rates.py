"""Mean scores of systems and pairs with intervals that respect ties, annotators and prompts.

The mean score (a tie is half a win) gets a cluster-robust variance v; m(1-m)/v is then the
number of independent win-or-lose votes that would tell as much, and goes into Wilson's
interval with Student's t. This covers ties (more effective votes than votes) and clusters
(fewer). Korn & Graubard 1998.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from reports.stats.cluster_sums import (
    MeanVariances,
    Squares,
    cluster_sums,
    mean_variances,
    shared_variance,
)
from reports.stats.clusters import order_of, shared_by_several
from reports.stats.covariance import NOT_PSD
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.intervals import critical_value, critical_values, wilson
from reports.stats.mean_scores import Clustering, MeanScores, effective_votes
from reports.stats.votes import BothBadPolicy, FloatArray, IntArray, TiePolicy, Votes

__all__ = ["mean_scores", "pair_index", "pair_mean_scores", "system_mean_scores"]

BLOCK_VOTES = 250_000
"""Groups are worked on together up to this many votes, some 200 bytes each: groups do not
depend on each other, so that larger studies need no more memory than one block."""


def mean_scores(
    group: IntArray,
    groups: int,
    score: FloatArray,
    weight: FloatArray | None,
    annotator: IntArray,
    prompt: IntArray,
    *,
    shared: IntArray | None = None,
    clustering: Clustering = "two_way",
    level: float = 0.95,
) -> MeanScores:
    """Mean score of every group with its clustered variance.

    Two-way over annotators and prompts (CR3 each, CR1 for their intersection); by one of them
    where the other has a single cluster; independent votes where both have.

    Parameters
    ----------
    group, annotator, prompt : int array, shape (n,)
    groups : int
    score : float array, shape (n,)
        Within [0, 1].
    weight : float array, shape (n,), or None
    shared : int array, shape (n,), optional
        :func:`~reports.stats.clusters.shared_by_several` of annotator and prompt, where the caller
        has it: of these votes or of more.
    clustering : {"two_way", "none"}
        ``"none"``: independent votes and the normal quantile; without ties this is the plain
        Wilson interval.
    level : float
    """
    critical_value(level, None)  # refuses a wrong level before any work
    if shared is None:
        shared = shared_by_several(annotator, prompt)
    blocks = []
    ranges = _ranges(np.bincount(group, minlength=groups))
    chosen: list[Any] = [slice(None)] if len(ranges) == 1 else _rows_of(group, ranges)
    for (low, high), rows in zip(ranges, chosen, strict=True):
        blocks.append(
            _block(
                group[rows] - low,
                high - low,
                score[rows],
                None if weight is None else weight[rows],
                annotator[rows],
                prompt[rows],
                shared[rows],
                clustering,
                level,
            )
        )
    return _joined(blocks)


def _ranges(sizes: IntArray) -> list[tuple[int, int]]:
    """Consecutive groups [low, high) of at most BLOCK_VOTES votes, or of a single group."""
    ranges, low, held = [], 0, 0
    for group, size in enumerate(sizes.tolist()):
        if held and held + size > BLOCK_VOTES:
            ranges.append((low, group))
            low, held = group, 0
        held += size
    ranges.append((low, sizes.size))
    return ranges


def _rows_of(group: IntArray, ranges: list[tuple[int, int]]) -> list[IntArray]:
    """The rows of each range of groups."""
    order = order_of(group)
    ends = np.cumsum(np.bincount(group, minlength=ranges[-1][1]))
    return np.split(order, [ends[high - 1] for _, high in ranges[:-1]])


def _joined(blocks: list[MeanScores]) -> MeanScores:
    if len(blocks) == 1:
        return blocks[0]
    columns = [item.name for item in fields(MeanScores) if item.name not in ("clustering", "level")]
    joined = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in columns}
    return MeanScores(**joined, clustering=blocks[0].clustering, level=blocks[0].level)


def _block(
    group: IntArray,
    groups: int,
    score: FloatArray,
    weight: FloatArray | None,
    annotator: IntArray,
    prompt: IntArray,
    shared: IntArray,
    clustering: Clustering,
    level: float,
) -> MeanScores:
    votes = np.bincount(group, minlength=groups)
    if weight is not None:
        # Before they are multiplied: of two grids the mean of a system that won all its votes was
        # a little more than 1.
        weight = on_exact_grid(weight)
    own = score if weight is None else weight * score
    squares = Squares.of(group, groups, weight, own)
    total = votes.astype(np.float64)
    if weight is not None:
        total = group_sum(group, weight, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = group_sum(group, on_exact_grid(own), groups) / total
        independent = squares.around(mean) / total**2
    not_psd = np.zeros(groups, dtype=bool)
    if clustering == "none":
        person = text = MeanVariances.of_nothing(groups)
        variance, method = independent, np.full(groups, "iid", dtype="U16")
        df, fallback = np.full(groups, np.inf), votes.astype(np.float64)
    else:
        person, text = (
            mean_variances(
                cluster_sums(group, groups, column, int(column.max(initial=-1)) + 1, score, weight),
                groups,
                mean,
                total,
            )
            for column in (annotator, prompt)
        )
        both = shared_variance(group, groups, shared, score, weight, squares, mean, total)
        two, people, prompts = (
            (person.clusters >= 2) & (text.clusters >= 2),
            person.clusters >= 2,
            text.clusters >= 2,
        )
        one_way = person.cr3 + text.cr3
        with np.errstate(invalid="ignore"):
            combined = one_way - both
            not_psd = two & (one_way > 0) & (combined <= NOT_PSD * one_way)
            people_larger = person.cr3 >= text.cr3
        variance = np.select(
            [not_psd & people_larger, not_psd, two, people, prompts],
            [person.cr3, text.cr3, np.maximum(combined, 0), person.cr3, text.cr3],
            independent,
        )
        method = np.select(
            [not_psd & people_larger, not_psd, two, people, prompts],
            ["annotator_t", "prompt_t", "two_way_t", "annotator_t", "prompt_t"],
            "iid_t",
        )
        limit = np.fmin(
            np.where(people, person.effective, np.inf), np.where(prompts, text.effective, np.inf)
        )
        df = np.maximum(1.0, np.where(np.isinf(limit), votes, limit) - 1)
        fallback = text.clusters.astype(np.float64)
    effective = effective_votes(mean, variance, votes, fallback)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = wilson(mean, effective, critical_values(level, df))
    return MeanScores(
        votes=votes,
        mean=mean,
        variance=variance,
        effective=effective,
        df=df,
        low=low,
        high=high,
        annotators=person.clusters,
        prompts=text.clusters,
        effective_annotators=person.effective,
        effective_prompts=text.effective,
        method=method,
        not_psd=not_psd,
        prompt_variance=text.cr3,
        annotator_variance=person.cr3,
        independent_variance=independent,
        clustering=clustering,
        level=level,
    )


def pair_index(first: Any, second: Any, systems: int) -> Any:
    """Place of the pair i < j in the list (0,1), (0,2), … (1,2), …"""
    i = np.asarray(first, dtype=np.int64)
    return i * (2 * systems - i - 1) // 2 + (second - i - 1)


def pair_mean_scores(
    votes: Votes,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    clustering: Clustering = "two_way",
    level: float = 0.95,
) -> MeanScores:
    """Mean score of the first of every pair i < j, in the order of :func:`pair_index`."""
    used = votes.counted(ties, both_bad)
    mirrored = used.system_a > used.system_b
    low = np.minimum(used.system_a, used.system_b)
    high = np.maximum(used.system_a, used.system_b)
    score = used.score()
    m = votes.n_systems
    return mean_scores(
        pair_index(low, high, m),
        m * (m - 1) // 2,
        np.where(mirrored, 1 - score, score),
        used.weight,
        used.annotator,
        used.prompt,
        shared=used.shared,
        clustering=clustering,
        level=level,
    )


def system_mean_scores(
    votes: Votes,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    clustering: Clustering = "two_way",
    level: float = 0.95,
) -> MeanScores:
    """Mean score of every system over all its votes; each vote counts for two systems."""
    critical_value(level, None)  # refuses a wrong level before any work
    used = votes.counted(ties, both_bad)
    m = votes.n_systems
    sizes = np.bincount(used.system_a, minlength=m) + np.bincount(used.system_b, minlength=m)
    blocks = []
    ranges = _ranges(sizes)
    as_first, as_second = (_rows_of(column, ranges) for column in (used.system_a, used.system_b))
    for (low, high), first, second in zip(ranges, as_first, as_second, strict=True):
        rows = np.concatenate([first, second])
        score = used.score(rows)
        score[first.size :] = 1 - score[first.size :]
        blocks.append(
            _block(
                np.concatenate([used.system_a[first], used.system_b[second]]) - low,
                high - low,
                score,
                None if used.weight is None else used.weight[rows],
                used.annotator[rows],
                used.prompt[rows],
                used.shared[rows],
                clustering,
                level,
            )
        )
    return _joined(blocks)
