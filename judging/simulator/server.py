"""The server: reads requests, lets a simulated judge answer or fail, and keeps the log."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Self, TextIO

from annotation.draws import draw
from judging.simulator.faults import (
    FAULTS,
    MIXED_FAULTS,
    Answer,
    answer_with_fault,
    as_json,
    completion,
    error,
)
from judging.simulator.minds import Asked, Mode, chance, decide, read_request, written


@dataclass(slots=True)
class Entry:
    """One request, as the server saw it."""

    at: float
    model: str
    question: str
    look: int
    did: str
    status: int
    at_once: int
    key: str
    input_tokens: int = 0
    output_tokens: int = 0
    answer: str = ""


class Simulator:
    """A server on the loopback; use it as an asynchronous context manager.

    Parameters
    ----------
    seed : int
    delay : float
        Seconds before an answer, unless the model's name says otherwise.
    log_to : text stream, optional
        Gets a line of JSON for each request, at once.
    refuse_formats : set of str
        Types of `response_format` that are answered with 400.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        delay: float = 0.0,
        log_to: TextIO | None = None,
        refuse_formats: frozenset[str] = frozenset(),
        keep: bool = True,
    ) -> None:
        self.seed = seed
        self.delay = delay
        self.log: list[Entry] = []
        self.most_at_once = 0
        self.port = 0
        self._refuse_formats = refuse_formats
        self._looks: Counter[str] = Counter()
        self._at_once = 0
        self._log_to = log_to
        self._keep = keep
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (
                line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:]
            )
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer = await self._answer(body, headers)
        finally:
            self._at_once -= 1
        return await send(writer, answer)

    async def _answer(self, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            asked = read_request(json.loads(body))
        except (ValueError, KeyError, TypeError, IndexError):
            return error(400, "invalid_request")
        mode = Mode.of(asked.model)
        look = self._looks[asked.question]
        self._looks[asked.question] += 1
        await asyncio.sleep(mode.options.get("delay", self.delay))
        if asked.response_format.get("type") in self._refuse_formats:
            did, grade, answer = "refused_format", "", error(400, "unsupported_response_format")
        else:
            did, grade, answer = self._act(mode, asked, look)
        entry = Entry(
            at=time.time(),
            model=asked.model,
            question=asked.question,
            look=look,
            did=did,
            status=answer.status,
            at_once=self._at_once,
            key=headers.get("authorization", "").removeprefix("Bearer "),
            answer=grade,
        )
        if answer.status == 200:
            entry.input_tokens, entry.output_tokens = asked.input_tokens, len(answer.body) // 4
        if self._keep:
            self.log.append(entry)
        if self._log_to is not None:
            self._log_to.write(json.dumps(asdict(entry)) + "\n")
            self._log_to.flush()
        return answer

    def _act(self, mode: Mode, asked: Asked, look: int) -> tuple[str, str, Answer]:
        grade = decide(self.seed, mode, asked, look)
        fault = mode.name if mode.name in FAULTS else ""
        if mode.name == "faulty":
            rate = mode.options.get("rate", 0.2)
            if chance(self.seed, "fault", asked.question, look) < rate:
                number = draw(self.seed, "which", asked.question, look) % len(MIXED_FAULTS)
                fault = MIXED_FAULTS[number]
        if mode.name == "sparse" and grade.startswith("1>"):
            share = mode.options.get("share", 0.3)
            fault = "prose" if chance(self.seed, "sparse", asked.question) < share else fault
        if fault:
            return fault, grade, answer_with_fault(fault, asked, grade)
        return "ok", grade, as_json(200, completion(asked, written(asked, grade)))


async def send(writer: asyncio.StreamWriter, answer: Answer) -> bool:
    """Write an answer; whether the connection can go on."""
    if answer.then == "reset":
        writer.transport.abort()
        return False
    if answer.then == "hang":
        await asyncio.sleep(3600)
        return False
    length = str(len(answer.body))
    if answer.then == "huge":
        length = str(100 * 1024 * 1024)
    chunked = answer.then == "endless"
    lines = [f"HTTP/1.1 {answer.status} Simulated", "x-request-id: simulated"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += ["transfer-encoding: chunked"] if chunked else [f"content-length: {length}"]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    if answer.then == "":
        writer.write(answer.body)
        await writer.drain()
        return True
    if answer.then == "break":
        writer.write(answer.body[: len(answer.body) // 2])
        await writer.drain()
    elif answer.then == "hang_mid":
        writer.write(answer.body[:10])
        await writer.drain()
        await asyncio.sleep(3600)
    elif answer.then == "drip":
        for number in range(len(answer.body)):
            writer.write(answer.body[number : number + 1])
            await writer.drain()
            await asyncio.sleep(1)
    elif answer.then == "huge":
        for _ in range(100 * 1024):
            writer.write(answer.body)
            await writer.drain()
    elif answer.then == "endless":
        while True:
            writer.write(f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n")
            await writer.drain()
    writer.transport.abort()
    return False
