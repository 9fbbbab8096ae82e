"""A closed study of many votes in PostgreSQL, made by COPY and SQL, for benchmarks to analyse.

Run with ``python -m tests.benchmarks.voted_study SLUG VOTES SYSTEMS`` and DATABASE_URL set, in a
process of its own: what it holds while it fills must not count as memory of what is measured.

Four of the systems answer each prompt, all six pairs of them are compared, and three of 500
people vote on each pair, some far more often than others, with tastes of their own and ties. The
votes were collected here and lie in the order in which they came in, which is not that of the
comparisons. Triggers and foreign keys do not look at these rows (see tests.load.rows).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

SYSTEMS_PER_PROMPT = 4
PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
OVERLAP = 3
ANNOTATORS = 500
STRENGTH_SD, TASTE_SD, PROMPT_SD = 0.6, 0.5, 0.4
TIE_RATE, BOTH_BAD_RATE = 0.2, 0.05
VERDICTS = np.array(["a", "tie", "b", "both_bad"])
ROWS_AT_ONCE = 100_000

Array = np.ndarray[Any, np.dtype[Any]]

TABLES = """
CREATE TEMPORARY TABLE drawn_answer (prompt bigint, system bigint);
CREATE TEMPORARY TABLE drawn_item (item bigint, prompt bigint, a bigint, b bigint);
CREATE TEMPORARY TABLE drawn_vote (
    number bigint, item bigint, slot int, person bigint, verdict text, choice text, swapped boolean
);
"""
CONTENT = """
INSERT INTO annotation_prompt (study_id, prompt_id, text, reference, category, tags, weight, checks,
    metadata)
SELECT {study}, 'prompt-' || n, 'Question ' || n, '', 'category-' || n % 5, '[]', 1, '[]', '{{}}'
FROM generate_series(0, {prompts} - 1) n ORDER BY n;
INSERT INTO annotation_response (prompt_id, system_id, sample, text, metadata)
SELECT p.id, {system} + d.system, 0, 'Answer of ' || d.system, '{{}}'
FROM drawn_answer d JOIN annotation_prompt p
    ON p.study_id = {study} AND p.prompt_id = 'prompt-' || d.prompt;
INSERT INTO annotation_comparison (study_id, item_id, prompt_id, response_a_id, response_b_id,
    system_a_id, system_b_id, kind, explanation, overlap, metadata, open, taken, open_seq,
    first_swapped)
SELECT {study}, 'item-' || d.item, p.id, a.id, b.id, a.system_id, b.system_id, 'work', '',
    {overlap}, '{{}}', false, {overlap}, d.item, false
FROM drawn_item d
JOIN annotation_prompt p ON p.study_id = {study} AND p.prompt_id = 'prompt-' || d.prompt
JOIN annotation_response a ON a.prompt_id = p.id AND a.system_id = {system} + d.a
JOIN annotation_response b ON b.prompt_id = p.id AND b.system_id = {system} + d.b;
"""
VOTES = """
INSERT INTO annotation_assignment (public_id, comparison_id, annotator_id, study_version_id, kind,
    overlap, slot_no, pass_no, swapped, state, reserved_at, lease_expires_at, displayed_at,
    skip_reason, skip_note, policy)
SELECT gen_random_uuid(), c.id, {person} + d.person, {version}, 'work', {overlap}, d.slot, 0,
    d.swapped, 'submitted', now(), now(), now(), '', '', 'uniform'
FROM drawn_vote d JOIN annotation_comparison c
    ON c.study_id = {study} AND c.item_id = 'item-' || d.item
ORDER BY d.number;
INSERT INTO annotation_vote (source, comparison_id, annotator_id, verdict, assignment_id, revision,
    choice, swapped, study_version_id, idempotency_key, request_hash, late, reading, metadata,
    created_at)
SELECT 'collected', s.comparison_id, s.annotator_id, d.verdict, s.id, 0, d.choice, d.swapped,
    {version}, gen_random_uuid(), repeat('0', 64), false, '{{}}', '{{}}', now()
