"""The only bridge from tables to arrays.

Everything is coded by names in code-point order (systems, prompts, annotators, items, criteria,
judges), never by database keys: the same study in another database gives the same arrays, the
same input hash and the same report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from django.db.models import F, Q, QuerySet

from annotation.models import (
    Comparison,
    ComparisonKind,
    Criterion,
    Prompt,
    Study,
    System,
    Verdict,
    VoteCriterion,
)
from annotation.selectors import counted_votes, repeated_votes
from judging.models import JudgeVersion, Judgment, MissingCause, Order
from reports.adjudication_records import AdjudicationRecords, load_adjudications
from reports.input_hash import digest
from reports.read_snapshot import read_snapshot
from reports.sampling_records import SamplingRecords, load_sampling
from reports.stats.agreement_report import Scale as ScaleName
from reports.stats.results import VerdictCode
from reports.stats.votes import IntArray, Votes
from reports.stats.win_rates import pair_index
from reports.style_records import StyleRecords, load_style

VERDICT_CODES: dict[str, int] = {
    Verdict.A.value: VerdictCode.A,
    Verdict.B.value: VerdictCode.B,
    Verdict.TIE.value: VerdictCode.TIE,
    Verdict.BOTH_BAD.value: VerdictCode.BOTH_BAD,
}
NO_VERDICT = -1
ORDER_CODES: dict[str, int] = {Order.AB.value: 0, Order.BA.value: 1, Order.BOTH.value: 2}
# Why a verdict is missing, as codes.
CAUSES: tuple[str, ...] = tuple(MissingCause.values)
# Rows fetched at a time: the ORM's tuples of one chunk stay around 10 MB.
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class CriterionRecords:
    """The counted votes on one criterion.

    Attributes
    ----------
    key : str
    scale : str
        As in the rubric.
    both_bad : bool
        Whether a voter could say both_bad. An imported study's rubric is not known: there the
        answer is whether anyone did.
    votes : Votes
    margin : int8 array, shape (n,)
        1 to 3, or 0 where the vote has none.
    """

    key: str
    scale: ScaleName
    both_bad: bool
    votes: Votes
    margin: IntArray


@dataclass(frozen=True, slots=True)
class JudgmentRecords:
    """The judgments of one judge version, one row a comparison, order and replicate.

    Attributes
    ----------
    judge : str
    judge_version : int
    item : int32 array, shape (n,)
        Index into :attr:`StudyRecords.items`.
    order : int8 array, shape (n,)
        0 ab, 1 ba, 2 both.
    replicate : int16 array, shape (n,)
    verdict : int8 array, shape (n,)
        A verdict code, or -1 where there is none.
    margin : int8 array, shape (n,)
        1 slightly, 2 clearly; 0 where the judge gave none.
    cause : int8 array, shape (n,)
        Index into `causes` where there is no verdict, else -1.
    causes : tuple of str
    inconsistent : bool array, shape (n,)
        The two orders of an imported, reconciled judgment disagreed.
    """

    judge: str
    judge_version: int
    item: IntArray
    order: IntArray
    replicate: IntArray
    verdict: IntArray
    margin: IntArray
    cause: IntArray
    causes: tuple[str, ...]
    inconsistent: np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class StudyRecords:
    """All that an analysis reads, in arrays, with the names that the codes stand for."""

    systems: tuple[str, ...]
    prompts: tuple[str, ...]
    prompt_weight: np.ndarray[Any, np.dtype[np.float64]]
    prompt_category: tuple[str, ...]
    prompt_tags: tuple[tuple[str, ...], ...]
    annotators: tuple[str, ...]
    items: tuple[str, ...]
    item_system_a: IntArray
    item_system_b: IntArray
    item_prompt: IntArray
    overall: CriterionRecords
    criteria: tuple[CriterionRecords, ...]
    judgments: tuple[JudgmentRecords, ...]
    style: StyleRecords | None
    # None where nothing steered the draw of the votes.
    sampling: SamplingRecords | None
    # None where no disagreement was decided.
    adjudication: AdjudicationRecords | None
    repeats: int
    input_sha256: str


def prompts_of_pairs(read: StudyRecords) -> IntArray:
    """On how many prompts each pair of systems is compared, voted on or not.

    Returns
    -------
    int array, shape (pairs,)
        In the order (0, 1), (0, 2), …, (1, 2), … of the systems' codes.
    """
    m = len(read.systems)
    low = np.minimum(read.item_system_a, read.item_system_b).astype(np.int64)
    high = np.maximum(read.item_system_a, read.item_system_b).astype(np.int64)
    pair = pair_index(low, high, m)
    distinct = np.unique(pair * max(1, len(read.prompts)) + read.item_prompt)
    return np.bincount(distinct // max(1, len(read.prompts)), minlength=m * (m - 1) // 2)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Database key → code, for each kind of thing."""

    system: dict[int, int]
    prompt: dict[int, int]
    annotator: dict[int, int]
    item: dict[int, int]


