"""Covariance of fitted parameters when votes share annotators and prompts.

A vote enters with its residual r and information h on the row x of the design: +1 for system
a, -1 for system b, and optionally further columns (the side, style, the share of ties). From
these come the iid sandwich, the one-way cluster-robust CR1 and CR3, and the two-way
combination that is the default. Nothing here holds an array of votes by systems.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reports.stats.cluster_scores import blocks, score_sums, some_votes, system_sums
from reports.stats.clusters import ALONE, CHUNK_ENTRIES, compact, effective_clusters
from reports.stats.design import Design
from reports.stats.group_sums import group_sum, on_exact_grid
from reports.stats.results import WarningCode

__all__ = ["Covariance", "clustered_covariance", "cr1", "cr3", "iid_sandwich", "two_way"]

CR3_LIMIT = 2e7
"""CR3 solves one system of equations a cluster; above this many matrix entries in all, CR1,
which then differs by less than a hundredth of itself, takes its place."""

DENSE_GAIN = 60
"""So many products of a dense matrix take the time of one in a sparse one."""

FEW_CLUSTERS = 5.0
"""Below this many effective clusters an interval is honest but wide, and says so."""

SINGULAR = 1e11
"""A generic vector grows by more than this (on the scale of the mean information) only where
the matrix it is solved with is singular up to rounding."""

NOT_PSD = 1e-10
"""An eigenvalue below minus this share of the trace is negative, not rounding."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Covariance:
    """A covariance matrix and what it respects.

    Attributes
    ----------
    matrix : float array, shape (k, k)
    df : float or None
        Degrees of freedom for Student's t; None for the normal distribution.
    method : str
        E.g. ``"two_way_cr3"``, ``"prompt_cr3"``, ``"iid"``.
    n_clusters : mapping of str to int
        Clusters with votes, per dimension that the matrix respects.
    effective : mapping of str to float
        G_eff of every dimension that was looked at.
    warnings : tuple of WarningCode
    these_annotators : Covariance or None
        Prompt-only companion where few annotators make the two-way interval wide.
    for_ranks : Covariance or None
        What claims about ranks rest on, where that is not the matrix itself.
    """

    matrix: FloatArray
    df: float | None
    method: str
    n_clusters: Mapping[str, int]
    effective: Mapping[str, float]
    warnings: tuple[WarningCode, ...] = ()
    these_annotators: Covariance | None = None
    for_ranks: Covariance | None = None


def iid_sandwich(design: Design) -> FloatArray:
    """H⁺ (Σ r² x xᵀ) H⁺, votes independent (White 1982, doi 10.2307/1912526)."""
    bread = design.bread()
    return np.asarray(bread @ _meat_of_rows(design) @ bread)


def _meat_of_rows(design: Design, counted: NDArray[np.bool_] | None = None) -> FloatArray:
    """Σ r² x xᵀ, every vote a cluster of its own; over all votes, or those that are counted."""
    m = design.n_systems
    residual = design.residual if counted is None else design.residual * counted
    meat = _pair_sums(design, on_exact_grid(residual**2), _one(design), 1)[0]
    for k, extra in design.further():
        score = extra.score(k)
        cross = system_sums(design, on_exact_grid(residual * score), _one(design), 1)[0]
        meat[:m, m + k] = meat[m + k, :m] = cross
        if counted is not None:
            score = score * counted
        for other in range(k + 1):
            product = float(on_exact_grid(score * extra.score(other)).sum())
            meat[m + k, m + other] = meat[m + other, m + k] = product
    return np.asarray(meat)


def _one(design: Design) -> IntArray:
    """Every vote in the same cluster."""
    return np.zeros(design.a.size, np.intp)


def _pair_sums(design: Design, weight: FloatArray, cluster: IntArray, clusters: int) -> FloatArray:
    """Σ weight x xᵀ by cluster, shape (clusters, k, k), 0 in the extra columns."""
    k, m = design.n_columns, design.n_systems
    size = clusters * k * k
    start = cluster * np.int64(k * k)
    pair = group_sum(start + design.a * np.int64(k) + design.b, weight, size)
    sums: FloatArray = -pair.reshape(clusters, k, k)
    sums += sums.transpose(0, 2, 1).copy()
    diagonal = np.arange(m)
    sums[:, diagonal, diagonal] -= sums.sum(axis=2)[:, :m]
    return sums


def _information_sums(design: Design, cluster: IntArray, clusters: int) -> FloatArray:
    """H_g, the information of each cluster, shape (clusters, k, k)."""
    m = design.n_systems
    sums = _pair_sums(design, design.information, cluster, clusters)
    for k, extra in design.further():
        cross = system_sums(design, extra.cross(k), cluster, clusters)
        sums[:, :m, m + k] = sums[:, m + k, :m] = cross
        for other in range(k + 1):
            shared = group_sum(cluster, extra.information(k, other), clusters)
            sums[:, m + k, m + other] = sums[:, m + other, m + k] = shared
    return sums


