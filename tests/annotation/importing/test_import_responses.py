import pytest

from annotation.models import (
    AuditEntry,
    Criterion,
    ImportFile,
    Prompt,
    Response,
    Study,
    StudyState,
    System,
)
from tests import factories
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


def response(prompt="p1", system="s", text="x", **more):
    return {
        "prompt_id": prompt,
        "prompt": f"Say {prompt}",
        "system": system,
        "response": text,
        **more,
    }


def test_a_first_import_creates_the_study_and_stores_what_the_rows_say(write_rows) -> None:
    path = write_rows(
        response(category="code", tags=["t"], weight=2, reference="r", latency_ms=5, note="n"),
        response(system="t", text=""),
        response(prompt="p2", cost=0.25, input_tokens=3, created_at="2026-01-01T00:00:00Z"),
    )

    said = run_import("responses", "mine", path)

    assert (said.code, said.out) == (0, "")
    assert said.summary == "mine: 3 rows of responses; new: 3; empty responses: 1"
    study = Study.objects.get(slug="mine")
    assert study.state == StudyState.DRAFT
    assert study.criteria.get().key == Criterion.OVERALL
    prompt = Prompt.objects.get(prompt_id="p1")
    assert (prompt.text, prompt.category, prompt.tags) == ("Say p1", "code", ["t"])
    assert (prompt.weight, prompt.reference, prompt.metadata) == (2.0, "r", {})
    first = Response.objects.get(prompt=prompt, system__name="s")
    assert (first.text, first.sample, first.latency_ms) == ("x", 0, 5.0)
    assert first.metadata == {"note": "n"}
    assert Response.objects.get(prompt__prompt_id="p2").input_tokens == 3
    assert set(System.objects.values_list("name", "code")) == {("s", ""), ("t", "")}


def test_the_file_and_the_act_are_recorded(write_rows) -> None:
    run_import("responses", "mine", write_rows(response(), name="a.jsonl"))

    stored = ImportFile.objects.get()
    assert (stored.kind, stored.name, stored.rows, stored.skipped_rows) == (
        "responses",
        "a.jsonl",
        1,
        0,
    )
    entry = AuditEntry.objects.get(action="responses.imported")
    assert entry.detail["files"] == [{"sha256": stored.sha256, "rows": 1, "skipped": 0}]


def test_several_files_are_one_import(write_rows) -> None:
    files = [write_rows(response(system=name), name=f"{name}.jsonl.gz") for name in ("s", "t", "u")]

    said = run_import("responses", "mine", *files)

    assert said.code == 0
    assert ImportFile.objects.count() == 3
    assert Response.objects.count() == 3


def test_columns_of_other_names_are_mapped(write_rows) -> None:
    row = {"prompt_id": "p1", "question": "Say", "generator": "s", "response": "x"}
    table = "prompt_id;question;generator;response;ms\np1;Say;t;y;7"
    files = [write_rows(row, name="a.jsonl"), write_rows(table, name="b.csv")]
    mapped = ["prompt=question", "system=generator", "latency_ms=ms"]

    said = run_import("responses", "mine", *files, mapped=mapped)

    assert said.code == 0, said.err
    assert Prompt.objects.get().text == "Say"
    stored = Response.objects.values_list("system__name", "text", "latency_ms", "metadata")
    assert set(map(str, stored)) == {"('s', 'x', None, {})", "('t', 'y', 7.0, {})"}


@pytest.mark.parametrize(
    ("mapped", "parts"),
    [
        (["question=prompt"], ["question=prompt", "prompt_id", "latency_ms"]),
        (["prompt"], ["FIELD=COLUMN"]),
        (["prompt="], ["FIELD=COLUMN"]),
        (["prompt=questoin"], ["questoin", "question", "generator"]),
        (["prompt=question", "prompt=generator"], ["prompt=generator", "twice"]),
        (["prompt=question", "system=question"], ["system=question", "twice"]),
    ],
)
def test_a_wrong_mapping_is_refused_and_says_what_there_is(write_rows, mapped, parts) -> None:
    row = {"prompt_id": "p1", "question": "Say", "generator": "s", "response": "x"}

    said = run_import("responses", "mine", write_rows(row), mapped=mapped)

    assert said.code == 1
    assert all(part in said.summary for part in parts), said.summary
    assert not Study.objects.exists()


