"""What operators do to a study while people rate it, by the product's own functions.

Each act may be done twice, so that it is repeated until its owner knows that it is done: what the
history says of operators is what they were told.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import QuerySet

from annotation import quality, queue
from annotation.lifecycle.refusals import LifecycleError
from annotation.lifecycle.states import pause_study, resume_study
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Exclusion,
    ReviewOutcome,
    Role,
    StudyState,
)
from annotation.people.members import remove_role
from annotation.people.refusals import PeopleError

from .history import History, Kind, Op
from .operators import Operators

# Between two acts.
GAP_S = (0.3, 1.5)
# Somebody has to fill the study.
MOST_REMOVED = 2
MOST_REJECTED = 2
# How long pauses and rejections last at least; longer than a claim that began before waits.
PAUSE_S = 4.0
# Comparisons that a new version wants one more vote on, and how many versions there are.
RAISED = 5
MOST_VERSIONS = 10
REASON = "chaos"

Act = Callable[[], Awaitable[None]]


@dataclass
class Acts:
    """Does one act after the other; each kind comes early, so that a short run has all."""

    operators: Operators
    history: History
    dice: random.Random
    removed: int = 0
    rejected: int = 0
    versions: int = 0
    stopped: bool = False
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Each kind of act has come.
    met_all: asyncio.Event = field(default_factory=asyncio.Event)
    # Exclusions that were noted, and those in force with the public ids of their assignments.
    known: set[int] = field(default_factory=set)
    out: dict[int, str] = field(default_factory=dict)

    async def act(self, until: asyncio.Event) -> None:
        """Go on to the end of the act in which `until` is set."""
        weighted: list[tuple[int, Act]] = [
            (8, self.exclude_something),
            (4, self.lift_something),
            (3, self.pause_somebody),
            (1, self.reject_somebody),
            (1, self.remove_somebody),
            (1, self.pause_study),
            (1, self.change_study),
            (1, self.stop_a_pair),
        ]
        acts = [act for _, act in weighted]
        # In any order, but nothing can be put back before something was taken out.
        further = acts[1:]
        self.dice.shuffle(further)
        acts = [*acts[:1], *further]
        while not until.is_set():
            for act in acts:
                await asyncio.sleep(self.dice.uniform(*GAP_S))
                if until.is_set():
                    break
                await act()
            else:
                self.met_all.set()
            acts = self.dice.choices(
                [act for _, act in weighted], [weight for weight, _ in weighted], k=20
            )

    async def heal(self) -> None:
        """Open the study again and let everybody go on."""
        await self.resume_study()
        paused = await self.operators.insist(
            lambda: list(self.people(AnnotatorState.PAUSED, AnnotatorState.FAILED))
        )
        for somebody in paused:
            await self.let_go_on(somebody)

    def people(self, *states: AnnotatorState) -> QuerySet[Annotator]:
        return (
            Annotator.objects.filter(study=self.operators.study, state__in=states)
            .select_related("user", "study")
            .order_by("pk")
        )

    async def somebody(self) -> Annotator | None:
        active = await self.operators.insist(lambda: list(self.people(AnnotatorState.ACTIVE)))
        return self.dice.choice(active) if active else None

    async def pause_somebody(self) -> None:
        """As a quality rule does: no new pairs until a researcher has looked."""
        chosen = await self.somebody()
        if chosen is None:
            return
        active = self.people(AnnotatorState.ACTIVE).filter(pk=chosen.pk)
        await self.operators.insist(lambda: active.update(state=AnnotatorState.PAUSED))
        self.history.add(Kind.OK, Op.PAUSE, who=chosen.external_id)
        await asyncio.sleep(PAUSE_S)
        await self.let_go_on(chosen)

    async def let_go_on(self, somebody: Annotator) -> None:
        """End a pause or take a rejection back."""
        self.history.add(Kind.INVOKE, Op.RESUME, who=somebody.external_id)

        def decide() -> None:
            somebody.refresh_from_db(fields=["state"])
            outcome = {
                AnnotatorState.PAUSED: ReviewOutcome.RESUME,
                AnnotatorState.FAILED: ReviewOutcome.REINSTATE,
            }.get(AnnotatorState(somebody.state))
            if outcome is None and not self.is_rejected(somebody):
                return
            quality.review(somebody, outcome or ReviewOutcome.REINSTATE, REASON)

        await self.operators.insist(decide)
        self.history.add(Kind.OK, Op.RESUME, who=somebody.external_id)
        await self.note_exclusions_of(somebody)

    @staticmethod
    def is_rejected(somebody: Annotator) -> bool:
        """Whether a decision on their votes may be half done."""
        last = somebody.reviews.order_by("-pk").first()
        return last is not None and last.outcome in (ReviewOutcome.REJECT, ReviewOutcome.REINSTATE)

    async def reject_somebody(self) -> None:
        """Take all that somebody did out of the count, and back in after a while."""
        chosen = await self.somebody()
        if chosen is None or self.rejected == MOST_REJECTED:
            return
        self.rejected += 1
        await self.operators.insist(lambda: quality.review(chosen, ReviewOutcome.REJECT, REASON))
        self.history.add(Kind.OK, Op.PAUSE, who=chosen.external_id)
        await self.note_exclusions_of(chosen)
        await asyncio.sleep(PAUSE_S)
        await self.let_go_on(chosen)

    async def note_exclusions_of(self, somebody: Annotator) -> None:
        """Write down what a researcher is shown after a decision: which votes are out, or back."""
        rows = Exclusion.objects.filter(assignment__annotator=somebody, lifts__isnull=True)

        def read() -> list[tuple[int, uuid.UUID, str, int | None]]:
            columns = ("pk", "assignment__public_id", "assignment__state", "lifted_by")
            return list(rows.order_by("pk").values_list(*columns))

        for pk, public_id, state, lifted in await self.operators.insist(read):
            assignment = str(public_id)
            if pk not in self.known:
                self.note_excluded(assignment, pk)
            if lifted is not None and pk in self.out:
                self.note_lifted(pk, restored=state == AssignmentState.SUBMITTED)

    def note_excluded(self, assignment: str, exclusion: int) -> None:
        self.known.add(exclusion)
        self.out[exclusion] = assignment
        self.history.add(Kind.OK, Op.EXCLUDE, assignment=assignment)

    def note_lifted(self, exclusion: int, *, restored: bool) -> None:
        assignment = self.out.pop(exclusion)
        self.history.add(Kind.OK, Op.LIFT, assignment=assignment, restored=restored)

    async def exclude_something(self) -> None:
        """Take one assignment's votes out of the count; its place comes free."""
        rows = Assignment.objects.filter(
            comparison__study=self.operators.study,
            state=AssignmentState.SUBMITTED,
            exclusions__isnull=True,
        ).order_by("?")
        found = await self.operators.insist(lambda: list(rows.values_list("pk", "public_id")[:1]))
        if not found:
            return
        pk, assignment = found[0]
        # Tells this exclusion from any other, where it is not known whether it was stored.
        name = f"{REASON} {uuid.uuid4()}"

        def exclude() -> int:
            stored = Exclusion.objects.filter(reason=name).first()
            if stored is not None:
                return stored.pk
            with transaction.atomic():
                row = Exclusion.objects.create(assignment_id=pk, reason=name)
                queue.free_excluded([pk])
            return row.pk

        self.note_excluded(str(assignment), await self.operators.insist(exclude))

    async def lift_something(self) -> None:
        """Put the votes of an earlier exclusion back in, if there is still a place."""
        if not self.out:
            return
        exclusion = self.dice.choice(sorted(self.out))

        def lift() -> bool:
            row = Exclusion.objects.get(pk=exclusion)
            assignment = Assignment.objects.get(exclusions=row)
            with transaction.atomic():
                if not Exclusion.objects.filter(lifts=row).exists():
                    Exclusion.objects.create(assignment=assignment, lifts=row, reason=REASON)
                    queue.restore_excluded([assignment.pk])
            assignment.refresh_from_db()
            return assignment.state == AssignmentState.SUBMITTED

        self.note_lifted(exclusion, restored=await self.operators.insist(lift))

    async def remove_somebody(self) -> None:
        """End somebody's part in the study; their votes stay and their pairs come back."""
        chosen = await self.somebody()
        if chosen is None or self.removed == MOST_REMOVED:
            return
        self.removed += 1

        def remove() -> None:
            try:
                remove_role(self.operators.study, chosen.user, Role.ANNOTATOR, actor=None)
            except PeopleError:
                # Done by an attempt whose end was not seen.
                queue.give_back(chosen)

        await self.operators.insist(remove)
        self.history.add(Kind.OK, Op.REMOVE, who=chosen.external_id)

    async def pause_study(self) -> None:
        """Hand nothing out for a while; votes on what is held count."""

        def pause() -> None:
            try:
                pause_study(self.operators.study)
            except LifecycleError:
                # Done by an attempt whose end was not seen.
                self.operators.study.refresh_from_db()
                if self.operators.study.state != StudyState.PAUSED:
                    raise

        await self.operators.insist(pause)
        self.history.add(Kind.OK, Op.STUDY_PAUSE)
        await asyncio.sleep(PAUSE_S)
        await self.resume_study()

    async def resume_study(self) -> None:
        study = self.operators.study
        await self.operators.insist(study.refresh_from_db)
        if study.state != StudyState.PAUSED:
            return
        self.history.add(Kind.INVOKE, Op.STUDY_RESUME)

        def resume() -> None:
            try:
                resume_study(study)
            except LifecycleError:
                study.refresh_from_db()
                if study.state != StudyState.OPEN:
                    raise

        await self.operators.insist(resume)
        self.history.add(Kind.OK, Op.STUDY_RESUME)

    async def change_study(self) -> None:
        """A new version that wants one more vote on a few comparisons."""
        if self.versions < MOST_VERSIONS:
            self.versions += 1
            await self.want_more(RAISED)

    async def want_more(self, votes: int) -> None:
        """A new version, with one more vote on so many of the comparisons that want the fewest."""
        study = self.operators.study
        rows = Comparison.objects.filter(
            study=study, kind=ComparisonKind.WORK, cell__stopped_at__isnull=True
        ).order_by("overlap", "?")
        # Whoever chooses comparisons must know what the version before wanted.
        async with self.changing:
            found = await self.operators.insist(
                lambda: list(rows.values_list("item_id", "overlap")[:votes])
            )
            overlap = found[0][1] + 1
            items = [item for item, wanted in found if wanted < overlap]
            await self.operators.insist(
                lambda: change_study(study, WantedChange.of(REASON, overlap=overlap, items=items))
            )
        self.history.add(Kind.OK, Op.VERSION, items=items, overlap=overlap)

    async def stop_a_pair(self) -> None:
        """A stopping rule has decided on two systems: nothing more of them is handed out."""
        if self.stopped:
            return
        self.stopped = True
        cells = await self.operators.insist(lambda: queue.cells_of(self.operators.study))
        cell = self.dice.choice(cells)
        await self.operators.insist(
            lambda: queue.stop(self.operators.study, cell.system_a, cell.system_b)
        )
        self.history.add(Kind.OK, Op.STOP, systems=sorted((cell.system_a, cell.system_b)))
