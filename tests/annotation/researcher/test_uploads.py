"""Files on their way into a draft: what is told of them, what is stored, and what never is."""

from __future__ import annotations

import csv
import gzip
import json
import os
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client
from django.utils import timezone

from annotation.importing import spool, transfer, upload_work, uploads
from annotation.importing.formats import ComparisonRow, ResponseRow
from annotation.importing.formats.rows import PromptAttributes, Side
from annotation.importing.naming import NamingPolicy
from annotation.importing.sampled import LONGEST_SHOWN, SAMPLED_PROMPTS, Sample
from annotation.importing.uploads import PROBLEMS_LIST
from annotation.lifecycle.opening import open_study
from annotation.models import (
    AuditEntry,
    Comparison,
    ImportFile,
    Membership,
    Prompt,
    Response,
    Role,
    Upload,
    UploadState,
)
from annotation.tasks import tidy_uploads, work_on_upload
from tests import factories
from tests.annotation.researcher.studio import Studio, packed, two_systems
from tests.killing import Killed
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def rows(*more: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in more).encode()


def response(prompt_id: str = "q", system: str = "north", text: str = "Yes.", **more: Any) -> Any:
    return {"prompt_id": prompt_id, "prompt": "?", "system": system, "response": text, **more}


def test_a_json_list_is_checked_like_a_file_of_lines(studio: Studio):
    body = json.dumps([response(), response(system="south", text="No.")], indent=1).encode()
    upload = studio.checked(("rows.json", body))
    assert (upload.state, upload.found["rows"], upload.found["bad"]) == (UploadState.CHECKED, 2, 0)


# -- files that cannot be used, by class -------------------------------------------------------

BOMB = gzip.compress(b"a" * 300_000_000, 9)
DEEP = b'{"prompt_id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

REFUSED_AT_ONCE = {
    "empty": ("a.jsonl", b"", "is empty"),
    "no file of rows": ("a.xlsx", b"PK\x03\x04", "must end in .jsonl"),
    "UTF-16": ("a.csv", "prompt_id,prompt".encode("utf-16"), "UTF-16"),
    "packed under a plain name": ("a.jsonl", packed(two_systems()), "must end in .gz"),
    "zip bomb": ("a.jsonl.gz", BOMB, "unpacks to more than"),
    "header of no CSV": ("a.csv", b'"a\nb', "the header cannot be read"),
    "too many columns": ("a.csv", b",".join(b"c%d" % n for n in range(300)), "300 columns"),
}


@pytest.mark.parametrize("case", REFUSED_AT_ONCE)
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(studio: Studio, case: str):
    name, body, reason = REFUSED_AT_ONCE[case]
    answer = studio.upload((name, body))
    assert answer.status_code == 422
    page = text_of(answer)
    assert reason in page
    assert str(spool.root()) not in page
    assert not Upload.objects.exists()
    assert list(spool.root().iterdir()) == []


BAD_ROWS = {
    "not UTF-8": (b'{"prompt_id": "\xff"}', "not UTF-8"),
    "no JSON": (b"{", "not JSON"),
    "nested too deeply": (DEEP, "nested deeper"),
    "a huge field": (rows(response(text="x" * 300_000)), "above the limit of 256 KiB"),
    "NUL": (rows(response(text="a\0b")), "NUL"),
    "NaN": (b'{"prompt_id": NaN}', "not a JSON value"),
    "a key twice": (b'{"prompt_id": "a", "prompt_id": "b"}', "twice"),
    "no response": (rows({"prompt_id": "q", "prompt": "?", "system": "s"}), "response is missing"),
    "another text": (rows(response(text="A"), response(text="B")), "another text"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_told_with_its_line_and_nothing_is_stored(studio: Studio, case: str):
    body, reason = BAD_ROWS[case]
    upload = studio.checked(("bad.jsonl", two_systems(1) + b"\n" + body))
    assert upload.state == UploadState.CHECKED
    assert upload.found["bad"] == 1
    (problem,) = upload.found["problems"]
    assert problem[0] == "bad.jsonl"
    assert problem[1] in (3, 4)
    assert reason in problem[2]
    assert reason in unescape(text_of(studio.get("one_upload", upload=upload.public_id)))
    assert not Response.objects.exists()


def test_formulas_in_a_list_to_download_are_none(studio: Studio):
    body = rows(
        response("=1+1", text="A"),
        response("=1+1", text="I am ChatGPT, =SUM(A1)"),
        response("wide", text="\uff1d1+1: I am ChatGPT"),
        response("behind", text=" =1+1: I am ChatGPT"),
    )
    upload = studio.checked(("=cmd.jsonl", body))
    for name in uploads.LISTS:
        answer = studio.get("upload_list", upload=upload.public_id, name=name)
        text = b"".join(answer.streaming_content).decode()
        for record in csv.reader(text.splitlines()):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in record)
            assert not any(cell.lstrip().startswith(("=", "\uff1d")) for cell in record)


@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd.jsonl", "..\\..\\a.jsonl", "/etc/cron.d/x.jsonl", "progress.jsonl"],
)
def test_a_name_never_becomes_a_path(studio: Studio, name: str):
    upload = studio.checked((name, two_systems()))
    (file,) = upload.files
    path = spool.path_of(upload.public_id, file["name"])
    assert path.parent == spool.folder(upload.public_id)
    assert path.is_file()


