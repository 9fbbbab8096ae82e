from annotation.importing.command import ImportCommand
from annotation.importing.writers import comparisons


class Command(ImportCommand):
    help = "Import ready-made comparisons, one row a pair of responses."
    plan = comparisons.PLAN
