"""Add a judge, or a panel of them, from a TOML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand
from annotation.models import Study
from judging.endpoints.saving import EndpointFault
from judging.judge_files import JudgeFileError, read_judge_file
from judging.judges import JudgeFault, add_judges, warnings_about


class Command(StudyCommand):
    help = "Add judges from a TOML file. A judge that has changed gets a new version."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.toml", type=Path)
        parser.add_argument(
            "--key-stdin",
            action="store_true",
            help="read the endpoint's key from standard input; it is stored encrypted",
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        key = sys.stdin.readline().strip() if options["key_stdin"] else ""
        try:
            draft = read_judge_file(options["file"])
            added = add_judges(study, draft, actor=None, key=key)
        except (JudgeFileError, JudgeFault, EndpointFault) as fault:
            raise CommandError(str(fault)) from None
        said: set[str] = set()
        for one in added:
            what = "added" if one.is_new else "is there already, unchanged"
            self.say(f"{one.version.judge.judge_id}: version {one.version.number} {what}.")
            said |= set(warnings_about(study, one.version.config))
        for warning in sorted(said):
            self.warn(warning)