def test_a_list_outside_the_spool_is_not_found(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    for name in ("a.jsonl", "..%2fsecret", "progress"):
        assert studio.get("upload_list", upload=upload.public_id, name=name).status_code == 404


def test_a_file_that_is_damaged_further_on_fails_the_check(studio: Studio):
    body = packed(two_systems(5000))
    middle = len(body) // 2
    upload = studio.checked(("a.jsonl.gz", body[:middle] + b"\0" * 8 + body[middle + 8 :]))
    assert upload.state == UploadState.FAILED
    assert "a.jsonl.gz: the gzip file is damaged or cut short" in upload.problem
    assert not Response.objects.exists()


def test_files_reach_the_disk_at_the_address_of_imports_alone(studio: Studio, monkeypatch):
    begun: list[str] = []
    keep = TemporaryFileUploadHandler.new_file

    def note(handler: Any, field: str, name: str, *more: Any, **others: Any) -> None:
        begun.append(name)
        keep(handler, field, name, *more, **others)

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", note)
    studio.post("basics", {"title": "x", "chosen": SimpleUploadedFile("a.jsonl", b"{}")})
    Client().post(studio.url("upload"), {"chosen": SimpleUploadedFile("b.jsonl", b"{}")})
    stranger = factories.make_user()
    annotator = factories.make_membership(studio.study, Role.ANNOTATOR).user
    for user in (stranger, annotator):
        other = Client()
        other.force_login(user)
        other.post(studio.url("upload"), {"chosen": SimpleUploadedFile("b.jsonl", b"{}")})
    assert begun == []
    studio.upload(("c.jsonl", two_systems()))
    assert begun == ["c.jsonl"]


# -- what is stored --------------------------------------------------------------------------


def test_a_reason_points_to_another_row_without_where_its_file_lies(studio: Studio):
    other = two_systems(1).replace(b"of the first", b"of a third")
    upload = studio.checked(("answers.jsonl", two_systems(1) + b"\n" + other))
    assert "in answers.jsonl:1;" in upload.found["problems"][0][2]
    listed = spool.path_of(upload.public_id, PROBLEMS_LIST).read_text()
    assert "answers.jsonl:1" in listed
    assert str(spool.folder(upload.public_id)) not in listed


def test_nothing_is_stored_unless_bad_rows_may_be_skipped(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems(2) + b"\n{"))
    for choice in ("", "all"):
        answer = studio.post("store", {"bad_rows": choice}, upload=upload.public_id)
        assert answer.status_code == 422
    work_on_upload()
    assert not Response.objects.exists()
    studio.post("store", {"bad_rows": "skip"}, upload=upload.public_id)
    work_on_upload()
    upload.refresh_from_db()
    assert upload.found["stored"] == {
        "rows": 4,
        "skipped": 1,
        "new": 4,
        "completed": 0,
        "already_there": 0,
    }
    assert Response.objects.count() == 4
    assert ImportFile.objects.get().skipped_rows == 1


def test_the_same_file_again_adds_nothing(studio: Studio):
    studio.stored(("a.jsonl", two_systems()))
    again = studio.checked(("b.jsonl", two_systems()))
    assert again.found["already"] == ["b.jsonl: already imported"]
    assert "There is nothing to store" in text_of(studio.get("one_upload", upload=again.public_id))


def test_several_files_are_one_import(studio: Studio):
    north = rows(*(response(f"q{n}", "north") for n in range(3)))
    south = rows(*(response(f"q{n}", "south") for n in range(3)))
    studio.stored(("north.jsonl", north), ("south.jsonl", south))
    assert Response.objects.count() == 6
    assert ImportFile.objects.count() == 2


