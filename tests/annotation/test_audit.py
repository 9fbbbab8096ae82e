"""The chained log: written with what it records, and found out when it is edited."""

from __future__ import annotations

from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from annotation import audit
from annotation.models import AuditChain, AuditEntry, Study
from tests import factories
from tests.races import at_once

pytestmark = pytest.mark.django_db

TABLE = AuditEntry._meta.db_table
DELETE = "DELETE FROM annotation_auditentry WHERE id = %s"


def write(study: Study | None, action: str, **detail: Any) -> AuditEntry:
    with transaction.atomic():
        return audit.record(study, None, action, detail)


def study_with_entries(number: int = 4) -> Study:
    study = factories.make_study()
    for count in range(number):
        write(study, f"act.{count}", count=count, text="ü\u2028")
    return study


def tamper(statement: str, pk: int) -> None:
    """Run a statement as a database administrator would: without the triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE]
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        else:
            cursor.execute("SET LOCAL session_replication_role = 'replica'")
        cursor.execute(statement, [pk])


def test_an_untouched_chain_holds() -> None:
    study_with_entries()
    write(None, "site.act")
    assert list(audit.verify()) == []


def test_each_study_has_a_chain_of_its_own() -> None:
    first, second = study_with_entries(2), study_with_entries(3)
    assert list(first.audit_entries.values_list("seq", flat=True)) == [1, 2]
    assert list(second.audit_entries.values_list("seq", flat=True)) == [1, 2, 3]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annotation_auditentry SET action = 'bct.1' WHERE id = %s",
        "UPDATE annotation_auditentry SET detail = '{}' WHERE id = %s",
        "UPDATE annotation_auditentry SET at = '2020-01-01T00:00:00+00:00' WHERE id = %s",
        "UPDATE annotation_auditentry SET hash = 'f' WHERE id = %s",
        "UPDATE annotation_auditentry SET prev_hash = '' WHERE id = %s",
    ],
)
def test_a_changed_byte_is_found_and_its_row_named(statement: str) -> None:
    study = study_with_entries()
    tamper(statement, study.audit_entries.get(seq=2).pk)
    faults = list(audit.verify(study))
    assert (faults[0].scope, faults[0].seq) == (f"study:{study.pk}", 2)
    with pytest.raises(CommandError):
        call_command("verify_audit", stderr=StringIO())


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_a_removed_row_is_found(seq: int) -> None:
    study = study_with_entries()
    tamper(DELETE, study.audit_entries.get(seq=seq).pk)
    faults = list(audit.verify(study))
    assert faults[0].seq == seq


def test_a_shortened_chain_is_found_even_with_its_head_lowered_to_nothing() -> None:
    study = study_with_entries()
    tamper(DELETE, study.audit_entries.get(seq=4).pk)
    AuditChain.objects.filter(scope=audit.scope_of(study)).delete()
    assert [fault.reason for fault in audit.verify(study)] == ["has no chain head"]


def test_the_database_refuses_to_edit_the_log() -> None:
    entry = study_with_entries().audit_entries.get(seq=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(action="other")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()


@pytest.mark.django_db(transaction=True)
def test_an_entry_needs_the_transaction_of_what_it_records() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="belongs into"):
        audit.record(None, None, "lonely")
    assert not AuditEntry.objects.exists()


def test_an_entry_disappears_with_what_it_records() -> None:
    study = factories.make_study()
    with transaction.atomic():
        audit.record(study, None, "undone")
        transaction.set_rollback(True)
    assert not study.audit_entries.exists()
    assert list(audit.verify(study)) == []


@pytest.mark.django_db(transaction=True)
def test_entries_written_at_the_same_moment_stand_one_after_the_other() -> None:
    study = factories.make_study()
    results = at_once([partial(write, study, f"act.{number}") for number in range(8)])
    assert not [result for result in results if isinstance(result, Exception)]
    assert sorted(study.audit_entries.values_list("seq", flat=True)) == list(range(1, 9))
    assert list(audit.verify(study)) == []


def test_the_command_says_that_a_chain_holds() -> None:
    study = study_with_entries(3)
    write(None, "site.act")
    told = StringIO()
    call_command("verify_audit", study.slug, stderr=told)
    assert "3 entries hold" in told.getvalue()
    told = StringIO()
    call_command("verify_audit", stderr=told)
    assert "4 entries hold" in told.getvalue()


def test_the_command_names_every_row_that_does_not_hold() -> None:
    study = study_with_entries()
    for seq in (2, 3):
        tamper(
            "UPDATE annotation_auditentry SET action = 'other' WHERE id = %s",
            study.audit_entries.get(seq=seq).pk,
        )
    told = StringIO()
    with pytest.raises(CommandError, match="2 faults") as caught:
        call_command("verify_audit", study.slug, stderr=told)
    assert caught.value.returncode == 1
    assert f"study:{study.pk}, entry 2: was changed" in told.getvalue()
    assert f"study:{study.pk}, entry 3: was changed" in told.getvalue()


def test_the_command_refuses_a_study_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="There is no study 'nowhere'"):
        call_command("verify_audit", "nowhere")
