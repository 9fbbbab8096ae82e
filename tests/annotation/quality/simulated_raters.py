"""Studies with people who try, and one or more who do not, for measuring the rules.

A pair of work has a verdict of its own. Somebody who tries gives it, except on pairs where their
taste differs and when they slip; then the verdict is drawn as verdicts are in general. Slips are
drawn so that a repeat gets the same verdict in 70 to 90 % of cases, gold is right in 85 to 95 %.
Times are log-normal around what reading at fifty characters a second takes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from annotation.answer_rules import Quality
from annotation.quality_rules.concord import concords
from annotation.quality_rules.figures import Dwell, Evidence, Share
from annotation.quality_rules.firing import fire

WORK, GOLD, REPEAT, IDENTICAL = "work", "gold", "repeat", "identical"
VERDICTS = ("a", "b", "tie", "both_bad")
FREQUENCIES = (0.42, 0.42, 0.12, 0.04)
BY_CHANCE = sum(share**2 for share in FREQUENCIES)
UNSWAP = {("left", False): "a", ("right", False): "b", ("left", True): "b", ("right", True): "a"}

MEDIAN_CHARACTERS, CHARACTERS_SIGMA = 1500, 0.6
FIRST_LOOK_MS, MS_PER_CHARACTER = 3000, 20
WITHIN_SIGMA, BETWEEN_SIGMA = 0.6, 0.25
TIES_ON_IDENTICAL = 0.8
# As annotation.quality.evidence has it.
PAIRS = 100


@dataclass(frozen=True)
class World:
    """What the study asks: shares of checks, overlap, and how far tastes differ."""

    annotators: int = 12
    answers: int = 60
    overlap: int = 3
    gold_share: float = 0.1
    repeat_share: float = 0.1
    identical_share: float = 0.05
    repeat_gap: int = 20
    # Share of pairs on which a person's taste is their own.
    taste: tuple[float, float] = (0.0, 0.2)


@dataclass
class Rater:
    slip: float
    taste: float
    gold: float
    pace: float
    buttons: tuple[str, ...] | None = None
    answers: list[tuple[str, int, str, str, Dwell]] = field(default_factory=list)


def honest(world: World, draw: Generator) -> Rater:
    same = draw.uniform(0.7, 0.9)
    return Rater(
        slip=1 - math.sqrt((same - BY_CHANCE) / (1 - BY_CHANCE)),
        taste=draw.uniform(*world.taste),
        gold=draw.uniform(0.85, 0.95),
        pace=math.exp(draw.normal(0, BETWEEN_SIGMA)),
    )


def clicker(*buttons: str) -> Rater:
    """Presses one of the buttons, whatever is shown; as slowly as anybody."""
    return Rater(slip=0, taste=0, gold=0, pace=1, buttons=buttons)


def hasty(world: World, draw: Generator) -> Rater:
    """Answers as people do who try, in a tenth of the time."""
    rater = honest(world, draw)
    rater.pace /= 10
    return rater


def in_general(draw: Generator) -> str:
    return VERDICTS[draw.choice(4, p=FREQUENCIES)]


def collect(raters: list[Rater], world: World, draw: Generator) -> None:
    """Everybody answers `world.answers` pairs, checks among them."""
    share = world.gold_share + world.repeat_share + world.identical_share
    pairs = math.ceil(len(raters) * world.answers * (1 - share) / world.overlap)
    truth = [in_general(draw) for _ in range(pairs)]
    order = allot(pairs, len(raters), world.overlap, draw)
    for index, rater in enumerate(raters):
        tastes: dict[int, str] = {}
        ahead = iter(order[index])
        done: list[int] = []
        repeated: set[int] = set()
        for _ in range(world.answers):
            kind = draw.choice(
                [GOLD, REPEAT, IDENTICAL, WORK],
                p=[world.gold_share, world.repeat_share, world.identical_share, 1 - share],
            )
            ripe = [pair for pair in done[: -world.repeat_gap] if pair not in repeated]
            if kind == REPEAT and not ripe:
                kind = WORK
            if kind == REPEAT:
                pair = ripe[0]
                repeated.add(pair)
            elif kind == WORK:
                pair = next(ahead, -1)
                if pair < 0:
                    break
                done.append(pair)
            else:
                pair = -1
            rater.answers.append(answer(rater, kind, pair, truth, tastes, draw))


def allot(pairs: int, raters: int, overlap: int, draw: Generator) -> list[list[int]]:
    """Whom each pair goes to: different people, as evenly as the queue does, in their own order."""
    lists: list[list[int]] = [[] for _ in range(raters)]
    for pair in draw.permutation(pairs):
        load = [len(found) + draw.random() for found in lists]
        for index in np.argsort(load)[:overlap]:
            lists[index].append(int(pair))
    return [[int(pair) for pair in draw.permutation(found)] for found in lists]


def answer(
    rater: Rater, kind: str, pair: int, truth: list[str], tastes: dict[int, str], draw: Generator
) -> tuple[str, int, str, str, Dwell]:
    swapped = bool(draw.random() < 0.5)
    if kind == GOLD:
        wanted = "a" if draw.random() < 0.5 else "b"
    elif kind == IDENTICAL:
        wanted = "tie"
    else:
        wanted = truth[pair]
    if rater.buttons is not None:
        choice = rater.buttons[draw.integers(len(rater.buttons))]
        verdict = UNSWAP.get((choice, swapped), choice)
    else:
        verdict = verdict_of(rater, kind, pair, wanted, tastes, draw)
        shown = {given: choice for (choice, side), given in UNSWAP.items() if side == swapped}
        choice = shown.get(verdict, verdict)
    if kind == GOLD:
        verdict = "right" if verdict == wanted else "wrong"
    characters = int(math.exp(draw.normal(math.log(MEDIAN_CHARACTERS), CHARACTERS_SIGMA)))
    median = (FIRST_LOOK_MS + MS_PER_CHARACTER * characters) * rater.pace
    dwell = Dwell(int(median * math.exp(draw.normal(0, WITHIN_SIGMA))), characters)
    return kind, pair, choice, verdict, dwell


def verdict_of(
    rater: Rater, kind: str, pair: int, wanted: str, tastes: dict[int, str], draw: Generator
) -> str:
    if kind == GOLD:
        if draw.random() < rater.gold:
            return wanted
        return VERDICTS[(VERDICTS.index(wanted) + draw.integers(1, 4)) % 4]
    if kind == IDENTICAL:
        return wanted if draw.random() < TIES_ON_IDENTICAL else str(draw.choice(["a", "b"]))
    if pair not in tastes:
        tastes[pair] = in_general(draw) if draw.random() < rater.taste else wanted
    return in_general(draw) if draw.random() < rater.slip else tastes[pair]


ALL_BUTTONS = ("left", "right", "tie", "both_bad")

# Who does not try, by name.
CAREFREE: dict[str, Callable[[World, Generator], Rater]] = {
    "always left": lambda world, draw: clicker("left"),
    "a tenth of the time": hasty,
    "random, four buttons": lambda world, draw: clicker(*ALL_BUTTONS),
    "random, three buttons": lambda world, draw: clicker(*ALL_BUTTONS[:3]),
    "random, two buttons": lambda world, draw: clicker(*ALL_BUTTONS[:2]),
}


@dataclass
class Power:
    """How many were caught of those who do not try, and flagged of those who do."""

    caught: int = 0
    of: int = 0
    flagged: int = 0
    honest: int = 0
    caught_by: Counter[str] = field(default_factory=Counter)
    flagged_by: Counter[str] = field(default_factory=Counter)


def measure(
    world: World,
    kind: str | None,
    studies: int,
    rules: Quality = Quality(),  # noqa: B008 - frozen
    seed: int = 1,
    every: int = 5,
) -> Power:
    """Power of the rules, looked at after every so many answers, one in each study not trying."""
    draw = np.random.default_rng(seed)
    power = Power()
    for _ in range(studies):
        raters = [honest(world, draw) for _ in range(world.annotators)]
        if kind is not None:
            raters[0] = CAREFREE[kind](world, draw)
        collect(raters, world, draw)
        found: dict[int, set[str]] = {index: set() for index in range(len(raters))}
        for answers in range(10, world.answers + 1, every):
            for index, fired in fire(rules, evidence_after(raters, answers)).items():
                found[index].update(entry.rule for entry in fired)
        for index, names in found.items():
            if kind is not None and index == 0:
                power.of += 1
                power.caught += bool(names)
                power.caught_by.update(names)
            else:
                power.honest += 1
                power.flagged += bool(names)
                power.flagged_by.update(names)
    return power


def evidence_after(raters: list[Rater], answers: int) -> dict[int, Evidence]:
    """What the rules would see when everybody has given so many answers."""
    votes: dict[int, dict[int, str]] = defaultdict(dict)
    own: dict[int, list[int]] = {}
    found: dict[int, Evidence] = {}
    for index, rater in enumerate(raters):
        given = rater.answers[:answers]
        first = {pair: verdict for kind, pair, _, verdict, _ in given if kind == WORK}
        for pair, verdict in first.items():
            votes[pair][index] = verdict
        own[index] = list(first)[-PAIRS:]
        found[index] = figures_of(given, first)
    for index, concord in concords(votes, own).items():
        found[index] = replace(found[index], concord=concord)
    return found


def figures_of(given: list[tuple[str, int, str, str, Dwell]], first: Mapping[int, str]) -> Evidence:
    gold = [verdict == "right" for kind, _, _, verdict, _ in given if kind == GOLD]
    repeats = [verdict == first[pair] for kind, pair, _, verdict, _ in given if kind == REPEAT]
    choices = [choice for _, _, choice, _, _ in given]
    sides = [choice == "left" for choice in choices if choice in ("left", "right")]
    return Evidence(
        answers=len(given),
        gold=Share(sum(gold), len(gold)),
        repeats=Share(sum(repeats), len(repeats)),
        left=Share(sum(sides), len(sides)),
        dwells=tuple(dwell for *_, dwell in reversed(given)),
        run=Share(max(runs(choices), default=0), len(choices)),
    )


def runs(choices: list[str]) -> Iterator[int]:
    length = 0
    for before, choice in zip(["", *choices], choices, strict=False):
        length = length + 1 if choice == before else 1
        yield length
