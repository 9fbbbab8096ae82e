from django.db import migrations

from ._triggers import let_flags_lose_their_notes


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0006_the_annotators_desk'),
    ]

    operations = let_flags_lose_their_notes()
