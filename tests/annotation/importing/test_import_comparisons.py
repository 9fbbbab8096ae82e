from decimal import Decimal

import pytest

from annotation.models import Comparison, Prompt, Response, Study
from tests import factories
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


def pair(item="i1", prompt="p1", a="s", b="t", text_a="x", text_b="y", **more):
    return {
        "item_id": item,
        "prompt_id": prompt,
        "prompt": f"Say {prompt}",
        "system_a": a,
        "system_b": b,
        "response_a": text_a,
        "response_b": text_b,
        **more,
    }


def test_a_pair_is_stored_with_all_it_is_made_of_in_the_order_of_the_file(write_rows) -> None:
    row = pair(a="z", b="a", category="c", latency_ms_a=3, cost_b=0.5, idx=1, overlap=5)

    said = run_import("comparisons", "mine", write_rows(row))

    assert said.summary == "mine: 1 row of comparisons; new: 1"
    item = Comparison.objects.select_related("response_a", "response_b", "prompt").get()
    assert (item.system_a.name, item.system_b.name) == ("z", "a")
    assert (item.response_a.text, item.response_b.text) == ("x", "y")
    assert (item.response_a.latency_ms, item.response_b.cost) == (3, Decimal("0.5"))
    assert (item.prompt.category, item.metadata, item.overlap, item.kind) == (
        "c",
        {"idx": 1},
        5,
        "work",
    )
    assert not item.open


def test_texts_of_one_system_on_one_prompt_become_samples_in_order_of_appearance(
    write_rows,
) -> None:
    path = write_rows(
        pair("i1", text_a="x"),
        pair("i2", b="u", text_a="x2", text_b="z"),
        pair("i3", b="u", text_a="x", text_b="z"),
    )

    said = run_import("comparisons", "mine", path)

    assert "further samples: 1" in said.summary
    assert "several responses of one system to one prompt: 1" in said.summary
    assert list(
        Response.objects.filter(system__name="s").order_by("sample").values_list("sample", "text")
    ) == [(0, "x"), (1, "x2")]
    assert Response.objects.count() == 4


def test_samples_go_on_where_stored_ones_end_and_meet_equal_stored_texts(write_rows) -> None:
    run_import("comparisons", "mine", write_rows(pair("i1"), name="a.jsonl"))

    said = run_import(
        "comparisons",
        "mine",
        write_rows(pair("i2", text_a="new"), pair("i3", b="u"), name="b.jsonl"),
    )

    assert said.code == 0
    assert set(Response.objects.filter(system__name="s").values_list("sample", "text")) == {
        (0, "x"),
        (1, "new"),
    }


def test_responses_imported_before_are_found_again_by_their_text(write_rows) -> None:
    rows = [
        {"prompt_id": "p1", "prompt": "Say p1", "system": name, "response": text, "latency_ms": 7}
        for name, text in (("s", "x"), ("t", "y"))
    ]
    run_import("responses", "mine", write_rows(*rows, name="r.jsonl"))

    said = run_import("comparisons", "mine", write_rows(pair(), name="c.jsonl"))

    assert said.code == 0
    assert Response.objects.count() == 2
    assert Comparison.objects.get().response_a.latency_ms == 7


def test_a_second_item_for_the_same_two_responses_is_an_error_in_either_order(write_rows) -> None:
    path = write_rows(pair("i1"), pair("i2", a="t", b="s", text_a="y", text_b="x"))

    said = run_import("comparisons", "mine", path)

    assert said.code == 1
    assert (
        f"{path}:2: item 'i2' pairs the same two responses as another item in {path}:1" in said.err
    )
    assert not Study.objects.exists()


def test_a_second_item_for_a_stored_pair_is_an_error(write_rows) -> None:
    run_import("comparisons", "mine", write_rows(pair("i1"), name="a.jsonl"))

    said = run_import("comparisons", "mine", write_rows(pair("i2"), name="b.jsonl"))

    assert said.code == 1
    assert (
        "pairs the same two responses as another item in what the study already holds" in said.err
    )


def test_one_item_id_with_two_contents_is_an_error_naming_both_places(write_rows) -> None:
    path = write_rows(pair("i1"), pair("i1", b="u"), pair("i1"))

    said = run_import("comparisons", "mine", path)

    assert said.code == 1
    assert said.lines[:-1] == [f"{path}:2: item 'i1' has other content in {path}:1"]


@pytest.mark.parametrize(
    "change",
    [
        {"response_a": "other"},
        {"system_b": "u"},
        {"prompt_id": "p2", "prompt": "Say p2"},
        {"kind": "gold", "gold": "a"},
        {"overlap": 4},
        {"explanation": "e"},
        {"idx": 2},
        {"system_a": "t", "system_b": "s", "response_a": "y", "response_b": "x"},
    ],
)
def test_a_stored_item_is_left_alone_if_equal_and_refused_if_different(write_rows, change) -> None:
    row = pair(idx=1, category="c", latency_ms_a=1.5)
    run_import("comparisons", "mine", write_rows(row, name="a.jsonl"))

    equal = run_import("comparisons", "mine", write_rows(row, pair("i9", b="v"), name="b.jsonl"))
    other = run_import("comparisons", "mine", write_rows(row | change, name="c.jsonl"))

    assert equal.summary == "mine: 2 rows of comparisons; new: 1; already there: 1"
    assert other.code == 1
    assert "item 'i1' has other content in what the study already holds" in other.err


