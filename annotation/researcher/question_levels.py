"""Which level of a question is which, whatever place it has by now. Pure.

Levels are known by their ids. A page sends the id of every level that it showed, so that one whose
place was changed meanwhile by somebody else is not taken for its neighbour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

Level = dict[str, Any]


def free_ids(taken: Collection[str]) -> Iterator[str]:
    """Numbers that no level has. Not places: after one was taken out, another may have that."""
    return (free for n in count(1) if (free := str(n)) not in taken)


def numbered(levels: Sequence[Mapping[str, Any]]) -> list[Level]:
    """Each with an id; files may leave it out."""
    free = free_ids({str(level["id"]) for level in levels if level.get("id")})
    return [{**level, "id": str(level.get("id") or next(free))} for level in levels]


def beyond(levels: Sequence[Level], shown: Sequence[str], most: int) -> Sequence[Level]:
    """The levels that the page had no room for."""
    if len(levels) <= most:
        return ()
    places = [place for place, level in enumerate(levels, start=1) if level["id"] in shown]
    return levels[max(places, default=most) :]


def with_own_ids(
    levels: Sequence[Level],
    stored: Sequence[Mapping[str, Any]],
    shown: Collection[str],
    known: Collection[str] = (),
) -> list[Level]:
    """The levels as they are to be stored, none with the id of another.

    Parameters
    ----------
    levels
        As they were entered, with the ids that the page sent.
    stored
        As they stand by now.
    shown
        The ids that the page says it showed. Other levels are new.
    known
        Ids of levels that there were when the page was shown, beside those of `stored`. An id that
        is in neither is not taken from the page: the level gets a free one.
    """
    now = {level["id"]: level for level in numbered(stored)}

    def is_its_own(level: Level) -> bool:
        identifier = level["id"]
        if identifier in shown:
            return identifier in now or identifier in known
        # Somebody else may have added one with that number; the same one twice is one.
        return identifier not in now or now[identifier] == level

    kept = {level["id"] for level in levels if is_its_own(level)}
    free = free_ids({*now, *known, *kept})
    return [level if level["id"] in kept else {**level, "id": next(free)} for level in levels]
