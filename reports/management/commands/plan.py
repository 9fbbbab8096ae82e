"""How many prompts, annotators and votes a study needs; the plan alone goes to stdout."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand
from annotation.models import Study
from reports import study_planning
from reports.exports.text_layout import clean, section, wrapped
from reports.stats.planning import ALPHA, POWER, SMALLEST_DIFFERENCE, PlanError
from reports.stats.rank_plan import DEFAULT_SPREAD, LARGEST_SPREAD
from reports.wording.plan import plan_in_words


class Command(StudyCommand):
    help = (
        "Plan the size of a study, before it starts or while it runs. What the study's content "
        "and votes do not tell is assumed, and said to be."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--win-rate",
            type=float,
            default=SMALLEST_DIFFERENCE,
            help="the smallest win rate among decisive votes to find (default: %(default)s)",
        )
        parser.add_argument("--power", type=float, default=POWER, help="default: %(default)s")
        parser.add_argument("--alpha", type=float, default=ALPHA, help="default: %(default)s")
        parser.add_argument("--tie-rate", type=float, help="share of ties and both-bad votes")
        parser.add_argument(
            "--prompt-share",
            type=float,
            help="share of a vote's variance that is its prompt's, 0 to 1",
        )
        parser.add_argument("--annotator-share", type=float, help="the same of its annotator's")
        parser.add_argument("--prompts", type=int, help="prompts a pair of systems")
        parser.add_argument("--annotators", type=int, help="people who rate")
        parser.add_argument("--overlap", type=int, help="votes on each comparison")
        parser.add_argument("--systems", type=int, help="systems, each against each")
        parser.add_argument(
            "--spread",
            type=float,
            help="standard deviation of the strengths, for what ranks will be known to "
            f"({LARGEST_SPREAD:g} at most; default: {DEFAULT_SPREAD})",
        )
        parser.add_argument("--format", choices=["text", "json"], default="text")

    def run(self, study: Study, options: dict[str, Any]) -> None:
        wishes = study_planning.Wishes(
            **{
                name: options[name]
                for name in (
                    "win_rate",
                    "power",
                    "alpha",
                    "tie_rate",
                    "prompt_share",
                    "annotator_share",
                    "prompts",
                    "annotators",
                    "overlap",
                    "systems",
                    "spread",
                )
            }
        )
        if wishes.systems is not None and wishes.systems < study_planning.DEFAULT_SYSTEMS:
            raise CommandError("--systems takes a number from 2.")
        try:
            found = study_planning.plan(study, wishes)
        except PlanError as fault:
            raise CommandError(f"No such plan: {fault}.") from None
        if options["format"] == "json":
            self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
            return
        lines = [clean(f"Plan for {study.title or study.slug}")]
        for heading, sentences in plan_in_words(found):
            body = [line for sentence in sentences for line in wrapped(sentence)]
            lines += ["", *body] if not heading else section(heading, body)
        self.stdout.write("\n".join(lines))
