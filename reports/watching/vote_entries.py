"""Votes as lines of a list, and what is no counted vote: pairs that are lent, skipped, flagged.

A line says what was clicked and never on which side a system stood: the two together would be an
outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.db.models import CharField, Count, Exists, F, OuterRef, QuerySet, Subquery, Value

from annotation.models import (
    Assignment,
    AssignmentState,
    ComparisonKind,
    Flag,
    Study,
    Vote,
    VoteSource,
)
from annotation.quality_rules.grading import is_right

from .entries import PAGE_SIZE, Entry, Narrowing, Page, below, cut, prompt_of

# What was clicked, in words.
CLICKS = {"left": "left", "right": "right", "tie": "tie", "both_bad": "both bad"}
SKIPS = {
    "cannot_judge": "could not judge it",
    "broken_display": "not displayed properly",
    "harmful": "harmful or upsetting",
    "language": "language not known well enough",
    "other": "another reason",
}
FLAGS = SKIPS


# Of every row: which pair it is about, and whose it is.
PAIR_COLUMNS = (
    "pk",
    "comparison",
    "comparison__prompt__text",
    "comparison__prompt__messages",
    "comparison__system_a",
    "comparison__system_b",
    "comparison__prompt__category",
    "annotator",
    "annotator__external_id",
)


# -- votes ----------

VOTE_COLUMNS = (
    *PAIR_COLUMNS,
    "created_at",
    "choice",
    "active_ms",
    "revision",
    "late",
    "verdict",
    "source",
    "comparison__gold",
    "first_verdict",
)


def read_votes(
    of_study: Callable[[Study], QuerySet[Vote]], remark: Callable[[Mapping[str, Any]], str]
) -> Callable[[Study, Narrowing, int | None], Page]:
    """A reader of votes of one kind; `remark` says what is to be known of a row."""

    def read(study: Study, narrowing: Narrowing, cursor: int | None) -> Page:
        votes = of_study(study).filter(
            narrowing.of_comparisons("comparison__"), narrowing.of_people()
        )
        first = Vote.objects.filter(
            comparison=OuterRef("comparison"),
            annotator=OuterRef("annotator"),
            assignment__pass_no=0,
        ).order_by("-revision")
        rows = (
            below(votes, cursor)
            .annotate(first_verdict=Subquery(first.values("verdict")[:1]))
            .values(*VOTE_COLUMNS)[: PAGE_SIZE + 1]
        )
        return cut([entry_of_vote(row, remark(row)) for row in rows])

    return read


def entry_of_vote(row: Mapping[str, Any], remark: str) -> Entry:
    imported = row["source"] == VoteSource.IMPORTED
    revised = f"changed {row['revision']}×" if row["revision"] else ""
    return Entry(
        key=row["pk"],
        comparison=row["comparison"],
        prompt=prompt_of(row["comparison__prompt__text"], row["comparison__prompt__messages"]),
        systems=(row["comparison__system_a"], row["comparison__system_b"]),
        category=row["comparison__prompt__category"],
        annotator=(row["annotator"], row["annotator__external_id"]),
        at=None if imported else row["created_at"],
        what="imported label" if imported else CLICKS[row["choice"]],
        seconds=None if row["active_ms"] is None else row["active_ms"] / 1000,
        remark=", ".join(filter(None, (remark, revised, "late" if row["late"] else ""))),
    )


def nothing_more(row: Mapping[str, Any]) -> str:
    return ""


def gold_remark(row: Mapping[str, Any]) -> str:
    """Whether the answer to `overall` is an accepted one; it is known, and no result."""
    accepted = (row["comparison__gold"] or {}).get("overall")
    if accepted is None:
        return ""
    return "right" if is_right({"overall": accepted}, {"overall": row["verdict"]}) else "wrong"


def identical_remark(row: Mapping[str, Any]) -> str:
    return "" if row["choice"] == "tie" else "a preference between equal texts"


def repeat_remark(row: Mapping[str, Any]) -> str:
    """Whether it says the same as the first answer, whatever that was."""
    if row["source"] == VoteSource.IMPORTED or row["first_verdict"] is None:
        return "a further label"
    return "the same again" if row["verdict"] == row["first_verdict"] else "not the same again"


def answers_of(study: Study) -> QuerySet[Vote]:
    """Every collected answer but for training; revisions stand at their own moment."""
    return Vote.objects.filter(annotator__study=study, source=VoteSource.COLLECTED).exclude(
        assignment__kind=ComparisonKind.TRAINING
    )


def checks_of(kind: ComparisonKind) -> Callable[[Study], QuerySet[Vote]]:
    def of_study(study: Study) -> QuerySet[Vote]:
        return Vote.objects.filter(
            annotator__study=study,
            assignment__kind=kind,
            assignment__state=AssignmentState.SUBMITTED,
            assignment__pass_no=0,
            revision=0,
        )

    return of_study


def training_of(study: Study) -> QuerySet[Vote]:
    return Vote.objects.filter(
        annotator__study=study, assignment__kind=ComparisonKind.TRAINING, revision=0
    )


def surplus_of(study: Study) -> QuerySet[Vote]:
    return Vote.objects.filter(
        annotator__study=study, assignment__state=AssignmentState.LATE_SURPLUS, revision=0
    ).exclude(assignment__kind=ComparisonKind.TRAINING)


def revisions_of(study: Study) -> QuerySet[Vote]:
    return Vote.objects.filter(annotator__study=study, revision__gt=0)


# -- pairs lent out ----------

HELD_COLUMNS = (
    *PAIR_COLUMNS,
    "reserved_at",
    "skip_reason",
    "displayed_at",
)


def read_held(
    of_study: Callable[[Study], QuerySet[Assignment]],
) -> Callable[[Study, Narrowing, int | None], Page]:
    def read(study: Study, narrowing: Narrowing, cursor: int | None) -> Page:
        held = of_study(study).filter(
            narrowing.of_comparisons("comparison__"), narrowing.of_people()
        )
        rows = below(held, cursor).values(*HELD_COLUMNS)[: PAGE_SIZE + 1]
        return cut([entry_of_held(row) for row in rows])

    return read


def entry_of_held(row: Mapping[str, Any]) -> Entry:
    skipped = row["skip_reason"]
    return Entry(
        key=row["pk"],
        comparison=row["comparison"],
        prompt=prompt_of(row["comparison__prompt__text"], row["comparison__prompt__messages"]),
        systems=(row["comparison__system_a"], row["comparison__system_b"]),
        category=row["comparison__prompt__category"],
        annotator=(row["annotator"], row["annotator__external_id"]),
        at=row["reserved_at"],
        what="skipped" if skipped else "on the screen" if row["displayed_at"] else "held ahead",
        remark=SKIPS.get(skipped, ""),
    )


def reserved_of(study: Study) -> QuerySet[Assignment]:
    return Assignment.objects.filter(
        annotator__study=study, state=AssignmentState.RESERVED, slot_no__isnull=False
    )


def skipped_of(study: Study) -> QuerySet[Assignment]:
    return (
        Assignment.objects.filter(annotator__study=study, state=AssignmentState.RELEASED)
        .exclude(skip_reason="")
        .exclude(kind=ComparisonKind.TRAINING)
    )


def read_flags(study: Study, narrowing: Narrowing, cursor: int | None) -> Page:
    """Pairs that were flagged, each with the newest of its flags."""
    columns = {
        name: F(f"assignment__{name}") for name in HELD_COLUMNS if name not in ("pk", "skip_reason")
    }
    of_the_pair = Flag.objects.filter(assignment=OuterRef("assignment")).order_by()
    number = of_the_pair.values("assignment").annotate(number=Count("pk")).values("number")
    flags = (
        Flag.objects.filter(
            ~Exists(of_the_pair.filter(pk__gt=OuterRef("pk"))),
            narrowing.of_comparisons("assignment__comparison__"),
            narrowing.of_people("assignment__annotator"),
            assignment__annotator__study=study,
        )
        .exclude(assignment__kind=ComparisonKind.TRAINING)
        .annotate(skip_reason=Value("", output_field=CharField()), flags=Subquery(number))
    )
    rows = below(flags, cursor).values(
        "pk", "skip_reason", "flags", flagged_at=F("created_at"), why=F("reason"), **columns
    )[: PAGE_SIZE + 1]
    return cut(
        [
            replace(
                entry_of_held(row),
                at=row["flagged_at"],
                what="flagged",
                remark=FLAGS.get(row["why"], row["why"])
                + (f", the newest of {row['flags']}" if row["flags"] > 1 else ""),
            )
            for row in rows
        ]
    )
