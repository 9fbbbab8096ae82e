"""The bad network does what its name says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from tests.loopback import Connection, NoAnswer, Reply
from tests.services import HOST

from . import proxy as proxies
from .proxy import Weather, proxy_to

Result = TypeVar("Result")

BODY = b'{"n": 1234}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Site:
    """Answers every request that arrives whole and counts them."""

    def __init__(self) -> None:
        self.requests = 0
        self.serving: list[asyncio.Task[None] | None] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.current_task())
        # The other side may be gone, or close before it has taken the answer.
        with suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(len(b"{}"))
                self.requests += 1
                writer.write(ANSWER)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def in_a_loop(asked: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a thread: once Playwright ran here, this thread keeps a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asked).result()


async def ask_in(weather: Weather) -> tuple[Reply | NoAnswer, int]:
    """What a person is answered in this weather, and how many requests arrived."""
    site = Site()
    server = await asyncio.start_server(site.serve, HOST, 0)
    async with server, proxy_to(server.sockets[0].getsockname()[1], random.Random(1)) as proxy:
        proxy.share = 1.0
        proxy.weather = weather
        connection = Connection(proxy.port)
        answer: Reply | NoAnswer
        try:
            answer = await connection.post("/", {})
        except NoAnswer as fault:
            answer = fault
        await connection.close()
        # What was sent on may still be on its way.
        for _ in range(6_000):
            if site.requests or weather in (Weather.CUT_BEFORE_REQUEST, Weather.HALF_REQUEST):
                break
            await asyncio.sleep(0.01)
    await asyncio.gather(*filter(None, site.serving))
    return answer, site.requests


@pytest.mark.parametrize(
    "weather", [Weather.FAIR, Weather.DELAY, Weather.TRICKLE, Weather.HALF_CLOSED]
)
def test_an_answer_comes_through(weather: Weather, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "DELAY_S", 0.01)
    monkeypatch.setattr(proxies, "PIECE_S", 0.001)
    answer, requests = in_a_loop(ask_in(weather))
    assert isinstance(answer, Reply)
    assert answer.status == 200
    assert requests == 1


@pytest.mark.parametrize(
    ("weather", "arrived"),
    [
        (Weather.CUT_BEFORE_REQUEST, 0),
        (Weather.HALF_REQUEST, 0),
        (Weather.CUT_AFTER_REQUEST, 1),
        (Weather.CUT_BEFORE_ANSWER, 1),
        (Weather.HALF_ANSWER, 1),
        (Weather.RESET_AFTER_REQUEST, 1),
        (Weather.RESET_BEFORE_ANSWER, 1),
    ],
)
def test_a_cut_leaves_the_person_without_an_answer(weather: Weather, arrived: int) -> None:
    answer, requests = in_a_loop(ask_in(weather))
    assert isinstance(answer, NoAnswer)
    assert answer.sent
    assert requests == arrived
