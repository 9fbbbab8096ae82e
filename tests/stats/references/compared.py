"""A reference value beside ours, and all values that a reference file holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

UNROUNDED = 1e-6
"""What other programs computed, without rounding."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One value.

    Attributes
    ----------
    path : str
        Where it stands: the file, then the keys, joined by `/`.
    theirs, ours : number, text or None
    tolerance : float
        Allowed difference; half a unit of the last digit for a printed value.
    by : str
        What gives ours: a figure of the product, or `arithmetic` on the same data where the
        product has no such figure.
    """

    path: str
    theirs: Any
    ours: Any
    tolerance: float
    by: str

    @property
    def difference(self) -> float | None:
        """None where a text or a null is compared."""
        if isinstance(self.theirs, str) or self.theirs is None or self.ours is None:
            return None
        return float(self.ours) - float(self.theirs)

    @property
    def agrees(self) -> bool:
        if self.difference is None:
            return bool(self.theirs == self.ours)
        return math.isfinite(self.difference) and abs(self.difference) <= self.tolerance

    @property
    def digits(self) -> str:
        """Digits in which the two agree, at most 15."""
        if self.difference is None:
            return "same" if self.agrees else "NOT"
        if self.difference == 0:
            return "all"
        scale = max(abs(float(self.theirs)), 1e-300)
        return str(max(0, min(15, int(-math.log10(abs(self.difference) / scale)))))


def half_unit(value: float, places: int | None = None) -> float:
    """Half a unit of the last digit of a printed value, and the rounding of a float."""
    if places is None:
        text = repr(float(value))
        if "e" in text:
            digits, exponent = text.split("e")
            places = len(digits.partition(".")[2]) - int(exponent)
        else:
            fraction = text.partition(".")[2]
            places = 0 if fraction == "0" else len(fraction)
    return float(0.5000001 * 10.0**-places)


def leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value that is no container, with its place."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from leaves(value, f"{path}/{place}")
    else:
        yield path, node


class Ledger:
    """Collects comparisons with the values of one file.

    Parameters
    ----------
    name : str
        Of the file.
    data : mapping
        What it holds.
    """

    def __init__(self, name: str, data: Mapping[str, Any]) -> None:
        self.name = name
        self.theirs = dict(leaves(data, name))
        self.rows: list[Compared] = []

    def add(
        self,
        path: str,
        ours: Any,
        by: str,
        *,
        tolerance: float | None = None,
        places: int | None = None,
    ) -> None:
        """Compare all values below `path` with ours, which has the same shape.

        Without a tolerance it is half a unit of the last of `places` decimals, or of the digits
        that are printed.
        """
        for place, value in leaves(ours, f"{self.name}/{path}"):
            theirs = self.theirs[place]
            allowed = tolerance
            if allowed is None:
                known = isinstance(theirs, int | float)
                allowed = half_unit(theirs, places) if known else 0.0
            self.rows.append(Compared(place, theirs, value, allowed, by))

    def missing(self, not_values: frozenset[str]) -> list[str]:
        """Values that nothing was compared with; `not_values` are keys of data and remarks."""
        compared = {row.path for row in self.rows}
        return [
            path
            for path in self.theirs
            if path not in compared and not not_values & set(path.split("/"))
        ]
