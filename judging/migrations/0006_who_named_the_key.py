from __future__ import annotations

from typing import Any

from django.db import migrations, models


def note_people(apps: Any, schema_editor: Any) -> None:
    """Where the log does not say that a command named the key, it is one that people named."""
    entries = apps.get_model("annotation", "AuditEntry").objects.filter(
        action="judge.endpoint_saved", detail__new_key=True
    )
    for endpoint in apps.get_model("judging", "Endpoint").objects.exclude(key_variable=""):
        named = (
            entries.filter(study=endpoint.study_id, detail__name=endpoint.name)
            .order_by("-seq")
            .first()
        )
        endpoint.key_named_by_people = named is None or named.actor_id is not None
        endpoint.save(update_fields=["key_named_by_people"])


class Migration(migrations.Migration):

    dependencies = [
        ("judging", "0005_runs_that_are_prepared"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="key_named_by_people",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(note_people, migrations.RunPython.noop, elidable=True),
    ]
