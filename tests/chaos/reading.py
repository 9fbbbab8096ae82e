"""Reading the rows that the checker is shown, all of one moment."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

from django.core.management import call_command
from django.db import connection, transaction

from annotation import audit
from annotation.models import Assignment, AuditEntry, Comparison, Study, Vote
from annotation.selectors import counted_votes
from reports import records as report_records

from .records import AssignmentRow, CountedVote, ItemRow, Records, VoteRow

VERDICTS = {code: verdict for verdict, code in report_records.VERDICT_CODES.items()}


def read_records(study: Study) -> Records:
    """The study's rows, in one transaction that sees one moment only."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return Records(
            items=tuple(
                ItemRow(*row)
                for row in Comparison.objects.filter(study=study).values_list(
                    "item_id", "overlap", "taken", "open"
                )
            ),
            assignments=tuple(
                AssignmentRow(str(public_id), *row)
                for public_id, *row in Assignment.objects.filter(
                    comparison__study=study
                ).values_list(
                    "public_id",
                    "comparison__item_id",
                    "annotator__external_id",
                    "state",
                    "slot_no",
                    "swapped",
                )
            ),
            votes=tuple(read_votes(study)),
            counted=tuple(
                counted_votes(study).values_list(
                    "comparison__item_id", "annotator__external_id", "verdict"
                )
            ),
            revisions_logged=tuple(
                entry.detail["assignment"]
                for entry in AuditEntry.objects.filter(study=study, action="vote.revised")
            ),
            audit_faults=tuple(map(str, audit.verify())),
        )


def read_votes(study: Study) -> list[VoteRow]:
    votes = Vote.objects.filter(comparison__study=study).select_related(
        "assignment", "comparison", "annotator"
    )
    return [
        VoteRow(
            key=str(vote.idempotency_key),
            assignment=str(vote.assignment.public_id),
            item=vote.comparison.item_id,
            annotator=vote.annotator.external_id,
            choice=str(vote.choice),
            verdict=vote.verdict,
            swapped=bool(vote.swapped),
            revision=vote.revision,
            late=vote.late,
            at=vote.created_at.timestamp(),
        )
        for vote in votes
    ]


def with_analysis(study: Study, records: Records) -> Records:
    """Add what the analysis loads, and what the command `analyze` prints."""
    read = report_records.load(study)
    votes = read.overall.votes
    analysed: list[CountedVote] = [
        (read.items[item], read.annotators[who], VERDICTS[verdict])
        for item, who, verdict in zip(
            votes.item.tolist(), votes.annotator.tolist(), votes.verdict.tolist(), strict=True
        )
    ]
    printed = StringIO()
    call_command("analyze", study.slug, format="json", stdout=printed)
    report = json.loads(printed.getvalue())
    return replace(
        records,
        analysed=tuple(analysed),
        reported_votes=report["counts"]["votes"],
        reported_pairs={
            (row["system_a"], row["system_b"]): row["n"] for row in report["head_to_head"]
        },
    )