def test_columns_with_other_names_are_mapped_and_one_text_stands_for_all_rows(studio: Studio):
    body = b"id,question,output\r\nq1,Why?,Because.\r\nq2,How?,So.\r\n"
    studio.upload(("one.csv", body))
    upload = studio.only_upload()
    assert upload.state == UploadState.MAPPING
    assert upload.choices["names"] == {
        "id": "prompt_id",
        "question": "prompt",
        "output": "response",
    }
    page = text_of(studio.get("one_upload", upload=upload.public_id))
    assert "Because." in page
    chosen = {"column_prompt_id": "id", "column_prompt": "question", "column_response": "output"}
    answer = studio.post("set_columns", chosen, upload=upload.public_id)
    assert answer.status_code == 422
    assert "Say which column is system or model." in text_of(answer)
    studio.post("set_columns", {**chosen, "fixed_system": "north"}, upload=upload.public_id)
    work_on_upload()
    studio.post("store", {}, upload=upload.public_id)
    work_on_upload()
    stored = Response.objects.order_by("pk").values_list(
        "prompt__prompt_id", "system__name", "text"
    )
    assert list(stored) == [("q1", "north", "Because."), ("q2", "north", "So.")]


def test_traps_are_counted_before_anything_is_stored(studio: Studio):
    body = rows(
        response("q1", "north", "same"),
        response("q1", "south", "same"),
        response("q2", "north", ""),
        response("q3", "north", "x"),
        response("q3", "north", "y", sample=1),
        response("q3", "south", "z"),
    )
    found = studio.checked(("a.jsonl", body)).found
    assert (found["prompts"], found["incomplete_prompts"]) == (3, 1)
    assert (found["empty"], found["equal_pairs"], found["several"]) == (1, 1, 1)
    assert found["systems"] == {"north": 4, "south": 2}


NAMED = rows(
    response("q1", "north", "As ChatGPT, I cannot."),
    response("q1", "south", "A painter: Monet."),
    response("q2", "north", "I am north."),
)


@pytest.mark.parametrize(
    ("policy", "texts"),
    [
        (NamingPolicy.FLAG, ["As ChatGPT, I cannot.", "A painter: Monet.", "I am north."]),
        (NamingPolicy.MASK, ["As [name], I cannot.", "A painter: Monet.", "I am north."]),
        (NamingPolicy.EXCLUDE, ["A painter: Monet.", "I am north."]),
    ],
)
def test_a_response_that_names_a_maker_is_kept_masked_or_left_out(
    studio: Studio, policy: NamingPolicy, texts: list[str]
):
    upload = studio.checked(("a.jsonl", NAMED))
    assert upload.found["names"] == {"ChatGPT": 1, "north": 1}
    choices = {"naming": policy.value, "chosen_names": ["ChatGPT"]}
    assert studio.post("store", choices, upload=upload.public_id).status_code == 302
    work_on_upload()
    assert list(Response.objects.order_by("pk").values_list("text", flat=True)) == texts


@pytest.mark.parametrize("policy", [NamingPolicy.MASK, NamingPolicy.EXCLUDE])
def test_what_was_masked_or_left_out_is_told_and_logged(studio: Studio, policy: NamingPolicy):
    choices = {"naming": policy.value, "chosen_names": ["ChatGPT"]}
    upload = studio.stored(("a.jsonl", NAMED), **choices)
    told = {"policy": policy.value, "names": ["ChatGPT"], "rows": 1}
    assert upload.found["stored"]["treatment"] == told
    entry = AuditEntry.objects.get(study=studio.study, action="responses.imported")
    # Whoever reads the log of a sealed study learns no names there.
    assert entry.detail["treatment"] == told | {"names": 1}
    page = text_of(studio.get("one_upload", upload=upload.public_id))
    assert "names: ChatGPT" in page or "“[name]”: ChatGPT" in page
    # Stored otherwise, the same file is another one; stored so again, it is the same.
    again = studio.stored(("b.jsonl", NAMED), **choices, bad_rows="skip")
    assert again.found["already"] == ["b.jsonl: already imported"]


def test_the_name_of_a_system_is_found_wherever_the_files_bring_it(studio: Studio):
    """Neither the first rows nor the file of the response itself name it."""
    many = rows(*(response(f"q{n}", "north", "An answer.") for n in range(10)))
    late = many + b"\n" + rows(response("q1", "zephyrine", "Another."))
    telling = rows(response("q0", "south", "I am Zephyrine."))
    found = studio.checked(("a.jsonl", telling), ("b.jsonl", late)).found
    assert found["names"] == {"Zephyrine": 1}


