"""Whether one Strength a system describes the votes, as the report tells it."""

from __future__ import annotations

from typing import Any

from reports.records import StudyRecords
from reports.stats.cyclic_triads import cyclic_triads
from reports.stats.goodness_of_fit import DRAWS, fit_test
from reports.stats.pair_residuals import pair_residuals
from reports.stats.votes import Votes

# Pairs listed in full; the count says how many there are.
MISFITS_SHOWN = 50


def no_fit(reason: str) -> dict[str, Any]:
    """No test of fit, and why."""
    return {"test": None, "reason": reason}


def model_fit(
    votes: Votes, read: StudyRecords, *, seed: int, level: float, asked: bool
) -> dict[str, Any]:
    """X², the pairs at fault, and circles of preference.

    `asked` for by name, null distributions are simulated however many systems there are.
    """
    draws = DRAWS if asked else None
    test = fit_test(votes, seed=seed, draws=draws)
    residuals = pair_residuals(votes)
    misfits = [pair for pair in residuals if pair.p_adjusted < 1 - level]
    triads = cyclic_triads(votes, seed=seed, draws=draws)
    names = read.systems
    return {
        "reason": None,
        "test": {
            "model": test.model,
            "x2": test.x2,
            "deviance": test.deviance,
            "df": test.df,
            "p_value": test.p_value,
            "p_method": test.p_method,
            "sparse": test.sparse,
            "n": test.n,
            "warnings": [str(code) for code in test.warnings],
        },
        "pairs_tested": len(residuals),
        "n_misfits": len(misfits),
        "misfits": [
            {
                "system_a": names[pair.first],
                "system_b": names[pair.second],
                "n": pair.n,
                "mean": pair.mean,
                "expected": pair.expected,
                "z": pair.z,
                "df": pair.df,
                "p_value": pair.p_value,
                "p_adjusted": pair.p_adjusted,
            }
            for pair in misfits[:MISFITS_SHOWN]
        ],
        "cyclic_triads": {
            "cyclic": triads.cyclic,
            "triads": triads.triads,
            "share": triads.share,
            "expected_share": triads.expected_share,
            "p_value": triads.p_value,
            "draws": triads.draws,
        },
    }
