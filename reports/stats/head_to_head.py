"""Every pair of systems: counts, win rate, tests, and whether the votes suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from reports.stats.cells import Cells
from reports.stats.cluster_sums import cluster_sums
from reports.stats.connectivity import weak_components
from reports.stats.intervals import check_level
from reports.stats.mean_scores import MeanScores
from reports.stats.planning import (
    POWER,
    SMALLEST_DIFFERENCE,
    decisive_votes_needed,
    votes_still_needed,
)
from reports.stats.results import (
    Estimate,
    NegativeCount,
    ShapeMismatch,
    VerdictCode,
    WarningCode,
)
from reports.stats.sequential import SequentialLook, sequential_looks
from reports.stats.significance import (
    SignFlip,
    benjamini_hochberg,
    holm,
    sign_flip_floor,
    sign_flip_tests,
    sign_test,
)
from reports.stats.votes import BothBadPolicy, FloatArray, IntArray, TiePolicy, Votes
from reports.stats.win_rates import pair_index, pair_mean_scores

__all__ = ["DEFAULT_TARGET", "HeadToHeadRow", "head_to_head", "pair_counts"]

DEFAULT_TARGET = 200
"""Votes a pair that a study wants unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class HeadToHeadRow:
    """One pair of systems, a < b by code.

    Attributes
    ----------
    system_a, system_b : int
    component : int or None
        From 0, as on the leaderboard; None where the pair spans two or has no votes.
    n, wins_a, wins_b, ties, both_bad : int
        Counted votes, whatever the policies.
    win_rate_a : Estimate
        Mean score of a under the policies.
    p_value : float or None
        Sign-flip permutation with prompts as units; speaks about these annotators.
    p_method : str or None
        ``"sign_flip_exact"``, ``"sign_flip_draws"`` or ``"sign_flip_saddlepoint"``.
    p_adjusted : float or None
        Holm over the `family` pairs with votes in the component.
    family : int or None
    q_value : float or None
        Benjamini-Hochberg over the same family: for exploring, where a share of false findings is
        borne.
    p_value_votes : float or None
        Exact sign test on decisive votes; ignores that votes share prompts and annotators.
    p_value_two_way : float or None
        From the two-way clustered variance; speaks about annotators in general. None where
        that variance is 0.
    target : int
        Votes wanted, and no more than the design collects on the pair.
    target_reached : bool
    effective_decisive : float or None
        Independent decisive votes these are worth, at most as many as there are.
    needed : int
        Independent decisive votes that find the smallest difference of interest.
    enough : bool
        Whether `effective_decisive` reaches `needed`.
    votes_needed : int or None
        Votes still lacking for `enough`; None where more votes cannot be the answer.
    sequential : SequentialLook
        E-value and confidence sequence: what may be said at any look. Of every vote once, also
        where the votes carry weights.
    warnings : tuple of WarningCode
    """

    system_a: int
    system_b: int
    component: int | None
    n: int
    wins_a: int
    wins_b: int
    ties: int
    both_bad: int
    win_rate_a: Estimate
    p_value: float | None
    p_method: str | None
    p_adjusted: float | None
    family: int | None
    q_value: float | None
    p_value_votes: float | None
    p_value_two_way: float | None
    target: int
    target_reached: bool
    effective_decisive: float | None
    needed: int
    enough: bool
    votes_needed: int | None
    sequential: SequentialLook
    warnings: tuple[WarningCode, ...]


