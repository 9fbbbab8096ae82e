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


CHANGED = "was changed after it was written"
COLUMNS = {
    "scope": ("'site'", "missing"),
    "seq": ("9", "missing"),
    "study_id": ("NULL", CHANGED),
    "actor_id": ("(SELECT MIN(id) FROM annotation_user)", CHANGED),
    "action": ("'bct.1'", CHANGED),
    "detail": ("'{}'", CHANGED),
    "at": ("'2020-01-01T00:00:00+00:00'", CHANGED),
    "hash": ("'f'", CHANGED),
}


def test_every_column_is_tried() -> None:
    columns = {field.column for field in AuditEntry._meta.concrete_fields}
    assert columns == {"id", "prev_hash", *COLUMNS}


@pytest.mark.parametrize("seq", [1, 2, 4])
@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_a_changed_byte_is_found_and_its_row_named(column: str, seq: int) -> None:
    factories.make_user()
    study = study_with_entries()
    value, reason = COLUMNS[column]
    tamper(
        f"UPDATE annotation_auditentry SET {column} = {value} WHERE id = %s",  # noqa: S608
        study.audit_entries.get(seq=seq).pk,
    )
    first = next(audit.verify(study))
    assert (first.scope, first.seq) == (f"study:{study.pk}", seq)
    assert first.reason.startswith(reason)
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_audit", stderr=told)
    assert f"study:{study.pk}, entry {seq}: {reason}" in told.getvalue()


@pytest.mark.parametrize("column", sorted(set(COLUMNS) - {"scope", "seq"}))
def test_the_entries_around_a_changed_row_are_not_blamed(column: str) -> None:
    factories.make_user()
    study = study_with_entries()
    tamper(
        f"UPDATE annotation_auditentry SET {column} = {COLUMNS[column][0]} "  # noqa: S608
        "WHERE id = %s",
        study.audit_entries.get(seq=2).pk,
    )
    assert [fault.seq for fault in audit.verify(study)] == [2]


def test_another_hash_before_a_row_is_two_faults_of_that_row() -> None:
    study = study_with_entries()
    tamper(
        "UPDATE annotation_auditentry SET prev_hash = '' WHERE id = %s",
        study.audit_entries.get(seq=2).pk,
    )
    assert [(fault.seq, fault.reason) for fault in audit.verify(study)] == [
        (2, "does not follow the entry before it"),
        (2, CHANGED),
    ]


@pytest.mark.parametrize("seq", [1, 2, 3, 4])
def test_a_removed_row_is_named_and_no_other(seq: int) -> None:
    study = study_with_entries()
    tamper(DELETE, study.audit_entries.get(seq=seq).pk)
    assert [(fault.seq, fault.reason) for fault in audit.verify(study)] == [(seq, "missing")]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_rows_that_are_missing_in_a_row_are_one_fault(first: int) -> None:
    study = study_with_entries()
    for seq in (first, first + 1):
        tamper(DELETE, study.audit_entries.get(seq=seq).pk)
    assert [(fault.seq, fault.reason) for fault in audit.verify(study)] == [
        (first, f"missing, as all are up to {first + 1}")
    ]


def write_anew(study: Study, seq: int) -> None:
    """Change an entry, and its hash as fits the change."""
    entry = study.audit_entries.get(seq=seq)
    entry.action = "other"
    tamper(
        "UPDATE annotation_auditentry SET action = 'other', "  # noqa: S608
        f"hash = '{audit.entry_hash(entry)}' WHERE id = %s",
        entry.pk,
    )


def test_an_entry_that_was_written_anew_does_not_fit_the_next() -> None:
    """Whoever also computes the hash of what they changed leaves the entry after it behind."""
    study = study_with_entries()
    write_anew(study, 2)
    assert [(fault.seq, fault.reason) for fault in audit.verify(study)] == [
        (3, "does not follow the entry before it")
    ]


def test_a_last_entry_that_was_written_anew_is_not_the_one_its_chain_names() -> None:
    study = study_with_entries()
    write_anew(study, 4)
    assert [(fault.seq, fault.reason) for fault in audit.verify(study)] == [
        (4, "is not the end its chain names")
    ]


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
