"""What a form gives back where nobody touches it: not always what it was filled with.

Fields strip their texts, browsers unify line ends, and shares are shown rounded. Whoever asks what
was changed on a page compares with this, not with what is stored.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms

LINE_END = re.compile(r"\r\n|\r|\n")


def sent_back(form: forms.BaseForm) -> dict[str, Any]:
    """What a browser sends of a form as it was shown."""
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        # A box without a tick is not sent.
        if value is None or value is False:
            continue
        if isinstance(value, str):
            # A field of one line drops their ends.
            end = "\n" if isinstance(bound.field.widget, forms.Textarea) else ""
            value = end.join(LINE_END.split(value))
        sent[bound.html_name] = value
    return sent
