"""open_study STUDY: freeze a draft and let annotators in, or continue a paused study."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import resume_study
from annotation.management.study_command import StudyCommand
from annotation.models import Study, StudyState


class Command(StudyCommand):
    help = "Freeze the study's content and rubric and let annotators in; continue a paused study."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--allow-disconnected",
            action="store_true",
            help="open although some systems never meet, directly or through others",
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        if study.state == StudyState.PAUSED:
            resume_study(study)
            self.say(f"{study.slug} is open again.")
            return
        opening = open_study(study, allow_disconnected=options["allow_disconnected"])
        for warning in opening.warnings:
            self.warn(warning)
        number = opening.version.snapshot["content"]["comparisons"]["count"]
        noun = "comparison" if number == 1 else "comparisons"
        self.say(
            f"{study.slug} is open. Its {number} {noun} and its rubric are frozen as version "
            f"{opening.version.number}, content hash {opening.version.content_hash}."
        )
