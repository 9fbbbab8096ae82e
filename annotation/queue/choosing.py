"""The next comparison of kind work for an annotator whose lock is held: by the walk or by cells.

Each finds a comparison that has room, that this person may still rate, and whose lock is free, and
locks it; a constant number of queries, none of which reads more the more somebody has done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Aggregate, Exists, OuterRef, Q, QuerySet, Subquery, TextField

from annotation.compiled import KEY, CompiledQuery, Parameter
from annotation.models import (
    AdjudicationCase,
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Prompt,
    Study,
    Vote,
    VoteSource,
)
from annotation.rules import Policy, Rules, rules_of

from .eligibility import forbidden_categories
from .known_cells import KnownCells, cells_to_draw_from
from .locks import LockedAnnotator, free_comparisons
from .policy import CELL_DRAWS
from .ring import RING, START, annotator_start, distance, fraction, stretches_ahead


@dataclass(slots=True)
class Seeker:
    """Somebody who looks for work; lives as long as their lock.

    Attributes
    ----------
    handed : int
        How many pairs they were handed so far.
    cursor : int
        How far they have walked.
    forbidden : tuple of str
        Categories that they may not rate.
    """

    holder: LockedAnnotator
    rules: Rules
    handed: int
    start: int
    cursor: int
    forbidden: tuple[str, ...]
    # The account as the annotator's row has it.
    kept: dict[str, int | None]
    # Read once for all that one claim hands out.
    cells: KnownCells | None = field(default=None)

    @classmethod
    def of(cls, holder: LockedAnnotator) -> Seeker:
        annotator, study = holder.annotator, holder.study
        rules = rules_of(study.rules)
        return cls(
            holder,
            rules,
            annotator.handed,
            annotator_start(study.queue_seed, annotator.external_id),
            START if annotator.cursor is None else annotator.cursor,
            forbidden_categories(rules.eligibility, annotator.profile),
            {"handed": annotator.handed, "cursor": annotator.cursor},
        )

    @property
    def account(self) -> dict[str, int | None]:
        """What the annotator's row is to say of their walk."""
        return {"handed": self.handed, "cursor": None if self.cursor == START else self.cursor}

    def draw(self, *about: str | int) -> float:
        """A draw in [0, 1) about the pair that is handed out next."""
        seed, external_id = self.holder.study.queue_seed, self.holder.annotator.external_id
        return fraction(seed, *about, external_id, self.handed)


@dataclass(frozen=True, slots=True)
class Choice:
    """A comparison that is locked, how it was found, and what is known of its slots.

    Attributes
    ----------
    cursor : int
        How far the annotator has walked once they have it.
    used : set of int
        Its slots that somebody holds.
    own : int or None
        The annotator's own lapsed assignment of it.
    own_swapped : bool
        Which side that one has.
    """

    comparison: Comparison
    cursor: int
    used: frozenset[int]
    own: int | None = None
    own_swapped: bool = False
    policy: Policy = Policy.UNIFORM
    probability: float | None = None


