"""Reading what people decided. Which votes count is decided here and nowhere else."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from .answer_rules import OWN_VOTES
from .models import (
    Assignment,
    AssignmentState,
    Comparison,
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
    return _counted(_in_study(study))


def counted_votes_on(comparisons: QuerySet[Comparison]) -> QuerySet[Vote]:
    """Those of `counted_votes` on a few comparisons.

    Begun from these: a database without figures on its tables would begin with the study's
    annotators, and read all that they said.
    """
    return _counted(Q(comparison__in=comparisons))


def _counted(among: Q) -> QuerySet[Vote]:
    not_excluded = ~Exists(live_exclusions().filter(assignment=OuterRef("pk")))
    return _votes_of_record(among, _answered_here().filter(not_excluded)).filter(
        ~Exists(_of_the_vote()), ~Exists(_of_its_assignment())
    )


def counted_assignments(study: Study) -> QuerySet[Assignment]:
    """The assignments of which a vote counts, one each: whom and how many, without the votes.

    Those of `counted_votes` that were collected here. Of millions of votes only what was decided
    needs a vote to be read.
    """
    return Assignment.objects.filter(
        ~Exists(live_exclusions().filter(assignment=OuterRef("pk"))),
        annotator__study=study,
        kind=ComparisonKind.WORK,
        state=AssignmentState.SUBMITTED,
        pass_no=0,
    )


def excluded_votes(study: Study) -> QuerySet[Vote]:
    """The votes that would count if nothing were excluded, and are excluded.

    Counted votes and these are what a study would count without its exclusions, but for one kind:
    where somebody's collected vote is excluded, a label of theirs on the same comparison that was
    imported counts now and would not then. Superseded, surplus and repeated votes, and votes on
    checks, would not count either way.

    Each has `post_hoc`: whether every exclusion that holds it out was decided when outcomes could
    be seen, or by a rule that was not frozen at opening. And `own_votes`: whether it is an owner's
    own vote, which the rules hold out, whatever else does.
    """
    frozen = Q(post_hoc=False)
    # Begun from the exclusions, as they are few: looked for beside every vote they take as long as
    # all votes do.
    held_out = live_exclusions()
    of_assignments = Vote.objects.filter(assignment__in=held_out.values("assignment"))
    of_votes = held_out.filter(vote__isnull=False).values("vote")
    return (
        _votes_of_record(_in_study(study), _answered_here())
        .filter(pk__in=of_assignments.values("pk").union(of_votes))
        .annotate(
            post_hoc=~Exists(_of_the_vote().filter(frozen))
            & ~Exists(_of_its_assignment().filter(frozen)),
            own_votes=Exists(_of_the_vote().filter(rule=OWN_VOTES))
            | Exists(_of_its_assignment().filter(rule=OWN_VOTES)),
        )
    )


def has_exclusions(study: Study) -> bool:
    """Whether any exclusion is in force in the study, whatever it is of."""
    return (
        live_exclusions()
        .filter(Q(assignment__comparison__study=study) | Q(vote__comparison__study=study))
        .exists()
    )


def _of_the_vote() -> QuerySet[Exclusion]:
    return live_exclusions().filter(vote=OuterRef("pk"))


def _of_its_assignment() -> QuerySet[Exclusion]:
    return live_exclusions().filter(assignment=OuterRef("assignment"), assignment__isnull=False)


def _answered_here() -> QuerySet[Assignment]:
    """The first passes of the vote's annotator on its comparison that were answered here."""
    return Assignment.objects.filter(
        comparison=OuterRef("comparison"),
        annotator=OuterRef("annotator"),
        state=AssignmentState.SUBMITTED,
        pass_no=0,
    )


def _in_study(study: Study) -> Q:
    """Votes of a study's annotators. Triggers hold the study of the comparison to be the same, of
    which there are far more."""
    return Q(annotator__study=study)


def _votes_of_record(among: Q, voted_here: QuerySet[Assignment]) -> QuerySet[Vote]:
    """One vote of each annotator on each comparison of work, whatever was excluded.

    Parameters
    ----------
    among : Q
        Of votes: those that are looked at.
    voted_here : QuerySet of Assignment
        Those beside which an imported label does not count.
    """
    newer = Vote.objects.filter(
        # Follows from the next line, and lets the database look at the few revisions alone
        # instead of joining millions of votes with themselves.
        Q(revision__gt=0),
        revision__gt=OuterRef("revision"),
        assignment=OuterRef("assignment"),
    )
    # Asked for what keeps a vote out, and not for what lets it in: of millions of assignments few
    # are so, and these few are what the database holds beside the votes. A condition of each kind
    # of vote in an OR would have it join all of them. An assignment has the kind of its comparison.
    out_here = Assignment.objects.filter(pk=OuterRef("assignment")).exclude(
        state=AssignmentState.SUBMITTED, pass_no=0, kind=ComparisonKind.WORK
    )
    label = Vote.objects.filter(pk=OuterRef("pk"), source=VoteSource.IMPORTED)
    # Whoever held a pair when a label of theirs was imported could still vote on it.
    beside_a_vote = label.filter(Exists(voted_here))
    on_no_work = label.exclude(comparison__kind=ComparisonKind.WORK)
    return Vote.objects.filter(
        among,
        Q(source=VoteSource.COLLECTED) | Q(source=VoteSource.IMPORTED, occurrence=0),
        ~Exists(out_here),
        ~Exists(beside_a_vote),
        ~Exists(on_no_work),
        ~Exists(newer),
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
    # Begun from the repeats, as they are few and have indexes of their own; joined to every vote
    # they would be looked for a million times.
    again = Assignment.objects.filter(pass_no__gt=0, state=AssignmentState.SUBMITTED)
    collected = Vote.objects.filter(
        assignment__in=again, source=VoteSource.COLLECTED, revision=0
    ).values("pk")
    imported = Vote.objects.filter(source=VoteSource.IMPORTED, occurrence__gt=0).values("pk")
    return Vote.objects.filter(
        pk__in=collected.union(imported),
        comparison__study=study,
        comparison__kind=ComparisonKind.WORK,
    )
