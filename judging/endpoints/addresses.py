"""Which addresses may be called. Checked when an endpoint is saved and again on each connection.

Whoever sets up a judge chooses an address that this server then calls: without these rules they
could reach the machine itself, its network, or the provider's metadata service. A name is resolved
once, every address behind it must be public, and the connection goes to the one that was checked.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

SIMULATOR_URL = "simulator://built-in/v1"
"""The endpoint that lives in the asking process itself and calls nobody."""

RESOLVE_TIMEOUT_SECONDS = 5.0

HOST = re.compile(r"\A(?!-)[a-z0-9.-]{1,253}\Z")
PATH = re.compile(r"\A(?:/[A-Za-z0-9._~-]+)*/?\Z")

# `is_global` is true of these, though they lead to private addresses: 6to4, its relays, Teredo.
TUNNELS = tuple(
    ipaddress.ip_network(network) for network in ("2002::/16", "192.88.99.0/24", "2001::/32")
)
# All that is given out of IPv6 as public addresses. Outside of it stand NAT64, addresses that hold
# one of IPv4, site-local ones, and what is reserved.
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")

Resolver = Callable[[str, int], Sequence[str]]


class AddressError(ValueError):
    """The address may not be called; the message says why and names no resolved address."""


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, taken apart.

    Attributes
    ----------
    is_local
        An operator's allow-list names it: plain http and private addresses are allowed.
    """

    scheme: str
    host: str
    port: int
    path: str
    is_local: bool = False

    @property
    def origin(self) -> str:
        """What a key is bound to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_simulator(self) -> bool:
        return self.scheme == "simulator"


def read_address(url: str, local: Collection[str]) -> Address:
    """Take a base URL apart, such as `https://api.example.com/v1`.

    Parameters
    ----------
    url : str
    local : collection of str
        The operator's `host:port` entries, exactly.

    Raises
    ------
    AddressError
    """
    if url == SIMULATOR_URL:
        return Address("simulator", "built-in", 0, "/v1")
    if len(url) > 500 or not url.isascii() or any(c.isspace() or c in "\\%\x7f" for c in url):
        raise AddressError(
            "The address must be plain ASCII without spaces, backslashes and percent signs; "
            "write an international name in its xn-- form."
        )
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise AddressError(
            "This is no address; write one like https://api.example.com/v1."
        ) from None
    if parts.scheme not in ("https", "http") or not host:
        raise AddressError("The address must begin with https:// and name a host.")
    if "@" in parts.netloc:
        raise AddressError("The address may hold no user or password; the key has its own field.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise AddressError("The address may hold no ? and no #.")
    if not PATH.match(parts.path) or "/.." in parts.path or "/./" in parts.path + "/":
        raise AddressError("The address has a path that cannot be one of an API.")
    if ":" in host:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            raise AddressError("The address names an IPv6 host that is none.") from None
    elif not HOST.match(host):
        raise AddressError("The address names a host that is none.")
    port = port or (443 if parts.scheme == "https" else 80)
    entry = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    is_local = entry in local
    if parts.scheme != "https" and not is_local:
        raise AddressError(
            "Only https is called. For a server on your own network, let the operator add "
            f"{entry} to JUDGE_LOCAL_ENDPOINTS."
        )
    return Address(parts.scheme, host, port, parts.path.rstrip("/"), is_local)


def is_public(address: str) -> bool:
    """Whether an IP address, as a resolver spells it, lies on the public internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip.version == tunnel.version and ip in tunnel for tunnel in TUNNELS):
        return False
    if ip.version == 6 and ip not in GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def choose(address: Address, found: Sequence[str]) -> str:
    """The one address to connect to, after all of them were looked at.

    Raises
    ------
    AddressError
        There is none, or one of them is not public.
    """
    if not found:
        raise AddressError("The host's name leads nowhere.")
    if not address.is_local and not all(is_public(ip) for ip in found):
        raise AddressError(
            "The host leads to an address that is private or reserved. For a server on your own "
            f"network, let the operator add {address.host}:{address.port} to JUDGE_LOCAL_ENDPOINTS."
        )
    return found[0]


def resolve_now(host: str, port: int) -> Sequence[str]:
    """All addresses of a host; empty where the name leads nowhere."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def resolve_in_time(host: str, port: int) -> Sequence[str]:
    """As `resolve_now`, and empty where the resolver takes too long."""
    found: list[Sequence[str]] = []
    # A thread that may be left behind: nothing else ends a look-up of the system.
    looking = threading.Thread(target=lambda: found.append(resolve_now(host, port)), daemon=True)
    looking.start()
    looking.join(RESOLVE_TIMEOUT_SECONDS)
    return found[0] if found else []


def check_on_save(url: str, local: Collection[str], resolver: Resolver | None = None) -> Address:
    """Read and check the address that somebody is saving.

    A name that does not resolve here, or not in time, is let through: workers may stand elsewhere,
    and every connection is checked again. Not for use inside a transaction: it waits for a network.

    Raises
    ------
    AddressError
    """
    address = read_address(url, local)
    if not address.is_simulator:
        found = (resolver or resolve_in_time)(address.host, address.port)
        if found:
            choose(address, found)
    return address


async def pin(address: Address, resolver: Resolver | None = None) -> str:
    """Resolve and check a host for one connection pool; the IP address to connect to.

    Raises
    ------
    AddressError
    """
    loop = asyncio.get_running_loop()
    look_up = resolver or resolve_now
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_SECONDS):
            found = await loop.run_in_executor(None, look_up, address.host, address.port)
    except TimeoutError:
        raise AddressError("The host's name could not be looked up in time.") from None
    return choose(address, found)
