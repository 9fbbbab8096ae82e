"""Seeded draws that do not depend on the Python version, the engine or the order of asking.

Each draw is a keyed hash of the seed and of what it is about, never a step of a shared stream:
the same question gets the same answer whatever was asked before. Pure; no Django.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")

DRAW_BITS = 64


def draw(seed: int, *about: str | int) -> int:
    """A number below 2**64, uniform over seeds and subjects.

    Parameters
    ----------
    seed : int
        Any integer.
    about : str or int
        What is drawn: a purpose first, then what tells this draw from the others. `1` and `"1"`
        are different subjects.

    Examples
    --------
    >>> draw(0, "order", "p1") == draw(0, "order", "p1")
    True
    >>> draw(0, "order", "p1") == draw(1, "order", "p1")
    False
    """
    # Opening a study draws four times for each comparison: one call of the hash, not ten.
    spelled = b"".join([_spelled(part) for part in (seed, *about)])
    return int.from_bytes(hashlib.blake2b(spelled, digest_size=DRAW_BITS // 8).digest(), "big")


def _spelled(part: str | int) -> bytes:
    text = f"{type(part).__name__}:{part}".encode("utf-8", "surrogatepass")
    # The length first: ("ab", "c") and ("a", "bc") are different subjects.
    return b"%d:%b" % (len(text), text)


def shuffled(
    items: Iterable[Item], seed: int, *about: str | int, key: Callable[[Item], str | int]
) -> list[Item]:
    """The items in a seeded order that depends on their keys, not on the order given.

    Parameters
    ----------
    key : callable
        What identifies an item; items with equal keys keep their given order.
    """
    return sorted(items, key=lambda item: draw(seed, *about, key(item)))
