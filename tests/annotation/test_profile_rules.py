"""Questions that a study asks its annotators about themselves."""

import json

import pytest

from annotation.profile_rules import Question, open_questions
from annotation.rules import RulesError, read_rules, rules_as_json

FIELD = {"key": "field", "text": "What is your field?", "options": ["Law", "Medicine"]}


def test_questions_are_read_and_written_out_again():
    rules = read_rules({"profile": {"questions": [FIELD]}})
    assert rules.profile.questions == (
        Question("field", "What is your field?", ("Law", "Medicine")),
    )
    assert read_rules(json.loads(json.dumps(rules_as_json(rules)))) == rules


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"key": "Field"}, "small letters"),
        ({"key": "team"}, "none of simulated, team"),
        ({"text": "two\nlines"}, "one line"),
        ({"text": ""}, "one line"),
        ({"options": ["Law"]}, "2 to 20"),
        ({"options": ["Law", "Law"]}, "comes twice"),
        ({"options": ["Law", " Medicine"]}, "without a space"),
        ({"options": ["Law", "M\0"]}, "one line"),
        ({"more": 1}, "there is no 'more'"),
    ],
)
def test_what_cannot_be_asked_is_named(change, fault):
    with pytest.raises(RulesError, match=fault):
        read_rules({"profile": {"questions": [{**FIELD, **change}]}})


def test_more_than_five_questions_are_refused():
    questions = [{**FIELD, "key": f"q{number}"} for number in range(6)]
    with pytest.raises(RulesError, match="5 are the most"):
        read_rules({"profile": {"questions": questions}})
    read_rules({"profile": {"questions": questions[:5]}})


def test_a_key_names_one_question():
    with pytest.raises(RulesError, match="comes 2 times"):
        read_rules({"profile": {"questions": [FIELD, FIELD]}})


def test_whoever_did_not_want_to_say_is_not_asked_again():
    profile = read_rules({"profile": {"questions": [FIELD]}}).profile
    assert open_questions(profile, {}) == profile.questions
    assert open_questions(profile, {"field": None}) == ()
