"""revalidate_judge STUDY --judge NAME --count N: a random sample of its judgments to people."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation.management.study_command import StudyCommand, check_text, seed
from annotation.models import Study
from reports.revalidation import MOST_DRAWN, revalidate_judge, version_of, withdraw_sample
from reports.validations import ValidationError


class Command(StudyCommand):
    help = (
        "Draw a seeded random sample of the comparisons that a judge decided, by category and "
        "verdict in proportion, and have the annotators decide on them. The first report that "
        "finds all their votes records a validation of the judge and corrects its win rates."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--judge", required=True, metavar="NAME")
        parser.add_argument(
            "--judge-version", type=int, metavar="N", help="default: the newest with judgments"
        )
        parser.add_argument(
            "--count",
            type=int,
            metavar="N",
            help=f"how many; at most {MOST_DRAWN:,}",
        )
        parser.add_argument(
            "--withdraw",
            action="store_true",
            help="draw nothing, but give up the sample that is with the annotators",
        )
        parser.add_argument(
            "--raise-overlap",
            action="store_true",
            help="draw from comparisons with votes as well, and ask for one more vote on each",
        )
        parser.add_argument("--seed", type=seed, metavar="N", help="of the draw")

    def run(self, study: Study, options: dict[str, Any]) -> None:
        check_text("--judge", options["judge"])
        if options["withdraw"] is (options["count"] is not None):
            raise CommandError("Say how many to draw (--count N), or --withdraw.")
        try:
            version = version_of(study, options["judge"], options["judge_version"])
            if options["withdraw"]:
                given_up = withdraw_sample(study, version)
                self.say(
                    f"The sample of {len(given_up.sample)} comparisons for "
                    f"{version.judge.judge_id} (version {version.number}) is withdrawn; another "
                    "one can be drawn."
                )
                return
            row = revalidate_judge(
                study,
                version,
                options["count"],
                raise_overlap=options["raise_overlap"],
                seed=options["seed"],
            )
        except ValidationError as refused:
            raise CommandError(str(refused)) from None
        self.say(
            f"{len(row.sample)} of {len(row.frame)} comparisons that {version.judge.judge_id} "
            f"(version {version.number}) judged were drawn with seed {row.seed}. Annotators get "
            "them next; analyze reads them once their votes are in."
        )
