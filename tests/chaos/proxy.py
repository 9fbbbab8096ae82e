"""A bad network between people and site: cuts before and after the request arrives, and delays."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

from tests.services import HOST

CHUNK = 1 << 16
DELAY_S = 3.0
# A trickling request comes in so many pieces, a piece each so often.
PIECES = 20
PIECE_S = 0.1
# Closing with this option set sends RST in place of FIN, and drops what was not sent yet.
AT_ONCE = struct.pack("ii", 1, 0)


class Weather(StrEnum):
    FAIR = "fair"
    CUT_BEFORE_REQUEST = "cut before the request arrives"
    CUT_AFTER_REQUEST = "cut once the request is sent on"
    CUT_BEFORE_ANSWER = "cut when the answer comes"
    HALF_REQUEST = "cut within the request"
    HALF_ANSWER = "cut within the answer"
    HALF_CLOSED = "half-closed: nothing more can be sent after the request"
    RESET_AFTER_REQUEST = "reset once the request is sent on"
    RESET_BEFORE_ANSWER = "reset when the answer comes"
    TRICKLE = "a request that trickles for 2 s"
    DELAY = "3 s delay"


STORMS = tuple(weather for weather in Weather if weather is not Weather.FAIR)
RESETS = (Weather.RESET_AFTER_REQUEST, Weather.RESET_BEFORE_ANSWER)
CUT_WITH_REQUEST = (Weather.CUT_AFTER_REQUEST, Weather.RESET_AFTER_REQUEST)
CUT_WITH_ANSWER = (Weather.CUT_BEFORE_ANSWER, Weather.RESET_BEFORE_ANSWER)


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
    hits: Counter[str] = field(default_factory=Counter)
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def draw(self) -> Weather:
        if self.weather is Weather.FAIR or self.dice.random() >= self.share:
            return Weather.FAIR
        self.hits[self.weather.value] += 1
        return self.weather

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream = None
        task = asyncio.current_task()
        if task is not None:
            self.open.add(task)
            task.add_done_callback(self.open.discard)
        try:
            site, upstream = await asyncio.open_connection(HOST, self.target)
            if await self.pass_on(reader, writer, site, upstream) in RESETS:
                for end in (writer, upstream):
                    end.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE
                    )
        except (OSError, asyncio.CancelledError):
            # The site is down, and the person's browser sees a closed connection; or the run is
            # over, and asyncio takes a cancelled server task for an error.
            pass
        finally:
            # Both first: the wait for one may be cancelled.
            ends = [end for end in (writer, upstream) if end is not None]
            for end in ends:
                end.close()
            for end in ends:
                with suppress(OSError):
                    await end.wait_closed()

    async def pass_on(
        self,
        person: asyncio.StreamReader,
        to_person: asyncio.StreamWriter,
        site: asyncio.StreamReader,
        to_site: asyncio.StreamWriter,
    ) -> Weather:
        """Request by request, until one side closes or the weather cuts; the weather then."""
        asking = asyncio.ensure_future(person.read(CHUNK))
        answering = asyncio.ensure_future(site.read(CHUNK))
        fate = Weather.FAIR
        try:
            while True:
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
                if answering.done():
                    answer = answering.result()
                    if not answer or fate in CUT_WITH_ANSWER:
                        return fate
                    if fate is Weather.HALF_ANSWER:
                        to_person.write(answer[: len(answer) // 2])
                        await to_person.drain()
                        return fate
                    to_person.write(answer)
                    await to_person.drain()
                    if fate is Weather.HALF_CLOSED:
                        return fate
                    answering = asyncio.ensure_future(site.read(CHUNK))
                if asking.done():
                    request = asking.result()
                    fate = self.draw() if request else fate
                    if not request or fate is Weather.CUT_BEFORE_REQUEST:
                        return fate
                    await send_on(request, to_site, fate)
                    if fate in CUT_WITH_REQUEST or fate is Weather.HALF_REQUEST:
                        return fate
                    asking = asyncio.ensure_future(person.read(CHUNK))
        finally:
            asking.cancel()
            answering.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)


async def send_on(request: bytes, to_site: asyncio.StreamWriter, fate: Weather) -> None:
    """Send a request to the site as the weather lets it through."""
    if fate is Weather.DELAY:
        await asyncio.sleep(DELAY_S)
    if fate is Weather.HALF_REQUEST:
        request = request[: len(request) // 2]
    size = -(-len(request) // PIECES) if fate is Weather.TRICKLE else len(request)
    for start in range(0, len(request), size):
        if start:
            await asyncio.sleep(PIECE_S)
        to_site.write(request[start : start + size])
        await to_site.drain()
    if fate is Weather.HALF_CLOSED:
        to_site.write_eof()


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
