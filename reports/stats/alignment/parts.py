"""A judge beside people within parts of a study, such as the categories of its prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.against_humans import agreement_with_votes, constant_guess
from reports.stats.alignment.ceiling import human_agreement
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.ratings import Integers
from reports.stats.results import Estimate, ShapeMismatch

__all__ = ["Part", "parts", "within"]


@dataclass(frozen=True, slots=True)
class Part:
    """A judge on the comparisons of one part.

    Attributes
    ----------
    part : int
    n : int
        Comparisons with votes and a judgment.
    agreement, human_ceiling, constant_guess : Estimate
        As for the whole.
    """

    part: int
    n: int
    agreement: Estimate
    human_ceiling: Estimate
    constant_guess: Estimate

    def as_dict(self) -> dict[str, Any]:
        """The object as the report's JSON holds it, but for the part's name."""
        return {
            "n": self.n,
            "agreement": self.agreement.as_dict(),
            "human_ceiling": self.human_ceiling.as_dict(),
            "constant_guess": self.constant_guess.as_dict(),
        }


def within(judge: Reconciled, row: NDArray[np.bool_]) -> Reconciled:
    """The judge as if it had only been asked these comparisons."""
    return replace(
        judge,
        category=np.where(row, judge.category, MISSING),
        score=np.where(row, judge.score, np.nan),
        strict=np.where(row, judge.strict, MISSING),
    )


def parts(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    part: Integers,
    *,
    level: float = 0.95,
) -> tuple[Part, ...]:
    """The judge within each part that has a comparison with votes and a judgment.

    Parameters
    ----------
    part : int array of shape (comparisons,)
        Code of each comparison's part; negative for none.

    Returns
    -------
    tuple of Part
        By code.
    """
    if part.shape != (comparisons.n,):
        raise ShapeMismatch(f"part has shape {part.shape}; expected one code a comparison")
    both = humans.labelled & (judge.category != MISSING) & (part >= 0)
    found = []
    for code in np.unique(part[both]).tolist():
        own = within(judge, part == code)
        found.append(
            Part(
                part=code,
                n=int(np.count_nonzero(both & (part == code))),
                agreement=agreement_with_votes(own, humans, comparisons, level=level),
                human_ceiling=human_agreement(own, humans, level=level),
                constant_guess=constant_guess(own, humans, comparisons, level=level),
            )
        )
    return tuple(found)
