"""What a study version fixes: settings, rubric and content, in a form that can be hashed.

The snapshot holds a digest over the hash of every item rather than the hashes themselves, so that
it stays small at a million comparisons. `digest_of_content` recomputes it from the tables at any
time; a difference means that something was changed after opening.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet

from annotation.canonical_json import canonical_json
from annotation.models import Comparison, Prompt, Response, Study
from annotation.rules import rules_as_json, rules_of

# Raised when the composition of the snapshot changes: hashes compare within one format only.
SNAPSHOT_FORMAT = 2

# Rows read at a time: texts are long, and all of them pass through here.
CHUNK = 1000

# Told how many prompts, responses and comparisons are through, and of how many.
Counting = Callable[[int, int], None]


def content_hash(snapshot: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(snapshot)).hexdigest()


def build_snapshot(
    study: Study, codes: dict[str, str], code_seed: int, counting: Counting | None = None
) -> dict[str, Any]:
    """Everything that the votes of this version are collected under."""
    return {
        "format": SNAPSHOT_FORMAT,
        "version": settings.VERSION,
        "study": {
            "slug": study.slug,
            "title": study.title,
            "instructions": study.instructions,
            "notice": study.notice,
            "results": study.results,
            "stopping": study.stopping,
            "target_votes": study.target_votes,
            "max_per_annotator": study.max_per_annotator,
            "continues": None if study.continues is None else study.continues.slug,
        },
        # Written out whole: a later default changes no old study.
        "rules": rules_as_json(rules_of(study.rules)),
        "seeds": {"study": study.seed, "codes": code_seed, "queue": study.queue_seed},
        "rubric": [
            {
                "key": criterion.key,
                "question": criterion.question,
                "scale": criterion.scale,
                "both_bad": criterion.both_bad,
                "required": criterion.required,
                "levels": criterion.levels,
            }
            for criterion in study.criteria.order_by("position", "pk")
        ],
        # Which code stands for which system: as secret as the names until unblinding.
        "systems": [{"code": code, "name": codes[code]} for code in sorted(codes)],
        "content": digest_of_content(study, counting=counting),
    }


@dataclass(frozen=True, slots=True)
class Marks:
    """The newest rows of a study's content at some moment: what comes later has larger keys."""

    prompt: int
    response: int
    comparison: int

    @classmethod
    def of(cls, study: Study) -> Marks:
        newest = (
            rows.aggregate(newest=Max("pk"))["newest"] or 0
            for rows in (
                Prompt.objects.filter(study=study),
                Response.objects.filter(prompt__study=study),
                Comparison.objects.filter(study=study),
            )
        )
        return cls(*newest)


def digest_of_content(
    study: Study, until: Marks | None = None, counting: Counting | None = None
) -> dict[str, Any]:
    """Number and digest of the study's prompts, responses and comparisons.

    Each digest runs over the hashes of the items in the order of their keys, so that it depends
    neither on the order of import nor on row numbers. `until` leaves out what came later.
    """
    prompts = Prompt.objects.filter(study=study)
    responses = Response.objects.filter(prompt__study=study)
    comparisons = Comparison.objects.filter(study=study)
    if until is not None:
        prompts = prompts.filter(pk__lte=until.prompt)
        responses = responses.filter(pk__lte=until.response)
        comparisons = comparisons.filter(pk__lte=until.comparison)
    kinds = {
        "prompts": prompt_items(prompts),
        "responses": response_items(responses),
        "comparisons": comparison_items(comparisons),
    }
    if counting is not None:
        of = prompts.count() + responses.count() + comparisons.count()
        through = count(1)
        kinds = {kind: told(items, through, of, counting) for kind, items in kinds.items()}
    return {kind: digest_of(items) for kind, items in kinds.items()}


def told(
    items: Iterable[list[Any]], through: Iterator[int], of: int, counting: Counting
) -> Iterator[list[Any]]:
    """The items, counted on as they pass; told of every chunk and of the last one."""
    for item in items:
        done = next(through)
        if done % CHUNK == 0 or done == of:
            counting(done, of)
        yield item


def digest_of(items: Iterable[list[Any]]) -> dict[str, Any]:
    hashes = sorted(hashlib.sha256(canonical_json(item)).digest() for item in items)
    return {"count": len(hashes), "sha256": hashlib.sha256(b"".join(hashes)).hexdigest()}


def prompt_items(prompts: QuerySet[Prompt]) -> Iterator[list[Any]]:
    for row in prompts.values_list(
        "prompt_id", "text", "messages", "reference", "category", "tags", "weight", "checks"
    ).iterator(chunk_size=CHUNK):
        yield list(row)


def response_items(responses: QuerySet[Response]) -> Iterator[list[Any]]:
    for row in responses.values_list(
        "prompt__prompt_id", "system__name", "sample", "text"
    ).iterator(chunk_size=CHUNK):
        yield list(row)


def comparison_items(comparisons: QuerySet[Comparison]) -> Iterator[list[Any]]:
    for row in comparisons.values_list(
        "item_id",
        "prompt__prompt_id",
        "system_a__name",
        "response_a__sample",
        "system_b__name",
        "response_b__sample",
        "kind",
        "gold",
        "explanation",
        "overlap",
    ).iterator(chunk_size=CHUNK):
        yield list(row)
