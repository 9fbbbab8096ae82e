"""The kinds of figures that are kept: progress, people, and what the planner says."""

from __future__ import annotations

from annotation.models import Study, StudyState

from .counts import count_progress, is_large
from .keeping import Keeper, count_watched
from .people import are_many, read_people, read_people_again
from .planned import read_plan

# Comparisons up to which a page counts itself: some tenths of a second on a slow machine.
SMALL = 5_000

PROGRESS = Keeper("progress", count_progress, lambda study: is_large(study, SMALL))
PEOPLE = Keeper("people", read_people, are_many, again=read_people_again)
# It reads every vote, and hardly changes from one minute to the next.
PLAN = Keeper("plan_and_ranks", read_plan, None, fresh=60.0)

KEEPERS = (PROGRESS, PEOPLE, PLAN)


def count_what_is_watched() -> list[str]:
    """The background's round over all studies that are not put away."""
    studies = list(Study.objects.exclude(state=StudyState.ARCHIVED).order_by("pk"))
    return count_watched(iter(KEEPERS), studies)
