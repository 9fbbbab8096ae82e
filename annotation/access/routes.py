"""Finds the views that do not say who they are for, and refuses to serve them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, get_resolver

from .declarations import access_of

# Guarded by Django's own staff check. Static files are served before any route is looked up.
EXCLUDED_NAMESPACES = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class Route:
    """One URL pattern of the project."""

    path: str
    name: str | None
    namespaces: tuple[str, ...]
    view: Callable[..., HttpResponseBase]

    @property
    def full_name(self) -> str:
        return ":".join((*self.namespaces, self.name or self.path))

    @property
    def excluded(self) -> bool:
        return not EXCLUDED_NAMESPACES.isdisjoint(self.namespaces)


def list_routes() -> Iterator[Route]:
    """Every route of the project, the excluded ones too."""
    yield from walk(get_resolver().url_patterns, "", ())


def walk(
    patterns: Sequence[URLPattern | URLResolver], prefix: str, namespaces: tuple[str, ...]
) -> Iterator[Route]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from walk(entry.url_patterns, path, inner)
        else:
            yield Route(path, entry.name, namespaces, entry.callback)


def list_undeclared() -> list[Route]:
    return [
        route for route in list_routes() if not route.excluded and access_of(route.view) is None
    ]


def check_every_view_declares_access(**_: Any) -> list[CheckMessage]:
    """System check: a command that serves or tests the site does not start with such a view."""
    return [
        Error(
            f"The view of /{route.path} does not say who may see it.",
            hint="Put public, signed_in, study_role or study_annotator of annotation.access on it.",
            id="annotation.E001",
        )
        for route in list_undeclared()
    ]


class RefuseUndeclaredViews:
    """Middleware: a view that does not say who it is for is not run, for anyone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponseBase],
        args: Sequence[object],
        kwargs: dict[str, object],
    ) -> None:
        match = request.resolver_match
        excluded = match is not None and not EXCLUDED_NAMESPACES.isdisjoint(match.namespaces)
        if not excluded and access_of(view) is None:
            raise ImproperlyConfigured(f"The view {view!r} does not say who may see it.")
