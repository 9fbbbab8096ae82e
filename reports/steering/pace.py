"""Which studies are due for steering: those where something happened, and not all the time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from annotation.models import Exclusion, Study, Vote

# After a round a study rests so many times as long as the round took: at most a tenth of one
# processor goes into steering it, however many votes it has.
REST = 9

# What a round depends on: newest vote and exclusion of all, the rules, the latest version.
Mark = tuple[int, int, str, int]


@dataclass
class Pace:
    """One process's memory of its rounds. Another process knows nothing of it, and does one more.

    Attributes
    ----------
    clock : callable
        Seconds, never running backwards.
    """

    clock: Callable[[], float] = time.monotonic
    _seen: dict[int, Mark] = field(default_factory=dict)
    _rests_until: dict[int, float] = field(default_factory=dict)

    def is_due(self, study: Study, mark: Mark) -> bool:
        """Whether something changed since the last round, and that was long enough ago."""
        if self._seen.get(study.pk) == mark:
            return False
        return self.clock() >= self._rests_until.get(study.pk, float("-inf"))

    def done(self, study: Study, mark: Mark, began: float) -> None:
        """Remember a round that saw `mark` and began at that time of the clock."""
        now = self.clock()
        self._seen[study.pk] = mark
        self._rests_until[study.pk] = now + REST * (now - began)


def mark_of(study: Study) -> Mark:
    """What the next round would go by. Four rows by their keys, however many votes there are."""
    newest_vote = Vote.objects.order_by("-pk").values_list("pk", flat=True).first()
    newest_exclusion = Exclusion.objects.order_by("-pk").values_list("pk", flat=True).first()
    version = study.versions.order_by("-number").values_list("number", flat=True).first()
    return (
        newest_vote or 0,
        newest_exclusion or 0,
        json.dumps(study.rules, sort_keys=True),
        version or 0,
    )
