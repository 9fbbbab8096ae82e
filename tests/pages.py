"""Reading the pages that the test client gets."""

from __future__ import annotations

import re
from typing import Protocol

CSRF_FIELD = re.compile(r'(name="csrfmiddlewaretoken" value=")[^"]*')


class Answer(Protocol):
    @property
    def content(self) -> bytes: ...


def text_of(response: Answer) -> str:
    """The body without the CSRF token, which differs from page to page."""
    return CSRF_FIELD.sub(r"\1", response.content.decode())
