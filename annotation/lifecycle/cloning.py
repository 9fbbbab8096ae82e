"""A new draft made from a study: to do it again, or to add a system to what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import (
    BigIntegerField,
    BooleanField,
    F,
    IntegerField,
    OuterRef,
    Subquery,
    Value,
)
from django.db.models.functions import Cast

from annotation import audit
from annotation.many_rows import copy_rows
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

# Between two words on how far it is.
PROMPTS_AT_ONCE = 1000

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
COPIED_OF_PROMPTS = (
    "prompt_id",
    "text",
    "messages",
    "reference",
    "category",
    "tags",
    "weight",
    "checks",
    "created_at",
    "metadata",
)
COPIED_OF_RESPONSES = (
    "sample",
    "text",
    "latency_ms",
    "ttft_ms",
    "input_tokens",
    "output_tokens",
    "cost",
    "metadata",
)
COPIED_OF_CHECKS = ("item_id", "kind", "gold", "explanation", "overlap", "metadata")
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
        audit.record_acts(study, actor, *acts, audit.Act("study.cloned", detail))
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
        continued = audit.Act("study.continues", {"from": source.slug})
        audit.record_acts(study, actor, *acts, continued)
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
    """Copy prompts, systems, responses and checks, within the caller's transaction.

    By the database itself: on SQLite nobody else writes meanwhile, and of ten thousand responses
    making objects takes a second, copying their rows less than a tenth of it.
    """
    copied = 0
    System.objects.bulk_create(
        System(study=study, name=name)
        for name in System.objects.filter(study=source)
        .order_by("pk")
        .values_list("name", flat=True)
    )
    for first, last in _ranges(source):
        copied += _copy_range(source, study, first, last)
        if progress is not None:
            progress(copied)


def _copy_range(source: Study, study: Study, first: int, last: int) -> int:
    """Copy prompts with everything that hangs on them; how many responses that were."""
    within = {"prompt__study": source, "prompt__pk__range": (first, last)}
    own = Cast(Value(study.pk), BigIntegerField())
    copy_rows(
        Prompt,
        {"study": own, **{name: F(name) for name in COPIED_OF_PROMPTS}},
        Prompt.objects.filter(study=source, pk__range=(first, last)).order_by("pk"),
    )
    copied = copy_rows(
        Response,
        {
            "prompt": _new_prompt(study),
            "system": _new_system(study, "system__name"),
            **{name: F(name) for name in COPIED_OF_RESPONSES},
        },
        Response.objects.filter(**within).order_by("pk"),
    )
    checks = {
        "study": own,
        "prompt": _new_prompt(study),
        "response_a": _new_response(study, "response_a"),
        "response_b": _new_response(study, "response_b"),
        "system_a": _new_system(study, "system_a__name"),
        "system_b": _new_system(study, "system_b__name"),
        **{name: F(name) for name in COPIED_OF_CHECKS},
        # Nobody is handed one yet.
        "open": Cast(Value(False), BooleanField()),
        "taken": Cast(Value(0), IntegerField()),
    }
    copy_rows(
        Comparison,
        checks,
        Comparison.objects.filter(**within, kind__in=COPIED_KINDS).order_by("pk"),
    )
    return copied


def _new_prompt(study: Study) -> Subquery:
    own = Prompt.objects.filter(study=study, prompt_id=OuterRef("prompt__prompt_id"))
    return Subquery(own.values("pk")[:1])


def _new_system(study: Study, name: str) -> Subquery:
    return Subquery(System.objects.filter(study=study, name=OuterRef(name)).values("pk")[:1])


def _new_response(study: Study, old: str) -> Subquery:
    own = Response.objects.filter(
        prompt__study=study,
        prompt__prompt_id=OuterRef("prompt__prompt_id"),
        system__study=study,
        system__name=OuterRef(f"{old}__system__name"),
        sample=OuterRef(f"{old}__sample"),
    )
    return Subquery(own.values("pk")[:1])


def _ranges(source: Study) -> Iterator[tuple[int, int]]:
    """The first and the last key of some prompts at a time."""
    keys = Prompt.objects.filter(study=source).order_by("pk").values_list("pk", flat=True)
    last = 0
    while batch := list(keys.filter(pk__gt=last)[:PROMPTS_AT_ONCE]):
        last = batch[-1]
        yield batch[0], last
