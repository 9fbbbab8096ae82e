"""Leases short enough that people, shares and sweeps meet within the seconds of a chaos run."""

from __future__ import annotations

from datetime import timedelta

from django.apps import AppConfig

# Of half an hour and two minutes. Above the pauses of people who are at work.
LEASE = timedelta(seconds=8)
UNSEEN_LEASE = timedelta(seconds=5)


class ChaosConfig(AppConfig):
    """An app without tables: it changes the queue's limits where they are imported by name."""

    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        from annotation.queue import leases, policy, reserving

        for module in (policy, leases, reserving):
            for name, short in (("LEASE", LEASE), ("UNSEEN_LEASE", UNSEEN_LEASE)):
                if not isinstance(getattr(module, name, None), timedelta):
                    raise TypeError(f"{module.__name__} has no {name}: the leases are elsewhere.")
                setattr(module, name, short)
