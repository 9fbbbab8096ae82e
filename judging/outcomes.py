"""What a request came to, and what follows from it. Pure.

A class is all that leaves the client beside a good reply: no page and no log ever holds what an
error's body said.
"""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_WAIT_SECONDS = 24 * 60 * 60.0


class Outcome(enum.StrEnum):
    """The class of a request's result."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TRY_AGAIN = "try_again"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    QUOTA = "quota"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    REDIRECTED = "redirected"
    ADDRESS_REFUSED = "address_refused"
    REJECTED = "rejected"
    CONTENT_FILTER = "content_filter"
    OVERSIZED = "oversized"


# For people, as the result of one request.
IN_WORDS = {
    Outcome.OK: "The endpoint answers, and its replies can be read.",
    Outcome.UNAUTHORISED: "The endpoint refused the key.",
    Outcome.NOT_FOUND: "The endpoint knows no such address or model.",
    Outcome.QUOTA: "The account has no credit or quota left.",
    Outcome.RATE_LIMITED: "The endpoint is limiting requests at the moment. Try again later.",
    Outcome.TIMEOUT: "There was no reply in time.",
    Outcome.CONNECTION: "The endpoint could not be reached.",
    Outcome.REDIRECTED: "The endpoint answered with a redirect, which is never followed.",
    Outcome.ADDRESS_REFUSED: "The endpoint's name leads to an address that may not be called.",
    Outcome.REJECTED: "The endpoint rejected the request: look at the model and its settings.",
    Outcome.SERVER_ERROR: "The endpoint answered with an error of its own.",
    Outcome.TRY_AGAIN: "The endpoint asked to try again later.",
    Outcome.CONTENT_FILTER: "The endpoint's content filter refused the texts.",
    Outcome.OVERSIZED: "The reply was too large or compressed, and was not read.",
}

# Asked again, after a wait that doubles.
RETRYABLE = frozenset(
    {Outcome.SERVER_ERROR, Outcome.TRY_AGAIN, Outcome.TIMEOUT, Outcome.CONNECTION}
)
# True of every further call too: the run pauses and its calls stay pending.
PAUSING = frozenset(
    {
        Outcome.QUOTA,
        Outcome.UNAUTHORISED,
        Outcome.NOT_FOUND,
        Outcome.REDIRECTED,
        Outcome.ADDRESS_REFUSED,
    }
)
# True of every further request of the same form.
LASTING = frozenset({Outcome.REJECTED, Outcome.CONTENT_FILTER, Outcome.OVERSIZED})
# Whoever sends one of these bills nothing. All else may have been billed: a time-out, an error of a
# gateway that gave up while the model went on, a content filter that read the answer.
UNBILLED = frozenset(
    {
        Outcome.RATE_LIMITED,
        Outcome.QUOTA,
        Outcome.UNAUTHORISED,
        Outcome.NOT_FOUND,
        Outcome.REDIRECTED,
        Outcome.ADDRESS_REFUSED,
    }
)
# A rejected request was not answered where it says that the request itself was wrong.
UNBILLED_REJECTIONS = frozenset({400, 413, 422})

QUOTA_CODES = frozenset(
    {"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "insufficient_balance"}
)
FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
)


def is_billed(outcome: Outcome, status: int | None) -> bool:
    """Whether a request that came to this may have been billed."""
    if outcome is Outcome.REJECTED:
        return status not in UNBILLED_REJECTIONS
    return outcome not in UNBILLED


def classify(status: int, body: bytes) -> Outcome:
    """The class of a complete answer.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        Read for an error's code only.
    """
    if 200 <= status < 300:
        return Outcome.OK
    if 300 <= status < 400:
        return Outcome.REDIRECTED
    codes = error_codes(body)
    if status == 402 or codes & QUOTA_CODES:
        return Outcome.QUOTA
    if status == 429:
        return Outcome.RATE_LIMITED
    if status in (401, 403):
        return Outcome.UNAUTHORISED
    if status == 404:
        return Outcome.NOT_FOUND
    if status in (408, 409, 425):
        return Outcome.TRY_AGAIN
    if status >= 500:
        return Outcome.SERVER_ERROR
    if codes & FILTER_CODES:
        return Outcome.CONTENT_FILTER
    return Outcome.REJECTED


def error_codes(body: bytes) -> set[str]:
    """What an error calls itself, in the two places where servers say it."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    error = raw.get("error") if isinstance(raw, dict) else None
    if not isinstance(error, dict):
        return set()
    return {value for key in ("code", "type") if isinstance(value := error.get(key), str)}


def retry_after(headers: dict[str, str], now: datetime) -> float | None:
    """Seconds that the server asks to wait, 0 to 24 hours; None where it does not say.

    Parameters
    ----------
    headers : dict of str
        Names in lower case.
    now : datetime
        With its offset.
    """
    in_milliseconds = _number(headers.get("retry-after-ms"))
    if in_milliseconds is not None:
        return _bounded(in_milliseconds / 1000)
    raw = headers.get("retry-after")
    if raw is None:
        return None
    seconds = _number(raw)
    if seconds is not None:
        return _bounded(seconds)
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _bounded((moment - now).total_seconds())


def _number(raw: str | None) -> float | None:
    try:
        value = float(raw) if raw is not None and len(raw) < 32 else None
    except ValueError:
        return None
    return value if value is not None and value == value else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MOST_WAIT_SECONDS)
