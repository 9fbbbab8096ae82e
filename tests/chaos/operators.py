"""What happens to a study on the way, by the database: lapses, pauses, exclusions, a removal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    Exclusion,
    Role,
    Study,
)
from annotation.people.members import remove_role
from annotation.people.refusals import PeopleError

from .history import History, Kind, Op

Result = TypeVar("Result")

RETRY_S = 0.3
# No run may lose more people than this: somebody has to fill the study.
MOST_REMOVED = 2
# A lease that nobody renews ends so long after the faults.
LAST_LEASE = timedelta(seconds=10)


class Unknown(Exception):
    """The database failed within a change, which may or may not be stored."""


@dataclass
class Operators:
    """Acts on the study's rows in a thread of its own, whose connection may die at any time."""

    study: Study
    history: History
    dice: random.Random
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    removed: int = 0
    excluded: list[int] = field(default_factory=list)

    async def once(self, change: Callable[[], Result]) -> Result:
        """Do something that must not be done twice.

        Raises
        ------
        Unknown
        """

        def attempt() -> Result:
            try:
                return change()
            except DatabaseError as error:
                connection.close()
                raise Unknown(str(error)) from error

        return await asyncio.get_running_loop().run_in_executor(self.thread, attempt)

    async def insist(self, change: Callable[[], Result]) -> Result:
        """Do something that may be done twice, until the database lets it through."""
        while True:
            try:
                return await self.once(change)
            except Unknown:
                await asyncio.sleep(RETRY_S)

    async def lapse(self, assignment: str) -> None:
        """Let a reservation have run out; its holder does not know."""
        held = Assignment.objects.filter(public_id=assignment, state=AssignmentState.RESERVED)
        await self.insist(lambda: held.update(lease_expires_at=Now() - timedelta(seconds=1)))
        self.history.add(Kind.OK, Op.LAPSE, assignment=assignment)

    async def pause_somebody(self) -> None:
        """Send somebody into a review, and let the one before go on."""
        everybody = Annotator.objects.filter(study=self.study)

        def pause() -> str | None:
            everybody.filter(state=AnnotatorState.PAUSED).update(state=AnnotatorState.ACTIVE)
            active = list(everybody.filter(state=AnnotatorState.ACTIVE).order_by("pk"))
            if not active:
                return None
            chosen = self.dice.choice(active)
            everybody.filter(pk=chosen.pk).update(state=AnnotatorState.PAUSED)
            return chosen.external_id

        who = await self.insist(pause)
        if who is not None:
            self.history.add(Kind.OK, Op.PAUSE, who=who)

    async def resume_everybody(self) -> None:
        paused = Annotator.objects.filter(study=self.study, state=AnnotatorState.PAUSED)
        await self.insist(lambda: paused.update(state=AnnotatorState.ACTIVE))
        self.history.add(Kind.OK, Op.RESUME)

    async def exclude_something(self) -> None:
        """Take an assignment's votes out of the count, or put an earlier one's back in."""
        if self.excluded and self.dice.random() < 0.3:
            await self.lift(self.excluded.pop(0))
            return
        rows = Assignment.objects.filter(
            comparison__study=self.study,
            state=AssignmentState.SUBMITTED,
            exclusions__isnull=True,
        )
        found = await self.insist(
            lambda: list(rows.order_by("?").values_list("pk", "public_id")[:1])
        )
        if not found:
            return
        pk, assignment = found[0]
        try:
            row = await self.once(
                lambda: Exclusion.objects.create(assignment_id=pk, reason="chaos")
            )
        except Unknown:
            self.history.add(Kind.INFO, Op.EXCLUDE, assignment=str(assignment))
            return
        self.excluded.append(row.pk)
        self.history.add(Kind.OK, Op.EXCLUDE, assignment=str(assignment))

    async def lift(self, exclusion: int) -> None:
        row = await self.insist(
            lambda: Exclusion.objects.select_related("assignment").get(pk=exclusion)
        )
        assignment = str(row.assignment.public_id)
        try:
            await self.once(
                lambda: Exclusion.objects.create(
                    assignment_id=row.assignment_id, lifts=row, reason="chaos"
                )
            )
        except Unknown:
            self.history.add(Kind.INFO, Op.LIFT, assignment=assignment)
            return
        self.history.add(Kind.OK, Op.LIFT, assignment=assignment)

    async def remove_somebody(self) -> None:
        """End somebody's part in the study; their votes stay and their pairs come back."""
        if self.removed == MOST_REMOVED:
            return
        self.removed += 1
        active = Annotator.objects.filter(study=self.study, state=AnnotatorState.ACTIVE)
        chosen = await self.insist(lambda: active.select_related("user").order_by("?").first())
        if chosen is None:
            return
        try:
            await self.once(
                lambda: remove_role(self.study, chosen.user, Role.ANNOTATOR, actor=None)
            )
        except (Unknown, PeopleError):
            self.history.add(Kind.INFO, Op.REMOVE, who=chosen.external_id)
            return
        self.history.add(Kind.OK, Op.REMOVE, who=chosen.external_id)

    async def shorten_leases(self) -> None:
        """Let what nobody uses run out soon: half an hour is longer than a run."""
        held = Assignment.objects.filter(
            comparison__study=self.study, state=AssignmentState.RESERVED
        )
        await self.insist(
            lambda: held.update(lease_expires_at=Least(F("lease_expires_at"), Now() + LAST_LEASE))
        )

    def votes_wanting(self) -> int:
        with transaction.atomic():
            wanted = sum(
                Comparison.objects.filter(study=self.study).values_list("overlap", flat=True)
            )
            return (
                wanted
                - Assignment.objects.filter(
                    comparison__study=self.study, state=AssignmentState.SUBMITTED, pass_no=0
                ).count()
            )

    def close(self) -> None:
        # The name stands for another connection in each thread.
        self.thread.submit(lambda: connection.close()).result()
        self.thread.shutdown()
