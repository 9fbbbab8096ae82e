"""What a simulation measured, held against its band and kept for the table of the run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

PROPERTY = "coverage"
"""Under this name a row travels with the report of its test, also from a worker to its master."""


@dataclass(frozen=True, slots=True)
class Band:
    """Where a share has to lie, three Monte Carlo errors aside."""

    nominal: float
    low: float
    high: float


MARGINAL = Band(0.95, 0.93, 0.97)
WIN_RATE = Band(0.95, 0.93, 0.98)
AGREEMENT = Band(0.95, 0.93, 0.98)
SIMULTANEOUS = Band(0.95, 0.93, 1.0)
RANKS = Band(0.95, 0.95, 1.0)
ANY_TIME = Band(0.95, 0.95, 1.0)
SIZE = Band(0.05, 0.0, 0.05)


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table.

    Attributes
    ----------
    design, figure : str
    band : Band
    share : float
        Of intervals that hold the truth, or of tests that reject.
    error : float
        Its Monte Carlo error: figures of one data set are not independent, data sets are.
    runs : int
        Data sets.
    errors : float
        Monte Carlo errors that are granted beyond the band.
    """

    design: str
    figure: str
    band: Band
    share: float
    error: float
    runs: int
    errors: float = 3.0

    @classmethod
    def of(
        cls, design: str, figure: str, band: Band, by_run: ArrayLike, *, errors: float = 3.0
    ) -> Measured:
        """From the share of each data set, shape (runs,).

        The error is at least what it would be at the nominal share, so that a simulation without
        a single miss still has one.
        """
        shares = np.asarray(by_run, dtype=np.float64)
        runs = shares.size
        seen = float(shares.std(ddof=1)) / math.sqrt(runs)
        least = math.sqrt(band.nominal * (1 - band.nominal) / runs)
        all_or_none = bool(np.isin(shares, (0.0, 1.0)).all())
        error = max(seen, least) if all_or_none else seen
        return cls(design, figure, band, float(shares.mean()), error, runs, errors)

    @property
    def holds(self) -> bool:
        room = self.errors * self.error
        return self.band.low - room <= self.share <= self.band.high + room

    def __str__(self) -> str:
        band = self.band
        return (
            f"{self.design:<34} {self.figure:<30} {band.nominal:.2f}  {self.share:.3f} ± "
            f"{self.error:.3f}  {band.low:.2f}–{band.high:.2f}  {self.runs:>6}  "
            f"{'holds' if self.holds else 'MISSED'}"
        )


HEADING = (
    f"{'design':<34} {'interval or test':<30} {'nom.':<4}  {'measured':<13}  {'band':<9}  "
    f"{'runs':>6}"
)


def hold(record: Callable[[str, object], None], rows: Iterable[Measured]) -> None:
    """Keep every row for the table, then fail on those outside their bands."""
    kept = list(rows)
    for row in kept:
        record(PROPERTY, asdict(row))
    missed = [str(row) for row in kept if not row.holds]
    assert not missed, "\n".join([HEADING, *missed])


def from_property(value: dict[str, object]) -> Measured:
    fields = {**value, "band": Band(**value["band"])}  # type: ignore[dict-item]
    return Measured(**fields)  # type: ignore[arg-type]