def test_a_conversation_is_stored_as_messages(write_rows) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}]

    run_import("responses", "mine", write_rows(response() | {"prompt": turns}))

    prompt = Prompt.objects.get()
    assert (prompt.text, prompt.messages) == ("", turns)


def test_the_same_file_again_adds_nothing_and_says_so(write_rows) -> None:
    path = write_rows(response())
    run_import("responses", "mine", path)

    said = run_import("responses", "mine", path)

    assert said.code == 0
    assert "already imported" in said.err
    assert Response.objects.count() == 1
    assert AuditEntry.objects.filter(action="responses.imported").count() == 1


def test_the_same_content_under_two_names_in_one_command_is_taken_once(write_rows) -> None:
    first = write_rows(response(), name="a.jsonl")
    second = write_rows(response(), name="b.jsonl")

    said = run_import("responses", "mine", first, second)

    assert said.code == 0
    assert "already imported" in said.err
    assert ImportFile.objects.count() == 1


def test_the_same_file_may_go_into_another_study(write_rows) -> None:
    path = write_rows(response())

    assert run_import("responses", "mine", path).code == 0
    assert run_import("responses", "yours", path).code == 0
    assert Response.objects.count() == 2


def test_equal_rows_are_left_alone_and_new_ones_added(write_rows) -> None:
    row = response(latency_ms=1.5, cost=0.000123, run={"a": 1.0, "b": [1e22]})
    run_import("responses", "mine", write_rows(row, name="a.jsonl"))

    said = run_import(
        "responses", "mine", write_rows(row, row, response(system="t"), name="b.jsonl")
    )

    assert said.summary == "mine: 3 rows of responses; new: 1; already there: 2"


def test_a_different_response_than_the_stored_one_is_an_error(write_rows) -> None:
    run_import("responses", "mine", write_rows(response(), name="a.jsonl"))

    said = run_import("responses", "mine", write_rows(response(text="y"), name="b.jsonl"))

    assert said.code == 1
    assert "b.jsonl:1: system 's', prompt 'p1', sample 0 has another text" in said.err
    assert "what the study already holds" in said.err
    assert Response.objects.get().text == "x"


def test_two_texts_without_sample_numbers_are_an_error_naming_both_places(write_rows) -> None:
    path = write_rows(response(), response(text="y"))

    said = run_import("responses", "mine", path)

    assert said.code == 1
    assert said.lines[0].startswith(f"{path}:2: ")
    assert f"has another text in {path}:1; give them a sample number" in said.lines[0]
    assert not Study.objects.exists()


def test_samples_are_stored_and_counted(write_rows) -> None:
    said = run_import("responses", "mine", write_rows(response(), response(text="y", sample=1)))

    assert said.summary.endswith("new: 2; further samples: 1")
    assert list(Response.objects.order_by("sample").values_list("text", flat=True)) == ["x", "y"]


@pytest.mark.parametrize(
    ("first", "second", "attribute"),
    [
        ({}, {"prompt": "Other"}, "text"),
        ({"category": "a"}, {"category": "b"}, "category"),
        ({"weight": 1}, {"weight": 2}, "weight"),
        ({"tags": ["a"]}, {"tags": ["b"]}, "tags"),
        ({"reference": "a"}, {"reference": "b"}, "reference"),
        (
            {"created_at": "2026-01-01T00:00:00Z"},
            {"created_at": "2026-01-01T00:00:01Z"},
            "created_at",
        ),
    ],
)
def test_attributes_of_one_prompt_that_differ_are_an_error(
    write_rows, first, second, attribute
) -> None:
    path = write_rows(response() | first, response(system="t") | second)

    said = run_import("responses", "mine", path)

    assert said.code == 1
    assert f"{path}:2: prompt 'p1' has another {attribute} in {path}:1" in said.err


