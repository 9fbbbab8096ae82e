"""What is wrong with a text that somebody sent, in their language."""

from __future__ import annotations

from django.utils.translation import gettext

from annotation.storable import is_storable


def fault_of_text(value: object, most: int) -> str | None:
    """Why a value is no text of up to `most` characters that both databases hold; None if it is."""
    if not isinstance(value, str):
        return gettext("This must be text.")
    if len(value) > most:
        return gettext("This is longer than %(most)s characters.") % {"most": most}
    if not is_storable(value):
        return gettext("This holds a character that cannot be stored.")
    return None
