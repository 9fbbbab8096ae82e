from django.apps import AppConfig
from django.core import checks


class AnnotationConfig(AppConfig):
    name = "annotation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Models, and so everything that uses them, can be imported only from here on.
        from django.contrib.auth.signals import user_logged_in

        from annotation import sessions
        from annotation.access.routes import check_every_view_declares_access
        from annotation.accounts import redaction

        checks.register(check_every_view_declares_access, checks.Tags.urls)
        user_logged_in.connect(sessions.begin, dispatch_uid="annotation.sessions")
        redaction.redact_tokens()
