"""How well ranks will be known, before a study starts.

Systems are drawn with an assumed spread, the design says what errors their estimates would have,
and the report's own rank sets are made of estimates with such errors.

The errors come from three sources, as in :mod:`reports.stats.study_plan`, but for all systems at
once: a response meets every other response to its prompt, so that what a prompt does for a system
stays in all of its comparisons. With prompt p leaning to system i by u_i(p) logits, of variance 2ρ
where ρ is the prompts' share of a vote's variance, the score of the prompt is H_p u + noise, and H⁺
on both sides of its variance gives that of the Strengths. Of two systems this is the design effect
of :func:`~reports.stats.study_plan.plan_study`; of many on the same prompts it is several times as
large. Annotators with tastes enter likewise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from reports.stats.bradley_terry import gauge_inverse
from reports.stats.connectivity import weak_components
from reports.stats.covariance import Covariance
from reports.stats.planning import PlanError
from reports.stats.results import generator
from reports.stats.simultaneous import rank_sets
from reports.stats.study_plan import Design, Term, VarianceShares

__all__ = [
    "DEFAULT_SPREAD",
    "MOST_RANKED",
    "BoardDesign",
    "RankPlan",
    "everyone_meets",
    "plan_ranks",
]

DEFAULT_SPREAD = 0.4
"""Standard deviation of the log-odds of systems where nothing is known: of two systems drawn so
the better one wins 61 % of the decisive votes on average."""

LARGEST_SPREAD = 5.0
"""The better of two systems drawn so wins 92 % of the decisive votes on average, and of most
pairs nearly all."""

MOST_RANKED = 200
"""Beyond so many nothing is planned: there are 19,900 pairs of them, which take half a second."""

DRAWS = 200
"""Errors drawn for the quantile of a step. It is estimated anew for each study drawn, so that
their mean knows it much better."""

MOST_STUDIES, LEAST_STUDIES = 60, 3
MOST_ENTRIES = 2_500_000
"""Pairs of systems times draws times studies: what bounds the time, some 0.1 s."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BoardDesign:
    """How the votes of a whole board are spread.

    Attributes
    ----------
    meets : float array, shape (m, m)
        Symmetric, 0 on the diagonal: 1 where two systems meet; between 0 and 1 where only the
        number of pairs is known, and not which.
    share : float
        Of all prompts on which two systems that meet do so, within (0, 1]. A system meets others
        on each prompt about equally often.
    of_a_pair : Design
        How the votes of each pair that meets are spread. Its tie rate is that of equals; ties are
        rarer between others, as in Davidson's model.
    """

    meets: FloatArray
    share: float
    of_a_pair: Design

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise PlanError(f"share is {self.share}; expected above 0, up to 1")

    @property
    def systems(self) -> int:
        return len(self.meets)

    @property
    def pairs(self) -> float:
        """Pairs of systems that meet."""
        return float(self.meets.sum()) / 2

    @property
    def prompts(self) -> float:
        """In all."""
        return self.of_a_pair.prompts / self.share

    @property
    def votes(self) -> float:
        """Of any verdict, in all."""
        return self.pairs * self.of_a_pair.votes

    @property
    def df(self) -> float:
        """Degrees of freedom that the report's intervals will have, if all rate about alike."""
        people = min(self.of_a_pair.annotators, self.votes)
        clusters = [n for n in (people, self.prompts) if n >= 2]
        return max(1.0, min(clusters, default=self.votes) - 1.0)

    @property
    def is_connected(self) -> bool:
        """Whether all systems are compared, directly or by way of others."""
        return not weak_components(self.meets).any()


def everyone_meets(systems: int, hubs: int | None = None) -> FloatArray:
    """`BoardDesign.meets` of a regular design.

    Parameters
    ----------
    systems : int
    hubs : int, optional
        So many systems meet every other, and no two others meet: 1 for an anchor. Every system if
        not given.

    Examples
    --------
    >>> everyone_meets(3, hubs=1)
    array([[0., 1., 1.],
           [1., 0., 0.],
           [1., 0., 0.]])
    """
    hub = np.arange(systems) < (systems if hubs is None else hubs)
    meets = (hub[:, None] | hub).astype(np.float64)
    np.fill_diagonal(meets, 0)
    return meets


@dataclass(frozen=True, slots=True)
class RankPlan:
    """What a design lets one say of ranks.

    Attributes
    ----------
    systems : int
    votes : int
    spread : float
    better_wins : float
        What the spread means: the share of decisive votes that the better of two systems drawn
        so wins on average.
    places : float
        Mean width of a rank range, rank_high - rank_low + 1: between 1 and `systems`.
    places_se : float
        Its Monte Carlo error.
    df : float
    dominant : {"prompt", "annotator", "vote"}
        Where most of the Strengths' variance comes from.
    seed : int
    """

    systems: int
    votes: int
    spread: float
    better_wins: float
    places: float
    places_se: float
    df: float
    dominant: Term
    seed: int


