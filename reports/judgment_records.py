"""What the judges of a study said, in arrays.

A part of :mod:`reports.records`, which alone calls it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet
from numpy.typing import NDArray

from annotation.models import ComparisonKind, Study
from judging.models import (
    CallState,
    JudgeCall,
    JudgeVersion,
    Judgment,
    JudgmentCriterion,
    MissingCause,
    Order,
)
from reports.columns import CHUNK, KeyCodes
from reports.stats.votes import IntArray
from reports.vote_rows import VERDICT_CODES

NO_VERDICT = -1
ORDER_CODES: dict[str, int] = {Order.AB.value: 0, Order.BA.value: 1, Order.BOTH.value: 2}
# Why a verdict is missing, as codes.
CAUSES: tuple[str, ...] = tuple(MissingCause.values)
# Of calls that ended without one, and what of their failures says that the reply was cut short.
STATE_CAUSES = {
    CallState.UNPARSED.value: MissingCause.UNPARSED,
    CallState.REFUSED.value: MissingCause.REFUSED,
    CallState.FAILED_PERMANENT.value: MissingCause.FAILED,
}
CUT_SHORT = frozenset({"output_limit", "reasoning_used_all_tokens"})
# In place of the key of a judgment.
NO_JUDGMENT = -1


@dataclass(frozen=True, slots=True)
class JudgedCriterion:
    """A judge's decisions on one further criterion.

    Attributes
    ----------
    key : str
    row : int64 array, shape (m,)
        Rows of the judgments that decide it, ascending.
    verdict, margin : int8 arrays, shape (m,)
        As of the judgments.
    """

    key: str
    row: IntArray
    verdict: IntArray
    margin: IntArray


@dataclass(frozen=True, slots=True)
class JudgmentRecords:
    """The judgments of one judge version, one row a comparison, order and replicate.

    Attributes
    ----------
    judge : str
    judge_version : int
    item : int32 array, shape (n,)
        Index into the study's items.
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
    confidence : float array, shape (n,)
        As stated; NaN where none was.
    model : str
        The language model that the version names; empty where it is not known.
    template : str
        Tells its instruction from others of the study; empty where it is not known.
    criteria : tuple of JudgedCriterion
        By key.
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
    inconsistent: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    model: str = ""
    template: str = ""
    criteria: tuple[JudgedCriterion, ...] = ()


def judgments_of(study: Study, version: JudgeVersion) -> QuerySet[Judgment]:
    """The judgments of a version on the study's comparisons of kind work.

    Later ones replace earlier ones of the same comparison, order and replicate.
    """
    return Judgment.objects.filter(
        Q(call__isnull=True) | Q(call__run__study=study),
        version=version,
        comparison__study=study,
        comparison__kind=ComparisonKind.WORK,
    ).order_by(F("call__run").asc(nulls_first=True), "id")


def load_judgments(study: Study, items: KeyCodes) -> Iterator[JudgmentRecords]:
    """Judgments of each version that has any, by judge and number."""
    versions = JudgeVersion.objects.filter(judge__study=study).select_related("judge")
    for version in sorted(versions, key=lambda version: (version.judge.judge_id, version.number)):
        records = _of_version(study, version, items)
        if records is not None:
            yield records


