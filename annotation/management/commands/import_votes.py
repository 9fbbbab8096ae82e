from annotation.importing.command import ImportCommand
from annotation.importing.writers import votes


class Command(ImportCommand):
    help = "Import human labels that were collected elsewhere."
    plan = votes.PLAN
