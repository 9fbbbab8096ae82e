"""The order in which a study's comparisons are handed out. Pure; no Django.

Every comparison that is opened gets a place on a ring of 2**48 places. The comparisons of one
prompt lie as far apart as they can, or side by side where the study wants them grouped; where it
wants strata, every stretch of the ring has its share of each category of prompts. Each annotator
walks the ring once from a start of their own. A comparison that comes back (a lease lapsed, a pair
was skipped) gets a place beyond the ring, later than all places before it, so that it lies ahead of
every annotator and nobody has to look back.

An annotator's cursor is the distance walked, which only grows: comparisons at or behind it need
no second look, except for the few that were locked while somebody passed, which the slow way
finds. It is a hint and never the reason for an answer.

Places below 0 are on no walk: what has one is handed out before all else (`sending_first`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annotation.draws import DRAW_BITS, draw, shuffled

RING_BITS = 48
RING = 1 << RING_BITS

# Comparisons of one prompt keep at least half an even spacing, jittered by the other half.
JITTER_SHARE = 0.5

# The ring divided by the golden ratio: multiples of it fill the ring evenly however many there are,
# so that prompts which come later fit in between. Odd, so that no two of them coincide.
GOLDEN_STEP = int(RING * (5**0.5 - 1) / 2) | 1

START = -1
"""The cursor of an annotator who has not walked yet."""


def fraction(seed: int, *about: str | int) -> float:
    """A draw in [0, 1)."""
    return draw(seed, *about) / (1 << DRAW_BITS)


def places(
    seed: int,
    prompt_id: str,
    item_ids: Sequence[str],
    *,
    start: int | None = None,
    grouped: bool = False,
) -> dict[str, int]:
    """The place of each of a prompt's comparisons: all in random order, one prompt's apart.

    Parameters
    ----------
    seed : int
        The study's.
    prompt_id : str
        The prompt that they share.
    item_ids : sequence of str
        All comparisons of that prompt which are opened together, in any order.
    start : int, optional
        Where the prompt begins, from `start_in_stratum`; drawn where the order has no strata.
    grouped : bool
        Whether they are handed out one after the other.

    Returns
    -------
    dict of str to int
        Places below `RING`. Two of m comparisons lie at least half of an m-th of the ring apart,
        or next to each other if they are grouped.
    """
    order = shuffled(item_ids, seed, "order", prompt_id, key=str)
    begin = fraction(seed, "prompt", prompt_id) if start is None else start / RING
    if grouped:
        first = int(begin * RING)
        return {item_id: (first + index) % RING for index, item_id in enumerate(order)}
    found = {}
    for index, item_id in enumerate(order):
        # In a stratum nothing is jittered: it would undo the even shares of short stretches.
        jitter = 0.0
        if start is None:
            jitter = JITTER_SHARE * fraction(seed, "jitter", prompt_id, item_id)
        found[item_id] = int((begin + (index + jitter) / len(order)) % 1.0 * RING) % RING
    return found


def start_in_stratum(seed: int, category: str, number: int) -> int:
    """Where on the ring the `number`-th prompt of a category begins, counted from 0.

    Whatever stretch of the ring is taken, the prompts of the category that begin in it are its
    share of them, give or take a few.
    """
    return (draw(seed, "stratum", category) + number * GOLDEN_STEP) % RING


def annotator_start(seed: int, external_id: str) -> int:
    """Where on the ring an annotator begins."""
    return draw(seed, "start", external_id) % RING


def distance(place: int, start: int) -> int:
    """How far an annotator who began at `start` has walked when at `place`."""
    return (place - start) % RING if place < RING else place


@dataclass(frozen=True, slots=True)
class Stretch:
    """Places from `first` on and below `end` (None: no end)."""

    first: int
    end: int | None
    # The cursor of an annotator who has walked the whole stretch.
    cursor_after: int


def stretches_ahead(cursor: int, start: int) -> Iterator[Stretch]:
    """What lies ahead of a cursor, nearest first: to the ring's end, to the start, beyond it."""
    until_end = RING - start
    if cursor < until_end - 1:
        yield Stretch(start + cursor + 1, RING, until_end - 1)
    if start > 0 and cursor < RING - 1:
        yield Stretch(max(0, cursor + 1 - until_end), start, RING - 1)
    yield Stretch(max(RING, cursor + 1), None, max(cursor, RING - 1))
