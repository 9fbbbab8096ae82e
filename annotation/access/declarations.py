"""Every view says who it is for, and the saying is also the check.

A view without one of these decorators is refused: by a system check when a command starts, and by
`RefuseUndeclaredViews` on each request. The decorator stands outermost or inside others that use
`functools.wraps`.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import gettext

from annotation.models import Role, Study, User

from .objects import (
    StudyWithRoles,
    get_annotator_for,
    get_study_with_roles_for,
    roles_of,
)
from .recognising import recognise

View = Callable[..., HttpResponseBase]

ATTRIBUTE = "access"
# On a request: the study and the roles with which `study_role` let it in.
FOUND = "study_with_roles"


class AccessKind(enum.Enum):
    PUBLIC = "public"
    SIGNED_IN = "signed in"
    STUDY = "study"


@dataclass(frozen=True, slots=True)
class Access:
    """Who a view is for. `roles` is empty unless `kind` is STUDY."""

    kind: AccessKind
    roles: frozenset[Role] = frozenset()


class SignedInRequest(HttpRequest):
    """The request as a view behind `signed_in`, `study_role` or `study_annotator` gets it."""

    user: User


def access_of(view: object) -> Access | None:
    """What the view declares, or None."""
    declared = getattr(view, ATTRIBUTE, None)
    return declared if isinstance(declared, Access) else None


def declare(view: View, access: Access) -> View:
    if access_of(view) is not None:
        raise ImproperlyConfigured(f"The view {view!r} declares its access twice.")
    setattr(view, ATTRIBUTE, access)
    return view


def public(view: View) -> View:
    """For anyone, signed in or not."""

    @functools.wraps(view)
    def for_anyone(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        return view(request, *args, **kwargs)

    return declare(for_anyone, Access(AccessKind.PUBLIC))


def signed_in(view: View) -> View:
    """For anyone with an account; what they see is up to what the view fetches for them."""

    @functools.wraps(view)
    def for_accounts(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        return view(request, *args, **kwargs)

    return declare(for_accounts, Access(AccessKind.SIGNED_IN))


def study_role(*roles: Role) -> Callable[[View], View]:
    """For members of the study named by the URL's `slug` who have one of `roles`.

    The view gets the keyword `study`, a Study, in place of `slug`.
    """
    if not roles:
        raise ImproperlyConfigured("study_role needs the roles that may see the view.")

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def for_roles(
            request: HttpRequest, *args: object, slug: str, **kwargs: object
        ) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            found = get_study_with_roles_for(request.user, slug, *roles)
            setattr(request, FOUND, found)
            return view(request, *args, study=found.study, **kwargs)

        return declare(for_roles, Access(AccessKind.STUDY, frozenset(roles)))

    return decorate


def roles_on_page(request: HttpRequest, study: Study) -> frozenset[Role]:
    """What the user is in the study, as `study_role` read it for this request; else read now.

    For what a page shows. Whatever changes something asks `roles_of`, under its own locks.
    """
    found = getattr(request, FOUND, None)
    if isinstance(found, StudyWithRoles) and found.study.pk == study.pk:
        return found.roles
    return roles_of(request.user, study)


def study_annotator(view: View) -> View:
    """For the annotators of the study named by the URL's `slug`.

    The view gets the keyword `annotator`, an Annotator with its study, in place of `slug`.
    """

    @functools.wraps(view)
    def for_annotators(
        request: HttpRequest, *args: object, slug: str, **kwargs: object
    ) -> HttpResponseBase:
        annotator = recognise(request, slug)
        if annotator is None:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            annotator = get_annotator_for(request.user, slug)
        return view(request, *args, annotator=annotator, **kwargs)

    return declare(for_annotators, Access(AccessKind.STUDY, frozenset({Role.ANNOTATOR})))


def ask_to_sign_in(request: HttpRequest) -> HttpResponseBase:
    """The sign-in page for a person, which leads back here; 401 with a code for a script."""
    if wants_json(request):
        return JsonResponse(
            {
                "error": "sign_in_required",
                "message": gettext("You are signed out. Sign in again, then send this once more."),
            },
            status=401,
            headers={"Cache-Control": "no-store"},
        )
    # A form that was being sent cannot be sent again by following a link: start at home then.
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def wants_json(request: HttpRequest) -> bool:
    if request.content_type == "application/json":
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
