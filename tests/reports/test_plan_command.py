"""`manage.py plan`: a study's own facts where it has them, assumptions where not, no outcomes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import AuditEntry, Study, StudyState
from tests.factories import make_annotator, make_prompt, make_study, make_system
from tests.reports.voted import make_voted_study

pytestmark = pytest.mark.django_db


def plan(slug: str, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("plan", slug, "--format", "json", *options, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def text(slug: str, *options: str) -> str:
    out = StringIO()
    call_command("plan", slug, *options, stdout=out)
    return out.getvalue()


def test_an_empty_study_is_planned_from_what_is_assumed() -> None:
    make_study("empty")
    found = plan("empty")
    assert found["decisive_votes_needed"] == 210
    assert found["inputs"]["tie_rate"] == {"value": 0.25, "source": "default"}
    assert found["inputs"]["overlap"] == {"value": 3, "source": "default"}
    assert found["inputs"]["prompts"] == {"value": None, "source": "default"}
    assert found["current"] is None
    assert found["gaps"] is None
    assert "assumed: nothing is known yet" in text("empty")


def test_the_first_sentence_says_what_to_do() -> None:
    make_study("empty")
    words = " ".join(
        text("empty", "--tie-rate", ".27", "--prompt-share", "0", "--annotator-share", "0").split()
    )
    assert "about 210 decisive votes a pair: 96 prompts × 3 votes" in words
    assert "288 votes a pair" in words


def test_the_studys_own_content_and_people_are_used() -> None:
    study = make_study("own")
    for name in ("alpha", "beta", "gamma"):
        make_system(study, name)
    for number in range(40):
        make_prompt(study, f"p{number}")
    for _ in range(6):
        make_annotator(study)
    found = plan("own")
    assert found["inputs"]["systems"] == {"value": 3, "source": "study"}
    assert found["inputs"]["pairs"] == {"value": 3, "source": "study"}
    assert found["inputs"]["prompts"] == {"value": 40, "source": "study"}
    assert found["inputs"]["annotators"] == {"value": 6, "source": "study"}
    assert found["current"]["prompts"] == 40
    assert found["needed"]["prompts"] > 40
    missing = found["needed"]["prompts"] - 40
    assert f"Add {missing} prompts." in " ".join(text("own").split())


def test_what_is_given_outranks_what_is_known() -> None:
    make_voted_study("voted")
    found = plan(
        "voted",
        *("--tie-rate", "0.1", "--prompts", "500", "--annotators", "50", "--overlap", "2"),
        *("--systems", "5", "--prompt-share", "0.2", "--annotator-share", "0"),
    )
    inputs = found["inputs"]
    assert {name: inputs[name]["value"] for name in inputs} == {
        "win_rate": 0.6,
        "power": 0.8,
        "alpha": 0.05,
        "tie_rate": 0.1,
        "prompt_share": 0.2,
        "annotator_share": 0.0,
        "systems": 5,
        "pairs": 10,
        "prompts": 500,
        "annotators": 50,
        "overlap": 2,
    }
    assert found["current"]["power"] > 0.99
    assert "That is enough." in text("voted", "--prompts", "500", "--annotators", "50")


def test_few_votes_are_not_believed() -> None:
    make_voted_study("voted", prompts=8)  # 96 votes
    found = plan("voted")
    assert found["inputs"]["tie_rate"]["source"] == "default"
    assert found["pilot"]["votes"] == 96
    make_voted_study("longer", prompts=12)
    found = plan("longer")
    assert found["inputs"]["tie_rate"] == {"value": pytest.approx(0.25), "source": "votes"}
    assert found["inputs"]["prompts"] == {"value": 12, "source": "study"}
    assert found["inputs"]["overlap"] == {"value": 3, "source": "study"}
    assert found["inputs"]["prompt_share"]["source"] == "votes"


def test_a_sealed_study_is_planned_without_a_word_on_outcomes() -> None:
    study = make_voted_study("sealed", prompts=12, state=StudyState.OPEN)
    assert study.is_sealed
    found = plan("sealed")
    assert found["inputs"]["tie_rate"]["source"] == "votes"
    assert found["gaps"] is None
    words = text("sealed")
    for name in ("alpha", "beta", "gamma"):
        assert name not in words
        assert name not in json.dumps({**found, "inputs": None})
    assert not AuditEntry.objects.filter(action="look").exists()


def test_neighbours_on_the_board_are_a_look() -> None:
    make_voted_study("voted", prompts=12)
    found = plan("voted")
    assert [(row["better"], row["worse"]) for row in found["gaps"]] == [
        ("alpha", "beta"),
        ("beta", "gamma"),
    ]
    assert all(row["votes_now"] == 144 for row in found["gaps"])
    assert AuditEntry.objects.get(action="look").detail == {"how": "plan", "votes": 144}


def test_annotators_who_differ_too_much_are_named_as_the_limit() -> None:
    make_study("empty")
    options = ("--annotator-share", ".1", "--annotators", "5")
    found = plan("empty", *options)
    assert found["needed"] is None
    assert found["annotators_needed"] == 22
    assert "Take at least 22 annotators" in " ".join(text("empty", *options).split())


def test_an_overlap_that_nobody_can_give_is_pointed_out() -> None:
    make_study("empty")
    words = " ".join(text("empty", "--annotators", "3", "--overlap", "5").split())
    assert "fewer annotators than votes wanted" in words


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--win-rate", ".5"), "win rate is 0.5"),
        (("--power", "1"), "power is 1.0"),
        (("--tie-rate", "1"), "tie rate is 1.0"),
        (("--prompts", "0"), "prompts is 0"),
        (("--annotators", "-1"), "annotators is -1"),
        (("--prompt-share", "1.2"), "sum to 1"),
        (("--systems", "1"), "number from 2"),
    ],
)
def test_an_impossible_wish_is_refused(options: tuple[str, ...], message: str) -> None:
    make_study("empty")
    with pytest.raises(CommandError, match=message):
        call_command("plan", "empty", *options)


def test_an_unknown_study_is_refused() -> None:
    with pytest.raises(CommandError, match="no study 'nowhere'"):
        call_command("plan", "nowhere")


def test_real_votes_tell_how_prompts_differ(shared_data: Path) -> None:
    folder = shared_data / "mtbench_turn1"
    for kind, name in (("comparisons", "items"), ("votes", "human")):
        call_command(f"import_{kind}", "mtbench", str(folder / f"{name}.jsonl"))
    assert not Study.objects.get(slug="mtbench").is_sealed
    found = plan("mtbench")
    # One repeated label is kept and not counted.
    assert found["inputs"]["prompt_share"]["value"] == pytest.approx(0.336, abs=0.005)
    assert found["inputs"]["pairs"]["value"] == 15
    assert len(found["gaps"]) == 5