def test_gold_is_stored_for_the_criterion_overall(write_rows) -> None:
    run_import("comparisons", "mine", write_rows(pair(kind="gold", gold=["a", "tie"])))

    item = Comparison.objects.get()
    assert (item.kind, item.gold) == ("gold", {"overall": ["a", "tie"]})


def test_gold_of_further_criteria_is_stored_and_found_again_from_an_export(write_rows) -> None:
    row = pair(kind="gold", gold="a", gold_by_criterion={"tone": ["b"], "clarity": "tie"})
    run_import("comparisons", "mine", write_rows(row, name="a.jsonl"))
    item = Comparison.objects.get()
    assert item.gold == {"overall": ["a"], "tone": ["b"], "clarity": ["tie"]}
    assert item.metadata == {}

    again = row | {"gold": ["a"], "gold_by_criterion": {"clarity": ["tie"], "tone": ["b"]}}
    equal = run_import("comparisons", "mine", write_rows(again, name="b.jsonl"))
    other = run_import(
        "comparisons",
        "mine",
        write_rows(row | {"gold_by_criterion": {"tone": "b"}}, name="c.jsonl"),
    )
    assert equal.summary == "mine: 1 row of comparisons; already there: 1"
    assert "item 'i1' has other content" in other.err


def test_identical_and_consistency_pairs_are_of_one_system(write_rows) -> None:
    said = run_import(
        "comparisons",
        "mine",
        write_rows(
            pair("i1", b="s", text_b="x", kind="identical"),
            pair("i2", b="s", text_a="x", text_b="x2", kind="consistency"),
            pair("i3", prompt="p2", b="s", kind="consistency"),
        ),
    )

    assert said.code == 0
    same = Comparison.objects.get(item_id="i1")
    assert same.response_a_id == same.response_b_id
    for item_id in ("i2", "i3"):
        item = Comparison.objects.get(item_id=item_id)
        assert (item.response_a.sample, item.response_b.sample) == (0, 1)


def test_equal_texts_of_two_systems_stay_work_and_are_told(write_rows) -> None:
    said = run_import("comparisons", "mine", write_rows(pair(text_b="x"), pair("i2", text_a="")))

    assert "pairs with equal texts: 1" in said.summary
    assert "sides with an empty response: 1" in said.summary
    assert Comparison.objects.filter(kind="work").count() == 2


def test_a_bad_row_leaves_no_sample_behind(write_rows) -> None:
    path = write_rows(
        pair("i1"),
        pair("i1", text_a="of the bad row", b="u"),
        pair("i2", text_a="second"),
    )

    said = run_import("comparisons", "mine", path, skip_bad_rows=True)

    assert said.code == 0
    assert set(Response.objects.filter(system__name="s").values_list("sample", "text")) == {
        (0, "x"),
        (1, "second"),
    }


def test_prompt_attributes_that_differ_between_pairs_are_an_error(write_rows) -> None:
    path = write_rows(pair("i1", category="c"), pair("i2", b="u", category="d"))

    said = run_import("comparisons", "mine", path)

    assert f"{path}:2: prompt 'p1' has another category in {path}:1" in said.err


def test_measures_of_one_response_that_differ_between_pairs_are_an_error(write_rows) -> None:
    path = write_rows(pair("i1", latency_ms_a=1), pair("i2", b="u", latency_ms_a=2))

    said = run_import("comparisons", "mine", path)

    assert f"{path}:2: system 's', prompt 'p1', sample 0 has other measures" in said.err


def test_pairs_cannot_join_an_opened_study(write_rows) -> None:
    factories.make_open_study("mine")

    said = run_import("comparisons", "mine", write_rows(pair()))

    assert said.code == 1
    assert "content is frozen" in said.err


def test_csv_and_jsonl_of_the_same_pairs_are_the_same(write_rows) -> None:
    jsonl = write_rows(pair(tags=["a", "b"], weight=2.5, overlap=2), name="a.jsonl")
    csv = write_rows(
        "item_id,prompt_id,prompt,model_a,model_b,response_a,response_b,tags,weight,overlap",
        "i1,p1,Say p1,s,t,x,y,a|b,2.5,2",
        name="a.csv",
    )

    run_import("comparisons", "mine", jsonl)
    said = run_import("comparisons", "mine", csv)

    assert said.summary == "mine: 1 row of comparisons; already there: 1"
    assert Prompt.objects.get().tags == ["a", "b"]
