from django.db import migrations, models
import django.db.models.functions.text


def look_at_assignments(apps, schema_editor):
    """PostgreSQL knows nothing of an expression until it looks, and would guess in between.

    Not at a new database: it would take the table for one that stays empty.
    """
    connection = schema_editor.connection
    rows = apps.get_model('annotation', 'Assignment').objects.using(connection.alias)
    if connection.vendor == 'postgresql' and rows.exists():
        schema_editor.execute('ANALYZE annotation_assignment')


class Migration(migrations.Migration):
    """What is reserved has an index of its own. While it is made, assignments can be read."""

    dependencies = [
        ('annotation', '0015_own_votes'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(
                django.db.models.functions.text.Upper('state'),
                models.F('lease_expires_at'),
                name='assignment_reserved_in_order',
            ),
        ),
        migrations.RunPython(look_at_assignments, migrations.RunPython.noop, elidable=True),
    ]
