"""What an earlier run of a version has answered, copied to equal questions of a further one."""

from __future__ import annotations

from decimal import Decimal

from judging.judges import is_outdated
from judging.models import (
    CallState,
    JudgeCall,
    JudgeRun,
    JudgeVersion,
    Judgment,
    JudgmentCriterion,
)

BATCH = 1_000


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


def reuse(run: JudgeRun, version: JudgeVersion) -> int:
    """Copy the answers that an earlier run has to the same questions, at no cost."""
    known = answered(version)
    if not known:
        return 0
    calls = [call for call in run.calls.all() if call.content_key in known]
    for start in range(0, len(calls), BATCH):
        batch = calls[start : start + BATCH]
        for call in batch:
            call.reused_from_id = known[call.content_key]
            call.state = CallState.SUCCEEDED
        JudgeCall.objects.bulk_update(batch, ["reused_from", "state"], batch_size=BATCH)
        sources = {
            judgment.call_id: judgment
            for judgment in Judgment.objects.filter(
                call__in=[call.reused_from_id for call in batch]
            ).prefetch_related("criteria")
        }
        copies = [(copy_of(sources[call.reused_from_id], call), call) for call in batch]
        Judgment.objects.bulk_create([copy for copy, _ in copies], batch_size=BATCH)
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
            batch_size=BATCH,
        )
    return len(calls)


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
