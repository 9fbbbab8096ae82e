"""Opening a study: every fault is named at once, then its content is frozen and work begins."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from annotation import audit, quality, queue
from annotation.models import Study, StudyState, StudyVersion, System, User
from annotation.planner_statistics import refresh_planner_statistics

from .codes import draw_codes
from .readiness import list_components, list_faults, list_warnings
from .refusals import LifecycleError, StudyNotReadyError
from .rules_readiness import faults_of_reading
from .snapshots import build_snapshot, content_hash


@dataclass(frozen=True, slots=True)
class Opening:
    """The version that now holds, and what the researcher may want to know about it."""

    version: StudyVersion
    warnings: tuple[str, ...]


def open_study(
    study: Study,
    actor: User | None = None,
    *,
    allow_disconnected: bool = False,
    code_seed: int | None = None,
    queue_seed: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Opening:
    """Freeze a draft and let annotators in.

    `code_seed`, of the systems' codes, and `queue_seed`, of sides and order, are drawn unless
    they are given: both are secrets of the study's sealed version. `progress` is told how many
    pairs have their place in the queue.

    Raises
    ------
    StudyNotReadyError
        With every fault of the study.
    LifecycleError
        The study is no draft, or someone else opened it in this moment.
    """
    # Without rules that can be read, nobody knows what else to check.
    if faults := faults_of_reading(study):
        raise StudyNotReadyError(study.slug, faults)
    with transaction.atomic():
        now = timezone.now()
        # Annotators are locked before the study.
        quality.begin_qualification(study)
        # The update waits for an import that is storing rows, so that these belong to the
        # version, and holds the row: nothing is added while the content is hashed.
        opened = Study.objects.filter(pk=study.pk, state=StudyState.DRAFT).update(
            state=StudyState.OPEN,
            opened_at=now,
            state_changed_at=now,
            queue_seed=secrets.randbits(63) if queue_seed is None else queue_seed,
        )
        study = Study.objects.get(pk=study.pk)
        if opened != 1:
            raise LifecycleError(f"{study.slug} was opened before; it is {study.state} now.")
        faults = list_faults(study, allow_disconnected=allow_disconnected)
        if faults:
            raise StudyNotReadyError(study.slug, faults)
        warnings = tuple(list_warnings(study))
        seed = secrets.randbits(63) if code_seed is None else code_seed
        codes = store_codes(study, seed)
        snapshot = build_snapshot(study, codes, seed)
        version = StudyVersion.objects.create(
            study=study,
            number=1,
            snapshot=snapshot,
            content_hash=content_hash(snapshot),
            stopping=study.stopping,
        )
        queue.open_for_claims(study, progress)
        audit.record(
            study,
            actor,
            "study.opened",
            {
                "version": version.number,
                "content_hash": version.content_hash,
                "comparisons": snapshot["content"]["comparisons"]["count"],
                "disconnected": allow_disconnected and len(list_components(study)) > 1,
            },
        )
    refresh_planner_statistics()
    return Opening(version, warnings)


def store_codes(study: Study, seed: int) -> dict[str, str]:
    systems = {system.name: system for system in System.objects.filter(study=study)}
    codes = draw_codes(systems, seed)
    for code, name in codes.items():
        systems[name].code = code
    System.objects.bulk_update(systems.values(), ["code"])
    return codes