def _numbered(rows: Iterable[tuple[int, str]]) -> tuple[dict[int, int], tuple[str, ...]]:
    """Codes in code-point order of the names; the database's collation is not asked."""
    ordered = sorted(rows, key=lambda row: row[1])
    codes = {key: code for code, (key, _) in enumerate(ordered)}
    return codes, tuple(name for _, name in ordered)


def load(study: Study, *, style: bool = False) -> StudyRecords:
    """Read a study's counted votes and judgments, all at one moment.

    Parameters
    ----------
    study : Study
    style : bool
        Whether to read the responses' texts and count their looks.

    Raises
    ------
    Criterion.DoesNotExist
        If the study lacks the criterion `overall`, which every study has.
    """
    with read_snapshot():
        return _load(study, style)


def _load(study: Study, style: bool) -> StudyRecords:
    system_codes, systems = _numbered(System.objects.filter(study=study).values_list("id", "name"))
    prompt_rows = {
        row[0]: row[1:]
        for row in Prompt.objects.filter(study=study).values_list(
            "id", "prompt_id", "weight", "category", "tags"
        )
    }
    prompt_codes, prompts = _numbered((key, row[0]) for key, row in prompt_rows.items())
    by_code = sorted(prompt_rows, key=prompt_codes.__getitem__)
    work = Comparison.objects.filter(study=study, kind=ComparisonKind.WORK)
    item_rows = list(
        work.values_list(
            "id",
            "item_id",
            "system_a_id",
            "system_b_id",
            "prompt_id",
            "response_a_id",
            "response_b_id",
        )
    )
    item_codes, items = _numbered((row[0], row[1]) for row in item_rows)
    item_rows.sort(key=lambda row: item_codes[row[0]])
    annotator_codes, annotators = _numbered(
        # Only those whose votes count: an invitation changes no result and no input hash.
        study.annotators.filter(pk__in=counted_votes(study).values("annotator")).values_list(
            "id", "external_id"
        )
    )
    codes = _Codes(system_codes, prompt_codes, annotator_codes, item_codes)

    criteria = {criterion.key: criterion for criterion in study.criteria.all()}
    sizes = {
        "n_systems": len(systems),
        "n_prompts": len(prompts),
        "n_annotators": len(annotators),
        "n_items": len(items),
    }
    overall = _criterion_records(study, criteria.pop(Criterion.OVERALL), codes, sizes)
    others = tuple(
        _criterion_records(study, criteria[key], codes, sizes) for key in sorted(criteria)
    )
    records = StudyRecords(
        systems=systems,
        prompts=prompts,
        prompt_weight=np.array([prompt_rows[key][1] for key in by_code], dtype=np.float64),
        prompt_category=tuple(prompt_rows[key][2] for key in by_code),
        prompt_tags=tuple(tuple(sorted(set(prompt_rows[key][3]))) for key in by_code),
        annotators=annotators,
        items=items,
        item_system_a=np.array([system_codes[row[2]] for row in item_rows], dtype=np.int32),
        item_system_b=np.array([system_codes[row[3]] for row in item_rows], dtype=np.int32),
        item_prompt=np.array([prompt_codes[row[4]] for row in item_rows], dtype=np.int32),
        overall=overall,
        criteria=others,
        judgments=tuple(_load_judgments(study, item_codes)),
        style=load_style(study, [(row[5], row[6]) for row in item_rows]) if style else None,
        sampling=load_sampling(
            study,
            overall.votes,
            systems=codes.system,
            annotators=codes.annotator,
            items=codes.item,
        ),
        adjudication=load_adjudications(study, items=codes.item, verdicts=VERDICT_CODES),
        repeats=repeated_votes(study).count(),
        input_sha256="",
    )
    return replace(records, input_sha256=digest(records))


# Columns of one vote, in the order of the tuples below.
_VOTE_COLUMNS = 8


