"""What every view of the API stands on: who may call it, with which key, how often, and once.

A view says its roles as pages do, and the saying is the check. Each request reads roles anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, cast

from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, DictField, ListField, ListSerializer
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from annotation import audit
from annotation.access import Access, AccessKind
from annotation.access.declarations import declare
from annotation.access.objects import NO_SUCH_STUDY, get_study_with_roles_for
from annotation.access.outcomes import READERS
from annotation.models import ApiToken, Role, Study, User

from . import idempotency
from .authentication import account_of
from .idempotency import Claimed, Kept, KeyInUse, KeyLost, KeyOfAnother
from .limits import StrangerThrottle
from .problems import Conflict, Refused
from .tokens import Scope, scopes_of

SAFE = ("GET", "HEAD", "OPTIONS")


# Of a key whose first request died, by whether the log has an entry of it.
BROKE_OFF = {
    True: "The first request with this key was done, at least in part, and broke off before it was "
    "answered. Nothing was done now: look at what there is.",
    False: "The first request with this key broke off before it did anything that the log keeps. "
    "Nothing was done now: send it again with a new key if it is still wanted.",
}
# What every list takes.
PAGED = ("cursor", "page_size")


class Replayed(Exception):
    """The request was done before; here is its answer."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept


class Pages(CursorPagination):
    """By an opaque cursor, in the order of arrival: rows that come meanwhile move nothing."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    ordering: Any = ("pk",)
    cursor_query_param = "cursor"


class ApiView(APIView):
    """For anyone with an account. GET needs a key with the scope read, all else write."""

    # Permission is decided in `initial`, by what the class declares.
    permission_classes = (AllowAny,)
    parser_classes: Any = (JSONParser,)
    # Whether a write may be named by an Idempotency-Key.
    takes_key: ClassVar[bool] = True
    # Whether the body is JSON and small; others are read as a stream.
    reads_body: ClassVar[bool] = True

    # Query parameters that GET knows, and those of all else.
    reads: ClassVar[tuple[str, ...]] = ()
    sends: ClassVar[tuple[str, ...]] = ()

    # How refusals of rooms above this one are answered, which `problems` cannot name.
    refusals: ClassVar[Mapping[type[Exception], type[exceptions.APIException]]] = {}

    _claimed: Claimed | None = None
    # Whether the log gained an entry, in a transaction that may have ended or not.
    has_acted = False

    @classmethod
    def access(cls) -> Access:
        return Access(AccessKind.SIGNED_IN)

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        declare(view, cls.access())
        return view

    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        except exceptions.AuthenticationFailed:
            # Raised before the throttles: whoever tries keys is a stranger.
            strangers = StrangerThrottle()
            if not strangers.allow_request(request, self):
                raise exceptions.Throttled(strangers.wait()) from None
            raise
        if not isinstance(request.user, User):
            raise exceptions.NotAuthenticated("Sign in, or send a key: Authorization: Bearer evs_…")
        self.check_scope(request)
        self.check_access(request, kwargs)
        self.check_queries(request)
        if request.method not in SAFE:
            self.claim_key(request)

    def needed_scope(self, request: Request) -> Scope:
        return Scope.READ if request.method in SAFE else Scope.WRITE

    def check_scope(self, request: Request) -> None:
        if not isinstance(request.auth, ApiToken):
            return
        needed = self.needed_scope(request)
        if needed not in scopes_of(request.auth):
            raise exceptions.PermissionDenied(
                f"This key may not {needed.value}. Make one with the scope {needed.value} under "
                "your account."
            )

    def check_access(self, request: Request, kwargs: dict[str, Any]) -> None:
        """Whoever has an account may go on; a key of one study opens nothing beside it."""
        if isinstance(request.auth, ApiToken) and request.auth.study_id is not None:
            self.bound_to(request.auth)

    def bound_to(self, token: ApiToken) -> None:
        """What becomes of a key of one study at an address of none."""

    def check_queries(self, request: Request) -> None:
        """A misspelt filter must not answer with everything."""
        known = self.reads if request.method in SAFE else self.sends
        unknown = sorted(set(request.query_params) - set(known))
        if unknown:
            there_are = f"there are {', '.join(known)}" if known else "it has none"
            raise Refused(
                "The address has parameters that there are not. Nothing was done.",
                [(name, f"There is no such parameter; {there_are}.") for name in unknown],
            )

    def claim_key(self, request: Request) -> None:
        key = request.headers.get(idempotency.HEADER, "")
        body = b""
        if self.reads_body:
            # Django's own limit of a body acts where it is read, which the parsers do not do.
            body = request._request.body
        if not key:
            return
        if not self.takes_key:
            raise Refused(
                f"This address takes no {idempotency.HEADER}: the same content sent again changes "
                "nothing. Nothing was done: send it without."
            )
        if len(key) > idempotency.LONGEST_KEY:
            raise Refused(f"{idempotency.HEADER} is longer than {idempotency.LONGEST_KEY}.")
        digest = idempotency.hash_of(
            (request.method or "").encode(), request._request.get_full_path().encode(), body
        )
        try:
            found = idempotency.claim(cast(User, request.user), key, digest)
        except KeyInUse:
            raise Conflict("The first request with this key is still at work. Ask again.") from None
        except KeyLost as lost:
            raise Conflict(BROKE_OFF[lost.was_done]) from None
        except KeyOfAnother:
            raise Conflict(
                "This Idempotency-Key named another request before. Nothing was done: send a new "
                "key with a new request."
            ) from None
        if isinstance(found, Kept):
            raise Replayed(found)
        self._claimed = found

    def note_done(self) -> None:
        """The log gains an entry of this request, in the caller's transaction."""
        self.has_acted = True
        if self._claimed is not None:
            idempotency.note_done(self._claimed)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replayed):
            response = Response(exc.kept.content, status=exc.kept.status)
            response["Idempotent-Replayed"] = "true"
            return response
        for kind, answered in self.refusals.items():
            if isinstance(exc, kind):
                exc = answered(str(exc))
                break
        return super().handle_exception(exc)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        outer = audit.WITNESS.set(self.note_done)
        try:
            return super().dispatch(request, *args, **kwargs)
        except BaseException:
            self.give_key_back()
            raise
        finally:
            audit.WITNESS.reset(outer)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        claimed = self._claimed
        if claimed is not None:
            if isinstance(response, Response) and response.status_code < 400:
                # As it will be rendered: numbers, dates and lazy texts are plain from here on.
                content = json.loads(json.dumps(response.data, cls=JSONEncoder))
                response.data = content
                idempotency.remember(claimed, response.status_code, content)
                self._claimed = None
            else:
                self.give_key_back()
        final = super().finalize_response(request, response, *args, **kwargs)
        final.headers["Cache-Control"] = "no-store, private"
        return final

    def give_key_back(self) -> None:
        if self._claimed is not None:
            idempotency.release(self._claimed)
            self._claimed = None

    def paginated(
        self, rows: Any, serializer: Any, *, ordering: tuple[str, ...] = ("pk",), **context: Any
    ) -> Response:
        """A page of rows and the addresses of the next and the previous one.

        `ordering` is a total order that begins with a column of the rows themselves.
        """
        pages = Pages()
        pages.ordering = ordering
        page: Any = pages.paginate_queryset(rows, self.request, view=self)
        return pages.get_paginated_response(serializer(page, many=True, context=context).data)

    def read(self, serializer: Any, *, partial: bool = False) -> dict[str, Any]:
        """The body by a serializer; what is no object or has unknown fields is refused."""
        data = self.request.data
        if not isinstance(data, dict):
            raise Refused("The body must be a JSON object.")
        unknown = list(unknown_fields(serializer(), data))
        if unknown:
            raise Refused("The request has fields that there are not. Nothing was done.", unknown)
        form = serializer(data=data, partial=partial)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)


