"""A new draft made from a study: to do it again, or to add a system to what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from annotation import audit
from annotation.models import (
    Comparison,
    ComparisonKind,
    Prompt,
    Response,
    Study,
    StudyState,
    System,
    User,
)
from annotation.planner_statistics import refresh_planner_statistics

from .drafts import begin_new_draft, check_new_draft
from .refusals import LifecycleError
from .rubric import criteria_of, store_criteria

# Long texts: few rows at a time are in memory.
ROWS_AT_ONCE = 500

# What a study is, beside its name; `results` and `stopping` are chosen anew with it.
COPIED_SETTINGS = (
    "instructions",
    "notice",
    "results",
    "stopping",
    "seed",
    "target_votes",
    "max_per_annotator",
    "rules",
)
# Checks are content: their answers are known whatever the design.
COPIED_KINDS = (ComparisonKind.GOLD, ComparisonKind.TRAINING)
FINISHED = (StudyState.CLOSED, StudyState.ARCHIVED)


# Told how many responses were copied.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCopy:
    """A study made from another one.

    Attributes
    ----------
    slug, title : str
        Its names.
    with_content : bool
        Prompts, responses and checks come along.
    continues : bool
        It is a challenger to a finished study, and has its content whatever `with_content` says.
    """

    slug: str
    title: str
    with_content: bool = False
    continues: bool = False

    @property
    def copies_content(self) -> bool:
        return self.with_content or self.continues


def clone_study(
    source: Study,
    slug: str,
    actor: User,
    *,
    title: str,
    with_content: bool = False,
    progress: Progress | None = None,
) -> Study:
    """A draft with the settings and the rubric of a study, and its content if wanted.

    Votes, people and pairs of kind work are not copied.

    Raises
    ------
    LifecycleError
        The content of a sealed study is wanted.
    ValidationError
        If the short name is not allowed or taken.
    """
    with transaction.atomic():
        # Held, so that it is not opened while names are copied.
        source = Study.objects.select_for_update(no_key=True).get(pk=source.pk)
        check_clone(source, with_content=with_content)
        study, acts = _begin(source, slug, actor, title)
        if with_content:
            copy_content(source, study, progress)
        detail = {"from": source.slug, "with_content": with_content}
        for act in (*acts, audit.Act("study.cloned", detail)):
            audit.record(study, actor, act.action, act.detail)
        taken = {"to": study.slug, "with_content": with_content}
        audit.record(source, actor, "study.copied", taken)
    refresh_planner_statistics()
    return study


def challenge_study(
    source: Study, slug: str, actor: User, *, title: str, progress: Progress | None = None
) -> Study:
    """A draft that continues a finished study: a new system meets those that were compared.

    Content, settings and rubric are copied. `generate_comparisons` makes pairs with new systems
    alone, and an analysis pools the counted votes of both studies.

    Raises
    ------
    LifecycleError
        The study still collects votes, was never opened, or is sealed.
    ValidationError
        If the short name is not allowed or taken.
    """
    check_challenge(source)
    with transaction.atomic():
        study, acts = _begin(source, slug, actor, title)
        study.continues = source
        study.save(update_fields=["continues"])
        copy_content(source, study, progress)
        for act in (*acts, audit.Act("study.continues", {"from": source.slug})):
            audit.record(study, actor, act.action, act.detail)
    refresh_planner_statistics()
    return study


def check_copy(source: Study, wanted: WantedCopy) -> None:
    """Raise what cloning, or with `continues` the challenger, would; copy nothing."""
    if wanted.continues:
        check_challenge(source)
    else:
        check_clone(source, with_content=wanted.with_content)
    check_new_draft(wanted.slug, title=wanted.title)


def check_clone(source: Study, *, with_content: bool) -> None:
    if with_content and source.is_sealed:
        raise LifecycleError(
            f"{source.slug} is sealed, and a copy of its content would show which system wrote "
            "what. Clone it without the content, or unblind it first."
        )


def check_challenge(source: Study) -> None:
    if source.state not in FINISHED:
        raise LifecycleError(
            f"{source.slug} is {source.state}: only a closed study is continued, since its votes "
            "are analysed with the new ones. Close it first."
        )
    if source.is_sealed:
        raise LifecycleError(
            f"{source.slug} is sealed. Unblind it first: its votes are analysed with the new ones, "
            "and nobody may see them before."
        )


def _begin(source: Study, slug: str, actor: User, title: str) -> tuple[Study, list[audit.Act]]:
    study, acts = begin_new_draft(slug, actor, title=title)
    for name in COPIED_SETTINGS:
        setattr(study, name, getattr(source, name))
    study.save(update_fields=COPIED_SETTINGS)
    store_criteria(study, criteria_of(source))
    return study, acts


def copy_content(source: Study, study: Study, progress: Progress | None = None) -> None:
    """Copy prompts, systems, responses and checks, within the caller's transaction."""
    copied = 0
    systems = {
        old.pk: new
        for old, new in _copies(
            System.objects.filter(study=source),
            lambda old: System(study=study, name=old.name),
        )
    }
    for batch in _batches(Prompt.objects.filter(study=source)):
        copied += _copy_batch(study, batch, systems)
        if progress is not None:
            progress(copied)


def _copy_batch(study: Study, batch: list[Prompt], systems: dict[int, System]) -> int:
    """Copy some prompts with everything that hangs on them; how many responses that were."""
    prompts = {
        old.pk: new
        for old, new in _copies(
            batch,
            lambda old: Prompt(
                study=study,
                prompt_id=old.prompt_id,
                text=old.text,
                messages=old.messages,
                reference=old.reference,
                category=old.category,
                tags=old.tags,
                weight=old.weight,
                checks=old.checks,
                created_at=old.created_at,
                metadata=old.metadata,
            ),
        )
    }
    responses = {
        old.pk: new
        for old, new in _copies(
            Response.objects.filter(prompt__in=list(prompts)),
            lambda old: Response(
                prompt=prompts[old.prompt_id],
                system=systems[old.system_id],
                sample=old.sample,
                text=old.text,
                latency_ms=old.latency_ms,
                ttft_ms=old.ttft_ms,
                input_tokens=old.input_tokens,
                output_tokens=old.output_tokens,
                cost=old.cost,
                metadata=old.metadata,
            ),
        )
    }
    _copies(
        Comparison.objects.filter(prompt__in=list(prompts), kind__in=COPIED_KINDS),
        lambda old: Comparison(
            study=study,
            item_id=old.item_id,
            prompt=prompts[old.prompt_id],
            response_a=responses[old.response_a_id],
            response_b=responses[old.response_b_id],
            system_a=systems[old.system_a_id],
            system_b=systems[old.system_b_id],
            kind=old.kind,
            gold=old.gold,
            explanation=old.explanation,
            overlap=old.overlap,
            metadata=old.metadata,
        ),
    )
    return len(responses)


def _batches(rows: QuerySet[Prompt]) -> Iterator[list[Prompt]]:
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:ROWS_AT_ONCE]):
        yield batch
        last = batch[-1].pk


def _copies(rows: Any, made_of: Any) -> list[tuple[Any, Any]]:
    """Each row with its stored copy."""
    listed = list(rows)
    copies = [made_of(row) for row in listed]
    if copies:
        type(copies[0])._default_manager.bulk_create(copies, batch_size=ROWS_AT_ONCE)
    return list(zip(listed, copies, strict=True))