def _criterion_records(
    study: Study, criterion: Criterion, codes: _Codes, sizes: dict[str, int]
) -> CriterionRecords:
    if criterion.key == Criterion.OVERALL:
        rows: QuerySet[Any, Any] = counted_votes(study).values_list(
            "comparison__system_a",
            "comparison__system_b",
            "verdict",
            "swapped",
            "left",
            "comparison__prompt",
            "annotator",
            "comparison",
            "margin",
        )
    else:
        rows = VoteCriterion.objects.filter(
            criterion=criterion, vote__in=counted_votes(study)
        ).values_list(
            "vote__comparison__system_a",
            "vote__comparison__system_b",
            "verdict",
            "swapped",
            "vote__left",
            "vote__comparison__prompt",
            "vote__annotator",
            "vote__comparison",
            "margin",
        )
    chunks = []
    buffer = []
    for row in rows.iterator(chunk_size=CHUNK):
        buffer.append(
            (
                codes.system[row[0]],
                codes.system[row[1]],
                VERDICT_CODES[row[2]],
                _side(row[3], row[4]),
                codes.prompt[row[5]],
                codes.annotator[row[6]],
                codes.item[row[7]],
                row[8] or 0,
            )
        )
        if len(buffer) == CHUNK:
            chunks.append(np.array(buffer, dtype=np.int32))
            buffer = []
    chunks.append(np.array(buffer, dtype=np.int32).reshape(-1, _VOTE_COLUMNS))
    table = np.concatenate(chunks)
    # One row an item and annotator, so this order is total.
    table = table[np.lexsort((table[:, 5], table[:, 6]))]
    votes = Votes.from_arrays(
        table[:, 0],
        table[:, 1],
        table[:, 2],
        side=table[:, 3],
        prompt=table[:, 4],
        annotator=table[:, 5],
        item=table[:, 6],
        **sizes,
    )
    seen = bool((votes.verdict == VerdictCode.BOTH_BAD).any())
    return CriterionRecords(
        key=criterion.key,
        # The database holds nothing else.
        scale=cast(ScaleName, criterion.scale),
        both_bad=seen or (criterion.both_bad and study.was_opened),
        votes=votes,
        margin=table[:, 7].astype(np.int8),
    )


def _side(swapped: bool | None, left: str | None) -> int:
    """+1 if a was shown left, -1 if b was, 0 if nobody wrote it down."""
    if swapped is not None:
        return -1 if swapped else 1
    return {"a": 1, "b": -1}.get(left or "", 0)


def _load_judgments(study: Study, item_codes: dict[int, int]) -> Iterable[JudgmentRecords]:
    versions = JudgeVersion.objects.filter(judge__study=study).select_related("judge")
    for version in sorted(versions, key=lambda version: (version.judge.judge_id, version.number)):
        newest: dict[tuple[int, int, int], tuple[int, int, int, bool]] = {}
        rows = (
            Judgment.objects.filter(
                Q(call__isnull=True) | Q(call__run__study=study),
                version=version,
                comparison__study=study,
                comparison__kind=ComparisonKind.WORK,
            )
            # Later rows replace earlier ones of the same comparison, order and replicate.
            .order_by(F("call__run").asc(nulls_first=True), "id")
            .values_list(
                "comparison",
                "order",
                "call__replicate",
                "verdict",
                "margin",
                "missing",
                "inconsistent",
            )
        )
        for comparison, order, replicate, verdict, margin, missing, inconsistent in rows.iterator(
            chunk_size=CHUNK
        ):
            key = (item_codes[comparison], ORDER_CODES[order], replicate or 0)
            newest[key] = (
                NO_VERDICT if verdict is None else VERDICT_CODES[verdict],
                margin or 0,
                CAUSES.index(missing) if missing else -1,
                bool(inconsistent),
            )
        if not newest:
            continue
        keys = np.array(sorted(newest), dtype=np.int32)
        values = np.array([newest[key] for key in sorted(newest)], dtype=np.int8)
        yield JudgmentRecords(
            judge=version.judge.judge_id,
            judge_version=version.number,
            item=keys[:, 0],
            order=keys[:, 1].astype(np.int8),
            replicate=keys[:, 2].astype(np.int16),
            verdict=values[:, 0],
            margin=values[:, 1],
            cause=values[:, 2],
            causes=CAUSES,
            inconsistent=values[:, 3].astype(np.bool_),
        )
