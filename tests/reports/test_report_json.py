"""The report as a text: what stands first, and how it is laid out."""

from __future__ import annotations

import json

from reports.exports import report_json
from reports.models import AnalysisRun


def rendered(result: dict[str, object]) -> str:
    return report_json.render(AnalysisRun(result=result))


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"study": "s", "counts": {"votes": 3, "systems": 2}, "a": [1]}
    other = {"a": [1], "counts": {"systems": 2, "votes": 3}, "study": "s"}
    assert rendered(one) == rendered(other)
    assert list(json.loads(rendered(one))) == ["study", "counts", "a"]


def test_a_seed_is_kept_to_the_last_digit() -> None:
    seed = 2**63 - 1
    result = {"seed": seed, "leaderboard": [{"strength": {"seed": seed}}]}
    assert json.loads(rendered(result)) == result


def test_the_text_is_laid_out_as_by_the_standard_library() -> None:
    result = {
        "a": [[], {}, [1, [2.5, -1.25]], {"x": [True, False], 'é\n"': None}],
        "seed": 2**63 - 1,
        "title": "naïve 函数 \u2028",
    }
    ordered = {name: result[name] for name in ("title", "seed", "a")}
    assert rendered(result) == json.dumps(ordered, indent=2, ensure_ascii=False)
