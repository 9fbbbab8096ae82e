from django.db import migrations, models
import django.db.models.deletion

from ._indexes import drop_own_indexes


# Each begins another index that stays.
TWICE = ['prompt', 'study']


class Migration(migrations.Migration):
    """A pair that fills up writes two indexes less, and a reservation one."""

    # Each takes its table for itself alone for a moment; together they would wait for each other's
    # while they keep their own, in a circle with votes that come in.
    atomic = False

    dependencies = [
        ('annotation', '0016_reserved_by_anybody'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='assignment',
            name='assignment_lease_order',
        ),
        *(
            migrations.SeparateDatabaseAndState(
                database_operations=[drop_own_indexes([('comparison', field)])],
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
                    ),
                ],
            )
            for field in TWICE
        ),
    ]
