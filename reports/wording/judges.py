"""Which judge is closest to people, where the votes can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .headline import alpha_of

Pair = Mapping[str, Any]


def judge_name(entry: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> str:
    """The judge's name, with its version where it has several."""
    return name_of((entry["judge"], entry["judge_version"]), entries)


def name_of(judge: tuple[str, int], entries: Sequence[Mapping[str, Any]]) -> str:
    """The same of a judge known by name and version."""
    name, number = judge
    same = [other for other in entries if other["judge"] == name]
    return f"{name} (version {number})" if len(same) > 1 else name


def judges_of(pair: Pair) -> tuple[tuple[str, int], tuple[str, int]]:
    return (
        (pair["judge_1"], pair["judge_version_1"]),
        (pair["judge_2"], pair["judge_version_2"]),
    )


def closer_of(pair: Pair, result: Mapping[str, Any]) -> tuple[str, int] | None:
    """The judge of the pair that is shown to be closer to people; None where none is."""
    difference, p = pair["difference"]["estimate"], pair["p_adjusted"]
    if not difference or p is None or p > alpha_of(result):
        return None
    return judges_of(pair)[0 if difference > 0 else 1]


def closest_judge(result: Mapping[str, Any]) -> tuple[str, int] | None:
    """The judge that is shown to be closer to people than every other, by name and version.

    None where there is no such judge, and in reports that were made before format 7, which did
    not test it.
    """
    pairs = result.get("judge_pairs", ())
    judges = {(entry["judge"], entry["judge_version"]) for entry in result["alignment"]}
    for judge in judges:
        own = [pair for pair in pairs if judge in judges_of(pair)]
        if len(own) == len(judges) - 1 > 0 and all(
            closer_of(pair, result) == judge for pair in own
        ):
            return judge
    return None


def closest_in_words(result: Mapping[str, Any]) -> str:
    closest = closest_judge(result)
    if closest is None:
        return "No judge is shown to be closer to people than every other."
    return f"{name_of(closest, result['alignment'])} is closer to people than every other judge."
