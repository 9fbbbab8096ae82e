"""What the steps do, asked for by a page, by the API or by a job: arguments as JSON has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from annotation import audit
from annotation.access.creating import NOT_FOR_YOU, may_create_studies
from annotation.importing.formats import RowProblem
from annotation.importing.transfer import import_files
from annotation.importing.writers import comparisons
from annotation.lifecycle import change
from annotation.lifecycle.cloning import WantedCopy, copy_study
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.identical import add_identical
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.rubric import CriterionDraft
from annotation.lifecycle.rule_changes import with_changes
from annotation.lifecycle.sliced_copies import SlicedCopy
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import Study, User

from .rows import Found

Progress = Callable[[int], None]

SHOWN_PROBLEMS = 200
"""Bad rows of a file that are told; their number is told, too."""


def make_pairs(
    study: Study,
    actor: User | None,
    *,
    has_design: bool = True,
    identical: int = 0,
    progress: Progress | None = None,
    **design: Any,
) -> Found:
    """Make pairs of a design, identical pairs, or both: what is refused leaves nothing behind."""
    found: Found = {"identical": 0, "created": 0, "existing": 0}
    act: audit.Act | None = None
    with transaction.atomic():
        if identical:
            made, act = add_identical(study, identical, seed=design.get("seed", 0))
            found["identical"] = made.created
        if has_design:
            summary = generate_comparisons(study, actor=actor, progress=progress, **design)
            work = summary.study
            found |= {
                "created": summary.created,
                "existing": summary.skipped,
                "comparisons": work.comparisons,
                "votes": work.votes,
                "components": [list(names) for names in work.components],
            }
        if act is not None:
            audit.record_acts(study, actor, act)
    return found


def open_it(
    study: Study,
    actor: User | None,
    *,
    allow_disconnected: bool,
    progress: Progress | None = None,
) -> Found:
    opening = open_study(study, actor, allow_disconnected=allow_disconnected, progress=progress)
    return {"version": opening.version.number}


def copy_it(
    study: Study, actor: User, wanted: WantedCopy, *, progress: Progress | None = None
) -> Found:
    """Clone a study, or continue it by a challenger; the short name of the new one."""
    if not may_create_studies(actor):
        raise LifecycleError(NOT_FOR_YOU)
    return {"slug": copy_study(study, wanted, actor, progress).slug}


def begin_copy(study: Study, actor: User, wanted: WantedCopy, key: str) -> SlicedCopy:
    """The same of much content: to be filled in slices, and then finished."""
    if not may_create_studies(actor):
        raise LifecycleError(NOT_FOR_YOU)
    return SlicedCopy(study, wanted, key)


def change_it(
    study: Study,
    actor: User,
    *,
    reason: str,
    file: Path | None = None,
    problems: Problems | None = None,
    settle: bool = True,
    progress: change.Progress | None = None,
    **wishes: Any,
) -> Found:
    """Give an opened study a further version; its number, None where the study was so already.

    Parameters
    ----------
    file : Path, optional
        Of comparisons that are added.
    problems : Problems, optional
        Is told the bad rows of the file.
    settle, progress
        As `change_study` takes them.
    wishes
        Settings, `overlap` and `items`, and what `as_arguments` takes.
    """
    problems = problems or Problems()
    problems.progress = progress
    done = change_study(
        study,
        WantedChange.of(reason, **as_arguments(wishes)),
        actor,
        add=None if file is None else adding(file, actor, problems),
        settle=settle,
        progress=progress,
    )
    return {
        "version": None if done.version is None else done.version.number,
        "lines": list(done.lines),
        "warnings": list(done.warnings),
    }


def as_arguments(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """What `WantedChange` takes of wishes that JSON can hold.

    `rules` and `criteria` are whole; `change_rules` are single ones by section and name,
    `change_criterion` is the key and what changes of one question, `add_criterion` a further one.
    """
    taken = dict(wishes)
    if (changes := taken.pop("change_rules", None)) is not None:
        taken["rules"] = lambda current: with_changes(current, changes)
    if (criteria := taken.get("criteria")) is not None:
        taken["criteria"] = [draft_of(entry) for entry in criteria]
    if (changed := taken.pop("change_criterion", None)) is not None:
        taken["criteria"] = lambda current: changed_among(current, changed)
    if (more := taken.pop("add_criterion", None)) is not None:
        taken["criteria"] = lambda current: [*current, draft_of(more)]
    return taken


def draft_of(entry: Mapping[str, Any]) -> CriterionDraft:
    return CriterionDraft(**{**entry, "levels": tuple(entry.get("levels", ()))})


def changed_among(
    drafts: Sequence[CriterionDraft], changed: Mapping[str, Any]
) -> list[CriterionDraft]:
    other = {name: value for name, value in changed.items() if name != "key"}
    if changed["key"] not in {draft.key for draft in drafts}:
        raise LifecycleError("The question is not there any more. Nothing was changed.")
    return [
        dataclasses.replace(draft, **other) if draft.key == changed["key"] else draft
        for draft in drafts
    ]


class Problems:
    """The bad rows of an import: how many, and the first of them."""

    def __init__(self) -> None:
        self.progress: change.Progress | None = None
        self.checked = self.stored = 0
        self.count = 0
        self.first: list[tuple[int, str]] = []

    def bad_row(self, problem: RowProblem) -> None:
        self.count += 1
        if len(self.first) < SHOWN_PROBLEMS:
            # A reason names the file when it points to another of its rows; where it lies is
            # nobody's business.
            lies_in = f"{Path(problem.file).parent}/"
            self.first.append((problem.line, problem.reason.replace(lies_in, "")))

    def rows_read(self, rows: int, *, store: bool) -> None:
        if store:
            self.stored += rows
        else:
            self.checked += rows
        if self.progress is None:
            return
        if store:
            self.progress(self.stored, self.checked, "rows of the file stored")
        else:
            self.progress(self.checked, None, "rows of the file checked")


def adding(file: Path, actor: User, problems: Problems) -> Callable[[Study], audit.Act | None]:
    """Adds the comparisons of a file, in the transaction of a change."""

    def add(opened: Study) -> audit.Act | None:
        return import_files(
            opened.slug,
            [file],
            comparisons.PLAN,
            into_opened=True,
            actor=actor,
            say=lambda text: None,
            listener=problems,
        ).act

    return add
