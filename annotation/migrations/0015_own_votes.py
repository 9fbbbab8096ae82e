from django.db import migrations, models

from ._triggers import REVIEWS, put_back, set_aside

OUTCOMES = ['resume', 'retrain', 'reject', 'reinstate', 'count_own']


def say_that_they_count(apps, schema_editor):
    """A study that was opened without the rule of owners' own votes keeps counting them."""
    studies = apps.get_model('annotation', 'Study').objects.using(schema_editor.connection.alias)
    for study in studies.exclude(state='draft').order_by('pk').iterator():
        quality = study.rules.get('quality', {})
        if 'own_votes' not in quality:
            rules = {**study.rules, 'quality': {**quality, 'own_votes': 'count'}}
            studies.filter(pk=study.pk).update(rules=rules)


def say_nothing(apps, schema_editor):
    """The release before does not know the rule, and would refuse rules that name it."""
    studies = apps.get_model('annotation', 'Study').objects.using(schema_editor.connection.alias)
    for study in studies.order_by('pk').iterator():
        if 'own_votes' in study.rules.get('quality', {}):
            quality = {name: rule for name, rule in study.rules['quality'].items() if name != 'own_votes'}
            rules = {name: section for name, section in study.rules.items() if name != 'quality'}
            studies.filter(pk=study.pk).update(rules=rules | ({'quality': quality} if quality else {}))


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0014_more_kinds_of_jobs'),
    ]

    operations = [
        set_aside(REVIEWS),
        migrations.RemoveConstraint(
            model_name='qualityreview',
            name='review_outcome_known',
        ),
        migrations.AlterField(
            model_name='qualityreview',
            name='outcome',
            field=models.CharField(choices=[('resume', 'Resume'), ('retrain', 'Retrain'), ('reject', 'Reject'), ('reinstate', 'Reinstate'), ('count_own', 'Count Own')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='qualityreview',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', OUTCOMES)), name='review_outcome_known'),
        ),
        put_back(REVIEWS),
        migrations.RunPython(say_that_they_count, say_nothing),
    ]
