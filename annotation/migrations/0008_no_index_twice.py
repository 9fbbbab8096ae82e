from django.db import migrations, models
import django.db.models.deletion

from ._indexes import drop_own_indexes


# Each begins another index that stays, or, of the versions, is asked by nothing.
TWICE = [
    ('assignment', 'comparison', 'assignments', 'annotation.comparison', False),
    ('assignment', 'study_version', '+', 'annotation.studyversion', False),
    ('vote', 'annotator', 'votes', 'annotation.annotator', False),
    ('vote', 'assignment', 'votes', 'annotation.assignment', True),
    ('vote', 'study_version', '+', 'annotation.studyversion', True),
]


class Migration(migrations.Migration):
    """A vote writes five indexes less, and its assignment is written twice."""

    dependencies = [
        ('annotation', '0007_flags_lose_their_notes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[drop_own_indexes([(model, field) for model, field, *_ in TWICE])],
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
