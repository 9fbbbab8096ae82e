"""erase_annotator STUDY ANNOTATOR: take who somebody is out of a study, and leave the votes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from annotation import people
from annotation.management.study_command import StudyCommand, check_text
from annotation.models import Study
from annotation.people import AccountFate, Belongings

ACCOUNT = {
    AccountFate.NONE: "no account: this is an imported rater",
    AccountFate.EMPTIED: "the account: sign-in name, address, password; nobody can sign in by it",
    AccountFate.KEPT: "the account's part in this study; the account itself is needed elsewhere",
}


class Command(StudyCommand):
    help = (
        "Erase who an annotator is: name, account, platform's names, texts, drafts. Votes and "
        "figures stay, under a new random name. Without --erase it only says what goes and what "
        "remains."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "annotator",
            metavar="ANNOTATOR",
            help="as check_quality names them, or their sign-in name or platform's name",
        )
        parser.add_argument(
            "--erase", action="store_true", help="do it; this cannot be undone, but by a backup"
        )

    def run(self, study: Study, options: dict[str, Any]) -> None:
        check_text("ANNOTATOR", options["annotator"])
        annotator = people.find_annotator(study, options["annotator"])
        if not options["erase"]:
            self.tell(people.look_over(annotator))
            self.say("Nothing was changed. With --erase it is done, and cannot be undone.")
            return
        done = people.erase(annotator)
        self.tell(done.belongings)
        self.stdout.write(done.new_name)
        self.say(f"Erased. The votes stand under {done.new_name} from now on.")

    def tell(self, found: Belongings) -> None:
        self.stderr.write("Goes:")
        for line in going(found):
            self.stderr.write(f"  {line}")
        self.stderr.write("Remains:")
        for line in remaining(found):
            self.stderr.write(f"  {line}")


def going(found: Belongings) -> Iterator[str]:
    yield "the name in exports, the profile and the note on the state"
    yield ACCOUNT[found.account]
    is_emptied = found.account == AccountFate.EMPTIED
    yield from present(
        (found.reasons, "reasons and tags with votes"),
        (found.flag_notes, "notes with flags"),
        (found.skip_notes, "notes with skips"),
        (found.drafts, "answers that were begun"),
        (found.key_maps, "choices of keys"),
        (found.arrivals, "platform's names; list_payments does not list the person any more"),
        (found.sessions * is_emptied, "signed-in browsers"),
        (found.links * is_emptied, "links that are still good"),
        (found.reservations, "pairs held, which go to others"),
    )


def remaining(found: Belongings) -> Iterator[str]:
    yield "the log, which knows accounts by number only and says that this was done"
    yield "backups, and the logs of the server, until they are replaced"
    yield from present(
        (found.votes, "votes as they are, with times and an import's metadata"),
        (found.flags, "flags without their notes"),
        (found.reviews, "decisions of researchers on the person, with the reasons they wrote"),
        (found.exclusions, "exclusions of votes and their liftings, with their reasons"),
        (found.reports, "looks in the log at reports: those kept have the old name until analyze"),
        (found.exports, "exports in the log: tell whoever has the files"),
    )


def present(*rows: tuple[int, str]) -> Iterator[str]:
    """The rows of which there is something, each with how many."""
    return (f"{what}: {n}" for n, what in rows if n)
