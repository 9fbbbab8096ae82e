"""Comparisons with their prompts and responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from annotation.models import Comparison, Criterion, Prompt, Response, Study, System

from .shape import CHUNK, Row, RowTable, dollars, extra_keys, metadata_of, ordered

MEASURES = ("latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cost")
COLUMNS = (
    "item_id",
    "prompt_id",
    "prompt",
    "system_a",
    "system_b",
    "response_a",
    "response_b",
    "kind",
    "overlap",
    "category",
    "tags",
    "weight",
    "reference",
    "created_at",
    *(f"{name}_a" for name in MEASURES),
    *(f"{name}_b" for name in MEASURES),
    "gold",
    "explanation",
    # Not keys of contract.md §4: an import keeps them as metadata of the comparison.
    "gold_by_criterion",
    "checks",
    "prompt_metadata",
    "metadata_a",
    "metadata_b",
)


def table(study: Study, *, names: bool) -> RowTable:
    """All comparisons of the study, in the order in which they were stored.

    Without `names` (a sealed study) systems are their codes, and all that could give a system
    away is left out: measures and metadata.
    """
    comparisons = Comparison.objects.filter(study=study)
    extra = extra_keys(COLUMNS, metadata_of(comparisons, "metadata")) if names else ()
    return RowTable(COLUMNS, extra, _rows(study, names))


def _rows(study: Study, names: bool) -> Iterator[Row]:
    comparisons = (
        Comparison.objects.filter(study=study)
        .select_related("prompt", "response_a", "response_b", "system_a", "system_b")
        .order_by("pk")
    )
    for comparison in comparisons.iterator(chunk_size=CHUNK):
        stated = {
            "item_id": comparison.item_id,
            "system_a": _name(comparison.system_a, names),
            "system_b": _name(comparison.system_b, names),
            "response_a": comparison.response_a.text,
            "response_b": comparison.response_b.text,
            "kind": comparison.kind,
            "overlap": comparison.overlap,
            "explanation": comparison.explanation or None,
            **_prompt(comparison.prompt),
            **_gold(comparison.gold),
        }
        if names:
            stated |= _measures(comparison.response_a, "a") | _measures(comparison.response_b, "b")
            stated["prompt_metadata"] = comparison.prompt.metadata or None
            stated["metadata_a"] = comparison.response_a.metadata or None
            stated["metadata_b"] = comparison.response_b.metadata or None
        yield ordered(COLUMNS, stated, comparison.metadata if names else {})


def _name(system: System, names: bool) -> str:
    return system.name if names else system.code


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt_id": prompt.prompt_id,
        "prompt": prompt.text if prompt.messages is None else prompt.messages,
        "category": prompt.category or None,
        "tags": prompt.tags or None,
        # 1 is what a row without a weight means.
        "weight": None if prompt.weight == 1 else prompt.weight,
        "reference": prompt.reference or None,
        "created_at": prompt.created_at.isoformat() if prompt.created_at else None,
        "checks": prompt.checks or None,
    }


def _measures(response: Response, side: str) -> dict[str, Any]:
    values = {name: getattr(response, name) for name in MEASURES}
    values["cost"] = dollars(response.cost)
    return {f"{name}_{side}": value for name, value in values.items()}


def _gold(gold: dict[str, list[str]] | None) -> dict[str, Any]:
    """Accepted verdicts: one stands alone, as a row may write it."""
    if gold is None:
        return {}
    accepted = gold.get(Criterion.OVERALL, [])
    others = {key: verdicts for key, verdicts in gold.items() if key != Criterion.OVERALL}
    return {
        "gold": accepted[0] if len(accepted) == 1 else accepted or None,
        "gold_by_criterion": others or None,
    }
