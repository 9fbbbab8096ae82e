"""A study's annotators by the names that votes have in files, with what they said about themselves.

Joined to the votes by `annotator_id`, the answers are strata. Imported raters stand here, too. No
account, address or platform's name does.
"""

from __future__ import annotations

from collections.abc import Iterator

from annotation import quality
from annotation.csv_lines import as_cell, csv_line
from annotation.models import Annotator, Study
from annotation.profile_rules import TEAM
from annotation.rules import rules_of

COLUMNS = ("annotator_id", "state", "team", "pairs", "skipped", "own_votes")
UNSAID = "(did not want to say)"


def list_annotators(study: Study) -> Iterator[str]:
    """Lines of CSV in the order of the names, the header first.

    After `COLUMNS` comes one for each question of the study, under its key; a cell is empty where
    somebody was not asked yet. `own_votes` says of an owner what becomes of their votes.
    """
    keys = [question.key for question in rules_of(study.rules).profile.questions]
    yield csv_line([*COLUMNS, *keys])
    rows = Annotator.objects.filter(study=study).order_by("external_id")
    for row in quality.with_own_votes(rows).iterator(1000):
        profile = row.profile
        said = [
            UNSAID if key in profile and profile[key] is None else profile.get(key) for key in keys
        ]
        own = quality.own_votes_in(row, study)
        yield csv_line(
            [
                row.external_id,
                row.state,
                as_cell(profile.get(TEAM)),
                row.answered,
                row.skipped,
                own,
                *map(as_cell, said),
            ]
        )
