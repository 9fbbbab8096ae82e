"""One line of JSONL to an object, stricter than the standard library."""

import json
import math
import re
from collections.abc import Iterator

from annotation.importing.formats.decoding import check_text, decode
from annotation.importing.formats.limits import MAX_DEPTH, MAX_FIELD_BYTES, MAX_INTEGER
from annotation.importing.formats.problems import RowError, excerpt

# Only these escapes can put NUL or a surrogate into a text that was valid UTF-8.
_RISKY_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def parse_object(raw: bytes) -> dict[str, object]:
    """Parse one line.

    Parameters
    ----------
    raw : bytes
        The line, with or without its line feed.

    Returns
    -------
    dict[str, object]
        The object on that line.

    Raises
    ------
    RowError
        If the line is not UTF-8, not JSON, not an object; if an object repeats a key; if a number
        is NaN, infinite or beyond 64 bits; if nesting, a text or its characters break a limit.
    """
    text = decode(raw)
    value = _parse(text)
    if not isinstance(value, dict):
        raise RowError(f"a row must be a JSON object, got {excerpt(value)}")
    if len(raw) > MAX_FIELD_BYTES or _RISKY_ESCAPE.search(text):
        for name, item in value.items():
            _check_texts(name, item)
    return value


def parse_value(text: str, name: str) -> object:
    """Parse the JSON inside a CSV cell by the same rules; ``name`` is its column."""
    try:
        value = _parse(text)
    except RowError as problem:
        raise RowError(f"{name}: {problem}") from problem
    if _RISKY_ESCAPE.search(text):
        _check_texts(name, value)
    return value


def _parse(text: str) -> object:
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise RowError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise RowError(_TOO_DEEP) from error
    # Counting brackets is cheap, and texts only add to the count: most rows need no walk.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    return value


def _check_texts(name: str, value: object) -> None:
    for string in _strings(name, value):
        check_text(string, excerpt(name))


_TOO_DEEP = f"nested deeper than the limit of {MAX_DEPTH} lists and objects"


def _check_depth(value: object) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise RowError(_TOO_DEEP)
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]


def _strings(name: str, value: object) -> Iterator[str]:
    yield name
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            yield from item.keys()
            stack.extend(item.values())


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise RowError(f"the key {excerpt(twice)} stands twice in one object")
    return made


def _integer(digits: str) -> int:
    # Length first: Python refuses to convert more than 4,300 digits.
    if len(digits) > 20 or not -MAX_INTEGER - 1 <= (number := int(digits)) <= MAX_INTEGER:
        raise RowError(f"the integer {excerpt(digits)} is beyond 64 bits; write it as a text")
    return number


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise RowError(f"the number {excerpt(digits)} is beyond the range of a double")
    return number


def _constant(name: str) -> float:
    raise RowError(f"{name} is not a JSON value; leave the key out or write null")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)
