"""configure_study and change_study: the same file sets a draft up and changes an opened study."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from annotation.lifecycle.opening import open_study
from annotation.models import Comparison, Prompt, Study, StudyState, System
from tests import factories

pytestmark = pytest.mark.django_db

FILE = """
title = "Support mails"
instructions = "Choose the better one."
max_per_annotator = 9

[rules.limits]
per_day = 5

[[criteria]]
key = "overall"
question = "Which would you send?"
both_bad = true
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def draft() -> Study:
    study = factories.make_study("support")
    factories.make_comparison(study, item_id="i1", overlap=2)
    return study


def said_by(command: str, *arguments: str | Path) -> str:
    out, err = StringIO(), StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=err)
    assert out.getvalue() == ""
    return err.getvalue()


def refusal_of(command: str, *arguments: str | Path) -> str:
    with pytest.raises(CommandError) as caught:
        said_by(command, *arguments)
    return str(caught.value)


def test_a_draft_is_set_up_from_a_file(draft: Study, file: Path) -> None:
    assert said_by("configure_study", "support", file).splitlines() == [
        "  title: 13 characters, 0 before",
        "  instructions: 22 characters, 0 before",
        "  max_per_annotator: 9, off before",
        "  rules.limits.per_day: 5, off before",
        "  criteria: overall",
        "support is configured.",
    ]
    draft.refresh_from_db()
    assert (draft.title, draft.max_per_annotator) == ("Support mails", 9)
    assert draft.rules == {"limits": {"per_day": 5}}
    assert draft.criteria.get().question == "Which would you send?"


def test_the_same_file_again_changes_nothing(draft: Study, file: Path) -> None:
    said_by("configure_study", "support", file)
    entries = draft.audit_entries.count()
    assert said_by("configure_study", "support", file) == "support: nothing to change.\n"
    assert draft.audit_entries.count() == entries


def test_a_rule_that_is_taken_out_has_its_default_again(draft: Study, file: Path) -> None:
    said_by("configure_study", "support", file)
    file.write_text("[rules]\n")
    assert "rules.limits.per_day: off, 5 before" in said_by("configure_study", "support", file)
    draft.refresh_from_db()
    assert draft.rules == {}
    assert draft.title == "Support mails"


def test_every_fault_is_listed_and_nothing_is_set(draft: Study, file: Path) -> None:
    file.write_text('title = "A title"\nseed = -1\n[rules.checks]\ngold_share = 2\n')
    said = refusal_of("configure_study", "support", file)
    assert "study.toml: seed must be" in said
    assert "study.toml: rules: checks.gold_share must lie" in said
    assert said.endswith("Nothing was changed.")
    draft.refresh_from_db()
    assert draft.title == ""


def test_an_opened_study_is_refused_with_the_command_that_changes_it(
    draft: Study, file: Path
) -> None:
    open_study(draft)
    said = refusal_of("configure_study", "support", file)
    assert "change_study support FILE.toml --reason TEXT" in said


def test_a_criterion_with_imported_votes_cannot_go(draft: Study, file: Path) -> None:
    clarity = factories.make_criterion(draft, "clarity")
    vote = factories.make_imported_vote(Comparison.objects.get())
    vote.criteria.create(criterion=clarity, verdict="a")
    assert "'clarity' has votes" in refusal_of("configure_study", "support", file)
    draft.refresh_from_db()
    assert draft.title == ""


def test_the_same_file_changes_an_opened_study(draft: Study, file: Path) -> None:
    said_by("configure_study", "support", file)
    open_study(draft)
    assert "nothing to change" in said_by("change_study", "support", file, "--reason", "None.")
    file.write_text(FILE.replace("send?", "rather send?").replace("= 9", "= 10"))
    said = said_by("change_study", "support", file, "--reason", "It was unclear.").splitlines()
    assert said[:2] == ["  max_per_annotator: 10, 9 before", "  criterion overall: changed"]
    assert re.match(r"support is now version 2, content hash [0-9a-f]{64}\.", said[-1])
    entry = draft.audit_entries.get(action="study.changed")
    assert entry.detail["reason"] == "It was unclear."


def test_what_holds_for_good_is_refused_in_words(draft: Study, file: Path) -> None:
    open_study(draft)
    file.write_text('results = "open"\nstopping = "sequential"\nseed = 1\n')
    said = refusal_of("change_study", "support", file, "--reason", "Impatience.").splitlines()
    assert said[0] == "support was not changed:"
    assert [line.split()[1] for line in said[1:]] == ["results", "stopping", "seed"]


def test_a_draft_and_a_closed_study_are_not_changed(draft: Study, file: Path) -> None:
    assert "is a draft" in refusal_of("change_study", "support", file, "--reason", "None.")
    factories.make_study("closed", state=StudyState.CLOSED)
    assert "is closed" in refusal_of("change_study", "closed", file, "--reason", "None.")


