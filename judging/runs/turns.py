"""Turns at an endpoint for requests that are no calls of a run, from the same buckets as theirs.

Whoever asks waits a bounded while. A run's probe comes back when there is room; a person is told.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import ceil

from judging.limits import Limiter, Rates

# Seconds that a probe or a try-out waits for its turns, in all. A run's worker has nothing else to
# do meanwhile; a person looks at a page.
PATIENCE_OF_A_RUN = 30.0
PATIENCE_OF_A_PERSON = 10.0
_LONGEST_PAUSE = 1.0


class NoTurnError(RuntimeError):
    """The limits leave no room for a request within the time that may be waited.

    Attributes
    ----------
    wait
        Seconds until there is room, if nobody else takes it.
    """

    def __init__(self, wait: float, rates: Rates) -> None:
        self.wait = wait
        limits = [
            f"{number:,} {name}"
            for name, number in (("requests", rates.requests), ("tokens", rates.tokens))
            if number is not None
        ]
        super().__init__(
            f"The limits of this endpoint ({' and '.join(limits)} a minute) leave no room for "
            f"another request now. Try again in about {ceil(wait)} seconds, or raise them."
        )


@dataclass(slots=True)
class Turns:
    """Takes from an endpoint's buckets, and gives back what was not needed.

    Attributes
    ----------
    key
        Of the buckets; see `limits.bucket_of`.
    patience
        Seconds that may still be waited.
    owes
        Whether all but the first request go on without room, at the cost of those after them: a
        search that begins again each time would never end where little is allowed.
    """

    limiter: Limiter
    key: str
    rates: Rates
    patience: float
    owes: bool = False
    _taken: int = 0

    async def take(self, tokens: int) -> None:
        """Wait for room for one request of so many tokens, and take it.

        Raises
        ------
        NoTurnError, limits.LimiterUnavailableError
        """
        if not self.rates.are_limited:
            return
        while wait := await self.limiter.take(self.key, self.rates, tokens):
            if wait > self.patience:
                if not (self.owes and self._taken):
                    raise NoTurnError(wait, self.rates)
                await self.limiter.take(self.key, self.rates, tokens, owing=True)
                break
            pause = min(wait, _LONGEST_PAUSE)
            self.patience -= pause
            await asyncio.sleep(pause)
        self._taken += 1

    async def give_back(self, tokens: int) -> None:
        """Return tokens that a request did not need.

        Raises
        ------
        limits.LimiterUnavailableError
        """
        await self.limiter.give_back(self.key, self.rates, tokens)

    async def leave(self, tokens: int) -> None:
        """Return a turn whose request never left, with its tokens.

        Raises
        ------
        limits.LimiterUnavailableError
        """
        self._taken -= 1
        await self.limiter.give_back(self.key, self.rates, tokens, requests=1)
