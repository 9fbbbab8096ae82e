"""`manage.py plan`: a study's own facts where it has them, assumptions where not, no outcomes."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation.models import AuditEntry, Study, StudyState
from reports.wording.plan import ranks_in_words
from tests.factories import (
    make_annotator,
    make_comparison,
    make_prompt,
    make_response,
    make_study,
    make_system,
)
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
        *("--spread", "0.7"),
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
        "spread": 0.7,
    }
    assert found["current"]["power"] > 0.99
    assert "That is enough." in text("voted", "--prompts", "500", "--annotators", "50")


def test_before_a_study_the_plan_says_how_well_ranks_will_be_known() -> None:
    make_study("empty")
    options = ("--systems", "20", "--prompts", "200", "--overlap", "1", "--annotators", "40")
    found = plan("empty", *options)
    ranks = found["ranks"]
    assert found["inputs"]["spread"] == {"value": 0.4, "source": "default"}
    assert (ranks["systems"], ranks["votes"], ranks["df"]) == (20, 38_000, 39.0)
    assert 1 < ranks["places"] < 20
    words = " ".join(text("empty", *options).split())
    assert (
        f"With 38,000 votes over 20 systems, a rank will be known to within about "
        f"{ranks['places']:.0f} of 20 places (if strengths differ by a standard deviation of 0.4, "
        f"so that the better of two wins 61 % of decisive votes on average)."
    ) in words.replace("\u00a0", " ")
    assert "Strengths differ by a standard deviation of 0.4 (assumed" in words
    assert "Of ranks, most of the uncertainty is how much the prompts differ." in words
    further = plan("empty", *options, "--spread", "1.2")["ranks"]
    assert further["places"] < ranks["places"]


def test_without_prompts_ranks_are_those_of_the_size_that_is_needed() -> None:
    make_study("empty")
    found = plan("empty", "--systems", "4")
    assert found["current"] is None
    assert found["ranks"]["votes"] == found["needed"]["votes_in_all"]


def test_ranks_follow_who_meets_whom_in_the_study() -> None:
    make_voted_study("all", systems=("a", "b", "c", "d", "e"))
    star = make_study("star")
    anchor, *others = (make_system(star, name) for name in ("a", "b", "c", "d", "e"))
    for number in range(8):
        prompt = make_prompt(star, f"p{number}")
        first = make_response(prompt, anchor)
        for system in others:
            make_comparison(
                star, prompt=prompt, response_a=first, response_b=make_response(prompt, system)
            )
    for _ in range(4):
        make_annotator(star)
    larger = ("--prompts", "100", "--annotators", "50", "--overlap", "3", "--spread", "1")
    shares = ("--prompt-share", ".3", "--annotator-share", ".01", "--tie-rate", ".25")
    every, one = (plan(slug, *larger, *shares)["ranks"] for slug in ("all", "star"))
    assert (every["votes"], one["votes"]) == (3_000, 1_200)
    assert one["places"] > every["places"]


def test_nothing_is_said_of_ranks_where_there_is_nothing_to_say() -> None:
    pair = make_voted_study("pair", systems=("alpha", "beta"))
    challenger = make_voted_study("next", systems=("alpha", "gamma", "delta"), continues=pair)
    apart = make_study("apart")
    for pair_of in (("a", "b"), ("c", "d")):
        prompt = make_prompt(apart, "".join(pair_of))
        first, second = (make_response(prompt, make_system(apart, name)) for name in pair_of)
        make_comparison(apart, prompt=prompt, response_a=first, response_b=second)
    for study in (pair, challenger, apart):
        assert plan(study.slug)["ranks"] is None, study.slug
        assert "rank" not in text(study.slug).lower()
    assert plan("pair", "--annotator-share", ".1", "--systems", "300")["ranks"] is None


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (1.3, "nearly every rank will be known (if"),
        (10.3, "a rank will be known to within about 10 of 20 places (if"),
        (19.7, "nearly every rank will stay open (if"),
    ],
)
def test_a_forecast_of_ranks_claims_no_more_than_it_knows(places: float, words: str) -> None:
    ranks = {"votes": 900, "systems": 20, "spread": 0.4, "better_wins": 0.61, "places": places}
    assert words in ranks_in_words(ranks)


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
        (("--systems", "4", "--spread", "0"), "spread is 0.0"),
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
