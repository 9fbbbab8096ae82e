"""create_owner EMAIL: the first account, with a single-use link to set its password."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import people
from annotation.management.database_faults import database_faults_in_words


class Command(BaseCommand):
    help = (
        "Make an account that runs this site and owns every study without an owner; print a "
        "single-use link to set its password. For an existing one: a new link."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument(
            "--base-url", default="", metavar="URL", help="of the site (default: SITE_URL)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            people.check_base_url(options["base_url"])
            with database_faults_in_words():
                issued = people.create_owner(options["email"])
        except ValidationError as invalid:
            raise CommandError(f"{options['email']!r}: {' '.join(invalid.messages)}") from None
        except people.PeopleError as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(people.invitation_url(issued.token, options["base_url"]))
        self.stderr.write(
            "The link sets the password. It works once, within 24 hours; "
            "run create_owner again for another.",
            self.style.SUCCESS,
        )
