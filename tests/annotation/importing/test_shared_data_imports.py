"""The traps of the real data: each is survived and told (see the README beside the data)."""

import json

import pytest

from annotation.models import Annotator, Comparison, Prompt, Response, System, Vote
from annotation.selectors import counted_votes, repeated_votes
from judging.models import Judgment
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


@pytest.fixture
def load(shared_data):
    """Import one set whole; gives what each command said, by kind."""

    def load(name):
        said = {}
        for kind, file in (("comparisons", "items"), ("votes", "human"), ("judgments", "judge")):
            path = shared_data / name / f"{file}.jsonl"
            if path.exists():
                said[kind] = run_import(kind, name, path)
                assert said[kind].code == 0, said[kind].err
        return said

    return load


@pytest.mark.parametrize("name", ["pandalm", "mtbench_turn1", "rankgen", "llmbar"])
def test_every_row_is_stored_and_every_label_is_the_file_s(load, shared_data, name) -> None:
    load(name)

    folder = shared_data / name
    expected = json.loads((folder / "expected.json").read_text())
    assert Comparison.objects.count() == expected["items"]
    assert Prompt.objects.count() == expected["prompts"]
    assert System.objects.count() == expected["models"]
    assert Vote.objects.count() == expected.get("labels", Vote.objects.count())
    assert Annotator.objects.count() == expected["annotators"]
    items = {}
    for line in (folder / "items.jsonl").read_text().split("\n"):
        if line:
            items[json.loads(line)["item_id"]] = json.loads(line)
    for item in Comparison.objects.select_related(
        "prompt", "response_a__system", "response_b__system"
    ):
        row = items[item.item_id]
        assert item.prompt.text == row["prompt"]
        assert item.prompt.category == row.get("category", "")
        assert (item.response_a.system.name, item.response_a.text) == (
            row["model_a"],
            row["response_a"],
        )
        assert (item.response_b.system.name, item.response_b.text) == (
            row["model_b"],
            row["response_b"],
        )
    stored = Vote.objects.values_list("comparison__item_id", "annotator__external_id", "verdict")
    read = [json.loads(line) for line in (folder / "human.jsonl").read_text().split("\n") if line]
    assert sorted(stored) == sorted(
        (row["item_id"], row["annotator_id"], row["label"]) for row in read
    )


def test_pandalm_has_several_responses_of_one_system_empty_ones_and_unparsed_labels(load) -> None:
    said = load("pandalm")

    assert "several responses of one system to one prompt: 17" in said["comparisons"].summary
    assert "sides with an empty response: 54" in said["comparisons"].summary
    assert Response.objects.values("prompt", "system").distinct().count() == 779
    assert "unparsed: 25" in said["judgments"].summary
    assert Judgment.objects.filter(verdict=None, missing="unparsed").count() == 25


def test_mtbench_has_one_repeat_and_identical_pairs(load, shared_data) -> None:
    said = load("mtbench_turn1")

    assert "pairs with equal texts: 11" in said["comparisons"].summary
    assert "sides with an empty response: 4" in said["comparisons"].summary
    assert Comparison.objects.exclude(kind="work").count() == 0
    assert "repeats kept, not counted: 1" in said["votes"].summary
    remark = next(line for line in said["votes"].lines if ": repeat:" in line)
    assert remark.startswith(f"{shared_data / 'mtbench_turn1' / 'human.jsonl'}:600: ")
    study = Comparison.objects.first().study
    assert counted_votes(study).count() == 1_688
    assert counted_votes(study).filter(verdict="tie").count() == 404
    assert repeated_votes(study).get().comparison.item_id == (
        "mtb-128__claude-v1__gpt-3.5-turbo__1"
    )
    assert Judgment.objects.filter(inconsistent=True, verdict="tie", order="both").count() == 142


def test_rankgen_keeps_prompts_with_one_text_apart_and_seconds_and_reasons(load) -> None:
    said = load("rankgen")

    assert "prompt texts under several prompt ids: 50" in said["comparisons"].summary
    assert Prompt.objects.values("text").distinct().count() == 150
    times = list(Vote.objects.order_by("elapsed_ms").values_list("elapsed_ms", flat=True))
    assert (len(times), times[0], times[-1]) == (609, 17_000, 3_061_000)
    assert Vote.objects.filter(notes__rationale="").count() == 0
    tags = Vote.objects.values_list("notes__tags", flat=True)
    assert sum("equal" in of_one_vote for of_one_vote in tags) == 3


def test_llmbar_has_ten_judges_in_both_orders(load) -> None:
    said = load("llmbar")

    assert "prompt texts under several prompt ids: 1" in said["comparisons"].summary
    assert "unparsed: 20" in said["judgments"].summary
    assert Judgment.objects.values("version", "order").distinct().count() == 20
    assert Judgment.objects.count() == 8_380


def test_importing_a_whole_set_twice_adds_nothing(load) -> None:
    load("rankgen")

    again = load("rankgen")

    assert all("already imported" in said.err for said in again.values())
    assert (Comparison.objects.count(), Vote.objects.count()) == (200, 609)


def test_a_changed_file_of_the_same_rows_adds_nothing_either(load, shared_data, tmp_path) -> None:
    load("pandalm")

    for kind, file in (("comparisons", "items"), ("votes", "human"), ("judgments", "judge")):
        lines = (shared_data / "pandalm" / f"{file}.jsonl").read_bytes().split(b"\n")
        turned = tmp_path / f"{file}.jsonl"
        turned.write_bytes(b"\r\n".join(reversed(lines)))
        said = run_import(kind, "pandalm", turned)
        assert said.code == 0
        assert f"already there: {len(lines) - 1:,}" in said.summary
        assert "new" not in said.summary
