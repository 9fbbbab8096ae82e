"""Which texts a database keeps. Pure."""

from __future__ import annotations


def is_storable(text: str) -> bool:
    """Whether a text has no NUL and no lone surrogate, which Python makes of bytes of no UTF-8."""
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
