"""review_annotator STUDY ANNOTATOR OUTCOME: decide on somebody that quality control found."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import quality
from annotation.management.study_command import StudyCommand, check_text
from annotation.models import Annotator, ReviewOutcome, Study

DONE = {
    ReviewOutcome.RESUME: "goes on",
    ReviewOutcome.RETRAIN: "trains once more",
    ReviewOutcome.REJECT: "is rejected; the votes are excluded and their places are open again",
    ReviewOutcome.REINSTATE: "is reinstated; the exclusions are lifted",
    ReviewOutcome.COUNT_OWN: "owns the study, and their own votes count now",
}


class Command(StudyCommand):
    help = (
        "Let an annotator go on, train again, or be rejected; take a rejection back; or let an "
        "owner's own votes count."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("annotator", metavar="ANNOTATOR", help="as check_quality names them")
        parser.add_argument("outcome", choices=ReviewOutcome.values)
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="kept with the decision"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        name = options["annotator"]
        check_text("ANNOTATOR", name)
        annotator = Annotator.objects.filter(study=study, external_id=name).first()
        if annotator is None:
            raise CommandError(
                f"{study.slug} has no annotator {name!r}. check_quality {study.slug} lists them."
            )
        outcome = ReviewOutcome(options["outcome"])
        try:
            quality.review(annotator, outcome, options["reason"])
        except quality.ReviewRefusedError as refused:
            raise CommandError(str(refused)) from None
        self.say(f"{name} {DONE[outcome]}.")
