"""The study of a chaos run, opened by the product's own functions."""

from __future__ import annotations

from itertools import combinations

from django.db import transaction

from annotation.lifecycle.opening import open_study
from annotation.models import Comparison, Prompt, Response, ResultsPolicy, Study
from tests.factories import make_study, make_system

from .records import Manifest, Texts

# Of a response in a load run: some paragraphs, as models write.
TEXT_SIZE = 1500


def seed_study(
    slug: str, *, comparisons: int, overlap: int, systems: int, text_size: int = 0
) -> tuple[Study, Manifest]:
    """An open study in which every text is unlike any other; whole prompts, so maybe a few more."""
    filler = " word" * (text_size // 5)
    with transaction.atomic():
        # Results are open, so that `analyze` can be asked at the end.
        study = make_study(slug, seed=20_261_124, results=ResultsPolicy.OPEN)
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
        Comparison.objects.bulk_create(rows)
        open_study(study, code_seed=1)
    study.refresh_from_db()
    manifest = Manifest(
        texts={row.item_id: Texts(row.response_a.text, row.response_b.text) for row in rows},
        systems={row.item_id: (row.system_a.name, row.system_b.name) for row in rows},
    )
    return study, manifest
