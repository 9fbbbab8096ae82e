"""How far the leaderboard hangs on single people and votes, as the report holds it.

What is cheap is always there. What refits at length is made when asked for by name (`analyze
--diagnostics`), or left out with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from reports.multiplier_check import multiplier_check
from reports.stats.bradley_terry import BradleyTerryFit
from reports.stats.cells import Cells
from reports.stats.crowd_bt import agreement_log_e_values, fit_crowd_bt
from reports.stats.dawid_skene import DawidSkene, fit_dawid_skene
from reports.stats.influence import (
    LeaveOneOut,
    fewest_votes_to_flip,
    leave_one_annotator_out,
    leave_one_out_work,
)
from reports.stats.leaderboard import Leaderboard
from reports.stats.results import VerdictCode, WarningCode
from reports.stats.votes import Votes

# Leave-one-out refits up to here take some 0.1 s, and Crowd-BT the same.
CHEAP_REFITS = 10_000_000
CHEAP_VOTES = 20_000
# The search for the fewest votes refits some ten times, 10 ms each at so many systems.
CHEAP_SYSTEMS = 100
# An e-value is shown up to e^690 = 1e299, which a JSON number holds.
LARGEST_LOG = 690.0

ASK = "takes long on this study: analyze --diagnostics makes it"


def diagnostics(
    votes: Votes,
    board: Leaderboard,
    systems: Sequence[str],
    annotators: Sequence[str],
    *,
    seed: int,
    level: float,
    thorough: bool,
) -> dict[str, Any]:
    """The report's `diagnostics`.

    Parameters
    ----------
    votes : Votes
        All counted votes.
    board : Leaderboard
        Theirs: ties half, both-bad as ties.
    systems, annotators : sequence of str
        Names of the codes.
    seed : int
        The study's.
    level : float
        An annotator is suspicious with an e-value of 1/(1 - level).
    thorough : bool
        Make also what takes long.
    """
    fit = board.fit
    refits = None
    if thorough or leave_one_out_work(votes) <= CHEAP_REFITS:
        refits = leave_one_annotator_out(votes, fit)
    return {
        "leave_one_annotator_out": _leave_one_out(refits, systems, annotators),
        "fewest_votes_that_change_the_winner": _fewest_votes(votes, fit, systems, thorough),
        "multiplier_bootstrap": multiplier_check(
            votes, board, systems, seed=seed, level=level, thorough=thorough
        ),
        "annotator_reliability": _reliability(votes, refits, annotators, level, thorough),
    }


def _leave_one_out(
    refits: LeaveOneOut | None, systems: Sequence[str], annotators: Sequence[str]
) -> dict[str, Any]:
    largest = None if refits is None else refits.largest
    if refits is None or largest is None:
        return {
            "largest_shift": None,
            "system": None,
            "annotator": None,
            "rank_changes": None,
            "annotators_that_change_a_rank": [],
            "undefined": 0 if refits is None else refits.undefined,
            "reason": ASK if refits is None else _why_nobody(refits),
            "warnings": [] if refits is None else [str(code) for code in refits.warnings],
        }
    return {
        "largest_shift": float(refits.shift[largest]),
        "system": systems[int(refits.system[largest])],
        "annotator": annotators[largest],
        "rank_changes": bool(refits.rank_changes.any()),
        "annotators_that_change_a_rank": [
            annotators[code] for code in np.flatnonzero(refits.rank_changes).tolist()
        ],
        "undefined": refits.undefined,
        "reason": None,
        "warnings": [str(code) for code in refits.warnings],
    }


def _why_nobody(refits: LeaveOneOut) -> str:
    if WarningCode.NO_VOTES in refits.warnings:
        return "there are no votes"
    if WarningCode.SINGLE_ANNOTATOR in refits.warnings:
        return "there is only one annotator"
    return "without any one annotator the systems are no longer comparable"


def _fewest_votes(
    votes: Votes, fit: BradleyTerryFit, systems: Sequence[str], thorough: bool
) -> dict[str, Any]:
    nothing = {
        "system": None,
        "runner_up": None,
        "votes": None,
        "share": None,
        "linear": None,
        "n": votes.n,
    }
    if len(fit.components) != 1:
        reason = "the systems fall into groups without a common winner"
        return {**nothing, "reason": reason if fit.components else "there are no votes"}
    if votes.n_systems > CHEAP_SYSTEMS and not thorough:
        return {**nothing, "reason": ASK}
    (part,) = fit.components
    first, second = (
        int(part.systems[place])
        for place in np.argsort(-part.strengths, kind="stable")[:2].tolist()
    )
    found = fewest_votes_to_flip(Cells.from_votes(votes), part, first, second)
    return {
        "system": systems[first],
        "runner_up": systems[second],
        "votes": found.votes,
        "share": found.share,
        "linear": found.linear,
        "n": found.n,
        "reason": None if found.votes is not None else "no removal of votes changes the order",
    }


def _reliability(
    votes: Votes,
    refits: LeaveOneOut | None,
    annotators: Sequence[str],
    level: float,
    thorough: bool,
) -> list[dict[str, Any]]:
    """One entry an annotator with a vote, in the order of their names."""
    crowd = fit_crowd_bt(votes) if thorough or votes.n <= CHEAP_VOTES else None
    confusion = _confusion(votes) if thorough else None
    accuracy = None if confusion is None else confusion.accuracy
    log_e = None if refits is None else agreement_log_e_values(votes, refits.strengths)
    given = np.bincount(votes.annotator, minlength=votes.n_annotators)
    decided = (votes.verdict == VerdictCode.A) | (votes.verdict == VerdictCode.B)
    decisive = np.bincount(votes.annotator[decided], minlength=votes.n_annotators)
    rows = []
    for code in np.flatnonzero(given).tolist():
        evidence = _number(log_e, code)
        rows.append(
            {
                "annotator": annotators[code],
                "votes": int(given[code]),
                "decisive": int(decisive[code]),
                "reliability": None if crowd is None else _number(crowd.reliability, code),
                "flagged": None if crowd is None else bool(crowd.flagged[code]),
                "e_value": None if evidence is None else math.exp(min(evidence, LARGEST_LOG)),
                "suspicious": None if evidence is None else evidence >= -math.log1p(-level),
                "accuracy": _number(accuracy, code),
            }
        )
    return rows


def _confusion(votes: Votes) -> DawidSkene | None:
    """Dawid-Skene on the verdicts in a/b order; None where no comparison has two votes."""
    if votes.n == 0 or int(np.bincount(votes.item).max()) < 2:
        return None
    return fit_dawid_skene(
        votes.item,
        votes.annotator,
        votes.verdict,
        n_items=votes.n_items,
        n_annotators=votes.n_annotators,
        n_labels=len(VerdictCode),
    )


def _number(values: Any, code: int) -> float | None:
    """An entry as JSON holds it: None where it is missing or NaN."""
    if values is None or not math.isfinite(values[code]):
        return None
    return float(values[code])
