"""The annotator who asks, with session, account and study, in one query: rating asks for each vote.

It only ever says yes, and only where Django would say the same of the account. Whatever is not
plain is left to the long way, which knows every refusal.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db.models import CharField, DateTimeField, Exists, F, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from annotation.compiled import CompiledQuery, Parameter
from annotation.models import Annotator, AnnotatorState, Membership, Role
from annotation.sessions import SessionStore

# All that a request for a pair or a vote asks for; pages show instructions and more.
COLUMNS_OF_A_REQUEST = (
    "study",
    "user",
    "state",
    "external_id",
    "study__slug",
    "study__rules",
    "user__username",
    "user__password",
    "user__is_active",
)


def of_session() -> QuerySet[Annotator]:
    return (
        Annotator.objects.filter(
            Exists(
                Membership.objects.filter(
                    study=OuterRef("study"), user=OuterRef("user"), role=Role.ANNOTATOR
                )
            ),
            user__sessions__session_key=Parameter("key", CharField()),
            user__sessions__expire_date__gt=Parameter("now", DateTimeField()),
            study__slug=Parameter("slug", CharField()),
            user__is_active=True,
        )
        .select_related("study", "user")
        .annotate(session_data=F("user__sessions__session_data"))
    )


OF_SESSION: CompiledQuery[Any] = CompiledQuery(of_session)
OF_SESSION_IN_BRIEF: CompiledQuery[Any] = CompiledQuery(
    lambda: of_session().only(*COLUMNS_OF_A_REQUEST)
)


def recognise(request: HttpRequest, slug: str, *, in_brief: bool = False) -> Annotator | None:
    """The signed-in user's own annotator in the study, with `study` and `user`.

    `in_brief` for what is asked for each vote: few columns are read, others only if asked for.
    Returns None where there is none or anything is unusual: then ask `request.user` and
    `get_annotator_for`. Asked again in the same request it costs nothing.
    """
    known: tuple[str, Annotator] | None = getattr(request, "_recognised", None)
    if known is not None and known[0] == slug:
        return known[1]
    annotator = find(request, slug, OF_SESSION_IN_BRIEF if in_brief else OF_SESSION)
    if annotator is not None:
        request._recognised = (slug, annotator)  # type: ignore[attr-defined]
    return annotator


def find(request: HttpRequest, slug: str, of: CompiledQuery[Any]) -> Annotator | None:
    session = request.session
    if not isinstance(session, SessionStore) or session.is_read or not session.session_key:
        return None
    annotator: Any = of.first(key=session.session_key, now=timezone.now(), slug=slug)
    # Not a condition of the query: where nobody was removed, PostgreSQL takes it to leave nobody,
    # begins with it, and reads everybody's sessions for each vote.
    if annotator is None or annotator.state == AnnotatorState.REMOVED:
        return None
    session.take_in(annotator.session_data)
    # The signed text says whose session it is; the column beside it only finds it.
    signed = session.get(HASH_SESSION_KEY)
    if (
        session.get(SESSION_KEY) != str(annotator.user_id)
        or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS
        or not signed
        or not constant_time_compare(signed, annotator.user.get_session_auth_hash())
    ):
        return None
    # What `request.user` would have read.
    request._cached_user = annotator.user  # type: ignore[attr-defined]
    found: Annotator = annotator
    return found
