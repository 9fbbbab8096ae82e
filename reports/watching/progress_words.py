"""What is said of progress in sentences: its pace, the expected end, the stopping rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from annotation.models import Stopping, Study, StudyState
from reports.wording.numbers import NOTHING, about, count, counted

from .counts import PACE_DAYS, Figures, hours_of, total
from .forecast import Forecast, forecast
from .keeping import Kept

# -- pace and end ----------


def foresee(study: Study, kept: Kept, left: int) -> Forecast | None:
    if study.state != StudyState.OPEN or study.opened_at is None:
        return None
    return forecast(
        hours_of(kept.figures),
        left,
        since=max(study.opened_at, study.state_changed_at),
        now=kept.counted_at,
    )


def pace_in_words(study: Study, figures: Figures, foreseen: Forecast | None) -> str:
    hours = hours_of(figures)
    if not hours:
        return f"No answer that counts in the last {PACE_DAYS} days."
    now = timezone.now()
    hour = sum(number for at, number in hours if at > now - timedelta(hours=1))
    day = sum(number for at, number in hours if at > now - timedelta(hours=24))
    said = f"{counted(hour, 'answer')} in the last hour, {count(day)} in the last day"
    if foreseen is None:
        return f"{said}."
    return (
        f"{said}; about {count(about(round(foreseen.per_day)))} a day "
        f"[{count(about(round(foreseen.low)))}, {count(about(round(foreseen.high)))}]."
    )


def ending_in_words(study: Study, foreseen: Forecast | None, left: int) -> str:
    """When the rest will be there, as far as anybody can say."""
    if study.state != StudyState.OPEN:
        return NOTHING
    if left == 0:
        return "All wanted votes are in"
    if foreseen is None:
        return "Too few answers yet to say"
    if foreseen.earliest is None:
        return "Not at this pace"
    if foreseen.latest is None:
        return f"{moment(foreseen.earliest)} at the earliest"
    first, last = moment(foreseen.earliest), moment(foreseen.latest)
    return first if first == last else f"{first} to {last}"


def moment(at: datetime) -> str:
    """A day; near ones with a part of it."""
    ahead = at - timezone.now()
    if ahead < timedelta(hours=36):
        return f"{at:%-d %b, %H}:00"
    if ahead < timedelta(days=300):
        return f"{at:%-d %b}"
    return f"{at:%b %Y}"


def ago(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds)} s ago"
    if seconds < 5400:
        return f"{round(seconds / 60)} min ago"
    return f"{round(seconds / 3600)} h ago"


# -- the stopping rule ----------


def stopping_in_words(
    study: Study, cells: Sequence[Figures], wanted: int, counted_votes: int
) -> list[str]:
    """What the rule that was fixed at opening says, and no more than it lets be seen."""
    by_pair: dict[tuple[int, int], list[Figures]] = defaultdict(list)
    for cell in cells:
        by_pair[cell["systems"][0], cell["systems"][1]].append(cell)
    pairs = len(by_pair)
    if study.stopping == Stopping.SEQUENTIAL:
        stopped = sum(all(cell["stopped"] for cell in found) for found in by_pair.values())
        said = [
            f"Sequential: {count(stopped)} of {counted(pairs, 'pair')} "
            f"{'is' if stopped == 1 else 'are'} decided, and collected no further. The others "
            "go on until the rule decides them or their votes are in.",
        ]
        if study.is_sealed:
            said.append(
                "For whom a pair is decided, and how near the others are, is an outcome: nobody "
                "sees it while the study is sealed."
            )
        return said
    targets = {
        pair: min(study.target_votes, total(found, "wanted")) for pair, found in by_pair.items()
    }
    target = max(targets.values(), default=study.target_votes)
    reached = sum(total(found, "counted") >= targets[pair] for pair, found in by_pair.items())
    return [
        f"Fixed: the study collects {counted(wanted, 'vote')} and ends then, whatever they say. "
        f"{count(counted_votes)} are in.",
        f"Its target is {counted(target, 'vote')} for each pair of systems; "
        f"{count(reached)} of {counted(pairs, 'pair')} "
        f"{'has' if reached == 1 else 'have'} reached it.",
    ]


def evidence_in_words(planned: Mapping[str, Any], cells: Sequence[Figures]) -> list[str]:
    """What the planner says of the design, and how far the pair with the fewest votes is."""
    from reports.wording.plan import plan_in_words

    if "fault" in planned:
        return [f"No plan can be made: {planned['fault']}."]
    plan = planned["plan"]
    said = list(plan_in_words(plan)[0][1])
    by_pair: dict[tuple[int, int], int] = defaultdict(int)
    for cell in cells:
        by_pair[cell["systems"][0], cell["systems"][1]] += cell["counted"]
    if by_pair and plan["needed"] is not None:
        fewest, needed = min(by_pair.values()), plan["needed"]["votes_per_pair"]
        enough = sum(number >= needed for number in by_pair.values())
        said.append(
            f"So far {count(enough)} of {counted(len(by_pair), 'pair')} "
            f"{'has' if enough == 1 else 'have'} so many; the pair with the fewest has "
            f"{count(fewest)}."
        )
    return said
