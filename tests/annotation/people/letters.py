"""What the tests read from letters."""

from __future__ import annotations

import re

from django.core import mail


def link_of(letter: mail.EmailMessage) -> str:
    found = re.search(r"http://\S+(/invitation/[A-Za-z0-9_-]{43}/)", str(letter.body))
    assert found is not None
    return found[1]
