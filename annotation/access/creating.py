"""Who may begin a study in the browser."""

from __future__ import annotations

from annotation.models import Membership

from .objects import AnyUser
from .outcomes import READERS

NOT_FOR_YOU = (
    "New studies are begun by those who run this site and by owners and researchers of a study on "
    "it. Ask one of them to begin it and to invite you as researcher."
)


def may_create_studies(user: AnyUser) -> bool:
    """Whether the user may begin a study. At most one query.

    Those who run the site may, and those who run a study on it: its owners and researchers. They
    were let in as such by somebody. Annotators, monitors and adjudicators ask one of them.
    """
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_staff or Membership.objects.filter(user=user, role__in=READERS).exists()
