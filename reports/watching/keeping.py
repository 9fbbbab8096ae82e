"""Figures that are kept for a moment, so that everybody who watches costs one count.

Progress is counted anew from the rows (contract.md: derive, never count twice). Of a small study
the page does that itself; a million comparisons take seconds, so that the background counts those
while somebody watches, and the page says from when its figures are. After a count there is a rest
of several times as long: watching takes a bounded part of a processor whatever the size.

What is kept holds no outcome and no name. It lies in Django's cache: in the process where there is
one (the embedded default), in Redis elsewhere. Losing it loses nothing; with Redis away, figures
of small studies are counted on each request and those of large ones wait for it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from annotation.models import Study

log = structlog.get_logger(__name__)

Figures = dict[str, Any]

# Seconds for which figures are as good as new: the pages ask every five.
FRESH = 3.0
# After a count they are kept for so many times as long as it took.
REST = 9
# Seconds that a page may spend on counting; what takes longer is the background's.
MOST_IN_A_PAGE = 0.25
# How long figures are kept at all, and somebody who looked counts as watching.
KEPT_SECONDS = 24 * 3600
WATCHED_SECONDS = 600
# A count that ended without a word is taken over after it.
LOST_SECONDS = 180

TASK = "reports.count_watched"


@dataclass(frozen=True, slots=True)
class Kept:
    """Figures, when they were counted, and how many seconds that took."""

    figures: Figures
    counted_at: datetime
    took: float

    @property
    def age(self) -> float:
        """Seconds since they were counted."""
        return (timezone.now() - self.counted_at).total_seconds()

    def is_fresh(self, seconds: float) -> bool:
        return self.age <= max(seconds, REST * self.took)


@dataclass(frozen=True, slots=True)
class Keeper:
    """One kind of figures of a study.

    Attributes
    ----------
    name : str
        Unique among keepers; part of the key.
    count : callable
        Study → figures as plain JSON.
    is_large : callable or None
        Study → whether a page should not even try. Bounded work. None: no page ever does.
    fresh : float
        Seconds for which figures are as good as new.
    again : callable or None
        Study and what was counted last → figures, for those that a count before makes cheaper.
    """

    name: str
    count: Callable[[Study], Figures]
    is_large: Callable[[Study], bool] | None
    fresh: float = FRESH
    again: Callable[[Study, Kept], Figures] | None = None

    def figures(self, study: Study) -> Kept | None:
        """The figures; None while those of a large study are counted for the first time."""
        kept = self.kept(study)
        if kept is not None and self._is_fresh(study, kept):
            return kept
        if self._counts_in_pages(study, kept):
            return self.renew(study)
        self.ask_for(study)
        return kept

    def _counts_in_pages(self, study: Study, kept: Kept | None) -> bool:
        if self.is_large is None:
            return False
        # A count that goes on from the last one was cheap because little had happened then.
        if self.again is None and kept is not None and kept.took <= MOST_IN_A_PAGE:
            return True
        # A small study may have been slow to count on a busy machine.
        return not self.is_large(study)

    def kept(self, study: Study) -> Kept | None:
        raw = read(self._key(study, "figures"))
        if raw is None:
            return None
        found = json.loads(raw)
        return Kept(found["figures"], datetime.fromisoformat(found["counted_at"]), found["took"])

    def renew(self, study: Study, *, goes_on: bool = False) -> Kept:
        """Count now and keep it, or go on from the last count where that is cheaper."""
        began, moment = time.monotonic(), timezone.now()
        before = self.kept(study) if goes_on else None
        write(self._key(study, "old"), "", 0)
        if self.again is None or before is None:
            figures = self.count(study)
        else:
            figures = self.again(study, before)
        kept = Kept(figures, moment, time.monotonic() - began)
        text = json.dumps({"figures": figures, "counted_at": moment.isoformat(), "took": kept.took})
        write(self._key(study, "figures"), text, KEPT_SECONDS)
        return kept

    def forget(self, study: Study) -> None:
        """Count anew at the next look: somebody changed what is shown, and wants to see it."""
        if self.again is None:
            write(self._key(study, "figures"), "", 0)
        else:
            write(self._key(study, "old"), "1", KEPT_SECONDS)

    def _is_fresh(self, study: Study, kept: Kept) -> bool:
        if not kept.is_fresh(self.fresh):
            return False
        return self.again is None or read(self._key(study, "old")) is None

    def ask_for(self, study: Study) -> None:
        """Let the background count for a while."""
        is_news = read(self._key(study, "watched")) is None
        write(self._key(study, "watched"), "1", WATCHED_SECONDS)
        if is_news:
            ring()

    def renew_if_watched(self, study: Study) -> bool:
        """What the background does; whether it counted."""
        if read(self._key(study, "watched")) is None:
            return False
        kept = self.kept(study)
        if (kept is not None and self._is_fresh(study, kept)) or not claim(
            self._key(study, "counting")
        ):
            return False
        try:
            self.renew(study, goes_on=True)
        finally:
            write(self._key(study, "counting"), "", 0)
        return True

    def _key(self, study: Study, what: str) -> str:
        return f"watching:{self.name}:{study.pk}:{study.slug}:{what}"


def count_watched(keepers: Iterator[Keeper], studies: list[Study]) -> list[str]:
    """Count what somebody watches and is no longer fresh; the names of what was counted."""
    counted = []
    for keeper in keepers:
        for study in studies:
            try:
                if keeper.renew_if_watched(study):
                    counted.append(f"{study.slug}: {keeper.name}")
            except Exception:
                # One study's fault must not keep the others' figures old.
                log.exception("watching.count_failed", study=study.slug, figures=keeper.name)
    return counted


def ring() -> None:
    """Wake a worker; without a broker the sweep comes a quarter of a minute later."""
    try:
        current_app.send_task(TASK)
    except OperationalError:
        log.warning("watching.bell_unheard")


def read(key: str) -> str | None:
    try:
        found = cache.get(key)
    except (RedisError, OSError):
        log.warning("watching.cache_away")
        return None
    return found if isinstance(found, str) and found else None


def write(key: str, value: str, seconds: int) -> None:
    try:
        cache.set(key, value, seconds)
    except (RedisError, OSError):
        log.warning("watching.cache_away")


def claim(key: str) -> bool:
    try:
        return bool(cache.add(key, "1", LOST_SECONDS))
    except (RedisError, OSError):
        return True
