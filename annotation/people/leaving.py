"""Ending an annotator's part: access, reservations, and whether the votes stay."""

from __future__ import annotations

from annotation import quality
from annotation.models import (
    Annotator,
    AnnotatorState,
    Membership,
    ReviewOutcome,
    Role,
    Study,
    User,
)
from annotation.quality.reviewing import MOST_CHARACTERS, checked_reason

from .members import remove_role
from .refusals import PeopleError

LONGEST_REASON = MOST_CHARACTERS


def end_part(
    study: Study, user: User, actor: User | None, *, withdraw_votes: bool, reason: str = ""
) -> None:
    """End somebody's part as annotator at their next request; their pairs go to the others.

    Parameters
    ----------
    withdraw_votes : bool
        Whether the votes given so far are taken out of the count: each is excluded with the
        reason, and its slot opens for somebody else. Nothing is deleted. Asked once more for
        somebody who has left already, it withdraws the votes that were left in.
    reason : str
        Needed for a withdrawal; kept with it.

    Raises
    ------
    PeopleError
        The user is no annotator here, or a withdrawal has no reason.
    ReviewRefusedError
        The actor may not withdraw votes, or the reason cannot be kept.
    """
    annotator = Annotator.objects.filter(study=study, user=user).select_related("study").first()
    if annotator is None:
        raise PeopleError(f"This account is no annotator of {study.slug}.")
    if withdraw_votes:
        # Before anything is done: access must not end without the votes that were to go with it.
        reason = checked_reason(reason)
    has_left = annotator.state == AnnotatorState.REMOVED
    if (
        not has_left
        or Membership.objects.filter(study=study, user=user, role=Role.ANNOTATOR).exists()
    ):
        remove_role(study, user, Role.ANNOTATOR, actor)
        annotator.refresh_from_db()
    elif not withdraw_votes:
        raise PeopleError("Their part has ended before; their votes count as they did.")
    if withdraw_votes:
        quality.review(annotator, ReviewOutcome.REJECT, reason, actor)
