"""What a result means for its call: done, missing, again later, or a pause of the run. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from judging.outcomes import MOST_WAIT_SECONDS, PAUSING, RETRYABLE, Outcome
from judging.parsing import REFUSED

MAX_ATTEMPTS = 5
BACKOFF_SECONDS = 2.0
MOST_BACKOFF_SECONDS = 120.0
MOST_DOUBLINGS = 16
# Of the time that a server asks for, so that not everybody comes back at once.
JITTER_SHARE = 0.1

PENDING, SUCCEEDED = "pending", "succeeded"
UNPARSED_STATE, REFUSED_STATE, FAILED = "unparsed", "refused", "failed_permanent"


@dataclass(frozen=True, slots=True)
class Step:
    """Where a call goes.

    Attributes
    ----------
    state : str
    failure : str
        A word of ours; with `pending` it marks that one reply could not be read.
    delay : float
        Seconds before a pending call is due again.
    counts : bool
        Whether this was one of the call's attempts; waits for a rate limit are not.
    pause : str
        Why the whole run pauses, or empty.
    """

    state: str
    failure: str = ""
    delay: float = 0.0
    counts: bool = True
    pause: str = ""


def step_for_reply(missing: str, detail: str, attempts_made: int, failure_before: str) -> Step:
    """After a reply that arrived whole.

    Parameters
    ----------
    missing : str
        Empty where there is an answer; else `unparsed`, `refused` or `truncated`.
    detail : str
        Why it is missing.
    attempts_made : int
        This one included.
    failure_before : str
        What the call was marked with when it was claimed.
    """
    if not missing:
        return Step(SUCCEEDED)
    if missing == REFUSED:
        return Step(REFUSED_STATE, detail)
    marked = f"{missing}:{detail}"
    if failure_before or attempts_made >= MAX_ATTEMPTS:
        return Step(UNPARSED_STATE, marked)
    return Step(PENDING, marked)


def step_for_failure(
    outcome: Outcome,
    *,
    attempts_made: int,
    failure_before: str,
    wait: float | None,
    waited: float,
    limits_seen: int,
    chance: float,
) -> Step:
    """After a request without a reply.

    Parameters
    ----------
    outcome : Outcome
        Anything but OK.
    attempts_made : int
        This one included.
    failure_before : str
        Kept while the call is pending.
    wait : float, optional
        Seconds that the server asked for.
    waited : float
        Seconds since the first rate limit of an unbroken series.
    limits_seen : int
        Rate limits of that series, this one included.
    chance : float
        A draw in [0, 1), for the jitter.
    """
    if outcome in PAUSING:
        return Step(PENDING, failure_before, counts=False, pause=outcome.value)
    if outcome is Outcome.RATE_LIMITED:
        if waited >= MOST_WAIT_SECONDS:
            return Step(FAILED, outcome.value, counts=False)
        asked = backoff(limits_seen, chance) if wait is None else wait
        delay = min(asked * (1 + JITTER_SHARE * chance), MOST_WAIT_SECONDS)
        return Step(PENDING, failure_before, delay, counts=False)
    if outcome is Outcome.CONTENT_FILTER:
        return Step(REFUSED_STATE, outcome.value)
    if outcome is Outcome.OVERSIZED:
        return step_for_reply("unparsed", outcome.value, attempts_made, failure_before)
    if outcome not in RETRYABLE or attempts_made >= MAX_ATTEMPTS:
        return Step(FAILED, outcome.value)
    asked = backoff(attempts_made, chance)
    return Step(PENDING, failure_before, asked if wait is None else max(wait, asked))


def backoff(times: int, chance: float) -> float:
    """Seconds before the next try: full jitter over a span that doubles each time."""
    doubled: float = BACKOFF_SECONDS * 2 ** min(times, MOST_DOUBLINGS)
    return min(doubled, MOST_BACKOFF_SECONDS) * chance
