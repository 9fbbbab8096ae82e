"""When a study will be done: at a steady pace, at an uneven one, and where nobody can say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reports.watching.forecast import FEWEST_ANSWERS, forecast

NOW = datetime(2026, 5, 8, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def by_hour(days: float, answers: int, *, only: range = range(24)) -> list[tuple[datetime, int]]:
    start = NOW - days * DAY
    hours = [start + number * HOUR for number in range(round(days * 24))]
    return [(hour, answers) for hour in hours if hour.hour in only]


def test_a_steady_pace_tells_the_end() -> None:
    found = forecast(by_hour(7, 10), 2400, since=NOW - 30 * DAY, now=NOW)
    assert found is not None
    assert found.per_day == pytest.approx(240)
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest < NOW + 10 * DAY < found.latest
    assert found.latest - found.earliest < 2 * DAY


def test_an_uneven_pace_widens_the_range() -> None:
    steady = forecast(by_hour(7, 10), 2400, since=NOW - 30 * DAY, now=NOW)
    spells = by_hour(2, 35)
    uneven = forecast(spells, 2400, since=NOW - 30 * DAY, now=NOW)
    assert steady is not None
    assert uneven is not None
    assert uneven.per_day == pytest.approx(steady.per_day)
    assert uneven.high - uneven.low > 3 * (steady.high - steady.low)


def test_a_pace_that_may_be_nothing_has_no_last_day() -> None:
    one_evening = [(NOW - 3 * DAY, 30)]
    found = forecast(one_evening, 1000, since=NOW - 7 * DAY, now=NOW)
    assert found is not None
    assert found.low == 0
    assert found.latest is None
    assert found.earliest is not None


def test_time_in_which_nobody_could_answer_is_no_pace() -> None:
    found = forecast(by_hour(1, 10), 240, since=NOW - 1 * DAY, now=NOW)
    assert found is not None
    assert found.per_day == pytest.approx(240)
    assert found.hours == 24


@pytest.mark.parametrize(
    ("answers", "since"),
    [
        ([], NOW - 7 * DAY),
        (by_hour(7, 10), NOW - 3 * HOUR),
        ([(NOW - DAY, FEWEST_ANSWERS - 1)], NOW - 7 * DAY),
    ],
)
def test_too_little_says_nothing(answers: list[tuple[datetime, int]], since: datetime) -> None:
    assert forecast(answers, 100, since=since, now=NOW) is None


def test_nothing_left_is_done_now() -> None:
    found = forecast(by_hour(7, 10), 0, since=NOW - 7 * DAY, now=NOW)
    assert found is not None
    assert (found.earliest, found.latest) == (NOW, NOW)