def head_to_head(
    votes: Votes,
    *,
    seed: int,
    target: int = DEFAULT_TARGET,
    level: float = 0.95,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    smallest_difference: float = SMALLEST_DIFFERENCE,
    power: float = POWER,
    planned_prompts: IntArray | None = None,
    planned_votes: IntArray | None = None,
) -> tuple[HeadToHeadRow, ...]:
    """One row for every pair of systems, with or without votes.

    Tests take every vote once, also where the votes carry weights.

    Parameters
    ----------
    votes : Votes
        All counted votes, with any verdict.
    seed : int
        The study's seed, for tests that need random draws.
    target : int
        Votes wanted per pair. A pair on which the design collects fewer has that number as its
        target, so that it can be reached.
    level : float
        Of the intervals; 1 - level is the size of the tests.
    ties, both_bad : policies
    smallest_difference, power : float
        Win rate among decisive votes that must be found, and how surely.
    planned_prompts : int array, shape (pairs,), optional
        On how many prompts each pair of systems, in the order of the rows, is to be compared; by
        default on all `votes.n_prompts`. It decides whether unanimity could pass at all
        (`too_few_prompts`): more votes on the same prompts do not help then.
    planned_votes : int array, shape (pairs,), optional
        How many votes the design collects on each pair; 0 where it compares the two on nothing,
        whose target is then `target` itself. By default the design is not known.

    Raises
    ------
    UnknownPolicy, InvalidLevel, NegativeCount, PlanError
    """
    check_level(level)
    if target < 0:
        raise NegativeCount(f"target is {target}; expected 0 or more votes a pair")
    alpha = 1 - level
    m = votes.n_systems
    cells = Cells.from_votes(votes)
    counts = pair_counts(cells)
    component = weak_components(cells.scores(ties, both_bad)[1])
    rates = pair_mean_scores(votes, ties=ties, both_bad=both_bad, level=level)
    decisive = pair_mean_scores(votes, ties="drop", level=level)
    flips = _sign_flips(votes.counted(ties, both_bad), rates.votes, seed)
    first, second = np.triu_indices(m, 1)
    adjusted, family = _adjusted(flips, component[first], holm)
    exploring, _ = _adjusted(flips, component[first], benjamini_hochberg)
    two_way = _two_way_p(rates)
    in_general = _two_way_adjusted(two_way, flips, component[first])
    needed = decisive_votes_needed(smallest_difference, power, alpha)
    looks = _looks(counts, rates, component[first], ties, both_bad, level)
    on_votes = sign_test(counts[:, VerdictCode.A], counts[:, VerdictCode.B])
    prompts = (
        [votes.n_prompts] * first.size if planned_prompts is None else planned_prompts.tolist()
    )
    if len(prompts) != first.size:
        raise ShapeMismatch(f"planned_prompts has {len(prompts)} entries for {first.size} pairs")
    if planned_votes is not None and planned_votes.size != first.size:
        raise ShapeMismatch(
            f"planned_votes has {planned_votes.size} entries for {first.size} pairs"
        )
    targets = np.full(first.size, target)
    if planned_votes is not None:
        targets = np.where(planned_votes > 0, np.minimum(target, planned_votes), target)
    targets_of = targets.tolist()
    policies = [
        _policy_warnings(ties, both_bad, tied, bad)
        for tied, bad in counts[:, [VerdictCode.TIE, VerdictCode.BOTH_BAD]].tolist()
    ]
    win_rates = rates.estimates(policies)
    # Plain numbers, as single entries of arrays are slow to get at: there may be 20,000 pairs.
    votes_of = counts.tolist()
    worth, p_votes, parts = decisive.effective.tolist(), on_votes.tolist(), component.tolist()
    p_holm, p_exploring = adjusted.tolist(), exploring.tolist()
    p_general, families = in_general.tolist(), family.tolist()
    rows = []
    for pair, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        wins_a, tied, wins_b, bad = votes_of[pair]
        n, n_decisive = wins_a + tied + wins_b + bad, wins_a + wins_b
        flip = flips[pair]
        warnings = list(policies[pair])
        if flip is not None:
            if families[pair] * sign_flip_floor(prompts[pair]) > alpha:
                warnings.append(WarningCode.TOO_FEW_PROMPTS)
            found = p_holm[pair] <= alpha
            if two_way[pair] is not None and found != (p_general[pair] <= alpha):
                warnings.append(WarningCode.P_VALUES_DIFFER)
        effective = min(worth[pair], n_decisive) if n_decisive else None
        hopeless = WarningCode.TOO_FEW_PROMPTS in warnings
        win_rate = win_rates[pair]
        rows.append(
            HeadToHeadRow(
                system_a=a,
                system_b=b,
                component=None if flip is None else parts[a],
                n=n,
                wins_a=wins_a,
                wins_b=wins_b,
                ties=tied,
                both_bad=bad,
                win_rate_a=win_rate,
                p_value=None if flip is None else flip.p_value,
                p_method=None if flip is None else flip.method,
                p_adjusted=None if flip is None else p_holm[pair],
                family=None if flip is None else families[pair],
                q_value=None if flip is None else p_exploring[pair],
                p_value_votes=p_votes[pair] if n else None,
                p_value_two_way=two_way[pair],
                target=targets_of[pair],
                target_reached=n >= targets_of[pair],
                effective_decisive=effective,
                needed=needed,
                enough=effective is not None and effective >= needed,
                votes_needed=None
                if hopeless
                else votes_still_needed(needed, votes=n, decisive=n_decisive, effective=effective),
                sequential=looks[pair],
                warnings=tuple(dict.fromkeys((*win_rate.warnings, *warnings))),
            )
        )
    return tuple(rows)


