"""What the rules look at, for one annotator. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int = 0
    n: int = 0

    @property
    def value(self) -> float | None:
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Dwell:
    """How long an answer took, and how long the two responses were."""

    active_ms: int
    characters: int


@dataclass(frozen=True, slots=True)
class Concord:
    """How somebody's verdicts go with those of others on the same pairs.

    Attributes
    ----------
    pairs : tuple of float
        For each pair, the share of the others who gave the same verdict.
    chance : float
        The agreement that verdicts of the same frequencies, given blindly, would have.
    others : float or None
        Agreement beyond chance of the others among themselves, 0 to 1. None while too few of
        them have met on a pair.
    """

    pairs: tuple[float, ...] = ()
    chance: float = 0.0
    others: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """An annotator's latest answers since the last review, in figures.

    Attributes
    ----------
    answers : int
        How many answers these are.
    gold : Share
        Right answers on pairs with a known answer.
    repeats : Share
        Second answers that gave the verdict of the first.
    identical : Share
        Ties on pairs of one response with itself. Told, and looked at by no rule: a preference
        between equal texts is allowed.
    left : Share
        Left of left and right.
    paces : tuple of int
        Active milliseconds of the answers that were timed and not revised, newest first.
    dwells : tuple of Dwell
        The latest of these with the length of what was read; as many as were asked for.
    run : Share
        The longest row of the same choice, of all answers.
    skips : Share
        Skipped of what was handed out.
    concord : Concord
    """

    answers: int = 0
    gold: Share = Share()
    repeats: Share = Share()
    identical: Share = Share()
    left: Share = Share()
    paces: tuple[int, ...] = ()
    dwells: tuple[Dwell, ...] = ()
    run: Share = Share()
    skips: Share = Share()
    concord: Concord = Concord()
