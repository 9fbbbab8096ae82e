"""What the pages about people share: who may open them, and refusals as words on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from annotation import people
from annotation.access import SignedInRequest, roles_on_page
from annotation.models import Role, Study
from annotation.quality import ReviewRefusedError

# Monitors watch work, not names: payments and addresses are none of it.
MANAGERS = (Role.OWNER, Role.RESEARCHER)


def manageable_by(request: SignedInRequest, study: Study) -> frozenset[Role]:
    return people.manageable(roles_on_page(request, study))


def refuse_unless(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied("Only an owner of the study decides about this person.")


def done(
    request: SignedInRequest, act: Callable[[], str], target: str, **kwargs: int | str
) -> HttpResponse:
    """Do something, say it or why it was not done on the page that follows."""
    try:
        messages.success(request, act())
    except people.NotTheirsError as refused:
        raise PermissionDenied(str(refused)) from None
    except (people.PeopleError, ReviewRefusedError) as refused:
        messages.error(request, str(refused))
    return redirect(reverse(target, kwargs=kwargs))


def page(
    request: SignedInRequest,
    name: str,
    study: Study,
    context: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    """A page of the area; nothing of it is kept by a cache, since it names people."""
    response = render(
        request, f"annotation/people/{name}.html", {"study": study, **context}, status=status
    )
    response.headers["Cache-Control"] = "no-store, private"
    return response
