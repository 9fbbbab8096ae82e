"""Rows of ``import_votes``: what people decided elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from annotation.importing.digests import digest_of, key_of
from annotation.importing.formats import VOTES, VoteRow
from annotation.importing.formats.rows import OVERALL, Metadata
from annotation.importing.writers.rubric import RubricStore
from annotation.importing.writers.writer import ImportPlan, Pass, Placed, Reasons, no_counts
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    ImportKind,
    Vote,
    VoteCriterion,
    VoteNote,
    VoteSource,
)

VoteKey = tuple[int, str, int]
"""Comparison, annotator's id, occurrence."""


class VoteWriter:
    """Keyed by (item id, annotator id, criterion, occurrence within these).

    The first sweep takes the rows of ``overall``, each a Vote of its own. If there are others, a
    second sweep joins them to these votes, wherever in the file they stand.
    """

    def __init__(self, run: Pass) -> None:
        self.counts = no_counts()
        self.sweeps = 1
        self._run = run
        self._rubric = RubricStore(run)
        self._annotators: dict[str, int] = {}
        # How often (item, annotator, criterion) was met in a sweep.
        self._met: Counter[bytes] = Counter()
        self._met_again: Counter[bytes] = Counter()
        # Keys of which a row is bad, so that occurrences can no longer be matched.
        self._spoiled: set[bytes] = set()
        self._holds_votes = (
            run.study is not None and Vote.objects.filter(comparison__study=run.study).exists()
        )
        self._holds_assignments = (
            run.study is not None
            and Assignment.objects.filter(comparison__study=run.study).exists()
        )

    def take(self, rows: Sequence[Placed[VoteRow]], sweep: int) -> Reasons:
        """Check a batch of one sweep and store the votes or the criteria that are new in it."""
        items = self._items(row.item_id for _, row in rows)
        if sweep == 0:
            return self._take_votes(rows, items)
        return self._take_criteria(rows, items)

    def _take_votes(self, rows: Sequence[Placed[VoteRow]], items: dict[str, int]) -> Reasons:
        reasons: Reasons = []
        stored = stored_votes(rows, items) if self._holds_votes else {}
        taken = taken_pairs(rows, items) if self._holds_assignments else {}
        new: list[tuple[VoteKey, VoteRow]] = []
        for place, row in rows:
            item = items.get(row.item_id)
            if item is None:
                self.counts["unmatched item ids"] += 1
                reasons.append((place, unmatched(row.item_id)))
                continue
            reason = self._rubric.plan(row)
            taken_as = taken.get((item, row.annotator_id))
            # What is stored already is left alone, whatever came after it.
            if reason is None and taken_as and (item, row.annotator_id, 0) not in stored:
                reason = refused_beside(row, taken_as)
            if reason is not None:
                self._spoiled.add(met_key(row))
                reasons.append((place, reason))
                continue
            occurrence = self._met[met_key(row)]
            self._met[met_key(row)] += 1
            if row.criterion != OVERALL:
                self.sweeps = 2
                self._rubric.admit(row)
                continue
            key = item, row.annotator_id, occurrence
            if key in stored and not same_vote(stored[key], row):
                reasons.append((place, conflict(row, occurrence)))
                continue
            self._rubric.admit(row)
            if occurrence > 0:
                self.counts["repeats kept, not counted"] += 1
                self._run.remark(
                    place,
                    f"repeat: annotator {row.annotator_id!r} labels item {row.item_id!r} again; "
                    "kept, not counted",
                )
            if key in stored:
                self.counts["already there"] += 1
            else:
                self.counts["new"] += 1
                new.append((key, row))
        if self._run.store:
            self._rubric.flush()
            self._store_votes(new)
        return reasons

    def _take_criteria(self, rows: Sequence[Placed[VoteRow]], items: dict[str, int]) -> Reasons:
        rows = [(place, row) for place, row in rows if row.criterion != OVERALL]
        reasons: Reasons = []
        votes = stored_votes(rows, items)
        criteria = stored_criteria(votes.values())
        new: list[tuple[Vote, VoteRow]] = []
        for place, row in rows:
            occurrence = self._met_again[met_key(row)]
            self._met_again[met_key(row)] += 1
            vote = votes.get((items[row.item_id], row.annotator_id, occurrence))
            overall = key_of(row.item_id, row.annotator_id, OVERALL)
            if vote is None and occurrence >= self._met[overall]:
                reasons.append((place, orphan(row)))
                continue
            repeated = max(self._met[overall], self._met[met_key(row)]) > 1
            if {overall, met_key(row)} & self._spoiled or (
                repeated and self._run.has_unreadable_rows()
            ):
                reasons.append((place, unclear(row)))
                continue
            before = None if vote is None else criteria.get((vote.pk, row.criterion))
            if before is not None and not same_criterion(before, row):
                reasons.append((place, conflict(row, occurrence)))
            elif before is not None:
                self.counts["already there"] += 1
            else:
                self.counts["new"] += 1
                if vote is not None:
                    new.append((vote, row))
        if self._run.store:
            self._store_criteria(new)
        return reasons

    def _items(self, item_ids: Iterable[str]) -> dict[str, int]:
        if self._run.study is None:
            return {}
        return dict(
            Comparison.objects.filter(study=self._run.study, item_id__in=set(item_ids)).values_list(
                "item_id", "pk"
            )
        )

    def _store_votes(self, new: list[tuple[VoteKey, VoteRow]]) -> None:
        self._find_annotators({row.annotator_id for _, row in new})
        votes = Vote.objects.bulk_create(
            Vote(
                source=VoteSource.IMPORTED,
                comparison_id=item,
                annotator_id=self._annotators[annotator],
                occurrence=occurrence,
                verdict=row.verdict,
                margin=row.margin,
                left=row.left,
                elapsed_ms=milliseconds(row),
                metadata=row.metadata,
            )
            for (item, annotator, occurrence), row in new
        )
        VoteNote.objects.bulk_create(
            VoteNote(vote=vote, rationale=row.reason, tags=row.tags)
            for vote, (_, row) in zip(votes, new, strict=True)
            if row.reason or row.tags
        )

    def _store_criteria(self, new: list[tuple[Vote, VoteRow]]) -> None:
        VoteCriterion.objects.bulk_create(
            VoteCriterion(
                vote=vote,
                criterion_id=self._rubric.pk(row.criterion),
                verdict=row.verdict,
                margin=row.margin,
                metadata=criterion_metadata(row),
            )
            for vote, row in new
        )
        VoteNote.objects.bulk_create(
            VoteNote(
                vote=vote,
                criterion_id=self._rubric.pk(row.criterion),
                rationale=row.reason,
                tags=row.tags,
            )
            for vote, row in new
            if row.reason or row.tags
        )

    def _find_annotators(self, external_ids: set[str]) -> None:
        unknown = external_ids - self._annotators.keys()
        if not unknown or self._run.study is None:
            return
        self._annotators.update(
            self._run.study.annotators.filter(external_id__in=unknown).values_list(
                "external_id", "pk"
            )
        )
        made = Annotator.objects.bulk_create(
            Annotator(study=self._run.study, external_id=external_id)
            for external_id in sorted(unknown - self._annotators.keys())
        )
        self._annotators.update((annotator.external_id, annotator.pk) for annotator in made)


