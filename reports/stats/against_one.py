"""Several systems against one: a permutation test that shares its draws between them.

Holm's method takes the tests of a family for strangers. Those of several systems against one
system meet the same prompts and share that system's responses; the distribution of the largest
statistic knows that, and loses less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.cluster_sums import cluster_sums
from reports.stats.results import ShapeMismatch, WarningCode, generator
from reports.stats.significance import sign_flip_floor
from reports.stats.votes import BothBadPolicy, FloatArray, IntArray, TiePolicy, Votes

__all__ = [
    "METHOD",
    "Opponent",
    "Planned",
    "SystemAgainstOthers",
    "against_one",
    "max_statistic_p_values",
]

METHOD = "sign_flip_max"

DRAWS = 20_000

EXACT_PROMPTS = 15
"""Up to here all 2^(P-1) sign patterns that differ by more than a common sign are gone through."""

PIECE = 1 << 20
"""Signs held at a time (numbers, 8 MB)."""

ROUNDING = 1e-9
"""Statistics closer than this are equal: their sums differ by rounding only."""


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """What is to be compared, voted on or not.

    Attributes
    ----------
    system_a, system_b, prompt : int array, shape (comparisons,)
        Codes as in the votes.
    """

    system_a: IntArray
    system_b: IntArray
    prompt: IntArray


@dataclass(frozen=True, slots=True)
class Opponent:
    """One of the systems that were compared with the one.

    Attributes
    ----------
    system : int
    prompts : int
        Prompts with votes on the two.
    mean_score : float
        Of the one against this opponent: the mean over prompts of the prompt's mean score.
    p_adjusted : float
        Over all opponents of the one, by step-down.
    """

    system: int
    prompts: int
    mean_score: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class SystemAgainstOthers:
    """One system and all that it met.

    Attributes
    ----------
    system : int
    prompts : int
        Prompts with votes on it.
    method : str
        ``"sign_flip_max_exact"`` or ``"sign_flip_max_draws"``.
    opponents : tuple of Opponent
        By code. Empty for a system without votes.
    warnings : tuple of WarningCode
        `too_few_prompts` where even unanimity against every opponent on every planned prompt
        could not reach `1 - level`; `no_votes`.
    """

    system: int
    prompts: int
    method: str
    opponents: tuple[Opponent, ...]
    warnings: tuple[WarningCode, ...]


def against_one(
    votes: Votes,
    systems: IntArray,
    *,
    seed: int,
    level: float = 0.95,
    ties: TiePolicy = "half",
    both_bad: BothBadPolicy = "tie",
    planned: Planned | None = None,
) -> tuple[SystemAgainstOthers, ...]:
    """Test each of `systems` against every system that it met.

    R_pj is the mean over a prompt's votes on the one and opponent j of (score of the one - 1/2).
    All of a prompt's differences change their sign together, as they would if the one's
    responses to it were exchanged with those of equals. The statistic of j is
    |Σ_p R_pj| / √(Σ_p R_pj²), whose variance over the sign patterns is 1; the largest over the
    opponents still in question is compared with its own distribution (Westfall & Young 1993).

    Parameters
    ----------
    votes : Votes
    systems : int array
        Codes of the systems to be the one, each in its turn.
    seed : int
        The study's seed.
    level : float
        1 - level is the size at which `too_few_prompts` is judged.
    ties, both_bad : policies
    planned : Planned, optional
        By default every system is compared with every other on all `votes.n_prompts`. It decides
        whether unanimity could pass at all (`too_few_prompts`): more votes on the same prompts do
        not help then.

    Returns
    -------
    tuple of SystemAgainstOthers
        In the order of `systems`.

    Raises
    ------
    UnknownPolicy
    """
    used = votes.counted(ties, both_bad)
    # One at a time: only one system's table, of its own prompts, is ever held.
    return tuple(
        _row(int(one), _table(used, int(one)), used.n_prompts, planned, seed, 1 - level)
        for one in systems.tolist()
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """What one system's votes say against each that it met.

    Attributes
    ----------
    systems : int array, shape (opponents,)
    met : int array, shape (opponents,)
        Prompts with votes.
    differences : float array, shape (prompts with votes on any, opponents)
        Mean score less 1/2; 0 without votes.
    """

    systems: IntArray
    met: IntArray
    differences: FloatArray


def _table(votes: Votes, one: int) -> _Table:
    first = votes.system_a == one
    mine = np.flatnonzero(first | (votes.system_b == one))
    own, as_first = votes.take(mine), first[mine]
    score = own.score()
    difference = np.where(as_first, score, 1 - score) - 0.5
    opponent = np.where(as_first, own.system_b, own.system_a)
    sums = cluster_sums(opponent, votes.n_systems, own.prompt, votes.n_prompts, difference, None)
    systems, column = np.unique(sums.group, return_inverse=True)
    prompts, place = np.unique(sums.cluster, return_inverse=True)
    differences = np.zeros((prompts.size, systems.size))
    differences[place, column] = sums.score / sums.count
    return _Table(systems, np.bincount(column, minlength=systems.size), differences)


def _row(
    one: int, table: _Table, n_prompts: int, planned: Planned | None, seed: int, alpha: float
) -> SystemAgainstOthers:
    p, method = max_statistic_p_values(table.differences, seed=seed)
    if not table.systems.size:
        warnings: tuple[WarningCode, ...] = (WarningCode.NO_VOTES,)
    elif _floor(one, table.systems, n_prompts, planned, seed, alpha) > alpha:
        warnings = (WarningCode.TOO_FEW_PROMPTS,)
    else:
        warnings = ()
    means = 0.5 + table.differences.sum(axis=0) / np.maximum(table.met, 1)
    opponents = zip(
        table.systems.tolist(), table.met.tolist(), means.tolist(), p.tolist(), strict=True
    )
    return SystemAgainstOthers(
        one,
        table.differences.shape[0],
        method,
        tuple(Opponent(*each) for each in opponents),
        warnings,
    )


def _floor(
    one: int,
    opponents: IntArray,
    n_prompts: int,
    planned: Planned | None,
    seed: int,
    alpha: float,
) -> float:
    """Smallest adjusted p of the family, reached where the one wins everything that is planned.

    Where all opponents meet on the same prompts it is that of a single test. On other prompts
    each has a chance of its own to look unanimous. It is worked out only where the number of
    opponents can decide; beyond that what is returned is on the right side of `alpha`.
    """
    if planned is None:
        return sign_flip_floor(n_prompts)
    first = planned.system_a == one
    mine = np.flatnonzero(first | (planned.system_b == one))
    other = np.where(first[mine], planned.system_b[mine], planned.system_a[mine])
    column = np.searchsorted(opponents, other)
    met = opponents[np.minimum(column, opponents.size - 1)] == other
    column, prompt = column[met], planned.prompt[mine][met]
    size = max(1, n_prompts)
    distinct = np.unique(column.astype(np.int64) * size + prompt)
    most = int(np.bincount(distinct // size, minlength=1).max())
    single = sign_flip_floor(most)
    if single > alpha or single * opponents.size <= alpha:
        return single
    prompts, row = np.unique(distinct % size, return_inverse=True)
    unanimous = np.zeros((prompts.size, opponents.size))
    unanimous[row, distinct // size] = 0.5
    p, _ = max_statistic_p_values(unanimous, seed=seed)
    return float(p.min())


def max_statistic_p_values(differences: FloatArray, *, seed: int) -> tuple[FloatArray, str]:
    """Step-down max-statistic sign-flip tests of the columns' means against 0.

    Exact over all patterns where up to 15 rows are not all 0; otherwise from 20,000 draws,
    p = (1 + hits)/(1 + draws).

    Parameters
    ----------
    differences : float array, shape (rows, columns)
        Rows are units: the sign of a row flips as a whole. 0 where a column has nothing on a row.
        Columns are adjusted for each other.
    seed : int

    Returns
    -------
    float array of shape (columns,), str
        Adjusted p-values, 1 for a column of zeros, and the method.

    Raises
    ------
    ShapeMismatch
    """
    family = _Family.of(differences)
    rows = family.studentised.shape[0]
    drawn = rows > EXACT_PROMPTS
    if drawn:
        _draw(family, generator(seed, METHOD))
    else:
        family.count(_patterns(1 << max(0, rows - 1), rows) @ family.studentised)
    return family.p_values(drawn=drawn)


@dataclass(slots=True)
class _Family:
    """The columns that are adjusted together, in ascending order of their statistics.

    Attributes
    ----------
    studentised : float array, shape (rows that are not all 0, columns)
        Divided by √Σ², so that a sum with random signs has variance 1.
    ascending : int array, shape (columns,)
    limits : float array, shape (columns,)
        The observed statistics.
    hits, patterns : int array of shape (columns,), int
        Counted so far.
    """

    studentised: FloatArray
    ascending: IntArray
    limits: FloatArray
    hits: IntArray
    patterns: int = 0

    @classmethod
    def of(cls, differences: FloatArray) -> _Family:
        if differences.ndim != 2:
            raise ShapeMismatch(f"differences has {differences.ndim} dimensions; expected 2")
        differences = differences[(differences != 0).any(axis=1)]
        scale = np.sqrt((differences**2).sum(axis=0))
        studentised = np.divide(differences, scale, out=np.zeros_like(differences), where=scale > 0)
        observed = np.abs(studentised.sum(axis=0))
        ascending = np.argsort(observed, kind="stable")
        return cls(
            studentised[:, ascending],
            ascending,
            observed[ascending] - ROUNDING,
            np.zeros(observed.size, dtype=np.int64),
        )

    def count(self, sums: FloatArray) -> None:
        """Take in sums under other signs, shape (patterns, columns)."""
        # In ascending order the running maximum is over those that are not yet rejected.
        null = np.maximum.accumulate(np.abs(sums), axis=1)
        self.hits = self.hits + (null >= self.limits).sum(axis=0)
        self.patterns += sums.shape[0]

    def p_values(self, *, drawn: bool) -> tuple[FloatArray, str]:
        own = (drawn + self.hits) / (drawn + self.patterns)
        p = np.empty(own.size)
        # No p-value is below that of a larger statistic.
        p[self.ascending] = np.maximum.accumulate(own[::-1])[::-1]
        return p, f"{METHOD}_draws" if drawn else f"{METHOD}_exact"


def _draw(family: _Family, random: np.random.Generator) -> None:
    columns = family.studentised
    rows = columns.shape[0]
    piece = max(1, PIECE // max(columns.shape))
    packed = -(-rows // 8)
    for begin in range(0, DRAWS, piece):
        size = min(piece, DRAWS - begin)
        bits = np.frombuffer(random.bytes(size * packed), dtype=np.uint8)
        signs = 1.0 - 2.0 * np.unpackbits(bits.reshape(size, packed), axis=1, count=rows)
        family.count(signs @ columns)


def _patterns(patterns: int, rows: int) -> FloatArray:
    """Sign patterns, the last sign always +1, shape (patterns, rows)."""
    bits = np.arange(patterns)[:, None] >> np.arange(rows)
    return np.asarray(1.0 - 2.0 * (bits & 1))
