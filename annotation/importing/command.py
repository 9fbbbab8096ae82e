"""What the five import commands share: their arguments, their words and their exit."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotation.importing.formats import FileError
from annotation.importing.formats.columns import fields_of
from annotation.importing.formats.peeking import absent_columns, peek
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
            help="JSONL, a JSON list or CSV by its suffix, also with .gz",
        )
        parser.add_argument(
            "--skip-bad-rows",
            action="store_true",
            help="store the good rows although others are bad; without it nothing is stored then",
        )
        parser.add_argument(
            "--map",
            metavar="FIELD=COLUMN",
            action="append",
            default=[],
            help="read a field from a column of another name, as in prompt=question; repeatable",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            paths = [Path(file) for file in options["files"]]
            names = self.names(options["map"], paths)
            plan = dataclasses.replace(
                self.plan, form=dataclasses.replace(self.plan.form, names=names)
            )
            with database_faults_in_words():
                summary = import_files(
                    options["study"],
                    paths,
                    plan,
                    skip_bad_rows=options["skip_bad_rows"],
                    say=self.say,
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except (FileError, ImportRefusedError, BadRowsError) as error:
            raise CommandError(str(error)) from error
        self.say(summary.text())

    def names(self, pairs: Sequence[str], paths: Sequence[Path]) -> dict[str, str]:
        """Return which column of the files is which field, from the values of ``--map``.

        Raises
        ------
        CommandError
            A value is no pair, names an unknown field or a column that no file has, or repeats one.
        """
        form = self.plan.form
        known = fields_of(form.kind, form.columns)
        names: dict[str, str] = {}
        for pair in pairs:
            field, _, column = pair.partition("=")
            if not field or not column:
                raise CommandError(f"--map {pair}: write FIELD=COLUMN, as in prompt=question.")
            if field not in known:
                raise CommandError(
                    f"--map {pair}: {field!r} is no field of {form.kind}. Fields are "
                    f"{', '.join(known)}."
                )
            if column in names or field in names.values():
                twice = column if column in names else field
                raise CommandError(f"--map {pair}: {twice!r} is mapped twice; map it once.")
            names[column] = field
        if absent := absent_columns(paths, names):
            columns = dict.fromkeys(name for path in paths for name in peek(path).columns)
            raise CommandError(
                f"--map: no file has the column {', '.join(map(repr, sorted(absent)))}. Columns "
                f"are {', '.join(columns)}. Nothing was imported."
            )
        return names

    def say(self, text: str) -> None:
        # Django paints all of stderr as errors, where the terminal shows colours.
        self.stderr.write(text, style_func=str)
