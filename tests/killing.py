"""A process that is gone in the middle of its work, within the process of a test."""

from __future__ import annotations


class Killed(BaseException):
    """What no worker can catch."""
