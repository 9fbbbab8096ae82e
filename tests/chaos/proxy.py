"""A bad network between people and site: cuts before and after the request arrives, and delays."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tests.services import HOST

CHUNK = 1 << 16
DELAY_S = 3.0


class Weather(StrEnum):
    FAIR = "fair"
    CUT_BEFORE_REQUEST = "cut before the request arrives"
    CUT_AFTER_REQUEST = "cut once the request is sent on"
    CUT_BEFORE_ANSWER = "cut when the answer comes"
    HALF_ANSWER = "cut within the answer"
    DELAY = "3 s delay"


STORMS = tuple(weather for weather in Weather if weather is not Weather.FAIR)


@dataclass
class Proxy:
    """Passes bytes on; in bad weather a request is hit with the probability `share`.

    Requests and answers are small: one read is one of them.
    """

    target: int
    dice: random.Random
    share: float = 0.5
    weather: Weather = Weather.FAIR
    port: int = 0
    hits: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def draw(self) -> Weather:
        if self.weather is Weather.FAIR or self.dice.random() >= self.share:
            return Weather.FAIR
        self.hits += 1
        return self.weather

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = None
        task = asyncio.current_task()
        if task is not None:
            self.open.add(task)
            task.add_done_callback(self.open.discard)
        try:
            site, upstream = await asyncio.open_connection(HOST, self.target)
            await self.pass_on(reader, writer, site, upstream)
        except (OSError, asyncio.CancelledError):
            # The site is down, and the person's browser sees a closed connection; or the run is
            # over, and asyncio takes a cancelled server task for an error.
            pass
        finally:
            for end in filter(None, (writer, upstream)):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async def pass_on(
        self,
        person: asyncio.StreamReader,
        to_person: asyncio.StreamWriter,
        site: asyncio.StreamReader,
        to_site: asyncio.StreamWriter,
    ) -> None:
        """Request by request, until one side closes or the weather cuts."""
        asking = asyncio.ensure_future(person.read(CHUNK))
        answering = asyncio.ensure_future(site.read(CHUNK))
        fate = Weather.FAIR
        try:
            while True:
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    answer = answering.result()
                    if not answer or fate is Weather.CUT_BEFORE_ANSWER:
                        return
                    if fate is Weather.HALF_ANSWER:
                        to_person.write(answer[: len(answer) // 2])
                        await to_person.drain()
                        return
                    to_person.write(answer)
                    await to_person.drain()
                    answering = asyncio.ensure_future(site.read(CHUNK))
                if asking.done():
                    request = asking.result()
                    fate = self.draw()
                    if not request or fate is Weather.CUT_BEFORE_REQUEST:
                        return
                    if fate is Weather.DELAY:
                        await asyncio.sleep(DELAY_S)
                    to_site.write(request)
                    await to_site.drain()
                    if fate is Weather.CUT_AFTER_REQUEST:
                        return
                    asking = asyncio.ensure_future(person.read(CHUNK))
        finally:
            asking.cancel()
            answering.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)


@asynccontextmanager
async def proxy_to(target: int, dice: random.Random) -> AsyncGenerator[Proxy]:
    """A proxy on a free port of the loopback, until the block ends."""
    proxy = Proxy(target, dice)
    server = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in proxy.open:
            task.cancel()
        await asyncio.gather(*proxy.open, return_exceptions=True)
        await server.wait_closed()
