"""Browsers that are signed in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models


class Session(AbstractBaseSession):
    """Django's session with the account that it is of, which else is only in its signed text.

    So a request finds session, account and annotator in one query.
    """

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sessions"
    )

    @classmethod
    def get_session_store_class(cls) -> Any:
        # Not at the top: the engine imports this model.
        from annotation.sessions import SessionStore

        return SessionStore