def stored_votes(rows: Sequence[Placed[VoteRow]], items: dict[str, int]) -> dict[VoteKey, Vote]:
    """Imported votes on the batch's items, by those who labelled them in the batch."""
    return {
        (vote.comparison_id, vote.annotator.external_id, vote.occurrence or 0): vote
        for vote in Vote.objects.filter(
            source=VoteSource.IMPORTED,
            comparison__in=items.values(),
            annotator__external_id__in={row.annotator_id for _, row in rows},
        )
        .select_related("annotator")
        .prefetch_related("notes")
    }


def taken_pairs(
    rows: Sequence[Placed[VoteRow]], items: dict[str, int]
) -> dict[tuple[int, str], AssignmentState]:
    """Comparisons and annotators of the batch that this study's own queue brought together.

    Skipped pairs are left out: they never return to that annotator.
    """
    return {
        (comparison, external_id): AssignmentState(state)
        for comparison, external_id, state in Assignment.objects.filter(
            comparison__in=items.values(),
            annotator__external_id__in={row.annotator_id for _, row in rows},
        )
        .exclude(state=AssignmentState.RELEASED)
        .values_list("comparison", "annotator__external_id", "state")
    }


def refused_beside(row: VoteRow, taken_as: AssignmentState) -> str:
    """Why a label has no place beside what this study collects itself."""
    if taken_as in (AssignmentState.SUBMITTED, AssignmentState.LATE_SURPLUS):
        return (
            f"annotator {row.annotator_id!r} has rated item {row.item_id!r} in this study; "
            "a vote brought in from outside cannot stand beside it"
        )
    return (
        f"annotator {row.annotator_id!r} was given item {row.item_id!r} in this study and may "
        "still rate it; a vote brought in from outside cannot stand beside that one"
    )


