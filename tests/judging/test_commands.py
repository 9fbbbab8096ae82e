"""add_judge and run_judges, as a person at a terminal uses them."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from judging.models import Endpoint, JudgeCall, JudgeRun, JudgeVersion, Judgment
from judging.runs import preparing
from judging.runs.conducting import pause
from judging.runs.panels import quote_all, share_budget
from judging.runs.planning import RunFault, quote
from judging.runs.starting import start_run
from judging.runs.study_budget import set_study_budget
from tests.judging.asked import make_judged_study

FILE = """
name = "panel"
instructions = ["assessor", "reader"]

[endpoint]
name = "sim"
base_url = "simulator://built-in/v1"

[[models]]
name = "fair:delay=0"
max_tokens = 300
price = { input = 1, output = 2 }
"""


@pytest.fixture
def study(transactional_db):
    return make_judged_study(3, slug="mails")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "judge.toml"
    path.write_text(FILE)
    return path


def run(*arguments: object, **options: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*(str(one) for one in arguments), stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_from_a_file_to_judgments(study, file) -> None:
    out, err = run("add_judge", "mails", file)
    assert out == ""
    assert "panel/fair:delay=0/assessor: version 1 added." in err
    assert "is there already" in run("add_judge", "mails", file)[1]

    quoted, _ = run("run_judges", "mails", "--dry-run")
    assert quoted.count("calls        6 (3 comparisons in both orders)") == 2
    assert not JudgeRun.objects.exists()

    out, err = run("run_judges", "mails", "--budget", "1")
    assert out == ""
    assert err.count("finished. Asked 6, answered 6, missing 0.") == 2
    assert Judgment.objects.count() == 12
    assert sum((one.budget or Decimal(2) for one in JudgeRun.objects.all()), Decimal(0)) <= 1

    _, again = run("run_judges", "mails")
    assert again.count("answered 6, 6 of them reused") == 2
    with pytest.raises(CommandError, match="has an answer"):
        run("run_judges", "mails", "--retry")


def test_a_dry_run_of_several_sums_them_up_with_the_room_in_the_budgets(study, file) -> None:
    run("add_judge", "mails", file)
    set_study_budget(study, None, Decimal("0.5"))
    quoted, _ = run("run_judges", "mails", "--dry-run", "--budget", "0.01")
    versions = list(JudgeVersion.objects.order_by("pk"))
    found, parts = quote_all(versions), share_budget(versions, Decimal("0.01"))
    whole = quoted.split("All 2 together")[1]
    assert "calls        12 (3 comparisons in both orders)" in whole
    tokens = sum(one.input_tokens for _, one in found.each)
    assert f"tokens       about {tokens:,} in" in whole
    worst = sum((one.worst_case or Decimal(0) for _, one in found.each), Decimal(0))
    assert f"at most      {worst:,.4f} US dollars" in whole
    for part in parts.values():
        assert f"budget       {part:,.4f} US dollars" in quoted.split("All 2 together")[0]
    assert "budget       0.0100 US dollars" in whole
    assert "They could cost more" in whole
    assert "0.5000 left of 0.5000" in whole
    # One alone has no sum, and what is quoted is what can be started.
    one, _ = run("run_judges", "mails", "--judge", versions[0].judge.judge_id, "--dry-run")
    assert "together" not in one
    with pytest.raises(CommandError, match="would be less than"):
        run("run_judges", "mails", "--dry-run", "--budget", "0.0001")


def test_a_fault_of_one_starts_none_of_the_others(study, file, monkeypatch) -> None:
    """It comes while rows are written, after every check."""
    run("add_judge", "mails", file)
    write = preparing.write_calls

    def fail(made, *given):
        write(made, *given)
        if made.version.judge.judge_id.endswith("reader"):
            raise RunFault("No more.")

    monkeypatch.setattr(preparing, "write_calls", fail)
    with pytest.raises(CommandError, match=r"No more\."):
        run("run_judges", "mails")
    assert not JudgeRun.objects.exists()
    assert not JudgeCall.objects.exists()


def test_one_that_cannot_go_on_so_starts_none_of_the_others(study, file) -> None:
    run("add_judge", "mails", file)
    one, _ = JudgeVersion.objects.order_by("pk")
    paused = start_run(one, actor=None, budget=Decimal(1))
    pause(paused, None)
    JudgeRun.objects.update(spent=Decimal("0.9"))
    with pytest.raises(CommandError, match=r"must be more than the 0\.9000 US dollars"):
        run("run_judges", "mails", "--budget", "1")
    paused.refresh_from_db()
    assert paused.state == "paused"
    assert JudgeRun.objects.count() == 1


def test_a_run_that_another_process_prepares_is_waited_for(study, file) -> None:
    run("add_judge", "mails", file)
    one, _ = JudgeVersion.objects.order_by("pk")
    start_run(one, actor=None)
    later = timezone.now() + timedelta(minutes=1)
    JudgeRun.objects.update(state="draft", prepared_until=later)
    with pytest.raises(CommandError, match="a run that is being prepared"):
        run("run_judges", "mails")
    assert JudgeRun.objects.count() == 1
    # What a process that died left over is no obstacle.
    JudgeRun.objects.update(prepared_until=timezone.now() - timedelta(seconds=1))
    assert run("run_judges", "mails")[1].count("answered 6, missing 0") == 2


def test_a_key_comes_from_standard_input_and_is_never_printed(study, file, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-canary-0123456789-abcdef\n"))
    said = run("add_judge", "mails", file, "--key-stdin")
    assert Endpoint.objects.get().has_key
    assert "canary" not in "".join(said)


def test_one_configuration_under_two_names_is_pointed_out(study, file) -> None:
    _, err = run("add_judge", "mails", file)
    assert "one configuration" not in err
    file.write_text(FILE.replace('name = "panel"', 'name = "twin"'))
    _, err = run("add_judge", "mails", file)
    for name in ("assessor", "reader"):
        said = f"panel/fair:delay=0/{name} and twin/fair:delay=0/{name} are one configuration"
        assert err.count(said) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "panel"', "name = 3"), "name must be a text"),
        (('"reader"]', '"poet"]'), "instructions is a list of names"),
        (('name = "sim"', 'name = "sim"\nkey = "x"'), "A key is never written into a file"),
        (("max_tokens = 300", "max_tokens = 0"), "max_tokens must be a whole number"),
        (("max_tokens = 300", "colour = 1"), "colour is unknown"),
        (("input = 1, ", ""), "price.input is a number of US dollars"),
        (("simulator://built-in/v1", "http://10.0.0.1/v1"), "Only https is called"),
        (('"panel"', '"panel"\nrubric = "x"'), "rubric must be one of study, general"),
        (("[endpoint]", "[endpoint"), "judge.toml"),
    ],
)
def test_a_bad_file_is_refused_with_every_fault_and_nothing_is_stored(
    change, said, study, file
) -> None:
    file.write_text(FILE.replace(*change))
    with pytest.raises(CommandError, match=said.replace("[", r"\[")):
        run("add_judge", "mails", file)
    assert not JudgeVersion.objects.exists()
    assert not Endpoint.objects.exists()


def test_a_paused_run_ends_the_command_with_its_reason(study, file) -> None:
    run("add_judge", "mails", file)
    with pytest.raises(CommandError, match="could cost more than the budget has left"):
        run("run_judges", "mails", "--judge", "panel/fair:delay=0/reader", "--budget", "0.00001")
    _, err = run("run_judges", "mails", "--judge", "panel/fair:delay=0/reader", "--budget", "1")
    assert "answered 6, missing 0" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--judge", "nobody"], "no judge 'nobody'"),
        ([], "Add one with add_judge"),
    ],
)
def test_a_study_without_judges_says_what_to_do(study, arguments, said) -> None:
    with pytest.raises(CommandError, match=said):
        run("run_judges", "mails", *arguments)


def test_a_budget_that_is_none_is_refused(study, file) -> None:
    run("add_judge", "mails", file)
    for bad in ("x", "0", "-1", "nan"):
        with pytest.raises(CommandError, match="US dollars"):
            run("run_judges", "mails", f"--budget={bad}")
    assert not JudgeRun.objects.exists()


JUDGE = ["--judge", "panel/fair:delay=0/reader"]


@pytest.fixture
def live(study, file) -> JudgeRun:
    run("add_judge", "mails", file)
    version = JudgeVersion.objects.get(judge__judge_id=JUDGE[1])
    return start_run(version, actor=None)


def test_a_budget_is_kept_by_a_run_that_is_running_already(live) -> None:
    with pytest.raises(CommandError, match="could cost more than the budget has left"):
        run("run_judges", "mails", *JUDGE, "--budget", "0.0001")
    live.refresh_from_db()
    assert (live.state, live.budget, live.spent) == ("paused", Decimal("0.0001"), 0)


def test_the_same_command_never_adds_to_a_budget(live) -> None:
    # Room for one, and not for a second after it.
    budget = quote(live.version).worst_case / 6 * Decimal("1.01")
    for _ in range(2):
        with pytest.raises(CommandError, match="could cost more than the budget has left"):
            run("run_judges", "mails", *JUDGE, "--budget", budget)
    live.refresh_from_db()
    assert 0 < live.spent <= live.budget == budget


@pytest.mark.parametrize("more", [["--replicates=2"], ["--seed=3"], ["--fresh"]])
def test_what_a_live_run_has_frozen_is_not_ignored(live, more) -> None:
    with pytest.raises(CommandError, match=more[0].partition("=")[0]):
        run("run_judges", "mails", *JUDGE, *more)
    assert live.calls.filter(state="pending").count() == 6
    _, err = run("run_judges", "mails", *JUDGE, "--replicates=1", "--seed=0")
    assert "answered 6" in err


def test_a_retry_keeps_to_the_budget(live) -> None:
    live.calls.update(state="unparsed")
    JudgeRun.objects.update(state="finished")
    with pytest.raises(CommandError, match="could cost more than the budget has left"):
        run("run_judges", "mails", *JUDGE, "--retry", "--budget", "0.0001")
    live.refresh_from_db()
    assert live.budget == Decimal("0.0001")
    live.calls.update(state="unparsed")
    JudgeRun.objects.update(state="finished")
    with pytest.raises(CommandError, match="a run whose calls are fixed"):
        run("run_judges", "mails", *JUDGE, "--retry", "--seed", "5")


def test_a_budget_of_the_study_is_stored_shown_and_kept_by_every_run(study, file) -> None:
    run("add_judge", "mails", file)
    quoted, _ = run("run_judges", "mails", "--dry-run")
    assert "All judges of the study: 0.0000 US dollars spent, no cap." in quoted
    with pytest.raises(CommandError, match="what all judges of the study may cost together"):
        run("run_judges", "mails", "--study-budget", "0.0001")
    with pytest.raises(CommandError, match="what all judges of the study may cost together"):
        run("run_judges", "mails")
    quoted, _ = run("run_judges", "mails", "--dry-run")
    assert "0.0001 left of 0.0001" in quoted

    _, err = run("run_judges", "mails", "--study-budget", "1")
    assert err.count("finished. Asked 6, answered 6") == 2
    assert "left of 1.0000" in err
    assert "no cap" in run("run_judges", "mails", "--study-budget", "none")[1]


@pytest.mark.parametrize("bad", ["x", "0", "nan", "-3"])
def test_a_budget_of_the_study_that_is_none_is_refused(study, file, bad) -> None:
    run("add_judge", "mails", file)
    with pytest.raises(CommandError, match="--study-budget takes"):
        run("run_judges", "mails", f"--study-budget={bad}")
    assert not JudgeRun.objects.exists()
