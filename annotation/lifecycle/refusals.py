"""Why a step in a study's life is not taken. Every message says what to do instead."""

from __future__ import annotations

from collections.abc import Sequence


class LifecycleError(Exception):
    """The step was refused; nothing was changed. The message is for people."""


class StudyFrozenError(LifecycleError):
    """The content or the rubric of an opened study was to be changed."""


class ChangeRefusedError(LifecycleError):
    """An opened study cannot become what was stated; `faults` names every reason at once."""

    def __init__(self, slug: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"- {fault}" for fault in self.faults)
        super().__init__(f"{slug} was not changed:\n{listed}")


class MovedSinceError(LifecycleError):
    """Others changed, after a change was compared, what it sets; `places` names it."""

    def __init__(self, slug: str, compared: int, places: Sequence[str]) -> None:
        self.places = tuple(places)
        super().__init__(
            f"{slug} was not changed: after version {compared}, which this change was compared "
            f"with, somebody else changed {', '.join(self.places)}, too. Look at the study as it "
            "is now, and ask for the change once more."
        )


class StudyNotReadyError(LifecycleError):
    """The study cannot be opened; `faults` names every reason at once."""

    def __init__(self, slug: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        listed = "\n".join(f"- {fault}" for fault in self.faults)
        super().__init__(f"{slug} cannot be opened:\n{listed}")
