"""The sides that an annotator was shown lately, which decide the side of their next pair.

Which system stood left is never changed, and somebody's assignments are written one after the other
under their lock: what a process has read of them stays true, and what came since has higher keys.
It therefore remembers some people's latest pairs, and reads only those that came since.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from annotation.blinding import ShownPair

from .policy import SIDE_WINDOW

# Of whom a process remembers: more than are at work at the same time. Some 10 kB for each.
REMEMBERED_PEOPLE = 1_000
# Then the latest are read anew: others of the processes may have handed out a great many since.
REMEMBERED_SECONDS = 600.0


@dataclass(slots=True)
class Lately:
    """The latest pairs of one person, by the keys of their assignments; only read under their lock.

    Attributes
    ----------
    shown : dict of int to ShownPair
        At most `SIDE_WINDOW`, in the order in which they were lent.
    """

    shown: dict[int, ShownPair] = field(default_factory=dict)
    read_at: float = 0.0

    @property
    def newest(self) -> int:
        """The key from which on to read, that row included, to see that it is there; else 0."""
        if time.monotonic() - self.read_at > REMEMBERED_SECONDS:
            self.forget()
        return next(reversed(self.shown), 0)

    def add(self, read: Mapping[int, ShownPair]) -> None:
        """Remember what was read; all of it is committed."""
        in_order = sorted({**self.shown, **read}.items())
        self.shown = dict(in_order[-SIDE_WINDOW:])
        self.read_at = time.monotonic()

    def forget(self) -> None:
        self.shown = {}


@lru_cache(maxsize=REMEMBERED_PEOPLE)
def lately(annotator_id: int) -> Lately:
    """What this process knows of somebody; nothing at first."""
    return Lately()
