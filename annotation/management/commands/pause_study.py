"""pause_study STUDY: hand out no pairs for a while."""

from __future__ import annotations

from typing import Any

from annotation.lifecycle.states import pause_study
from annotation.management.study_command import StudyCommand
from annotation.models import Study


class Command(StudyCommand):
    help = "Hand out no pairs until open_study continues the study."

    def run(self, study: Study, options: dict[str, Any]) -> None:
        pause_study(study)
        self.say(f"{study.slug} is paused. open_study {study.slug} continues it.")
