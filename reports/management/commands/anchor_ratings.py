"""anchor_ratings STUDY SYSTEM [--rating N]: what the ratings of reports are measured from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand, check_text
from annotation.models import Study
from reports.models.anchors import DEFAULT_RATING
from reports.rating_anchor import AnchorRefusedError, remove_anchor, set_anchor


class Command(StudyCommand):
    help = (
        "Let one system stand at a number of its own in the reports of a study; all ratings of its "
        "group are measured from it. The next analyze follows it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "system",
            nargs="?",
            metavar="SYSTEM",
            help="its name, or its code while the study is sealed",
        )
        parser.add_argument(
            "--rating",
            type=float,
            default=DEFAULT_RATING,
            metavar="N",
            help=f"where it stands (default: {DEFAULT_RATING:g})",
        )
        parser.add_argument(
            "--none", action="store_true", help="measure from the mean of each group, 1000"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        system = options["system"]
        if options["none"] is (system is not None):
            raise CommandError("Name a system, or --none. Nothing was changed.")
        try:
            if options["none"]:
                remove_anchor(study, None)
                self.say("Ratings are measured from the mean of each group, which is 1000.")
                return
            check_text("The system's name", system)
            set_anchor(study, None, system=system, rating=options["rating"])
        except AnchorRefusedError as refused:
            raise CommandError(str(refused)) from None
        self.say(
            f"{system} stands at {options['rating']:.10g}, and ratings are measured from it. The "
            "next analyze follows it."
        )
