"""When a study will have its votes, at the pace of the last days. Pure.

The pace is told from blocks of equal length, those without an answer too: people come in spells,
so that votes are no Poisson process, and the spread between blocks is what is honest about it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# The pace is that of so many days at most: last month's helpers may be gone.
LOOK_BACK = timedelta(days=7)
# Blocks that the time since opening, or the last days, is cut into; fewer where it is short.
MOST_BLOCKS = 14
SHORTEST_BLOCK = timedelta(hours=1)
FEWEST_BLOCKS = 4
# Below it a pace is an anecdote.
FEWEST_ANSWERS = 20
# Each side of the range errs so often if the pace stays as it is: a range of 80 %.
ERROR = 0.1
# A forecast beyond it says only that the pace is too slow.
FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the wanted votes will be there.

    Attributes
    ----------
    per_day : float
        Answers a day in the time looked at.
    low, high : float
        Of it, 80 %.
    earliest, latest : datetime or None
        The range of the end. `latest` is None where the pace may be as good as nothing.
    hours : float
        How much time was looked at.
    """

    per_day: float
    low: float
    high: float
    earliest: datetime | None
    latest: datetime | None
    hours: float


def forecast(
    answers: Sequence[tuple[datetime, int]],
    remaining: int,
    *,
    since: datetime,
    now: datetime,
) -> Forecast | None:
    """The pace, and the end that follows from it; None while too little is known.

    Parameters
    ----------
    answers : sequence of (datetime, int)
        Answers by hour; hours without any may be left out.
    remaining : int
        Votes still wanted.
    since : datetime
        When the study was opened, or opened again: time in which nobody could answer is no pace.
    now : datetime
    """
    start = max(since, now - LOOK_BACK)
    span = now - start
    blocks = min(MOST_BLOCKS, int(span / SHORTEST_BLOCK))
    if blocks < FEWEST_BLOCKS:
        return None
    length = span / blocks
    counts = [0] * blocks
    for hour, number in answers:
        # An hour is told by its beginning; its middle is in one block.
        place = int((hour + SHORTEST_BLOCK / 2 - start) / length)
        if hour + SHORTEST_BLOCK > start:
            counts[min(max(place, 0), blocks - 1)] += number
    if sum(counts) < FEWEST_ANSWERS:
        return None
    from scipy import stats

    mean = statistics.fmean(counts)
    # Never surer than counts of independent answers would be.
    spread = math.sqrt(max(statistics.variance(counts), mean) / blocks)
    reach = float(stats.t.ppf(1 - ERROR, blocks - 1)) * spread
    a_day = timedelta(days=1) / length
    per_day, low, high = (a_day * max(0.0, rate) for rate in (mean, mean - reach, mean + reach))
    return Forecast(
        per_day=per_day,
        low=low,
        high=high,
        earliest=end_at(remaining, high, now),
        latest=end_at(remaining, low, now),
        hours=span / timedelta(hours=1),
    )


def end_at(remaining: int, per_day: float, now: datetime) -> datetime | None:
    if remaining <= 0:
        return now
    if per_day <= 0 or remaining / per_day > FARTHEST / timedelta(days=1):
        return None
    return now + timedelta(days=remaining / per_day)
