from decimal import Decimal

import pytest

from judging.models import Judge, JudgeVersion, Judgment
from tests import factories
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def study():
    study = factories.make_study("mine")
    for item in ("i1", "i2"):
        factories.make_comparison(study, item_id=item)
    return study


def label(item="i1", judge="j", order="ab", verdict="a", **more):
    return {"item_id": item, "judge_id": judge, "order": order, "verdict": verdict, **more}


def test_judgments_are_stored_without_run_or_call(write_rows) -> None:
    row = label(
        confidence=0.75,
        reason="why",
        inconsistent=True,
        input_tokens=1,
        output_tokens=2,
        cost=0.001,
        latency_ms=3.5,
        raw="A",
    )

    said = run_import("judgments", "mine", write_rows(row, label(order="ba", verdict="b")))

    assert (said.code, said.out) == (0, "")
    assert said.summary == "mine: 2 rows of judgments; new: 2"
    stored = Judgment.objects.get(order="ab")
    assert (stored.verdict, stored.missing, stored.call) == ("a", "", None)
    assert (stored.confidence, stored.reason, stored.inconsistent) == (0.75, "why", True)
    assert (stored.input_tokens, stored.output_tokens, stored.latency_ms) == (1, 2, 3.5)
    assert (stored.cost, stored.metadata) == (Decimal("0.001"), {"raw": "A"})
    version = JudgeVersion.objects.get()
    assert (version.judge.judge_id, version.number, version.imported) == ("j", 1, True)


def test_a_null_label_is_missing_as_unparsed_never_a_tie(write_rows) -> None:
    said = run_import("judgments", "mine", write_rows(label(verdict=None, raw="?"), label("i2")))

    assert said.summary == "mine: 2 rows of judgments; new: 2; unparsed: 1"
    stored = Judgment.objects.get(comparison__item_id="i1")
    assert (stored.verdict, stored.missing) == (None, "unparsed")


def test_unmatched_items_are_bad_rows(write_rows) -> None:
    path = write_rows(label(), label("nowhere"))

    said = run_import("judgments", "mine", path)

    assert said.code == 1
    assert f"{path}:2: the study has no item 'nowhere'" in said.err
    assert "unmatched item ids: 1" in said.summary
    assert not Judge.objects.exists()


def test_a_contradiction_within_a_file_names_both_places(write_rows) -> None:
    path = write_rows(label(), label(), label(verdict="b"))

    said = run_import("judgments", "mine", path)

    assert said.code == 1
    assert said.lines[:-1] == [
        f"{path}:3: judge 'j' says otherwise of item 'i1' in order ab in {path}:1"
    ]


def test_equal_judgments_are_left_alone_and_different_ones_refused(write_rows) -> None:
    rows = [label(cost=0.1, x={"a": 1.0}), label("i2", verdict=None)]
    run_import("judgments", "mine", write_rows(*rows, name="a.jsonl"))

    equal = run_import("judgments", "mine", write_rows(*rows, label(judge="k"), name="b.jsonl"))
    other = run_import(
        "judgments", "mine", write_rows(rows[0] | {"verdict": "tie"}, name="c.jsonl")
    )

    assert equal.summary == "mine: 3 rows of judgments; new: 1; already there: 2; unparsed: 1"
    assert other.code == 1
    assert "in what the study already holds" in other.err
    assert Judgment.objects.count() == 3


def test_later_files_add_to_the_same_version_of_a_judge(write_rows) -> None:
    run_import("judgments", "mine", write_rows(label(), name="a.jsonl"))
    run_import("judgments", "mine", write_rows(label("i2"), name="b.jsonl"))

    assert JudgeVersion.objects.get().judgments.count() == 2


def test_imported_labels_never_join_a_version_of_our_own(write_rows, study) -> None:
    own = factories.make_judge_version(study, "j", imported=False)

    run_import("judgments", "mine", write_rows(label()))

    version = Judgment.objects.get().version
    assert version != own
    assert (version.judge, version.number, version.imported) == (own.judge, 2, True)


def test_an_open_study_takes_judgments(write_rows) -> None:
    study = factories.make_open_study("open")
    factories.make_comparison(study, item_id="j1")

    assert run_import("judgments", "open", write_rows(label("j1"))).code == 0


def test_judgments_span_batches(write_rows) -> None:
    rows = [label(judge=f"j{n % 3}/{n}", order=("ab", "ba", "both")[n % 3]) for n in range(700)]

    assert run_import("judgments", "mine", write_rows(*rows)).code == 0
    assert Judgment.objects.count() == 700
