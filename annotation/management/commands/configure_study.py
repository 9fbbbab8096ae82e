"""configure_study STUDY FILE.toml: texts, settings, rules and criteria of a draft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from annotation.lifecycle.configuring import configure_study
from annotation.lifecycle.study_file import read_study_file
from annotation.management.study_command import StudyCommand
from annotation.models import Study


class Command(StudyCommand):
    help = (
        "Set title, instructions, settings, rules and criteria of a draft from a TOML file. The "
        "same file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.toml", type=Path)

    def run(self, study: Study, options: dict[str, Any]) -> None:
        lines = configure_study(study, read_study_file(Path(options["file"])))
        for line in lines:
            self.stderr.write(f"  {line}", style_func=str)
        self.say(f"{study.slug} is configured." if lines else f"{study.slug}: nothing to change.")
