"""What the page's script sends, read strictly: a wrong shape is a 400 that names the field."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext

from annotation.text_faults import fault_of_text

# A rationale of 10,000 characters, escaped, with the answers: far below. See voting.answers.
MAX_BODY_BYTES = 64 * 1024
# More than the queue ever lends to one person at a time.
MAX_IDS = 10
# Tags of a vote, keys of a page: more of either than there are.
MAX_TEXTS = 40
# Ten years: an absurd duration is an error of the client, not a number to store.
MAX_MILLISECONDS = 10 * 365 * 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Within the years that a database can store.
MAX_EPOCH_MILLISECONDS = 7000 * 365 * 86_400_000


class BadRequest(Exception):
    """The body does not have the form that the address takes."""

    code = "invalid_request"
    status = 400

    def __init__(self, message: str, field: str, status: int = 400) -> None:
        super().__init__(message)
        self.field = field
        self.status = status


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the request; an empty body is an empty object."""
    if request.content_type != "application/json":
        raise BadRequest(gettext("Send a JSON object as application/json."), "body", status=415)
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise BadRequest(gettext("The length of the body is no number."), "body") from None
    if length > MAX_BODY_BYTES:
        raise BadRequest(
            gettext("The body is larger than %(max_body_bytes)s bytes.")
            % {"max_body_bytes": MAX_BODY_BYTES},
            "body",
            status=413,
        )
    raw = request.body
    if not raw:
        return {}
    try:
        body = json.loads(raw, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise BadRequest(gettext("The body is no JSON that can be read."), "body") from None
    if not isinstance(body, dict):
        raise BadRequest(gettext("The body must be a JSON object."), "body")
    return body


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def read_uuid(body: dict[str, Any], field: str) -> uuid.UUID:
    return parse_uuid(body.get(field), field)


def parse_uuid(value: object, field: str) -> uuid.UUID:
    if not isinstance(value, str):
        raise BadRequest(gettext("This must be an identifier."), field)
    try:
        return uuid.UUID(value)
    except ValueError:
        raise BadRequest(gettext("This must be an identifier."), field) from None


def read_optional_uuid(body: dict[str, Any], field: str) -> uuid.UUID | None:
    return None if body.get(field) is None else read_uuid(body, field)


def read_uuids(body: dict[str, Any], field: str) -> list[uuid.UUID]:
    values = body.get(field, [])
    if not isinstance(values, list) or len(values) > MAX_IDS:
        raise BadRequest(
            gettext("This must be a list of at most %(max_ids)s identifiers.")
            % {"max_ids": MAX_IDS},
            field,
        )
    return [parse_uuid(value, field) for value in values]


def read_text(body: dict[str, Any], field: str, most: int) -> str:
    value: Any = body.get(field, "")
    if fault := fault_of_text(value, most):
        raise BadRequest(fault, field)
    return str(value)


def read_texts(body: dict[str, Any], field: str) -> list[str]:
    values = body.get(field, [])
    if not isinstance(values, list) or len(values) > MAX_TEXTS:
        raise BadRequest(
            gettext("This must be a list of at most %(max_texts)s texts.")
            % {"max_texts": MAX_TEXTS},
            field,
        )
    if not all(isinstance(value, str) for value in values):
        raise BadRequest(gettext("This must be a list of texts."), field)
    return values


def read_mapping(body: dict[str, Any], field: str) -> dict[str, str]:
    values = read_object(body, field)
    if len(values) > MAX_TEXTS or not all(isinstance(value, str) for value in values.values()):
        raise BadRequest(
            gettext("This must be an object of at most %(max_texts)s texts.")
            % {"max_texts": MAX_TEXTS},
            field,
        )
    return values


def read_confidence(body: dict[str, Any], field: str) -> float | None:
    value = body.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise BadRequest(gettext("This must be a number from 0 to 1, or null."), field)
    return float(value)


def read_whole_number(
    body: dict[str, Any], field: str, *, default: int, least: int, most: int
) -> int:
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadRequest(
            gettext("This must be a whole number from %(least)s to %(most)s.")
            % {"least": least, "most": most},
            field,
        )
    return value


def read_flag(body: dict[str, Any], field: str) -> bool:
    value = body.get(field, False)
    if not isinstance(value, bool):
        raise BadRequest(gettext("This must be true or false."), field)
    return value


def read_object(body: dict[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field, {})
    if not isinstance(value, dict):
        raise BadRequest(gettext("This must be an object."), field)
    return value


def read_optional_object(body: dict[str, Any], field: str) -> dict[str, Any] | None:
    return None if body.get(field) is None else read_object(body, field)


def read_milliseconds(body: dict[str, Any], field: str) -> int | None:
    value = body.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_MILLISECONDS:
        raise BadRequest(gettext("This must be a whole number of milliseconds."), field)
    return value


def read_moment(body: dict[str, Any], field: str) -> datetime | None:
    """A moment in milliseconds since 1970, as a script counts."""
    value = body.get(field)
    if value is None:
        return None
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 <= value <= MAX_EPOCH_MILLISECONDS:
        raise BadRequest(gettext("This must be a whole number of milliseconds."), field)
    return EPOCH + timedelta(milliseconds=value)


def milliseconds_of(moment: datetime) -> int:
    """The other way round."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
