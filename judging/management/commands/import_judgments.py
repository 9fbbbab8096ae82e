from annotation.importing.command import ImportCommand
from judging.runs.imported import IMPORT_PLAN


class Command(ImportCommand):
    help = "Import labels of judges that were collected elsewhere."
    plan = IMPORT_PLAN
