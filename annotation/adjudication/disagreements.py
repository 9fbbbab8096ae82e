"""What counts as a disagreement among the answers on one comparison. Pure; no Django.

`routing` says the same in SQL over whole studies; a test holds the two against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from annotation.blinding import grade_of
from annotation.rules import Disagreements


class Cause(StrEnum):
    """Why a comparison goes to an adjudicator."""

    NO_PLURALITY = "no_plurality"  # no answer was given oftener than each other one
    FAR_APART = "far_apart"  # two answers on a graded scale, further apart than the rule allows
    FLAGGED = "flagged"  # somebody remarked that something is wrong with it
    SKIPPED = "skipped"  # as many people left it as should have answered it


class Opinion(NamedTuple):
    """One counted answer on one criterion."""

    verdict: str
    margin: int | None = None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One reason why a comparison needs an adjudicator.

    Attributes
    ----------
    cause : Cause
    criterion : str
        Its key; empty for what is about the comparison as a whole.
    people : int
        How many answered, flagged or skipped.
    answers : int
        How many different answers they gave.
    """

    cause: Cause
    criterion: str = ""
    people: int = 0
    answers: int = 0


def has_plurality(verdicts: Iterable[str]) -> bool:
    """Whether one verdict was given oftener than each other one; false without verdicts.

    Examples
    --------
    >>> has_plurality(["a", "a", "b"]), has_plurality(["a", "b", "tie"])
    (True, False)
    """
    commonest = Counter(verdicts).most_common(2)
    return len(commonest) == 1 or (len(commonest) == 2 and commonest[0][1] > commonest[1][1])


def steps_apart(opinions: Iterable[Opinion]) -> int:
    """The steps between the two most distant answers on a graded scale.

    "Both bad" is no point on the scale and is left out.

    Examples
    --------
    >>> steps_apart([Opinion("a", 2), Opinion("tie"), Opinion("both_bad")])
    2
    """
    grades = [
        grade for grade in (grade_of(verdict, margin) for verdict, margin in opinions)
        if grade is not None
    ]  # fmt: skip
    return max(grades) - min(grades) if grades else 0


def disagreements(
    rules: Disagreements,
    opinions: Mapping[str, Sequence[Opinion]],
    *,
    graded: Collection[str] = (),
    complete: bool = True,
    flags: int = 0,
    skips: int = 0,
    overlap: int = 1,
) -> list[Disagreement]:
    """Every reason why a comparison needs an adjudicator; none if it does not.

    Parameters
    ----------
    rules : Disagreements
    opinions : mapping of str to sequence of Opinion
        The counted answers by criterion.
    graded : collection of str
        The criteria with a graded scale.
    complete : bool
        Whether everybody who was asked has answered. Until then only skips say anything.
    flags : int
        How many people flagged it.
    skips : int
        How many people skipped it.
    overlap : int
        How many answers the comparison wants.
    """
    found = []
    if complete:
        for key, given in opinions.items():
            answers = len({opinion.verdict for opinion in given})
            verdicts = [opinion.verdict for opinion in given]
            if rules.no_plurality and given and not has_plurality(verdicts):
                found.append(Disagreement(Cause.NO_PLURALITY, key, len(given), answers))
            elif (
                key in graded
                and rules.distance is not None
                and steps_apart(given) >= rules.distance
            ):
                found.append(Disagreement(Cause.FAR_APART, key, len(given), answers))
        if rules.flagged and flags:
            found.append(Disagreement(Cause.FLAGGED, people=flags))
    if skips >= overlap:
        found.append(Disagreement(Cause.SKIPPED, people=skips))
    return found
