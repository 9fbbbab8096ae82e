"""What the page is told when too many pairs were skipped."""

from __future__ import annotations

import pytest

from annotation import quality
from annotation.models import Assignment, AssignmentState, Study
from annotation.rating.skipping import no_more_skips

from .conftest import Door


def test_a_skip_past_the_limit_is_refused_with_a_time_and_the_pair_stays(
    door: Door, study: Study
) -> None:
    Study.objects.filter(pk=study.pk).update(rules={"limits": {"skips_per_hour": 1}})
    first, second = door.next()["pairs"]
    body = {"assignment": first["id"], "reason": "cannot_judge"}
    assert door.post("skip", body).status_code == 200
    refused = door.post("skip", body | {"assignment": second["id"]})
    assert refused.status_code == 429
    assert refused.json() == {
        "error": "skip_limit",
        "message": "You have skipped 1 pair within an hour. You can skip again in 60 minutes. "
        "This pair is yours.",
        "stored": False,
    }
    assert 3590 < int(refused.headers["Retry-After"]) <= 3600
    assert Assignment.objects.get(public_id=second["id"]).state == AssignmentState.RESERVED
    assert second["id"] in [pair["id"] for pair in door.next()["pairs"]]
    # What was skipped before is still answered in the same way.
    assert door.post("skip", body).status_code == 200


@pytest.mark.parametrize("rule", [{"min_n": 4, "most": 0.5}, None])
def test_whoever_skips_much_is_warned_before_the_rule_fires(
    door: Door, study: Study, rule: dict[str, float] | None
) -> None:
    Study.objects.filter(pk=study.pk).update(rules={"quality": {"skips": rule}})
    notices = []
    for _ in range(3):
        pair = door.next(want=1)["pairs"][0]
        answer = door.post("skip", {"assignment": pair["id"], "reason": "language"}).json()
        notices.append(answer["notice"])
    if rule is None:
        assert notices == ["", "", ""]
        return
    assert notices[0] == ""
    assert notices[1:] == [
        f"You have skipped {n} of your last {n} pairs. Please skip only what you cannot judge."
        for n in (2, 3)
    ]
    assert quality.run_rules(study) == 0


@pytest.mark.parametrize(
    ("limit", "seconds", "words"),
    [
        (1, 1, "skipped 1 pair within an hour. You can skip again in 1 minute."),
        (20, 60, "skipped 20 pairs within an hour. You can skip again in 1 minute."),
        (20, 61, "skipped 20 pairs within an hour. You can skip again in 2 minutes."),
    ],
)
def test_the_wait_is_said_in_whole_minutes(limit: int, seconds: int, words: str) -> None:
    assert words in no_more_skips(limit, seconds)
