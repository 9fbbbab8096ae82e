"""The rules of collection: what differs is written, everything else is a default."""

from __future__ import annotations

import dataclasses
import json

import pytest

from annotation.answer_rules import Action, OwnVotes
from annotation.frozen_rules import as_frozen
from annotation.rule_conflicts import ANSWERS, PAIRS
from annotation.rules import Policy, Rules, RulesError, read_rules, rules_as_json, rules_of


def test_nothing_written_is_a_plain_study() -> None:
    assert read_rules({}) == Rules()


def test_what_is_written_out_is_read_back_the_same() -> None:
    rules = read_rules(
        {
            "checks": {"gold_share": 0.1, "repeat_gap": 30},
            "priorities": {"policy": "adaptive", "uniform_share": 0.2},
            "quality": {"speed": None, "skips": {"action": "pause"}},
            "limits": {"per_day": 100},
            "eligibility": {"law": {"profession": ["lawyer", "judge"]}},
        }
    )
    assert read_rules(json.loads(json.dumps(rules_as_json(rules)))) == rules
    assert rules.priorities.policy is Policy.ADAPTIVE
    assert rules.quality.speed is None
    assert rules.quality.skips is not None
    assert rules.quality.skips.action is Action.PAUSE


def test_one_value_leaves_the_defaults_of_its_section() -> None:
    default = Rules().quality.gold_accuracy
    assert default is not None
    assert read_rules({"quality": {"gold_accuracy": {"least": 0.9}}}).quality.gold_accuracy == (
        dataclasses.replace(default, least=0.9)
    )


def test_every_fault_is_named_with_its_place() -> None:
    with pytest.raises(RulesError) as raised:
        read_rules(
            {
                "checks": {"gold_share": 2, "silver_share": 0.1},
                "priorities": {"policy": "random", "uniform_share": 0.05},
                "quality": {"side_share": {"alpha": "low"}, "skips": {"min_n": 1.5}},
                "order": {"by_category": 1},
                "colours": {},
                "eligibility": {"law": ["lawyer"]},
            }
        )
    text = str(raised.value)
    assert len(raised.value.faults) == 9
    for place in (
        "checks.gold_share",
        "checks.silver_share",
        "priorities.policy",
        "priorities.uniform_share",
        "quality.side_share.alpha",
        "quality.skips.min_n",
        "order.by_category",
        "'colours'",
        "eligibility",
    ):
        assert place in text


@pytest.mark.parametrize("value", [None, True, "", "Exclude", {}, 0])
def test_own_votes_are_excluded_or_count_and_nothing_else(value: object) -> None:
    assert read_rules({}).quality.own_votes is OwnVotes.EXCLUDE
    assert read_rules({"quality": {"own_votes": "count"}}).quality.own_votes is OwnVotes.COUNT
    with pytest.raises(RulesError, match=r"quality\.own_votes must be one of exclude, count"):
        read_rules({"quality": {"own_votes": value}})


def test_a_version_that_knew_no_rule_of_own_votes_counts_them() -> None:
    older = rules_as_json(Rules())
    del older["quality"]["own_votes"]
    assert read_rules(as_frozen(older)).quality.own_votes is OwnVotes.COUNT
    assert read_rules(as_frozen({})).quality.own_votes is OwnVotes.COUNT
    assert read_rules(as_frozen(rules_as_json(Rules()))) == Rules()
    assert "own_votes" not in older["quality"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, True, "0.1", None])
def test_a_share_is_a_number_from_0_to_1(value: object) -> None:
    with pytest.raises(RulesError):
        read_rules({"checks": {"gold_share": value}})


def test_checks_are_not_most_of_the_work() -> None:
    with pytest.raises(RulesError, match="is the most"):
        read_rules({"checks": {"gold_share": 0.3, "repeat_share": 0.3}})


def test_the_same_rules_are_parsed_once() -> None:
    assert rules_of({"checks": {"gold_share": 0.1}}) is rules_of({"checks": {"gold_share": 0.1}})


@pytest.mark.parametrize("value", [["adaptive"], {"a": 1}, None, 7])
def test_a_choice_that_is_no_text_is_a_fault(value: object) -> None:
    with pytest.raises(RulesError, match=r"priorities\.policy must be one of uniform"):
        read_rules({"priorities": {"policy": value}})


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_number_too_large_for_anything_is_a_fault_in_few_words(digits: int) -> None:
    for rules in ({"checks": {"gold_share": 10**digits}}, {"limits": {"per_day": -(10**digits)}}):
        with pytest.raises(RulesError, match="must lie between") as raised:
            read_rules(rules)
        assert len(str(raised.value)) < 200


@pytest.mark.parametrize("bad", ["law\0", "law\udcff"])
def test_eligibility_has_only_what_a_database_keeps(bad: str) -> None:
    for demands in (
        {bad: {"job": ["judge"]}},
        {"law": {bad: ["judge"]}},
        {"law": {"job": ["judge", bad]}},
    ):
        with pytest.raises(RulesError, match="cannot be stored"):
            read_rules({"eligibility": demands})


def test_speed_sees_as_many_answers_as_it_waits_for() -> None:
    read_rules({"quality": {"speed": {"window": 10, "min_n": 10}}})
    with pytest.raises(RulesError, match=r"speed could never fire.*at least min_n"):
        read_rules({"quality": {"speed": {"window": 9, "min_n": 10}}})


@pytest.mark.parametrize(
    ("rule", "name", "most"),
    [
        ("gold_accuracy", "min_n", ANSWERS),
        ("repeat_consistency", "min_n", ANSWERS),
        ("side_share", "min_n", ANSWERS),
        ("skips", "min_n", ANSWERS),
        ("straight_lining", "run", ANSWERS),
        ("agreement", "min_n", PAIRS),
    ],
)
def test_a_rule_waits_for_no_more_than_is_looked_at(rule: str, name: str, most: int) -> None:
    read_rules({"quality": {rule: {name: most}}})
    with pytest.raises(RulesError, match=rf"{rule}\.{name} could never fire.*latest {most} "):
        read_rules({"quality": {rule: {name: most + 1}}})


def test_speed_waits_for_no_more_than_is_looked_at_however_long_its_window() -> None:
    speed = {"window": ANSWERS + 1, "min_n": ANSWERS}
    read_rules({"quality": {"speed": speed}})
    with pytest.raises(RulesError, match=r"speed\.min_n could never fire"):
        read_rules({"quality": {"speed": {**speed, "min_n": ANSWERS + 1}}})