def cr1(design: Design, cluster: IntArray, clusters: int) -> FloatArray:
    """G/(G-1) H⁺ (Σ S_g S_gᵀ) H⁺ (Liang & Zeger 1986, doi 10.1093/biomet/73.1.13).

    Parameters
    ----------
    design : Design
    cluster : int array, shape (n,)
        Coded 0..G-1, every code used.
    clusters : int
        G, at least 2.
    """
    if clusters * design.n_columns <= 4 * cluster.size + CHUNK_ENTRIES:
        return _sandwiched(design, _dense_meat(design, cluster, clusters), clusters)
    alone = np.bincount(cluster, minlength=clusters) == 1
    if not bool(alone.any()):
        return _sandwiched(design, _meat_of_several(design, cluster, clusters), clusters)
    return cr1_of_shared(design, np.where(alone[cluster], ALONE, cluster))


def cr1_of_shared(design: Design, shared: IntArray) -> FloatArray:
    """:func:`cr1` over clusters most of which hold one vote, whose share needs no table.

    Parameters
    ----------
    design : Design
    shared : int array, shape (n,)
        The cluster of each vote; `ALONE` for one that has none but itself.
    """
    alone = shared == ALONE
    rows = np.flatnonzero(~alone)
    cluster, several = compact(shared[rows])
    meat = _meat_of_rows(design, alone)
    if several:
        meat += _meat_of_several(some_votes(design, rows), cluster, several)
    return _sandwiched(design, meat, shared.size - rows.size + several)


def _sandwiched(design: Design, meat: FloatArray, clusters: int) -> FloatArray:
    bread = design.bread()
    return np.asarray(clusters / (clusters - 1) * bread @ meat @ bread)


def _dense_meat(design: Design, cluster: IntArray, clusters: int) -> FloatArray:
    scores = score_sums(design, cluster, clusters)
    return np.asarray(scores.T @ scores)


def _meat_of_several(design: Design, cluster: IntArray, clusters: int) -> FloatArray:
    """Σ S_g S_gᵀ where a table of clusters by columns would be nearly empty."""
    k = design.n_columns
    size = np.bincount(cluster, minlength=clusters)
    if clusters * k**2 > DENSE_GAIN * float(np.square(2.0 * size).sum()):
        return _product(*_entries_of_votes(design, cluster), (clusters, k))
    meat = np.zeros((k, k))
    places, columns, values = [], [], []
    done = 0
    for rows, local, count in blocks(cluster, clusters, k):
        scores = score_sums(some_votes(design, rows), local, count)
        # Votes of a cluster often speak of few systems, however many they are.
        place, column = np.nonzero(scores != 0)
        if scores.size * k <= DENSE_GAIN * float(np.square(1.0 * np.bincount(place)).sum()):
            meat += scores.T @ scores
        else:
            places.append(place + done)
            columns.append(column)
            values.append(scores[place, column])
        done += count
    if places:
        row, column, value = np.concatenate(places), np.concatenate(columns), np.concatenate(values)
        meat += _product(row, column, value, (clusters, k))
    return meat


