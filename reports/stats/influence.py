"""How much hangs on one annotator, or on a few votes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from reports.stats.bradley_terry import (
    MAX_ITERATIONS,
    MAX_STEP,
    METHOD_RIDGE,
    TOLERANCE,
    BradleyTerryFit,
    ComponentFit,
    fit_scores,
)
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.connectivity import find_separation
from reports.stats.group_sums import group_sum
from reports.stats.results import ShapeMismatch, VerdictCode, WarningCode
from reports.stats.standings import SAME_STRENGTH
from reports.stats.votes import BothBadPolicy, FloatArray, IntArray, TiePolicy, Votes

__all__ = [
    "FewestVotes",
    "LeaveOneOut",
    "fewest_votes_to_flip",
    "leave_one_annotator_out",
    "leave_one_out_work",
]

BLOCK_ENTRIES = 1 << 18
"""Entries of the refits' information held at once (2 MB)."""


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """The board refitted without each annotator in turn.

    Attributes
    ----------
    strengths : float array, shape (annotators, systems)
        Without that annotator; NaN where `shift` is and for a system without votes.
    shift : float array, shape (annotators,)
        Largest change of any Strength without that annotator; NaN for one without votes in the
        fit, and where no finite fit is left.
    system : int array, shape (annotators,)
        The system that moves so far; -1 where `shift` is NaN.
    rank_changes : bool array, shape (annotators,)
        Whether any rank within a component is another one.
    undefined : int
        Annotators without whom no finite fit is left.
    warnings : tuple of WarningCode
    """

    strengths: FloatArray
    shift: FloatArray
    system: IntArray
    rank_changes: NDArray[np.bool_]
    undefined: int
    warnings: tuple[WarningCode, ...]

    @property
    def largest(self) -> int | None:
        """The annotator of the largest shift; None without any."""
        return None if bool(np.isnan(self.shift).all()) else int(np.nanargmax(self.shift))


def leave_one_out_work(votes: Votes) -> int:
    """Annotators times systems cubed: what :func:`leave_one_annotator_out` costs, roughly."""
    return votes.n_annotators * votes.n_systems**3


def leave_one_annotator_out(votes: Votes, fit: BradleyTerryFit) -> LeaveOneOut:
    """Refit the Strengths without each annotator: all true refits, a block of them at a time.

    Parameters
    ----------
    votes : Votes
        Those that took part in the fit (:meth:`Votes.counted`).
    fit : BradleyTerryFit
    """
    strengths = np.tile(fit.strengths, (votes.n_annotators, 1))
    shift = np.full(votes.n_annotators, np.nan)
    system = np.full(votes.n_annotators, -1, dtype=np.intp)
    changed = np.zeros(votes.n_annotators, dtype=bool)
    undefined = np.zeros(votes.n_annotators, dtype=bool)
    single = False
    for part in fit.components:
        local = np.full(votes.n_systems, -1, dtype=np.intp)
        local[part.systems] = np.arange(part.systems.size)
        rows = np.flatnonzero(local[votes.system_a] >= 0)
        inside = votes.take(rows)
        codes, people = compact(inside.annotator)
        if people < 2:
            single = True
            continue
        names = np.unique(inside.annotator)
        refits = _refits(inside, part, local, codes, people)
        strengths[np.ix_(names, part.systems)] = refits
        lost = np.isnan(refits).any(axis=1)
        undefined[names[lost]] = True
        moved = np.abs(refits - part.strengths)
        most = np.where(lost, 0.0, moved.max(axis=1))
        larger = ~lost & ~(most <= shift[names])  # also where nothing is known yet
        shift[names[larger]] = most[larger]
        place = np.argmax(np.where(np.isnan(moved), -1.0, moved), axis=1)
        system[names[larger]] = part.systems[place[larger]]
        changed[names] |= ~lost & (_ranks(refits) != _ranks(part.strengths[None])).any(axis=1)
    shift[undefined], system[undefined], changed[undefined] = np.nan, -1, False
    strengths[np.isnan(shift)] = np.nan
    warnings = []
    if votes.n == 0:
        warnings.append(WarningCode.NO_VOTES)
    elif single:
        warnings.append(WarningCode.SINGLE_ANNOTATOR)
    if bool(undefined.any()):
        warnings.append(WarningCode.SPARSE_CELLS)
    return LeaveOneOut(strengths, shift, system, changed, int(undefined.sum()), tuple(warnings))


