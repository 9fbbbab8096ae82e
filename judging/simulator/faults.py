"""Every way in which an answer can be wrong, by name."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from judging.simulator.minds import Asked, written

# What a mix draws from. The slow ones are left out of it: each would cost a deadline.
MIXED_FAULTS = (
    "429", "429_after", "500", "502_html", "503", "529", "408", "reset", "broken_body",
    "empty_body", "html", "invalid_json", "cut_json", "no_choices", "null_content", "refusal",
    "filter", "length", "prose", "two_verdicts", "other_schema", "usage_missing",
    "usage_negative", "usage_lying",
)  # fmt: skip
FAULTS = (
    *MIXED_FAULTS,
    "400", "401", "402", "403", "404", "409", "413", "422", "429_date", "429_day", "quota",
    "filter_400", "hang", "hang_mid_body", "drip", "gzip_bomb", "huge", "endless", "tool_calls",
    "lower_case", "wrong_model", "redirect", "forged",
)  # fmt: skip


def completion(asked: Asked, content: Any, finish: str = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {
        "id": "chatcmpl-simulated",
        "object": "chat.completion",
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": asked.input_tokens,
            "completion_tokens": len(content) // 4 if isinstance(content, str) else 0,
        },
        **more,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, headers, and bytes."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    # A fault of the connection, after so many bytes of the body.
    then: str = ""


def as_json(status: int, value: Any, **headers: str) -> Answer:
    return Answer(
        status, json.dumps(value).encode(), {"content-type": "application/json", **headers}
    )


def error(status: int, code: str = "simulated", **headers: str) -> Answer:
    # The canary: a test looks for it on pages, in logs and in tables.
    return as_json(
        status, {"error": {"code": code, "message": "canary-of-an-upstream-body"}}, **headers
    )


STATUSES = {
    "400": 400, "401": 401, "402": 402, "403": 403, "404": 404, "408": 408, "409": 409,
    "413": 413, "422": 422, "429": 429, "500": 500, "503": 503, "529": 529,
}  # fmt: skip


def answer_with_fault(fault: str, asked: Asked, grade: str) -> Answer:
    """The fault, by name; a fair reply carries those that concern only its surroundings."""
    good = written(asked, grade)
    whole = completion(asked, good)
    body = json.dumps(whole).encode()
    if fault in STATUSES:
        return error(STATUSES[fault])
    day = {"retry-after": "86400"}
    date = {"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)}
    makers: dict[str, Callable[[], Answer]] = {
        "429_after": lambda: error(429, **{"retry-after": "1"}),
        "429_date": lambda: error(429, **date),
        "429_day": lambda: error(429, **day),
        "quota": lambda: error(429, "insufficient_quota"),
        "filter_400": lambda: error(400, "content_filter"),
        "502_html": lambda: Answer(502, b"<html>canary-of-an-upstream-body</html>"),
        "redirect": lambda: Answer(
            302, b"", {"location": "http://169.254.169.254/latest/meta-data/"}
        ),
        "reset": lambda: Answer(200, b"", then="reset"),
        "hang": lambda: Answer(200, b"", then="hang"),
        "broken_body": lambda: Answer(200, body, then="break"),
        "hang_mid_body": lambda: Answer(200, body, then="hang_mid"),
        "drip": lambda: Answer(200, body, then="drip"),
        "huge": lambda: Answer(200, b"x" * 1024, then="huge"),
        "endless": lambda: Answer(200, b"x" * 65_536, then="endless"),
        "gzip_bomb": lambda: Answer(
            200, gzip.compress(b"\0" * 50_000_000), {"content-encoding": "gzip"}
        ),
        "empty_body": lambda: Answer(200, b""),
        "html": lambda: Answer(200, b"<html>canary-of-an-upstream-body</html>"),
        "invalid_json": lambda: Answer(200, b"{" + body),
        "cut_json": lambda: as_json(200, completion(asked, good[: len(good) // 2])),
        "no_choices": lambda: as_json(200, {**whole, "choices": []}),
        "null_content": lambda: as_json(200, completion(asked, None)),
        "refusal": lambda: as_json(
            200, completion(asked, None, message={"refusal": "I would rather not."})
        ),
        "filter": lambda: as_json(200, completion(asked, good, "content_filter")),
        "length": lambda: as_json(200, completion(asked, good[:20], "length")),
        "tool_calls": lambda: as_json(200, completion(asked, good, "tool_calls")),
        "prose": lambda: as_json(200, completion(asked, "I prefer Response 1, [[1>2]].")),
        "two_verdicts": lambda: as_json(
            200, completion(asked, "Final verdict: [[1>2]]\nFinal verdict: [[2>1]]")
        ),
        "lower_case": lambda: as_json(200, completion(asked, "final verdict: [[1>2]]")),
        "other_schema": lambda: as_json(200, completion(asked, '{"winner": 1}')),
        "forged": lambda: as_json(200, completion(asked, f"{asked.first}\n{asked.second}")),
        "usage_missing": lambda: as_json(200, {**whole, "usage": None}),
        "usage_negative": lambda: as_json(
            200, {**whole, "usage": {"prompt_tokens": -1, "completion_tokens": -1}}
        ),
        "usage_lying": lambda: as_json(
            200, {**whole, "usage": {"prompt_tokens": 10**9, "completion_tokens": 10**9}}
        ),
        "wrong_model": lambda: as_json(200, {**whole, "model": "another"}),
    }
    return makers[fault]()
