"""What goes out can come in again, and goes out the same a second time."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from annotation.models import AssignmentState, Choice, ComparisonKind, Study, Verdict, VoteNote
from reports import analysis
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_imported_vote,
    make_open_study,
    make_vote,
)
from tests.reports.voted import make_rich_study

pytestmark = pytest.mark.django_db

KINDS = ("comparisons", "votes", "judgments")


def exported(slug: str, kind: str, chosen: str = "jsonl") -> str:
    stdout = io.StringIO()
    call_command("export", slug, kind, "--format", chosen, stdout=stdout, stderr=io.StringIO())
    return stdout.getvalue()


def carry_over(slug: str, into: str, folder: Path, chosen: str = "jsonl") -> dict[str, str]:
    """Export everything, import it into a study that does not exist yet; what was exported."""
    texts = {}
    for kind in KINDS:
        texts[kind] = exported(slug, kind, chosen)
        lines = 0 if chosen == "jsonl" else 1
        if len(texts[kind].splitlines()) > lines:
            file = folder / f"{kind}.{chosen}"
            file.write_text(texts[kind], encoding="utf-8", newline="")
            call_command(f"import_{kind}", into, str(file), stderr=io.StringIO())
    return texts


def figures(slug: str) -> dict[str, Any]:
    result = analysis.run(Study.objects.get(slug=slug)).result
    return {key: result[key] for key in ("verdicts", "leaderboard", "head_to_head", "agreement")}


def collected_study() -> Study:
    """Votes through assignments: revised, repeated, on a check, with notes and both sides."""
    study = make_open_study("collected", results="open")
    people = [make_annotator(study, external_id=f"ann-{number}") for number in range(3)]
    for number in range(6):
        comparison = make_comparison(study, item_id=f"item-{number}")
        for turn, person in enumerate(people):
            assignment = make_assignment(
                comparison,
                person,
                state=AssignmentState.SUBMITTED,
                swapped=(number + turn) % 2 == 0,
            )
            choice = (Choice.LEFT, Choice.TIE, Choice.RIGHT)[(number + turn) % 3]
            vote = make_vote(comparison, choice, assignment=assignment, elapsed_ms=1234 + number)
            if turn == 0:
                VoteNote.objects.create(vote=vote, rationale="clear\nand short", tags=["style"])
            if number == 2:
                make_vote(comparison, Choice.RIGHT, assignment=assignment, revision=1)
            if number == 3:
                again = make_assignment(
                    comparison, person, state=AssignmentState.SUBMITTED, pass_no=1
                )
                make_vote(comparison, Choice.BOTH_BAD, assignment=again)
    gold = make_comparison(study, item_id="gold", kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    make_vote(gold, Choice.LEFT, annotator=people[0])
    return study


def test_imported_rows_make_the_trip_unchanged(tmp_path: Path) -> None:
    study = make_rich_study()
    comparison = study.comparisons.latest("pk")
    person = study.annotators.get(external_id="ann-1")
    make_imported_vote(
        comparison,
        Verdict.TIE,
        annotator=person,
        occurrence=1,
        metadata={"deep": {"a": [1, None, "\u2028"]}, "nothing": None},
    )
    first = carry_over("rich", "copy", tmp_path)
    assert {kind: exported("copy", kind) for kind in KINDS} == first
    assert figures("copy") == figures("rich")


def test_collected_votes_make_the_trip_with_their_history(tmp_path: Path) -> None:
    collected_study()
    first = carry_over("collected", "copy", tmp_path)
    second = {kind: exported("copy", kind) for kind in KINDS}
    assert second == first
    rows = [json.loads(line) for line in second["votes"].splitlines()]
    assert {row["status"] for row in rows} == {"counted", "check", "repeat"}
    assert {row["choice"] for row in rows} == {"left", "right", "tie", "both_bad"}
    # Rows carry no rubric, so agreement may count another number of answers.
    ranked = ("verdicts", "leaderboard")
    before, after = figures("collected"), figures("copy")
    assert {key: after[key] for key in ranked} == {key: before[key] for key in ranked}


def test_csv_carries_the_same_votes(tmp_path: Path) -> None:
    make_rich_study()
    carry_over("rich", "copy", tmp_path, "csv")
    assert figures("copy") == figures("rich")


@pytest.mark.parametrize("data_set", ["pandalm", "mtbench_turn1", "rankgen"])
def test_real_studies_make_the_trip_unchanged(
    data_set: str, shared_data: Path, tmp_path: Path
) -> None:
    for kind, name in (("comparisons", "items"), ("votes", "human"), ("judgments", "judge")):
        file = shared_data / data_set / f"{name}.jsonl"
        if file.exists():
            call_command(f"import_{kind}", data_set, str(file), stderr=io.StringIO())
    first = carry_over(data_set, "copy", tmp_path)
    assert {kind: exported("copy", kind) for kind in KINDS} == first
