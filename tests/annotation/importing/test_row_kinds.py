"""What each kind of row may say, and the reason given for what it may not."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from annotation.importing.formats import Fields
from annotation.importing.formats.content import parse_comparison, parse_prompt, parse_response
from annotation.importing.formats.labels import parse_judgment, parse_vote
from annotation.importing.formats.problems import RowError

RESPONSE = {"prompt_id": "p", "prompt": "Say", "system": "s", "response": "x"}
COMPARISON = {
    "item_id": "i",
    "prompt_id": "p",
    "prompt": "Say",
    "system_a": "s",
    "system_b": "t",
    "response_a": "x",
    "response_b": "y",
}
VOTE = {"item_id": "i", "annotator_id": "p", "verdict": "a"}
JUDGMENT = {"item_id": "i", "judge_id": "j", "order": "ab", "verdict": "a"}
SAME = {"system_b": "s", "response_b": "x"}
GOLD = {"kind": "gold", "gold": "a", "gold_by_criterion": {"tone": "a"}}


def parsed(parse, base, *without, csv=False, **changes):
    values = {name: value for name, value in (base | changes).items() if name not in without}
    return parse(Fields(values, csv=csv))


def reason(parse, base, *without, csv=False, **changes):
    with pytest.raises(RowError) as caught:
        parsed(parse, base, *without, csv=csv, **changes)
    return str(caught.value)


def test_a_full_response_row_is_read() -> None:
    row = parsed(
        parse_response,
        RESPONSE,
        sample=2,
        category="code",
        tags=["x"],
        weight=3,
        reference="r",
        created_at="2026-11-24T10:30:00+01:00",
        latency_ms=1.5,
        ttft_ms=1,
        input_tokens=10,
        output_tokens=20,
        cost=0.000123,
        run="r7",
        nested={"a": [1]},
    )

    assert row.prompt.created_at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert (row.prompt.category, row.prompt.tags, row.prompt.weight) == ("code", ["x"], 3.0)
    assert (row.measures.latency_ms, row.measures.cost) == (1.5, Decimal("0.0001230000"))
    assert row.metadata == {"run": "r7", "nested": {"a": [1]}}
    assert row.sample == 2


def test_a_minimal_response_row_states_nothing_more() -> None:
    row = parsed(parse_response, RESPONSE, response="")

    assert (row.text, row.sample, row.metadata) == ("", 0, {})
    assert row.prompt.weight is None
    assert row.prompt.tags is None


def test_ids_may_be_integers_in_json() -> None:
    assert parsed(parse_response, RESPONSE, prompt_id=81).prompt.prompt_id == "81"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"prompt_id": None}, "prompt_id is missing"),
        ({"prompt_id": "  "}, "prompt_id is empty"),
        ({"prompt_id": "x" * 256}, "prompt_id has 256 characters, at most 255"),
        ({"prompt_id": True}, "prompt_id must be a text, got true"),
        ({"prompt_id": 1.5}, "prompt_id must be a text, got 1.5"),
        ({"prompt": ""}, "prompt is empty"),
        ({"prompt": 5}, "prompt must be a text or a list of messages, got 5"),
        ({"prompt": []}, "prompt is an empty list"),
        ({"prompt": ["Say"]}, "prompt must be a list of objects"),
        ({"prompt": [{"role": "user"}]}, "message 1 must have role and content, nothing else"),
        ({"prompt": [{"role": "user", "content": "a", "name": "b"}]}, "nothing else"),
        ({"prompt": [{"role": "", "content": "a"}]}, "role of message 1 must be a short text"),
        ({"prompt": [{"role": "user", "content": [{}]}]}, "content of message 1 must be a text"),
        ({"response": None}, "response must be a text, got null"),
        ({"response": True}, "response must be a text, got true"),
        ({"sample": -1}, "sample must be from 0 to 2147483647, got -1"),
        ({"sample": 1.5}, "sample must be a whole number, got 1.5"),
        ({"sample": 2**31}, "sample must be from 0"),
        ({"sample": "1"}, "sample must be a whole number, got '1'"),
        ({"weight": -0.5}, "weight must be 0 or more, got -0.5"),
        ({"weight": "2"}, "weight must be a number, got '2'"),
        ({"weight": True}, "weight must be a number, got true"),
        ({"tags": "a|b"}, "tags must be a list of texts, got 'a|b'"),
        ({"tags": [1]}, "tags must be a list of texts, got a list"),
        ({"category": {"a": 1}}, "category must be a text, got an object"),
        ({"created_at": "2026-11-24T10:30:00"}, "with its offset"),
        ({"created_at": "yesterday"}, "ISO 8601"),
        ({"created_at": 1700000000}, "ISO 8601"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "ISO 8601"),
        ({"latency_ms": -1}, "latency_ms must be 0 or more"),
        ({"input_tokens": 1.5}, "input_tokens must be a whole number"),
        ({"cost": -0.1}, "cost must be from 0"),
        ({"cost": 1e300}, "cost must be from 0"),
        ({"cost": "1"}, "cost must be a number of US dollars, got '1'"),
        ({"model": "other"}, "system is 's' but its alias model is 'other'"),
    ],
)
def test_a_bad_response_row_is_refused_with_the_reason(changes, part) -> None:
    assert part in reason(parse_response, RESPONSE, **changes)


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"weight": "1_000"}, "weight must be a number, got '1_000'"),
        ({"weight": "nan"}, "weight must be a number, got 'nan'"),
        ({"weight": "inf"}, "weight must be a number"),
        ({"weight": "1e999"}, "weight must be 0 or more"),
        ({"weight": "\u0663"}, "weight must be a number"),
        ({"sample": "2.0"}, "sample must be a whole number"),
        ({"sample": "9" * 5_000}, "sample must be a whole number"),
        ({"cost": "free"}, "cost must be a number of US dollars"),
        ({"prompt_json": "[{"}, "prompt_json: not JSON"),
        ({"prompt_json": "[]"}, "prompt and prompt_json are both given"),
        ({"prompt": "", "prompt_json": "{}"}, "prompt_json must be a list of objects"),
        ({"prompt": "", "prompt_json": '["\\ud800"]'}, "half of a surrogate pair"),
        ({"prompt": "", "prompt_json": "[" * 40 + "]" * 40}, "prompt_json: nested deeper"),
        ({"system": ""}, "system or model is missing"),
    ],
)
def test_a_bad_csv_response_row_is_refused_with_the_reason(changes, part) -> None:
    assert part in reason(parse_response, RESPONSE, csv=True, **changes)


def test_an_alias_with_the_same_value_is_no_conflict_and_no_metadata() -> None:
    row = parsed(parse_response, RESPONSE, model="s")

    assert (row.system, row.metadata) == ("s", {})


def test_prompt_rows_state_any_attributes() -> None:
    checks = [{"kind": "contains", "text": "x"}]

    row = parsed(parse_prompt, {"prompt_id": "p"}, checks=checks, weight=2, source="logs")

    assert (row.prompt.checks, row.prompt.weight, row.prompt.text) == (checks, 2.0, None)
    assert row.metadata == {"source": "logs"}
    assert "checks must be a list" in reason(parse_prompt, {"prompt_id": "p"}, checks="x")


def test_comparison_rows_accept_model_names_and_measures_by_side() -> None:
    row = parsed(
        parse_comparison,
        COMPARISON,
        "system_a",
        "system_b",
        model_a="m",
        model_b="n",
        latency_ms_a=5,
        cost_b=0.1,
        idx=7,
    )

    assert (row.a.system, row.b.system, row.kind) == ("m", "n", "work")
    assert (row.a.measures.latency_ms, row.b.measures.cost) == (5.0, Decimal("0.1000000000"))
    assert row.metadata == {"idx": 7}


def test_gold_is_a_verdict_or_a_list_of_them() -> None:
    one = parsed(parse_comparison, COMPARISON, kind="gold", gold="a", explanation="why")
    two = parsed(parse_comparison, COMPARISON, kind="training", gold=["a", "tie", "a"])
    cell = parsed(parse_comparison, COMPARISON, csv=True, kind="gold", gold="b|both_bad")

    assert (one.gold, one.explanation) == ({"overall": ["a"]}, "why")
    assert two.gold == {"overall": ["a", "tie"]}
    assert cell.gold == {"overall": ["b", "both_bad"]}


def test_gold_of_further_criteria_stands_beside_it() -> None:
    others = {"tone": "b", "clarity": ["a", "tie", "a"]}
    accepted = {"overall": ["a"], "tone": ["b"], "clarity": ["a", "tie"]}
    row = parsed(parse_comparison, COMPARISON, kind="gold", gold="a", gold_by_criterion=others)
    cell = parsed(
        parse_comparison,
        COMPARISON,
        csv=True,
        kind="training",
        gold="a",
        gold_by_criterion=json.dumps(others),
    )
    assert row.gold == cell.gold == accepted
    assert row.metadata == cell.metadata == {}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"system_b": "s"}, "both 's'; only kind consistency"),
        (SAME, "both 's'; only kind identical"),
        (SAME | {"kind": "consistency"}, "only kind identical"),
        ({"kind": "identical"}, "systems and texts must be equal"),
        ({"kind": "identical", "response_b": "x"}, "equal texts of two systems are kind work"),
        ({"kind": "gold"}, "kind gold needs gold"),
        ({"kind": "training"}, "kind training needs gold"),
        ({"gold": "a"}, "gold is given but kind is work"),
        ({"kind": "gold", "gold": "left"}, "gold must be one of a, b, tie, both_bad"),
        ({"kind": "gold", "gold": []}, "gold is an empty list"),
        ({"kind": "gold", "gold": {"overall": "a"}}, "gold must be a list of texts"),
        (GOLD | {"gold": None}, "stands beside gold"),
        (GOLD | {"gold_by_criterion": ["a"]}, "must be an object of verdicts"),
        (GOLD | {"gold_by_criterion": {}}, "must be an object of verdicts"),
        (GOLD | {"gold_by_criterion": {"overall": "a"}}, "is no key of a further criterion"),
        (GOLD | {"gold_by_criterion": {"": "a"}}, "is no key of a further criterion"),
        (GOLD | {"gold_by_criterion": {"tone": []}}, "tone has an empty list"),
        (GOLD | {"gold_by_criterion": {"tone": "left"}}, "tone must be one of a, b, tie"),
        (GOLD | {"gold_by_criterion": {"tone": [{}]}}, "tone must be one of a, b, tie"),
        ({"gold": "a", "gold_by_criterion": {"tone": "a"}}, "gold is given but kind is work"),
        ({"kind": "easy"}, "kind must be one of work, gold"),
        ({"overlap": 0}, "overlap must be from 1"),
        ({"item_id": ""}, "item_id is empty"),
        ({"model_a": "other"}, "system_a is 's' but its alias model_a is 'other'"),
    ],
)
def test_a_bad_comparison_row_is_refused_with_the_reason(changes, part) -> None:
    assert part in reason(parse_comparison, COMPARISON, **changes)


@pytest.mark.parametrize(
    "changes",
    [SAME | {"kind": "identical"}, {"system_b": "s", "kind": "consistency"}, {"response_b": "x"}],
)
def test_pairs_of_one_system_and_equal_texts_of_two_are_allowed_by_their_kind(changes) -> None:
    parsed(parse_comparison, COMPARISON, **changes)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"verdict": "both_bad"}, "both_bad"),
        ({"verdict": None, "label": "tie"}, "tie"),
        ({"verdict": None, "winner": "model_a"}, "a"),
        ({"verdict": None, "winner": "model_b"}, "b"),
        ({"verdict": None, "winner": "tie"}, "tie"),
        ({"verdict": None, "winner": "tie (bothbad)"}, "both_bad"),
        ({"label": "a", "winner": "model_a"}, "a"),
    ],
)
def test_votes_take_their_verdict_under_each_of_its_names(changes, verdict) -> None:
    row = parsed(parse_vote, VOTE, **changes)

    assert (row.verdict, row.metadata) == (verdict, {})


def test_a_full_vote_row_is_read() -> None:
    row = parsed(
        parse_vote,
        VOTE,
        criterion="helpful",
        margin=3,
        seconds=12.5,
        reason="clear",
        left="b",
        tags=["x"],
        batch=4,
    )

    assert (row.criterion, row.margin, row.seconds, row.left) == ("helpful", 3, 12.5, "b")
    assert (row.reason, row.tags, row.metadata) == ("clear", ["x"], {"batch": 4})


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"verdict": None}, "verdict, label or winner is missing"),
        ({"verdict": "left"}, "verdict must be one of a, b, tie, both_bad; got 'left'"),
        ({"verdict": ""}, "verdict must be one of"),
        ({"label": "b"}, "verdict is 'a' but its alias label is 'b'"),
        ({"winner": "model_b"}, "verdict is 'a' but its alias winner is 'model_b'"),
        ({"winner": "a"}, "winner must be one of model_a, model_b, tie, tie (bothbad)"),
        ({"margin": 4}, "margin must be from 1 to 3"),
        ({"margin": 1, "verdict": "tie"}, "but the verdict is tie"),
        ({"seconds": -1}, "seconds must be from 0"),
        ({"seconds": 1e12}, "seconds must be from 0"),
        ({"left": "left"}, "left must be one of a, b"),
        ({"criterion": "c" * 65}, "criterion is longer than 64"),
        ({"annotator_id": None}, "annotator_id is missing"),
    ],
)
def test_a_bad_vote_row_is_refused_with_the_reason(changes, part) -> None:
    assert part in reason(parse_vote, VOTE, **changes)


def test_a_judgment_without_a_verdict_is_unparsed_only_if_it_says_so() -> None:
    assert parsed(parse_judgment, JUDGMENT, verdict=None).verdict is None
    assert parsed(parse_judgment, JUDGMENT, "verdict", label=None).verdict is None
    assert parsed(parse_judgment, JUDGMENT, csv=True, verdict="").verdict is None
    assert "write null" in reason(parse_judgment, JUDGMENT, "verdict")


def test_a_full_judgment_row_is_read() -> None:
    row = parsed(
        parse_judgment,
        JUDGMENT,
        order="both",
        confidence=0.9,
        reason="r",
        inconsistent=True,
        input_tokens=1,
        output_tokens=2,
        cost=0.5,
        latency_ms=3,
        raw="text",
    )

    assert (row.order, row.confidence, row.inconsistent) == ("both", 0.9, True)
    assert (row.input_tokens, row.output_tokens, row.latency_ms) == (1, 2, 3.0)
    assert (row.cost, row.metadata) == (Decimal("0.5000000000"), {"raw": "text"})


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"order": None}, "order is missing"),
        ({"order": "AB"}, "order must be one of ab, ba, both; got 'AB'"),
        ({"label": "b"}, "verdict is 'a' but its alias label is 'b'"),
        ({"inconsistent": "yes"}, "inconsistent must be true or false, got 'yes'"),
        ({"judge_id": {}}, "judge_id must be a text, got an object"),
    ],
)
def test_a_bad_judgment_row_is_refused_with_the_reason(changes, part) -> None:
    assert part in reason(parse_judgment, JUDGMENT, **changes)


def test_a_reason_quotes_little_of_a_hostile_value_and_no_control_character() -> None:
    text = reason(parse_vote, VOTE, verdict="\x1b[31m" + "x" * 10_000)

    assert text.isprintable()
    assert len(text) < 200


def test_the_formats_load_no_django() -> None:
    code = "import sys, annotation.importing.formats; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