def test_overlap_is_raised_for_all_or_for_some(draft: Study) -> None:
    factories.make_comparison(draft, item_id="i2", overlap=2)
    open_study(draft)
    change = ["change_study", "support", "--reason", "Too few agree.", "--overlap"]
    assert "3 votes on 2 comparisons" in said_by(*change, "3")
    assert "4 votes on 1 comparisons" in said_by(*change, "4", "--items", "i1")
    assert dict(Comparison.objects.values_list("item_id", "overlap")) == {"i1": 4, "i2": 3}
    assert "can only be raised" in refusal_of(*change, "2")
    assert "name both" in refusal_of(*change[:-1], "--items", "i1")


def rows(path: Path, *changes: dict[str, object]) -> Path:
    row = {
        "item_id": "i9",
        "prompt_id": "new-prompt",
        "prompt": "A question?",
        "system_a": "alpha",
        "system_b": "beta",
        "response_a": "One answer.",
        "response_b": "Another answer.",
    }
    path.write_text("".join(json.dumps(row | change) + "\n" for change in changes))
    return path


def add(file: Path) -> list[str | Path]:
    return ["change_study", "support", "--reason", "More law.", "--add-comparisons", file]


def test_further_comparisons_come_in_with_a_version_of_their_own(
    draft: Study, tmp_path: Path
) -> None:
    open_study(draft)
    file = rows(tmp_path / "more.jsonl", {})
    command, *arguments = add(file)
    assert "comparisons: 1 more" in said_by(str(command), *arguments)
    new = Comparison.objects.get(item_id="i9")
    assert new.open
    assert draft.versions.count() == 2
    said = said_by(str(command), *arguments)
    assert "already imported" in said
    assert "nothing to change" in said
    assert draft.versions.count() == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"system_a": "gamma"}, "The system gamma is new"),
        ({"prompt_id": "old", "prompt": "?", "category": "law"}, "also changes prompts"),
        ({"prompt_id": "old", "prompt": "Another?"}, "bad: 1"),
        ({"response_a": None}, "bad: 1"),
    ],
)
def test_what_cannot_be_added_leaves_the_study_as_it_was(
    draft: Study, tmp_path: Path, change: dict[str, object], words: str
) -> None:
    factories.make_comparison(draft, prompt=factories.make_prompt(draft, "old", text="?"))
    open_study(draft)
    before = (Comparison.objects.count(), Prompt.objects.count(), System.objects.count())
    command, *arguments = add(rows(tmp_path / "more.jsonl", {}, change | {"item_id": "i10"}))
    said = refusal_of(str(command), *arguments)
    assert words in said
    assert "support was not changed" in said
    assert (Comparison.objects.count(), Prompt.objects.count(), System.objects.count()) == before
    assert not draft.import_files.exists()
    assert draft.versions.count() == 1


def test_a_change_says_what_it_asks_of_people(draft: Study, tmp_path: Path) -> None:
    factories.make_comparison(draft, kind="training", gold={"overall": ["a"]})
    open_study(draft)
    for _ in range(2):
        factories.make_annotator(draft, factories.make_user(), state="qualifying")
    file = tmp_path / "off.toml"
    file.write_text("[rules.qualification]\nrequired = false\n")
    said = said_by("change_study", "support", file, "--reason", "Nobody needs it.")
    assert "The rules let 2 annotators go on to work who had not qualified." in said
    file.write_text("[rules.qualification]\nattempts = 3\n")
    said = said_by("change_study", "support", file, "--reason", "They do.")
    assert "The rules ask 2 annotators to take the training pairs now." in said


def test_a_closed_study_is_archived(draft: Study) -> None:
    assert "it is a draft" in refusal_of("archive_study", "support")
    Study.objects.filter(pk=draft.pk).update(state=StudyState.CLOSED, opened_at="2026-01-01T00:00Z")
    assert "support is archived" in said_by("archive_study", "support")
    draft.refresh_from_db()
    assert draft.state == StudyState.ARCHIVED


def test_the_guides_example_can_be_used_as_it_stands(draft: Study, tmp_path: Path) -> None:
    guide = (settings.BASE_DIR / "docs" / "guide.md").read_text(encoding="utf-8")
    # Later examples are parts, to be put into this one.
    example, *_ = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    file = tmp_path / "support.toml"
    file.write_text(example)
    (tmp_path / "instructions.md").write_text("Choose the answer that you would rather send.\n")
    assert "support is configured" in said_by("configure_study", "support", file)
    assert "nothing to change" in said_by("configure_study", "support", file)
    draft.refresh_from_db()
    assert draft.rules["checks"]


def test_what_configures_a_draft_never_keeps_its_opened_study_from_changing(
    draft: Study, file: Path
) -> None:
    accepted = FILE
    file.write_text(accepted + "required = false\n")
    assert "'overall' is always required" in refusal_of("configure_study", "support", file)
    file.write_text(accepted)
    said_by("configure_study", "support", file)
    said_by("open_study", "support")
    unchanged = said_by("change_study", "support", file, "--reason", "No change.")
    assert unchanged == "support: nothing to change.\n"
    file.write_text(accepted.replace("per_day = 5", "per_day = 6"))
    assert "now version 2" in said_by("change_study", "support", file, "--reason", "More a day.")
