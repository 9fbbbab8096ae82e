"""change_study STUDY [FILE.toml] --reason TEXT: a new version of an opened study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import audit
from annotation.importing.formats import FileError
from annotation.importing.transfer import BadRowsError, ImportRefusedError, import_files
from annotation.importing.writers import comparisons
from annotation.lifecycle.change import Add
from annotation.lifecycle.study_file import StudyFile, read_study_file
from annotation.lifecycle.versions import StudyChange, WantedChange, change_study
from annotation.management.study_command import StudyCommand, check_text
from annotation.models import Study

# What the new version asks of people, by the fields of SettledTraining.
MOVED = {
    "sent_back": "The rubric changed: {} will take the training pairs again.",
    "to_train": "The rules ask {} to take the training pairs now.",
    "let_on": "The rules let {} go on to work who had not qualified.",
    "failed": "The rules leave {} no further attempt: not qualified.",
}


class Command(StudyCommand):
    help = (
        "Change an open or paused study: texts, caps, rules and criteria from a file as "
        "configure_study takes it, more votes on a comparison, more comparisons. Each change is a "
        "new version; votes keep theirs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.toml", type=Path, nargs="?")
        parser.add_argument("--reason", required=True, metavar="TEXT", help="kept in the audit log")
        parser.add_argument(
            "--overlap", type=int, metavar="K", help="votes wanted on each comparison; never fewer"
        )
        parser.add_argument(
            "--items",
            metavar="A,B",
            help="item ids of the comparisons that --overlap is about (default: all)",
        )
        parser.add_argument(
            "--add-comparisons",
            metavar="FILE",
            type=Path,
            help="further comparisons of the study's systems, as import_comparisons takes them",
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        if options["items"] is not None and options["overlap"] is None:
            raise CommandError("--items says which comparisons --overlap is about; name both.")
        if options["items"] is not None:
            check_text("--items", options["items"])
        file = StudyFile() if options["file"] is None else read_study_file(Path(options["file"]))
        items = options["items"]
        try:
            change = change_study(
                study,
                WantedChange.of(
                    options["reason"],
                    criteria=file.criteria,
                    overlap=options["overlap"],
                    items=None if items is None else [name.strip() for name in items.split(",")],
                    **file.settings,
                ),
                add=self.adding(options["add_comparisons"]),
            )
        except (FileError, ImportRefusedError, BadRowsError) as error:
            raise CommandError(f"{error}\n{study.slug} was not changed.") from error
        self.report(study, change)

    def adding(self, path: Path | None) -> Add | None:
        if path is None:
            return None

        def add(study: Study) -> audit.Act | None:
            return import_files(
                study.slug,
                [Path(path)],
                comparisons.PLAN,
                into_opened=True,
                say=lambda text: self.stderr.write(text, style_func=str),
            ).act

        return add

    def report(self, study: Study, change: StudyChange) -> None:
        if change.version is None:
            self.say(f"{study.slug}: nothing to change.")
            return
        for line in change.lines:
            self.stderr.write(f"  {line}", style_func=str)
        for warning in change.warnings:
            self.warn(warning)
        for name, words in MOVED.items():
            if number := getattr(change.training, name):
                self.warn(words.format("1 annotator" if number == 1 else f"{number} annotators"))
        self.say(
            f"{study.slug} is now version {change.version.number}, content hash "
            f"{change.version.content_hash}. Votes keep the version they were given under."
        )
