"""Print what the people of a recruitment platform did, as CSV."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from annotation import audit
from annotation.management.study_command import StudyCommand
from annotation.models import Study
from reports.payments import list_payments


class Command(StudyCommand):
    help = (
        "Print who came by a platform's link and what they did, as CSV: pairs with checks and "
        "surplus, skips and active time. It holds the platform's names and no outcomes."
    )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        lines = list(list_payments(study))
        # It names people: the log says that it was looked at.
        with transaction.atomic():
            audit.record(study, None, "payments.listed", {"participants": len(lines) - 1})
        for line in lines:
            self.stdout.write(line, ending="")
        self.say(f"{len(lines) - 1} participants.")
