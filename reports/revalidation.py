"""Asking people anew about what a judge decided: a seeded, stratified random sample.

The sample is kept with what it was drawn from, and the queue hands it out before all else; where
votes are wanted beside those that there are, the overlap of the drawn ones is raised by
`annotation.lifecycle`, as a new version of the study. Nobody who rates can tell a drawn pair from
another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from annotation import audit, quality, queue
from annotation.access import roles_of
from annotation.access.outcomes import READERS
from annotation.draws import shuffled
from annotation.lifecycle.generation import MAX_OVERLAP
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import Comparison, ComparisonKind, Study, StudyState, User
from annotation.selectors import counted_votes
from judging.models import JudgeVersion, Judgment
from reports.judgment_records import judgments_of
from reports.models import Revalidation
from reports.models.validations import WITH_PEOPLE
from reports.validations import ValidationError

MOST_DRAWN = 10_000
"""More would not be a sample, and is read on every report."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A comparison that a judge answered, as the draw sees it."""

    pk: int
    item_id: str
    stratum: tuple[str, str]
    votes: int
    overlap: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a sample is back.

    Attributes
    ----------
    drawn, voted : int
        Comparisons, and those with the votes that were asked for.
    """

    drawn: int
    voted: int

    @property
    def is_complete(self) -> bool:
        return self.voted == self.drawn


def version_of(study: Study, judge: str, number: int | None = None) -> JudgeVersion:
    """The newest version of a judge with judgments, or the one with the number.

    Raises
    ------
    ValidationError
        There is no such judge or version, or it has judged nothing.
    """
    versions = JudgeVersion.objects.filter(judge__study=study, judge__judge_id=judge)
    if number is not None:
        versions = versions.filter(number=number)
    for version in versions.select_related("judge").order_by("-number"):
        if Judgment.objects.filter(version=version).exists():
            return version
    names = JudgeVersion.objects.filter(judge__study=study).values_list(
        "judge__judge_id", flat=True
    )
    known = ", ".join(sorted(set(names))) or "none yet"
    which = "" if number is None else f" of version {number}"
    raise ValidationError(
        f"{study.slug} has no judgments{which} of a judge {judge!r}. Its judges are: {known}."
    )


def revalidate_judge(
    study: Study,
    version: JudgeVersion,
    count: int,
    actor: User | None = None,
    *,
    raise_overlap: bool = False,
    seed: int | None = None,
) -> Revalidation:
    """Draw judged comparisons at random and have people decide on them.

    Parameters
    ----------
    count : int
        How many are drawn, in proportion to their strata: category and the judge's verdict.
    actor : User, optional
        An owner or a researcher of the study; None is the operator at the command line.
    raise_overlap : bool
        Draw from all judged comparisons, and ask for one more vote on each of the drawn ones.
        Otherwise only comparisons without votes are drawn, which the queue hands out anyway.
    seed : int, optional
        Of the draw; by default it follows from the study's and the number of earlier samples.

    Raises
    ------
    ValidationError
        Everything that keeps a sample from being drawn, with what to do.
    """
    _check(study, actor, count)
    try:
        with transaction.atomic():
            if raise_overlap:
                # Nobody votes between the count of votes and the wish for more of them.
                queue.hold_for_change(study)
            earlier = Revalidation.objects.filter(version=version).count()
            used = study.seed + 1 + earlier if seed is None else seed
            frame = judged_comparisons(study, version)
            if not raise_overlap:
                frame = [one for one in frame if one.votes == 0]
            if len(frame) < count:
                raise ValidationError(_too_few(version, len(frame), count, raise_overlap))
            sample = draw(frame, count, used)
            row = Revalidation.objects.create(
                study=study,
                version=version,
                seed=used,
                frame=sorted(one.item_id for one in frame),
                sample={one.item_id: one.votes for one in sample},
                raised_overlap=raise_overlap,
                created_by=actor,
            )
            queue.hand_out_first(study, row.sample)
            if raise_overlap:
                _ask_for_more(study, actor, version, sample)
            # Last: the chain's head is locked by it.
            audit.record(
                study,
                actor,
                "judge.revalidation_drawn",
                {
                    "judge": version.judge.judge_id,
                    "version": version.number,
                    "seed": used,
                    "frame": len(frame),
                    "drawn": len(sample),
                    "raised_overlap": raise_overlap,
                },
            )
    except IntegrityError:
        raise ValidationError(
            f"A sample for {version.judge.judge_id} is with the annotators already. The next one "
            "can be drawn when a report has read its votes, or when it was withdrawn (--withdraw). "
            "Nothing was changed."
        ) from None
    if raise_overlap:
        # Not in the transaction, which holds the study's log.
        quality.settle_training(Study.objects.get(pk=study.pk))
    return row


def withdraw_sample(study: Study, version: JudgeVersion, actor: User | None = None) -> Revalidation:
    """Give a sample up that does not come back, so that another one can be drawn.

    What people voted on it counts as all votes do, and what they were asked for beside that stays
    asked for, behind all other work.

    Raises
    ------
    ValidationError
        The actor may not, or no sample of the version is with people.
    """
    _check_role(study, actor)
    with transaction.atomic():
        waiting = Revalidation.objects.select_for_update(no_key=True, of=("self",))
        row = waiting.filter(WITH_PEOPLE, study=study, version=version).first()
        if row is None:
            raise ValidationError(
                f"No sample for {version.judge.judge_id} is with the annotators. Nothing was "
                "changed."
            )
        progress = progress_of(row)
        row.withdrawn_at = timezone.now()
        row.save(update_fields=["withdrawn_at"])
        queue.hand_out_in_turn(study, row.sample)
        # Last: the chain's head is locked by it.
        audit.record(
            study,
            actor,
            "judge.sample_withdrawn",
            {
                "judge": version.judge.judge_id,
                "version": version.number,
                "sample": row.pk,
                "drawn": progress.drawn,
                "voted": progress.voted,
            },
        )
    return row


def judged_comparisons(study: Study, version: JudgeVersion) -> list[Judged]:
    """Comparisons of kind work that the version was asked about, in the order of their names.

    The verdict is that of its newest judgment in the first order that there is; comparisons on
    which it said nothing are a stratum of their own.
    """
    said: dict[int, str] = {}
    for comparison, verdict in judgments_of(study, version).values_list("comparison", "verdict"):
        said[comparison] = verdict or said.get(comparison, "")
    votes = dict(
        counted_votes(study)
        .order_by()
        .values_list("comparison")
        .annotate(votes=Count("pk"))
        .values_list("comparison", "votes")
    )
    # Of a pair of systems that was stopped nothing is handed out any more.
    rows = Comparison.objects.filter(
        study=study, kind=ComparisonKind.WORK, cell__stopped_at__isnull=True
    ).values_list("pk", "item_id", "prompt__category", "overlap")
    found = [
        Judged(pk, item_id, (category, said[pk]), votes.get(pk, 0), overlap)
        for pk, item_id, category, overlap in rows
        if pk in said
    ]
    return sorted(found, key=lambda one: one.item_id)


def draw(frame: list[Judged], count: int, seed: int) -> list[Judged]:
    """A seeded sample with proportional shares: largest remainders, ties by a draw.

    Parameters
    ----------
    frame : list of Judged
        At least `count` of them.
    """
    strata: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for one in frame:
        strata[one.stratum].append(one)
    shares = allotted({key: len(rows) for key, rows in strata.items()}, count, seed)
    chosen = [
        one
        for key in sorted(strata)
        for one in shuffled(strata[key], seed, "revalidation", *key, key=lambda row: row.item_id)[
            : shares[key]
        ]
    ]
    return sorted(chosen, key=lambda one: one.item_id)


def allotted(
    sizes: Mapping[tuple[str, str], int], count: int, seed: int
) -> dict[tuple[str, str], int]:
    """How many of each stratum, so that every comparison is drawn with nearly the same chance."""
    total = sum(sizes.values())
    whole = {key: size * count // total for key, size in sizes.items()}
    rest = count - sum(whole.values())
    # Of equal remainders the draw decides, never a name.
    order = shuffled(sorted(sizes), seed, "strata", key=lambda key: "\x1f".join(key))
    order = sorted(order, key=lambda key: -(sizes[key] * count % total))
    for key in order[:rest]:
        whole[key] += 1
    return whole


def progress_of(row: Revalidation) -> Progress:
    """How many of the drawn comparisons have the vote that was asked for. One query."""
    return progress_of_all(row.study, [row])[row.pk]


def progress_of_all(study: Study, rows: Collection[Revalidation]) -> dict[int, Progress]:
    """The same of several samples of a study, by key. One query, or none."""
    items = {item for row in rows for item in row.sample}
    if not items:
        return {}
    votes = counted_votes(study)
    if len(items) <= MOST_DRAWN:
        votes = votes.filter(comparison__item_id__in=items)
    have = dict(
        votes.order_by()
        .values_list("comparison__item_id")
        .annotate(votes=Count("pk"))
        .values_list("comparison__item_id", "votes")
    )
    return {
        row.pk: Progress(
            len(row.sample), sum(have.get(item, 0) > had for item, had in row.sample.items())
        )
        for row in rows
    }


def _ask_for_more(
    study: Study, actor: User | None, version: JudgeVersion, sample: list[Judged]
) -> None:
    """One vote more than are wanted, on those of the sample that have all of theirs.

    One change of the study: where overlaps differ, those with a lower one get as many as the
    highest needs.
    """
    # What wants more votes than it has gets one without being asked.
    full = [one for one in sample if one.votes >= one.overlap]
    if not full:
        return
    overlap = max(one.overlap for one in full) + 1
    if overlap > MAX_OVERLAP:
        raise ValidationError(
            f"A drawn comparison has {MAX_OVERLAP} votes, and none can have more. Draw without "
            "raising the overlap. Nothing was changed."
        )
    change_study(
        study,
        WantedChange.of(
            f"A random sample to hold the judge {version.judge.judge_id} against people.",
            overlap=overlap,
            items=[one.item_id for one in full],
        ),
        actor,
        settle=False,
    )


def _check_role(study: Study, actor: User | None) -> None:
    if actor is not None and not roles_of(actor, study) & READERS:
        raise ValidationError(f"Only an owner or a researcher of {study.slug} decides on judges.")


def _check(study: Study, actor: User | None, count: int) -> None:
    _check_role(study, actor)
    if not 1 <= count <= MOST_DRAWN:
        raise ValidationError(f"A sample has 1 to {MOST_DRAWN:,} comparisons, not {count}.")
    state = Study.objects.values_list("state", flat=True).get(pk=study.pk)
    if state not in (StudyState.OPEN, StudyState.PAUSED):
        what = (
            "is a draft: open it first (open_study)"
            if state == StudyState.DRAFT
            else f"is {state}: continue it with a new study"
        )
        raise ValidationError(f"{study.slug} takes no votes, it {what}. Nothing was changed.")


def _too_few(version: JudgeVersion, there: int, count: int, raised: bool) -> str:
    judge = version.judge.judge_id
    if raised:
        return (
            f"{judge} has judged {there} comparisons, and {count} were to be drawn. Ask for fewer, "
            "or run the judge on more. Nothing was changed."
        )
    return (
        f"Only {there} comparisons that {judge} judged are without votes, and {count} were to be "
        "drawn. Ask for fewer, run the judge on more, or raise the overlap (--raise-overlap) to "
        "draw from those with votes as well. Nothing was changed."
    )