class JoinedNumbers(Aggregate):
    """The numbers of a group in one text, such as "1,3"."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="GROUP_CONCAT(%(expressions)s)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "STRING_AGG((%(expressions)s)::text, ',')"
        return self.as_sql(compiler, connection, template=template, **context)


def not_done_by(
    annotator_id: int | Parameter, comparisons: QuerySet[Comparison]
) -> QuerySet[Comparison]:
    """Those the annotator may still get: never had, or lost when a lease lapsed.

    A label of theirs that was imported is their vote on the pair: a second one would count too. As
    an adjudicator they were told of the votes on the pairs on their desk, and rate none of these.
    """
    had = Assignment.objects.filter(
        comparison=OuterRef("pk"), annotator_id=annotator_id, pass_no=0
    ).exclude(state=AssignmentState.EXPIRED)
    labelled = Vote.objects.filter(
        comparison=OuterRef("pk"), annotator_id=annotator_id, source=VoteSource.IMPORTED
    )
    # A subquery and no join: the account is read once, and not for each comparison.
    account = Annotator.objects.filter(pk=annotator_id).values("user")
    adjudicated = AdjudicationCase.objects.filter(
        comparison=OuterRef("pk"), adjudicator=Subquery(account)
    )
    return comparisons.filter(~Exists(had), ~Exists(labelled), ~Exists(adjudicated))


def fit_for(
    annotator_id: int | Parameter, forbidden: Iterable[str], comparisons: QuerySet[Comparison]
) -> QuerySet[Comparison]:
    """Those of the comparisons that the annotator may rate and has not done."""
    # Only where somebody may not rate everything are the prompts read; not joined, or they would be
    # locked, too.
    if categories := list(forbidden):
        barred = Prompt.objects.filter(pk=OuterRef("prompt"), category__in=categories)
        comparisons = comparisons.filter(~Exists(barred))
    return not_done_by(annotator_id, comparisons)


def that_fit(
    study: Study, annotator: Annotator, comparisons: QuerySet[Comparison]
) -> QuerySet[Comparison]:
    """Those of the study's comparisons that the annotator may rate and has not done."""
    forbidden = forbidden_categories(rules_of(study.rules).eligibility, annotator.profile)
    return fit_for(annotator.pk, forbidden, comparisons)


def with_slots(
    annotator_id: int | Parameter, comparisons: QuerySet[Comparison]
) -> QuerySet[Comparison]:
    """The comparisons with the slots that are held and the annotator's own assignment."""
    held = Assignment.objects.filter(comparison=OuterRef("pk"), slot_no__isnull=False)
    numbers = held.order_by().values("comparison").annotate(numbers=JoinedNumbers("slot_no"))
    own = Assignment.objects.filter(comparison=OuterRef("pk"), annotator_id=annotator_id, pass_no=0)
    return comparisons.annotate(
        held_slots=Subquery(numbers.values("numbers")),
        own=Subquery(own.values("pk")),
        own_swapped=Subquery(own.values("swapped")),
    )


# What is needed of a comparison to hand it out; texts and explanations are not.
COLUMNS = (
    "kind",
    "overlap",
    "taken",
    "open_seq",
    "first_swapped",
    "system_a",
    "system_b",
)


def first_fit(
    annotator_id: int | Parameter, forbidden: Iterable[str], comparisons: QuerySet[Comparison]
) -> QuerySet[Comparison]:
    """The first of the comparisons that is free and fit for the annotator, locked."""
    fit = fit_for(annotator_id, forbidden, comparisons.order_by("open_seq"))
    return free_comparisons(with_slots(annotator_id, fit)).only(*COLUMNS)[:1]


class Search:
    """A part of the open comparisons between bounds, searched for the first that fits.

    Compiled once for people who may rate everything: it runs for every pair that is handed out.
    """

    def __init__(self, part: Callable[..., QuerySet[Comparison]], *bounds: str) -> None:
        self.part = part
        self.compiled: CompiledQuery[Comparison] = CompiledQuery(
            lambda: first_fit(
                Parameter("annotator", KEY),
                (),
                part(**{name: Parameter(name, KEY) for name in bounds}),
            )
        )

    def first(self, seeker: Seeker, **bounds: int) -> Comparison | None:
        annotator_id = seeker.holder.annotator.pk
        if seeker.forbidden:
            return first_fit(annotator_id, seeker.forbidden, self.part(**bounds)).first()
        return self.compiled.first(annotator=annotator_id, **bounds)


