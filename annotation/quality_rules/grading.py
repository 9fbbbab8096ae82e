"""Whether an answer on a pair with a known answer is right. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def is_right(gold: Mapping[str, Sequence[str]], verdicts: Mapping[str, str]) -> bool:
    """Whether every criterion that `gold` names was answered with an accepted verdict.

    Parameters
    ----------
    gold : mapping of str to sequence of str
        `Comparison.gold`: the accepted verdicts by criterion.
    verdicts : mapping of str to str
        What was decided, by criterion. One that is missing is not right.

    Examples
    --------
    >>> is_right({"overall": ["a", "tie"]}, {"overall": "tie", "tone": "b"})
    True
    """
    return all(verdicts.get(criterion) in accepted for criterion, accepted in gold.items())
