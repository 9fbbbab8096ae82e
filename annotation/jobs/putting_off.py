"""Taking a step at once in a small study, and in the background in a large one.

What is asked for is looked at before it is put off, so that a design that cannot be, or a study
that is not ready, is told of at once. The work itself is the one of the commands.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from annotation.importing.formats.limits import MIB
from annotation.lifecycle.cloning import WantedCopy, check_copy
from annotation.lifecycle.generation import (
    DEFAULT_OVERLAP,
    check_pairs,
    most_pairs,
    rules_of_pairs,
)
from annotation.lifecycle.readiness import list_faults
from annotation.lifecycle.refusals import StudyFrozenError, StudyNotReadyError
from annotation.lifecycle.rules_readiness import faults_of_reading
from annotation.lifecycle.versions import WantedChange, check_change
from annotation.models import (
    Comparison,
    JobKind,
    Response,
    Study,
    StudyJob,
    StudyState,
    System,
    User,
)
from annotation.pairing import Design, DesignError

from .rows import Found, ask, check_free
from .steps import Problems, as_arguments, change_it, copy_it, make_pairs, open_it

AT_ONCE = 10_000
"""Pairs that are made, opened or frozen anew while somebody waits: some two seconds of one core."""

RESPONSES_AT_ONCE = 50_000
"""Responses whose texts are hashed while somebody waits: some two seconds, too."""

COPIED_AT_ONCE = 10_000
"""Responses that are copied while somebody waits: some two seconds, too."""

BYTES_AT_ONCE = MIB
"""Of a file of further pairs that is read while somebody waits."""

MOST_PAIRS = 1_000_000
"""Pairs of one design on a page or through the API; more are made by the command."""


def ask_for_pairs(study: Study, actor: User, **wanted: Any) -> Found | StudyJob:
    """Make the pairs of a design; what was made, or the job that will make them.

    Parameters
    ----------
    wanted
        What `make_pairs` takes.

    Raises
    ------
    DesignError
        The design cannot be, or makes too many pairs.
    LifecycleError
        The study was opened, or something is being done with it.
    """
    check_free(study)
    if study.was_opened:
        raise StudyFrozenError(f"{study.slug} was opened, and its pairs are frozen since.")
    if not wanted.get("has_design", True):
        return make_pairs(study, actor, **wanted)
    rules = rules_of_pairs(
        wanted.get("design", Design.ALL),
        wanted.get("anchor"),
        wanted.get("systems", ()),
        wanted.get("rounds", 1),
        wanted.get("overlap", DEFAULT_OVERLAP),
        wanted.get("seed", 0),
    )
    names = System.objects.filter(study=study).values_list("name", flat=True)
    check_pairs(study, rules, list(names))
    number = most_pairs(study, rules)
    if number > MOST_PAIRS:
        raise DesignError(
            f"This makes up to {number:,} pairs; {MOST_PAIRS:,} are made here at most. Take a "
            "design with fewer, or ask those who run this site to generate them by the command "
            f"generate_comparisons {study.slug}."
        )
    if number <= AT_ONCE:
        return make_pairs(study, actor, **wanted)
    plain = {**wanted, "systems": list(wanted.get("systems", ())), "expected": number}
    return ask(study, JobKind.PAIRS, plain, actor)


def ask_to_open(study: Study, actor: User, *, allow_disconnected: bool = False) -> Found | StudyJob:
    """Open a draft; its version, or the job that will open it.

    Raises
    ------
    StudyNotReadyError
        With every fault of the study.
    LifecycleError
        The study is no draft, or something is being done with it.
    """
    check_free(study)
    pairs = pairs_of(study)
    if study.state != StudyState.DRAFT or is_small(study, pairs):
        return open_it(study, actor, allow_disconnected=allow_disconnected)
    faults = faults_of_reading(study) or list_faults(study, allow_disconnected=allow_disconnected)
    if faults:
        raise StudyNotReadyError(study.slug, faults)
    arguments = {"allow_disconnected": allow_disconnected, "expected": pairs}
    return ask(study, JobKind.OPENING, arguments, actor)


def ask_to_copy(study: Study, actor: User, wanted: WantedCopy) -> Found | StudyJob:
    """Clone a study, or continue it by a challenger; the new one's name, or the job that does it.

    Raises
    ------
    LifecycleError
        It cannot be copied so, or something is being done with it.
    ValidationError
        The short name is not allowed or taken, or the title is too long.
    """
    check_free(study)
    copied = responses_of(study) if wanted.copies_content else 0
    if copied <= COPIED_AT_ONCE:
        return copy_it(study, actor, wanted)
    check_copy(study, wanted)
    return ask(study, JobKind.COPYING, {**asdict(wanted), "expected": copied}, actor)


def ask_to_change(
    study: Study,
    actor: User,
    *,
    reason: str,
    file: Path | None = None,
    problems: Problems | None = None,
    **wishes: Any,
) -> Found | StudyJob:
    """Change an opened study; the new version, or the job that makes it.

    Parameters
    ----------
    file, problems, wishes
        What `change_it` takes. A file is moved to where the worker finds it, or left alone.

    Raises
    ------
    LifecycleError
        It cannot be changed so, or something is being done with it.
    ValidationError
        A setting is unknown or has a value that is not allowed.
    BadRowsError, FileError, ImportRefusedError
        Of a small file that was read at once.
    """
    check_free(study)
    if is_small(study, pairs_of(study)) and (file is None or file.stat().st_size <= BYTES_AT_ONCE):
        return change_it(study, actor, reason=reason, file=file, problems=problems, **wishes)
    check_change(study, WantedChange.of(reason, **as_arguments(wishes)), actor)
    arguments = {**wishes, "reason": reason}
    return ask(study, JobKind.CHANGING, arguments, actor, file=file)


def pairs_of(study: Study) -> int:
    return Comparison.objects.filter(study=study).count()


def responses_of(study: Study) -> int:
    return Response.objects.filter(prompt__study=study).count()


def is_small(study: Study, pairs: int) -> bool:
    return pairs <= AT_ONCE and responses_of(study) <= RESPONSES_AT_ONCE
