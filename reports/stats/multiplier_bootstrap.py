"""Strengths again under random weights of the clusters: a cross-check of clustered errors.

θ* = θ + H⁺ Σ_g w_g S_g: each annotator, or each prompt, keeps its score and is given a random
weight with mean 0 and variance 1. Nothing is refitted. The variance of θ* given the votes is
H⁺ (Σ S_g S_gᵀ) H⁺, which is CR1 without its factor G/(G-1): with more and more draws the standard
deviation of θ* tends to √((G-1)/G) times the CR1 standard error. One dimension at a time: weights
of two would have to be joined on the votes that share both, for which there is no such scheme.

Cameron, Gelbach & Miller 2008, doi 10.1162/rest.90.3.414 (weights of whole clusters); Webb 2014,
Queen's Economics Department working paper 1315 (six-point weights for few of them).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.stats.bradley_terry import METHOD_RIDGE, BradleyTerryFit, ComponentFit
from reports.stats.cluster_scores import blocks, score_sums, some_votes
from reports.stats.clusters import compact
from reports.stats.covariance import cr1
from reports.stats.design import Design
from reports.stats.intervals import NO_ERROR, check_level
from reports.stats.results import Estimate, WarningCode, generator, undefined
from reports.stats.strength_covariance import component_design
from reports.stats.votes import FloatArray, IntArray, Votes

__all__ = [
    "NORMAL",
    "WEBB",
    "BootstrappedStrength",
    "cluster_weights",
    "multiplier_bootstrap",
    "shaken_strengths",
]

NORMAL, WEBB = "multiplier_normal", "multiplier_webb"

FEW_CLUSTERS = 12
"""Below it Webb's weights, whose fourth moment is 7/6 where a normal one's is 3: of few clusters
none then makes a draw by itself."""

WEBB_POINTS = np.array([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5])
"""Their squares; a sixth each of ±√½, ±1, ±√1½ has mean 0, variance 1 and no third moment."""

DRAWS, DRAWS_MANY = 10_000, 2_000
"""They leave 0.7 and 1.6 % of error in a standard deviation."""

MANY_CLUSTERS = 10_000
"""Above it there are fewer draws: a weight for each cluster and draw takes seconds."""


@dataclass(frozen=True, slots=True)
class BootstrappedStrength:
    """One system's Strength with the spread of θ*.

    Attributes
    ----------
    system : int
    component : int
        From 0.
    annotator, prompt : Estimate
        With that dimension's clusters reweighted. `se` is the standard deviation of θ*, `low` and
        `high` are its percentiles; ``details["se_cr1"]`` is the one-way CR1 standard error.
    """

    system: int
    component: int
    annotator: Estimate
    prompt: Estimate


def cluster_weights(
    random: np.random.Generator, clusters: int, draws: int, method: str
) -> FloatArray:
    """Independent weights with mean 0 and variance 1, shape (clusters, draws).

    Parameters
    ----------
    random : Generator
    clusters, draws : int
    method : str
        `NORMAL` or `WEBB`.
    """
    if method == NORMAL:
        return random.standard_normal((clusters, draws))
    points = np.sign(WEBB_POINTS) * np.sqrt(np.abs(WEBB_POINTS))
    return np.asarray(points[random.integers(WEBB_POINTS.size, size=(clusters, draws))])


def shaken_strengths(
    design: Design, cluster: IntArray, clusters: int, *, seed: int, dimension: str
) -> tuple[FloatArray, str]:
    """θ* - θ for each draw, shape (draws, k), and which weights made it.

    Parameters
    ----------
    design : Design
    cluster : int array, shape (n,)
        Coded 0..G-1, every code used.
    clusters : int
        G, at least 2.
    seed : int
        The study's.
    dimension : str
        With the method it names the stream of the draws.
    """
    method = WEBB if clusters < FEW_CLUSTERS else NORMAL
    draws = DRAWS if clusters <= MANY_CLUSTERS else DRAWS_MANY
    random = generator(seed, f"{method}_{dimension}")
    total = np.zeros((draws, design.n_columns))
    for rows, local, count in blocks(cluster, clusters, max(draws, design.n_columns)):
        scores = score_sums(some_votes(design, rows), local, count)
        total += cluster_weights(random, count, draws, method).T @ scores
    return np.asarray(total @ design.bread()), method


def multiplier_bootstrap(
    votes: Votes, fit: BradleyTerryFit, *, seed: int, level: float = 0.95
) -> tuple[BootstrappedStrength, ...]:
    """The leaderboard's Strengths with clusters of either dimension reweighted at random.

    Parameters
    ----------
    votes : Votes
        Those that took part in the fit (:meth:`Votes.counted`).
    fit : BradleyTerryFit
    seed : int
        The study's.
    level : float

    Returns
    -------
    tuple of BootstrappedStrength
        Of systems with votes, by component and code. Undefined for a component with a prior in the
        place of a finite estimate (`separated`), whose scores do not sum to 0, and for a dimension
        with one cluster.

    Raises
    ------
    InvalidLevel
    """
    check_level(level)
    counts = np.bincount(votes.system_a, minlength=votes.n_systems)
    counts += np.bincount(votes.system_b, minlength=votes.n_systems)
    found = []
    for label, part in enumerate(fit.components):
        own = counts[part.systems]
        if part.method == METHOD_RIDGE:
            nothing = [undefined(NORMAL, n, WarningCode.SEPARATED) for n in own.tolist()]
            figures = [nothing, nothing]
        else:
            design, rows = component_design(votes, part)
            figures = [
                _figures(
                    part,
                    design,
                    column if rows is None else column[rows],
                    own,
                    dimension=dimension,
                    alone=alone,
                    seed=seed,
                    level=level,
                )
                for dimension, column, alone in (
                    ("annotator", votes.annotator, WarningCode.SINGLE_ANNOTATOR),
                    ("prompt", votes.prompt, WarningCode.FEW_PROMPTS),
                )
            ]
        found += [
            BootstrappedStrength(system, label, annotator, prompt)
            for system, annotator, prompt in zip(part.systems.tolist(), *figures, strict=True)
        ]
    return tuple(found)


def _figures(
    part: ComponentFit,
    design: Design,
    column: IntArray,
    counts: IntArray,
    *,
    dimension: str,
    alone: WarningCode,
    seed: int,
    level: float,
) -> list[Estimate]:
    """Each system's figure by one dimension, which `alone` says to have one cluster only."""
    cluster, clusters = compact(column)
    if clusters < 2:
        return [undefined(NORMAL, n, alone) for n in counts.tolist()]
    moved, method = shaken_strengths(design, cluster, clusters, seed=seed, dimension=dimension)
    spread = moved.std(axis=0, ddof=1)
    tail = (1 - level) / 2
    low, high = np.quantile(moved, [tail, 1 - tail], axis=0) + part.strengths
    plain = np.sqrt(np.maximum(np.diag(cr1(design, cluster, clusters)), 0.0))
    figures = []
    for place, n in enumerate(counts.tolist()):
        known = bool(spread[place] > NO_ERROR)
        figures.append(
            Estimate(
                estimate=float(part.strengths[place]),
                low=float(low[place]) if known else None,
                high=float(high[place]) if known else None,
                method=method,
                n=n,
                n_clusters={dimension: clusters},
                se=float(spread[place]),
                level=level,
                seed=seed,
                warnings=() if known else (WarningCode.DEGENERATE_SCALE,),
                details={"se_cr1": float(plain[place])},
            )
        )
    return figures
