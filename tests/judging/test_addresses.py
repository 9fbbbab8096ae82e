"""The table of addresses: which may be called, in every spelling, on save and on connect."""

from __future__ import annotations

import asyncio

import pytest

from judging.clients import Client, Target
from judging.endpoints.addresses import (
    SIMULATOR_URL,
    Address,
    AddressError,
    check_on_save,
    is_public,
    read_address,
)
from judging.outcomes import Outcome

REFUSED_URLS = [
    "",
    "api.example.com/v1",
    "ftp://api.example.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "http://api.example.com/v1",
    "https://",
    "https:///v1",
    "https://user@api.example.com",
    "https://user:word@api.example.com",
    "https://api.example.com@127.0.0.1/",
    "https://api.example.com\\@127.0.0.1/",
    "https://api.example.com/v1?x=1",
    "https://api.example.com/v1#x",
    "https://api.example.com/v1?",
    "https://api.example.com/../admin",
    "https://api.example.com/%2e%2e/admin",
    "https://api.exa mple.com/",
    "https://api.example.com:99999/",
    "https://api.example.com:x/",
    "https://bücher.example/",
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://api_example/",
    "simulator://elsewhere/v1",
    "https://api.example.com/\r\nHost: x",
]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        read_address(url, frozenset())


PRIVATE = [
    "fec0::1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "5f00::1",
    "4000::1",
    "192.88.99.1",
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "no address",
]


@pytest.mark.parametrize("ip", PRIVATE)
def test_a_private_or_reserved_address_is_not_public(ip: str) -> None:
    assert not is_public(ip)
    with pytest.raises(AddressError, match="private or reserved"):
        check_on_save("https://api.example.com", frozenset(), lambda host, port: ["1.1.1.1", ip])


@pytest.mark.parametrize("ip", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_may_be_called(ip: str) -> None:
    assert is_public(ip)
    check_on_save("https://api.example.com", frozenset(), lambda host, port: [ip])


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0x7f000001", "017700000001", "localhost", "0"]
)
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    """The resolver of the system reads them, and what it says is looked at."""
    with pytest.raises(AddressError):
        check_on_save(f"https://{host}/", frozenset())


def test_an_address_is_taken_apart() -> None:
    address = read_address("https://API.example.com/v1/", frozenset())
    assert address == Address("https", "api.example.com", 443, "/v1")
    assert address.origin == "https://api.example.com:443"
    assert read_address("https://[2606:4700::1]:8443", frozenset()).origin == (
        "https://[2606:4700::1]:8443"
    )
    assert read_address(SIMULATOR_URL, frozenset()).is_simulator


def test_the_operators_list_allows_exactly_what_it_names() -> None:
    local = frozenset({"127.0.0.1:9000"})
    assert check_on_save("http://127.0.0.1:9000/v1", local).is_local
    for url in ("http://127.0.0.1:9001/v1", "http://localhost:9000/v1", "https://127.0.0.1/v1"):
        with pytest.raises(AddressError):
            check_on_save(url, local)


def test_a_name_that_changes_its_mind_is_refused_when_it_is_called() -> None:
    """What was checked on saving is checked again on connecting: the flip of a DNS answer."""
    answers = iter([["1.1.1.1"], ["127.0.0.1"]])

    def resolver(host: str, port: int) -> list[str]:
        return next(answers)

    address = check_on_save("https://flips.example", frozenset(), resolver)

    async def ask():
        async with Client(Target(address), resolver=resolver) as client:
            return await client.ask({})

    reply = asyncio.run(ask())
    assert (reply.outcome, reply.status) == (Outcome.ADDRESS_REFUSED, None)
