"""A command on a database that was not migrated says so in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction

from annotation.management.database_faults import database_faults_in_words

# Runs every command of the rooms on whatever database the environment names.
TRY_ALL = """
import io, json, sys
import django
django.setup()
from django.core.management import call_command, get_commands

file, rows = sys.argv[1:]
arguments = {
    "create_owner": ["you@example.org"],
    "verify_audit": [],
    "export": ["study", "votes"],
    "invite": ["study", "--role", "annotator"],
    "add_judge": ["study", file],
    "erase_annotator": ["study", "somebody"],
    "revalidate_judge": ["study", "--judge", "somebody", "--count", "1"],
    "configure_study": ["study", file],
    "change_study": ["study", file, "--reason", "A reason."],
    "review_annotator": ["study", "somebody", "resume", "--reason", "A reason."],
}
said = {}
for name, room in get_commands().items():
    if room not in ("annotation", "judging", "reports"):
        continue
    given = ["study", rows] if name.startswith("import_") else arguments.get(name, ["study"])
    try:
        call_command(name, *given, stdout=io.StringIO(), stderr=io.StringIO())
        said[name] = "nothing"
    except BaseException as error:
        said[name] = f"{type(error).__name__}: {error}"
json.dump(said, sys.stdout)
"""


def test_every_command_names_migrate_where_there_are_no_tables(tmp_path: Path) -> None:
    file, rows = tmp_path / "study.toml", tmp_path / "rows.jsonl"
    file.write_text('title = "A title"\n')
    rows.write_text("{}\n")
    done = subprocess.run(
        [sys.executable, "-c", TRY_ALL, str(file), str(rows)],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "evalsite.settings",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert len(said) > 15
    for name, words in said.items():
        assert words.startswith("CommandError: The database has no tables"), f"{name}: {words}"
        assert "`manage.py migrate`" in words


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 FROM nowhere",
        "SELECT absent FROM annotation_study",
        "INSERT INTO annotation_study (absent) VALUES (1)",
    ],
)
def test_a_missing_table_or_column_is_said_on_either_engine(statement: str) -> None:
    with (
        pytest.raises(CommandError, match=r"manage\.py migrate"),
        transaction.atomic(),
        database_faults_in_words(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_fault_of_the_program_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), database_faults_in_words():
        _ = 1 // 0
