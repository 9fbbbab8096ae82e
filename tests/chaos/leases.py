"""Leases short enough that people, shares and sweeps meet within the seconds of a chaos run."""

from __future__ import annotations

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

# Of half an hour and two minutes. Above the pauses of people who are at work.
LEASE = timedelta(seconds=8)
UNSEEN_LEASE = timedelta(seconds=5)

POLICY = "annotation.queue.policy"
SOURCE = Path(__file__).resolve().parents[2] / "annotation" / "queue" / "policy.py"


def shorten() -> None:
    """Load the queue's limits with short leases, before the queue itself is loaded.

    It reads them once, some into compiled statements. It cannot be asked for them here: loading it
    needs the models, and those the settings, which call this.
    """
    if POLICY in sys.modules:
        raise RuntimeError("The queue's limits are loaded already, with long leases.")
    spec = importlib.util.spec_from_file_location(POLICY, SOURCE)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{SOURCE} cannot be loaded.")
    policy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(policy)
    for name, short in (("LEASE", LEASE), ("UNSEEN_LEASE", UNSEEN_LEASE)):
        if not isinstance(getattr(policy, name, None), timedelta):
            raise RuntimeError(f"{SOURCE} has no {name}: the leases are elsewhere.")
        setattr(policy, name, short)
    sys.modules[POLICY] = policy
