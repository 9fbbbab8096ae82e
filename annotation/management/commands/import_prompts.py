from annotation.importing.command import ImportCommand
from annotation.importing.writers import prompts


class Command(ImportCommand):
    help = "Import attributes of prompts: reference, category, tags, weight, checks."
    plan = prompts.PLAN
