"""A study of a million comparisons and three million votes, made by SQL.

Every comparison wants one vote more than it has. The voters before have walked the same order,
each a stretch of 50,000 comparisons, as they would have by the queue. Triggers and foreign keys
do not look at these rows: what they would refuse, this SQL does not make, and looking at seven
million rows one by one takes most of an hour. Unique keys and CHECKs hold as ever.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from django.db import connection

from annotation.lifecycle.opening import store_codes
from annotation.lifecycle.snapshots import build_snapshot
from annotation.models import Annotator, Comparison, ResultsPolicy, Study, StudyState
from annotation.queue.ring import RING, annotator_start, distance
from tests.chaos.seeding import TEXT_SIZE
from tests.factories import make_annotator, make_study, make_study_version, make_system

SYSTEMS = 4
PAIRS = tuple(itertools.combinations(range(1, SYSTEMS + 1), 2))
EARLIER_VOTES = 3
# Of five letters each: texts as long as those of the small study.
WORDS = TEXT_SIZE // 5

# For this session only; measured is another one, in which everything is in force.
UNWATCHED = "SET session_replication_role = replica"
WATCHED = "SET session_replication_role = origin"

CONTENT = """
INSERT INTO annotation_cell (study_id, system_a_id, system_b_id, stratum, weight, room, wanted)
SELECT {study}, a.id, b.id, '', 1, {prompts}, {prompts} * {overlap}
FROM annotation_system a JOIN annotation_system b ON b.study_id = a.study_id AND a.id < b.id
WHERE a.study_id = {study};
INSERT INTO annotation_prompt (study_id, prompt_id, text, reference, category, tags, weight, checks,
    metadata)
SELECT {study}, 'p' || n, 'Question ' || n, '', '', '[]', 1, '[]', '{{}}'
FROM generate_series(1, {prompts}) n;
INSERT INTO annotation_response (prompt_id, system_id, sample, text, metadata)
SELECT p.id, s.id, 0, repeat('word ', {words}) || p.id, '{{}}'
FROM annotation_prompt p, annotation_system s WHERE p.study_id = {study} AND s.study_id = {study};
INSERT INTO annotation_comparison (study_id, item_id, prompt_id, response_a_id, response_b_id,
    system_a_id, system_b_id, cell_id, kind, explanation, overlap, metadata, open, taken, open_seq,
    first_swapped)
SELECT {study}, p.prompt_id || '-' || a.system_id || '-' || b.system_id, p.id, a.id, b.id,
    a.system_id, b.system_id, c.id, 'work', '', {overlap}, '{{}}', true, {votes},
    floor(random() * {ring})::bigint, random() < 0.5
FROM annotation_prompt p
JOIN annotation_response a ON a.prompt_id = p.id
JOIN annotation_response b ON b.prompt_id = p.id AND a.system_id < b.system_id
JOIN annotation_cell c ON c.system_a_id = a.system_id AND c.system_b_id = b.system_id
WHERE p.study_id = {study};
"""
VOTES = """
CREATE TEMPORARY TABLE ranked AS
SELECT id, row_number() OVER (ORDER BY open_seq, id) - 1 AS rank
FROM annotation_comparison WHERE study_id = {study};
INSERT INTO annotation_assignment (public_id, comparison_id, annotator_id, study_version_id, kind,
    overlap, slot_no, pass_no, swapped, state, reserved_at, lease_expires_at, displayed_at,
    skip_reason, skip_note, policy)
SELECT gen_random_uuid(), r.id, w.id, {version}, 'work', {overlap}, slot, 0, false, 'submitted',
    now() - interval '1 day', now() - interval '1 day', now() - interval '1 day', '', '', 'uniform'
FROM generate_series(1, {votes}) slot
CROSS JOIN ranked r
JOIN walkers w ON w.number = (slot - 1) * {each_slot} + r.rank / {stretch}
ORDER BY slot, r.rank;
INSERT INTO annotation_vote (source, comparison_id, annotator_id, verdict, assignment_id, revision,
    choice, swapped, study_version_id, idempotency_key, request_hash, late, reading, metadata,
    created_at)
SELECT 'collected', comparison_id, annotator_id, 'a', id, 0, 'left', false, study_version_id,
    gen_random_uuid(), repeat('0', 64), false, '{{}}', '{{"received_as": "counted"}}',
    now() - interval '1 day'
FROM annotation_assignment WHERE study_version_id = {version};
UPDATE annotation_annotator a SET handed = done.n, answered = done.n
FROM (
    SELECT annotator_id, count(*) AS n FROM annotation_assignment
    WHERE study_version_id = {version} GROUP BY annotator_id
) done WHERE a.id = done.annotator_id;
"""


@dataclass(frozen=True, slots=True)
class BigStudy:
    study: Study
    # Somebody with as many votes as one person can have there, to be given an account.
    veteran: Annotator
    comparisons: int
    votes: int
    by_veteran: int


def make_big_study(slug: str, comparisons: int, stretch: int) -> BigStudy:
    """Fill a study by SQL; whole prompts and stretches, so maybe a few comparisons more."""
    study = make_study(slug, state=StudyState.OPEN, results=ResultsPolicy.OPEN)
    for number in range(SYSTEMS):
        make_system(study, f"{slug}-system-{number}")
    # With the rubric, as opening writes it: without, each vote would look it up anew.
    codes = store_codes(study, 1)
    version = make_study_version(study, snapshot=build_snapshot(study, codes, code_seed=1))
    prompts = -(-comparisons // len(PAIRS))
    comparisons = prompts * len(PAIRS)
    each_slot = -(-comparisons // stretch)
    walkers = [make_annotator(study) for _ in range(each_slot * EARLIER_VOTES)]
    names = {
        "study": study.pk,
        "version": version.pk,
        "prompts": prompts,
        "overlap": EARLIER_VOTES + 1,
        "votes": EARLIER_VOTES,
        "ring": RING,
        "stretch": stretch,
        "each_slot": each_slot,
        "words": WORDS,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(UNWATCHED)
        cursor.execute("CREATE TEMPORARY TABLE walkers (number bigint, id bigint)")
        cursor.executemany(
            "INSERT INTO walkers VALUES (%s, %s)",
            [(number, walker.pk) for number, walker in enumerate(walkers)],
        )
        cursor.execute(CONTENT.format(**names))
        cursor.execute(VOTES.format(**names))
        cursor.execute("DROP TABLE walkers, ranked")
        cursor.execute(WATCHED)
        cursor.execute("VACUUM ANALYZE")
    veteran = walkers[0]
    place_cursor(study, veteran, stretch)
    return BigStudy(study, veteran, comparisons, comparisons * EARLIER_VOTES, stretch)


def place_cursor(study: Study, walker: Annotator, stretch: int) -> None:
    """Where the walker stands after the stretch, as the queue would have saved it."""
    last = (
        Comparison.objects.filter(study=study)
        .order_by("open_seq", "pk")
        .values_list("open_seq", flat=True)[stretch - 1]
    )
    start = annotator_start(study.seed, walker.external_id)
    Annotator.objects.filter(pk=walker.pk).update(cursor=distance(int(last or 0), start))
