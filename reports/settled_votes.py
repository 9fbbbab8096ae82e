"""One moment at which no vote counts that the rules of its study hold out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from annotation import quality
from annotation.models import Study
from reports.read_snapshot import read_snapshot


@contextmanager
def settled_votes(study: Study) -> Iterator[None]:
    """A :func:`read_snapshot` of the study in which owners' own votes are out of the count.

    The background takes them out within a minute; what is read here waits for that. A vote that an
    owner gives between the sweep and the moment is seen in that moment, and a later one is taken.
    Of a challenger the studies before it are settled, too: their votes are counted with its own.
    """
    counted = list(lineage(study))
    while True:
        for each in counted:
            quality.exclude_own_votes(each)
        with read_snapshot():
            if not any(quality.own_votes_stand(each) for each in counted):
                yield
                return


def lineage(study: Study) -> Iterator[Study]:
    """The study, and those that it continues."""
    earlier: Study | None = study
    while earlier is not None:
        yield earlier
        earlier = earlier.continues
