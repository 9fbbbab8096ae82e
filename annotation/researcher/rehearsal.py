"""A study rated by simulated people: who gets how much, how even sides are, what it takes. Pure.

The people differ in speed, walk one ring of all pairs from starts of their own, take the next open
pair, rate each once and keep to the cap, as on the page; nothing is claimed or stored. What they
would answer is of no account here. The real queue also spaces prompts and mixes checks in: the
figures are about those of a real run, not the run itself.
"""

from __future__ import annotations

import heapq
import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annotation.blinding import side_starts, slot_is_swapped
from annotation.draws import DRAW_BITS, draw, shuffled

SPREAD_OF_SPEED = 0.35
"""Of the logarithm of seconds: of twenty people the slowest takes about four times the fastest."""

MOST_PAIRS = 5_000
"""Pairs that are simulated; of a larger study a part stands for the whole."""


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """One comparison: its two systems by any names, and the votes that it wants."""

    system_a: str
    system_b: str
    overlap: int


@dataclass(frozen=True, slots=True)
class PairCoverage:
    """Two systems: votes wanted and given, and how often the first one stood left."""

    system_a: str
    system_b: str
    wanted: int
    given: int
    a_left: int

    @property
    def left_share(self) -> float | None:
        return self.a_left / self.given if self.given else None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of it.

    Attributes
    ----------
    pairs : tuple of PairCoverage
    wanted, given : int
        Votes in all; fewer are given than wanted where the people or their caps do not suffice.
    answers : tuple of int
        By person, the fewest first.
    hours : tuple of float
        The same people's hours.
    """

    pairs: tuple[PairCoverage, ...]
    wanted: int
    given: int
    answers: tuple[int, ...]
    hours: tuple[float, ...]

    @property
    def coverage(self) -> float:
        return self.given / self.wanted if self.wanted else 0.0

    @property
    def median_answers(self) -> float:
        return statistics.median(self.answers) if self.answers else 0.0

    @property
    def total_hours(self) -> float:
        return sum(self.hours)


def rehearse(
    work: Sequence[PlannedWork],
    *,
    people: int,
    seconds_each: float,
    most_each: int | None = None,
    check_share: float = 0.0,
    seed: int = 0,
) -> Rehearsal:
    """Let simulated people rate a study.

    Parameters
    ----------
    work
        At most `MOST_PAIRS` comparisons.
    people : int
    seconds_each : float
        Mean time of a pair.
    most_each : int, optional
        Cap on the answers of one person, checks too.
    check_share : float
        Share of checks among what somebody is handed: they take time and give no vote.
    seed : int

    Raises
    ------
    ValueError
        Without people, or with too many comparisons.
    """
    if people < 1 or len(work) > MOST_PAIRS:
        raise ValueError(f"{people} people and {len(work)} comparisons cannot be simulated")
    of_work = 1 - check_share
    cap = None if most_each is None else max(0, math.floor(most_each * of_work))
    open_slots = [item.overlap for item in work]
    swapped_first = _first_sides(work, seed)
    ring = shuffled(range(len(work)), seed, "walk", key=int)
    walks = [
        _walk(ring, draw(seed, "start", person) % max(1, len(ring))) for person in range(people)
    ]
    pace = [seconds_each / of_work * _speed(seed, person) for person in range(people)]
    answers = [0] * people
    spent = [0.0] * people
    given: dict[tuple[str, str], list[int]] = {}
    for item in work:
        counts = given.setdefault((item.system_a, item.system_b), [0, 0, 0])
        counts[0] += item.overlap
    clock = [(0.0, person) for person in range(people)]
    heapq.heapify(clock)
    while clock:
        now, person = heapq.heappop(clock)
        if cap is not None and answers[person] >= cap:
            continue
        place = next((one for one in walks[person] if open_slots[one] > 0), None)
        if place is None:
            continue
        item = work[place]
        slot = item.overlap - open_slots[place] + 1
        open_slots[place] -= 1
        counts = given[item.system_a, item.system_b]
        counts[1] += 1
        counts[2] += not slot_is_swapped(slot, swapped_first[place])
        answers[person] += 1
        spent[person] += pace[person]
        heapq.heappush(clock, (now + pace[person], person))
    order = sorted(range(people), key=lambda person: (answers[person], spent[person]))
    return Rehearsal(
        pairs=tuple(PairCoverage(*pair, *counts) for pair, counts in sorted(given.items())),
        wanted=sum(counts[0] for counts in given.values()),
        given=sum(counts[1] for counts in given.values()),
        answers=tuple(round(answers[person] / of_work) for person in order),
        hours=tuple(spent[person] / 3600 for person in order),
    )


def _walk(ring: Sequence[int], start: int) -> Iterator[int]:
    """The whole ring once."""
    return itertools.chain(itertools.islice(ring, start, None), itertools.islice(ring, start))


def _first_sides(work: Sequence[PlannedWork], seed: int) -> list[bool]:
    """Whether slot 1 of each comparison shows b left, drawn as the queue draws it."""
    places: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(work):
        places.setdefault((item.system_a, item.system_b), []).append(place)
    found = [False] * len(work)
    for pair, of_pair in places.items():
        for place, swapped in zip(of_pair, side_starts(seed, pair, len(of_pair)), strict=True):
            found[place] = swapped
    return found


def _speed(seed: int, person: int) -> float:
    """A factor on the seconds of a pair, around 1; of a normal draw on the log scale."""
    drawn = (draw(seed, "speed", person) + 0.5) / 2**DRAW_BITS
    return math.exp(SPREAD_OF_SPEED * statistics.NormalDist().inv_cdf(drawn))
