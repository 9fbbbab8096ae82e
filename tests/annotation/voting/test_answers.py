from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.page_rules import Answering, Ask
from annotation.voting import Answer, InvalidAnswers, Remarks, parse_answers
from annotation.voting.answers import (
    MAX_RATIONALE,
    check_answers,
    check_asked,
    check_reading,
    check_remarks,
    fits,
    request_hash,
)
from annotation.voting.rubrics import Form, Question

SIDES = ["left", "right"]


def asked(
    key: str, *, scale: str = "ternary", both_bad: bool = False, required: bool = True
) -> Question:
    return Question(1, key, scale, both_bad, required)


def overall(scale: str, *, both_bad: bool = False) -> Question:
    return asked("overall", scale=scale, both_bad=both_bad)


@pytest.mark.parametrize(
    ("scale", "margins"),
    [("binary", [None]), ("ternary", [None]), ("five", [1, 2]), ("seven", [1, 2, 3])],
)
@pytest.mark.parametrize("both_bad", [False, True])
def test_each_scale_takes_exactly_its_answers(scale, margins, both_bad):
    expected = {Answer(side, margin) for side in SIDES for margin in margins}
    if scale != "binary":
        expected.add(Answer("tie"))
    if both_bad:
        expected.add(Answer("both_bad"))
    offered = [
        Answer(choice, margin)
        for choice in [*SIDES, "tie", "both_bad", "middle", "a", ""]
        for margin in [None, -1, 0, 1, 2, 3, 4]
    ]
    form = Form((overall(scale, both_bad=both_bad),), Answering())
    assert {answer for answer in offered if fits({"overall": answer}, Remarks(), form)} == expected


def test_a_refused_answer_names_its_criterion():
    with pytest.raises(InvalidAnswers) as refused:
        check_answers({"overall": Answer("middle")}, [overall("ternary")])
    assert refused.value.field == "overall"


def test_required_criteria_must_be_answered_and_optional_ones_need_not():
    criteria = [
        asked("overall", required=False),
        asked("style", required=True),
        asked("depth", required=False),
    ]
    check_answers({"overall": Answer("tie"), "style": Answer("left")}, criteria)
    for missing in ("overall", "style"):
        answers = {key: Answer("left") for key in ("overall", "style", "depth") if key != missing}
        with pytest.raises(InvalidAnswers, match="must be answered") as refused:
            check_answers(answers, criteria)
        assert refused.value.field == missing


def test_an_unknown_criterion_is_refused():
    with pytest.raises(InvalidAnswers, match="no such criterion") as refused:
        check_answers({"overall": Answer("tie"), "x": Answer("tie")}, [overall("ternary")])
    assert refused.value.field == "x"
    assert (refused.value.code, refused.value.status) == ("invalid_answers", 400)


