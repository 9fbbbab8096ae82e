"""archive_study STUDY: put a closed study away."""

from __future__ import annotations

from typing import Any

from annotation.lifecycle.states import archive_study
from annotation.management.study_command import StudyCommand
from annotation.models import Study


class Command(StudyCommand):
    help = "Put a closed study away. Nothing of it is deleted, and it can still be analysed."

    def run(self, study: Study, options: dict[str, Any]) -> None:
        archive_study(study)
        self.say(f"{study.slug} is archived. Its votes, reports and log are kept.")
