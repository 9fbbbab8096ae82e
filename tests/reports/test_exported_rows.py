"""Rows go out as contract.md §4 has them, each with what became of it."""

from __future__ import annotations

import csv
import io
import itertools
import json
from decimal import Decimal
from typing import Any

import pytest

from annotation.models import (
    AssignmentState,
    Choice,
    Comparison,
    ComparisonKind,
    Exclusion,
    ImportFile,
    Study,
    Verdict,
    VoteNote,
)
from annotation.selectors import counted_votes
from reports.exports import catalogue
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_judge_version,
    make_judgment,
    make_open_study,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_vote,
)

pytestmark = pytest.mark.django_db


def jsonl(study: Study, name: str, *, everything: bool = False) -> list[dict[str, Any]]:
    export = catalogue.find(name, "jsonl")
    body = b"".join(catalogue.stream_rows(study, export, everything=everything)).decode()
    return [json.loads(line) for line in body.split("\n")[:-1]]


def csv_rows(study: Study, name: str) -> list[dict[str, str]]:
    body = b"".join(catalogue.stream_rows(study, catalogue.find(name, "csv"))).decode()
    return list(csv.DictReader(io.StringIO(body, newline="")))


def test_a_comparison_goes_out_with_its_prompt_and_both_responses() -> None:
    study = make_study()
    prompt = make_prompt(
        study,
        "p1",
        text="Why?",
        reference="Because.",
        category="code",
        tags=["x", "y"],
        weight=2.5,
        checks=[{"kind": "length"}],
        metadata={"source": "mail"},
    )
    a = make_response(
        prompt,
        make_system(study, "alpha"),
        text="",
        latency_ms=12.5,
        cost=Decimal("0.0001"),
        metadata={"temperature": 0},
    )
    b = make_response(prompt, make_system(study, "beta"), text="B", output_tokens=7)
    make_comparison(
        study,
        prompt=prompt,
        response_a=a,
        response_b=b,
        item_id="i1",
        kind=ComparisonKind.GOLD,
        gold={"overall": ["a", "tie"], "clarity": ["a"]},
        explanation="a is right",
        metadata={"note": None, "batch": 3},
    )
    (row,) = jsonl(study, "comparisons")
    assert row == {
        "item_id": "i1",
        "prompt_id": "p1",
        "prompt": "Why?",
        "system_a": "alpha",
        "system_b": "beta",
        "response_a": "",
        "response_b": "B",
        "kind": "gold",
        "overlap": 3,
        "category": "code",
        "tags": ["x", "y"],
        "weight": 2.5,
        "reference": "Because.",
        "latency_ms_a": 12.5,
        "cost_a": 0.0001,
        "output_tokens_b": 7,
        "gold": ["a", "tie"],
        "explanation": "a is right",
        "gold_by_criterion": {"clarity": ["a"]},
        "checks": [{"kind": "length"}],
        "prompt_metadata": {"source": "mail"},
        "metadata_a": {"temperature": 0},
        "batch": 3,
        "note": None,
    }
    (cells,) = csv_rows(study, "comparisons")
    assert cells["tags"] == "x|y"
    assert cells["gold"] == "a|tie"
    assert cells["batch"] == "3"
    assert json.loads(cells["metadata_a"]) == {"temperature": 0}


def test_a_conversation_has_a_csv_column_of_its_own() -> None:
    study = make_study()
    messages = [{"role": "user", "content": "Hello, =1"}]
    make_comparison(study, prompt=make_prompt(study, messages=messages))
    (row,) = jsonl(study, "comparisons")
    assert row["prompt"] == messages
    (cells,) = csv_rows(study, "comparisons")
    assert cells["prompt"] == ""
    assert json.loads(cells["prompt_json"]) == messages


def test_while_a_study_is_sealed_comparisons_carry_codes_and_nothing_that_tells() -> None:
    study = make_open_study()
    prompt = make_prompt(study, metadata={"from": "canary-system"})
    responses = [
        make_response(
            prompt,
            make_system(study, f"canary-system-{code}", code=code),
            text="t" + code,
            latency_ms=73_100.4375,
            metadata={"model": "canary-system"},
        )
        for code in ("S1", "S2")
    ]
    make_comparison(
        study,
        prompt=prompt,
        response_a=responses[0],
        response_b=responses[1],
        metadata={"key": "canary-system"},
    )
    for chosen in ("jsonl", "csv"):
        export = catalogue.find("comparisons", chosen)
        body = b"".join(catalogue.stream_rows(study, export)).decode()
        assert "canary" not in body
        assert "S1" in body
        # No date or key that chance brings holds these digits.
        assert "73100.4375" not in body


