"""The votes of those who own a study: kept, marked, and out of the count unless its rules say else.

An owner imported the texts, chose the pairs and may know which system wrote what. So their votes
are excluded as anybody's can be: a row beside each, whose slot opens for others. It is done in the
background, when a study closes, and before an analysis reads; nothing is undone by itself. Whoever
decides on annotators can let an owner's votes count, and then those that are still to come do, too.

Who is an owner now is what counts, whenever they voted, up to the end of the study: making somebody
owner of a closed one changes nothing in it.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
)

from annotation import audit, queue
from annotation.answer_rules import OWN_VOTES, OwnVotes
from annotation.frozen_rules import as_frozen
from annotation.models import (
    Annotator,
    Exclusion,
    Membership,
    QualityReview,
    ResultsPolicy,
    ReviewOutcome,
    Role,
    Study,
    StudyState,
    StudyVersion,
)
from annotation.rules import rules_of
from annotation.selectors import live_exclusions

from . import excluding

REASON = "An owner of the study gave it, and by its rules own votes do not count."


def exclude_own_votes(study: Study) -> int:
    """Take out of the count what the rules hold out; how many answers that were.

    Running it twice, or twice at once, changes nothing more.
    """
    keys = held_out(study).values_list("pk", flat=True)
    return sum(excluding.until_nothing_is_left(exclude_some, pk) for pk in list(keys))


def own_votes_stand(study: Study) -> bool:
    """Whether an answer is in the count that the rules hold out: it came after the last sweep."""
    keys = held_out(study).values_list("pk", flat=True)
    return any(excluding.answers_without(of_this_rule(), pk, most=1) for pk in list(keys))


def exclude_some(annotator_id: int) -> int:
    """One transaction of it; 0 when nothing is left."""
    # Read first: on SQLite even an empty transaction takes the write lock.
    if not excluding.answers_without(of_this_rule(), annotator_id, most=1):
        return 0
    with transaction.atomic():
        holder = queue.lock_annotator(annotator_id)
        # Whoever lets them count has this lock, too.
        if not held_out(holder.study).filter(pk=annotator_id).exists():
            return 0
        answers = excluding.answers_without(of_this_rule(), annotator_id)
        if not answers:
            return 0
        post_hoc = is_post_hoc(holder.annotator)
        rows = [
            Exclusion(
                reason=REASON,
                rule=OWN_VOTES,
                post_hoc=post_hoc,
                created_at=holder.now,
                **answer,
            )
            for answer in answers
        ]
        Exclusion.objects.bulk_create(rows)
        queue.free_excluded(excluding.assignments_of(rows))
        audit.record(
            holder.study,
            None,
            "quality.own_votes_excluded",
            {"annotator": annotator_id, "votes": len(rows)},
        )
    return len(rows)


def held_out(study: Study) -> QuerySet[Annotator]:
    """The annotators of whom, by the rules in force, no vote counts since they own the study."""
    rules, state = Study.objects.values_list("rules", "state").get(pk=study.pk)
    if state == StudyState.DRAFT or rules_of(rules).quality.own_votes == OwnVotes.COUNT:
        return Annotator.objects.none()
    return Annotator.objects.filter(
        Exists(ownerships()), ~Exists(lettings_count()), study=study
    ).order_by("pk")


def of_this_rule() -> QuerySet[Exclusion]:
    """Lifted ones too: what a researcher put back into the count stays there."""
    return Exclusion.objects.filter(rule=OWN_VOTES)


def ownerships() -> QuerySet[Membership]:
    """By which an outer annotator owns the study; after its end nobody becomes an owner of it."""
    return Membership.objects.filter(
        Q(study__closed_at__isnull=True) | Q(created_at__lte=F("study__closed_at")),
        study=OuterRef("study"),
        user=OuterRef("user"),
        role=Role.OWNER,
    )


def lettings_count() -> QuerySet[QualityReview]:
    """Decisions that let an outer annotator's own votes count."""
    return QualityReview.objects.filter(annotator=OuterRef("pk"), outcome=ReviewOutcome.COUNT_OWN)


