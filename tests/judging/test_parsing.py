"""What counts as an answer, and what is missing. A peer's defect stands behind most cases."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judging.grades import Answer, Grade, to_grade
from judging.parsing import Envelope, Missing, Parsed, Usage, parse, read_envelope
from judging.prompts import LADDER, Rubric, instruction
from judging.runs.progress import DETAILS
from tests.judging.rubrics import RUBRIC, body_with, reply_object, reply_text

LINE = "Final verdict: [[1>2]]"


@pytest.mark.parametrize(
    ("answer", "order", "grade"),
    [
        ("1>>2", "ab", Grade("a", 2)),
        ("1>>2", "ba", Grade("b", 2)),
        ("1>2", "ab", Grade("a", 1)),
        ("1>2", "ba", Grade("b", 1)),
        ("2>1", "ab", Grade("b", 1)),
        ("2>1", "ba", Grade("a", 1)),
        ("2>>1", "ab", Grade("b", 2)),
        ("2>>1", "ba", Grade("a", 2)),
        ("tie", "ba", Grade("tie", None)),
        ("both_bad", "ba", Grade("both_bad", None)),
    ],
)
def test_an_answer_is_unswapped_by_the_order(answer: str, order: str, grade: Grade) -> None:
    assert to_grade(Answer(answer), order) == grade


def test_an_order_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="ab or ba"):
        to_grade(Answer.TIE, "both")


@pytest.mark.parametrize(
    "text",
    [
        reply_text(),
        f"  \n{reply_text()}\n",
        f"```json\n{reply_text()}\n```",
        f"```\n{reply_text()}\n```",
        f"<think>[[2>1]] {{no}}\nFinal verdict: [[2>1]]</think>\n{reply_text()}",
        f"Response 1 is right.\n{LINE}",
        f"I argue for 2 first. [[2>1]] looks good.\n{LINE}\n",
        "{json.dumps} was mentioned, but I answer plainly".replace("{json.dumps}", "It")
        + f"\n  {LINE}  ",
    ],
)
def test_a_well_formed_reply_is_read(text: str) -> None:
    parsed = parse(text, RUBRIC)
    assert isinstance(parsed, Parsed)
    assert parsed.answer == Answer.FIRST


def test_an_object_gives_levels_reason_and_confidence() -> None:
    parsed = parse(reply_text(), RUBRIC)
    assert parsed.confidence == 0.8
    assert parsed.reason == "The first is right."
    assert parsed.levels["correctness"] == {"reason": "sums", "first": "right", "second": "wrong"}
    assert not parsed.contradicts


def test_a_grade_against_its_own_levels_is_flagged_and_kept() -> None:
    parsed = parse(reply_text("2>1"), RUBRIC)
    assert (parsed.answer, parsed.contradicts) == (Answer.SECOND, True)


def without(key: str) -> str:
    return json.dumps({name: value for name, value in reply_object().items() if name != key})


MALFORMED = {
    "": "empty",
    "<think>all of it is thought": "no_verdict",
    "<think>x</think>": "empty",
    "I prefer response 1.": "no_verdict",
    "[[1>2]]": "no_verdict",
    f"The line would be {LINE}": "no_verdict",
    f"> {LINE}": "no_verdict",
    f"{LINE} for sure": "no_verdict",
    "final verdict: [[1>2]]": "no_verdict",
    "FINAL VERDICT: [[1>2]]": "no_verdict",
    f"{LINE}\n{LINE}": "conflicting",
    f"{LINE}\nFinal verdict: [[2>1]]": "conflicting",
    "Final verdict: [[A]]": "unknown_grade",
    "Final verdict: [[1]]": "unknown_grade",
    "Final verdict: [[TIE]]": "unknown_grade",
    reply_text()[:-1]: "invalid_json",
    reply_text()[:-10]: "invalid_json",
    f"Here it is: {reply_text()}": "no_verdict",
    f"{reply_text()}\nI hope this helps.": "invalid_json",
    f"{reply_text()}\n{LINE}": "invalid_json",
    f"{reply_text()}{reply_text('2>1')}": "invalid_json",
    f"```json\n{reply_text()}\n```\nand more": "no_verdict",
    reply_text().replace('"grade": "1>2"', '"grade": "2>1", "grade": "1>2"'): "conflicting",
    reply_text().replace("0.8", "NaN"): "invalid_json",
    reply_text().replace("0.8", "1.5"): "schema",
    reply_text().replace("0.8", '"0.8"'): "schema",
    reply_text("a>b"): "schema",
    reply_text("1>2", first="superb"): "schema",
    without("grade"): "schema",
    without("criteria"): "schema",
    without("confidence"): "schema",
    json.dumps({**reply_object(), "winner": 2}): "schema",
    json.dumps([reply_object()]): "no_verdict",
    "{}": "schema",
    "{" * 100_000: "invalid_json",
}


MALFORMED |= {
    f"<think>weighing\n{LINE}\nand so on": "no_verdict",
    f"I think.\n<thinking>\n{LINE}": "no_verdict",
    f"<think>a</think>\n<think>b\n{LINE}": "no_verdict",
    f"<think>a</think>\n{LINE}\n<think>no, the second</think>": "empty",
    f"```\n{LINE}\n```": "no_verdict",
    f"The form:\n~~~text\n{LINE}\n~~~\nI cannot tell.": "no_verdict",
    f"````\n```\n{LINE}\n```\n````": "no_verdict",
    f"```\n{LINE}": "no_verdict",
    f"{LINE}\n{reply_text('2>1')}": "conflicting",
    f"{LINE}\n```json\n{reply_text('2>1')}\n```": "conflicting",
    f"{LINE}\n{{'grade': '2>1'": "conflicting",
}


@pytest.mark.parametrize(
    "text",
    [
        f"I draft.\n{LINE}\n</think>\n{reply_text('2>1')}",
        f"{reply_text()}\n</think>\n{reply_text('2>1')}",
        f"<think>a</think><think>b\n{LINE}</think>{reply_text('2>1')}",
        f"<THINK>x\n{LINE}\n</THINK>\nFinal verdict: [[2>1]]",
        f"Of the form\n```\n{LINE}\n```\nI say\nFinal verdict: [[2>1]]",
        reply_text("2>1").replace("The first is right.", "It says <think> and </think>."),
    ],
)
def test_what_was_only_thought_or_quoted_is_not_the_answer(text: str) -> None:
    assert parse(text, RUBRIC).answer == Answer.SECOND


@pytest.mark.parametrize(("text", "detail"), MALFORMED.items(), ids=range(len(MALFORMED)))
def test_a_malformed_reply_is_missing_and_says_why(text: str, detail: str) -> None:
    assert parse(text, RUBRIC) == Missing("unparsed", detail)


@pytest.mark.parametrize("rung", LADDER)
def test_our_own_instruction_is_no_answer(rung: str) -> None:
    assert isinstance(parse(instruction("Judge.", RUBRIC, rung), RUBRIC), Missing)


def test_both_bad_is_an_answer_only_where_it_was_offered() -> None:
    narrow = Rubric(RUBRIC.question, RUBRIC.criteria, both_bad=False)
    assert parse("Final verdict: [[both_bad]]", RUBRIC).answer == Answer.BOTH_BAD
    assert isinstance(parse("Final verdict: [[both_bad]]", narrow), Missing)
    assert isinstance(parse(reply_text("both_bad"), narrow), Missing)


@given(st.text(max_size=300))
def test_no_text_raises_and_none_wins_without_the_line(text: str) -> None:
    found = parse(text, RUBRIC)
    assert isinstance(found, Missing) or "Final verdict: [[" in text


def test_an_envelope_gives_text_and_usage() -> None:
    assert read_envelope(body_with("hello")) == Envelope("hello", "stop", Usage(100, 20), "m")


@pytest.mark.parametrize(
    ("body", "cause", "detail"),
    [
        (b"", "unparsed", "body_is_no_json"),
        (b"<html>502</html>", "unparsed", "body_is_no_json"),
        (b"\xff\xfe", "unparsed", "body_is_no_json"),
        (b"[" * 100_000, "unparsed", "body_is_no_json"),
        (b"[]", "unparsed", "body_is_no_object"),
        (b'{"choices": []}', "unparsed", "not_one_choice"),
        (b'{"choices": [{}]}', "unparsed", "no_message"),
        (body_with(None), "unparsed", "empty"),
        (body_with(""), "unparsed", "empty"),
        (body_with([{"type": "text", "text": LINE}]), "unparsed", "empty"),
        (body_with(LINE, "length"), "truncated", "output_limit"),
        (body_with("", "length"), "truncated", "reasoning_used_all_tokens"),
        (body_with(LINE, "content_filter"), "refused", "content_filter"),
        (body_with(LINE, "max_tokens"), "truncated", "output_limit"),
        (body_with(LINE, "MAX_TOKENS"), "truncated", "output_limit"),
        (body_with(LINE, "model_context_window_exceeded"), "truncated", "output_limit"),
        (body_with(LINE, "refusal"), "refused", "content_filter"),
        (body_with(LINE, "SAFETY"), "refused", "content_filter"),
        (body_with(LINE, "PROHIBITED_CONTENT"), "refused", "content_filter"),
        (body_with(LINE, "tool_calls"), "unparsed", "other_finish_reason"),
        (body_with(LINE, "tool_use"), "unparsed", "other_finish_reason"),
        (body_with(LINE, "abort"), "unparsed", "other_finish_reason"),
        (body_with(LINE, "MALFORMED_FUNCTION_CALL"), "unparsed", "other_finish_reason"),
        (body_with(LINE, message={"refusal": "I cannot."}), "refused", "refusal"),
    ],
)
def test_an_envelope_without_an_answer_says_why(body: bytes, cause: str, detail: str) -> None:
    found = read_envelope(body)
    assert (found.cause, found.detail) == (cause, detail)


# OpenAI, vLLM and Ollama; Gemini; Anthropic; Anthropic and TGI; TGI; others; none given.
@pytest.mark.parametrize(
    "finish",
    ["stop", "STOP", "end_turn", "stop_sequence", "eos_token", "eos", "COMPLETE", "", None],
)
def test_every_server_may_say_in_its_own_word_that_a_reply_is_whole(finish: str | None) -> None:
    found = read_envelope(body_with(LINE, finish))
    assert isinstance(found, Envelope)
    assert (found.content, found.finish_reason) == (LINE, finish or "")


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": -5, "completion_tokens": 1}, None),
        ({"prompt_tokens": "5", "completion_tokens": 1}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 5, "completion_tokens": 0}, None),
        ({"prompt_tokens": 0, "completion_tokens": 5}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": 5, "completion_tokens": 1}, Usage(5, 1)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Usage(5, 1, 4),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 9},
            },
            Usage(5, 1, 0),
        ),
    ],
)
def test_usage_is_read_only_where_it_can_be_true(usage, read) -> None:
    assert read_envelope(body_with("x", usage=usage)).usage == read


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_reply_of_nothing_but_reasoning_says_what_to_raise(field: str) -> None:
    message = {"role": "assistant", "content": "", field: "Let me think."}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    found = read_envelope(json.dumps(body).encode())
    assert isinstance(found, Missing)
    assert (found.cause, found.detail) == ("unparsed", "reasoning_only")
    assert "max_tokens" in DETAILS["reasoning_only"]
