"""Circles of preference: a beats b, b beats c, and c beats a.

Jiang, Lim, Yao & Ye 2011 (HodgeRank), doi 10.1007/s10107-010-0419-x. Chance makes circles of
systems that are close; only more of them than the fit would make by chance speak against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.goodness_of_fit import DRAWS, describing_fit
from reports.stats.results import generator
from reports.stats.votes import BothBadPolicy, FloatArray, IntArray, Votes

__all__ = ["CyclicTriads", "cyclic_triads"]

SIMULATED_PAIRS = 500
"""With more pairs the expected share is simulated only when asked for: the draws take a tenth
of a second here."""

BLOCK_ENTRIES = 1 << 20
"""Entries of the majority matrices held at once (4 MB)."""


@dataclass(frozen=True, slots=True)
class CyclicTriads:
    """Circles among triples whose three pairs were all compared.

    Attributes
    ----------
    cyclic, triads : int
    expected_share : float or None
        Mean share of circles in studies drawn from the fit.
    p_value : float or None
        Chance of at least as many circles, (1 + hits)/(1 + draws).
    draws : int
        0 where nothing was simulated.
    seed : int or None
    """

    cyclic: int
    triads: int
    expected_share: float | None
    p_value: float | None
    draws: int
    seed: int | None

    @property
    def share(self) -> float | None:
        """Circles among the triples; None without a triple."""
        return self.cyclic / self.triads if self.triads else None


def _circles(first: IntArray, second: IntArray, lead: FloatArray, m: int) -> FloatArray:
    """Number of circles of each study, shape (studies,): `lead` is W_ij - W_ji, (studies, pairs).

    The trace of the cube of the majority matrix counts each circle three times.
    """
    found = np.empty(lead.shape[0])
    block = max(1, BLOCK_ENTRIES // m**2)
    for low in range(0, found.size, block):
        part = lead[low : low + block]
        majority = np.zeros((part.shape[0], m, m), dtype=np.float32)
        majority[:, first, second] = part > 0
        majority[:, second, first] = part < 0
        walks = majority @ majority
        found[low : low + block] = (walks * majority.transpose(0, 2, 1)).sum(axis=(1, 2)) / 3
    return found


def cyclic_triads(
    votes: Votes, *, seed: int, both_bad: BothBadPolicy = "tie", draws: int | None = None
) -> CyclicTriads:
    """Count the circles, and how many the fit would show by chance.

    Parameters
    ----------
    votes : Votes
    seed : int
    both_bad : policy
    draws : int, optional
        Studies drawn from the fit; by default 500, and none where there are many pairs.
    """
    tested = describing_fit(votes, both_bad=both_bad)
    if tested is None:
        return CyclicTriads(0, 0, None, None, 0, None)
    pairs, m = tested.pairs, votes.n_systems
    lead = pairs.counts[0] - pairs.counts[-1]
    met = (pairs.square(pairs.totals) > 0).astype(np.float32)
    triads = round(float(((met @ met) * met).sum()) / 6)
    cyclic = round(float(_circles(pairs.first, pairs.second, lead[None], m)[0]))
    count = draws if draws is not None else (DRAWS if lead.size <= SIMULATED_PAIRS else 0)
    if not triads or not count:
        return CyclicTriads(cyclic, triads, None, None, 0, None)
    drawn = tested.draw(generator(seed, "cyclic_triads"), count)
    found = _circles(pairs.first, pairs.second, drawn[0] - drawn[-1], m)
    return CyclicTriads(
        cyclic,
        triads,
        float(found.mean()) / triads,
        (1 + int((found >= cyclic - 0.5).sum())) / (1 + count),
        count,
        seed,
    )