def unknown_fields(field: Any, data: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Each field that no serializer knows, at any depth, and what there is in its place."""
    if isinstance(field, ListField | ListSerializer):
        if isinstance(data, list):
            for number, entry in enumerate(data):
                yield from unknown_fields(field.child, entry, f"{where}[{number}]")
    elif isinstance(field, DictField):
        if isinstance(data, dict):
            for name, entry in data.items():
                yield from unknown_fields(field.child, entry, f"{where}.{name}")
    elif isinstance(field, BaseSerializer) and isinstance(data, dict):
        known = cast(Any, field).fields
        for name, value in sorted(data.items()):
            place = f"{where}.{name}" if where else name
            if name in known:
                yield from unknown_fields(known[name], value, place)
            else:
                yield place, f"There is no such field; there are {', '.join(known)}."


class StudyView(ApiView):
    """For members of the study named in the address who have one of `roles`.

    `writers`, where given, are those of them who may send anything but GET.
    """

    roles: ClassVar[frozenset[Role]] = READERS
    writers: ClassVar[frozenset[Role] | None] = None

    study: Study
    held: frozenset[Role]

    @classmethod
    def access(cls) -> Access:
        return Access(AccessKind.STUDY, cls.roles | (cls.writers or frozenset()))

    def check_access(self, request: Request, kwargs: dict[str, Any]) -> None:
        slug = str(kwargs["slug"])
        wanted = self.roles if request.method in SAFE or self.writers is None else self.writers
        found = get_study_with_roles_for(account_of(request), slug, *wanted)
        token = request.auth
        if isinstance(token, ApiToken) and token.study_id not in (None, found.study.pk):
            # As if it were not there: the key knows of one study only.
            raise Http404(NO_SUCH_STUDY)
        self.study, self.held = found.study, found.roles
