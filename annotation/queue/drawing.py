"""Which cell the next comparison is drawn from, and with what probability. Pure; no Django.

Weights come from whatever the study's policy is steered by; here they are only numbers.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate

from annotation.rules import Policy, Priorities


@dataclass(frozen=True, slots=True)
class OpenCell:
    """A cell with work left.

    Attributes
    ----------
    room : int
        Its comparisons with room when they were last counted.
    """

    pk: int
    weight: float
    room: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cell, by its place among those that were drawn from, and the probability that it had."""

    place: int
    probability: float


class Amounts:
    """What a draw is made by: each cell's amount, and the sums up to each."""

    def __init__(self, amounts: Sequence[float]) -> None:
        self.each = amounts
        self.until = [0.0, *accumulate(amounts)]

    def without(self, left_out: Sequence[int]) -> float:
        """The sum of all but some."""
        return self.until[-1] - math.fsum(self.each[place] for place in left_out)

    def reached(self, place: int, left_out: Sequence[int]) -> float:
        """The sum up to and with a place, but for those before it that are left out."""
        less = math.fsum(self.each[out] for out in left_out if out <= place)
        return self.until[place + 1] - less


class Adaptive:
    """Draws that follow the weights, but for a share that follows the numbers of comparisons.

    So every cell goes on. Without weights the numbers alone decide.
    """

    def __init__(self, uniform_share: float, cells: Sequence[OpenCell]) -> None:
        self.cells = cells
        self.uniform_share = uniform_share
        # A cell that was filled when they were counted may have got a comparison back since.
        self.rooms = Amounts([float(max(1, cell.room)) for cell in cells])
        self.weights = Amounts([cell.weight for cell in cells])

    def draw(self, at: float, left_out: Sequence[int]) -> Drawn:
        rooms, weights = self.rooms.without(left_out), self.weights.without(left_out)
        if left_out and weights < self.weights.until[-1] / 2:
            # What is left of the sum may be mere rounding.
            return self.draw_from_the_rest(at, left_out)
        mixed = self.uniform_share if weights > 0 else 1.0

        def shares(of_rooms: float, of_weights: float) -> float:
            if mixed == 1:
                return of_rooms / rooms
            return mixed * (of_rooms / rooms) + (1 - mixed) * (of_weights / weights)

        def reached(place: int) -> float:
            return shares(
                self.rooms.reached(place, left_out), self.weights.reached(place, left_out)
            )

        place = bisect_right(range(len(self.cells)), at, key=reached)
        # Rounding may leave the last stretch a little short, or lead to one that has none.
        out = set(left_out)
        while place < len(self.cells) and place in out:
            place += 1
        if place == len(self.cells):
            place = max(place for place in range(len(self.cells)) if place not in out)
        return Drawn(place, shares(self.rooms.each[place], self.weights.each[place]))

    def draw_from_the_rest(self, at: float, left_out: Sequence[int]) -> Drawn:
        out = set(left_out)
        places = [place for place in range(len(self.cells)) if place not in out]
        rest = Adaptive(self.uniform_share, [self.cells[place] for place in places])
        drawn = rest.draw(at, ())
        return Drawn(places[drawn.place], drawn.probability)


class Emptiest:
    """The emptiest cell is the one of the largest weight; equally empty ones share."""

    def __init__(self, cells: Sequence[OpenCell]) -> None:
        self.order = sorted(range(len(cells)), key=lambda place: (-cells[place].weight, place))
        self.weights = [-cells[place].weight for place in self.order]
        self.ranks = {place: rank for rank, place in enumerate(self.order)}

    def draw(self, at: float, left_out: Sequence[int]) -> Drawn:
        out = sorted(self.ranks[place] for place in left_out)
        first = 0
        for rank in out:
            if rank != first:
                break
            first += 1
        weight = self.weights[first]
        start = bisect_left(self.weights, weight)
        end = bisect_right(self.weights, weight)
        among = [rank for rank in out if start <= rank < end]
        count = end - start - len(among)
        rank = start + min(count - 1, int(at * count))
        for other in among:
            rank += other <= rank
        return Drawn(self.order[rank], 1 / count)


class Urn:
    """Cells that may be drawn from by a study's policy. Made in one pass, each draw needs none.

    Parameters
    ----------
    priorities : Priorities
        Of the study; any policy but the uniform one, which walks.
    cells : sequence of OpenCell
        Those with work.
    """

    def __init__(self, priorities: Priorities, cells: Sequence[OpenCell]) -> None:
        self.cells = cells
        self.ways: Adaptive | Emptiest = (
            Emptiest(cells)
            if priorities.policy == Policy.EMPTIEST
            else Adaptive(priorities.uniform_share, cells)
        )

    def draw(self, at: float, left_out: Collection[int] = ()) -> Drawn | None:
        """The cell that a draw in [0, 1) falls on; None if all are left out.

        Parameters
        ----------
        left_out : collection of int
            Places of cells that are not drawn from this time; the others' chances add up to 1.
        """
        if len(left_out) >= len(self.cells):
            return None
        return self.ways.draw(at, sorted(left_out))
