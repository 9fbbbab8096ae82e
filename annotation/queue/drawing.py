"""Which cell the next comparison is drawn from, and with what probability. Pure; no Django.

Weights come from whatever the study's policy is steered by; here they are only numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def chances(priorities: Priorities, cells: Sequence[OpenCell]) -> list[float]:
    """The probability of each cell under the study's policy; they add up to 1.

    Adaptive draws follow the weights, but for the uniform share, which follows the number of
    comparisons, so that every cell goes on. The emptiest cell is the one of the largest weight;
    equally empty ones share.
    """
    if priorities.policy == Policy.EMPTIEST:
        largest = max((cell.weight for cell in cells), default=0.0)
        return shares([float(cell.weight == largest) for cell in cells])
    # A cell that was filled when they were counted may have got a comparison back since.
    even = shares([float(max(1, cell.room)) for cell in cells])
    if not any(cell.weight for cell in cells):
        return even
    steered = shares([cell.weight for cell in cells])
    mixed = priorities.uniform_share
    return [
        mixed * by_number + (1 - mixed) * by_weight
        for by_number, by_weight in zip(even, steered, strict=True)
    ]


def shares(amounts: Sequence[float]) -> list[float]:
    total = sum(amounts)
    return [amount / total for amount in amounts]


def drawn(probabilities: Sequence[float], at: float) -> int:
    """The index that a draw in [0, 1) falls on."""
    reached = 0.0
    for index, probability in enumerate(probabilities):
        reached += probability
        if at < reached:
            return index
    # Rounding may leave the last stretch a little short.
    return max(index for index, probability in enumerate(probabilities) if probability > 0)
