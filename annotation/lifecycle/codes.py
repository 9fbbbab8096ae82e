"""The names that stand in for systems while a study is sealed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def draw_codes(names: Iterable[str], seed: int) -> dict[str, str]:
    """Give each system a code, A1 to An, in an order drawn from `seed`.

    Parameters
    ----------
    names
        The systems' names, each once; their order does not matter.
    seed
        Drawn afresh for each study and kept with its sealed version, since whoever knows the
        seed and the names can repeat the draw.

    Returns
    -------
    dict
        Name by code.

    Examples
    --------
    >>> sorted(draw_codes(["north", "south"], 7))
    ['A1', 'A2']
    >>> draw_codes(["north", "south"], 7) == draw_codes(["south", "north"], 7)
    True
    """

    def place(name: str) -> bytes:
        return hashlib.sha256(f"{seed}\n{name}".encode("utf-8", "surrogatepass")).digest()

    drawn = sorted(set(names), key=place)
    return {f"A{number}": name for number, name in enumerate(drawn, start=1)}
