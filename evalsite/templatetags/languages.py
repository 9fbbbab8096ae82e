"""The languages a reader may choose from, and the words of scripts in the one that is spoken."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from evalsite.languages import is_translated
from evalsite.words import address_of_words

register = template.Library()


@dataclass(frozen=True, slots=True)
class Language:
    """A code such as `de`, and the language's name in itself."""

    code: str
    name: str


@register.simple_tag(takes_context=True)
def languages_on_offer(context: template.Context) -> list[Language]:
    """Every language of the site; none on a page that speaks English only, or that was posted to.

    A page that answers a form may have no address of its own to come back to.
    """
    request = context.get("request")
    if not isinstance(request, HttpRequest) or request.method not in ("GET", "HEAD"):
        return []
    if not is_translated(request.resolver_match):
        return []
    return [Language(code, name) for code, name in settings.LANGUAGES]


@register.simple_tag
def script_words() -> str:
    """As `evalsite.words.address_of_words`, for the language of the page."""
    return address_of_words(get_language() or settings.LANGUAGE_CODE)
