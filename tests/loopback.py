"""A small HTTP client over asyncio, for hundreds of people on the cores that also serve them.

It costs a fraction of a full client and says of each failure whether the request may have
arrived, which is what tests about lost answers need to know.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.services import HOST

# Above the server's own limits, which are to answer first.
ANSWER_TIMEOUT_S = 30.0


class NoAnswer(Exception):
    """The connection failed; `sent` tells whether the request may have reached the server."""

    def __init__(self, cause: BaseException, *, sent: bool) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The object in the body; an empty one where the server answered something else."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            return {}
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass(slots=True)
class Connection:
    """One connection that is kept open and made again when needed; for one request at a time."""

    port: int
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = ANSWER_TIMEOUT_S
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: object) -> Reply:
        """POST a JSON body.

        Raises
        ------
        NoAnswer
            The connection could not be made, broke, or nothing came in time.
        """
        content = json.dumps(body, separators=(",", ":")).encode()
        lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(content)}"]
        lines += ["Content-Type: application/json", "Accept: application/json"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        message = ("\r\n".join(lines) + "\r\n\r\n").encode() + content
        # A server may close an idle connection at any time: only a fresh one gives an answer for
        # sure, so an idle one that is found closed costs nothing but another connection.
        if self.streams is not None and self.streams[0].at_eof():
            await self.close()
        sent = False
        try:
            async with asyncio.timeout(self.timeout):
                if self.streams is None:
                    self.streams = await asyncio.open_connection(HOST, self.port)
                reader, writer = self.streams
                writer.write(message)
                sent = True
                await writer.drain()
                reply = await read_reply(reader)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            await self.close()
            raise NoAnswer(error, sent=sent) from error
        if reply.headers.get("connection", "").lower() == "close":
            await self.close()
        return reply

    async def close(self) -> None:
        if self.streams is not None:
            writer = self.streams[1]
            self.streams = None
            writer.close()
            # How it ended does not matter any more.
            with suppress(OSError):
                await writer.wait_closed()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """Read one answer of HTTP/1.1, of known length or in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1])
    headers = {}
    for line in head[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Reply(status, headers, await read_chunks(reader))
    return Reply(status, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
