"""Comparisons in which a response names its maker: how many, and the judge with and without them.

A response that says "As ChatGPT, made by OpenAI" tells a judge who wrote it. Nothing is changed or
left out for that; it is told beside the judge's figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment.against_humans import agreement_with_votes
from reports.stats.alignment.gates import gated
from reports.stats.alignment.humans import Humans
from reports.stats.alignment.judgments import MISSING, Comparisons, Reconciled
from reports.stats.alignment.parts import within
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.results import Estimate, ShapeMismatch, WarningCode, undefined

__all__ = ["MakerNames", "maker_names"]

NO_TEXTS = "the responses' texts were not read"


@dataclass(frozen=True, slots=True)
class MakerNames:
    """Attributes
    ----------
    share : Estimate
        Of judged comparisons, those in which a response names a maker; ``details``: `named`,
        their number.
    agreement_named, agreement_others : Estimate
        With single votes, on these comparisons and on all others.
    """

    share: Estimate
    agreement_named: Estimate
    agreement_others: Estimate

    def as_dict(self) -> dict[str, Any]:
        return {
            **self.share.as_dict(),
            "agreement_named": self.agreement_named.as_dict(),
            "agreement_others": self.agreement_others.as_dict(),
        }


def maker_names(
    judge: Reconciled,
    humans: Humans,
    comparisons: Comparisons,
    names: NDArray[np.bool_] | None,
    *,
    level: float = 0.95,
) -> MakerNames:
    """How many of a judge's comparisons name a maker, and its agreement with and without them.

    Parameters
    ----------
    names : bool array of shape (comparisons,), optional
        Whether a response of the comparison names a maker; None where the texts were not read.

    Returns
    -------
    MakerNames
        Each agreement is held to its own number of labelled comparisons.

    Raises
    ------
    ShapeMismatch
    """
    method, agreement = "maker_named", "agreement"
    if names is None:
        unread = undefined(method, 0, WarningCode.DEGENERATE_SCALE, reason=NO_TEXTS)
        nothing = undefined(agreement, 0, WarningCode.DEGENERATE_SCALE, reason=NO_TEXTS)
        return MakerNames(unread, nothing, nothing)
    if names.shape != (comparisons.n,):
        raise ShapeMismatch(f"names has shape {names.shape}; expected one flag a comparison")
    judged = judge.category != MISSING
    share = share_by_prompt(
        names[judged],
        comparisons.prompt[judged],
        method=method,
        level=level,
        details={"named": int(np.count_nonzero(names & judged))},
    )

    def agreement_on(chosen: NDArray[np.bool_]) -> Estimate:
        labelled = int(np.count_nonzero(chosen & judged & humans.labelled))
        own = within(judge, chosen)
        return gated(agreement_with_votes(own, humans, comparisons, level=level), labelled)

    return MakerNames(share, agreement_on(names), agreement_on(~names))
