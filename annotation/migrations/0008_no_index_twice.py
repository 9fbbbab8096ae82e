from django.db import migrations, models
import django.db.models.deletion


# Each begins another index that stays, or, of the versions, is asked by nothing.
TWICE = [
    ('assignment', 'comparison', 'assignments', 'annotation.comparison', False),
    ('assignment', 'study_version', '+', 'annotation.studyversion', False),
    ('vote', 'annotator', 'votes', 'annotation.annotator', False),
    ('vote', 'assignment', 'votes', 'annotation.assignment', True),
    ('vote', 'study_version', '+', 'annotation.studyversion', True),
]


def names_of(schema_editor, table, column):
    """The indexes, none of them unique, that are of this column alone."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return [
        name
        for name, known in found.items()
        if known['index'] and not known['unique'] and known['columns'] == [column]
    ]


# By name, and not by `AlterField`: SQLite would make tables anew that triggers stand on.
def drop(apps, schema_editor):
    for model, field, *_ in TWICE:
        table = f'annotation_{model}'
        for name in names_of(schema_editor, table, f'{field}_id'):
            schema_editor.execute(f'DROP INDEX {schema_editor.quote_name(name)}')


def create(apps, schema_editor):
    for name, field, *_ in TWICE:
        model = apps.get_model('annotation', name)
        schema_editor.execute(
            schema_editor._create_index_sql(model, fields=[model._meta.get_field(field)])
        )


class Migration(migrations.Migration):
    """A vote writes five indexes less, and its assignment is written twice."""

    dependencies = [
        ('annotation', '0007_flags_lose_their_notes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, create, elidable=False)],
            state_operations=[
                migrations.AlterField(
                    model_name=model,
                    name=field,
                    field=models.ForeignKey(
                        blank=optional,
                        db_index=False,
                        null=optional,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name=related,
                        to=to,
                    ),
                )
                for model, field, related, to, optional in TWICE
            ],
        ),
    ]