def met_key(row: VoteRow) -> bytes:
    return key_of(row.item_id, row.annotator_id, row.criterion)


def milliseconds(row: VoteRow) -> int | None:
    return None if row.seconds is None else round(row.seconds * 1000)


def criterion_metadata(row: VoteRow) -> Metadata:
    """Keep what only a Vote has columns for."""
    own = {"seconds": row.seconds, "left": row.left}
    return {**row.metadata, **{name: value for name, value in own.items() if value is not None}}


def same_vote(vote: Vote, row: VoteRow) -> bool:
    stored = [vote.verdict, vote.margin, vote.left, vote.elapsed_ms, vote.metadata]
    read = [row.verdict, row.margin, row.left, milliseconds(row), row.metadata]
    return digest_of(stored) == digest_of(read) and same_note(vote, None, row)


def same_criterion(criterion: VoteCriterion, row: VoteRow) -> bool:
    stored = [criterion.verdict, criterion.margin, criterion.metadata]
    read = [row.verdict, row.margin, criterion_metadata(row)]
    return digest_of(stored) == digest_of(read) and same_note(
        criterion.vote, criterion.criterion_id, row
    )


def same_note(vote: Vote, criterion_id: int | None, row: VoteRow) -> bool:
    """Compare free text, unless it was erased: then nothing brings it back."""
    for note in vote.notes.all():
        if note.criterion_id == criterion_id and (note.rationale or note.tags):
            return (note.rationale, note.tags) == (row.reason, row.tags)
    return True


def stored_criteria(votes: Iterable[Vote]) -> dict[tuple[int, str], VoteCriterion]:
    return {
        (found.vote_id, found.criterion.key): found
        for found in VoteCriterion.objects.filter(vote__in=[vote.pk for vote in votes])
        .select_related("criterion", "vote")
        .prefetch_related("vote__notes")
    }


def unmatched(item_id: str) -> str:
    return f"the study has no item {item_id!r}; import its comparison first"


def conflict(row: VoteRow, occurrence: int) -> str:
    which = "" if occurrence == 0 else f", label {occurrence + 1} of this person on this item"
    return (
        f"item {row.item_id!r}, annotator {row.annotator_id!r}, criterion {row.criterion!r}"
        f"{which}: what the study already holds is different"
    )


def orphan(row: VoteRow) -> str:
    return (
        f"criterion {row.criterion!r} has no row of {OVERALL} to join: item {row.item_id!r}, "
        f"annotator {row.annotator_id!r}"
    )


def unclear(row: VoteRow) -> str:
    return (
        f"a bad row leaves it unclear which label of item {row.item_id!r} by annotator "
        f"{row.annotator_id!r} this row of criterion {row.criterion!r} belongs to"
    )


PLAN = ImportPlan(ImportKind.VOTES, VOTES, VoteWriter, is_content=False)