def plan_ranks(
    design: BoardDesign, shares: VarianceShares, *, seed: int, spread: float = DEFAULT_SPREAD
) -> RankPlan | None:
    """Mean width of the rank ranges of a study of this design, by simulation.

    Parameters
    ----------
    design : BoardDesign
    shares : VarianceShares
        Of one decisive vote between equals.
    seed : int
        The study's seed.
    spread : float
        Standard deviation of the systems' log-odds to win a decisive vote, above 0 and at most 5.
        Half-win Strengths are smaller by the tie rate.

    Returns
    -------
    RankPlan or None
        None for two systems, whose one difference has its own plan; where not all systems are
        compared, directly or by way of others; and for more than 200 systems.

    Raises
    ------
    PlanError
    """
    if not 0 < spread <= LARGEST_SPREAD:
        raise PlanError(
            f"spread is {spread}; expected a number above 0 and at most {LARGEST_SPREAD:g}"
        )
    m = design.systems
    if m < 3 or m > MOST_RANKED or not design.is_connected:
        return None
    random = generator(seed, "rank_plan")
    entries = DRAWS * m * (m - 1) // 2
    studies = min(MOST_STUDIES, max(LEAST_STUDIES, MOST_ENTRIES // entries))
    width = np.empty(studies)
    parts: dict[Term, float] = {"prompt": 0.0, "annotator": 0.0, "vote": 0.0}
    for study in range(studies):
        strengths = (1 - design.of_a_pair.tie_rate) * random.normal(0, spread, m)
        sources = variance_of_strengths(design, shares, strengths)
        matrix = sum(sources.values(), np.zeros((m, m)))
        # Singular, as Strengths have mean 0; of a pair that one side always wins nearly so too.
        values, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(values, 0))
        found = rank_sets(
            strengths + root @ random.standard_normal(m),
            Covariance(matrix, design.df, "planned", {}, {}),
            seed=int(random.integers(2**63)),
            draws=DRAWS,
        )
        width[study] = (found.high - found.low + 1).mean()
        for name, source in sources.items():
            parts[name] += float(source.trace())
    return RankPlan(
        systems=m,
        votes=round(design.votes),
        spread=spread,
        better_wins=_share_of_the_better(spread),
        places=float(width.mean()),
        places_se=float(width.std(ddof=1)) / math.sqrt(studies),
        df=design.df,
        dominant=max(parts, key=lambda name: parts[name]),
        seed=seed,
    )


def _share_of_the_better(spread: float) -> float:
    """Of decisive votes on two systems drawn so: the mean over 1,000 quantiles of their gap."""
    gap = math.sqrt(2) * spread * np.abs(ndtri((np.arange(1_000) + 0.5) / 1_000))
    return float(expit(gap).mean())


def variance_of_strengths(
    design: BoardDesign, shares: VarianceShares, strengths: FloatArray
) -> dict[Term, FloatArray]:
    """The covariance of the half-win Strengths, by where it comes from, shape (m, m) each.

    With h = p(1-p) of each pair, x its row in the design, L(·) the sum of x xᵀ with weights, and κ
    decisive votes of a pair on a prompt, ties being drawn at random (variance κτ):

    - vote: Σ h(1 - 4h(ρ_prompt + ρ_annotator)) x xᵀ over decisive votes, what is left of h;
    - prompt: 2ρ E Σ_p H_p², H_p the information of its decisive votes. Where a pair meets on a
      share s of the prompts, and each system about equally often on each, E H_p² =
      κ²(s² L(h)² + s(1-s) L(h²)) + 2κτs L(h²): more than s² L(h)², as it is drawn who meets;
    - annotator: 2ρ E Σ_g H_g², each with n votes on pairs drawn at random: n(n-1) Λ² + 2n L(h²)/E,
      Λ = L(h)/E, E the number of pairs.

    Parameters
    ----------
    design : BoardDesign
    shares : VarianceShares
    strengths : float array, shape (m,)
    """
    p = expit(strengths[:, None] - strengths)
    s, own = design.share, design.of_a_pair
    h = p * p.T * design.meets
    single = _laplacian(h)
    square = _laplacian(p * p.T * h)
    drawn = _laplacian(p * p.T * h * (1 - s * design.meets))
    kappa = own.votes_per_prompt * (1 - own.tie_rate)
    decisive = own.decisive * design.pairs
    people = min(float(own.annotators), decisive)
    n = decisive / people
    of_prompt = kappa**2 * (s**2 * single @ single + s * drawn)
    of_prompt += 2 * kappa * own.tie_rate * s * square
    mean = single / design.pairs
    of_person = n * (n - 1) * mean @ mean + 2 * n * square / design.pairs
    bread = gauge_inverse(own.votes * single)
    meat: dict[Term, FloatArray] = {
        "prompt": 2 * shares.prompt * design.prompts * of_prompt,
        "annotator": 2 * shares.annotator * people * of_person,
        "vote": own.decisive * (single - 4 * (shares.prompt + shares.annotator) * square),
    }
    return {name: np.asarray(bread @ part @ bread) for name, part in meat.items()}


def _laplacian(weight: FloatArray) -> FloatArray:
    """Σ weight x xᵀ over pairs, from a symmetric table with a diagonal of 0."""
    return np.asarray(np.diag(weight.sum(axis=1)) - weight)
