"""How operations are described in the OpenAPI document: their refusals, their lists, their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

from .idempotency import HEADER, LONGEST_KEY
from .problems import MEDIA_TYPE, ProblemSerializer

OF_EVERYBODY = "Anyone with an account."
OF_A_STUDY = "Owners and researchers of the study."

REFUSALS = {
    400: "The body is no JSON, or the cursor is none.",
    401: "No key, or one that is not good any more.",
    403: "The key has no such scope, or your role does not include this.",
    404: "There is no such thing, or you have no part in it.",
    409: "It does not fit how things stand; nothing was changed.",
    413: "The body is too large.",
    415: "The body is of another type than is taken here.",
    422: "A value is not allowed; every fault is named.",
    429: "Too many requests: see Retry-After.",
    503: "Not ready yet: see Retry-After.",
}
# 422: a parameter of the address that there is not.
ALWAYS = (401, 403, 422, 429)

KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "maxLength": LONGEST_KEY},
    OpenApiParameter.HEADER,
    description="Names this request: sent again within a day, it is done once and answered alike.",
)
CURSOR = OpenApiParameter(
    "cursor", OpenApiTypes.STR, description="From `next` or `previous` of a page."
)
PAGE_SIZE = OpenApiParameter(
    "page_size",
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    description="Rows in a page.",
)


def refusals(*codes: int) -> dict[Any, Any]:
    return {
        (code, MEDIA_TYPE): OpenApiResponse(ProblemSerializer, description=REFUSALS[code])
        for code in sorted({*ALWAYS, *codes})
    }


def tells(
    serializer: Any,
    name: str,
    words: str,
    who: str,
    code: int = 200,
    *,
    takes: Any = None,
    also: Sequence[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    takes_key: bool = True,
    later: Any = None,
) -> dict[str, Any]:
    """An operation that answers with one object, for `extend_schema`.

    `later` is the answer with 202, where the background does it.
    """
    more: set[int] = {404} | set(also)
    given = list(parameters)
    if takes is not None:
        more |= {400, 409, 413, 415, 422}
        if takes_key:
            given.append(KEY)
    return {
        "operation_id": name,
        "summary": words,
        "description": f"For: {who}",
        "request": takes,
        "responses": {
            code: serializer,
            **({} if later is None else {202: later}),
            **refusals(*more),
        },
        "parameters": given,
    }


def lists(
    row: Any,
    name: str,
    words: str,
    who: str,
    parameters: Sequence[OpenApiParameter] = (),
    also: Sequence[int] = (),
) -> dict[str, Any]:
    """An operation that answers with a page of rows."""
    page = inline_serializer(
        f"{row.__name__.removesuffix('Serializer')}Page",
        {
            "next": serializers.URLField(allow_null=True, help_text="The next page, or null."),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )
    return {
        "operation_id": name,
        "summary": words,
        "description": f"For: {who}",
        "responses": {200: page, **refusals(404, *also)},
        "parameters": [CURSOR, PAGE_SIZE, *parameters],
    }
