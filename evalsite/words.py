"""What scripts say, as one script for each language: Django's catalogue, kept by browsers.

English is written in the scripts themselves, so that its pages load none.
"""

from __future__ import annotations

import functools
import hashlib

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog

from annotation.access import public

ROOMS = ["annotation", "evalsite"]

# The digest stands in the address, so that what is there never changes.
KEPT = "public, max-age=31536000, immutable"


@functools.cache
def script_of(language: str) -> bytes:
    with translation.override(language):
        return JavaScriptCatalog(packages=ROOMS).get(HttpRequest()).content


@functools.cache
def digest_of(language: str) -> str:
    return hashlib.sha256(script_of(language)).hexdigest()[:12]


def address_of_words(language: str) -> str:
    """Where the script of a language is, or an empty string for the language of the source."""
    if language == settings.LANGUAGE_CODE:
        return ""
    return reverse("words", kwargs={"language": language, "digest": digest_of(language)})


@require_safe
@public
def words(request: HttpRequest, language: str, digest: str) -> HttpResponse:
    """Another digest gets what there is now, and nobody keeps it: it may be on its way out."""
    if language not in dict(settings.LANGUAGES):
        raise Http404("The site does not speak this language.")
    response = HttpResponse(script_of(language), content_type="text/javascript; charset=utf-8")
    if digest == digest_of(language):
        response.headers["Cache-Control"] = KEPT
    return response