def test_attributes_that_a_later_row_or_file_states_first_are_added(write_rows) -> None:
    run_import(
        "responses",
        "mine",
        write_rows(response(), response(system="t", category="c"), name="a.jsonl"),
    )
    said = run_import(
        "responses",
        "mine",
        write_rows(
            response(reference="r", weight=2), response(system="u", tags=["x"]), name="b.jsonl"
        ),
    )

    assert said.code == 0
    prompt = Prompt.objects.get()
    assert (prompt.category, prompt.reference, prompt.weight, prompt.tags) == ("c", "r", 2, ["x"])


def test_measures_stated_later_are_added_and_then_fixed(write_rows) -> None:
    run_import("responses", "mine", write_rows(response(), name="a.jsonl"))
    added = run_import("responses", "mine", write_rows(response(latency_ms=5), name="b.jsonl"))
    differs = run_import("responses", "mine", write_rows(response(latency_ms=6), name="c.jsonl"))

    assert (added.code, differs.code) == (0, 1)
    assert "has other measures or metadata" in differs.err
    assert Response.objects.get().latency_ms == 5


def test_every_bad_row_is_listed_then_one_summary_and_nothing_is_stored(write_rows) -> None:
    path = write_rows(
        response(), "{", response(system=""), response(weight=-1), response(system="t")
    )

    said = run_import("responses", "mine", path)

    assert said.code == 1
    assert [line.split(": ")[0] for line in said.lines[:-1]] == [f"{path}:{n}" for n in (2, 3, 4)]
    assert said.summary == "CommandError: mine: nothing stored: 5 rows of responses; bad: 3"
    assert not Study.objects.exists()


def test_with_skip_bad_rows_the_good_rows_are_stored(write_rows) -> None:
    path = write_rows(response(), "{", response(text="y"), response(system="t"))

    said = run_import("responses", "mine", path, skip_bad_rows=True)

    assert said.code == 0
    assert len([line for line in said.lines if line.startswith(f"{path}:")]) == 2
    assert said.summary == "mine: 4 rows of responses; bad: 2; new: 2"
    assert Response.objects.count() == 2
    stored = ImportFile.objects.get()
    assert (stored.rows, stored.skipped_rows) == (2, 2)
    again = run_import("responses", "mine", path)
    assert again.code == 0
    assert "already imported; 2 bad rows were skipped then" in again.err


def test_a_file_of_bad_rows_alone_leaves_no_trace_even_when_skipping(write_rows) -> None:
    said = run_import("responses", "mine", write_rows("{", "["), skip_bad_rows=True)

    assert said.code == 0
    assert "nothing stored" in said.summary
    assert not Study.objects.exists()


def test_one_bad_row_in_one_of_two_files_stores_neither(write_rows) -> None:
    good = write_rows(response(), name="a.jsonl")
    bad = write_rows("{", name="b.jsonl")

    assert run_import("responses", "mine", good, bad).code == 1
    assert not ImportFile.objects.exists()


@pytest.mark.parametrize("slug", ["Mine", "_x", "a b", "", "x" * 65, "a\n"])
def test_a_name_that_cannot_be_a_study_is_refused(write_rows, slug) -> None:
    said = run_import("responses", slug or "''", write_rows(response()))

    assert said.code == 1
    assert "cannot name a study" in said.err


def test_a_missing_file_is_refused_before_anything_is_stored(write_rows, tmp_path) -> None:
    said = run_import("responses", "mine", write_rows(response()), tmp_path / "none.jsonl")

    assert said.code == 1
    assert "does not exist" in said.err
    assert not Study.objects.exists()