def _entries_of_votes(design: Design, cluster: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Cluster, column and score of every entry that a vote has in a table of scores."""
    columns = [design.a, design.b]
    values = [design.residual, -design.residual]
    for k, extra in design.further():
        columns.append(np.full(design.a.size, design.n_systems + k, dtype=design.a.dtype))
        values.append(extra.score(k))
    return np.tile(cluster, len(columns)), np.concatenate(columns), np.concatenate(values)


def _product(
    row: IntArray, column: IntArray, value: FloatArray, shape: tuple[int, int]
) -> FloatArray:
    """TᵀT of a sparse table T, whose entries at the same place add up."""
    table = sparse.coo_array(
        (value, (row.astype(np.int32), column.astype(np.int32))), shape=shape
    ).tocsr()
    table.sum_duplicates()
    return np.asarray((table.T @ table).toarray(), dtype=np.float64)


def cr3(design: Design, cluster: IntArray, clusters: int) -> FloatArray | None:
    """One-step leave-one-cluster-out (MacKinnon, Nielsen & Webb 2023).

    δ_g = (H - H_g)⁻¹ S_g in the mean gauge, V = (G-1)/G Σ (δ_g - δ̄)(δ_g - δ̄)ᵀ.

    Returns
    -------
    float array, shape (k, k), or None
        None where leaving a cluster out leaves a parameter without data.
    """
    k = design.n_columns
    total = design.total + design.gauge
    probe = np.cos(np.arange(1.0, k + 1))
    largest = SINGULAR * k / float(np.trace(design.total))
    changes = np.empty((clusters, k))
    done = 0
    for rows, local, count in blocks(cluster, clusters, k * k):
        part = some_votes(design, rows)
        scores = score_sums(part, local, count)
        left = total - _information_sums(part, local, count)
        sides = np.stack([scores, np.broadcast_to(probe, scores.shape)], axis=2)
        try:
            solved = np.linalg.solve(left, sides)
        except np.linalg.LinAlgError:
            return None
        if not float(np.abs(solved[:, :, 1]).max()) < largest:
            return None
        changes[done : done + count] = solved[:, :, 0]
        done += count
    changes -= changes.mean(axis=0)
    return np.asarray((clusters - 1) / clusters * changes.T @ changes)


def two_way(first: FloatArray, second: FloatArray, both: FloatArray) -> tuple[FloatArray, bool]:
    """V₁ + V₂ - V₁₂ (Cameron, Gelbach & Miller 2011, doi 10.1198/jbes.2010.07136).

    Returns
    -------
    matrix : float array, shape (k, k)
    psd : bool
        False where the combination has a negative eigenvalue: the one-way matrix with the
        larger trace then stands for it.
    """
    matrix = first + second - both
    trace = float(np.trace(first) + np.trace(second))
    if float(np.linalg.eigvalsh(matrix)[0]) >= -NOT_PSD * trace:
        return matrix, True
    return (first if np.trace(first) >= np.trace(second) else second), False


def _affords_cr3(design: Design, clusters: int) -> bool:
    """Whether CR3 is cheap enough for so many clusters."""
    return clusters * design.n_columns**2 <= CR3_LIMIT


def _one_way(design: Design, cluster: IntArray, clusters: int) -> tuple[FloatArray, str]:
    if _affords_cr3(design, clusters):
        matrix = cr3(design, cluster, clusters)
        if matrix is not None:
            return matrix, "cr3"
    return cr1(design, cluster, clusters), "cr1"


def clustered_covariance(
    design: Design,
    annotator: IntArray,
    prompt: IntArray,
    shared: IntArray,
    weight: FloatArray | None = None,
) -> Covariance:
    """The covariance that the data allow, with its degrees of freedom and warnings.

    Two-way over annotators and prompts; with one annotator by prompts only, with one prompt by
    annotators only, with neither the iid sandwich. CR3 for each dimension where it is cheap
    enough and exists (a system seen in one cluster only has no leave-one-out fit: CR1 then,
    with the warning `sparse_cells`); CR1 for the intersection.

    Parameters
    ----------
    design : Design
    annotator, prompt : int array, shape (n,)
        Any codes from 0.
    shared : int array, shape (n,)
        :func:`~reports.stats.clusters.shared_by_several` of the two, of these votes or of more.
    weight : float array, shape (n,), optional
        What the votes weigh, for the degrees of freedom; the design has it in its residuals.
    """
    warnings: list[WarningCode] = []
    names = ("annotator", "prompt")
    codes = {name: compact(column) for name, column in zip(names, (annotator, prompt), strict=True)}
    effective = {name: effective_clusters(codes[name][0], weight)[1] for name in names}
    if codes["annotator"][1] < 2:
        warnings.append(WarningCode.SINGLE_ANNOTATOR)
    elif effective["annotator"] < FEW_CLUSTERS:
        warnings.append(WarningCode.FEW_ANNOTATORS)
    if effective["prompt"] < FEW_CLUSTERS:
        warnings.append(WarningCode.FEW_PROMPTS)
    used = [name for name in names if codes[name][1] >= 2]
    n_clusters = {name: codes[name][1] for name in used}
    if not used:
        df = max(1.0, design.a.size - 1.0)
        return Covariance(iid_sandwich(design), df, "iid", n_clusters, effective, tuple(warnings))
    parts = {name: _one_way(design, *codes[name]) for name in used}
    if any(
        kind == "cr1" and _affords_cr3(design, codes[name][1]) for name, (_, kind) in parts.items()
    ):
        warnings.append(WarningCode.SPARSE_CELLS)
    df = max(1.0, min(effective[name] for name in used) - 1)
    if len(used) == 1:
        matrix, kind = parts[used[0]]
        return Covariance(matrix, df, f"{used[0]}_{kind}", n_clusters, effective, tuple(warnings))
    both = cr1_of_shared(design, shared)
    matrix, psd = two_way(parts["annotator"][0], parts["prompt"][0], both)
    kinds = [parts[name][1] for name in names]
    method = "two_way_" + (kinds[0] if kinds[0] == kinds[1] else "_".join(kinds))
    for_ranks = None
    if not psd:
        warnings.append(WarningCode.NOT_PSD)
        larger = "annotator" if matrix is parts["annotator"][0] else "prompt"
        method = f"{larger}_{parts[larger][1]}"
        n_clusters = {larger: codes[larger][1]}
        # One source alone is too small an error for a claim over all pairs. Without the term of
        # the intersection the sum has no negative eigenvalue and errs on the safe side (Davezies,
        # D'Haultfoeuille & Guyonvarch 2021, doi 10.1214/20-AOS1981).
        for_ranks = Covariance(
            parts["annotator"][0] + parts["prompt"][0],
            df,
            "two_way_sum",
            {name: codes[name][1] for name in names},
            effective,
            tuple(warnings),
        )
    companion = None
    if WarningCode.FEW_ANNOTATORS in warnings:
        companion = Covariance(
            parts["prompt"][0],
            max(1.0, effective["prompt"] - 1),
            f"prompt_{parts['prompt'][1]}",
            {"prompt": codes["prompt"][1]},
            {"prompt": effective["prompt"]},
        )
    return Covariance(
        matrix, df, method, n_clusters, effective, tuple(warnings), companion, for_ranks
    )
