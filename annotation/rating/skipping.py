"""Giving a pair back for others, and what is said when too many were."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext, ngettext

from annotation import quality, queue
from annotation.models import Annotator, ComparisonKind, SkipReason

TOO_MANY = 429


def skip_pair(annotator: Annotator, public_id: uuid.UUID, reason: SkipReason, note: str) -> str:
    """Release a pair; one of training may have been the last of its round, which is then graded.

    Returns
    -------
    str
        What to tell somebody who skips much; else empty.

    Raises
    ------
    AssignmentNotFound, AlreadyAnswered, SkipLimitReached
        As `queue.release` does; nothing was changed.
    """
    with transaction.atomic():
        if queue.release(annotator, public_id, reason, note) == ComparisonKind.TRAINING:
            quality.conclude_training(annotator.pk)
            return ""
    skips = quality.skips_to_warn_of(annotator)
    return "" if skips is None else many_skips(skips.hits, skips.n)


def many_skips(skipped: int, of: int) -> str:
    """What somebody is told before a researcher hears of it.

    Examples
    --------
    >>> many_skips(8, 12)
    'You have skipped 8 of your last 12 pairs. Please skip only what you cannot judge.'
    """
    if of == 1:
        return gettext("You have skipped your last pair. Please skip only what you cannot judge.")
    said = ngettext(
        "You have skipped %(skipped)s of your last %(of)s pair. Please skip only what you "
        "cannot judge.",
        "You have skipped %(skipped)s of your last %(of)s pairs. Please skip only what you "
        "cannot judge.",
        of,
    )
    return said % {"skipped": skipped, "of": of}


@dataclass(frozen=True, slots=True)
class RefusedSkip:
    """Why a pair was not skipped, as the page and the API say it alike.

    Attributes
    ----------
    code, message : str
        The kind of refusal, and its words.
    status : int
        Of HTTP.
    retry_after : str
        When one more skip is allowed, in seconds, as the header has it.
    """

    code: str
    message: str
    status: int
    retry_after: str


def refused_skip(fault: queue.SkipLimitReached) -> RefusedSkip:
    """What whoever skipped too much is answered, wherever they asked."""
    return RefusedSkip(
        fault.code,
        no_more_skips(fault.limit, fault.seconds),
        TOO_MANY,
        str(fault.seconds),
    )


def no_more_skips(limit: int, seconds: int) -> str:
    """Why a pair was not skipped, and when one can be again.

    Examples
    --------
    >>> no_more_skips(20, 90)
    'You have skipped 20 pairs within an hour. You can skip again in 2 minutes. This pair is yours.'
    """
    minutes = math.ceil(seconds / 60)
    skipped = ngettext(
        "You have skipped %(pairs)s pair within an hour.",
        "You have skipped %(pairs)s pairs within an hour.",
        limit,
    ) % {"pairs": limit}
    again = ngettext(
        "You can skip again in %(minutes)s minute.",
        "You can skip again in %(minutes)s minutes.",
        minutes,
    ) % {"minutes": minutes}
    return f"{skipped} {again} {gettext('This pair is yours.')}"
