"""What the commands about one study share: the study's name, and refusals as plain messages."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.study_file import LARGEST_SEED
from annotation.management.database_faults import database_faults_in_words
from annotation.models import Study
from annotation.people import PeopleError
from annotation.storable import is_storable


class StudyCommand(BaseCommand):
    """A command whose first argument names a study. What it says goes to stderr."""

    # The checks load every page with all that pages need: a second of each command.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", metavar="STUDY", help="the study's short name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database_faults_in_words():
                self.run(find_study(options["study"]), options)
        except (LifecycleError, PeopleError) as refused:
            raise CommandError(str(refused)) from None
        except ValidationError as invalid:
            raise CommandError("\n".join(invalid.messages)) from None

    def run(self, study: Study, options: dict[str, Any]) -> None:
        raise NotImplementedError

    def say(self, message: str) -> None:
        self.stderr.write(message, self.style.SUCCESS)

    def warn(self, message: str) -> None:
        self.stderr.write(f"Warning: {message}", self.style.WARNING)


def seed(text: str) -> int:
    """The type of an argument that is kept as a seed: of what the database can hold."""
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise ArgumentTypeError(f"a seed is a whole number from 0 to {LARGEST_SEED}, not {text!r}")
    return int(text)


def check_text(place: str, text: str) -> None:
    """Refuse an argument that no database takes: bytes that are no UTF-8, or NUL."""
    if not is_storable(text):
        raise CommandError(
            f"{place} is no text: {text!r}. Write it in UTF-8 and without NUL. Nothing was changed."
        )


def find_study(slug: str) -> Study:
    check_text("The study's name", slug)
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise CommandError(
            f"There is no study {slug!r}. A study is created by its first import, such as "
            "import_responses."
        )
    return study
