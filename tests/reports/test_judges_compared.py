"""A judge is called the closest to people where paired tests say so, and nowhere else."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from django.conf import settings

from annotation.models import Verdict
from judging.models import Order
from reports import analysis
from reports.charts import judges as charts
from reports.presentation.judges import judge_pair_rows
from reports.wording.judges import closest_in_words, closest_judge
from tests.factories import make_judge_version, make_judgment
from tests.reports import results
from tests.reports.voted import make_voted_study


def judged(p: dict[tuple[str, str], tuple[float, float | None]]) -> dict[str, Any]:
    """A report with judges whose pairs have this difference and adjusted p."""
    names = sorted({name for pair in p for name in pair})
    entries = [
        results.alignment(name, agreement=results.figure(0.8 - 0.1 * place))
        for place, name in enumerate(names)
    ]
    pairs = [
        {
            "judge_1": first,
            "judge_version_1": 1,
            "judge_2": second,
            "judge_version_2": 1,
            "comparisons": 60,
            "difference": results.figure(p[first, second][0], method="agreement_difference"),
            "p_value": p[first, second][1],
            "p_method": "sign_flip_exact",
            "p_adjusted": p[first, second][1],
            "family": len(p),
        }
        for first, second in combinations(names, 2)
    ]
    return results.clear_report("x", "y", alignment=entries, judge_pairs=pairs)


AB, AC, BC = ("a", "b"), ("a", "c"), ("b", "c")


@pytest.mark.parametrize(
    ("p", "closest"),
    [
        ({AB: (0.1, 0.01), AC: (0.2, 0.01), BC: (0.1, 0.6)}, "a"),
        # Closer than one of the others is not closest.
        ({AB: (0.1, 0.2), AC: (0.2, 0.01), BC: (0.1, 0.01)}, None),
        ({AB: (-0.1, 0.01), AC: (0.2, 0.01), BC: (0.1, 0.01)}, "b"),
        # What was not tested decides nothing.
        ({AB: (0.1, 0.01), AC: (0.2, None), BC: (0.1, 0.01)}, None),
        ({AB: (0.0, 0.01), AC: (0.2, 0.01), BC: (0.1, 0.01)}, None),
    ],
)
def test_the_closest_judge_is_shown_to_be_closer_than_every_other(
    p: dict[tuple[str, str], tuple[float, float | None]], closest: str | None
) -> None:
    result = judged(p)
    found = closest_judge(result)
    assert (found and found[0]) == closest
    (chart,) = charts.charts(result)
    if closest is None:
        assert chart.title == "No judge is shown to be closer to people than every other"
        assert chart.title + "." == closest_in_words(result)
    else:
        assert chart.title.startswith(f"{closest} is the judge closest to people: it agrees with")


def test_a_report_that_did_not_test_it_names_nobody() -> None:
    result = judged({AB: (0.1, 0.01), AC: (0.2, 0.01), BC: (0.1, 0.01)})
    del result["judge_pairs"]
    assert closest_judge(result) is None
    assert judge_pair_rows(result) == []


def test_one_judge_alone_is_compared_with_nobody() -> None:
    result = results.clear_report("x", "y", alignment=[results.alignment("only")])
    (chart,) = charts.charts(result)
    assert chart.title.startswith("only agrees with")


def test_a_row_says_which_is_closer_in_points() -> None:
    first, second, third = judge_pair_rows(
        judged({AB: (0.1, 0.01), AC: (-0.2, 0.04), BC: (0.1, 0.6)})
    )
    assert (first.difference.text, first.closer) == ("+10.0", "a")
    assert (second.difference.text, second.closer) == ("−20.0", "c")
    assert third.closer == "not decided"


@pytest.mark.django_db
def test_the_report_compares_judges_and_names_raters_as_its_tables_do() -> None:
    study = make_voted_study(prompts=14, judge="steady")
    contrary = make_judge_version(study, "contrary")
    for comparison in study.comparisons.all():
        make_judgment(comparison, Verdict.B, version=contrary, order=Order.BOTH)
    result = analysis.run(study).result
    (pair,) = result["judge_pairs"]
    assert (pair["judge_1"], pair["judge_2"]) == ("contrary", "steady")
    assert pair["comparisons"] == 42
    assert pair["difference"]["estimate"] < 0
    names = {row["annotator"] for row in result["side_bias"]["per_annotator"]}
    for entry in result["alignment"]:
        raters = entry["human_ceiling"]["leave_one_out"]["raters"]
        assert {rater["rater"] for rater in raters} == names


def test_no_wording_of_the_product_calls_a_judge_best_without_a_test() -> None:
    for path in (settings.BASE_DIR / "reports").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "closest to people" in text:
            assert path.name in {"judges.py"}
            assert "closest_judge" in text
