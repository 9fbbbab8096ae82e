"""What a disagreement is, without a database."""

from __future__ import annotations

import pytest

from annotation.adjudication.disagreements import (
    Cause,
    Disagreement,
    Opinion,
    disagreements,
    has_plurality,
    steps_apart,
)
from annotation.rules import Disagreements

RULES = Disagreements()


def opinions(*verdicts: str) -> list[Opinion]:
    return [Opinion(verdict) for verdict in verdicts]


@pytest.mark.parametrize(
    ("verdicts", "has"),
    [
        (["a"], True),
        (["a", "a", "b"], True),
        (["a", "a", "b", "tie"], True),
        (["a", "b"], False),
        (["a", "b", "tie"], False),
        (["a", "a", "b", "b", "tie"], False),
        (["both_bad", "both_bad", "a"], True),
        ([], False),
    ],
)
def test_a_plurality_is_a_verdict_given_oftener_than_each_other(
    verdicts: list[str], has: bool
) -> None:
    assert has_plurality(verdicts) is has


def test_distance_is_taken_between_the_most_distant_answers() -> None:
    graded = [Opinion("a", 3), Opinion("tie"), Opinion("b", 1), Opinion("both_bad")]
    assert steps_apart(graded) == 4
    assert steps_apart([Opinion("both_bad")]) == 0


def test_distance_counts_on_graded_scales_only() -> None:
    given = {"overall": opinions("a", "a", "b")}
    assert disagreements(RULES, given) == []
    (found,) = disagreements(RULES, given, graded={"overall"})
    assert found == Disagreement(Cause.FAR_APART, "overall", people=3, answers=2)


def test_each_criterion_is_looked_at() -> None:
    given = {"overall": opinions("a", "a"), "style": opinions("a", "b")}
    assert disagreements(RULES, given) == [Disagreement(Cause.NO_PLURALITY, "style", 2, 2)]


def test_a_criterion_that_nobody_answered_is_no_disagreement() -> None:
    assert disagreements(RULES, {"overall": opinions("a", "a"), "style": []}) == []


def test_nothing_but_skips_is_said_of_an_incomplete_comparison() -> None:
    given = {"overall": opinions("a", "b")}
    assert disagreements(RULES, given, complete=False, flags=1, overlap=3) == []
    (found,) = disagreements(RULES, given, complete=False, skips=3, overlap=3)
    assert found == Disagreement(Cause.SKIPPED, people=3)
    assert disagreements(RULES, given, complete=False, skips=2, overlap=3) == []


def test_each_rule_can_be_switched_off() -> None:
    off = Disagreements(no_plurality=False, distance=None, flagged=False)
    given = {"overall": [Opinion("a", 2), Opinion("b", 2)]}
    assert disagreements(off, given, graded={"overall"}, flags=2) == []
    assert disagreements(RULES, {"overall": opinions("a")}, flags=2) == [
        Disagreement(Cause.FLAGGED, people=2)
    ]