def _of_version(study: Study, version: JudgeVersion, items: KeyCodes) -> JudgmentRecords | None:
    newest: dict[tuple[int, int, int], tuple[int, int, int, bool]] = {}
    # Beside the small numbers: the key of the row, and how sure the judge was.
    found: dict[tuple[int, int, int], tuple[int, float]] = {}
    rows = judgments_of(study, version).values_list(
        "comparison",
        "order",
        "call__replicate",
        "verdict",
        "margin",
        "missing",
        "inconsistent",
        "pk",
        "confidence",
    )
    for (
        comparison,
        order,
        replicate,
        verdict,
        margin,
        missing,
        inconsistent,
        pk,
        sure,
    ) in rows.iterator(chunk_size=CHUNK):
        key = (comparison, ORDER_CODES[order], replicate or 0)
        newest[key] = (
            NO_VERDICT if verdict is None else VERDICT_CODES[verdict],
            margin or 0,
            CAUSES.index(missing) if missing else -1,
            bool(inconsistent),
        )
        found[key] = (pk, np.nan if sure is None else sure)
    answered = frozenset(newest)
    for key, cause in _lost_calls(study, version):
        # A call that failed later leaves the answer that there was.
        if key not in answered:
            newest[key] = (NO_VERDICT, 0, CAUSES.index(cause), False)
            found[key] = (NO_JUDGMENT, np.nan)
    if not newest:
        return None
    keys = np.array(list(newest), dtype=np.int64)
    item = items.of(keys[:, 0])
    place = np.lexsort((keys[:, 2], keys[:, 1], item))
    keys = keys[place]
    values = np.array(list(newest.values()), dtype=np.int8)[place]
    own = list(found.values())
    row_of = {own[old][0]: new for new, old in enumerate(place.tolist())}
    return JudgmentRecords(
        judge=version.judge.judge_id,
        judge_version=version.number,
        item=item[place],
        order=keys[:, 1].astype(np.int8),
        replicate=keys[:, 2].astype(np.int16),
        verdict=values[:, 0],
        margin=values[:, 1],
        cause=values[:, 2],
        causes=CAUSES,
        inconsistent=values[:, 3].astype(np.bool_),
        confidence=np.array([sure for _, sure in own], dtype=np.float64)[place],
        model=model_of(version),
        template=template_of(version),
        criteria=tuple(_criteria(study, version, row_of)),
    )


def _lost_calls(
    study: Study, version: JudgeVersion
) -> Iterator[tuple[tuple[int, int, int], MissingCause]]:
    """Our own calls without a verdict, which have no judgment: comparison, order and replicate."""
    rows = JudgeCall.objects.filter(
        run__study=study,
        run__version=version,
        state__in=STATE_CAUSES,
        comparison__kind=ComparisonKind.WORK,
    ).values_list("comparison", "order", "replicate", "state", "failure")
    for comparison, order, replicate, state, failure in rows.order_by("run", "id").iterator(
        chunk_size=CHUNK
    ):
        cut = failure.rpartition(":")[2] in CUT_SHORT
        cause = MissingCause.TRUNCATED if cut else STATE_CAUSES[state]
        yield (comparison, ORDER_CODES[order], replicate), cause


def model_of(version: JudgeVersion) -> str:
    """The language model that a version asks; empty for labels that were imported."""
    named = version.config.get("model", "") if isinstance(version.config, dict) else ""
    return named if isinstance(named, str) else ""


def template_of(version: JudgeVersion) -> str:
    """Name and text of the instruction that a version is given; empty for imported labels."""
    config = version.config if isinstance(version.config, dict) else {}
    instruction = config.get("instruction")
    if not isinstance(instruction, dict):
        return ""
    return f"{instruction.get('name', '')}\n{instruction.get('text', '')}".strip()


def _criteria(
    study: Study, version: JudgeVersion, row_of: dict[int, int]
) -> Iterable[JudgedCriterion]:
    decided: dict[str, list[tuple[int, int, int]]] = {}
    rows = JudgmentCriterion.objects.filter(
        judgment__version=version, judgment__comparison__study=study
    ).values_list("criterion__key", "judgment", "verdict", "margin")
    for key, judgment, verdict, margin in rows.iterator(chunk_size=CHUNK):
        row = row_of.get(judgment)
        if row is not None:
            decided.setdefault(key, []).append((row, VERDICT_CODES[verdict], margin or 0))
    for key in sorted(decided):
        table: NDArray[Any] = np.array(sorted(decided[key]), dtype=np.int64)
        yield JudgedCriterion(
            key, table[:, 0], table[:, 1].astype(np.int8), table[:, 2].astype(np.int8)
        )
