"""What an earlier run of a version has answered, copied to equal questions of a further one."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import QuerySet

from annotation.slices import slice_of_rows
from judging.judges import is_outdated
from judging.models import (
    CallState,
    JudgeCall,
    JudgeRun,
    JudgeVersion,
    Judgment,
    JudgmentCriterion,
    RunState,
)

# Answers that are copied at a time, each with its criteria.
COPIES = 500


def answered(version: JudgeVersion) -> dict[str, int]:
    """Calls of earlier runs of the version that have an answer, by what they asked.

    Failures and replies that could not be read are never reused, nor is what was read by another
    parser than today's.
    """
    if is_outdated(version):
        return {}
    return dict(
        JudgeCall.objects.filter(
            run__version=version,
            state=CallState.SUCCEEDED,
            reused_from__isnull=True,
            judgment__isnull=False,
        )
        .order_by("pk")
        .values_list("content_key", "pk")
    )


def reuse(run: JudgeRun) -> int:
    """Copy the answers that an earlier run has to the same questions, at no cost; their number.

    In slices of their own, so that nobody who writes waits for long. Whoever works on the run does
    it before anything is asked, and so what a process that died left over.
    """
    copied = 0
    while number := _reuse_some(run.pk):
        copied += number
    return copied


def _reuse_some(run_id: int) -> int:
    with slice_of_rows():
        run = JudgeRun.objects.select_for_update(no_key=True).get(pk=run_id)
        if run.state != RunState.RUNNING:
            return 0
        batch = list(to_reuse(run).order_by("pk")[:COPIES])
        if not batch:
            return 0
        sources = {
            judgment.call_id: judgment
            for judgment in Judgment.objects.filter(
                call__in=[call.reused_from_id for call in batch]
            ).prefetch_related("criteria")
        }
        run.calls.filter(pk__in=[call.pk for call in batch]).update(state=CallState.SUCCEEDED)
        copies = [(copy_of(sources[call.reused_from_id], call), call) for call in batch]
        Judgment.objects.bulk_create([copy for copy, _ in copies], batch_size=COPIES)
        JudgmentCriterion.objects.bulk_create(
            [
                JudgmentCriterion(
                    judgment=copy,
                    criterion_id=criterion.criterion_id,
                    verdict=flip(criterion.verdict, sources[call.reused_from_id], call),
                    margin=criterion.margin,
                    levels=flip_levels(criterion.levels, sources[call.reused_from_id], call),
                )
                for copy, call in copies
                for criterion in sources[call.reused_from_id].criteria.all()
            ],
            batch_size=COPIES,
        )
    return len(batch)


def to_reuse(run: JudgeRun) -> QuerySet[JudgeCall]:
    """Calls of the run that an earlier one has answered and whose answer is not copied yet."""
    return run.calls.filter(state=CallState.PENDING, reused_from__isnull=False)


def flip(verdict: str, source: Judgment, call: JudgeCall) -> str:
    """A verdict for the call's own a and b: equal questions may name them the other way round."""
    if source.order == call.order:
        return verdict
    return {"a": "b", "b": "a"}.get(verdict, verdict)


def flip_levels(levels: dict[str, str], source: Judgment, call: JudgeCall) -> dict[str, str]:
    if source.order == call.order:
        return levels
    return {**levels, "a": levels["b"], "b": levels["a"]}


def copy_of(source: Judgment, call: JudgeCall) -> Judgment:
    return Judgment(
        version_id=source.version_id,
        comparison_id=call.comparison_id,
        order=call.order,
        call=call,
        verdict=flip(source.verdict or "", source, call),
        margin=source.margin,
        confidence=source.confidence,
        reason=source.reason,
        cost=Decimal(0),
        metadata={**source.metadata, "reused": True},
    )