def would_leave(annotator: Annotator) -> bool:
    """Whether answers would leave the count if somebody who does not own the study came to."""
    study = annotator.study
    if not study.is_running:
        return False
    row = with_ownership(Annotator.objects.filter(pk=annotator.pk)).get()
    if fate_of_next(study, owns=True, let_count=row.let_count) != OwnVotes.EXCLUDE or row.owns:
        return False
    return bool(excluding.answers_without(of_this_rule(), annotator.pk, most=1))


def is_post_hoc(annotator: Annotator) -> bool:
    """Whether the rule, or that it is about this annotator, was settled when outcomes were seen.

    A rule that was not so in every version is told as post hoc, whenever it came and came back.
    """
    study = Study.objects.get(pk=annotator.study_id)
    versions = StudyVersion.objects.filter(study=study).order_by("number")
    frozen = versions.values_list("snapshot__rules", flat=True)
    if any(
        as_frozen(rules)["quality"]["own_votes"] != OwnVotes.EXCLUDE
        for rules in frozen
        if rules is not None
    ):
        return True
    seen_from = study.opened_at if study.results == ResultsPolicy.OPEN else study.unblinded_at
    if seen_from is None:
        return False
    owner = Membership.objects.filter(study=study, user=annotator.user_id, role=Role.OWNER)
    return owner.filter(created_at__gt=seen_from).exists()


# -- marking ----------


# What the pages of researchers say of somebody.
IN_WORDS = {
    OwnVotes.EXCLUDE: "owner: own votes not counted",
    OwnVotes.COUNT: "owner: own votes counted",
}


def with_ownership(rows: QuerySet[Annotator]) -> QuerySet[Annotator, Any]:
    """Annotators with `owns`, and `let_count` where a researcher let their votes count."""
    return rows.annotate(owns=Exists(ownerships()), let_count=Exists(lettings_count()))


def with_own_votes(rows: QuerySet[Annotator]) -> QuerySet[Annotator, Any]:
    """Annotators with what `own_votes_in` asks for. No further query."""
    standing = live_exclusions().filter(rule=OWN_VOTES)
    # Begun from the exclusions of all studies: 60,000 take a tenth of a second or two. Limited to
    # the study, by a join or from each annotator, a planner may read all pairs of its annotators
    # instead: 150,000 of them took up to 5 seconds on SQLite, and nearly 1 on PostgreSQL.
    excluded = Q(pk__in=standing.values("assignment__annotator")) | Q(
        pk__in=standing.values("vote__annotator")
    )
    return with_ownership(rows).annotate(
        own_excluded=ExpressionWrapper(excluded, output_field=BooleanField())
    )


def own_votes_in(row: Any, study: Study) -> OwnVotes | None:
    """What becomes of an owner's votes, from a row of `with_own_votes`; None of others.

    Somebody who owned the study once stays marked while votes of theirs are excluded for that.
    """
    if row.own_excluded:
        return OwnVotes.EXCLUDE
    return fate_of_next(study, owns=row.owns, let_count=row.let_count)


def fate_of_next(study: Study, *, owns: bool, let_count: bool) -> OwnVotes | None:
    """What will become of the next vote of somebody, from a row of `with_ownership`."""
    if not owns:
        return None
    counts = rules_of(study.rules).quality.own_votes == OwnVotes.COUNT
    return OwnVotes.COUNT if counts or let_count else OwnVotes.EXCLUDE


def words_of(found: OwnVotes | str | None) -> str:
    """In words, also from plain JSON; empty of those who never owned the study."""
    return "" if not found else IN_WORDS[OwnVotes(found)]


def own_votes_of(annotator: Annotator) -> OwnVotes | None:
    """The same of one annotator. One query, and the study where it is not known yet."""
    row = with_own_votes(Annotator.objects.filter(pk=annotator.pk)).get()
    return own_votes_in(row, annotator.study)
