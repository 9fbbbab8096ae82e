"""Pairs of one response with itself: the right answer is a tie, and no vote on them counts."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from annotation import audit
from annotation.draws import draw
from annotation.models import Comparison, ComparisonKind, Response, Study, User
from annotation.pairing import DesignError

from .generation import ITEM_ID_BYTES
from .states import check_editable

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class IdenticalSummary:
    """What was written, and how many of the drawn pairs were there before."""

    created: int
    existing: int


def generate_identical(
    study: Study, number: int, *, seed: int = 0, actor: User | None = None
) -> IdenticalSummary:
    """Let `number` responses of the draft, drawn by `seed`, meet themselves.

    The draw orders all responses, so that the same call again adds nothing and a larger number
    adds to what is there.

    Raises
    ------
    DesignError
        If the number is below 1 or the study has fewer responses.
    StudyFrozenError
        If the study was opened.
    """
    with transaction.atomic():
        summary, act = add_identical(study, number, seed=seed)
        audit.record_acts(study, actor, act)
    return summary


def add_identical(
    study: Study, number: int, *, seed: int = 0
) -> tuple[IdenticalSummary, audit.Act]:
    """As `generate_identical`, within the caller's transaction, which records the act at last."""
    if number < 1:
        raise DesignError(f"The number of identical pairs must be 1 or more, not {number}.")
    with transaction.atomic():
        check_editable(study)
        drawn = [
            (response, prompt, system)
            for _, response, prompt, system in heapq.nsmallest(
                number, responses_in_drawn_order(study, seed)
            )
        ]
        if len(drawn) < number:
            raise DesignError(
                f"{study.slug} has {len(drawn)} responses; {number} identical pairs need as many."
            )
        existing = set(
            Comparison.objects.filter(study=study, kind=ComparisonKind.IDENTICAL).values_list(
                "response_a_id", flat=True
            )
        )
        rows = [
            Comparison(
                study=study,
                item_id=secrets.token_hex(ITEM_ID_BYTES),
                prompt_id=prompt,
                response_a_id=response,
                response_b_id=response,
                system_a_id=system,
                system_b_id=system,
                kind=ComparisonKind.IDENTICAL,
            )
            for response, prompt, system in drawn
            if response not in existing
        ]
        # In random order: row numbers must not tell the systems.
        secrets.SystemRandom().shuffle(rows)
        Comparison.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    act = audit.Act(
        "comparisons.generated", {"identical": number, "seed": seed, "created": len(rows)}
    )
    return IdenticalSummary(len(rows), number - len(rows)), act


def responses_in_drawn_order(study: Study, seed: int) -> Iterator[tuple[int, int, int, int]]:
    """Each response with its place in the draw, its prompt and its system, by their keys."""
    rows = Response.objects.filter(prompt__study=study).values_list(
        "pk", "prompt_id", "system_id", "prompt__prompt_id", "system__name", "sample"
    )
    for pk, prompt, system, prompt_id, name, sample in rows.iterator(chunk_size=2000):
        yield draw(seed, "identical", prompt_id, name, sample), pk, prompt, system
