from django.db import migrations, models


def say_who_was_sent_to_train(apps, schema_editor):
    """What was a review before is a moment of the annotator's: the newest of them."""
    reviews = apps.get_model('annotation', 'QualityReview').objects.using(schema_editor.connection.alias)
    annotators = apps.get_model('annotation', 'Annotator').objects.using(schema_editor.connection.alias)
    newest = reviews.filter(outcome='retrain').order_by().values_list('annotator')
    for annotator, moment in newest.annotate(models.Max('created_at')):
        annotators.filter(pk=annotator).update(sent_to_train_at=moment)


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0002_rules_cells_and_quality'),
    ]

    operations = [
        migrations.AddField(
            model_name='annotator',
            name='checked_skips',
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='annotator',
            name='sent_to_train_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(say_who_was_sent_to_train, migrations.RunPython.noop),
    ]
