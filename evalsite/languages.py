"""In which language a page speaks: the one that was chosen, or else the browser's wish.

A page never mixes two. Which pages are translated is declared here, by the namespace of their
addresses; every other page is in English whoever asks for it. See docs/decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import ResolverMatch
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from annotation.access import public

# Signing in, invitations, home and errors have no namespace and are translated, too.
TRANSLATED_NAMESPACES = frozenset({"rating"})

# Django's own view, by POST with a CSRF token: sets the cookie and goes back to `next`, which must
# be an address of this site.
choose = require_POST(public(set_language))


def is_translated(match: ResolverMatch | None) -> bool:
    """Whether the page at an address can speak every language of the site.

    `None` is an address that leads nowhere: its page is the one of an error.
    """
    return match is None or TRANSLATED_NAMESPACES.issuperset(match.namespaces)


class LanguageMiddleware(LocaleMiddleware):
    """Django's, with English for the pages that are not translated.

    It stands outside of everything that may fail, so that errors are told in the same language,
    and leaves the thread as it was: what runs there next is no part of this request.
    """

    async_capable = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(translation.get_language()):
            return cast(HttpResponseBase, super().__call__(request))

    def process_request(self, request: HttpRequest) -> None:
        """As Django does where no address names a language."""
        translation.activate(translation.get_language_from_request(request))
        request.LANGUAGE_CODE = translation.get_language()

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        patch_vary_headers(response, ("Accept-Language",))
        response.headers.setdefault("Content-Language", translation.get_language())
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: object,
        args: Sequence[object],
        kwargs: dict[str, object],
    ) -> None:
        if not is_translated(request.resolver_match):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
