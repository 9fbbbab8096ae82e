"""Comparisons with their prompts and responses."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Prefetch

from annotation.adjudication import standing_adjudications
from annotation.models import (
    Comparison,
    Criterion,
    ImportKind,
    Prompt,
    Response,
    Study,
    Verdict,
)

from .shape import CHUNK, Row, RowTable, dollars, extra_keys, metadata_of, ordered

MEASURES = ("latency_ms", "ttft_ms", "input_tokens", "output_tokens", "cost")
MIRRORED = {Verdict.A.value: Verdict.B.value, Verdict.B.value: Verdict.A.value}
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
    # What a reviewer decided, by criterion; a fact beside the votes.
    "adjudicated",
    # Not keys of contract.md §4: an import keeps them as metadata of the comparison.
    "gold_by_criterion",
    "checks",
    "prompt_metadata",
    "metadata_a",
    "metadata_b",
)


DECISIONS = Prefetch(
    "adjudications",
    queryset=standing_adjudications().select_related("criterion").order_by("criterion__key"),
    to_attr="standing",
)


def table(study: Study, *, names: bool) -> RowTable:
    """All comparisons of the study, in the order in which they were stored.

    With `names` each row also has what a reviewer decided on it; so whoever gets them may see
    outcomes. Without (a sealed study) systems are their codes, and all that could give a system
    away is left out or turned: measures, metadata and explanations, the order of storing, and
    which response is a, since both orders follow the names. Imported item ids often spell the
    names of the pair: such a study's items get ids that are drawn, the same in each export.
    """
    comparisons = Comparison.objects.filter(study=study)
    if not names:
        return RowTable(COLUMNS, (), _sealed_rows(study))
    return RowTable(
        COLUMNS, extra_keys(COLUMNS, metadata_of(comparisons, "metadata")), _rows(study)
    )


def _read(study: Study, order: Sequence[str], *prefetched: Prefetch[str]) -> Iterator[Any]:
    return (
        Comparison.objects.filter(study=study)
        .select_related("prompt", "response_a", "response_b", "system_a", "system_b")
        .prefetch_related(*prefetched)
        .order_by(*order)
        .iterator(chunk_size=CHUNK)
    )


def _rows(study: Study) -> Iterator[Row]:
    for comparison in _read(study, ["pk"], DECISIONS):
        stated = {
            "system_a": comparison.system_a.name,
            "system_b": comparison.system_b.name,
            "response_a": comparison.response_a.text,
            "response_b": comparison.response_b.text,
            **_pair(comparison),
            **_gold(comparison.gold),
            "adjudicated": {row.criterion.key: row.verdict for row in comparison.standing} or None,
            **_measures(comparison.response_a, "a"),
            **_measures(comparison.response_b, "b"),
            "prompt_metadata": comparison.prompt.metadata or None,
            "metadata_a": comparison.response_a.metadata or None,
            "metadata_b": comparison.response_b.metadata or None,
        }
        yield ordered(COLUMNS, stated, comparison.metadata)


def _sealed_rows(study: Study) -> Iterator[Row]:
    """By item, each pair in the order of the codes."""
    imported = study.import_files.filter(kind=ImportKind.COMPARISONS).exists()
    for comparison in _read(study, ["prompt__prompt_id", "?"] if imported else ["item_id"]):
        sides = [
            (comparison.system_a.code, comparison.response_a.text),
            (comparison.system_b.code, comparison.response_b.text),
        ]
        turned = _place(sides[1][0]) < _place(sides[0][0])
        (code_a, text_a), (code_b, text_b) = reversed(sides) if turned else sides
        stated = {
            "system_a": code_a,
            "system_b": code_b,
            "response_a": text_a,
            "response_b": text_b,
            **_pair(comparison),
            **_gold(_turned(comparison.gold) if turned else comparison.gold),
            "explanation": None,
        }
        if imported:
            stated["item_id"] = drawn_id(study, comparison)
        yield ordered(COLUMNS, stated, {})


def drawn_id(study: Study, comparison: Comparison) -> str:
    """An id that says nothing to whoever does not know the study's queue seed."""
    key = study.queue_seed.to_bytes(8, "big")
    return hmac.new(key, str(comparison.pk).encode(), "sha256").hexdigest()[:16]


def _place(code: str) -> tuple[int, str]:
    """A2 comes before A10."""
    return len(code), code


def _turned(gold: dict[str, list[str]] | None) -> dict[str, list[str]] | None:
    """Accepted verdicts after a and b have changed places."""
    if gold is None:
        return None
    return {key: [MIRRORED.get(verdict, verdict) for verdict in gold[key]] for key in gold}


def _pair(comparison: Comparison) -> dict[str, Any]:
    """What does not depend on which response is a."""
    return {
        "item_id": comparison.item_id,
        "kind": comparison.kind,
        "overlap": comparison.overlap,
        "explanation": comparison.explanation or None,
        **_prompt(comparison.prompt),
    }


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
