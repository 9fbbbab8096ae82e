"""The one form of every benchmark's result, and the table that it is printed as."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass

COLUMNS = ("figure", "measured", "processor", "target", "beside it", "", "ratio", "aim", "")
# Seconds of other work on the machine disturb the wall clock far more than the processor's.
NOTE = "Times are medians; 'processor' is the seconds of one core. Nothing fails by them."


@dataclass(frozen=True)
class Line:
    """One figure.

    Attributes
    ----------
    figure : str
    measured : float or None
        In `unit`; None where it could not be measured, and `beside` says why.
    processor : float or None
        Seconds of one core in the same run.
    target : float or None
        The measured value is to stay within it.
    beside, least : str, float or None
        A floor, the least work that any program must do, or a rival, timed in the same run.
    aim : float or None
        Of the ratio measured/least.
    unit : str
    """

    figure: str
    measured: float | None
    processor: float | None = None
    target: float | None = None
    beside: str = ""
    least: float | None = None
    aim: float | None = None
    unit: str = "s"

    @property
    def ratio(self) -> float | None:
        return self.measured / self.least if self.measured is not None and self.least else None

    @property
    def verdict(self) -> str:
        """``"met"``, ``"missed"``, or nothing where no target was set.

        Where other work holds the cores, the clock misses what the program would meet alone:
        that is said too, and is no more than a hint where a database worked beside it.
        """
        if self.measured is None:
            return "not measured"
        if self.target is None and (self.aim is None or self.ratio is None):
            return ""
        if self._holds(self.measured):
            return "met"
        by_core = self.processor is not None and self._holds(self.processor)
        return "missed, met by processor" if by_core else "missed"

    def _holds(self, value: float) -> bool:
        within = self.target is None or value <= self.target
        return within and (self.aim is None or not self.least or value / self.least <= self.aim)

    def cells(self) -> tuple[str, ...]:
        return (
            self.figure,
            _amount(self.measured, self.unit),
            _amount(self.processor, "s"),
            _amount(self.target, self.unit),
            self.beside,
            _amount(self.least, self.unit),
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "" if self.aim is None else f"{self.aim:g}",
            self.verdict,
        )


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit != "s":
        return f"{value:.0f} {unit}"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.2f} s"


def show(lines: Iterable[Line]) -> None:
    """Print a table as wide as its content."""
    rows = [COLUMNS, *(line.cells() for line in lines)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    for row in rows:
        # Names to the left, numbers to the right.
        cells = [
            text.ljust(width) if place in (0, 4, 8) else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write(f"{NOTE} Load of {os.cpu_count()} cores: {load}.\n")


def report(lines: Iterable[Line], *, as_json: bool) -> None:
    """Print one benchmark's lines: for people, or one JSON object a line for the whole table."""
    if not as_json:
        show(lines)
        return
    for line in lines:
        sys.stdout.write(json.dumps(asdict(line)) + "\n")
        sys.stdout.flush()
