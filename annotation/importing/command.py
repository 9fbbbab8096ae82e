"""What the five import commands share: their arguments, their words and their exit."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotation.importing.formats import FileError
from annotation.importing.transfer import BadRowsError, ImportRefusedError, import_files
from annotation.importing.writers.writer import ImportPlan
from annotation.management.database_faults import database_faults_in_words


class ImportCommand(BaseCommand):
    """Import files of one kind. All it says goes to stderr: an import has no result to print."""

    # The checks load every page, and with them the libraries of the report: 100 MB and a second.
    requires_system_checks: list[str] = []

    plan: ClassVar[ImportPlan[Any]]
    takes_several_files: ClassVar[bool] = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("study", metavar="STUDY", help="created by its first import")
        parser.add_argument(
            "files",
            metavar="FILE",
            type=Path,
            nargs="+" if self.takes_several_files else 1,
            help="JSONL or CSV by its suffix, also with .gz",
        )
        parser.add_argument(
            "--skip-bad-rows",
            action="store_true",
            help="store the good rows although others are bad; without it nothing is stored then",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database_faults_in_words():
                summary = import_files(
                    options["study"],
                    [Path(file) for file in options["files"]],
                    self.plan,
                    skip_bad_rows=options["skip_bad_rows"],
                    say=self.say,
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (FileError, ImportRefusedError, BadRowsError) as error:
            raise CommandError(str(error)) from error
        self.say(summary.text())

    def say(self, text: str) -> None:
        # Django paints all of stderr as errors, where the terminal shows colours.
        self.stderr.write(text, style_func=str)
