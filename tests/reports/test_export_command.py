"""`export`: results alone on stdout, words on stderr, and refusals that say what is possible."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from annotation.models import AuditEntry, ResultsPolicy, Study
from reports import analysis
from reports.freshness import latest_run
from reports.management.commands.export import write_whole
from reports.models import AnalysisRun
from tests.factories import make_comparison, make_imported_vote, make_open_study, make_study
from tests.reports.voted import make_rich_study, make_voted_study

pytestmark = pytest.mark.django_db


def export(*arguments: str) -> tuple[str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    call_command("export", *arguments, stdout=stdout, stderr=stderr)
    return stdout.getvalue(), stderr.getvalue()


def refusal(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        export(*arguments)
    return caught.value


@pytest.mark.parametrize("what", ["votes", "comparisons", "judgments"])
def test_rows_are_jsonl_unless_csv_is_asked_for(what: str) -> None:
    make_voted_study(prompts=2, judge="judge-1")
    stdout, stderr = export("voted", what)
    rows = [json.loads(line) for line in stdout.splitlines()]
    assert stderr == ""
    assert all("item_id" in row for row in rows)
    text, _ = export("voted", what, "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(rows) > 0


@pytest.mark.parametrize("what", ["leaderboard", "head_to_head", "agreement"])
def test_tables_hold_the_figures_of_the_kept_report(what: str) -> None:
    kept = analysis.run(make_rich_study())
    text, stderr = export("rich", what)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert stderr == ""
    result = kept.result
    if what == "leaderboard":
        overall = [row for row in rows if row["criterion"] == "overall"]
        for row, entry in zip(overall, result["leaderboard"], strict=True):
            assert row["system"] == entry["system"]
            assert float(row["rating"]) == entry["rating"]["estimate"]
            assert float(row["win_rate_low"]) == entry["win_rate"]["low"]
        assert {row["criterion"] for row in rows} == {"overall", "clarity"}
    elif what == "head_to_head":
        for row, entry in zip(rows, result["head_to_head"], strict=True):
            assert (row["system_a"], int(row["n"])) == (entry["system_a"], entry["n"])
            assert float(row["p_adjusted"]) == entry["p_adjusted"]
            assert row["enough"] == str(entry["enough"]).lower()
    else:
        alpha = next(row for row in rows if row["coefficient"] == "krippendorff_alpha")
        assert float(alpha["estimate"]) == result["agreement"]["krippendorff_alpha"]["estimate"]
        assert {row["coefficient"] for row in rows} >= {"percent", "gwet_ac1", "cohen_kappa"}


def test_the_first_table_makes_the_first_report_and_says_so() -> None:
    make_voted_study()
    _, stderr = export("voted", "leaderboard")
    assert "There is no report yet" in stderr
    _, stderr = export("voted", "leaderboard")
    assert stderr == ""
    assert AnalysisRun.objects.count() == 1


def test_a_table_of_an_older_report_says_that_it_is_older() -> None:
    study = make_voted_study()
    kept = analysis.run(study)
    make_imported_vote(make_comparison(study))
    _, stderr = export("voted", "leaderboard")
    assert "have come in since this report" in stderr
    assert "analyze voted" in stderr
    assert latest_run(study) == kept


def test_a_file_is_written_whole_and_named_on_stderr(tmp_path: Path) -> None:
    make_voted_study(prompts=1)
    target = tmp_path / "votes.jsonl"
    stdout, stderr = export("voted", "votes", "--output", str(target))
    assert stdout == ""
    assert str(target) in stderr
    assert len(target.read_text().splitlines()) == 12
    assert list(tmp_path.iterdir()) == [target]


def test_a_broken_export_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "votes.jsonl"
    target.write_text("old")

    def broken() -> object:
        yield b"new"
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_whole(broken(), target)  # type: ignore[arg-type]
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    make_voted_study(prompts=1)
    fault = refusal("voted", "votes", "--output", str(tmp_path / "no" / "votes.jsonl"))
    assert "Nothing was written" in str(fault)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("leaderboard", "--format", "jsonl"), ["leaderboard is exported as csv", "votes"]),
        (("votes", "--format", "html"), ["votes is exported as jsonl or csv", "report"]),
        (("votes", "--format", "docx"), ["As docx there are: none"]),
        (("everything",), ["no export 'everything'", "head_to_head"]),
        (("comparisons", "--all"), ["--all is about votes"]),
    ],
)
def test_a_wrong_combination_says_which_are_possible(
    arguments: tuple[str, ...], words: list[str]
) -> None:
    make_study("voted")
    fault = str(refusal("voted", *arguments))
    assert all(word in fault for word in words)


def test_a_study_that_does_not_exist_is_named() -> None:
    assert "no study 'nowhere'" in str(refusal("nowhere", "votes"))


@pytest.fixture
def sealed() -> Study:
    study = make_open_study("sealed")
    comparison = make_comparison(study, "canary-one", "canary-two")
    for number, system in enumerate(study.systems.order_by("name"), 1):
        system.code = f"S{number}"
        system.save()
    make_imported_vote(comparison)
    return study


@pytest.mark.parametrize(
    "what", ["votes", "judgments", "leaderboard", "head_to_head", "agreement", "report"]
)
def test_a_sealed_study_refuses_all_but_comparisons(sealed: Study, what: str) -> None:
    fault = refusal("sealed", what)
    assert fault.returncode == 3
    assert "sealed" in str(fault)
    assert "Nothing was exported" in str(fault)
    assert not AuditEntry.objects.filter(action="look").exists()


def test_comparisons_of_a_sealed_study_have_codes_and_no_names(sealed: Study) -> None:
    stdout, _ = export("sealed", "comparisons")
    assert "canary" not in stdout
    assert '"system_a": "S1"' in stdout


@pytest.mark.parametrize("how", ["open results", "unblinded"])
def test_results_that_are_open_can_be_exported(sealed: Study, how: str) -> None:
    if how == "open results":
        sealed.results = ResultsPolicy.OPEN
    else:
        sealed.unblinded_at = timezone.now()
    sealed.save()
    stdout, _ = export("sealed", "votes")
    assert "canary-one" in stdout


def test_taking_outcomes_away_is_logged_as_a_look() -> None:
    make_voted_study(prompts=1)
    export("voted", "comparisons")
    assert not AuditEntry.objects.filter(action="look").exists()
    export("voted", "votes")
    assert AuditEntry.objects.get(action="look").detail == {"how": "export votes"}
    export("voted", "report")
    assert AuditEntry.objects.filter(detail__how="export report").count() == 1


def test_the_report_is_one_html_file() -> None:
    make_voted_study()
    stdout, _ = export("voted", "report")
    assert stdout.startswith("<!doctype html>")


def test_a_reader_that_has_seen_enough_ends_the_export_in_silence(tmp_path: Path) -> None:
    """As in `export STUDY votes | head -1`, on a database of its own."""
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{tmp_path}/pipe.sqlite3",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    program = (
        "import django; django.setup();"
        "from django.core.management import call_command as call;"
        "call('migrate', verbosity=0);"
        "from tests.reports.voted import make_voted_study;"
        "make_voted_study(prompts=30, annotators=tuple(f'ann-{n}' for n in range(12)));"
        "call('export', 'voted', 'votes')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b'{"item_id"')
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()
