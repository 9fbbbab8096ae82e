"""What may be said on how much data: under 30 comparisons counts only, under 100 provisional."""

from __future__ import annotations

from dataclasses import replace

from reports.stats.results import Estimate, WarningCode, undefined

__all__ = ["FEWEST_LABELLED", "SETTLED_LABELLED", "gated"]

# Below this many labelled comparisons an interval spans nearly everything: counts only.
FEWEST_LABELLED = 30

# Below this many, figures are provisional and the alt-test gives no verdict.
SETTLED_LABELLED = 100


def gated(figure: Estimate, n: int) -> Estimate:
    """The figure as far as `n` labelled comparisons let it be shown.

    Returns
    -------
    Estimate
        None with `too_few_prompts` below 30; with the warning `few_prompts` below 100.
    """
    if figure.estimate is None:
        return figure
    if n < FEWEST_LABELLED:
        reason = f"fewer than {FEWEST_LABELLED} labelled comparisons: counts only"
        return undefined(figure.method, figure.n, WarningCode.TOO_FEW_PROMPTS, reason=reason)
    if n < SETTLED_LABELLED and WarningCode.FEW_PROMPTS not in figure.warnings:
        return replace(figure, warnings=(*figure.warnings, WarningCode.FEW_PROMPTS))
    return figure
