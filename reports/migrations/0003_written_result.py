from django.db import migrations

import reports.written_json

# SQLite keeps JSON as text anyway: nothing changes there, and the table keeps its triggers.
TYPES = {"forwards": "text", "backwards": "jsonb"}


def keep_as(which):
    def change(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            kind = TYPES[which]
            schema_editor.execute(
                "ALTER TABLE reports_analysisrun "
                f"ALTER COLUMN result TYPE {kind} USING result::{kind}"
            )

    return change


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0002_analysis_request'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(keep_as("forwards"), keep_as("backwards"))],
            state_operations=[
                migrations.AlterField(
                    model_name='analysisrun',
                    name='result',
                    field=reports.written_json.WrittenJSONField(),
                ),
            ],
        ),
    ]
