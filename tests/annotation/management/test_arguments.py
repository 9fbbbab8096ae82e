"""Arguments that cannot be meant are refused in words, before the database is asked."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from annotation.lifecycle.opening import open_study
from tests import factories

pytestmark = pytest.mark.django_db

# What Python makes of an argument whose last byte is no UTF-8.
BROKEN = "caf\udce9"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["check_quality", BROKEN], "The study's name"),
        (["review_annotator", BROKEN, "a1", "resume", "--reason=x"], "The study's name"),
        (["review_annotator", "support", BROKEN, "resume", "--reason=x"], "ANNOTATOR"),
        (["change_study", BROKEN, "--reason=x"], "The study's name"),
        (
            ["change_study", "support", "--reason=x", "--overlap=3", f"--items=i1,{BROKEN}"],
            "--items",
        ),
        (["configure_study", BROKEN, "study.toml"], "The study's name"),
    ],
)
def test_an_argument_that_is_no_utf_8_is_refused_in_words(arguments: list[str], place: str) -> None:
    study = factories.make_study("support")
    factories.make_comparison(study, item_id="i1", overlap=2)
    open_study(study)
    with pytest.raises(CommandError, match="is no text") as caught:
        call_command(*arguments)
    message = str(caught.value)
    assert message.startswith(place)
    # It can be written to any terminal.
    assert r"\udce9" in message.encode("utf-8").decode()


@pytest.mark.parametrize("number", ["-1", str(2**63), "1.5", "soon"])
@pytest.mark.parametrize(
    "command",
    [
        ["analyze"],
        ["generate_comparisons"],
        ["run_judges", "--dry-run"],
        ["revalidate_judge", "--judge=j", "--count=1"],
    ],
)
def test_a_seed_that_the_database_cannot_hold_is_refused(command: list[str], number: str) -> None:
    name, *options = command
    factories.make_study("support")
    with pytest.raises(CommandError, match=f"whole number from 0 to {2**63 - 1}"):
        call_command(name, "support", *options, f"--seed={number}")


def test_the_largest_seed_is_kept() -> None:
    study = factories.make_study("support")
    factories.make_comparison(study)
    call_command("analyze", "support", f"--seed={2**63 - 1}", stdout=StringIO())
    assert study.analysis_runs.get().seed == 2**63 - 1
