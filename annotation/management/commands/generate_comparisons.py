from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.lifecycle.generation import (
    DEFAULT_OVERLAP,
    GenerationSummary,
    generate_comparisons,
)
from annotation.lifecycle.identical import generate_identical
from annotation.management.study_command import StudyCommand, seed
from annotation.models import Study
from annotation.pairing import Design, DesignError


class Command(StudyCommand):
    """All it says goes to stderr: there is no result to print."""

    help = "Generate the comparisons of a draft study from its imported responses."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--design",
            choices=[design.value for design in Design],
            help="all: each pair of systems on each prompt; anchor: each system against --anchor; "
            "balanced: --rounds of a seeded round-robin per prompt; focused: only pairs with one "
            "of --systems (default: all, or none with --identical)",
        )
        parser.add_argument(
            "--identical",
            metavar="N",
            type=int,
            default=0,
            help="also N responses that meet themselves, for the share of identical pairs",
        )
        parser.add_argument("--anchor", metavar="SYSTEM", help="for the design anchor")
        parser.add_argument(
            "--systems", metavar="A,B", default="", help="for the design focused, by commas"
        )
        parser.add_argument(
            "--rounds", metavar="R", type=int, default=1, help="for the design balanced (1)"
        )
        parser.add_argument(
            "--overlap",
            metavar="K",
            type=int,
            default=DEFAULT_OVERLAP,
            help=f"votes wanted for each comparison ({DEFAULT_OVERLAP})",
        )
        parser.add_argument("--seed", metavar="N", type=seed, default=0, help="(0)")

    def run(self, study: Study, options: dict[str, Any]) -> None:
        try:
            lines = self.generate(study, options)
        except DesignError as error:
            raise CommandError(str(error)) from error
        for line in lines:
            # Django paints all of stderr as errors, where the terminal shows colours.
            self.stderr.write(line, style_func=str)

    def generate(self, study: Study, options: dict[str, Any]) -> list[str]:
        """Identical pairs alone, where no design is named beside them."""
        lines = []
        if options["identical"]:
            pairs = generate_identical(study, options["identical"], seed=options["seed"])
            lines.append(
                f"{study.slug}: generated {pairs.created} identical pairs; "
                f"{pairs.existing} existed before."
            )
            if options["design"] is None:
                return lines
        summary = generate_comparisons(
            study,
            design=options["design"] or Design.ALL,
            anchor=options["anchor"],
            systems=[name.strip() for name in options["systems"].split(",") if name.strip()],
            rounds=options["rounds"],
            overlap=options["overlap"],
            seed=options["seed"],
        )
        return lines + lines_of(study, summary)


def lines_of(study: Study, summary: GenerationSummary) -> list[str]:
    """The summary in words."""
    work = summary.study
    lines = [
        f"{study.slug}: generated {summary.created} comparisons; {summary.skipped} existed before.",
        f"In all {work.comparisons} comparisons, which ask for {work.votes} votes:",
    ]
    lines += [
        f"  {pair.system_a} and {pair.system_b}: {pair.comparisons} comparisons, {pair.votes} votes"
        for pair in work.pairs
    ]
    if len(work.components) > 1:
        lines.append(
            f"Warning: the systems fall into {len(work.components)} groups that never meet. "
            "Results of different groups cannot be compared, and open_study refuses this "
            "without --allow-disconnected:"
        )
        lines += [
            f"  {number}: {', '.join(component)}"
            for number, component in enumerate(work.components, start=1)
        ]
    if work.alone:
        lines.append(f"Warning: without any comparison: {', '.join(work.alone)}.")
    if work.comparisons and work.is_connected:
        lines.append("The systems are connected: all can be ranked on one scale.")
    return lines
