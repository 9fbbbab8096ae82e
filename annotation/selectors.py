"""Reading what people decided. Which votes count is decided here and nowhere else."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from .models import (
    Assignment,
    AssignmentState,
    ComparisonKind,
    Exclusion,
    Study,
    StudyVersion,
    Vote,
    VoteSource,
)


def live_exclusions() -> QuerySet[Exclusion]:
    """Exclusions in force: not a lifting itself, and not lifted by another row."""
    return Exclusion.objects.filter(lifts__isnull=True, lifted_by__isnull=True)


def counted_votes(study: Study) -> QuerySet[Vote]:
    """The votes that every figure is built from; at most one per annotator and comparison.

    A vote counts if its comparison is work and it is the highest revision of a first pass whose
    assignment holds as submitted, or the first imported label of that person on that item, and
    it is not excluded. An older revision never takes the place of a newer one, and an imported
    label does not count beside a vote that was collected here.
    """
    newer = Vote.objects.filter(
        # Follows from the next line, and lets the database look at the few revisions alone
        # instead of joining millions of votes with themselves.
        Q(revision__gt=0),
        revision__gt=OuterRef("revision"),
        assignment=OuterRef("assignment"),
    )
    collected = Q(
        source=VoteSource.COLLECTED,
        assignment__state=AssignmentState.SUBMITTED,
        assignment__pass_no=0,
    )
    # Whoever held a pair when a label of theirs was imported could still vote on it.
    voted_here = Assignment.objects.filter(
        ~Exists(live_exclusions().filter(assignment=OuterRef("pk"))),
        comparison=OuterRef("comparison"),
        annotator=OuterRef("annotator"),
        state=AssignmentState.SUBMITTED,
        pass_no=0,
    )
    imported = Q(~Exists(voted_here), source=VoteSource.IMPORTED, occurrence=0)
    return Vote.objects.filter(
        collected | imported,
        ~Exists(newer),
        ~Exists(live_exclusions().filter(vote=OuterRef("pk"))),
        ~Exists(
            live_exclusions().filter(assignment=OuterRef("assignment"), assignment__isnull=False)
        ),
        comparison__study=study,
        comparison__kind=ComparisonKind.WORK,
    )


def versions_voted_under(study: Study) -> list[int]:
    """The numbers of the study versions that counted votes were given under, in order.

    Imported labels were given under none.
    """
    numbers = list(StudyVersion.objects.filter(study=study).values_list("number", flat=True))
    if len(numbers) < 2:
        # Nearly every study: no need to read a million votes.
        voted = counted_votes(study).filter(study_version__isnull=False).exists()
        return numbers if voted else []
    found = counted_votes(study).filter(study_version__isnull=False).order_by()
    return sorted(set(found.values_list("study_version__number", flat=True).distinct()))


def repeated_votes(study: Study) -> QuerySet[Vote]:
    """Further labels of one person on one item: kept for self-consistency, never counted."""
    # Picked first, as they are few: joined to every vote they would be looked for a million times.
    again = Assignment.objects.filter(pass_no__gt=0, state=AssignmentState.SUBMITTED)
    return Vote.objects.filter(
        Q(source=VoteSource.IMPORTED, occurrence__gt=0)
        | Q(source=VoteSource.COLLECTED, assignment__in=again, revision=0),
        comparison__study=study,
        comparison__kind=ComparisonKind.WORK,
    )
