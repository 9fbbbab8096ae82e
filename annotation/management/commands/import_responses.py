from annotation.importing.command import ImportCommand
from annotation.importing.writers import responses


class Command(ImportCommand):
    help = "Import responses of systems to prompts, one row a response."
    plan = responses.PLAN
    takes_several_files = True
