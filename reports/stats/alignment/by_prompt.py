"""A fitted figure with an error that takes what is said on one prompt together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.stats.intervals import NO_ERROR, critical_value
from reports.stats.results import Estimate, WarningCode

__all__ = ["figure_by_prompt"]


def figure_by_prompt(
    value: float,
    se: float,
    df: float,
    *,
    method: str,
    n: int,
    prompts: int,
    level: float,
    converged: bool,
    warnings: tuple[WarningCode, ...],
    details: Mapping[str, Any],
) -> Estimate:
    """A figure with Student's interval.

    Parameters
    ----------
    value, se, df : float
        The figure, its standard error clustered by prompts, and its degrees of freedom.
    method : str
        Without what it is clustered by.
    n, prompts : int
        Comparisons, and the prompts that they are on.
    level : float
    converged : bool
    warnings : tuple of WarningCode
        Beside `not_converged` and `degenerate_scale`.
    details : mapping

    Returns
    -------
    Estimate
        Without an interval, with `degenerate_scale`, where the error is none but rounding.
    """
    known = se > NO_ERROR
    half = critical_value(level, df) * se
    codes = [*warnings]
    if not converged:
        codes.append(WarningCode.NOT_CONVERGED)
    if not known:
        codes.append(WarningCode.DEGENERATE_SCALE)
    return Estimate(
        value,
        value - half if known else None,
        value + half if known else None,
        f"{method}_by_prompt",
        n,
        n_clusters={"prompts": prompts},
        se=se if known else None,
        df=df if known else None,
        level=level if known else None,
        converged=converged,
        warnings=tuple(codes),
        details=details,
    )
