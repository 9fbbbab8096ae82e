"""Study records made by hand, in which every method of a report finds something to do."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Study
from reports import analysis
from reports.judgment_records import CAUSES, JudgmentRecords
from reports.records import CriterionRecords, StudyRecords
from reports.stats.votes import MIRRORED_VERDICT, Votes
from reports.style_records import StyleRecords
from tests.reports import results

A, TIE, B, BAD = range(4)
Cell = tuple[int, int, int, int, int]
"""prompt, system a, system b, annotator, verdict"""

Says = Callable[[int, int, int, int], int | None]


def cells(says: Says, *, systems: int = 3, prompts: int = 12, annotators: int = 4) -> list[Cell]:
    """Each annotator on each pair on each prompt, where `says` gives a verdict."""
    return [
        (p, a, b, who, verdict)
        for p in range(prompts)
        for a, b in combinations(range(systems), 2)
        for who in range(annotators)
        if (verdict := says(p, a, b, who)) is not None
    ]


def mixed(p: int, a: int, b: int, who: int) -> int:
    return (A, A, TIE, B, A, B, BAD)[(3 * p + 5 * a + 2 * b + 4 * who) % 7]


@dataclass(frozen=True)
class Renamed:
    """Other codes for the same things, or every comparison the other way round."""

    systems: Sequence[int] | None = None
    prompts: Sequence[int] | None = None
    annotators: Sequence[int] | None = None
    mirrored: bool = False


AS_IT_IS = Renamed()


def codes(given: Sequence[int] | None, size: int) -> NDArray[np.int64]:
    return np.arange(size) if given is None else np.array(given)


def records(votes: list[Cell], systems: int, as_: Renamed = AS_IT_IS) -> StudyRecords:
    """With grades, weights, categories, styles, sides and judges, so that all methods run.

    What belongs to an item, a prompt or a vote stays with it under other codes.
    """
    table = np.array(votes, dtype=np.int64).reshape(-1, 5)
    prompts = int(table[:, 0].max(initial=-1)) + 1
    annotators = int(table[:, 3].max(initial=-1)) + 1
    items = [(p, a, b) for p in range(prompts) for a, b in combinations(range(systems), 2)]
    number = {item: code for code, item in enumerate(items)}
    system = codes(as_.systems, systems)
    prompt, person = codes(as_.prompts, prompts), codes(as_.annotators, annotators)
    item = np.array([number[int(p), int(a), int(b)] for p, a, b, _, _ in table], dtype=np.int64)
    # By what the vote is, not by where it stands.
    kind = table @ np.array([3, 5, 7, 11, 0])
    first, second, turn = (2, 1, -1) if as_.mirrored else (1, 2, 1)
    verdict = MIRRORED_VERDICT[table[:, 4]] if as_.mirrored else table[:, 4]
    counted = Votes.from_arrays(
        system[table[:, first]],
        system[table[:, second]],
        verdict,
        prompt=prompt[table[:, 0]],
        annotator=person[table[:, 3]],
        item=item,
        side=np.where(kind % 2, turn, -turn),
        n_systems=systems,
        n_prompts=prompts,
        n_annotators=annotators,
        n_items=len(items),
    )
    decisive = np.isin(table[:, 4], (A, B))
    margin = np.where(decisive, 1 + kind // 2 % 2, 0).astype(np.int8)
    overall = CriterionRecords("overall", "five", True, counted, margin, None)
    clarity = CriterionRecords("clarity", "ternary", True, counted, np.zeros_like(margin), None)
    frame = np.array(items, dtype=np.int64).reshape(-1, 3)
    looks = np.random.default_rng(1).integers(1, 200, (2, len(items), 4)).astype(np.float64)
    if as_.mirrored:
        looks = looks[::-1]
    bait = [np.arange(len(items)) % 5 == k for k in (0, 1)]
    if as_.mirrored:
        bait = bait[::-1]
    named = [np.arange(len(items)) % 4 == k for k in (2, 3)]
    if as_.mirrored:
        named = named[::-1]
    back = np.argsort(prompt)
    return StudyRecords(
        systems=tuple(f"s{k}" for k in range(systems)),
        prompts=tuple(f"p{k:03}" for k in range(prompts)),
        prompt_weight=1.0 + back % 3,
        prompt_category=tuple("xy"[k % 2] for k in back),
        prompt_tags=tuple(("t",) if k % 2 else () for k in back),
        annotators=tuple(f"ann-{k}" for k in range(annotators)),
        items=tuple(f"i{k:04}" for k in range(len(items))),
        item_system_a=system[frame[:, first]],
        item_system_b=system[frame[:, second]],
        item_prompt=prompt[frame[:, 0]],
        item_overlap=np.full(len(items), 3),
        overall=overall,
        criteria=(clarity,),
        judgments=tuple(
            judge(name, len(items), says, as_.mirrored) for name, says in JUDGES.items()
        ),
        style=StyleRecords(looks[0], looks[1], *bait, *named),
        sampling=None,
        adjudication=None,
        repeats=0,
        input_sha256="0" * 64,
    )


JUDGES: dict[str, Callable[[int], int]] = {
    "always a": lambda item: A,
    "turns": lambda item: (A, B, TIE)[item % 3],
    "silent": lambda item: -1,
}


def judge(name: str, items: int, says: Callable[[int], int], mirrored: bool) -> JudgmentRecords:
    """Both orders of every item."""
    item = np.tile(np.arange(items), 2)
    verdict = np.array([says(int(code)) for code in item], dtype=np.int8)
    if mirrored:
        verdict = np.where(verdict < 0, verdict, MIRRORED_VERDICT[verdict]).astype(np.int8)
    return JudgmentRecords(
        judge=name,
        judge_version=1,
        item=item.astype(np.int32),
        order=np.repeat([1, 0] if mirrored else [0, 1], items).astype(np.int8),
        replicate=np.zeros(2 * items, dtype=np.int16),
        verdict=verdict,
        margin=np.zeros(2 * items, dtype=np.int8),
        cause=np.where(verdict < 0, 0, -1).astype(np.int8),
        causes=CAUSES,
        inconsistent=np.zeros(2 * items, dtype=bool),
        confidence=0.5 + (item % 4) / 8,
    )


def report_of(votes: list[Cell], systems: int, as_: Renamed = AS_IT_IS) -> dict[str, Any]:
    """The report of these votes with all its diagnostics, without a database."""
    chosen = copy.deepcopy(results.report([], [])["settings"]) | {"diagnostics": True}
    study = Study(slug="made", title="", notice="")
    return analysis.report(study, None, records(votes, systems, as_), chosen, 1)
