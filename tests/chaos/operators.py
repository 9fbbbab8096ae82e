"""A thread that acts on a study's rows, by a connection that may die at any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from annotation.models import Assignment, AssignmentState, Comparison, ComparisonKind, Study
from annotation.selectors import live_exclusions

from .leases import LEASE

Result = TypeVar("Result")

RETRY_S = 0.3


@dataclass
class Operators:
    """Does one thing after the other, again and again where the database fails."""

    study: Study
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def insist(self, change: Callable[[], Result]) -> Result:
        """Do something that may be done twice, until the database lets it through."""

        def attempt() -> tuple[Result] | None:
            try:
                return (change(),)
            except DatabaseError:
                connection.close()
                return None

        while True:
            done = await asyncio.get_running_loop().run_in_executor(self.thread, attempt)
            if done is not None:
                return done[0]
            await asyncio.sleep(RETRY_S)

    def votes_wanting(self) -> int:
        """How many votes the study lacks, where its cells were not stopped."""
        with transaction.atomic():
            work = Comparison.objects.filter(
                study=self.study, kind=ComparisonKind.WORK, cell__stopped_at__isnull=True
            )
            wanted = sum(work.values_list("overlap", flat=True))
            excluded = live_exclusions().filter(assignment=OuterRef("pk"))
            voted = Assignment.objects.filter(
                ~Exists(excluded),
                comparison__in=work,
                state=AssignmentState.SUBMITTED,
                pass_no=0,
            )
            return wanted - voted.count()

    def refuse_long_leases(self) -> None:
        """Fail if a place may be held for longer than a run can wait for it."""
        longest = Assignment.objects.filter(
            comparison__study=self.study,
            state=AssignmentState.RESERVED,
            lease_expires_at__gt=Now() + LEASE + timedelta(seconds=1),
        )
        if longest.exists():
            raise RuntimeError("There are leases as long as in production; see tests.chaos.leases.")

    def close(self) -> None:
        # The name stands for another connection in each thread.
        self.thread.submit(lambda: connection.close()).result()
        self.thread.shutdown()