def test_a_collected_vote_tells_how_it_came_about() -> None:
    study = make_open_study()
    comparison = make_comparison(study, item_id="i1")
    person = make_annotator(study, external_id="ann")
    assignment = make_assignment(
        comparison, person, state=AssignmentState.SUBMITTED, swapped=True, policy="uniform"
    )
    vote = make_vote(
        comparison,
        Choice.LEFT,
        assignment=assignment,
        elapsed_ms=2500,
        active_ms=2000,
        reading={"layout": "wide"},
    )
    VoteNote.objects.create(vote=vote, rationale="=better", tags=["style"])
    (row,) = jsonl(study, "votes")
    assert row["verdict"] == "b"
    assert (row["choice"], row["swapped"], row["left"]) == ("left", True, "b")
    assert (row["seconds"], row["active_seconds"]) == (2.5, 2.0)
    assert (row["reason"], row["tags"]) == ("=better", ["style"])
    assert (row["kind"], row["status"]) == ("work", "counted")
    assert row["study_version"] == 1
    assert row["reading"] == {"layout": "wide"}
    assert row["received_at"].endswith("+00:00")
    assert csv_rows(study, "votes")[0]["reason"] == "'=better"


def test_each_criterion_has_a_row_after_the_overall_one() -> None:
    study = make_study()
    vote = make_imported_vote(make_comparison(study), Verdict.TIE, elapsed_ms=1000)
    for key in ("style", "clarity"):
        vote.criteria.create(
            criterion=make_criterion(study, key), verdict=Verdict.A, metadata={"k": key}
        )
    rows = jsonl(study, "votes")
    assert [(row["criterion"], row["verdict"]) for row in rows] == [
        ("overall", "tie"),
        ("clarity", "a"),
        ("style", "a"),
    ]
    assert [row.get("seconds") for row in rows] == [1.0, None, None]
    assert [row.get("k") for row in rows] == [None, "clarity", "style"]


