"""What every statistic returns, and the words in which it speaks.

All figures of the report are :class:`Estimate` objects. Thin data never raise: they give an
estimate of None with a warning code that says why. Misuse raises :class:`StatsError`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from math import isfinite
from typing import Any

import numpy as np

__all__ = [
    "Estimate",
    "InvalidLevel",
    "NegativeCount",
    "NonFiniteInput",
    "SelfComparison",
    "ShapeMismatch",
    "StatsError",
    "UnknownPolicy",
    "UnknownVerdict",
    "VerdictCode",
    "WarningCode",
    "generator",
    "undefined",
]


class StatsError(ValueError):
    """The input is not what the function takes: misuse, never thin data."""


class UnknownVerdict(StatsError):
    """A verdict code outside :class:`VerdictCode`."""


class UnknownPolicy(StatsError):
    """A tie, both-bad or other policy that does not exist."""


class SelfComparison(StatsError):
    """A vote that compares a system with itself."""


class ShapeMismatch(StatsError):
    """Arrays that belong together have different lengths or dimensions."""


class NegativeCount(StatsError):
    """A count below zero."""


class NonFiniteInput(StatsError):
    """A weight, covariate or count that is NaN or infinite."""


class InvalidLevel(StatsError):
    """A confidence level outside the open interval (0, 1)."""


class VerdictCode(IntEnum):
    """Verdicts in canonical order, as the arrays hold them. Ordinally, A < TIE < B."""

    A = 0
    TIE = 1
    B = 2
    BOTH_BAD = 3


class WarningCode(StrEnum):
    """Why a figure is missing or must be read with care. A new code comes only with the
    report's schema (docs/report.schema.json)."""

    DISCONNECTED = "disconnected"
    SEPARATED = "separated"
    FEW_ANNOTATORS = "few_annotators"
    FEW_PROMPTS = "few_prompts"
    SINGLE_ANNOTATOR = "single_annotator"
    NOT_PSD = "not_psd"
    NOT_CONVERGED = "not_converged"
    SPARSE_CELLS = "sparse_cells"
    TIES_DROPPED = "ties_dropped"
    BOTH_BAD_FOLDED = "both_bad_folded"
    ORIENTATION_SENSITIVE = "orientation_sensitive"
    DEGENERATE_SCALE = "degenerate_scale"
    SEQUENTIAL_LOOK = "sequential_look"
    ONE_ORDER = "one_order"
    NO_VOTES = "no_votes"
    TOO_FEW_PROMPTS = "too_few_prompts"
    P_VALUES_DIFFER = "p_values_differ"
    NOT_RANDOM_SAMPLE = "not_random_sample"
    PARTIAL_SAMPLE = "partial_sample"
    POOLED = "pooled"
    VERSIONS_POOLED = "versions_pooled"
    ADAPTIVE_SAMPLING = "adaptive_sampling"
    STOPPED_EARLY = "stopped_early"
    ON_REQUEST = "on_request"
    ONE_JUDGE = "one_judge"
    ANCHOR_NOT_USED = "anchor_not_used"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure with its uncertainty.

    Attributes
    ----------
    estimate : float or None
        None where the figure is undefined; `warnings` then says why.
    low, high : float or None
        Two-sided marginal interval at `level`; None where there is none.
    method : str
        Names the estimator and the interval, e.g. ``"wilson_cluster_t"``.
    n : int
        What the figure is built from (votes, items or prompts: the function says which).
    n_clusters : mapping of str to int, or None
        Number of clusters per dimension that the uncertainty respects.
    se, df, level : float or None
        Standard error and degrees of freedom where they exist; confidence level.
    seed : int or None
        Seed of the random draws, where there were any.
    converged : bool or None
        Whether an iterative fit reached its tolerance; None if nothing was iterated.
    warnings : tuple of WarningCode
    details : mapping
        Further named numbers that belong to this figure (design effect, simultaneous bounds).
    """

    estimate: float | None
    low: float | None
    high: float | None
    method: str
    n: int
    n_clusters: Mapping[str, int] | None = None
    se: float | None = None
    df: float | None = None
    level: float | None = 0.95
    seed: int | None = None
    converged: bool | None = None
    warnings: tuple[WarningCode, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Written so, as there may be 50,000 of them: looking fields up by name takes three times as
        # long.
        for value in (self.estimate, self.low, self.high, self.se, self.df):
            if value is not None and not isfinite(value):
                fields = ("estimate", "low", "high", "se", "df")
                name = next(name for name in fields if getattr(self, name) is value)
                raise NonFiniteInput(f"{self.method}: {name} is {value}, expected a number or None")

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it; keys without a value are left out,
        except `estimate`, `low` and `high`, which are always there."""
        out: dict[str, Any] = {
            "estimate": self.estimate,
            "low": self.low,
            "high": self.high,
            "method": self.method,
            "n": self.n,
        }
        if self.se is not None:
            out["se"] = self.se
        if self.df is not None:
            out["df"] = self.df
        if self.level is not None:
            out["level"] = self.level
        if self.seed is not None:
            out["seed"] = self.seed
        if self.converged is not None:
            out["converged"] = self.converged
        out["n_clusters"] = dict(self.n_clusters) if self.n_clusters is not None else None
        out.update(self.details)
        out["warnings"] = [str(code) for code in self.warnings]
        return out


def undefined(method: str, n: int, *warnings: WarningCode, **details: Any) -> Estimate:
    """An estimate that does not exist, with the reasons."""
    return Estimate(
        None, None, None, method, n, level=None, warnings=tuple(warnings), details=details
    )


def generator(study_seed: int, method: str) -> np.random.Generator:
    """Random numbers for one method of one study.

    Each method draws from its own stream, so that adding a method never changes another's
    draws, and the same seed gives the same report.
    """
    sequence = np.random.SeedSequence([study_seed, zlib.crc32(method.encode())])
    return np.random.Generator(np.random.PCG64(sequence))