@pytest.mark.parametrize("state", [StudyState.OPEN, StudyState.PAUSED, StudyState.CLOSED])
def test_the_content_of_an_opened_study_is_frozen(write_rows, state) -> None:
    factories.make_study("mine", state=state)

    said = run_import("responses", "mine", write_rows(response()))

    assert said.code == 1
    assert "was opened: its content is frozen" in said.err
    assert not Response.objects.exists()


def test_a_file_that_was_imported_before_opening_is_still_known_afterwards(write_rows) -> None:
    path = write_rows(response())
    run_import("responses", "mine", path)
    Study.objects.update(state=StudyState.OPEN, opened_at="2026-01-01T00:00:00Z")

    said = run_import("responses", "mine", path)

    assert said.code == 0
    assert "already imported" in said.err


def test_a_failure_while_storing_stores_nothing(write_rows, monkeypatch) -> None:
    def fail(*args, **kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(ImportFile.objects, "create", fail)

    with pytest.raises(RuntimeError):
        run_import("responses", "mine", write_rows(response()))
    assert not Study.objects.exists()


def test_a_file_that_changes_between_the_two_readings_is_refused(write_rows, monkeypatch) -> None:
    path = write_rows(response())
    hashes = iter(["a" * 64, "b" * 64])
    monkeypatch.setattr("annotation.importing.transfer.content_sha256", lambda path: next(hashes))

    said = run_import("responses", "mine", path)

    assert said.code == 1
    assert "changed while it was read" in said.err
    assert not Response.objects.exists()


def test_what_another_import_stored_between_the_two_readings_is_not_contradicted(
    write_rows, monkeypatch
) -> None:
    def another_import_comes_first(slug, actor):
        study = factories.make_study(slug)
        factories.make_response(
            factories.make_prompt(study, "p1", text="Say p1"),
            factories.make_system(study, "s"),
            text="theirs",
        )
        return study, []

    monkeypatch.setattr("annotation.importing.transfer.begin_draft", another_import_comes_first)

    said = run_import("responses", "mine", write_rows(response()))

    assert said.code == 1
    assert "has another text in what the study already holds" in said.err
    assert "changed while the files were checked; nothing was stored" in said.summary
    assert not Study.objects.exists()


def test_duplicates_are_found_across_batches(write_rows) -> None:
    rows = [response(prompt=f"p{n % 700}", system=f"s{n // 700}", text=f"{n}") for n in range(1400)]
    path = write_rows(*rows, response(system="s0", text="other"))

    said = run_import("responses", "mine", path)

    assert said.code == 1
    assert said.lines[0].startswith(f"{path}:1401: system 's0', prompt 'p1', sample 0 has another")
    assert f"in {path}:2; give them a sample number" in said.lines[0]
    assert run_import("responses", "mine", write_rows(*rows)).code == 0
    assert Prompt.objects.count() == 700
    assert Response.objects.count() == 1400


def test_the_number_of_queries_grows_with_batches_not_with_rows(
    write_rows, django_assert_max_num_queries
) -> None:
    rows = [response(prompt=f"p{n}", text=f"{n}") for n in range(400)]

    with django_assert_max_num_queries(60):
        run_import("responses", "mine", write_rows(*rows))


def test_one_text_under_two_prompt_ids_is_told_and_kept_apart(write_rows) -> None:
    said = run_import(
        "responses",
        "mine",
        write_rows(response() | {"prompt": "Same"}, response(prompt="p2") | {"prompt": "Same"}),
    )

    assert "prompt texts under several prompt ids: 1" in said.summary
    assert Prompt.objects.count() == 2


def test_text_comes_back_as_it_was_whatever_it_holds(write_rows) -> None:
    text = "\u202eright\u200b<script>alert(1)</script>\r\n\t=cmd|' \U0001f600 \ufeff"

    run_import("responses", "mine", write_rows(response(text=text)))

    assert Response.objects.get().text == text
