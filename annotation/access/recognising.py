"""The annotator who asks, with study and account, in one query: rating asks for every vote.

It only ever says yes, and only where Django would say the same of the account. Whatever is not
plain is left to the long way, which knows every refusal.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db.models import CharField, Exists, OuterRef
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import Annotator, AnnotatorState, Membership, Role, User

ANNOTATOR = CompiledQuery(
    lambda: (
        Annotator.objects.filter(
            Exists(
                Membership.objects.filter(
                    study=OuterRef("study"), user=OuterRef("user"), role=Role.ANNOTATOR
                )
            ),
            user=Parameter("user", KEY),
            study__slug=Parameter("slug", CharField()),
            user__is_active=True,
        )
        .exclude(state=AnnotatorState.REMOVED)
        .select_related("study", "user")
    )
)


def recognise(request: HttpRequest, slug: str) -> Annotator | None:
    """The signed-in user's own annotator in the study, with `study` and `user`.

    Returns None where there is none or anything is unusual: then ask `request.user` and
    `get_annotator_for`. Asked again in the same request it costs nothing.
    """
    known: tuple[str, Annotator] | None = getattr(request, "_recognised", None)
    if known is not None and known[0] == slug:
        return known[1]
    annotator = find(request, slug)
    if annotator is not None:
        request._recognised = (slug, annotator)  # type: ignore[attr-defined]
    return annotator


def find(request: HttpRequest, slug: str) -> Annotator | None:
    session = request.session
    backend, signed = session.get(BACKEND_SESSION_KEY), session.get(HASH_SESSION_KEY)
    if SESSION_KEY not in session or not signed or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    annotator = ANNOTATOR.first(user=User._meta.pk.to_python(session[SESSION_KEY]), slug=slug)
    if annotator is None or annotator.user is None:
        return None
    if not constant_time_compare(signed, annotator.user.get_session_auth_hash()):
        return None
    # What `request.user` would have read.
    request._cached_user = annotator.user  # type: ignore[attr-defined]
    return annotator
