from django.db import migrations, models
import django.db.models.deletion
import django.db.models.functions.text

from ._indexes import drop_own_indexes


# Each begins another index that stays.
TWICE = ['prompt', 'study']


def look_at_assignments(apps, schema_editor):
    """PostgreSQL knows nothing of an expression until it looks, and would guess in between.

    Not at a new database: it would take the table for one that stays empty.
    """
    connection = schema_editor.connection
    rows = apps.get_model('annotation', 'Assignment').objects.using(connection.alias)
    if connection.vendor == 'postgresql' and rows.exists():
        schema_editor.execute('ANALYZE annotation_assignment')


class Migration(migrations.Migration):
    """A pair that fills up writes two indexes less; what is reserved has an index of its own."""

    dependencies = [
        ('annotation', '0015_own_votes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[drop_own_indexes([('comparison', field) for field in TWICE])],
            state_operations=[
                migrations.AlterField(
                    model_name='comparison',
                    name=field,
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name='comparisons',
                        to=f'annotation.{field}',
                    ),
                )
                for field in TWICE
            ],
        ),
        migrations.RemoveIndex(
            model_name='assignment',
            name='assignment_lease_order',
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(
                django.db.models.functions.text.Upper('state'),
                models.F('lease_expires_at'),
                name='assignment_lease_order',
            ),
        ),
        migrations.RunPython(look_at_assignments, migrations.RunPython.noop, elidable=True),
    ]
