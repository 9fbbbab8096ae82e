from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

from ._triggers import REVIEWS, put_back, set_aside

OUTCOMES = ['resume', 'retrain', 'reject', 'reinstate', 'count_own']


# Studies that a refusal names.
MOST_NAMED = 5


def say_that_they_count(apps, schema_editor):
    """A study that was opened without the rule of owners' own votes keeps counting them."""
    alias = schema_editor.connection.alias
    studies = apps.get_model('annotation', 'Study').objects.using(alias)
    versions = apps.get_model('annotation', 'StudyVersion').objects.using(alias)
    for study in studies.exclude(state='draft').order_by('pk').iterator():
        quality = study.rules.get('quality', {})
        if 'own_votes' in quality:
            continue
        newest = versions.filter(study=study.pk).order_by('-number').first()
        frozen = {} if newest is None else newest.snapshot.get('rules', {}).get('quality', {})
        # Said by its newest version where the database comes from a later release.
        rule = frozen.get('own_votes', 'count')
        rules = {**study.rules, 'quality': {**quality, 'own_votes': rule}}
        studies.filter(pk=study.pk).update(rules=rules)


def say_nothing(apps, schema_editor):
    """The release before does not know the rule, and would refuse rules that name it."""
    alias = schema_editor.connection.alias
    refuse_what_stays(apps, alias)
    studies = apps.get_model('annotation', 'Study').objects.using(alias)
    for study in studies.order_by('pk').iterator():
        if 'own_votes' in study.rules.get('quality', {}):
            quality = {name: rule for name, rule in study.rules['quality'].items() if name != 'own_votes'}
            rules = {name: section for name, section in study.rules.items() if name != 'quality'}
            studies.filter(pk=study.pk).update(rules=rules | ({'quality': quality} if quality else {}))


def refuse_what_stays(apps, alias):
    """Versions and reviews are never changed, and the release before could not read these."""
    versions = apps.get_model('annotation', 'StudyVersion').objects.using(alias)
    reviews = apps.get_model('annotation', 'QualityReview').objects.using(alias)
    named = versions.filter(snapshot__rules__quality__has_key='own_votes')
    used = reviews.filter(outcome='count_own')
    found = {
        'versions of these studies name the rule quality.own_votes': named.values_list('study__slug', flat=True),
        'reviews in these studies have the outcome count_own': used.values_list('annotator__study__slug', flat=True),
    }
    faults = [f'{what}: {in_words(sorted(set(slugs)))}' for what, slugs in found.items() if slugs]
    if faults:
        raise IrreversibleError(
            'There is no way back behind annotation.0015_own_votes, as the release before cannot read what is '
            f'stored by now: {"; ".join(faults)}. Nothing was changed. Stay with this release, or restore a backup '
            'of the database from before the upgrade.'
        )


def in_words(slugs):
    more = len(slugs) - MOST_NAMED
    return ', '.join(slugs[:MOST_NAMED]) + (f' and {more} more' if more > 0 else '')


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
