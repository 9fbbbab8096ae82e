"""unblind_study STUDY: let researchers see names and outcomes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation.lifecycle.states import unblind_study
from annotation.management.study_command import StudyCommand
from annotation.models import Study


class Command(StudyCommand):
    help = "Let researchers see system names and outcomes. This is recorded and cannot be undone."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--early",
            action="store_true",
            help="before the study is closed; needs --reason, and the report will say so",
        )
        parser.add_argument("--reason", default="", metavar="TEXT", help="kept in the audit log")

    def run(self, study: Study, options: dict[str, Any]) -> None:
        unblind_study(study, early=options["early"], reason=options["reason"])
        self.say(f"{study.slug} is unblinded. The audit log has the reason and the moment.")
