"""From the bytes of a reply to an answer, or to the reason why there is none. Pure.

Nothing is guessed: a reply is one JSON object that satisfies the schema, or has exactly one line
that is only a verdict. There is no search inside prose, no repair of cut JSON, and what cannot be
read is missing, never a tie.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from judging.grades import WINS, Answer
from judging.prompts import Rubric, answer_schema, offered

PARSER_VERSION = 3
"""Counts up whenever the same reply would be read otherwise."""

UNPARSED, REFUSED, TRUNCATED = "unparsed", "refused", "truncated"

COMPLETED, CUT, BLOCKED = "completed", "cut", "blocked"

FINISH_REASONS: dict[str, str] = {
    # As OpenAI, Anthropic, vLLM, TGI, Ollama, Cohere and Gemini write them, in lower case. A reply
    # without a finish reason is taken as completed.
    "": COMPLETED,
    "stop": COMPLETED,
    "end_turn": COMPLETED,
    "stop_sequence": COMPLETED,
    "eos": COMPLETED,
    "eos_token": COMPLETED,
    "complete": COMPLETED,
    "length": CUT,
    "max_tokens": CUT,
    "model_context_window_exceeded": CUT,
    "content_filter": BLOCKED,
    "refusal": BLOCKED,
    "safety": BLOCKED,
    "recitation": BLOCKED,
    "blocklist": BLOCKED,
    "prohibited_content": BLOCKED,
    "spii": BLOCKED,
}
"""How a reply ended, by its finish reason. Any other reason gives no answer: tool calls, an aborted
request, a malformed function call."""

# Kept of a reason; the judge is asked for 300.
MOST_KEPT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the server counted them; None where it did not, or not believably."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds the text of a reply."""

    content: str
    finish_reason: str
    usage: Usage | None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A judge's answer as it wrote it; `judging.grades` un-swaps it.

    Attributes
    ----------
    answer
    confidence
        From 0 to 1; None where it was not asked for.
    reason
    levels
        By criterion, the level of the first and of the second response, and the reason.
    contradicts
        The levels say that the other response is better. Flagged, never changed.
    """

    answer: Answer
    confidence: float | None = None
    reason: str = ""
    levels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contradicts: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no answer.

    Attributes
    ----------
    cause
        `unparsed`, `refused` or `truncated`.
    detail
        A word of ours such as `no_verdict`; never a part of the reply.
    usage
        What it cost nevertheless.
    """

    cause: str
    detail: str
    usage: Usage | None = None
    content: str = ""
    finish_reason: str = ""


class _DuplicateKeyError(ValueError):
    pass


def read_envelope(body: bytes) -> Envelope | Missing:
    """Read a chat completion's body.

    Parameters
    ----------
    body : bytes
        All of it, already bounded in size.
    """
    try:
        raw = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return Missing(UNPARSED, "body_is_no_json")
    if not isinstance(raw, dict):
        return Missing(UNPARSED, "body_is_no_object")
    usage = read_usage(raw.get("usage"))
    choices = raw.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return Missing(UNPARSED, "not_one_choice", usage)
    finish = choices[0].get("finish_reason")
    finish = finish[:64] if isinstance(finish, str) else ""
    message = choices[0].get("message")
    if not isinstance(message, dict):
        return Missing(UNPARSED, "no_message", usage, finish_reason=finish)
    content = message.get("content")
    text = content if isinstance(content, str) else ""
    ending = FINISH_REASONS.get(finish.lower())
    if ending == BLOCKED:
        return Missing(REFUSED, "content_filter", usage, text, finish)
    if message.get("refusal"):
        return Missing(REFUSED, "refusal", usage, text, finish)
    if ending == CUT:
        detail = "output_limit" if text.strip() else "reasoning_used_all_tokens"
        return Missing(TRUNCATED, detail, usage, text, finish)
    if ending != COMPLETED:
        return Missing(UNPARSED, "other_finish_reason", usage, text, finish)
    if not text.strip():
        thought = message.get("reasoning_content") or message.get("reasoning")
        return Missing(UNPARSED, "reasoning_only" if thought else "empty", usage, text, finish)
    model = raw.get("model")
    return Envelope(text, finish, usage, model[:255] if isinstance(model, str) else "")


def read_usage(raw: object) -> Usage | None:
    """Return the tokens of a reply, or None where they are missing or cannot be true.

    Every request has a prompt, and what the server counted as no output is no basis for its cost:
    a count of 0 is as good as none, and the most that the call could cost is charged.
    """
    if not isinstance(raw, dict):
        return None
    prompt, completion = _count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens"))
    if not prompt or not completion:
        return None
    details = raw.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return Usage(prompt, completion, cached if cached is not None and cached <= prompt else 0)


def _count(value: object) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if is_count and isinstance(value, int) else None


