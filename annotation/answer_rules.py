"""What in an annotator's answers is noticed, from when on, and what happens then. Pure.

The section `quality` of `annotation.rules`; `annotation.quality_rules` decides by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from annotation.rule_fields import number, share


class Action(StrEnum):
    """What a quality rule does when it fires."""

    PAUSE = "pause"  # no new pairs until a researcher has looked
    FLAG = "flag"  # a researcher is told; the annotator goes on


# The name of the rule, as the exclusions that follow from it carry it.
OWN_VOTES = "own_votes"


class OwnVotes(StrEnum):
    """What becomes of the votes that an owner of the study gives in it."""

    EXCLUDE = "exclude"  # kept, and held out of the count
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Fires when a share is below `least` beyond doubt: its upper bound, too, is below."""

    least: float = share(0.7)
    min_n: int = number(5, 1)
    action: Action = Action.PAUSE


@dataclass(frozen=True, slots=True)
class Agreement:
    """Fires when somebody agrees with the others far less than these do among themselves.

    `least` is a share of the others' agreement beyond chance. It flags and does not pause: who
    disagrees need not be wrong, and a study that stops those who do has made its own agreement.
    """

    least: float = share(0.7)
    alpha: float = share(0.05)
    min_n: int = number(15, 1)
    action: Action = Action.FLAG


@dataclass(frozen=True, slots=True)
class SideShare:
    """Fires when one side is chosen so often that chance does it in fewer than `alpha` studies."""

    alpha: float = share(0.001)
    min_n: int = number(12, 1)
    action: Action = Action.PAUSE


@dataclass(frozen=True, slots=True)
class Speed:
    """Fires when too many of the latest answers came faster than the texts can be read.

    Two responses of n characters together take at least `floor_ms + n * ms_per_character` to be
    looked at, up to `ceiling_ms`: nobody need read to the end what is plainly worse.
    """

    most: float = share(0.5)
    window: int = number(20, 1)
    min_n: int = number(10, 1)
    floor_ms: int = number(1_000, 0)
    ms_per_character: float = field(default=4.0, metadata={"least": 0.0, "most": 1000.0})
    ceiling_ms: int = number(15_000, 0)
    action: Action = Action.PAUSE


@dataclass(frozen=True, slots=True)
class StraightLining:
    """Fires when the same button was pressed so many times in a row."""

    run: int = number(25, 2)
    action: Action = Action.PAUSE


@dataclass(frozen=True, slots=True)
class Skips:
    """Fires when too large a share of what was answered or skipped was skipped."""

    most: float = share(0.3)
    min_n: int = number(20, 1)
    action: Action = Action.FLAG


@dataclass(frozen=True, slots=True)
class Quality:
    """Rules about an annotator's answers; None switches one off. `own_votes` fires on nobody's.

    The defaults are what tests/benchmarks/bench_quality.py measures.
    """

    gold_accuracy: AtLeast | None = AtLeast(least=0.75, min_n=5)
    repeat_consistency: AtLeast | None = AtLeast(least=0.55, min_n=8)
    agreement: Agreement | None = Agreement()
    side_share: SideShare | None = SideShare()
    speed: Speed | None = Speed()
    straight_lining: StraightLining | None = StraightLining()
    skips: Skips | None = Skips()
    own_votes: OwnVotes = OwnVotes.EXCLUDE