def test_answers_are_read_in_their_long_and_short_form():
    assert parse_answers({"overall": "tie", "style": {"choice": "left", "margin": 2}}) == {
        "overall": Answer("tie"),
        "style": Answer("left", 2),
    }
    assert parse_answers({"overall": {"choice": "left", "margin": None}}) == {
        "overall": Answer("left")
    }


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        "left",
        [],
        {},
        {"overall": None},
        {"overall": 1},
        {"overall": ["left"]},
        {"overall": {}},
        {"overall": {"choice": 1}},
        {"overall": {"choice": "left", "margin": "2"}},
        {"overall": {"choice": "left", "margin": True}},
        {"overall": {"choice": "left", "margin": 1.0}},
        {"overall": {"choice": "left", "verdict": "a"}},
        {1: "left"},
    ],
)
def test_answers_of_another_shape_are_refused(raw):
    with pytest.raises(InvalidAnswers):
        parse_answers(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_nothing_that_json_can_say_breaks_the_reading(raw):
    try:
        answers = parse_answers(raw)
        check_answers(answers, [overall("seven", both_bad=True)])
    except InvalidAnswers:
        return
    assert list(answers) == ["overall"]


@pytest.mark.parametrize(
    ("remarks", "field"),
    [
        (("x" * (MAX_RATIONALE + 1), [], None), "rationale"),
        (("a\x00b", [], None), "rationale"),
        (("a\ud800b", [], None), "rationale"),
        ((7, [], None), "rationale"),
        (("", ["x" * 65], None), "tags"),
        (("", ["t"] * 21, None), "tags"),
        (("", [3], None), "tags"),
        (("", [], 1.5), "confidence"),
        (("", [], float("nan")), "confidence"),
    ],
)
def test_remarks_that_cannot_be_stored_are_refused(remarks, field):
    with pytest.raises(InvalidAnswers) as refused:
        check_remarks(*remarks)
    assert refused.value.field == field


def test_remarks_at_their_limits_are_taken():
    check_remarks("x" * MAX_RATIONALE, ["t" * 64] * 20, 1.0)
    check_remarks("", [], 0.0)
    check_reading({"layout": "wide", "diff_seconds": 1.5, "source": False, "n": 3})


@pytest.mark.parametrize(
    "reading",
    [
        {"a": {}},
        {"a": []},
        {"a": None},
        {"a": float("inf")},
        {"a": "\x00"},
        {"a": "x" * 5000},
        {1: 2},
    ],
)
def test_a_reading_that_is_not_small_and_flat_is_refused(reading):
    with pytest.raises(InvalidAnswers) as refused:
        check_reading(reading)
    assert refused.value.field == "reading"


def test_the_hash_covers_the_decision_and_not_the_order_of_its_criteria():
    pair = uuid.UUID(int=1)
    answers = {"overall": Answer("left", 2), "style": Answer("tie")}

    def digest(**changes: Any) -> str:
        values: dict[str, Any] = {
            "assignment": pair,
            "answers": answers,
            "rationale": "r",
            "tags": ["t"],
            "confidence": 0.5,
        }
        return request_hash(**(values | changes))

    assert digest(answers=dict(reversed(answers.items()))) == digest()
    others = [
        digest(assignment=uuid.UUID(int=2)),
        digest(answers=answers | {"overall": Answer("left", 1)}),
        digest(answers={"overall": Answer("left", 2)}),
        digest(rationale=""),
        digest(tags=[]),
        digest(confidence=None),
    ]
    assert len({digest(), *others}) == len(others) + 1


# -- what goes with an answer --------------------------------------------------------------

TAGS = ("clearer", "more correct")


@pytest.mark.parametrize(
    ("asking", "remarks"),
    [
        (Answering(), Remarks()),
        (Answering(), Remarks(rationale="Shorter.")),
        (Answering(rationale=Ask.REQUIRED, rationale_min=8), Remarks(rationale=" Shorter. ")),
        (Answering(rationale=Ask.OFF), Remarks(rationale="  ")),
        (Answering(confidence=Ask.OPTIONAL), Remarks()),
        (Answering(confidence=Ask.OPTIONAL), Remarks(confidence=0.5)),
        (Answering(confidence=Ask.REQUIRED), Remarks(confidence=0.0)),
        (Answering(tags=TAGS), Remarks()),
        (Answering(tags=TAGS), Remarks(tags=("more correct", "clearer"))),
    ],
)
def test_what_the_study_asks_is_taken(asking: Answering, remarks: Remarks) -> None:
    check_asked(remarks, asking)


@pytest.mark.parametrize(
    ("asking", "remarks", "field"),
    [
        (Answering(rationale=Ask.OFF), Remarks(rationale="Shorter."), "rationale"),
        (Answering(rationale=Ask.REQUIRED), Remarks(), "rationale"),
        (Answering(rationale=Ask.REQUIRED, rationale_min=9), Remarks("Shorter. "), "rationale"),
        (Answering(), Remarks(confidence=0.5), "confidence"),
        (Answering(confidence=Ask.REQUIRED), Remarks(), "confidence"),
        (Answering(), Remarks(tags=("clearer",)), "tags"),
        (Answering(tags=TAGS), Remarks(tags=("nicer",)), "tags"),
        (Answering(tags=TAGS), Remarks(tags=("clearer", "clearer")), "tags"),
    ],
)
def test_what_is_missing_or_not_asked_is_refused(
    asking: Answering, remarks: Remarks, field: str
) -> None:
    with pytest.raises(InvalidAnswers) as refused:
        check_asked(remarks, asking)
    assert refused.value.field == field