def test_comparisons_and_prompts_come_the_same_way(studio: Studio):
    pair = {
        "item_id": "i1",
        "prompt_id": "q1",
        "prompt": "?",
        "system_a": "north",
        "system_b": "south",
        "response_a": "A",
        "response_b": "B",
    }
    studio.stored(("pairs.jsonl", rows(pair)), kind="comparisons")
    assert Comparison.objects.count() == 1
    reference = rows({"prompt_id": "q1", "reference": "A, since."})
    studio.stored(("prompts.jsonl", reference), kind="prompts")
    assert Prompt.objects.get().reference == "A, since."


def test_the_files_are_gone_once_they_are_stored(studio: Studio):
    upload = studio.stored(("a.jsonl", two_systems()))
    assert not spool.path_of(upload.public_id, "a.jsonl").exists()


# -- workers ---------------------------------------------------------------------------------


def test_a_lost_worker_is_replaced_once_and_then_the_upload_has_failed(studio: Studio):
    studio.upload(("a.jsonl", two_systems()))
    first = upload_work.claim()
    assert first is not None
    assert upload_work.claim() is None
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = upload_work.claim()
    assert second is not None
    assert second.attempts == 2
    # The first one comes back late: its word does not count.
    assert upload_work.work_on(first) is None
    assert studio.only_upload().state == UploadState.CHECKING
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert upload_work.claim() is None
    lost = studio.only_upload()
    assert lost.state == UploadState.FAILED
    assert "cut off twice" in text_of(studio.get("one_upload", upload=lost.public_id))


