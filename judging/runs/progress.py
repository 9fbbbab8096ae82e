"""How far a run is, from its rows: no counter is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, QuerySet

from judging.budget import excess_of, read_price
from judging.models import CallState, JudgeAttempt, JudgeCall, JudgeRun, JudgeVersion, RunState
from judging.parsing import Usage
from judging.runs.conducting import CAUSES, UNANSWERED, WAITING
from judging.runs.waits import left_alone_until

# Above this share of missing answers figures may be bent: what is missing is rarely random.
MOST_MISSING = 0.02


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at one moment.

    Attributes
    ----------
    asked
        Calls of the run.
    parsed
        Calls with an answer.
    waiting
        Calls that are pending or in flight.
    missing
        Calls without an answer, by cause.
    waits_until
        When the endpoint of a running run may be asked again, if not now.
    usage_missing
        Replies that told no usage that could be true of any; their worst case is charged.
    usage_above, told_above
        Replies that told more tokens than their request can have had, and what these come to, in
        US dollars, above the worst case that is charged.
    """

    state: str
    pause: str
    asked: int
    parsed: int
    reused: int
    in_flight: int
    waiting: int
    cancelled: int
    missing: dict[str, int]
    spent: Decimal
    reserved: Decimal
    budget: Decimal | None
    skipped_identical: int
    waits_until: datetime | None = None
    usage_missing: int = 0
    usage_above: int = 0
    told_above: Decimal = Decimal(0)

    @property
    def done(self) -> int:
        """Calls that have ended by themselves; what was cancelled has not."""
        return self.asked - self.waiting - self.cancelled

    @property
    def missing_total(self) -> int:
        return sum(self.missing.values())

    @property
    def too_many_missing(self) -> bool:
        decided = self.parsed + self.missing_total
        return decided > 0 and self.missing_total / decided > MOST_MISSING

    @property
    def is_live(self) -> bool:
        return self.state in (RunState.RUNNING, RunState.PAUSED)


def progress_of(run: JudgeRun) -> Progress:
    """Read the run anew and count its calls."""
    run = JudgeRun.objects.select_related("version").get(pk=run.pk)
    states: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for row in run.calls.values("state", "failure").annotate(n=Count("pk")):
        states[row["state"]] += row["n"]
        if row["state"] in (CallState.UNPARSED, CallState.REFUSED, CallState.FAILED_PERMANENT):
            missing[cause_in_words(row["state"], row["failure"])] += row["n"]
    flags = dict(odd_attempts(run).values_list("usage__flag").annotate(n=Count("pk")).order_by())
    above = flags.get("usage_above_worst_case", 0)
    return Progress(
        state=run.state,
        pause=CAUSES.get(run.pause_cause, run.pause_cause),
        asked=sum(states.values()),
        parsed=states[CallState.SUCCEEDED],
        reused=run.calls.filter(state=CallState.SUCCEEDED, reused_from__isnull=False).count(),
        in_flight=states[CallState.LEASED],
        waiting=states[CallState.PENDING] + states[CallState.LEASED],
        cancelled=states[CallState.CANCELLED],
        missing=dict(missing.most_common()),
        spent=run.spent,
        reserved=run.reserved,
        budget=run.budget,
        skipped_identical=run.skipped_identical,
        waits_until=left_alone_until(run) if run.state == RunState.RUNNING else None,
        usage_missing=flags.get("usage_missing", 0),
        usage_above=above,
        told_above=told_above(run) if above else Decimal(0),
    )


def odd_attempts(run: JudgeRun) -> QuerySet[JudgeAttempt]:
    """Requests of a run whose usage is missing or cannot be true; an index holds these alone."""
    return JudgeAttempt.objects.filter(call__run=run, usage__has_key="flag")


def told_above(run: JudgeRun) -> Decimal:
    """What usages that cannot be true come to above what was charged. The version is loaded."""
    price = read_price(run.version.config.get("price"))
    told = Decimal(0)
    rows = odd_attempts(run).filter(usage__flag="usage_above_worst_case")
    for usage, reserved in rows.values_list("usage", "reserved").iterator():
        counted = Usage(usage["input_tokens"], usage["output_tokens"], usage["cached_tokens"])
        told += excess_of(price, counted, reserved)
    return told


@dataclass(frozen=True, slots=True)
class Tally:
    """What has come of all calls of a version, over its runs.

    Attributes
    ----------
    answered
    missing
        Calls that ended without an answer.
    waiting
        Calls of runs that go on.
    """

    answered: int = 0
    missing: int = 0
    waiting: int = 0

    @property
    def was_asked(self) -> bool:
        return bool(self.answered or self.missing or self.waiting)

    @property
    def only_failed(self) -> bool:
        """Whether it was asked and nothing at all came of it."""
        return bool(self.missing) and not self.answered and not self.waiting


def tallies_of(versions: Sequence[JudgeVersion]) -> dict[int, Tally]:
    """What has come of the calls of each of these versions, by its key."""
    states: dict[int, Counter[str]] = {version.pk: Counter() for version in versions}
    # An answer that a later run copied is no further answer.
    rows = JudgeCall.objects.filter(run__version__in=list(states), reused_from__isnull=True)
    for version, state, number in rows.values_list("run__version", "state").annotate(n=Count("pk")):
        states[version][state] += number
    return {
        pk: Tally(
            answered=found[CallState.SUCCEEDED],
            missing=sum(found[state] for state in UNANSWERED),
            waiting=sum(found[state] for state in WAITING),
        )
        for pk, found in states.items()
    }


DETAILS = {
    "no_verdict": "no verdict in the reply",
    "conflicting": "more than one verdict",
    "unknown_grade": "a grade that was not offered",
    "invalid_json": "JSON that is not whole",
    "schema": "an answer of another form",
    "empty": "an empty reply",
    "body_is_no_json": "a reply that is no JSON",
    "body_is_no_object": "a reply that is no JSON object",
    "not_one_choice": "not one choice in the reply",
    "no_message": "no message in the reply",
    "other_finish_reason": "ended for another reason",
    "oversized": "a reply that is too large or compressed",
    "output_limit": "cut off at max_tokens",
    "reasoning_used_all_tokens": "reasoning used up max_tokens: raise it in a new version",
    "reasoning_only": "reasoning and no answer: raise max_tokens in a new version",
    "content_filter": "refused by a content filter",
    "refusal": "refused by the model",
    "rejected": "rejected by the endpoint",
    "server_error": "errors of the server",
    "try_again": "asked to try again too often",
    "timeout": "no reply in time",
    "connection": "the connection broke",
    "rate_limited": "rate limited for a day",
    "lost": "lost with a worker too often",
}


def cause_in_words(state: str, failure: str) -> str:
    return DETAILS.get(failure.rpartition(":")[2], state.replace("_", " "))
