"""Judges beside people, as the report holds them: each alone, and every two on the same votes."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Final

from reports.records import JudgmentRecords, StudyRecords
from reports.stats.alignment import Alignment, Comparisons, Judgments, alignment, judge_pairs
from reports.stats.results import VerdictCode
from reports.stats.votes import IntArray

# What annotators are taken for when a judge is tested against them.
EXPERTISE: Final = "trained"


class JudgeAlignment:
    """What the judges say against what people say.

    Parameters
    ----------
    read : StudyRecords
    seed : int
    level : float
    """

    def __init__(self, read: StudyRecords, *, seed: int, level: float) -> None:
        self._read = read
        self._seed = seed
        self._level = level
        self._comparisons = Comparisons.from_arrays(
            read.item_prompt,
            read.item_system_a,
            read.item_system_b,
            n_systems=len(read.systems),
        )
        self._judgments = [_judgments(judge) for judge in read.judgments]

    def entries(self) -> list[dict[str, Any]]:
        """One for each judge version."""
        votes = self._read.overall.votes
        return [
            self._entry(
                judge,
                alignment(
                    self._comparisons,
                    votes,
                    judgments,
                    seed=self._seed,
                    expertise=EXPERTISE,
                    level=self._level,
                ),
            )
            for judge, judgments in zip(self._read.judgments, self._judgments, strict=True)
        ]

    def pairs(self) -> list[dict[str, Any]]:
        """Every two judge versions by their agreement with the votes, tested."""
        found = judge_pairs(
            self._comparisons,
            self._read.overall.votes,
            self._judgments,
            seed=self._seed,
            level=self._level,
        )
        judges = combinations(self._read.judgments, 2)
        return [
            {
                "judge_1": first.judge,
                "judge_version_1": first.judge_version,
                "judge_2": second.judge,
                "judge_version_2": second.judge_version,
                **pair.as_dict(),
            }
            for (first, second), pair in zip(judges, found, strict=True)
        ]

    def _entry(self, judge: JudgmentRecords, aligned: Alignment) -> dict[str, Any]:
        entry = {
            "judge": judge.judge,
            "judge_version": judge.judge_version,
            "inconsistent": int(judge.inconsistent.sum()),
            **aligned.as_dict(),
        }
        names = self._read.annotators
        others = entry["human_ceiling"].get("leave_one_out", {})
        for raters in (entry["alt_test"].get("raters", ()), others.get("raters", ())):
            for tested in raters:
                tested["rater"] = names[tested["rater"]]
        for rate in entry["corrected_win_rates"]:
            rate["system"] = self._read.systems[rate["system"]]
        return entry


def _judgments(judge: JudgmentRecords) -> Judgments:
    return Judgments.from_arrays(
        judge.item,
        judge.order,
        judge.verdict,
        margin=_margins(judge),
        cause=judge.cause,
        causes=judge.causes,
    )


def _margins(judge: JudgmentRecords) -> IntArray | None:
    """Margins of a graded judge; None for one that only says who wins."""
    decisive = (judge.verdict == VerdictCode.A) | (judge.verdict == VerdictCode.B)
    margin = judge.margin[decisive]
    graded = margin.size > 0 and bool(((margin >= 1) & (margin <= 2)).all())
    return judge.margin if graded else None
