"""Explanations of training pairs are read on either side: what names a side or a system is told."""

from __future__ import annotations

import pytest

from annotation.lifecycle.explanations import side_named_in
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.readiness import list_warnings
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import Study
from tests import factories


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The first response names the year.", "first response"),
        ("The **second** answer invents a source.", "second answer"),
        ("The left one is shorter.", "left one"),
        ("Prefer the left-hand text.", "left-hand text"),
        ("The right response is polite.", "right response"),
        ("The reply on the right is rude.", "on the right"),
        ("Response 2 answers what was asked.", "Response 2"),
        ("response\ntwo is wrong", "response two"),
        ("Answer A has the correct sum.", "Answer A"),
        ("B is better.", "B is"),
        ("`response_a` keeps the format.", "response_a"),
        ("The _first_ is true.", "The first is"),
        ("On a phone the upper card is longer.", "upper card"),
    ],
)
def test_words_that_name_a_side_are_found(text: str, words: str) -> None:
    assert side_named_in(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "Only one response names the year, and the other invents it.",
        "The right answer is 42.",
        "The better response answers a question that was asked.",
        "Both answer one of two questions; first comes the price, second the date.",
        "The customer has the right to a refund, and the shop has two weeks left.",
        "A first aid kit is no answer at all.",
        "",
    ],
)
def test_other_words_are_left_alone(text: str) -> None:
    assert side_named_in(text) is None


def study_explaining(*texts: str) -> Study:
    study = factories.make_study(instructions="Choose the better one.")
    factories.make_comparison(study, "north-7b", "b")
    for number, text in enumerate(texts):
        factories.make_comparison(
            study,
            "north-7b",
            "b",
            kind="training",
            gold={"overall": ["a"]},
            item_id=f"t{number}",
            explanation=text,
        )
    return study


@pytest.mark.django_db
def test_each_pair_is_named_with_what_to_do() -> None:
    study = study_explaining(
        "The first response is right.", "It has b sources.", "North-7B guesses.", " "
    )
    warnings = list_warnings(study)
    assert [line.split(":")[0] for line in warnings] == ["t0", "t2", "t3"]
    assert "says 'first response'" in warnings[0]
    assert "has the name of a system" in warnings[1]
    assert "without an explanation" in warnings[2]
    assert "north" not in " ".join(warnings).lower()


@pytest.mark.django_db
def test_many_are_not_all_named() -> None:
    warnings = list_warnings(study_explaining(*["Response 1 is right."] * 9))
    assert len(warnings) == 6
    assert warnings[-1] == "... and 4 more of this kind."


@pytest.mark.django_db
def test_opening_and_changing_say_so() -> None:
    study = study_explaining("Response 1 is right.")
    assert "sides are drawn" in open_study(study).warnings[-1]
    assert (
        "sides are drawn" in change_study(study, WantedChange.of("Why.", title="New")).warnings[-1]
    )
