"""Foreign keys that lose the index of their own, on both engines.

Used by migrations only; it imports no application code.
"""

from __future__ import annotations

from django.db import migrations


def drop_own_indexes(fields: list[tuple[str, str]]) -> migrations.RunPython:
    """Drop the indexes that are of one foreign key alone, given as (model, field).

    By name, and not by `AlterField`: SQLite would make tables anew that triggers stand on. Goes
    into `SeparateDatabaseAndState`.
    """

    def drop(apps, schema_editor):
        for model, field in fields:
            table = f"annotation_{model}"
            for name in names_of(schema_editor, table, f"{field}_id"):
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(name)}")

    def create(apps, schema_editor):
        for name, field in fields:
            model = apps.get_model("annotation", name)
            schema_editor.execute(
                schema_editor._create_index_sql(model, fields=[model._meta.get_field(field)])
            )

    return migrations.RunPython(drop, create, elidable=False)


def names_of(schema_editor, table: str, column: str) -> list[str]:
    """The indexes, none of them unique, that are of this column alone."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return [
        name
        for name, known in found.items()
        if known["index"] and not known["unique"] and known["columns"] == [column]
    ]
