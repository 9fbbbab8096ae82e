"""A new draft made from a study: to do it again, or to add a system to what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    wanted = WantedCopy(slug=slug, title=title, with_content=with_content)
    return copy_study(source, wanted, actor, progress)


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
    return copy_study(source, WantedCopy(slug=slug, title=title, continues=True), actor, progress)


def copy_study(
    source: Study, wanted: WantedCopy, actor: User, progress: Progress | None = None
) -> Study:
    """Both of these, in one transaction; of much content `sliced_copies` makes many of it."""
    with transaction.atomic():
        # Held, so that it is not opened while names are copied.
        source = Study.objects.select_for_update(no_key=True).get(pk=source.pk)
        check_source(source, wanted)
        study, acts = begin_new_draft(wanted.slug, actor, title=wanted.title)
        take_settings(source, study, wanted)
        if wanted.copies_content:
            copy_content(source, study, progress)
        record_copy(source, study, wanted, actor, acts)
    refresh_planner_statistics()
    return study


def check_copy(source: Study, wanted: WantedCopy) -> None:
    """Raise what cloning, or with `continues` the challenger, would; copy nothing."""
    check_source(source, wanted)
    check_new_draft(wanted.slug, title=wanted.title)


def check_source(source: Study, wanted: WantedCopy) -> None:
    if wanted.continues:
        check_challenge(source)
    else:
        check_clone(source, with_content=wanted.with_content)


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


def take_settings(source: Study, study: Study, wanted: WantedCopy) -> None:
    """Give a draft the settings and the rubric of the source."""
    for name in COPIED_SETTINGS:
        setattr(study, name, getattr(source, name))
    study.continues = source if wanted.continues else None
    study.save(update_fields=[*COPIED_SETTINGS, "continues"])
    store_criteria(study, criteria_of(source))


def record_copy(
    source: Study, study: Study, wanted: WantedCopy, actor: User, acts: Sequence[audit.Act]
) -> None:
    """Log the acts of the new draft and whose copy it is, at the end of its transaction."""
    if wanted.continues:
        continued = audit.Act("study.continues", {"from": source.slug})
        audit.record_acts(study, actor, *acts, continued)
        return
    cloned = {"from": source.slug, "with_content": wanted.with_content}
    audit.record_acts(study, actor, *acts, audit.Act("study.cloned", cloned))
    taken = {"to": study.slug, "with_content": wanted.with_content}
    audit.record(source, actor, "study.copied", taken)


def copy_content(source: Study, study: Study, progress: Progress | None = None) -> None:
    """Copy prompts, systems, responses and checks, within the caller's transaction.

    By the database itself: on SQLite nobody else writes meanwhile, and of ten thousand responses
    making objects takes a second, copying their rows less than a tenth of it.
    """
    copied = 0
    copy_systems(source, study)
    for first, last in _ranges(source):
        copied += copy_range(source, study, first, last)
        if progress is not None:
            progress(copied)


def copy_systems(source: Study, study: Study) -> None:
    names = System.objects.filter(study=source).order_by("pk").values_list("name", flat=True)
    System.objects.bulk_create(System(study=study, name=name) for name in names)


def copy_range(source: Study, study: Study, first: int, last: int) -> int:
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
    last = 0
    while found := next_range(source, last, PROMPTS_AT_ONCE):
        yield found
        last = found[1]


def next_range(source: Study, after: int, most: int) -> tuple[int, int] | None:
    """The first and the last key of the prompts after one; None where there are no more."""
    rows = Prompt.objects.filter(study=source, pk__gt=after).order_by("pk")
    keys = list(rows.values_list("pk", flat=True)[:most])
    return (keys[0], keys[-1]) if keys else None
