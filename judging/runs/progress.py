"""How far a run is, from its rows: no counter is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, QuerySet

from judging.budget import excess_of, read_price
from judging.models import CallState, JudgeAttempt, JudgeCall, JudgeRun, JudgeVersion, RunState
from judging.parsing import Usage
from judging.runs.conducting import CAUSES, UNANSWERED, WAITING
from judging.runs.waits import left_alone_of

# Above this share of missing answers figures may be bent: what is missing is rarely random.
MOST_MISSING = 0.02

# Of a usage: more tokens than the request can have had.
ABOVE = "usage_above_worst_case"


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
    return progress_of_all([run])[run.pk]


def progress_of_all(runs: Collection[JudgeRun]) -> dict[int, Progress]:
    """The same for several runs, by key; a handful of queries, however many there are.

    A run that is gone meanwhile, as a draft that was cut off, has none.
    """
    found = JudgeRun.objects.select_related("version").in_bulk([run.pk for run in runs])
    states: dict[int, Counter[str]] = {pk: Counter() for pk in found}
    missing: dict[int, Counter[str]] = {pk: Counter() for pk in found}
    reused: Counter[int] = Counter()
    rows = JudgeCall.objects.filter(run__in=list(found)).values_list("run", "state", "failure")
    counted = rows.annotate(n=Count("pk"), from_before=Count("reused_from"))
    for run, state, failure, number, from_before in counted:
        states[run][state] += number
        if state == CallState.SUCCEEDED:
            reused[run] += from_before
        if state in UNANSWERED:
            missing[run][cause_in_words(state, failure)] += number
    flags: Counter[tuple[int, str]] = Counter()
    odd = odd_attempts(found.values()).values_list("call__run", "usage__flag")
    for run, flag, number in odd.annotate(n=Count("pk")).order_by():
        flags[run, flag] += number
    waits = left_alone_of([run for run in found.values() if run.state == RunState.RUNNING])
    told = told_above([run for pk, run in found.items() if flags[pk, ABOVE]])
    return {
        pk: Progress(
            state=run.state,
            pause=CAUSES.get(run.pause_cause, run.pause_cause),
            asked=sum(states[pk].values()),
            parsed=states[pk][CallState.SUCCEEDED],
            reused=reused[pk],
            in_flight=states[pk][CallState.LEASED],
            waiting=states[pk][CallState.PENDING] + states[pk][CallState.LEASED],
            cancelled=states[pk][CallState.CANCELLED],
            missing=dict(missing[pk].most_common()),
            spent=run.spent,
            reserved=run.reserved,
            budget=run.budget,
            skipped_identical=run.skipped_identical,
            waits_until=waits.get(pk),
            usage_missing=flags[pk, "usage_missing"],
            usage_above=flags[pk, ABOVE],
            told_above=told.get(pk, Decimal(0)),
        )
        for pk, run in found.items()
    }


def odd_attempts(runs: Iterable[JudgeRun]) -> QuerySet[JudgeAttempt]:
    """Requests of runs whose usage is missing or cannot be true; an index holds these alone."""
    keys = [run.pk for run in runs]
    return JudgeAttempt.objects.filter(call__run__in=keys, usage__has_key="flag")


def told_above(runs: Collection[JudgeRun]) -> dict[int, Decimal]:
    """What usages that cannot be true come to above what was charged. Versions are loaded."""
    if not runs:
        return {}
    prices = {run.pk: read_price(run.version.config.get("price")) for run in runs}
    told = dict.fromkeys(prices, Decimal(0))
    rows = odd_attempts(runs).filter(usage__flag=ABOVE)
    for run, usage, reserved in rows.values_list("call__run", "usage", "reserved").iterator():
        counted = Usage(usage["input_tokens"], usage["output_tokens"], usage["cached_tokens"])
        told[run] += excess_of(prices[run], counted, reserved)
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