def _policy_warnings(
    ties: TiePolicy, both_bad: BothBadPolicy, tied: int, bad: int
) -> tuple[WarningCode, ...]:
    if ties == "drop":
        return (WarningCode.TIES_DROPPED,) if tied or bad else ()
    return (WarningCode.BOTH_BAD_FOLDED,) if bad and both_bad == "tie" else ()


def pair_counts(cells: Cells) -> IntArray:
    """Votes by pair and verdict in the frame of a < b, shape (pairs, 4)."""
    m, verdicts = cells.n_systems, len(VerdictCode)
    pairs = m * (m - 1) // 2
    code = pair_index(cells.system_a, cells.system_b, m) * verdicts + cells.verdict
    counts = np.bincount(code, cells.count, pairs * verdicts)
    return counts.astype(np.int64).reshape(pairs, verdicts)


def _looks(
    counts: IntArray,
    rates: MeanScores,
    component: IntArray,
    ties: TiePolicy,
    both_bad: BothBadPolicy,
    level: float,
) -> tuple[SequentialLook, ...]:
    """The sequential look of every pair, at the votes that count under the policies."""
    halves = np.zeros(counts.shape[0], dtype=np.int64)
    if ties == "half":
        halves = halves + counts[:, VerdictCode.TIE]
        if both_bad == "tie":
            halves = halves + counts[:, VerdictCode.BOTH_BAD]
    wins, losses = counts[:, VerdictCode.A], counts[:, VerdictCode.B]
    return sequential_looks(wins, halves, losses, rates, component, level=level)


def _sign_flips(votes: Votes, pair_votes: IntArray, seed: int) -> list[SignFlip | None]:
    """The permutation test of every pair; None without votes."""
    m = votes.n_systems
    low = np.minimum(votes.system_a, votes.system_b)
    high = np.maximum(votes.system_a, votes.system_b)
    points = 2 * votes.score() - 1
    points[votes.system_a > votes.system_b] *= -1
    sums = cluster_sums(
        pair_index(low, high, m), pair_votes.size, votes.prompt, votes.n_prompts, points, None
    )
    bounds = np.searchsorted(sums.group, np.arange(pair_votes.size + 1))
    return sign_flip_tests(
        sums.score.astype(np.int64), sums.count.astype(np.int64), bounds, seed=seed
    )


def _adjusted(
    flips: list[SignFlip | None], component: IntArray, adjust: Callable[[ArrayLike], FloatArray]
) -> tuple[FloatArray, IntArray]:
    """Adjusted p and the size of the family, by pair; meaningless for pairs without votes."""
    tested = np.array([flip is not None for flip in flips], dtype=bool)
    p = np.array([1.0 if flip is None else flip.p_value for flip in flips])
    return _by_component(p, tested, component, adjust)


def _two_way_adjusted(
    two_way: list[float | None], flips: list[SignFlip | None], component: IntArray
) -> FloatArray:
    """Holm's p of the two-way tests over the same families, so that both speak of one claim.

    Where the variance is 0 there is no two-way p; the permutation test then stands in for it, so
    that the family keeps its size.
    """
    tested = np.array([flip is not None for flip in flips], dtype=bool)
    p = np.array(
        [
            own if own is not None else (1.0 if flip is None else flip.p_value)
            for own, flip in zip(two_way, flips, strict=True)
        ]
    )
    return _by_component(p, tested, component, holm)[0]


def _by_component(
    p: FloatArray,
    tested: NDArray[np.bool_],
    component: IntArray,
    adjust: Callable[[ArrayLike], FloatArray],
) -> tuple[FloatArray, IntArray]:
    adjusted, family = np.ones(p.size), np.zeros(p.size, dtype=np.int64)
    for label in np.unique(component[tested]):
        inside = tested & (component == label)
        adjusted[inside] = adjust(p[inside])
        family[inside] = int(inside.sum())
    return adjusted, family


def _two_way_p(rates: MeanScores) -> list[float | None]:
    """t tests of a mean score of ½, by pair; None without votes or without variance."""
    tested = (rates.votes > 0) & (rates.variance > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (rates.mean - 0.5) / np.sqrt(rates.variance)
    p = np.minimum(1.0, 2 * stdtr(rates.df, -np.abs(t))).tolist()
    return [own if known else None for own, known in zip(p, tested.tolist(), strict=True)]
