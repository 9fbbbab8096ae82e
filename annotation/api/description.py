"""The description of the whole API, generated from the views of all rooms."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.access import Access, AccessKind

from .edges import ApiView
from .schema import OF_EVERYBODY, refusals


class Description(ApiView):
    @extend_schema(
        operation_id="schema_get",
        summary="Read this description",
        description=f"For: {OF_EVERYBODY}",
        responses={200: OpenApiTypes.OBJECT, **refusals()},
    )
    def get(self, request: Request) -> Response:
        return Response(describe())


class Nothing(ApiView):
    """Every other address below api/: the refusal has the form that scripts expect."""

    @classmethod
    def access(cls) -> Access:
        return Access(AccessKind.PUBLIC)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404("There is no such address in the API: see api/schema/.")


def describe() -> dict[str, Any]:
    """OpenAPI 3.1 of every operation, whoever asks."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found
