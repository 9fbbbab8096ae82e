"""Changing a study that was opened: never in place, always as a new version.

A version is written whole, with its own hash. Votes carry the version whose texts and rules they
were given under; what was collected before stays what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import transaction

from annotation import quality
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.models import (
    Study,
    StudyVersion,
    User,
)
from annotation.planner_statistics import refresh_planner_statistics
from annotation.queue.raising import hold_annotators

from .change import SETTINGS, Add, Change, Progress, check_opened, check_overlap, hold_opened
from .moved import refuse_moved
from .readiness import warnings_at_any_time
from .refusals import LifecycleError
from .rubric import (
    CriterionDraft,
    RubricChange,
    RulesChange,
)
from .states import check_storable


@dataclass(frozen=True, slots=True)
class StudyChange:
    """What a change did.

    Attributes
    ----------
    version : StudyVersion, optional
        None where the study was so already, and nothing was written.
    lines : tuple of str
        Each change in words.
    training : quality.SettledTraining
        How many annotators train, go on or stop by the new version.
    warnings : tuple of str
        What may not be meant of rules and explanations, as at opening. They name no system: the
        study may be sealed.
    """

    version: StudyVersion | None = None
    lines: tuple[str, ...] = ()
    training: quality.SettledTraining = field(default_factory=quality.SettledTraining)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChange:
    """What is to become of an open or paused study.

    Attributes
    ----------
    reason : str
        Why; kept in the log.
    criteria : sequence of CriterionDraft, or callable, optional
        The whole rubric. Every criterion keeps its scale, and none goes; texts, levels and order
        may change, new ones may come, required ones may become optional. Or what makes it of the
        one that stands when the study is locked, so that what others changed meanwhile stays.
    rules : mapping or callable, optional
        All rules, where those of `frozen_rules.BEFORE` stay as they were then until they are named;
        or what makes them of those that stand, likewise.
    overlap : int, optional
        Votes wanted on each comparison of kind work; those that want more are left alone.
    items : collection of str, optional
        The item ids of the comparisons that `overlap` is about; all by default.
    compared : int, optional
        The number of the newest version when somebody looked at what would change. What later
        versions changed is not undone then: the change is refused where it sets that otherwise.
    settings : mapping
        Of `SETTINGS`. Such as never change may be named with the value they have.
    """

    reason: str
    criteria: Sequence[CriterionDraft] | RubricChange | None = None
    rules: Mapping[str, Any] | RulesChange | None = None
    overlap: int | None = None
    items: Collection[str] | None = None
    compared: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, reason: str, **wishes: Any) -> WantedChange:
        """Of wishes by name: what is none of the others is a setting."""
        own = {entry.name for entry in fields(cls)} - {"reason", "settings"}
        return cls(
            reason=reason,
            settings={name: value for name, value in wishes.items() if name not in own},
            **{name: value for name, value in wishes.items() if name in own},
        )


def change_study(
    study: Study,
    wanted: WantedChange,
    actor: User | None = None,
    *,
    add: Add | None = None,
    settle: bool = True,
    progress: Progress | None = None,
) -> StudyChange:
    """Give an open or paused study a new version.

    Parameters
    ----------
    actor
        An owner or a researcher of the study; None is the operator at the command line.
    add
        Stores further comparisons of the systems that there are.
    settle
        Whether annotators are put where the new version asks. Not within a transaction, which
        would hold study, cells and audit chain while it waits for them: the caller of such a one
        calls `quality.settle_training` after it.
    progress
        Is told how many of what are through, and of how many.

    Raises
    ------
    LifecycleError
        The actor may not change it, the study is no open or paused one, the reason is missing, or
        the overlap would sink.
    MovedSinceError
        Others changed the same after `wanted.compared`.
    ChangeRefusedError
        With every fault: what holds for good, or what the study could not be opened with.
    ValidationError
        A setting is unknown or has a value that is not allowed.
    """
    reason = checked_reason(study, actor, wanted.reason)
    with transaction.atomic():
        if wanted.overlap is not None:
            hold_annotators(study)
        change = Change(hold_opened(study), actor, reason, progress)
        settings, criteria = change.wished(wanted.settings, wanted.rules, wanted.criteria)
        refuse_moved(change.study, wanted.compared, settings, criteria)
        change.set_settings({name: settings[name] for name in settings if name in SETTINGS})
        change.set_criteria(criteria)
        if add is not None:
            change.add_comparisons(add)
        if wanted.overlap is not None:
            change.raise_overlap(wanted.overlap, wanted.items)
        if not change.log:
            # A file whose rows were all there before is kept as imported all the same.
            change.record_acts()
            return StudyChange()
        version = change.write()
        warnings = tuple(warnings_at_any_time(change.study))
    # As it is now: the caller's study has the rules of before.
    training = quality.settle_training(change.study) if settle else quality.SettledTraining()
    if "added" in change.log:
        refresh_planner_statistics()
    return StudyChange(version, tuple(change.lines), training, warnings)


def check_change(study: Study, wanted: WantedChange, actor: User | None = None) -> None:
    """Raise what `change_study` would as far as that is known at once, and change nothing."""
    reason = checked_reason(study, actor, wanted.reason)
    found = Study.objects.get(pk=study.pk)
    check_opened(found)
    change = Change(found, actor, reason)
    settings, criteria = change.wished(wanted.settings, wanted.rules, wanted.criteria)
    refuse_moved(found, wanted.compared, settings, criteria)
    for name, value in settings.items():
        if name in SETTINGS:
            setattr(found, name, value)
    found.full_clean()
    if wanted.overlap is not None:
        check_overlap(wanted.overlap)


def checked_reason(study: Study, actor: User | None, reason: str) -> str:
    if actor is not None and not roles_of(actor, study) & READERS:
        raise LifecycleError(f"Only an owner or a researcher of {study.slug} changes it.")
    reason = reason.strip()
    if not reason:
        raise LifecycleError(f"Changing {study.slug} needs a reason; it is recorded.")
    check_storable(reason, f"{study.slug} was not changed")
    return reason
