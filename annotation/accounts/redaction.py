"""Keeps the secrets of links, and who came by them, out of the logs.

Django names the path of a refused or failed request, and the path of an invitation is its secret.
"""

from __future__ import annotations

import logging
import re

TOKEN_IN_PATH = re.compile(r"(/(?:invitation|start)/)[^/\s\"']+(?:/\?[^\s\"']*)?")

# Those of Django that log paths.
LOGGERS = ("django.request", "django.security.csrf", "django.server")


class RedactTokens(logging.Filter):
    """Replaces the token in a message; lets every record pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "/invitation/" in message or "/start/" in message:
            record.msg = TOKEN_IN_PATH.sub(r"\1[redacted]", message)
            record.args = ()
        return True


def redact_tokens() -> None:
    """Install the filter; a second call changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, RedactTokens) for present in logger.filters):
            logger.addFilter(RedactTokens())
