"""The client against every fault of the simulator: a class comes out, and nothing else."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from judging.clients import MOST_BYTES, Client, Reply, Target
from judging.endpoints.addresses import Address
from judging.outcomes import Outcome, classify, retry_after
from judging.parsing import Envelope, Missing, Parsed, parse, read_envelope
from judging.prompts import LADDER, PLAIN, build_messages, response_format
from judging.simulator import FAULTS, Simulator
from tests.judging.rubrics import PAIR, RUBRIC


def payload(model: str = "fair", rung: str = PLAIN, pair=PAIR) -> dict[str, Any]:
    made: dict[str, Any] = {
        "model": model,
        "messages": build_messages("Judge.", RUBRIC, pair, "ab", "k7f3", rung),
    }
    wanted = response_format(RUBRIC, rung)
    return made if wanted is None else {**made, "response_format": wanted}


def local(simulator: Simulator) -> Address:
    return Address("http", "127.0.0.1", simulator.port, "/v1", is_local=True)


def ask(
    model: str = "fair", *, rung: str = PLAIN, key: str = "", deadline: float = 10.0
) -> tuple[Reply, Simulator]:
    async def asked() -> tuple[Reply, Simulator]:
        async with (
            Simulator() as simulator,
            Client(Target(local(simulator), key), deadline=deadline) as client,
        ):
            return await client.ask(payload(model, rung)), simulator

    return asyncio.run(asked())


@pytest.mark.parametrize("rung", LADDER)
def test_a_fair_judge_answers_on_every_rung(rung: str) -> None:
    reply, simulator = ask(rung=rung)
    envelope = read_envelope(reply.body)
    assert isinstance(envelope, Envelope)
    parsed = parse(envelope.content, RUBRIC)
    assert isinstance(parsed, Parsed)
    assert parsed.answer == simulator.log[0].answer
    assert not parsed.contradicts
    assert reply.request_id == "simulated"


# By fault: what the client says, and, of a reply that looks good to it, what the parser says.
EXPECTED: dict[str, tuple[Outcome, str]] = {
    "400": (Outcome.REJECTED, ""),
    "401": (Outcome.UNAUTHORISED, ""),
    "402": (Outcome.QUOTA, ""),
    "403": (Outcome.UNAUTHORISED, ""),
    "404": (Outcome.NOT_FOUND, ""),
    "408": (Outcome.TRY_AGAIN, ""),
    "409": (Outcome.TRY_AGAIN, ""),
    "413": (Outcome.REJECTED, ""),
    "422": (Outcome.REJECTED, ""),
    "429": (Outcome.RATE_LIMITED, ""),
    "429_after": (Outcome.RATE_LIMITED, ""),
    "429_date": (Outcome.RATE_LIMITED, ""),
    "429_day": (Outcome.RATE_LIMITED, ""),
    "quota": (Outcome.QUOTA, ""),
    "filter_400": (Outcome.CONTENT_FILTER, ""),
    "500": (Outcome.SERVER_ERROR, ""),
    "502_html": (Outcome.SERVER_ERROR, ""),
    "503": (Outcome.SERVER_ERROR, ""),
    "529": (Outcome.SERVER_ERROR, ""),
    "reset": (Outcome.CONNECTION, ""),
    "broken_body": (Outcome.CONNECTION, ""),
    "redirect": (Outcome.REDIRECTED, ""),
    "hang": (Outcome.TIMEOUT, ""),
    "hang_mid_body": (Outcome.TIMEOUT, ""),
    "drip": (Outcome.TIMEOUT, ""),
    "gzip_bomb": (Outcome.OVERSIZED, ""),
    "huge": (Outcome.OVERSIZED, ""),
    "endless": (Outcome.OVERSIZED, ""),
    "empty_body": (Outcome.OK, "body_is_no_json"),
    "html": (Outcome.OK, "body_is_no_json"),
    "invalid_json": (Outcome.OK, "body_is_no_json"),
    "cut_json": (Outcome.OK, "no_verdict"),
    "no_choices": (Outcome.OK, "not_one_choice"),
    "null_content": (Outcome.OK, "empty"),
    "refusal": (Outcome.OK, "refusal"),
    "filter": (Outcome.OK, "content_filter"),
    "length": (Outcome.OK, "output_limit"),
    "tool_calls": (Outcome.OK, "other_finish_reason"),
    "prose": (Outcome.OK, "no_verdict"),
    "two_verdicts": (Outcome.OK, "conflicting"),
    "lower_case": (Outcome.OK, "no_verdict"),
    "other_schema": (Outcome.OK, "schema"),
    "forged": (Outcome.OK, "no_verdict"),
    "usage_missing": (Outcome.OK, ""),
    "usage_negative": (Outcome.OK, ""),
    "usage_lying": (Outcome.OK, ""),
    "wrong_model": (Outcome.OK, ""),
}


def test_every_fault_has_its_line() -> None:
    assert sorted(EXPECTED) == sorted(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_becomes_its_class_and_no_body_leaves(fault: str) -> None:
    outcome, detail = EXPECTED[fault]
    # What answers is given time on a busy machine; what does not is waited for.
    reply, simulator = ask(fault, deadline=1.5 if outcome is Outcome.TIMEOUT else 60.0)
    assert reply.outcome == outcome
    assert len(reply.body) <= MOST_BYTES
    if outcome is not Outcome.OK:
        assert reply.body == b""
        assert "canary" not in repr(reply)
        return
    envelope = read_envelope(reply.body)
    found = parse(envelope.content, RUBRIC) if isinstance(envelope, Envelope) else envelope
    assert (found.detail if isinstance(found, Missing) else "") == detail
    assert len(simulator.log) == 1


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    reply, simulator = ask("redirect", key="sk-secret-canary")
    assert reply.outcome is Outcome.REDIRECTED
    assert [entry.key for entry in simulator.log] == ["sk-secret-canary"]


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert ask()[0].outcome is Outcome.OK


def test_no_request_is_logged_by_the_library(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask(key="sk-secret-canary")
    assert not [record for record in caplog.records if record.name.startswith("http")]


def test_two_keys_are_never_mixed() -> None:
    async def asked() -> list[str]:
        async with Simulator(delay=0.02) as simulator:
            targets = [Target(local(simulator), f"key-{number}") for number in (1, 2)]
            async with Client(targets[0]) as one, Client(targets[1]) as two:
                await asyncio.gather(
                    *(
                        client.ask(payload(model))
                        for client, model in [(one, "fair:k=1"), (two, "fair:k=2")] * 10
                    )
                )
            return [f"{entry.model[-1]}{entry.key[-1]}" for entry in simulator.log]

    assert set(asyncio.run(asked())) == {"11", "22"}


def test_a_key_stays_out_of_what_is_printed() -> None:
    assert "sk-secret" not in repr(Target(Address("https", "x", 443, ""), "sk-secret"))


def test_the_checked_address_is_called_under_the_hosts_own_name() -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    async def asked() -> None:
        address = Address("https", "api.example.com", 443, "/v1")
        client = Client(Target(address, "k"), resolver=lambda host, port: ["1.1.1.1"])
        for pool in client._pools:
            pool._transport = httpx.MockTransport(handler)
        async with client:
            await client.ask({"model": "m"})

    asyncio.run(asked())
    request = seen[0]
    assert str(request.url) == "https://1.1.1.1/v1/chat/completions"
    assert request.headers["host"] == "api.example.com"
    assert request.extensions["sni_hostname"] == "api.example.com"
    assert request.headers["authorization"] == "Bearer k"


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "999999"}, 86_400),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90),
        ({"retry-after": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 0),
    ],
)
def test_what_the_server_asks_to_wait(headers, seconds) -> None:
    assert retry_after(headers, NOW) == seconds


def test_a_quota_may_arrive_as_too_many_requests() -> None:
    assert classify(429, b'{"error": {"code": "insufficient_quota"}}') is Outcome.QUOTA
    assert classify(429, b'{"error": {"code": "rate_limit_exceeded"}}') is Outcome.RATE_LIMITED
    assert classify(429, b"<html>") is Outcome.RATE_LIMITED
