"""One number for all that an analysis read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from reports.records import StudyRecords


# Said by nobody, and so in no hash of a report that was made before it could be said.
DEFAULT_EXPERTISE = "trained"


def digest(records: StudyRecords) -> str:
    """The SHA-256 of everything that was read, in a form independent of the machine."""
    found = hashlib.sha256()

    def text(name: str, value: object) -> None:
        line = json.dumps([name, value], ensure_ascii=False, separators=(",", ":"))
        found.update(line.encode("utf-8") + b"\n")

    def numbers(name: str, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
        text(name, [array.size for array in arrays])
        for array in arrays:
            wide = "<f8" if array.dtype.kind == "f" else "<i8"
            found.update(np.ascontiguousarray(array, dtype=wide).tobytes())

    text("systems", records.systems)
    text("prompts", records.prompts)
    text("categories", records.prompt_category)
    text("tags", records.prompt_tags)
    text("annotators", records.annotators)
    text("items", records.items)
    numbers("weights", [records.prompt_weight])
    numbers("comparisons", [records.item_system_a, records.item_system_b, records.item_prompt])
    numbers("overlap", [records.item_overlap])
    for criterion in (records.overall, *records.criteria):
        votes = criterion.votes
        text("criterion", [criterion.key, criterion.scale, criterion.both_bad])
        numbers("votes", [votes.item, votes.annotator, votes.verdict, votes.side, criterion.margin])
    for judge in records.judgments:
        text("judge", [judge.judge, judge.judge_version, judge.causes])
        if judge.model:
            text("judge's model", judge.model)
        if judge.template:
            text("judge's instruction", judge.template)
        if not np.isnan(judge.confidence).all():
            numbers("confidence", [judge.confidence])
        for part in judge.criteria:
            text("judged criterion", part.key)
            numbers("criterion judgments", [part.row, part.verdict, part.margin])
        numbers(
            "judgments",
            [
                judge.item,
                judge.order,
                judge.replicate,
                judge.verdict,
                judge.margin,
                judge.cause,
                judge.inconsistent,
            ],
        )
    if records.expertise != DEFAULT_EXPERTISE:
        text("expertise", records.expertise)
    for drawn in records.drawn:
        text("drawn", [drawn.judge, drawn.judge_version, drawn.seed])
        numbers("sample", [drawn.frame, drawn.sample])
        if drawn.later is not None and drawn.since is not None:
            numbers("votes since", [drawn.later.reshape(-1), drawn.since.reshape(-1)])
        if drawn.missing:
            text("not back", drawn.missing)
    if records.style is not None:
        numbers("style", [records.style.a, records.style.b])
        # A response's text is in no hash but by how it looks.
        numbers("bait", [records.style.bait_a, records.style.bait_b])
        numbers("names", [records.style.names_a, records.style.names_b])
    if records.sampling is not None:
        draw = records.sampling
        numbers("draws", [draw.cell, draw.policy, draw.probability, draw.wanted])
        text("stopped", draw.stopped)
    for asked in records.profiles:
        text("asked", [asked.key, asked.options])
        numbers("answers", [asked.answer])
    if records.adjudication is not None:
        decided = records.adjudication
        text("cases", decided.cases)
        numbers("adjudicated", [decided.item, decided.verdict])
    for criterion in (records.overall, *records.criteria):
        out = criterion.exclusions
        if out is not None:
            if criterion is not records.overall:
                text("excluded on", criterion.key)
            text("excluded", out.annotators)
            numbers("exclusions", [out.item, out.annotator, out.verdict, out.side, out.post_hoc])
            if out.own.any():
                numbers("owners' own", [out.own])
    text("repeats", records.repeats)
    return found.hexdigest()
