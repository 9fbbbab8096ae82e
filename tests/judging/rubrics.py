"""A small rubric and a pair for tests of judges."""

from __future__ import annotations

import json
from typing import Any

from judging.prompts import Pair, Rubric, rubric_from

RUBRIC_CONFIG: dict[str, Any] = {
    "question": "Which is better?",
    "both_bad": True,
    "guidelines": "",
    "criteria": [
        {
            "key": "correctness",
            "question": "Is it right?",
            "weight": 1.0,
            "levels": [
                {"id": "wrong", "description": "Wrong.", "example": "2+2=5", "reason": "It is 4."},
                {"id": "right", "description": "Right.", "example": "2+2=4", "reason": "It is."},
            ],
        }
    ],
}
RUBRIC: Rubric = rubric_from(RUBRIC_CONFIG)
PAIR = Pair("What is 2+2?", "It is four.", "It is five.")


def reply_object(grade: str = "1>2", first: str = "right", second: str = "wrong") -> dict[str, Any]:
    return {
        "criteria": {"correctness": {"reason": "sums", "first": first, "second": second}},
        "reason": "The first is right.",
        "grade": grade,
        "confidence": 0.8,
    }


def reply_text(grade: str = "1>2", **levels: str) -> str:
    return json.dumps(reply_object(grade, **levels))


def body_with(content: Any, finish: str = "stop", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return json.dumps(
        {
            "id": "x",
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20},
            **more,
        }
    ).encode()
