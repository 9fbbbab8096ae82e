"""invite STUDY --role ROLE: print single-use links, one a line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from annotation import people
from annotation.management.study_command import StudyCommand
from annotation.models import Role, Study
from annotation.people.invitations import JOIN_LIFETIME


class Command(StudyCommand):
    help = "Print single-use links, each of which lets one person join the study."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--count", type=int, default=1, metavar="N")
        parser.add_argument(
            "--base-url", default="", metavar="URL", help="of the site (default: SITE_URL)"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        # A wrong base must not leave invitations behind whose links nobody has.
        people.check_base_url(options["base_url"])
        role = Role(options["role"])
        issued = people.invite(study, role, options["count"])
        for invitation in issued:
            self.stdout.write(people.invitation_url(invitation.token, options["base_url"]))
        self.say(
            f"{len(issued)} for the role {role.value}; each works once, "
            f"within {JOIN_LIFETIME.days} days. They cannot be shown again."
        )
