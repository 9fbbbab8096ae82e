"""Which responses meet which: the four designs. Pure; no Django.

A `Planner` is given one prompt after the other and says which pairs of systems meet on it. It
knows names, samples and a seed; never a text, a vote or a judgment, so that pairs are blind to
outcomes. Sample s meets sample s. In a pair, a is the system whose name comes first by code point.

Designs
    all: every pair of systems. anchor: each system against one. focused: only pairs with one of
    the given systems. balanced: rounds of a seeded round-robin, in each of which every system
    meets at most one other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations

from annotation.draws import draw, shuffled
from annotation.lifecycle.components import find_components

Pair = tuple[str, str]


class Design(StrEnum):
    """How the pairs of a study are chosen."""

    ALL = "all"
    ANCHOR = "anchor"
    BALANCED = "balanced"
    FOCUSED = "focused"


class DesignError(ValueError):
    """The design cannot be carried out as it was asked for; the message says what to change."""


@dataclass(frozen=True, slots=True)
class PlannedPair:
    """Two systems that meet on a prompt with their samples of one number."""

    prompt_id: str
    system_a: str
    system_b: str
    sample: int


@dataclass(frozen=True, slots=True)
class PairingRules:
    """A design with what it needs.

    Parameters
    ----------
    design : Design
    anchor : str, optional
        The system that all others meet; for the design anchor only.
    systems : tuple of str
        The systems of which one takes part in each pair; for the design focused only.
    rounds : int
        Rounds of the round-robin on each prompt and sample; for the design balanced only.
    seed : int
        Draws the rounds of the design balanced; the other designs leave nothing to draw.

    Raises
    ------
    DesignError
        If something is missing or belongs to another design.
    """

    design: Design = Design.ALL
    anchor: str | None = None
    systems: tuple[str, ...] = ()
    rounds: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.anchor is not None) != (self.design is Design.ANCHOR):
            raise DesignError(
                "The design anchor needs an anchor."
                if self.design is Design.ANCHOR
                else f"The design {self.design} takes no anchor; use the design anchor."
            )
        if bool(self.systems) != (self.design is Design.FOCUSED):
            raise DesignError(
                "The design focused needs the systems to focus on."
                if self.design is Design.FOCUSED
                else f"The design {self.design} takes no systems; use the design focused."
            )
        if self.rounds < 1:
            raise DesignError(f"There must be at least one round, not {self.rounds}.")
        if self.rounds != 1 and self.design is not Design.BALANCED:
            raise DesignError(f"The design {self.design} takes no rounds; use the design balanced.")

    def check_systems(self, known: Collection[str]) -> None:
        """Raise DesignError unless every system named here is among the known ones."""
        named = [*self.systems, *([] if self.anchor is None else [self.anchor])]
        unknown = sorted(set(named) - set(known))
        if unknown:
            raise DesignError(
                f"There is no system {unknown[0]!r}; there are: {', '.join(sorted(known))}."
            )


def pair_of(system: str, other: str) -> Pair:
    """Two systems in canonical order."""
    return (system, other) if system < other else (other, system)


def round_robin(systems: Sequence[str]) -> list[list[Pair]]:
    """A tournament in which every two meet once, as rounds in which nobody plays twice.

    Parameters
    ----------
    systems : sequence of str
        In the order of their seats; another order gives other rounds.

    Returns
    -------
    list of list of (str, str)
        n - 1 rounds for an even n, n rounds with one system sitting out for an odd n.

    Notes
    -----
    The circle method: one seat stands still, the others turn by one place a round.

    Examples
    --------
    >>> round_robin(["a", "b", "c"])
    [[('a', 'b')], [('a', 'c')], [('b', 'c')]]
    """
    seats: list[str | None] = [*systems]
    if len(seats) % 2:
        seats.insert(0, None)
    rounds = []
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        facing = zip(seats[:half], reversed(seats[half:]), strict=True)
        rounds.append(
            [pair_of(one, other) for one, other in facing if one is not None and other is not None]
        )
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return rounds


@dataclass(slots=True)
class Planner:
    """Says for one prompt after the other which systems meet on it.

    With the design balanced it remembers how often each pair has met, and gives each prompt the
    rounds whose pairs met least. If all prompts have responses of the same systems, the counts of
    pairs never differ by more than one; if not, no design could promise that, and this one levels
    as far as the responses allow.
    """

    rules: PairingRules
    met: Counter[Pair] = field(default_factory=Counter)
    tournaments: dict[tuple[str, ...], list[list[Pair]]] = field(default_factory=dict)

    def pairs_on(
        self, prompt_id: str, samples: Mapping[str, Iterable[int]]
    ) -> Iterator[PlannedPair]:
        """The pairs on one prompt.

        Parameters
        ----------
        prompt_id : str
        samples : mapping of str to iterable of int
            The numbers of each system's samples on this prompt.

        Yields
        ------
        PlannedPair
            Samples ascending, pairs in canonical order within each.
        """
        present: dict[int, list[str]] = defaultdict(list)
        for system in sorted(samples):
            for sample in samples[system]:
                present[sample].append(system)
        for sample in sorted(present):
            for system_a, system_b in self.pairs_among(tuple(present[sample]), prompt_id, sample):
                yield PlannedPair(prompt_id, system_a, system_b, sample)

    def pairs_among(self, systems: tuple[str, ...], prompt_id: str, sample: int) -> list[Pair]:
        """The pairs among systems that are all present, in canonical order."""
        if self.rules.design is Design.BALANCED:
            return self.least_met_rounds(systems, prompt_id, sample)
        focus = (
            {self.rules.anchor} if self.rules.design is Design.ANCHOR else set(self.rules.systems)
        )
        return [
            pair
            for pair in combinations(systems, 2)
            if self.rules.design is Design.ALL or not focus.isdisjoint(pair)
        ]

    def least_met_rounds(self, systems: tuple[str, ...], prompt_id: str, sample: int) -> list[Pair]:
        if len(systems) < 2:
            return []
        if systems not in self.tournaments:
            seats = shuffled(systems, self.rules.seed, "seat", key=str)
            self.tournaments[systems] = round_robin(seats)
        tournament = self.tournaments[systems]

        def how_often(number: int) -> tuple[int, int, int]:
            counts = [self.met[pair] for pair in tournament[number]]
            drawn = draw(self.rules.seed, "round", prompt_id, sample, number)
            return max(counts), sum(counts), drawn

        chosen = sorted(range(len(tournament)), key=how_often)[: self.rules.rounds]
        pairs = sorted(pair for number in chosen for pair in tournament[number])
        self.met.update(pairs)
        return pairs


@dataclass(frozen=True, slots=True)
class PairCount:
    """How many comparisons of two systems there are, and the votes they ask for."""

    system_a: str
    system_b: str
    comparisons: int
    votes: int


@dataclass(frozen=True, slots=True)
class PairingSummary:
    """What a set of pairs amounts to.

    Attributes
    ----------
    comparisons, votes : int
        In all.
    pairs : tuple of PairCount
        By pair of systems that meet, in canonical order.
    components : tuple of tuple of str
        The systems that meet others, grouped by who meets whom, directly or through others.
        Results of different groups cannot be compared.
    alone : tuple of str
        The systems that meet nobody.
    """

    comparisons: int
    votes: int
    pairs: tuple[PairCount, ...]
    components: tuple[tuple[str, ...], ...]
    alone: tuple[str, ...]

    @property
    def is_connected(self) -> bool:
        return len(self.components) <= 1 and not self.alone


def summarise(
    systems: Iterable[str], counts: Iterable[tuple[str, str, int, int]]
) -> PairingSummary:
    """Add up comparisons and votes by pair of systems, and see which systems are connected.

    Parameters
    ----------
    systems : iterable of str
        All systems, so that those that meet nobody are seen.
    counts : iterable of (str, str, int, int)
        Two systems in either order, a number of comparisons, and the votes these ask for.
    """
    comparisons: Counter[Pair] = Counter()
    votes: Counter[Pair] = Counter()
    for system, other, count, wanted in counts:
        pair = pair_of(system, other)
        comparisons[pair] += count
        votes[pair] += wanted
    meeting = {system for pair in comparisons for system in pair}
    return PairingSummary(
        comparisons=comparisons.total(),
        votes=votes.total(),
        pairs=tuple(
            PairCount(*pair, comparisons[pair], votes[pair]) for pair in sorted(comparisons)
        ),
        components=tuple(find_components(comparisons)),
        alone=tuple(sorted(set(systems) - meeting)),
    )