def _ranks(strengths: FloatArray) -> IntArray:
    """Ranks of every row, shape (rows, m); NaN ranks mean nothing."""
    larger = strengths[:, None, :] > strengths[:, :, None] + SAME_STRENGTH
    return np.asarray(1 + larger.sum(axis=2))


def _refits(
    votes: Votes, part: ComponentFit, local: IntArray, codes: IntArray, people: int
) -> FloatArray:
    """Strengths without each annotator, shape (people, m); NaN where there is no finite fit."""
    m = part.systems.size
    a, b = local[votes.system_a], local[votes.system_b]
    points = votes.score()
    weight = np.ones(votes.n) if votes.weight is None else votes.weight
    whole = _score(a * m + b, b * m + a, points, weight, m * m).reshape(m, m)
    out = np.empty((people, m))
    block = max(1, BLOCK_ENTRIES // (m * m))
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    for low in range(0, people, block):
        count = min(block, people - low)
        begin, end = np.searchsorted(ordered, [low, low + count])
        rows = order[begin:end]
        start = (codes[rows] - low).astype(np.int64) * m * m
        own = _score(
            start + a[rows] * m + b[rows],
            start + b[rows] * m + a[rows],
            points[rows],
            weight[rows],
            count * m * m,
        ).reshape(count, m, m)
        left = np.maximum(whole - own, 0.0)
        left[left < 1e-9 * max(1.0, float(weight.max()))] = 0.0  # rounding of weighted sums
        out[low : low + count] = _newton_block(left, part)
        if part.method != METHOD_RIDGE:
            for row in np.flatnonzero(((left > 0) != (whole > 0)).any(axis=(1, 2))):
                if find_separation(left[row]) is not None:
                    out[low + row] = np.nan
    return out


def _score(
    forward: IntArray, backward: IntArray, points: FloatArray, weight: FloatArray, size: int
) -> FloatArray:
    """Points of row against column, flat."""
    return group_sum(forward, weight * points, size) + group_sum(
        backward, weight * (1 - points), size
    )


def _newton_block(score: FloatArray, part: ComponentFit) -> FloatArray:
    """Newton's method for many score matrices at once, from the common fit."""
    count, m, _ = score.shape
    total = score + score.transpose(0, 2, 1)
    strengths = np.broadcast_to(part.strengths, (count, m)).copy()
    diagonal = np.arange(m)
    ridge = 1.0 if part.method == METHOD_RIDGE else 0.0
    for _ in range(MAX_ITERATIONS):
        p = expit(strengths[:, :, None] - strengths[:, None, :])
        gradient = (score - total * p).sum(axis=2) - ridge * strengths
        information = -total * p * p.transpose(0, 2, 1)
        information[:, diagonal, diagonal] = 0.0
        information[:, diagonal, diagonal] = ridge - information.sum(axis=2)
        # Adds c11ᵀ/m; a hair on the diagonal keeps a system without votes from being singular.
        trace = information[:, diagonal, diagonal].sum(axis=1)
        information += (trace / m**2)[:, None, None]
        information[:, diagonal, diagonal] += (1e-12 * np.maximum(trace, 1.0))[:, None]
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        largest = np.abs(step).max(axis=1)
        step *= np.minimum(1.0, MAX_STEP / np.maximum(largest, MAX_STEP))[:, None]
        strengths += step
        strengths -= strengths.mean(axis=1, keepdims=True)
        # Those that run away have no finite fit and are found out by their connectivity.
        if not bool(((largest > TOLERANCE) & (np.abs(strengths).max(axis=1) < 30)).any()):
            break
    return strengths


@dataclass(frozen=True, slots=True)
class FewestVotes:
    """How few votes decide which of two systems stands higher.

    Attributes
    ----------
    votes : int or None
        Votes whose removal flips the order, found by refits; None where no removal of votes in
        favour of the higher one does.
    linear : int or None
        The first-order count, from which the search starts.
    share : float or None
        `votes` over all votes of the component.
    n : int
        Votes of the component.
    """

    votes: int | None
    linear: int | None
    share: float | None
    n: int


def fewest_votes_to_flip(
    cells: Cells,
    part: ComponentFit,
    higher: int,
    lower: int,
    *,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
) -> FewestVotes:
    """Fewest votes whose removal puts `lower` above `higher` (Broderick, Giordano & Meager 2020).

    arXiv 2011.14999; for leaderboards Huang et al. 2025, arXiv 2508.11847. Removing one vote
    with residual r on (a, b) moves the gap by -g r/(1-h), to first order. Votes are taken in the
    order of this effect; the length of the prefix that flips the order is found by bisection
    with refits, as the first-order count overstates it. Every vote counts the same.

    Parameters
    ----------
    cells : Cells
    part : ComponentFit
        Of the same cells under the same policies.
    higher, lower : int
        Codes of two systems of the component.
    ties, both_bad : policies

    Raises
    ------
    UnknownPolicy
    ShapeMismatch
        The two are not in the component.
    """
    m = part.systems.size
    local = np.full(cells.n_systems, -1, dtype=np.intp)
    local[part.systems] = np.arange(m)
    i, j = int(local[higher]), int(local[lower])
    if i < 0 or j < 0 or i == j:
        raise ShapeMismatch(f"systems {higher} and {lower} are not two of one component")
    kept = local[cells.system_a] >= 0
    if ties == "drop":
        kept &= (cells.verdict == VerdictCode.A) | (cells.verdict == VerdictCode.B)
    elif both_bad == "drop":
        kept &= cells.verdict != VerdictCode.BOTH_BAD
    a, b = local[cells.system_a[kept]], local[cells.system_b[kept]]
    count = cells.count[kept]
    points = np.select(
        [cells.verdict[kept] == VerdictCode.A, cells.verdict[kept] == VerdictCode.B],
        [1.0, 0.0],
        0.5,
    )
    n = int(count.sum())
    gap = float(part.strengths[i] - part.strengths[j])
    if gap <= SAME_STRENGTH:
        return FewestVotes(0, 0, 0.0, n)
    covariance = part.model_covariance()
    p = expit(part.strengths[a] - part.strengths[b])
    leverage = p * (1 - p) * (covariance[a, a] + covariance[b, b] - 2 * covariance[a, b])
    pull = covariance[i] - covariance[j]
    # A vote that alone holds its system has leverage 1: without it there is no fit.
    effect = (pull[a] - pull[b]) * (points - p) / np.maximum(1 - leverage, 1e-9)
    order = np.argsort(-effect, kind="stable")
    order = order[effect[order] > 0]
    if order.size == 0:
        return FewestVotes(None, None, None, n)
    reach = np.cumsum(count[order])
    pulled = np.cumsum(count[order] * effect[order])
    limit = int(reach[-1])
    linear = None
    if pulled[-1] >= gap:
        cell = int(np.searchsorted(pulled, gap))
        before = float(pulled[cell - 1]) if cell else 0.0
        held = int(reach[cell - 1]) if cell else 0
        linear = held + max(1, int(np.ceil((gap - before) / effect[order[cell]] - 1e-12)))

    def flips(length: int) -> bool:
        removed = np.zeros(count.size, dtype=np.int64)
        ends = np.minimum(reach, length)
        removed[order] = np.diff(ends, prepend=0)
        rest = (count - removed).astype(np.float64)
        score = _score(a * m + b, b * m + a, points, rest, m * m).reshape(m, m)
        component, parts = fit_scores(score, score + score.T)
        if component[i] < 0 or component[i] != component[j]:
            return True  # nothing holds the order any more
        refit = parts[component[i]]
        place = {int(code): where for where, code in enumerate(refit.systems)}
        return bool(refit.strengths[place[i]] < refit.strengths[place[j]])

    high = min(linear or limit, limit)
    while not flips(high):
        if high == limit:
            return FewestVotes(None, linear, None, n)
        high = min(2 * high, limit)
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if flips(middle):
            high = middle
        else:
            low = middle
    return FewestVotes(high, linear, high / n, n)
