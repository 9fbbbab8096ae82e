"""Whose figures may have changed since a moment: few people, however many take part.

The figures of somebody follow from their own latest answers and from what others said on the same
pairs. Whoever watches a large study reads those of the people anew to whom something happened, and
leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from django.db.models import Q

from annotation.models import Assignment, Exclusion, QualityReview, Study, Vote

# Of votes and comparisons; beyond it everybody is read anew, which takes no longer.
MOST_ROWS = 20_000
# Comparisons in one query.
AT_ONCE = 2_000


def changed_since(study: Study, moment: datetime) -> set[int] | None:
    """The annotators whose figures something may have changed since; None where it is too much.

    Votes and imported labels, exclusions and their ends, reviews. What was skipped stands in the
    annotator's own row, which the caller holds against what it was.
    """
    votes = list(
        Vote.objects.filter(annotator__study=study, created_at__gte=moment)
        .order_by()
        .values_list("annotator", "comparison")[: MOST_ROWS + 1]
    )
    excluded = list(
        Exclusion.objects.filter(
            Q(assignment__annotator__study=study) | Q(vote__annotator__study=study),
            created_at__gte=moment,
        )
        .order_by()
        .values_list(
            "assignment__annotator", "assignment__comparison",
            "vote__annotator", "vote__comparison",
        )[: MOST_ROWS + 1]
    )  # fmt: skip
    if len(votes) + len(excluded) > MOST_ROWS:
        return None
    people = {annotator for annotator, _ in votes}
    pairs = {comparison for _, comparison in votes}
    for held, pair, labeller, labelled in excluded:
        people.add(held or labeller)
        pairs.add(pair or labelled)
    people.update(
        QualityReview.objects.filter(annotator__study=study, created_at__gte=moment).values_list(
            "annotator", flat=True
        )
    )
    people.update(who_met_on(pairs))
    return people


def who_met_on(comparisons: Collection[int]) -> Iterator[int]:
    """Whoever was lent one of the comparisons, or gave a label on it elsewhere."""
    for some in batches(sorted(comparisons)):
        for rows in (Assignment.objects, Vote.objects.filter(assignment=None)):
            found = rows.filter(comparison__in=some).order_by()
            yield from found.values_list("annotator", flat=True).distinct()


def batches(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
