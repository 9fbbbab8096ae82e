"""The tests' settings with short leases and frequent sweeps, for every process of a chaos run."""

from tests.settings import *  # noqa: F403
from tests.settings import CELERY_BEAT_SCHEDULE

from .leases import shorten

shorten()

# As often as leases of seconds need it; the work is the same.
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": min(float(entry["schedule"]), 2.0)}
    if entry["task"] == "annotation.take_back_lapsed_leases"
    else entry
    for name, entry in CELERY_BEAT_SCHEDULE.items()
}
