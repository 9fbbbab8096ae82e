"""invite STUDY --role ROLE: print single-use links, one a line; or one for a platform's people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from annotation import people
from annotation.management.study_command import StudyCommand
from annotation.models import Role, Study
from annotation.people.crowd import CROWD_LIFETIME
from annotation.people.invitations import JOIN_LIFETIME
from annotation.rules import rules_of


class Command(StudyCommand):
    help = "Print single-use links, each of which lets one person join the study."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--count", type=int, default=1, metavar="N")
        parser.add_argument(
            "--crowd",
            type=int,
            metavar="N",
            help="print one link for up to N annotators of a recruitment platform instead",
        )
        parser.add_argument(
            "--days",
            type=int,
            default=CROWD_LIFETIME.days,
            help=f"how long that link lasts (default: {CROWD_LIFETIME.days})",
        )
        parser.add_argument(
            "--base-url", default="", metavar="URL", help="of the site (default: SITE_URL)"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        # A wrong base must not leave invitations behind whose links nobody has.
        people.check_base_url(options["base_url"])
        role = Role(options["role"])
        if options["crowd"] is not None:
            self.invite_crowd(study, role, options)
            return
        issued = people.invite(study, role, options["count"])
        for invitation in issued:
            self.stdout.write(people.invitation_url(invitation.token, options["base_url"]))
        self.say(
            f"{len(issued)} for the role {role.value}; each works once, "
            f"within {JOIN_LIFETIME.days} days. They cannot be shown again."
        )

    def invite_crowd(self, study: Study, role: Role, options: dict[str, Any]) -> None:
        if role != Role.ANNOTATOR or options["count"] != 1:
            raise CommandError("--crowd makes one link, for the role annotator. Nothing was made.")
        crowd = rules_of(study.rules).crowd
        issued = people.issue_crowd_link(
            study, options["crowd"], lifetime=timedelta(days=options["days"])
        )
        self.stdout.write(people.crowd_url(issued.token, crowd, options["base_url"]))
        self.say(
            f"For up to {options['crowd']} annotators, within {options['days']} days. The platform "
            "puts its own names in the places in braces; write them as it does. The link cannot be "
            "shown again."
        )
        if not crowd.completed_code:
            self.warn(
                "The study has no completion code: set completed_code under [rules.crowd], or "
                "people of a platform will not know how to end."
            )
