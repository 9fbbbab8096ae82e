"""Counts what goes wrong in a row, over every shift of a run, so that a dead endpoint pauses it."""

from __future__ import annotations

from dataclasses import dataclass

from judging.models import JudgeAttempt, JudgeRun
from judging.outcomes import Outcome
from judging.parsing import REFUSED, TRUNCATED, UNPARSED, Parsed
from judging.runs.recording import LOST, UNSENT, Result

# Without one answer in between.
MOST_FAILURES_IN_A_ROW = 30
MOST_UNREADABLE_IN_A_ROW = 60

UNREADABLE = frozenset({UNPARSED, REFUSED, TRUNCATED})
# These say nothing of whether the endpoint answers.
IDLE = frozenset({LOST, UNSENT, Outcome.RATE_LIMITED.value})


@dataclass(slots=True)
class Breaker:
    """What has gone wrong since the last answer."""

    failures: int = 0
    unreadable: int = 0

    @classmethod
    def of(cls, run: JudgeRun) -> Breaker:
        """As the run's attempts left it, in any shift and any process, since it was resumed."""
        attempts = JudgeAttempt.objects.filter(call__run=run, finished_at__isnull=False)
        if run.resumed_at is not None:
            attempts = attempts.filter(started_at__gte=run.resumed_at)
        newest = (
            attempts.exclude(status_class__in=IDLE)
            .order_by("-pk")
            .values_list("status_class", flat=True)[
                : MOST_FAILURES_IN_A_ROW + MOST_UNREADABLE_IN_A_ROW
            ]
        )
        breaker, was_read = cls(), False
        for what in newest:
            if what == Outcome.OK.value:
                break
            if what in UNREADABLE:
                breaker.unreadable += 1
                was_read = True
            elif not was_read:
                breaker.failures += 1
        return breaker

    def note(self, result: Result) -> str:
        """Count a result; why the run should pause, or empty."""
        if isinstance(result.answer, Parsed):
            self.failures = self.unreadable = 0
        elif result.answer is not None:
            self.failures = 0
            self.unreadable += 1
        elif result.reply is not None and result.reply.outcome is not Outcome.RATE_LIMITED:
            self.failures += 1
        return self.cause

    @property
    def cause(self) -> str:
        if self.failures >= MOST_FAILURES_IN_A_ROW:
            return "failing"
        return "unreadable" if self.unreadable >= MOST_UNREADABLE_IN_A_ROW else ""
