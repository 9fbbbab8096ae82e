from django.apps import AppConfig
from django.core import checks


class AnnotationConfig(AppConfig):
    name = "annotation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models, and so everything in access, can be imported only from here on.
        from annotation.access.routes import check_every_view_declares_access

        checks.register(check_every_view_declares_access, checks.Tags.urls)
