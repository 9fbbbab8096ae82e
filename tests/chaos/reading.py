"""Reading the rows that the checker is shown, all of one moment."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from io import StringIO

from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotation import audit
from annotation.models import (
    Annotator,
    Assignment,
    AuditEntry,
    Comparison,
    Study,
    Vote,
)
from annotation.selectors import counted_votes, live_exclusions
from reports import records as report_records
from reports.vote_rows import VERDICT_CODES

from .records import AnnotatorRow, AssignmentRow, CountedVote, ItemRow, Records, VoteRow

VERDICTS = {code: verdict for verdict, code in VERDICT_CODES.items()}


def read_records(study: Study) -> Records:
    """The study's rows, in one transaction that sees one moment only."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        entries = AuditEntry.objects.filter(study=study)
        return Records(
            items=tuple(read_items(study)),
            assignments=tuple(read_assignments(study)),
            votes=tuple(read_votes(study)),
            annotators=tuple(
                AnnotatorRow(*row)
                for row in Annotator.objects.filter(study=study).values_list(
                    "external_id", "handed", "answered", "skipped"
                )
            ),
            counted=tuple(
                counted_votes(study).values_list(
                    "comparison__item_id", "annotator__external_id", "verdict"
                )
            ),
            revisions_logged=tuple(
                entry.detail["assignment"] for entry in entries.filter(action="vote.revised")
            ),
            acts_logged=Counter(entries.values_list("action", flat=True)),
            audit_faults=tuple(map(str, audit.verify())),
        )


def read_items(study: Study) -> list[ItemRow]:
    rows = Comparison.objects.filter(study=study).values_list(
        "item_id", "overlap", "taken", "open", "kind", "cell__stopped_at"
    )
    return [
        ItemRow(item, overlap, taken, is_open, kind, stopped is not None)
        for item, overlap, taken, is_open, kind, stopped in rows
    ]


def read_assignments(study: Study) -> list[AssignmentRow]:
    excluded = Exists(live_exclusions().filter(assignment=OuterRef("pk")))
    rows = (
        Assignment.objects.filter(comparison__study=study)
        .annotate(excluded=excluded)
        .values_list(
            "public_id",
            "comparison__item_id",
            "annotator__external_id",
            "state",
            "slot_no",
            "swapped",
            "kind",
            "pass_no",
            "excluded",
            "reserved_at",
        )
    )
    return [
        AssignmentRow(
            str(public_id), item, who, state, slot, swapped, kind, number, out, at.timestamp()
        )
        for public_id, item, who, state, slot, swapped, kind, number, out, at in rows
    ]


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
    """Add what the analysis loads, and what the commands `analyze` and `export` print."""
    read = report_records.load(study)
    votes = read.overall.votes
    analysed: list[CountedVote] = [
        (read.items[item], read.annotators[who], VERDICTS[verdict])
        for item, who, verdict in zip(
            votes.item.tolist(), votes.annotator.tolist(), votes.verdict.tolist(), strict=True
        )
    ]
    report = json.loads(printed("analyze", study.slug, format="json"))
    exported = [json.loads(line) for line in printed("export", study.slug, "votes").splitlines()]
    return replace(
        records,
        analysed=tuple(analysed),
        exported=tuple(
            (row["item_id"], row["annotator_id"], row["verdict"])
            for row in exported
            if row["status"] == "counted" and row["criterion"] == "overall"
        ),
        reported_votes=report["counts"]["votes"],
        reported_pairs={
            (row["system_a"], row["system_b"]): row["n"] for row in report["head_to_head"]
        },
    )


def printed(command: str, *arguments: str, **options: str) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output, **options)
    return output.getvalue()
