"""Write a study's votes, judgments, comparisons, tables or whole report to stdout or a file."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand
from annotation.models import Study
from reports import analysis, looks
from reports.exports import catalogue
from reports.exports.catalogue import Export
from reports.freshness import freshness, latest_run
from reports.management.commands.analyze import SEALED_EXIT
from reports.models import AnalysisRun


class Command(StudyCommand):
    help = (
        "Export a study: votes, judgments and comparisons as JSONL or CSV, the tables of its "
        "latest report as CSV, the report itself as one HTML file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("what", metavar="what", help=", ".join(catalogue.FORMATS))
        parser.add_argument("--format", help="jsonl, csv or html (default: the first possible)")
        parser.add_argument("--output", type=Path, help="write to this file instead of stdout")
        parser.add_argument(
            "--all",
            action="store_true",
            help="votes: also superseded, surplus and excluded ones (an import would count them)",
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        try:
            export = catalogue.find(options["what"], options["format"])
        except catalogue.UnknownExportError as fault:
            raise CommandError(str(fault)) from None
        if options["all"] and export.name != "votes":
            raise CommandError(f"--all is about votes; {export.name} has no rows left out.")
        if study.is_sealed and export.shows_outcomes:
            raise CommandError(
                f"The results of {study.slug} are sealed until it is closed and unblinded "
                f"(close_study, then unblind_study). Nothing was exported. "
                f"`export {study.slug} comparisons` works now and gives codes for the systems.",
                returncode=SEALED_EXIT,
            )
        kept = self.report_of(study) if export.needs_analysis else None
        if kept is None:
            chunks = catalogue.stream_rows(study, export, everything=options["all"])
        else:
            chunks = catalogue.stream_result(kept, export)
        if export.is_look(study):
            looks.record_export(study, kept, None, export.name)
        self.write(chunks, options["output"], export)

    def report_of(self, study: Study) -> AnalysisRun:
        """The latest report; the first one is made here."""
        kept = latest_run(study)
        if kept is None:
            self.say("There is no report yet: computing it.")
            return analysis.run(study)
        if freshness(study, kept).is_stale:
            self.say(
                f"Votes, judgments or changes of the study have come in since this report of "
                f"{kept.created_at:%Y-%m-%d %H:%M} UTC. `analyze {study.slug}` makes a new one."
            )
        return kept

    def write(self, chunks: Iterator[bytes], output: Path | None, export: Export) -> None:
        if output is None:
            self.print(chunks)
            return
        try:
            write_whole(chunks, output)
        except OSError as fault:
            raise CommandError(f"{output}: {fault.strerror}. Nothing was written.") from None
        self.say(f"Wrote {export.name} to {output}.")

    def print(self, chunks: Iterator[bytes]) -> None:
        """Bytes as they are, where stdout takes bytes; a test's own stream takes text."""
        binary = getattr(self.stdout, "buffer", None)
        try:
            for chunk in chunks:
                if binary is None:
                    self.stdout.write(chunk.decode("utf-8"), ending="")
                else:
                    binary.write(chunk)
            self.stdout.flush()
        except BrokenPipeError:
            # The reader has what it wants, as `head` does. Python would complain at exit, too.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def say(self, message: str) -> None:
        # Django paints all of stderr as errors, where the terminal shows colours.
        self.stderr.write(message, style_func=str)


def write_whole(chunks: Iterator[bytes], output: Path) -> None:
    """The whole file or none: a broken export never replaces a good one."""
    if output.exists() and not output.is_file():
        # A pipe or a device cannot be replaced, only written to.
        with output.open("wb") as file:
            file.writelines(chunks)
        return
    handle, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(chunks)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
