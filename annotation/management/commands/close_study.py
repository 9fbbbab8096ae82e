"""close_study STUDY: end the collection of votes."""

from __future__ import annotations

from typing import Any

from annotation.lifecycle.states import close_study
from annotation.management.study_command import StudyCommand
from annotation.models import Study


class Command(StudyCommand):
    help = "End the collection of votes for good."

    def run(self, study: Study, options: dict[str, Any]) -> None:
        closed = close_study(study)
        after = (
            f" Its results are sealed until unblind_study {closed.slug}."
            if closed.is_sealed
            else ""
        )
        self.say(f"{closed.slug} is closed.{after}")
