from django.apps import AppConfig


class EvalsiteConfig(AppConfig):
    name = "evalsite"

    def ready(self) -> None:
        # So that `shared_task` finds the project's application in every process.
        from evalsite import celery  # noqa: F401
