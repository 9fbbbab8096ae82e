"""The only user of HTTP: asks one endpoint, and lets nothing but a class or a good reply out.

A client belongs to one event loop, one endpoint and one key, and is closed with them. It connects
to the address that was checked, under the host's own name, follows no redirect, reads no proxy
from the environment, takes no compressed body and no more than a mebibyte, and ends each request
by a deadline that a slow drip cannot stretch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from judging.endpoints.addresses import Address, AddressError, Resolver, pin
from judging.outcomes import Outcome, classify, retry_after

# It logs a line for each request, with its address; what came of them stands in the tables.
logging.getLogger("httpx").setLevel(logging.WARNING)

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 90.0
DEADLINE_SECONDS = 120.0
MOST_BYTES = 1024 * 1024
MOST_CONNECTIONS = 64
# httpcore looks at every connection of a pool for each request: several small pools cost less.
CONNECTIONS_PER_POOL = 8


@dataclass(frozen=True, slots=True)
class Target:
    """What is called, and with which key. The key is kept out of `repr`."""

    address: Address
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request came to.

    Attributes
    ----------
    body
        Only of `Outcome.OK`.
    wait
        Seconds that the server asks to wait before the next try; None where it does not say.
    """

    outcome: Outcome
    status: int | None
    latency_ms: float
    body: bytes = field(default=b"", repr=False)
    request_id: str = ""
    wait: float | None = None


class Client:
    """An open connection pool to one endpoint; use it as an asynchronous context manager.

    Parameters
    ----------
    target : Target
    deadline : float
        Seconds for a whole request.
    resolver : callable, optional
        How names are looked up.
    connections : int
        Requests at once.
    """

    def __init__(
        self,
        target: Target,
        *,
        deadline: float = DEADLINE_SECONDS,
        resolver: Resolver | None = None,
        connections: int = MOST_CONNECTIONS,
    ) -> None:
        self._target = target
        self._deadline = deadline
        self._resolver = resolver
        # Verifying certificates takes one context, which is dear to make.
        verify = httpx.create_ssl_context(trust_env=False)
        self._pools = [
            httpx.AsyncClient(
                verify=verify,
                follow_redirects=False,
                trust_env=False,
                timeout=httpx.Timeout(
                    READ_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS, pool=None
                ),
                limits=httpx.Limits(
                    max_connections=CONNECTIONS_PER_POOL,
                    max_keepalive_connections=CONNECTIONS_PER_POOL,
                ),
            )
            for _ in range(-(-connections // CONNECTIONS_PER_POOL))
        ]
        self._in_flight = [0] * len(self._pools)
        self._url = ""
        self._refused = False
        self._extensions: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        for pool in self._pools:
            await pool.__aenter__()
        address = self._target.address
        try:
            ip = await pin(address, self._resolver)
        except AddressError:
            self._refused = True
            return self
        host = f"[{ip}]" if ":" in ip else ip
        self._url = f"{address.scheme}://{host}:{address.port}{address.path}/chat/completions"
        if address.scheme == "https":
            # The certificate is checked against this name, not against the number.
            self._extensions = {"sni_hostname": address.host}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pool in self._pools:
            await pool.__aexit__(kind, value, trace)

    async def ask(self, payload: dict[str, Any]) -> Reply:
        """Send one chat completion; never raises for what the network or the server does."""
        began = time.perf_counter()
        if self._refused:
            return Reply(Outcome.ADDRESS_REFUSED, None, 0.0)
        place = min(range(len(self._pools)), key=self._in_flight.__getitem__)
        self._in_flight[place] += 1
        try:
            async with asyncio.timeout(self._deadline):
                return await self._ask(self._pools[place], payload, began)
        except (TimeoutError, httpx.TimeoutException):
            outcome = Outcome.TIMEOUT
        except (httpx.TransportError, httpx.InvalidURL, ValueError):
            outcome = Outcome.CONNECTION
        finally:
            self._in_flight[place] -= 1
        return Reply(outcome, None, _since(began))

    async def _ask(self, pool: httpx.AsyncClient, payload: dict[str, Any], began: float) -> Reply:
        address = self._target.address
        standard = 443 if address.scheme == "https" else 80
        headers = {
            "Host": address.host if address.port == standard else f"{address.host}:{address.port}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "evalsite",
        }
        if self._target.key:
            headers["Authorization"] = f"Bearer {self._target.key}"
        request = pool.build_request(
            "POST",
            self._url,
            content=json.dumps(payload, ensure_ascii=True).encode(),
            headers=headers,
            extensions=self._extensions,
        )
        response = await pool.send(request, stream=True)
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                return Reply(Outcome.OVERSIZED, response.status_code, _since(began))
            chunks, size = [], 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > MOST_BYTES:
                    return Reply(Outcome.OVERSIZED, response.status_code, _since(began))
                chunks.append(chunk)
            body = b"".join(chunks)
        finally:
            await response.aclose()
        outcome = classify(response.status_code, body)
        found = {name.lower(): value for name, value in response.headers.items()}
        request_id = found.get("x-request-id", "")
        return Reply(
            outcome,
            response.status_code,
            _since(began),
            body=body if outcome is Outcome.OK else b"",
            request_id=request_id[:255] if request_id.isprintable() else "",
            wait=retry_after(found, datetime.now(UTC)),
        )


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
