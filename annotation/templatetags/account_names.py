"""The opaque name of an account in pages: whose are the answers that the browser keeps."""

from __future__ import annotations

from django import template

from annotation.models import User
from annotation.rating.whose_page import account_name as name_of

register = template.Library()


@register.filter
def account_name(user: User) -> str:
    """As `annotation.rating.whose_page.account_name`."""
    return name_of(user)