def test_what_a_restart_cut_off_is_done_again_and_stored_once(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    studio.post("store", {}, upload=upload.public_id)
    assert upload_work.claim() is not None  # and the process ends
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    work_on_upload()
    assert studio.only_upload().state == UploadState.STORED
    assert Response.objects.count() == 6


def test_a_worker_that_dies_before_it_tells_has_stored_nothing(studio: Studio, monkeypatch):
    upload = studio.checked(("a.jsonl", two_systems()))
    studio.post("store", {}, upload=upload.public_id)

    def killed(*args: Any, **kwargs: Any) -> None:
        assert Response.objects.count() == 6
        raise Killed

    claimed = upload_work.claim()
    with monkeypatch.context() as patched:
        patched.setattr(upload_work, "_end", killed)
        with pytest.raises(Killed):
            upload_work.work_on(claimed)
    assert Response.objects.count() == 0
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    work_on_upload()
    assert studio.only_upload().state == UploadState.STORED
    assert studio.only_upload().found["stored"]["rows"] == 6


def test_a_file_that_another_worker_stored_meanwhile_is_told_of(studio: Studio, monkeypatch):
    upload = studio.checked(("a.jsonl", two_systems()))
    studio.post("store", {}, upload=upload.public_id)
    check = transfer._Transfer._check_state

    def stored_meanwhile(work: Any, study: Any) -> None:
        check(work, study)
        ImportFile.objects.get_or_create(
            study=study, kind="responses", sha256=work._files[0].sha256, defaults={"rows": 6}
        )

    monkeypatch.setattr(transfer._Transfer, "_check_state", stored_meanwhile)
    work_on_upload()
    upload.refresh_from_db()
    assert upload.state == UploadState.FAILED
    assert "by somebody else" in upload.problem


def test_who_runs_the_study_no_more_stores_nothing(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    studio.post("store", {}, upload=upload.public_id)
    Membership.objects.filter(study=studio.study).delete()
    work_on_upload()
    assert studio.only_upload().state == UploadState.FAILED
    assert not Response.objects.exists()


def test_a_study_that_opened_meanwhile_takes_nothing(studio: Studio):
    studio.stored(("a.jsonl", two_systems()))
    studio.post("design", {"design": "all", "rounds": 1, "overlap": 1, "seed": 0})
    upload = studio.checked(("b.jsonl", rows(response("q9"))))
    studio.post("store", {}, upload=upload.public_id)
    open_study(studio.study)
    work_on_upload()
    upload.refresh_from_db()
    assert upload.state == UploadState.FAILED
    assert "frozen" in upload.problem
    assert Response.objects.count() == 6


def test_no_upload_tells_names_once_the_study_is_open(studio: Studio):
    studio.stored(("north-and-south.jsonl", two_systems()))
    studio.post("design", {"design": "all", "rounds": 1, "overlap": 1, "seed": 0})
    checked = studio.checked(("b.jsonl", rows(response("q9", text="I am north."))))
    studio.upload(("secret-columns.csv", b"id,question,output\r\nq1,Why?,Because.\r\n"))
    mapping = Upload.objects.get(study=studio.study, state=UploadState.MAPPING)
    listed = studio.get("upload_list", upload=checked.public_id, name="names.csv")
    assert b"north" in b"".join(listed.streaming_content)
    open_study(studio.study)
    for upload in (checked, mapping):
        for page in ("one_upload", "upload_progress"):
            assert studio.get(page, upload=upload.public_id).status_code == 404
    for name in uploads.LISTS:
        answer = studio.get("upload_list", upload=checked.public_id, name=name)
        assert answer.status_code == 404
    page = text_of(studio.get("content"))
    assert "File 1" in page
    for told in ("north", "b.jsonl", "secret-columns"):
        assert told not in page


def test_what_nobody_finished_is_forgotten_with_its_files(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    assert tidy_uploads() == 0
    old = timezone.now() - upload_work.UNFINISHED_FOR - timedelta(hours=1)
    Upload.objects.update(changed_at=old)
    folder = spool.folder(upload.public_id)
    os.utime(folder, (old.timestamp(), old.timestamp()))
    assert tidy_uploads() == 1
    assert not folder.exists()
    assert not Upload.objects.exists()


def test_an_upload_is_discarded_with_its_files(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    studio.post("discard", upload=upload.public_id)
    assert not spool.folder(upload.public_id).exists()
    assert not Upload.objects.exists()


def test_an_upload_of_another_study_is_not_found(studio: Studio):
    upload = studio.checked(("a.jsonl", two_systems()))
    other = Studio(factories.make_study(), studio.user)
    factories.make_membership(other.study, "owner", studio.user)
    assert other.get("one_upload", upload=upload.public_id).status_code == 404
    assert other.post("discard", upload=upload.public_id).status_code == 404


def test_some_pairs_are_shown_as_annotators_would_see_them_before_anything_is_stored(
    studio: Studio,
):
    upload = studio.checked(("rows.jsonl", two_systems(30, note="x").replace(b"first", b"**one**")))
    pairs = upload.found["sampled"]
    assert len(pairs) == SAMPLED_PROMPTS
    for pair in pairs:
        number = pair["prompt"].removeprefix("Question ").removesuffix("?")
        assert sorted(pair["responses"]) == [
            ["north", f"Answer {number} of the **one**."],
            ["south", f"Answer {number} of the second."],
        ]
    # Not the first ones: whatever their order in the file, and other ones of another file.
    assert [pair["prompt"] for pair in pairs] != [f"Question {number}?" for number in range(3)]
    page = studio.get("one_upload", upload=upload.public_id)
    assert "Some pairs of these files" in text_of(page)
    assert page.content.decode().count("<strong>one</strong>") == SAMPLED_PROMPTS
    assert not Prompt.objects.exists()
    # What is stored is not kept a second time, where it would outlive the sealing of the study.
    studio.post("store", {"naming": "flag"}, upload=upload.public_id)
    work_on_upload()
    upload.refresh_from_db()
    assert upload.state == UploadState.STORED
    assert "sampled" not in upload.found


def test_a_sample_is_of_pairs_alone_and_long_texts_are_cut():
    sample = Sample()
    alone = PromptAttributes("p1", text="Alone?")
    sample.see(ResponseRow(alone, "north", "One."))
    sample.see(ResponseRow(alone, "north", "Two.", sample=1))
    assert sample.pairs() == []
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    both = PromptAttributes("p2", messages=talk)
    long = "x" * (LONGEST_SHOWN + 1)
    sample.see(ComparisonRow("i1", both, Side("north", long), Side("south", "")))
    [pair] = sample.pairs()
    assert pair["prompt"] == "user: Hi\n\nassistant: Ho"
    assert sorted(pair["responses"]) == [["north", f"{'x' * LONGEST_SHOWN}…"], ["south", ""]]


def test_which_systems_a_sample_shows_does_not_hang_on_their_place_in_the_files():
    systems = ("east", "north", "south", "west")
    rows = [
        ResponseRow(PromptAttributes(f"p{number}", text="?"), system, f"{system} {number}")
        for system in systems
        for number in range(40)
    ]
    found = []
    for ordered in (rows, rows[::-1]):
        sample = Sample()
        for row in ordered:
            sample.see(row)
        found.append(sample.pairs())
    assert found[0] == found[1]
    shown = [frozenset(system for system, _ in pair["responses"]) for pair in found[0]]
    assert {len(pair) for pair in shown} == {2}
    assert len(set(shown)) > 1


def test_a_sample_shows_the_first_response_of_a_system():
    sample = Sample()
    prompt = PromptAttributes("p1", text="?")
    for number in range(3):
        for system in ("east", "north", "south", "west"):
            sample.see(ResponseRow(prompt, system, f"Number {number}", sample=number))
    [pair] = sample.pairs()
    assert [text for _, text in pair["responses"]] == ["Number 0", "Number 0"]
