"""What lies on an adjudicator's desk: which case comes next, with its side and its lease.

Cases are looked for in windows of the study's comparisons, each many times as large as the last,
from a start of each adjudicator's own: where disagreements are common, the first window has one,
and a study of any size takes few queries. Where there are hardly any, a search of a large study
takes longer than a page may: it breaks off, and goes on where it was the next time. Only taking a
case locks anything, and only its comparison.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from annotation.draws import draw
from annotation.models import AdjudicationCase, CaseState, Comparison, Study, User

from .faults import CaseNotFound
from .routing import (
    Window,
    ends_of,
    held_by_colleague,
    is_decidable,
    needing_adjudication,
    rated_by,
    skipped_by,
    start_of,
)

# Long enough to read two long texts twice. Afterwards a colleague may get the pair; until one has
# decided, a decision is still welcome.
LEASE = timedelta(minutes=45)
FIRST_WINDOW = 500
# So fast that a search that finds nothing costs little more than one look at everything.
GROWTH = 16
# Looked through within the time that a web request's statement may take.
LARGEST_WINDOW = 50_000
# Of one window: if colleagues take all of these in the same moment, the next window has more.
AT_ONCE = 10
# A prime above which no product of two remainders leaves 64 bits.
PRIME = 2_147_483_647


@dataclass(frozen=True, slots=True)
class LockedComparison:
    """A comparison whose row is locked, and the moment by the database's clock."""

    comparison: Comparison
    now: datetime


def lock_comparison(comparison_id: int) -> LockedComparison:
    """Lock the comparison until the transaction ends; nothing else is locked here."""
    row = (
        Comparison.objects.filter(pk=comparison_id)
        .annotate(now=Now())
        .select_for_update(no_key=True, of=("self",))
        .get()
    )
    return LockedComparison(row, row.now)


def find_case(user: User, study: Study, public_id: uuid.UUID) -> AdjudicationCase:
    """The user's own case in the study, with its comparison and texts. One query.

    Raises
    ------
    CaseNotFound
        There is none, or it is somebody else's.
    """
    case = (
        AdjudicationCase.objects.filter(
            public_id=public_id, adjudicator=user, comparison__study=study
        )
        .select_related(
            "comparison__study",
            "comparison__prompt",
            "comparison__response_a",
            "comparison__response_b",
        )
        .first()
    )
    if case is None:
        raise CaseNotFound
    return case


@dataclass(slots=True)
class Search:
    """How far one adjudicator's search of a study has come.

    Attributes
    ----------
    at : int
        Where it goes on: so many keys after their own start.
    gone : int
        So many keys before that have no case for them.
    length : int
        So many keys the study has.
    over : bool
        All of it was gone through.
    """

    at: int = 0
    gone: int = 0
    length: int = 0
    over: bool = False


def next_case(
    user: User, study: Study, search: Search | None = None, seconds: float = math.inf
) -> AdjudicationCase | None:
    """The case that the user is to decide now: the one on their desk, or a new one.

    Never one that the user had to rate, that they skipped, or that lies on a colleague's desk.

    Parameters
    ----------
    search : Search, optional
        Where an earlier search broke off; it is carried on.
    seconds : float
        After so long no further window is looked through; at least one is.

    Returns
    -------
    AdjudicationCase or None
        None where none was found: in all of the study if `search` is over, and then
        `routing.look_at_desk` says why.
    """
    search = search or Search()
    if not is_decidable(study):
        search.over = True
        return None
    held = AdjudicationCase.objects.filter(
        adjudicator=user, comparison__study=study, state=CaseState.HELD
    )
    for comparison_id in list(held.order_by("pk").values_list("comparison", flat=True)):
        case = take(user, study, comparison_id)
        if case is not None:
            return case
    for window in windows(user, study, search, seconds):
        for comparison_id in candidates(user, study, window):
            case = take(user, study, comparison_id)
            if case is not None:
                search.gone = 0
                return case
    return None


def candidates(user: User, study: Study, window: Window) -> list[int]:
    """Some comparisons of the window that the user may take, in an order of their own."""
    factor = 1 + draw(study.queue_seed, "adjudication order", user.pk) % (PRIME - 1)
    found = (
        needing_adjudication(study, window)
        .exclude(rated_by(user))
        .exclude(skipped_by(user))
        .exclude(held_by_colleague(user, Now()))
        .order_by(F("pk") % PRIME * factor % PRIME, "pk")
    )
    return list(found.values_list("pk", flat=True)[:AT_ONCE])


def windows(
    user: User, study: Study, search: Search, seconds: float = math.inf
) -> Iterator[Window]:
    """All comparisons of the study from where the search is, around the end and back to it.

    Each window that was yielded and led to nothing lies behind the search.
    """
    until = time.monotonic() + seconds
    ends = ends_of([study]).get(study.pk)
    search.length = 0 if ends is None else ends.before - ends.first
    size = FIRST_WINDOW if search.gone == 0 else LARGEST_WINDOW
    while ends is not None and search.gone < search.length:
        offset = (start_of(user, study, ends) - ends.first + search.at) % search.length
        begin = ends.first + offset
        step = min(size, search.length - search.gone, ends.before - begin)
        yield Window(begin, begin + step)
        search.at = (search.at + step) % search.length
        search.gone += step
        size = min(size * GROWTH, LARGEST_WINDOW)
        if search.gone < search.length and time.monotonic() >= until:
            return
    search.over = True


def take(user: User, study: Study, comparison_id: int) -> AdjudicationCase | None:
    """Put one comparison on the user's desk, if it is still to be had."""
    with transaction.atomic():
        locked = lock_comparison(comparison_id)
        others = AdjudicationCase.objects.filter(
            comparison=comparison_id, state=CaseState.HELD
        ).exclude(adjudicator=user)
        others.filter(lease_expires_at__lte=locked.now).update(state=CaseState.LAPSED)
        wanted = (
            needing_adjudication(study, Window(comparison_id, comparison_id + 1))
            .exclude(rated_by(user))
            .exclude(skipped_by(user))
            .exists()
        )
        if not wanted or others.exists():
            leave(user, comparison_id)
            return None
        case, created = AdjudicationCase.objects.get_or_create(
            comparison=locked.comparison,
            adjudicator=user,
            defaults={
                "swapped": is_swapped(study, user, comparison_id),
                "lease_expires_at": locked.now + LEASE,
            },
        )
        if not created:
            case.state, case.lease_expires_at = CaseState.HELD, locked.now + LEASE
            case.save(update_fields=["state", "lease_expires_at"])
    return case


def leave(user: User, comparison_id: int) -> None:
    """Take from the user's desk what needs no decision any more."""
    AdjudicationCase.objects.filter(
        comparison=comparison_id, adjudicator=user, state=CaseState.HELD
    ).update(state=CaseState.LAPSED)


def is_swapped(study: Study, user: User, comparison_id: int) -> bool:
    """Whether this adjudicator sees response b left; drawn anew for each of them."""
    return bool(draw(study.queue_seed, "adjudication side", user.pk, comparison_id) & 1)


def skip_case(case: AdjudicationCase) -> bool:
    """Leave the case to others; False if it is decided already, which stands.

    Skipping once more changes nothing.
    """
    with transaction.atomic():
        lock_comparison(case.comparison_id)
        # The decision may have come in while this waited.
        return bool(
            AdjudicationCase.objects.filter(pk=case.pk)
            .exclude(state=CaseState.DECIDED)
            .update(state=CaseState.SKIPPED)
        )
