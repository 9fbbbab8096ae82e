"""A study whose content is copied in slices, so that others write between them.

A hundred thousand responses with long texts take seconds, for which a database with one writer
would keep everybody else waiting. So they go, slice by slice, into a study that is nobody's yet: it
has no people, no question and a name that nobody chose. One short transaction makes it the study
that was asked for. What a process that died left behind is deleted, in slices, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation.models import (
    AuditEntry,
    Comparison,
    Criterion,
    Prompt,
    Response,
    Study,
    StudyState,
    System,
    User,
)
from annotation.planner_statistics import refresh_planner_statistics
from annotation.slices import slice_of_rows

from .cloning import (
    Progress,
    WantedCopy,
    check_copy,
    check_source,
    copy_range,
    copy_systems,
    next_range,
    record_copy,
    take_settings,
)
from .drafts import equip_draft, taken
from .refusals import LifecycleError
from .snapshots import Marks

# Names of studies that are being copied begin so, and go on with whose copy it is.
NAMED = "copying-"

# And end so from the moment on that they are being deleted.
GIVEN_UP = "-gone"

# A slice is to keep others waiting for so long, in seconds. Texts may be of any length, and disks
# of any speed, so that the prompts of a slice are found by how long the one before took.
SLICE_SECONDS = 0.1
FIRST_SLICE, LARGEST_SLICE = 50, 1000

# Rows that are deleted at a time.
DISCARDED = 500

# Called in the transaction of each slice; raises where somebody else has the work by now.
Mine = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Stand:
    """What of a study must not move while it is copied."""

    state: str
    sealed: bool
    marks: Marks
    # Of a draft everything may change; what was opened only gains content.
    newest_entry: int | None

    @classmethod
    def of(cls, source: Study) -> Stand:
        is_draft = source.state == StudyState.DRAFT
        entries = AuditEntry.objects.filter(study=source).order_by("-seq")
        newest = entries.values_list("seq", flat=True).first() if is_draft else None
        return cls(source.state, source.is_sealed, Marks.of(source), newest)


class SlicedCopy:
    """One copy under way: `fill`, then `finish`; or `discard`.

    Parameters
    ----------
    source : Study
    wanted : WantedCopy
        It copies content.
    key : str
        Tells one attempt from all others: lower-case letters, digits and hyphens, 50 at most.
    """

    def __init__(self, source: Study, wanted: WantedCopy, key: str) -> None:
        self.source = source
        self.wanted = wanted
        self.slug = f"{NAMED}{key}"
        self.stand: Stand | None = None

    def fill(self, mine: Mine, progress: Progress | None = None) -> None:
        """Copy the content, a slice at a time.

        Raises
        ------
        LifecycleError
            The source cannot be copied so.
        ValidationError
            The short name is not allowed or taken.
        """
        source = Study.objects.get(pk=self.source.pk)
        check_copy(source, self.wanted)
        self.stand = Stand.of(source)
        with slice_of_rows():
            mine()
            study = Study.objects.create(slug=self.slug)
            copy_systems(source, study)
        copied, after, prompts = 0, 0, FIRST_SLICE
        while found := next_range(source, after, prompts):
            with slice_of_rows():
                mine()
                begun = time.monotonic()
                copied += copy_range(source, study, *found)
                took = time.monotonic() - begun
            after = found[1]
            prompts = next_size(prompts, took)
            if progress is not None:
                progress(copied)

    def finish(self, actor: User) -> Study:
        """Make it the study that was asked for, at the end of the caller's transaction.

        Raises
        ------
        LifecycleError
            The source was changed after its copying began, or cannot be copied so any more.
        ValidationError
            The short name was taken meanwhile.
        """
        # Held, so that it is not opened while names are copied.
        source = Study.objects.select_for_update(no_key=True).get(pk=self.source.pk)
        check_source(source, self.wanted)
        if Stand.of(source) != self.stand:
            raise LifecycleError(
                f"{source.slug} was changed while it was copied, so that the copy would be of two "
                "moments. Nothing was made; copy it once more."
            )
        # Held and found by its name, so that it is either finished or given up.
        study = Study.objects.select_for_update(no_key=True).get(slug=self.slug)
        study.slug, study.title = self.wanted.slug, self.wanted.title
        study.full_clean()
        try:
            with transaction.atomic():
                study.save(update_fields=["slug", "title"])
        except IntegrityError:
            raise LifecycleError(taken(self.wanted.slug)) from None
        acts = equip_draft(study, actor)
        take_settings(source, study, self.wanted)
        record_copy(source, study, self.wanted, actor, acts)
        refresh_planner_statistics()
        return study

    def discard(self) -> None:
        """Delete what was copied, unless it was finished."""
        for study in unfinished().filter(slug=self.slug):
            discard(study)


def next_size(prompts: int, seconds: float) -> int:
    """How many prompts the next slice has, after one that took so long."""
    if seconds > SLICE_SECONDS:
        return max(1, int(prompts * SLICE_SECONDS / seconds))
    return min(LARGEST_SLICE, prompts * 2) if seconds < SLICE_SECONDS / 2 else prompts


def unfinished() -> QuerySet[Study]:
    """Studies that are being copied, or were: every other one has the question `overall`."""
    asked = Criterion.objects.filter(study=OuterRef("pk"))
    return Study.objects.filter(~Exists(asked), slug__startswith=NAMED).order_by("pk")


def discard(study: Study) -> bool:
    """Delete an unfinished study with its content, in slices; False where it is finished by now.

    Nothing else refers to what it has, and the database would refuse to delete what something
    refers to; Django would look for that first, which takes several times as long.
    """
    if not give_up(study):
        return False
    for rows in (
        Comparison.objects.filter(study=study),
        Response.objects.filter(prompt__study=study),
        Prompt.objects.filter(study=study),
        System.objects.filter(study=study),
        Study.objects.filter(pk=study.pk),
    ):
        while some := list(rows.order_by("pk").values_list("pk", flat=True)[:DISCARDED]):
            with slice_of_rows():
                gone = rows.model._default_manager.filter(pk__in=some)
                gone._raw_delete(gone.db)
    return True


def give_up(study: Study) -> bool:
    """Take an unfinished study its name, by which `finish` would find it; whether it is so named.

    Only then is anything deleted: what is finished meanwhile keeps its content.
    """
    if not study.slug.endswith(GIVEN_UP):
        named = unfinished().filter(pk=study.pk, slug=study.slug).order_by()
        return bool(named.update(slug=f"{study.slug}{GIVEN_UP}"))
    return True
