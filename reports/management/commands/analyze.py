"""Compute a study's report; the object alone goes to stdout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand, seed
from annotation.models import Study
from reports import analysis
from reports.exports import report_json, report_text

# Distinct from 1 (a fault): nothing is wrong, it is not time yet.
SEALED_EXIT = 3


class Command(StudyCommand):
    help = "Analyse a study: leaderboard, pairs, agreement and judge alignment."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument("--output", type=Path, help="write to this file instead of stdout")
        parser.add_argument("--seed", type=seed, help="seed of the random draws (default: study's)")
        parser.add_argument(
            "--diagnostics",
            action="store_true",
            help="also the diagnostics that refit at length: seconds to minutes on large studies",
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        try:
            kept = analysis.run(study, seed=options["seed"], thorough=options["diagnostics"])
        except analysis.SealedError as sealed:
            raise CommandError(str(sealed), returncode=SEALED_EXIT) from None
        render = report_json.render if options["format"] == "json" else report_text.render
        text = render(kept)
        if options["output"] is None:
            self.stdout.write(text)
            return
        try:
            options["output"].write_text(text + "\n", encoding="utf-8")
        except OSError as fault:
            raise CommandError(
                f"{options['output']}: {fault.strerror}. Nothing was written."
            ) from None
        self.stderr.write(f"Wrote {options['output']}.", self.style.NOTICE)
