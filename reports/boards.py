"""The boards beside the first: other treatments of ties, sides, prompts, style and grades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reports.records import CriterionRecords, StudyRecords
from reports.shown_boards import (
    EXPECTED_SCORE,
    GRADE_ODDS,
    WIN_ODDS,
    ShownBoard,
    compare,
    no_board,
    show_board,
    show_half_win,
)
from reports.stats.anchoring import Anchor
from reports.stats.covariance import Covariance
from reports.stats.davidson import TieFit, fit_davidson, fit_rao_kupper
from reports.stats.graded import fit_graded
from reports.stats.inverse_probability import draw_weights
from reports.stats.leaderboard import Leaderboard, leaderboard
from reports.stats.linear_terms import parameter_estimate
from reports.stats.margin_tests import margin_tests
from reports.stats.outcome_fit import OutcomeFit
from reports.stats.prompt_weights import kish_size, weigh_prompts
from reports.stats.results import Estimate, VerdictCode
from reports.stats.score_board import ScoreBoard, score_board
from reports.stats.side_term import SideTermFit
from reports.stats.style_control import fit_style
from reports.stats.text_features import STYLE_FEATURES
from reports.stats.votes import IntArray, TiePolicy, Votes

BOARDS = (
    "davidson",
    "drop_ties",
    "side_adjusted",
    "weighted",
    "style_controlled",
    "graded",
    "by_design",
)
# Treatments of ties whose ranks and conclusions are compared with the first board's.
SENSITIVITY = ("drop_ties", "davidson", "rao_kupper")


@dataclass(frozen=True, slots=True)
class Grades:
    """Margins of the overall votes, where each decisive one has its own.

    Attributes
    ----------
    margin : int array, shape (votes,)
    steps : int
        Grades on each side of a tie.
    """

    margin: IntArray
    steps: int


class Boards:
    """All boards of one criterion.

    Parameters
    ----------
    read : StudyRecords
    criterion : CriterionRecords
    first : Leaderboard
        The half-win board that they stand beside.
    side_term : SideTermFit
    grades : Grades or None
    seed : int
    level : float
    anchor : Anchor or None
        Stands at its number on each board, which is measured from it on its own scale.
    """

    def __init__(
        self,
        read: StudyRecords,
        criterion: CriterionRecords,
        first: Leaderboard,
        side_term: SideTermFit,
        grades: Grades | None,
        *,
        seed: int,
        level: float,
        anchor: Anchor | None,
    ) -> None:
        self._read = read
        self._votes = criterion.votes
        self._scale = criterion.scale
        self._first = first
        self._side_term = side_term
        self._grades = grades
        self._seed = seed
        self._level = level
        self._anchor = anchor
        self._found: dict[str, ShownBoard] = {}
        self._reasons: dict[str, str] = {}
        builders: tuple[Callable[[], ShownBoard | str], ...] = (
            self._davidson,
            self._drop_ties,
            self._side_adjusted,
            self._weighted,
            self._style_controlled,
            self._graded,
            self._by_design,
        )
        for name, build in zip(BOARDS, builders, strict=True):
            result = build()
            if isinstance(result, str):
                self._reasons[name] = result
            else:
                self._found[name] = result

    def as_dict(self) -> dict[str, Any]:
        """Every board by name: its rows, or the reason why there are none."""
        return {
            name: self._found[name].shown if name in self._found else no_board(self._reasons[name])
            for name in BOARDS
        }

    def sensitivity(self) -> dict[str, Any]:
        """What other treatments of ties change in ranks and conclusions; null without a board."""
        others = {**self._found, "rao_kupper": self._rao_kupper()}
        found = {name: others.get(name) for name in SENSITIVITY}
        names = self._read.systems
        return {name: board and compare(self._first, board, names) for name, board in found.items()}

    def _shown(
        self, board: ScoreBoard, scale: str, terms: Mapping[str, Estimate], **more: Any
    ) -> ShownBoard:
        return show_board(board, self._read.systems, scale, terms, **more)

    def _half_win(self, board: Leaderboard, n: int, scale: str, **more: Any) -> ShownBoard:
        return show_half_win(board, self._read.systems, n, scale, **more)

    def _leaderboard(self, votes: Votes, ties: TiePolicy = "half") -> Leaderboard:
        return leaderboard(
            votes, seed=self._seed, level=self._level, ties=ties, anchor=self._anchor
        )

    def _of_outcomes(
        self, votes: Votes, fit: OutcomeFit, covariance: Covariance, method: str
    ) -> ScoreBoard:
        return score_board(
            votes,
            fit.strengths,
            fit.component,
            covariance,
            fit.model_covariance(),
            method=method if fit.ridge else f"{method}_{covariance.method}",
            converged=fit.converged,
            warnings=fit.warnings,
            seed=self._seed,
            level=self._level,
            anchor=self._anchor,
        )

    def _shape(
        self, fit: OutcomeFit, covariance: Covariance, method: str, n: int, place: int
    ) -> Estimate:
        return parameter_estimate(
            float(fit.shape[place]),
            fit.systems.size + place,
            covariance,
            method=method if fit.ridge else f"{method}_{covariance.method}",
            n=n,
            converged=fit.converged,
            warnings=fit.warnings,
            level=self._level,
        )

    def _of_ties(self, found: TieFit, term: str) -> ShownBoard:
        board = self._of_outcomes(self._votes, found.fit, found.covariance, found.method)
        shape = self._shape(found.fit, found.covariance, found.method, found.n, 0)
        return self._shown(board, WIN_ODDS, {term: shape})

    def _davidson(self) -> ShownBoard | str:
        found = fit_davidson(self._votes)
        if found is None:
            return self._no_ties() or "There are no decisive votes."
        return self._of_ties(found, "log_nu")

    def _rao_kupper(self) -> ShownBoard | None:
        found = fit_rao_kupper(self._votes)
        return None if found is None else self._of_ties(found, "log_theta")

    def _no_ties(self) -> str | None:
        verdict = self._votes.verdict
        if not verdict.size:
            return "There are no votes."
        tied = (verdict == VerdictCode.TIE) | (verdict == VerdictCode.BOTH_BAD)
        if bool(tied.any()):
            return None
        return "No vote is a tie: the first board already tells it all."

    def _drop_ties(self) -> ShownBoard | str:
        reason = self._no_ties()
        if reason:
            return reason
        decisive = self._votes.counted("drop").n
        if not decisive:
            return "There are no decisive votes."
        board = self._leaderboard(self._votes, ties="drop")
        return self._half_win(board, decisive, WIN_ODDS)

    def _side_adjusted(self) -> ShownBoard | str:
        term = self._side_term
        if term.covariance is None or term.model_covariance is None:
            if term.gamma.n:
                return "Each pair was shown in one order only, so that side and system coincide."
            return "Of no vote is it known which response was shown left."
        board = score_board(
            self._votes,
            term.strengths,
            term.component,
            term.covariance,
            term.model_covariance,
            method=term.gamma.method,
            converged=term.converged,
            seed=self._seed,
            level=self._level,
            anchor=self._anchor,
        )
        return self._shown(board, EXPECTED_SCORE, {"side": term.gamma})

    def _weighted(self) -> ShownBoard | str:
        if not self._votes.n:
            return "There are no votes."
        weight = self._read.prompt_weight
        used = weight[np.unique(self._votes.prompt)]
        if bool((used == used[0]).all()):
            return "All prompts have the same weight."
        votes = weigh_prompts(self._votes, weight)
        if votes is None:
            return "Every prompt with votes has the weight 0."
        board = self._leaderboard(votes)
        return self._half_win(
            board, votes.n, EXPECTED_SCORE, kish_n=kish_size(votes.weight, votes.n)
        )

    def _by_design(self) -> ShownBoard | str:
        """Every cell as the design has it, whatever was drawn oftener or stopped early."""
        draws = self._read.sampling
        if draws is None or not (draws.is_steered or draws.stopped):
            return (
                "No vote was drawn by a policy and no pair was stopped early: the first board is "
                "by design."
            )
        found = draw_weights(draws.cell, draws.probability, draws.wanted)
        if found is None:
            return "No vote is on a comparison of the queue."
        votes = replace(self._votes, weight=found.weight)
        board = self._leaderboard(votes)
        return self._half_win(
            board,
            votes.n,
            EXPECTED_SCORE,
            kish_n=kish_size(votes.weight, votes.n),
            policies=draws.votes_by_policy(),
            clipped=found.clipped,
            largest_weight=found.limit,
            covered=found.covered,
        )

    def _style_controlled(self) -> ShownBoard | str:
        style = self._read.style
        if style is None:
            return "With so many texts they are read only on request: analyze --diagnostics."
        item = self._votes.item
        found = fit_style(self._votes, style.a[item], style.b[item], level=self._level)
        if found is None:
            if not self._votes.n:
                return "There are no votes."
            return "The responses do not differ in length, headers, list items or bold text."
        fit = found.fit
        board = score_board(
            found.votes,
            fit.strengths,
            fit.component,
            found.covariance,
            fit.model_covariance(),
            method=found.method,
            converged=fit.converged,
            seed=self._seed,
            level=self._level,
            anchor=self._anchor,
        )
        shown = self._shown(
            board, EXPECTED_SCORE, dict(zip(STYLE_FEATURES, found.coefficients, strict=True))
        )
        by_name = dict(zip(self._read.systems, found.win_rates, strict=True))
        for row in shown.shown["rows"]:
            row["controlled_win_rate"] = by_name[row["system"]].as_dict()
        return shown

    def _graded(self) -> ShownBoard | str:
        if self._grades is None:
            if self._scale in ("five", "seven"):
                return "Some decisive votes have no grade."
            return "The scale has no grades."
        margin, steps = self._grades.margin, self._grades.steps
        found = fit_graded(self._votes, margin, steps)
        if found is None:
            return "There are no decisive votes."
        board = self._of_outcomes(found.votes, found.fit, found.covariance, found.method)
        terms = {
            f"threshold_{low}_{high}": self._shape(
                found.fit, found.covariance, found.method, found.votes.n, place
            )
            for place, (low, high) in enumerate(found.between)
        }
        names = self._read.systems
        pairs = [
            {
                "system_a": names[test.first],
                "system_b": names[test.second],
                "prompts": test.prompts,
                "mean_margin": test.mean_margin,
                "p_value": test.p_value,
                "p_adjusted": test.p_adjusted,
                "p_method": test.method,
            }
            for test in margin_tests(self._votes, margin, steps)
        ]
        return self._shown(board, GRADE_ODDS, terms, pairs=pairs)
