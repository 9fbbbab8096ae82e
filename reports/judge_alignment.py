"""Judges beside people, as the report holds them: each alone, every two, and averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any, cast

import numpy as np

from judging.families import family_of
from reports.drawn_records import DrawnRecords
from reports.judgment_records import JudgedCriterion, JudgmentRecords
from reports.records import CriterionRecords, StudyRecords
from reports.stats.alignment import (
    Alignment,
    Comparisons,
    Drawn,
    Judgments,
    Make,
    Texts,
    alignment,
    criterion_alignment,
    judge_pairs,
    panel,
    reconcile,
    self_preference,
)
from reports.stats.alignment.alt_test import Expertise
from reports.stats.alignment.drift import Since
from reports.stats.alignment.humans import human_labels
from reports.stats.ratings import Integers
from reports.stats.results import VerdictCode, WarningCode
from reports.stats.votes import IntArray

# Steps from a tie to the end of a judge's scale.
_STEPS = 2
_GRADED_SCALE = "five"


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
        names = sorted(set(read.prompt_category) - {""})
        code = {name: number for number, name in enumerate(names)}
        self._categories = names
        of_prompt = np.array([code.get(c, -1) for c in read.prompt_category], dtype=np.int64)
        self._part = of_prompt[read.item_prompt] if len(of_prompt) else np.zeros(0, np.int64)

    def entries(self) -> list[dict[str, Any]]:
        """One for each judge version."""
        return [self._entry(place) for place in range(len(self._judgments))]

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

    def panels(self) -> list[dict[str, Any]]:
        """All judges averaged, and those of no system's family; of each the newest version."""
        newest = {judge.judge: place for place, judge in enumerate(self._read.judgments)}
        everyone = sorted(newest.values())
        houses = {family_of(name) for name in self._read.systems} - {None}
        apart = [place for place in everyone if self._family(place) not in houses]
        found = []
        for name, members in (("all", everyone), ("other_families", apart)):
            if len(members) < 2 or (name != "all" and members == everyone):
                continue
            whole = panel(
                self._comparisons,
                self._read.overall.votes,
                self._judgments,
                members,
                seed=self._seed,
                makes=[Make(judge.template, judge.model) for judge in self._read.judgments],
                level=self._level,
            )
            found.append(
                {
                    "panel": name,
                    "judges": [self._name(place) for place in members],
                    "best": None if whole.best is None else self._name(whole.best),
                    **whole.as_dict(),
                }
            )
        return found

    def _name(self, place: int) -> dict[str, Any]:
        judge = self._read.judgments[place]
        return {"judge": judge.judge, "judge_version": judge.judge_version}

    def _family(self, place: int) -> str | None:
        judge = self._read.judgments[place]
        return family_of(judge.model or judge.judge)

    @cached_property
    def _texts(self) -> Texts | None:
        style = self._read.style
        if style is None:
            return None
        return Texts(
            style.a.astype(np.int64),
            style.b.astype(np.int64),
            (style.bait_a, style.bait_b),
            style.names_a | style.names_b,
        )

    def _drawn(self, judge: JudgmentRecords) -> DrawnRecords | None:
        own = (judge.judge, judge.judge_version)
        found = [d for d in self._read.drawn if (d.judge, d.judge_version) == own]
        return found[0] if found else None

    def _entry(self, place: int) -> dict[str, Any]:
        judge = self._read.judgments[place]
        drawn = self._drawn(judge)
        aligned = alignment(
            self._comparisons,
            self._read.overall.votes,
            self._judgments[place],
            seed=self._seed,
            expertise=cast(Expertise, self._read.expertise),
            drawn=None if drawn is None else self._as_flags(drawn),
            texts=self._texts,
            part=self._part,
            level=self._level,
        )
        entry = {
            "judge": judge.judge,
            "judge_version": judge.judge_version,
            "model": judge.model,
            "inconsistent": int(judge.inconsistent.sum()),
            **aligned.as_dict(),
            "categories": [
                {"category": self._categories[one.part], **one.as_dict()} for one in aligned.parts
            ],
            "criteria": list(self._criteria(judge)),
            "self_preference": list(self._own_family(place)),
            "sample": None
            if drawn is None
            else {"frame": int(drawn.frame.size), "drawn": int(drawn.sample.size)},
        }
        if drawn is not None and drawn.missing:
            entry["sample"]["missing"] = drawn.missing
            entry["warnings"] = [*entry["warnings"], str(WarningCode.PARTIAL_SAMPLE)]
        self._put_names(entry, aligned)
        return entry

    def _put_names(self, entry: dict[str, Any], aligned: Alignment) -> None:
        """Replace the codes of the statistics by the names of the study."""
        names, systems = self._read.annotators, self._read.systems
        others = entry["human_ceiling"].get("leave_one_out", {})
        for raters in (entry["alt_test"].get("raters", ()), others.get("raters", ())):
            for tested in raters:
                tested["rater"] = names[tested["rater"]]
        for rows in ("corrected_win_rates", "controlled_win_rates", "length_controlled_win_rates"):
            for rate in entry[rows]:
                for one in (rate, *rate.get("over", ())):
                    one["system"] = systems[one["system"]]
        for row in entry["ranking"]["systems"]:
            row["system"] = systems[row["system"]]
        standing = entry["standing"]
        standing["weak_categories"] = self._named_parts(aligned.standing.weak_parts)
        standing["strong_categories"] = self._named_parts(aligned.standing.strong_parts)
        entry["disagreements"] = [
            {
                "item": self._read.items[one.comparison],
                "prompt": self._read.prompts[self._read.item_prompt[one.comparison]],
                "system_a": systems[self._read.item_system_a[one.comparison]],
                "system_b": systems[self._read.item_system_b[one.comparison]],
                **one.as_dict(),
            }
            for one in aligned.disagreements
        ]

    def _named_parts(self, codes: Sequence[int]) -> list[str]:
        return [self._categories[code] for code in codes]

    def _as_flags(self, drawn: DrawnRecords) -> Drawn:
        frame = np.zeros(self._comparisons.n, dtype=np.bool_)
        sample = np.zeros(self._comparisons.n, dtype=np.bool_)
        frame[drawn.frame], sample[drawn.sample] = True, True
        if drawn.later is None or drawn.since is None:
            return Drawn(frame, sample)
        return Drawn(frame, sample, Since(drawn.later, drawn.since))

    def _own_family(self, place: int) -> Iterator[dict[str, Any]]:
        """Each system of the judge's family, held against the judges of other families."""
        house = self._family(place)
        own = [
            system
            for system, name in enumerate(self._read.systems)
            if house is not None and family_of(name) == house
        ]
        if not own:
            return
        calls = self._judgments[place]
        humans = human_labels(
            self._read.overall.votes, self._comparisons, says_both_bad=calls.says_both_bad
        )
        newest = {judge.judge: other for other, judge in enumerate(self._read.judgments)}
        others = [
            reconcile(self._judgments[other], self._comparisons.n)
            for other in sorted(newest.values())
            if self._family(other) != house
        ]
        judge = reconcile(calls, self._comparisons.n)
        for system in own:
            extra = self_preference(
                judge,
                others,
                system,
                humans,
                self._comparisons,
                seed=self._seed,
                level=self._level,
            )
            yield {
                "system": self._read.systems[system],
                "family": house,
                "extra": extra.as_dict(),
            }

    def _criteria(self, judge: JudgmentRecords) -> Iterator[dict[str, Any]]:
        """Each criterion beside `overall` that the judge decides and people vote on."""
        decided = {part.key: part for part in judge.criteria}
        for criterion in self._read.criteria:
            part = decided.get(criterion.key)
            if part is None:
                continue
            calls, graded = _of_criterion(judge, part)
            found = criterion_alignment(
                self._comparisons,
                criterion.votes,
                calls,
                seed=self._seed,
                margin=_grades(criterion),
                judge_graded=graded,
                level=self._level,
            )
            yield {"criterion": criterion.key, **found.as_dict()}


