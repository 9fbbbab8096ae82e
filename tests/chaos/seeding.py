"""The study of a chaos run, opened by the product's own functions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from django.db import transaction

from annotation.lifecycle.opening import open_study
from annotation.models import (
    Comparison,
    ComparisonKind,
    Prompt,
    Response,
    ResultsPolicy,
    Study,
    System,
)
from tests.factories import make_study, make_system

from .records import Manifest, Texts

# Of a response in a load run: some paragraphs, as models write.
TEXT_SIZE = 1500


def seed_study(
    slug: str,
    *,
    comparisons: int,
    overlap: int,
    systems: int,
    text_size: int = 0,
    checks: int = 0,
    rules: Mapping[str, Any] | None = None,
) -> tuple[Study, Manifest]:
    """An open study in which every text is unlike any other; whole prompts, so maybe a few more.

    Parameters
    ----------
    checks : int
        How many gold pairs there are, and as many identical ones.
    rules : mapping, optional
        Of the study, beyond the defaults.
    """
    filler = " word" * (text_size // 5)
    with transaction.atomic():
        # Results are open, so that `analyze` can be asked at the end.
        study = make_study(
            slug, seed=20_261_124, results=ResultsPolicy.OPEN, rules=dict(rules or {})
        )
        made = [make_system(study, f"system-{number}") for number in range(systems)]
        pairs = list(combinations(range(systems), 2))
        count = -(-comparisons // len(pairs))
        prompts = Prompt.objects.bulk_create(
            Prompt(study=study, prompt_id=f"p{number}", text=f"Question {number}?")
            for number in range(count)
        )
        responses = Response.objects.bulk_create(
            Response(prompt=prompt, system=system, text=f"Answer {number} of {place}.{filler}")
            for number, prompt in enumerate(prompts)
            for place, system in enumerate(made)
        )
        rows = []
        for number, prompt in enumerate(prompts):
            of_prompt = responses[number * systems : (number + 1) * systems]
            for a, b in pairs:
                rows.append(
                    Comparison(
                        study=study,
                        item_id=f"p{number}-{a}-{b}",
                        prompt=prompt,
                        response_a=of_prompt[a],
                        response_b=of_prompt[b],
                        system_a=made[a],
                        system_b=made[b],
                        overlap=overlap,
                    )
                )
        rows += check_pairs(study, made, checks)
        Comparison.objects.bulk_create(rows)
        open_study(study, code_seed=1)
    study.refresh_from_db()
    manifest = Manifest(
        texts={row.item_id: Texts(row.response_a.text, row.response_b.text) for row in rows},
        systems={row.item_id: (row.system_a.name, row.system_b.name) for row in rows},
        checks=frozenset(row.item_id for row in rows if row.kind != ComparisonKind.WORK),
    )
    return study, manifest


def check_pairs(study: Study, systems: list[System], count: int) -> list[Comparison]:
    """Gold pairs and identical ones on prompts of their own, so many of each; not stored yet."""
    rows = []
    for number in range(count):
        prompt = Prompt.objects.create(
            study=study, prompt_id=f"check{number}", text=f"Check {number}?"
        )
        first, second, alone = Response.objects.bulk_create(
            Response(
                prompt=prompt,
                system=systems[place % len(systems)],
                sample=place // len(systems),
                text=f"Check {number} of {place}.",
            )
            for place in range(3)
        )
        rows.append(
            Comparison(
                study=study,
                item_id=f"gold{number}",
                prompt=prompt,
                response_a=first,
                response_b=second,
                system_a=first.system,
                system_b=second.system,
                kind=ComparisonKind.GOLD,
                gold={"overall": ["a"]},
            )
        )
        rows.append(
            Comparison(
                study=study,
                item_id=f"identical{number}",
                prompt=prompt,
                response_a=alone,
                response_b=alone,
                system_a=alone.system,
                system_b=alone.system,
                kind=ComparisonKind.IDENTICAL,
            )
        )
    return rows
