"""Judgments of LLM judges, the unparsed ones too."""

from __future__ import annotations

from collections.abc import Iterator

from annotation.models import Study
from judging.models import Judgment, result_id

from .shape import CHUNK, Row, RowTable, dollars, extra_keys, metadata_of, ordered

COLUMNS = (
    "item_id",
    "judge_id",
    "order",
    "verdict",
    "confidence",
    "reason",
    "inconsistent",
    "input_tokens",
    "output_tokens",
    "cost",
    "latency_ms",
    # Not keys of contract.md §4: an import keeps them as metadata.
    "result_id",
    "kind",
    "judge_version",
    "replicate",
    "margin",
    "missing",
    "criteria",
)


def table(study: Study) -> RowTable:
    """All judgments on the study's comparisons, in the order in which they were stored."""
    judgments = Judgment.objects.filter(comparison__study=study)
    return RowTable(COLUMNS, extra_keys(COLUMNS, metadata_of(judgments, "metadata")), _rows(study))


def _rows(study: Study) -> Iterator[Row]:
    judgments = (
        Judgment.objects.filter(comparison__study=study)
        .select_related("version__judge", "comparison", "call")
        .prefetch_related("criteria__criterion")
        .order_by("pk")
    )
    for judgment in judgments.iterator(chunk_size=CHUNK):
        criteria = {
            row.criterion.key: row.verdict
            for row in sorted(judgment.criteria.all(), key=lambda row: row.criterion.key)
        }
        yield ordered(
            COLUMNS,
            {
                "item_id": judgment.comparison.item_id,
                "judge_id": judgment.version.judge.judge_id,
                "order": judgment.order,
                "verdict": judgment.verdict,
                "confidence": judgment.confidence,
                "reason": judgment.reason or None,
                "inconsistent": judgment.inconsistent,
                "input_tokens": judgment.input_tokens,
                "output_tokens": judgment.output_tokens,
                "cost": dollars(judgment.cost),
                "latency_ms": judgment.latency_ms,
                "result_id": str(result_id(study.slug, judgment.call_id))
                if judgment.call_id
                else None,
                "kind": judgment.comparison.kind,
                "judge_version": judgment.version.number,
                "replicate": judgment.call.replicate if judgment.call else None,
                "margin": judgment.margin,
                "missing": judgment.missing or None,
                "criteria": criteria or None,
            },
            judgment.metadata,
            # Said, not left out: the judge answered, and no verdict could be read.
            null="verdict",
        )