OPEN = Q(open=True)
FROM_PLACE = Search(
    lambda study, start: Comparison.objects.filter(OPEN, study=study, open_seq__gte=start),
    "study",
    "start",
)
BETWEEN_PLACES = Search(
    lambda study, start, end: Comparison.objects.filter(
        OPEN, study=study, open_seq__gte=start, open_seq__lt=end
    ),
    "study",
    "start",
    "end",
)
BEFORE_THE_RING = Search(
    lambda study: Comparison.objects.filter(OPEN, study=study, open_seq__lt=0), "study"
)
CELL_FROM_PLACE = Search(
    lambda cell, place: Comparison.objects.filter(OPEN, cell=cell, open_seq__gte=place),
    "cell",
    "place",
)
CELL_BEFORE_PLACE = Search(
    lambda cell, place: Comparison.objects.filter(OPEN, cell=cell, open_seq__lt=place),
    "cell",
    "place",
)


def choose(seeker: Seeker) -> Choice | None:
    """The next comparison for this annotator, locked; None if no way finds one."""
    if seeker.holder.has_first:
        comparison = BEFORE_THE_RING.first(seeker, study=seeker.holder.study.pk)
        if comparison is not None:
            return choice_of(seeker, comparison, seeker.cursor)
    if seeker.rules.priorities.policy != Policy.UNIFORM:
        choice = choose_by_cell(seeker)
        if choice is not None:
            return choice
    return choose_on_walk(seeker)


def choose_on_walk(seeker: Seeker) -> Choice | None:
    """The next open comparison past the cursor; stretches without any are walked over for good."""
    study_id = seeker.holder.study.pk
    for stretch in stretches_ahead(seeker.cursor, seeker.start):
        if stretch.end is None:
            comparison = FROM_PLACE.first(seeker, study=study_id, start=stretch.first)
        else:
            comparison = BETWEEN_PLACES.first(
                seeker, study=study_id, start=stretch.first, end=stretch.end
            )
        if comparison is not None:
            return choice_of(seeker, comparison, distance(place_of(comparison), seeker.start))
        seeker.cursor = stretch.cursor_after
    return None


def choose_by_cell(seeker: Seeker) -> Choice | None:
    """Draw a cell by the study's policy, then take the next of its comparisons from a drawn place.

    A cell with nothing for this person is left out and another drawn, a few times.
    """
    if seeker.cells is None:
        seeker.cells = cells_to_draw_from(
            seeker.holder.study.pk, seeker.forbidden, seeker.rules.priorities
        )
    known = seeker.cells
    tried: set[int] = set()
    for attempt in range(CELL_DRAWS):
        drawn = known.urn.draw(seeker.draw("cell", attempt), known.empty | tried)
        if drawn is None:
            return None
        comparison = lock_in_cell(seeker, known.urn.cells[drawn.place].pk, attempt)
        if comparison is not None:
            return choice_of(
                seeker,
                comparison,
                seeker.cursor,
                policy=seeker.rules.priorities.policy,
                probability=drawn.probability,
            )
        known.forget_if_empty(drawn.place)
        tried.add(drawn.place)
    return None


def lock_in_cell(seeker: Seeker, cell_id: int, attempt: int) -> Comparison | None:
    place = int(seeker.draw("place", attempt) * RING)
    for search in (CELL_FROM_PLACE, CELL_BEFORE_PLACE):
        comparison = search.first(seeker, cell=cell_id, place=place)
        if comparison is not None:
            return comparison
    return None


def choice_of(seeker: Seeker, comparison: Any, cursor: int, **drawn_by: Any) -> Choice:
    """What was found, from the row that `with_slots` gave."""
    used = frozenset(int(number) for number in (comparison.held_slots or "").split(",") if number)
    if len(used) != comparison.taken:
        # Somebody took or gave back a slot while this row was being locked: the row is new and
        # what was read beside it is not.
        rows = Assignment.objects.filter(comparison_id=comparison.pk, slot_no__isnull=False)
        used = frozenset(slot_no for slot_no in rows.values_list("slot_no", flat=True) if slot_no)
    return Choice(
        comparison, cursor, used, comparison.own, bool(comparison.own_swapped), **drawn_by
    )


def place_of(comparison: Comparison) -> int:
    if comparison.open_seq is None:
        raise RuntimeError(f"Comparison {comparison.pk} is open but has no place in the order.")
    return comparison.open_seq