FROM drawn_vote d
JOIN annotation_comparison c ON c.study_id = {study} AND c.item_id = 'item-' || d.item
JOIN annotation_assignment s ON s.comparison_id = c.id AND s.slot_no = d.slot
ORDER BY d.number;
"""


@dataclass(frozen=True, slots=True)
class Draw:
    """Items with their votes, as integer codes.

    Attributes
    ----------
    answer : int array, shape (prompts, 4)
        The systems that answer each prompt.
    item_prompt, item_a, item_b : int array, shape (items,)
    item, slot, person, verdict : int array, shape (votes,)
        In the order in which the votes came in. `verdict` is an index into VERDICTS.
    swapped : bool array, shape (votes,)
    """

    answer: Array
    item_prompt: Array
    item_a: Array
    item_b: Array
    item: Array
    slot: Array
    person: Array
    verdict: Array
    swapped: Array


def draw(votes: int, systems: int) -> Draw:
    """Votes of people with tastes on prompts that suit one system more than another."""
    random = np.random.default_rng(1)
    items = -(-votes // OVERLAP)
    prompts = -(-items // len(PAIRS))
    # Different systems: steps of at least one that cannot add up to a full round.
    steps = random.integers(1, systems // SYSTEMS_PER_PROMPT + 1, (prompts, SYSTEMS_PER_PROMPT))
    answer = np.sort((random.integers(0, systems, (prompts, 1)) + steps.cumsum(axis=1)) % systems)
    left, right = (np.array(side) for side in zip(*PAIRS, strict=True))
    item_prompt = np.repeat(np.arange(prompts), len(PAIRS))[:items]
    item_a, item_b = answer[:, left].ravel()[:items], answer[:, right].ravel()[:items]
    item = np.repeat(np.arange(items), OVERLAP)
    # A few people do most of the work.
    walk = random.integers(1, ANNOTATORS // OVERLAP, (items, OVERLAP)).cumsum(axis=1)
    busy = (ANNOTATORS * random.random((items, 1)) ** 2).astype(np.int64)
    person = (busy + np.where(random.random((items, OVERLAP)) < 0.5, walk, walk % 40)) % ANNOTATORS
    person = _distinct(person).ravel()
    slot = np.tile(np.arange(1, OVERLAP + 1), items)
    strength = random.normal(0, STRENGTH_SD, systems)
    taste = random.normal(0, TASTE_SD, (ANNOTATORS, systems))
    fit = random.normal(0, PROMPT_SD, (prompts, SYSTEMS_PER_PROMPT))
    suits = (fit[:, left] - fit[:, right]).ravel()[:items]
    gap = strength[item_a] - strength[item_b] + suits
    gap = gap[item] + taste[person, item_a[item]] - taste[person, item_b[item]]
    won = random.random(item.size) < 1 / (1 + np.exp(-gap))
    other = random.random(item.size)
    verdict = np.where(won, 0, 2)
    verdict[other < TIE_RATE + BOTH_BAD_RATE] = 1
    verdict[other < BOTH_BAD_RATE] = 3
    swapped = random.random(item.size) < 0.5
    came_in = random.permutation(item.size)[:votes]
    return Draw(
        answer,
        item_prompt,
        item_a,
        item_b,
        *(column[came_in] for column in (item, slot, person, verdict, swapped)),
    )


def _distinct(person: Array) -> Array:
    """The same people, but where one was drawn twice for an item their next neighbour votes."""
    for late in range(1, person.shape[1]):
        for early in (*range(late), *range(late)):  # a neighbour may have voted as well
            person[:, late] += person[:, late] == person[:, early]
            person[:, late] %= ANNOTATORS
    return person


def lines(columns: Iterable[Array]) -> Iterator[str]:
    """Rows of the columns in COPY's text format, many at a time."""
    kept = list(columns)
    for start in range(0, kept[0].size, ROWS_AT_ONCE):
        part = (column[start : start + ROWS_AT_ONCE].tolist() for column in kept)
        yield "".join("\t".join(map(str, row)) + "\n" for row in zip(*part, strict=True))


def fill(slug: str, votes: int, systems: int) -> None:
    """Store a study with so many votes, closed and unblinded."""
    from django.db import connection
    from django.utils import timezone

    from annotation.models import Annotator, StudyState, System
    from tests.factories import make_study, make_study_version

    now = timezone.now()
    study = make_study(slug, state=StudyState.CLOSED, closed_at=now, unblinded_at=now)
    version = make_study_version(study)
    named = [System(study=study, name=f"system-{number:04}") for number in range(systems)]
    people = [Annotator(study=study, external_id=f"rater-{n:04}") for n in range(ANNOTATORS)]
    found = draw(votes, systems)
    prompts = found.answer.shape[0]
    number = np.arange(found.item.size)
    choice = np.where(
        found.verdict % 2 == 1,
        VERDICTS[found.verdict],
        np.where((found.verdict == 0) ^ found.swapped, "left", "right"),
    )
    copied = {
        "drawn_answer": (np.repeat(np.arange(prompts), SYSTEMS_PER_PROMPT), found.answer.ravel()),
        "drawn_item": (
            np.arange(found.item_a.size),
            found.item_prompt,
            found.item_a,
            found.item_b,
        ),
        "drawn_vote": (
            number,
            found.item,
            found.slot,
            found.person,
            VERDICTS[found.verdict],
            choice,
            found.swapped,
        ),
    }
    names = {
        "study": study.pk,
        "version": version.pk,
        "prompts": prompts,
        "overlap": OVERLAP,
        # Made in one statement each, so that their keys follow on each other.
        "system": System.objects.bulk_create(named)[0].pk,
        "person": Annotator.objects.bulk_create(people)[0].pk,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(TABLES)
        for table, columns in copied.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for text in lines(columns):
                    copy.write(text)
        cursor.execute("ANALYZE drawn_answer, drawn_item, drawn_vote")
        cursor.execute(CONTENT.format(**names))
        cursor.execute("ANALYZE annotation_prompt, annotation_response, annotation_comparison")
        cursor.execute(VOTES.format(**names))
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    django.setup()
    fill(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