def _judgments(judge: JudgmentRecords) -> Judgments:
    return Judgments.from_arrays(
        judge.item,
        judge.order,
        judge.verdict,
        margin=_margins(judge.verdict, judge.margin),
        cause=judge.cause,
        causes=judge.causes,
        confidence=judge.confidence,
    )


def _of_criterion(judge: JudgmentRecords, part: JudgedCriterion) -> tuple[Judgments, bool]:
    margin = _margins(part.verdict, part.margin)
    calls = Judgments.from_arrays(
        judge.item[part.row], judge.order[part.row], part.verdict, margin=margin
    )
    return calls, margin is not None


def _margins(verdict: IntArray, margin: IntArray) -> IntArray | None:
    """Margins of a graded judge; None for one that only says who wins."""
    decisive = (verdict == VerdictCode.A) | (verdict == VerdictCode.B)
    own = margin[decisive]
    graded = own.size > 0 and bool(((own >= 1) & (own <= _STEPS)).all())
    return margin if graded else None


def _grades(criterion: CriterionRecords) -> Integers | None:
    """Margins of the votes, on a scale of as many steps as a judge's."""
    if criterion.scale != _GRADED_SCALE:
        return None
    margin = _margins(criterion.votes.verdict, criterion.margin)
    return None if margin is None else margin.astype(np.int64)
