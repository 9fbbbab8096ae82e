"""Comparisons that are handed out before all others: a sample that somebody waits for.

They get places before the ring, where no walk leads: whoever asks for a pair is offered them first,
in an order that is drawn and the same for all, and walks on from where they were afterwards.
Cursors, sides, slots, checks and limits are those of all work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import F, Q, Value
from django.db.models.functions import Now

from annotation.draws import draw
from annotation.models import Cell, Comparison, ComparisonKind, Study

from .locks import hold, in_key_order
from .raising import COMPARISONS_AT_ONCE, hold_annotators
from .ring import RING
from .slots import PLACES_PER_MILLISECOND, place_beyond_ring

SENT_FIRST = Q(open_seq__lt=0)


def hold_for_change(study: Study) -> None:
    """Lock what a change of overlaps locks, in its order, before comparisons are sent first.

    For callers who do both in one transaction.
    """
    hold_annotators(study)
    hold(Study.objects.filter(pk=study.pk))
    hold(Cell.objects.filter(study=study))


def hand_out_first(study: Study, item_ids: Collection[str]) -> int:
    """Hand these comparisons of kind work out before all others, as far as they want votes.

    In the caller's transaction, which locks nothing but assignments and the head of an audit chain
    afterwards. One that is full comes first if it opens again.

    Returns
    -------
    int
        How many have a place in front now; those that were never opened have none.
    """
    sent = 0
    for rows in locked(study, item_ids):
        for row in rows:
            place = draw(study.queue_seed, "first", row.item_id) % RING - RING
            Comparison.objects.filter(pk=row.pk).update(open_seq=place)
        sent += len(rows)
    return sent


def hand_out_in_turn(study: Study, item_ids: Collection[str]) -> int:
    """Put those that were to come first behind all others; how many. Locks as `hand_out_first`."""
    put_back = 0
    for rows in locked(study, item_ids, SENT_FIRST):
        chosen = Comparison.objects.filter(pk__in=[row.pk for row in rows])
        now = chosen.annotate(now=Now()).values_list("now", flat=True)[0]
        back = Value(place_beyond_ring(now)) + F("pk") % Value(PLACES_PER_MILLISECOND)
        put_back += chosen.update(open_seq=back)
    return put_back


def locked(study: Study, item_ids: Collection[str], *only: Q) -> Iterator[list[Comparison]]:
    """Those with a place, locked in the order of their keys, some at a time."""
    named = sorted(item_ids)
    keys: list[int] = []
    for start in range(0, len(named), COMPARISONS_AT_ONCE):
        part = Comparison.objects.filter(
            *only,
            study=study,
            kind=ComparisonKind.WORK,
            open_seq__isnull=False,
            item_id__in=named[start : start + COMPARISONS_AT_ONCE],
        )
        keys += part.values_list("pk", flat=True)
    keys.sort()
    for start in range(0, len(keys), COMPARISONS_AT_ONCE):
        chosen = Comparison.objects.filter(pk__in=keys[start : start + COMPARISONS_AT_ONCE])
        yield list(in_key_order(chosen).only("item_id"))
