"""Claim and insert with nothing around them: the floor that the product is measured against.

The same texts, the same lock (SKIP LOCKED past a cursor), the same slots and leases, in tables of
their own; nobody is signed in, nothing is rendered, checked or balanced.
"""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

TABLES = """
CREATE TABLE bare_comparison (
    id bigint PRIMARY KEY, prompt_id bigint NOT NULL, response_a_id bigint NOT NULL,
    response_b_id bigint NOT NULL, overlap smallint NOT NULL, taken smallint NOT NULL,
    open boolean NOT NULL, open_seq bigint NOT NULL);
CREATE INDEX bare_open ON bare_comparison (open_seq) WHERE open;
CREATE TABLE bare_assignment (
    id bigserial PRIMARY KEY, comparison_id bigint NOT NULL REFERENCES bare_comparison,
    annotator text NOT NULL, slot_no smallint, state text NOT NULL,
    lease_expires_at timestamptz NOT NULL,
    UNIQUE (comparison_id, slot_no), UNIQUE (comparison_id, annotator));
CREATE TABLE bare_vote (
    id bigserial PRIMARY KEY, assignment_id bigint NOT NULL REFERENCES bare_assignment,
    annotator text NOT NULL, key uuid NOT NULL, choice text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (annotator, key));
"""
FILL = """
INSERT INTO bare_comparison
SELECT id, prompt_id, response_a_id, response_b_id, overlap, 0, true, open_seq
FROM annotation_comparison WHERE study_id = %s
"""
CLAIM = """
SELECT id, taken, open_seq, prompt_id, response_a_id, response_b_id FROM bare_comparison c
WHERE open AND open_seq > %s AND NOT EXISTS (
    SELECT 1 FROM bare_assignment a WHERE a.comparison_id = c.id AND a.annotator = %s)
ORDER BY open_seq LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
RESERVE = """
INSERT INTO bare_assignment (comparison_id, annotator, slot_no, state, lease_expires_at)
VALUES (%s, %s, %s, 'reserved', now() + interval '30 minutes') RETURNING id
"""
TAKE = "UPDATE bare_comparison SET taken = taken + 1, open = taken + 1 < overlap WHERE id = %s"
TEXTS = """
SELECT p.text, a.text, b.text
FROM annotation_prompt p, annotation_response a, annotation_response b
WHERE p.id = %s AND a.id = %s AND b.id = %s
"""
SUBMIT = "UPDATE bare_assignment SET state = 'submitted' WHERE id = %s AND annotator = %s"
INSERT = """
INSERT INTO bare_vote (assignment_id, annotator, key, choice) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""


def next_pair(request: HttpRequest) -> JsonResponse:
    """Reserve the next comparison past the cursor that the caller names."""
    asked: dict[str, Any] = json.loads(request.body)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, [asked["after"], asked["annotator"]])
        found = cursor.fetchone()
        if found is None:
            return JsonResponse({"pair": None})
        comparison, taken, place, *texts = found
        cursor.execute(RESERVE, [comparison, asked["annotator"], taken + 1])
        (assignment,) = cursor.fetchone()
        cursor.execute(TAKE, [comparison])
    with connection.cursor() as cursor:
        cursor.execute(TEXTS, texts)
        prompt, left, right = cursor.fetchone()
    pair = {"id": assignment, "prompt": prompt, "left": left, "right": right, "place": place}
    return JsonResponse({"pair": pair})


def vote(request: HttpRequest) -> JsonResponse:
    sent: dict[str, Any] = json.loads(request.body)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SUBMIT, [sent["assignment"], sent["annotator"]])
        cursor.execute(INSERT, [sent["assignment"], sent["annotator"], sent["key"], sent["choice"]])
    return JsonResponse({"stored": True})


urlpatterns = [path("next", next_pair), path("vote", vote)]


def make_tables(study: int) -> None:
    """Put the study's comparisons into the bare tables; Django is set up."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        cursor.execute(FILL, [study])
        cursor.execute("ANALYZE")


if os.environ.get("DJANGO_SETTINGS_MODULE") == "tests.load.bare_settings":
    application = get_wsgi_application()
