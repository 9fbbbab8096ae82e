"""The same report is the same text, whichever database gave it back."""

from __future__ import annotations

import json

import pytest

from reports.exports import report_json
from reports.models import AnalysisRun


def rendered(result: dict[str, object]) -> str:
    return report_json.render(AnalysisRun(result=result))


def test_neither_the_order_of_keys_nor_the_writing_of_numbers_matters() -> None:
    one = {"study": "s", "counts": {"votes": 3, "systems": 2}, "a": [6.25e16, -0.0, 1]}
    other = {"a": [62500000000000000, 0.0, 1], "counts": {"systems": 2, "votes": 3}, "study": "s"}
    assert rendered(one) == rendered(other)
    assert list(json.loads(rendered(one))) == ["study", "counts", "a"]


def test_a_seed_is_kept_to_the_last_digit() -> None:
    seed = 2**63 - 1
    result = {"seed": seed, "leaderboard": [{"strength": {"seed": seed}}]}
    assert json.loads(rendered(result)) == result


def test_the_text_is_that_of_the_standard_library() -> None:
    result = {
        "a": [[], {}, [1, [2.5, -1e-9]], {"x": [True, False], 'é\n"': None}],
        "seed": 2**63 - 1,
        "title": "naïve 函数 \u2028",
    }
    ordered = {name: result[name] for name in ("title", "seed", "a")}
    assert rendered(result) == json.dumps(ordered, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_no_json_number_is_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        rendered({"a": [value]})