# A reasoning model's thoughts, before the answer. All up to the last closing tag is thought, opened
# or not; a thought that is left open holds everything after it.
THOUGHT_ENDS = re.compile(r"</(?:think|thinking|thought|reasoning)\s*>", re.IGNORECASE)
THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|thought|reasoning)\b[^<>]*>", re.IGNORECASE)
# An answer in the other form, whole or cut, beside a line that is a verdict.
OBJECT = re.compile(r"""["']grade["']\s*:""")
FENCE_MARK = re.compile(r"\A[ \t]*(?P<mark>`{3,}(?=[^`]*\Z)|~{3,})")
FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(?P<inside>.*)\n[ \t]*```\Z", re.DOTALL | re.IGNORECASE)
VERDICT = re.compile(r"\A[ \t]*Final verdict:[ \t]*\[\[(?P<grade>[^\[\]]*)\]\][ \t]*\Z")


def parse(text: str, rubric: Rubric) -> Parsed | Missing:
    """Read a judge's answer from the text of its reply.

    Parameters
    ----------
    text : str
    rubric : Rubric
        What it was asked; its schema decides.

    Returns
    -------
    Parsed or Missing
    """
    whole = _object_in(text.strip())
    if whole is not None:
        # A reason may speak of thoughts; an object that is all of the reply is no thought.
        found = _parse_object(whole, rubric)
        if found != Missing(UNPARSED, "invalid_json"):
            return found
    answer = THOUGHT_ENDS.split(text)[-1].strip()
    if not answer:
        return Missing(UNPARSED, "empty")
    candidate = _object_in(answer)
    if candidate is not None:
        return _parse_object(candidate, rubric)
    if THOUGHT_BEGINS.search(answer) is not None:
        return Missing(UNPARSED, "no_verdict")
    return _parse_lines(answer, rubric)


def _object_in(answer: str) -> str | None:
    """What should be one JSON object, out of its code fence; None where it is none."""
    fence = FENCE.match(answer)
    candidate = answer if fence is None else fence["inside"].strip()
    return candidate if candidate.startswith("{") else None


def _parse_object(text: str, rubric: Rubric) -> Parsed | Missing:
    try:
        value = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
    except _DuplicateKeyError:
        return Missing(UNPARSED, "conflicting")
    except (ValueError, RecursionError):
        return Missing(UNPARSED, "invalid_json")
    if next(validator_of(rubric).iter_errors(value), None) is not None:
        return Missing(UNPARSED, "schema")
    levels = value.get("criteria", {})
    answer = Answer(value["grade"])
    return Parsed(
        answer=answer,
        confidence=float(value["confidence"]),
        reason=value["reason"][:MOST_KEPT_CHARACTERS],
        levels={
            key: {name: said[:MOST_KEPT_CHARACTERS] for name, said in level.items()}
            for key, level in levels.items()
        },
        contradicts=contradicts(answer, levels, rubric),
    )


@functools.lru_cache(maxsize=64)
def validator_of(rubric: Rubric) -> Draft202012Validator:
    return Draft202012Validator(answer_schema(rubric))


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON.")


def _parse_lines(text: str, rubric: Rubric) -> Parsed | Missing:
    """One line that is only a verdict, outside of every code block."""
    found = [
        match["grade"].strip()
        for line in _outside_of_fences(text)
        if (match := VERDICT.match(line)) is not None
    ]
    if not found:
        return Missing(UNPARSED, "no_verdict")
    if len(found) > 1 or OBJECT.search(text) is not None:
        return Missing(UNPARSED, "conflicting")
    allowed = {answer.value: answer for answer in offered(rubric)}
    if found[0] not in allowed:
        return Missing(UNPARSED, "unknown_grade")
    return Parsed(allowed[found[0]], reason=text[:MOST_KEPT_CHARACTERS])


def _outside_of_fences(text: str) -> Iterator[str]:
    """The lines of a text but those of code blocks; one that is left open holds all the rest."""
    opened = ""
    for line in text.splitlines():
        mark = FENCE_MARK.match(line)
        if mark is None:
            if not opened:
                yield line
        elif not opened:
            opened = mark["mark"]
        elif mark["mark"].startswith(opened) and not line.strip().strip(opened[0]):
            opened = ""


def contradicts(answer: Answer, levels: Mapping[str, Mapping[str, str]], rubric: Rubric) -> bool:
    """Whether the weighted levels clearly prefer the other response than the grade does."""
    lead = 0.0
    for criterion in rubric.criteria:
        said = levels.get(criterion.key)
        if said is None:
            continue
        steps = {level.id: number for number, level in enumerate(criterion.levels)}
        lead += criterion.weight * (steps[said["first"]] - steps[said["second"]])
    won = WINS.get(answer)
    return won is not None and not math.isclose(lead, 0.0) and (lead > 0) != won[0]
