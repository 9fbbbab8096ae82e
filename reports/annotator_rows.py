"""A study's annotators by the names that votes have in files, with what they said about themselves.

Joined to the votes by `annotator_id`, the answers are strata. Imported raters stand here, too. No
account, address or platform's name does.
"""

from __future__ import annotations

from collections.abc import Iterator

from annotation.csv_lines import as_cell, csv_line
from annotation.models import Annotator, Study
from annotation.profile_rules import TEAM
from annotation.rules import rules_of

COLUMNS = ("annotator_id", "state", "team", "pairs", "skipped")
UNSAID = "(did not want to say)"


def list_annotators(study: Study) -> Iterator[str]:
    """Lines of CSV in the order of the names, the header first.

    After `COLUMNS` comes one for each question of the study, under its key; a cell is empty where
    somebody was not asked yet.
    """
    keys = [question.key for question in rules_of(study.rules).profile.questions]
    yield csv_line([*COLUMNS, *keys])
    rows = Annotator.objects.filter(study=study).order_by("external_id")
    names = ("external_id", "state", "profile", "answered", "skipped")
    for who, state, profile, answered, skipped in rows.values_list(*names).iterator(1000):
        said = [
            UNSAID if key in profile and profile[key] is None else profile.get(key) for key in keys
        ]
        yield csv_line(
            [who, state, as_cell(profile.get(TEAM)), answered, skipped, *map(as_cell, said)]
        )