@pytest.fixture
def mixed() -> Study:
    """Votes of every fate: counted, check, repeat, superseded, surplus and excluded."""
    study = make_open_study()
    revised = make_vote(make_comparison(study, item_id="revised"), Choice.LEFT)
    make_vote(revised.comparison, Choice.TIE, assignment=revised.assignment, revision=1)
    gold = make_comparison(study, item_id="gold", kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    make_vote(gold, Choice.LEFT)
    repeated = make_vote(make_comparison(study, item_id="repeated"), Choice.LEFT)
    again = make_assignment(
        repeated.comparison, repeated.annotator, state=AssignmentState.SUBMITTED, pass_no=1
    )
    make_vote(repeated.comparison, Choice.RIGHT, assignment=again)
    late = make_assignment(
        make_comparison(study, item_id="late"), state=AssignmentState.LATE_SURPLUS, slot_no=None
    )
    make_vote(late.comparison, Choice.LEFT, assignment=late)
    excluded = make_vote(make_comparison(study, item_id="excluded"), Choice.LEFT)
    Exclusion.objects.create(assignment=excluded.assignment, reason="too fast")
    lifted = make_vote(make_comparison(study, item_id="lifted"), Choice.LEFT)
    ban = Exclusion.objects.create(assignment=lifted.assignment, reason="mistake")
    Exclusion.objects.create(assignment=lifted.assignment, reason="was fine", lifts=ban)
    imported = make_comparison(study, item_id="imported")
    person = make_annotator(study)
    first = make_imported_vote(imported, Verdict.A, annotator=person)
    make_imported_vote(imported, Verdict.B, annotator=person, occurrence=1)
    Exclusion.objects.create(vote=first, reason="wrong person")
    return study


def fates(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((row["item_id"], row["verdict"], row["status"]) for row in rows)


def test_a_plain_export_holds_what_an_import_would_count_the_same_way(mixed: Study) -> None:
    rows = jsonl(mixed, "votes")
    assert fates(rows) == [
        ("gold", "a", "check"),
        ("lifted", "a", "counted"),
        ("repeated", "a", "counted"),
        ("repeated", "b", "repeat"),
        ("revised", "tie", "counted"),
    ]
    # The first of two labels counts on import, so the repeat comes after.
    assert rows[-1]["status"] == "repeat"


def test_the_votes_called_counted_are_those_of_every_figure(mixed: Study) -> None:
    said = sum(row["status"] == "counted" for row in jsonl(mixed, "votes", everything=True))
    assert said == counted_votes(mixed).count() == 3


def test_on_demand_nothing_is_left_out_and_each_fate_is_named(mixed: Study) -> None:
    rows = jsonl(mixed, "votes", everything=True)
    assert fates(rows) == [
        ("excluded", "a", "excluded"),
        ("gold", "a", "check"),
        ("imported", "a", "excluded"),
        ("imported", "b", "repeat"),
        ("late", "a", "surplus"),
        ("lifted", "a", "counted"),
        ("repeated", "a", "counted"),
        ("repeated", "b", "repeat"),
        ("revised", "a", "superseded"),
        ("revised", "tie", "counted"),
    ]
    reasons = {row["item_id"]: row.get("excluded_because") for row in rows}
    assert reasons["excluded"] == "too fast"
    assert reasons["lifted"] is None


WHY = ("excluded_because", "excluded_by_rule", "excluded_post_hoc")


def why(study: Study, item_id: str) -> tuple[Any, ...]:
    (row,) = [row for row in jsonl(study, "votes", everything=True) if row["item_id"] == item_id]
    return tuple(row.get(name) for name in WHY)


def test_an_excluded_vote_names_the_rule_and_whether_it_came_after_outcomes() -> None:
    study = make_open_study(results="open")
    by_rule = make_vote(make_comparison(study, item_id="by-rule"), Choice.LEFT)
    Exclusion.objects.create(assignment=by_rule.assignment, reason="too fast", rule="speed")
    late = make_vote(make_comparison(study, item_id="late"), Choice.LEFT)
    Exclusion.objects.create(assignment=late.assignment, reason="odd", rule="sides", post_hoc=True)
    person = make_imported_vote(make_comparison(study, item_id="person"), Verdict.A)
    Exclusion.objects.create(vote=person, reason="wrong file", post_hoc=True)
    make_vote(make_comparison(study, item_id="counted"), Choice.LEFT)
    assert why(study, "by-rule") == ("too fast", "speed", False)
    assert why(study, "late") == ("odd", "sides", True)
    assert why(study, "person") == ("wrong file", None, True)
    assert why(study, "counted") == (None, None, None)
    header = next(iter(csv_rows(study, "votes")))
    assert [name for name in header if name.startswith("excluded")] == list(WHY)


def test_of_several_exclusions_one_that_was_not_post_hoc_is_named() -> None:
    study = make_open_study(results="open")
    vote = make_vote(make_comparison(study, item_id="i1"), Choice.LEFT)
    Exclusion.objects.create(assignment=vote.assignment, reason="too fast", rule="speed")
    Exclusion.objects.create(assignment=vote.assignment, reason="odd", post_hoc=True)
    Exclusion.objects.create(vote=vote, reason="odd as well", post_hoc=True)
    assert why(study, "i1") == ("too fast", "speed", False)


def test_a_judgment_without_a_verdict_says_so() -> None:
    study = make_study()
    version = make_judge_version(study, "judge-1")
    make_judgment(
        make_comparison(study, item_id="i1"), None, version=version, metadata={"raw": "?"}
    )
    make_judgment(
        make_comparison(study, item_id="i2"), Verdict.TIE, version=version, inconsistent=True
    )
    rows = jsonl(study, "judgments")
    assert list(rows[0].items())[:4] == [
        ("item_id", "i1"),
        ("judge_id", "judge-1"),
        ("order", "both"),
        ("verdict", None),
    ]
    assert (rows[0]["missing"], rows[0]["raw"]) == ("unparsed", "?")
    assert (rows[1]["verdict"], rows[1]["inconsistent"]) == ("tie", True)


def test_unknown_keys_are_columns_whichever_row_has_them() -> None:
    study = make_study()
    make_imported_vote(make_comparison(study))
    make_imported_vote(make_comparison(study), metadata={"=evil": "=1", "late_key": {"a": 1}})
    first, second = csv_rows(study, "votes")
    assert first["late_key"] == ""
    assert second["'=evil"] == "'=1"
    assert json.loads(second["late_key"]) == {"a": 1}


def test_a_study_without_rows_gives_a_header_and_nothing_else() -> None:
    study = make_study()
    assert jsonl(study, "votes") == []
    export = catalogue.find("votes", "csv")
    assert b"".join(catalogue.stream_rows(study, export)).count(b"\r\n") == 1


def test_other_studies_stay_out() -> None:
    study, other = make_study(), make_study()
    make_imported_vote(make_comparison(other))
    make_judgment(Comparison.objects.get())
    assert all(jsonl(study, name) == [] for name in ("votes", "comparisons", "judgments"))


@pytest.mark.parametrize("name", ["votes", "comparisons", "judgments"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    name: str, django_assert_num_queries: Any
) -> None:
    study = make_study()
    version = make_judge_version(study, "judge-1")
    criterion = make_criterion(study, "clarity")

    def add() -> None:
        comparison = make_comparison(study)
        make_judgment(comparison, version=version)
        make_imported_vote(comparison).criteria.create(criterion=criterion, verdict="a")

    add()
    with django_assert_num_queries(QUERIES[name]):
        jsonl(study, name)
    for _ in range(5):
        add()
    with django_assert_num_queries(QUERIES[name]):
        jsonl(study, name)


# Metadata keys, fates of votes, the rows, and what is fetched beside each thousand of them.
QUERIES = {"votes": 8, "comparisons": 3, "judgments": 3}


def test_a_sealed_study_gives_no_order_that_follows_the_names() -> None:
    study = make_open_study()
    names = ["alpha", "bravo", "charlie", "delta"]
    codes = dict(zip(names, ["A10", "A2", "A9", "A1"], strict=True))
    for name, code in codes.items():
        make_system(study, name, code=code)
    # As generated: by prompt, pairs in the order of the names; item ids are drawn.
    for number, (one, other) in enumerate(itertools.combinations(names, 2)):
        make_comparison(
            study,
            one,
            other,
            item_id=f"{(number * 5) % 6}",
            kind=ComparisonKind.GOLD,
            gold={"overall": ["a"], "clarity": ["a", "tie"]},
        )
    rows = jsonl(study, "comparisons")
    assert [row["item_id"] for row in rows] == sorted(row["item_id"] for row in rows)
    for row in rows:
        assert int(row["system_a"][1:]) < int(row["system_b"][1:])
        comparison = Comparison.objects.get(study=study, item_id=row["item_id"])
        by_code = {
            comparison.system_a.code: comparison.response_a.text,
            comparison.system_b.code: comparison.response_b.text,
        }
        assert row["response_a"] == by_code[row["system_a"]]
        assert row["response_b"] == by_code[row["system_b"]]
        # Whoever was accepted as better still is.
        turned = row["system_a"] != comparison.system_a.code
        assert row["gold"] == ("b" if turned else "a")
        assert row["gold_by_criterion"] == {"clarity": ["b" if turned else "a", "tie"]}


def test_imported_ids_and_explanations_of_a_sealed_study_stay_sealed() -> None:
    study = make_open_study(queue_seed=5)
    for name, code in (("alpha", "A2"), ("bravo", "A1")):
        make_system(study, name, code=code)
    for number in range(3):
        make_comparison(
            study,
            "alpha",
            "bravo",
            item_id=f"{number}__alpha__bravo",
            kind=ComparisonKind.GOLD,
            gold={"overall": ["a"]},
            explanation="alpha is right",
        )
    ImportFile.objects.create(study=study, kind="comparisons", sha256="0" * 64, rows=3)
    rows = jsonl(study, "comparisons")
    assert "alpha" not in json.dumps(rows)
    assert len({row["item_id"] for row in rows}) == 3
    assert {row["item_id"] for row in rows} == {
        row["item_id"] for row in jsonl(study, "comparisons")
    }
