"""The rules of the page: what is asked beside the criteria, and how people come and go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from annotation.page_rules import Answering, Ask, Crowd
from annotation.rules import RulesError, read_rules, rules_as_json


def test_nothing_written_asks_for_an_optional_reason_alone() -> None:
    assert read_rules({}).answering == Answering(rationale=Ask.OPTIONAL)
    assert read_rules({}).crowd == Crowd()
    assert read_rules({}).texts.language == ""


def test_what_is_written_out_is_read_back_the_same() -> None:
    rules = read_rules(
        {
            "answering": {
                "rationale": "required",
                "rationale_min": 20,
                "confidence": "optional",
                "tags": ["clearer", "more correct"],
                "revise_earlier": True,
                "show_reference": True,
                "break_after_minutes": None,
            },
            "crowd": {
                "participant": "pid",
                "completed_code": "DONE1",
                "return_url": "https://platform.example/complete?cc={code}",
            },
            "texts": {"language": "zh-Hant"},
        }
    )
    assert rules.texts.language == "zh-Hant"
    assert rules.answering.tags == ("clearer", "more correct")
    assert rules.answering.shortest_rationale == 20
    assert rules.answering.break_after_minutes is None
    assert read_rules(json.loads(json.dumps(rules_as_json(rules)))) == rules


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("answering", {"rationale": "maybe"}),
        ("answering", {"rationale": None}),
        ("answering", {"rationale": "required", "rationale_min": 0}),
        ("answering", {"rationale_min": 20}),
        ("answering", {"confidence": True}),
        ("answering", {"tags": "clearer"}),
        ("answering", {"tags": [1]}),
        ("answering", {"tags": ["a", "a"]}),
        ("answering", {"tags": ["a|b"]}),
        ("answering", {"tags": [" a"]}),
        ("answering", {"tags": [""]}),
        ("answering", {"tags": ["x" * 65]}),
        ("answering", {"tags": ["a\0"]}),
        ("answering", {"tags": [str(number) for number in range(21)]}),
        ("answering", {"show_reference": "yes"}),
        ("answering", {"break_after_minutes": 1}),
        ("texts", {"language": "German"}),
        ("texts", {"language": "de_AT"}),
        ("texts", {"language": None}),
        ("texts", {"language": 'de" onload="x'}),
        ("crowd", {"participant": ""}),
        ("crowd", {"participant": "a=b"}),
        ("crowd", {"participant": "X", "study": "X"}),
        ("crowd", {"completed_code": 5}),
        ("crowd", {"completed_code": "x" * 65}),
        ("crowd", {"completed_code": "SAME", "no_work_code": "SAME"}),
        ("crowd", {"return_url": "https://platform.example/"}),
        ("crowd", {"completed_code": "C", "return_url": "http://platform.example/"}),
        ("crowd", {"completed_code": "C", "return_url": "javascript:alert(1)"}),
        ("crowd", {"completed_code": "C", "return_url": "https://[::1"}),
        ("crowd", {"completed_code": "C", "return_url": 'https://a.example/"x'}),
    ],
)
def test_a_fault_is_named_with_its_place(section: str, values: dict[str, Any]) -> None:
    with pytest.raises(RulesError) as raised:
        read_rules({section: values})
    assert len(raised.value.faults) == 1
    assert raised.value.faults[0].startswith(section)
