"""Numbers as the pages for researchers write them."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def grouped(value: object) -> str:
    """`12,345`; a dash where there is nothing.

    Examples
    --------
    >>> grouped(12345)
    '12,345'
    """
    return f"{value:,}" if isinstance(value, (int, float)) else "–"
