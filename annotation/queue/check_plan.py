"""Which of the pairs that an annotator is handed are checks. Pure; no Django.

The pairs are numbered as they are handed out, from 0. Each kind of check has one place in every
block of 1 / share pairs, drawn for each annotator and block, so that neither the distance between
two checks nor their number gives one away. Where two kinds meet, the later kind moves on to the
next free place of its block.
"""

from __future__ import annotations

from enum import StrEnum

from annotation.draws import draw
from annotation.rules import Checks


class CheckKind(StrEnum):
    """Pairs that look like work and are none."""

    GOLD = "gold"  # with a known answer
    REPEAT = "repeat"  # an own pair again, its sides exchanged
    IDENTICAL = "identical"  # one response twice


def check_at(checks: Checks, seed: int, external_id: str, position: int) -> CheckKind | None:
    """The kind of check that stands at a position, or None for work.

    Parameters
    ----------
    checks : Checks
        The study's shares.
    seed : int
        The study's secret one.
    external_id : str
        The annotator.
    position : int
        How many pairs the annotator was handed before.
    """
    blocks = block_lengths(checks)
    return next(
        (
            kind
            for kind in blocks
            if place_of(kind, blocks, seed, external_id, position) == position
        ),
        None,
    )


def block_lengths(checks: Checks) -> dict[CheckKind, int]:
    """How many pairs have one check of each kind; kinds that are not shown are left out."""
    shares = {
        CheckKind.GOLD: checks.gold_share,
        CheckKind.REPEAT: checks.repeat_share,
        CheckKind.IDENTICAL: checks.identical_share,
    }
    return {kind: max(1, round(1 / share)) for kind, share in shares.items() if share > 0}


def place_of(
    kind: CheckKind, blocks: dict[CheckKind, int], seed: int, external_id: str, position: int
) -> int | None:
    """Where a kind stands in the block around a position; None if earlier kinds fill the block."""
    length = blocks[kind]
    block = position // length
    first = draw(seed, "check", kind.value, external_id, block) % length
    order = list(blocks)
    before = order[: order.index(kind)]
    for step in range(length):
        place = block * length + (first + step) % length
        if all(place_of(other, blocks, seed, external_id, place) != place for other in before):
            return place
    return None
