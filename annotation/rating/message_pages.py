"""Messages of researchers on the annotator's page, until they were read."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from annotation import messages
from annotation.access import SignedInRequest, study_annotator
from annotation.models import Annotator

from .json_edge import NO_STORE
from .visible_text import visible_text


@require_safe
@study_annotator
def unread(request: SignedInRequest, annotator: Annotator) -> HttpResponse:
    """The messages alone, for a page that stays open for hours."""
    return fragment(request, annotator)


@require_POST
@study_annotator
def read(request: SignedInRequest, annotator: Annotator, message: uuid.UUID) -> HttpResponse:
    """Show a message no longer; a script gets the others, a form comes back to the page."""
    if not messages.mark_read(annotator, message):
        raise Http404("There is no such message.")
    if request.headers.get("Accept", "").startswith("text/fragment+html"):
        return fragment(request, annotator)
    return redirect("rating:page", slug=annotator.study.slug)


def fragment(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    response = render(
        request,
        "annotation/rating/messages.html",
        {"letters": letters_of(annotator), "slug": annotator.study.slug},
    )
    response.headers["Cache-Control"] = NO_STORE
    return response


def letters_of(annotator: Annotator) -> list[dict[str, object]]:
    """As the page shows them, oldest first. One query."""
    return [
        {"id": letter.public_id, "text": visible_text(letter.text), "at": letter.created_at}
        for letter in messages.list_unread(annotator)
    ]
