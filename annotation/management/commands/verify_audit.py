"""verify_audit [STUDY]: recompute the chained log; exit 1 names every row that does not hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotation import audit
from annotation.management.database_faults import database_faults_in_words
from annotation.management.study_command import find_study
from annotation.models import AuditEntry


class Command(BaseCommand):
    help = "Check that no entry of the audit log was changed, removed or inserted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", nargs="?", metavar="STUDY", help="default: every chain")

    def handle(self, *args: Any, **options: Any) -> None:
        with database_faults_in_words():
            self.verify(options)

    def verify(self, options: dict[str, Any]) -> None:
        study = find_study(options["study"]) if options["study"] else None
        faults = list(audit.verify(study))
        for fault in faults:
            self.stderr.write(f"{fault.scope}, entry {fault.seq}: {fault.reason}")
        if faults:
            number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            raise CommandError(f"{number} in the audit log. Restore the rows from a backup.")
        entries = AuditEntry.objects.all()
        if study is not None:
            entries = entries.filter(scope=audit.scope_of(study))
        self.stderr.write(f"{entries.count()} entries hold.", self.style.SUCCESS)
