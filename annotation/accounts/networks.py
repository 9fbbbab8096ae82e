"""From where a request comes, as coarsely as the login limits need it."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# What one household or office holds: whoever owns such a network can use any address in it.
IPV4_PREFIX = 24
IPV6_PREFIX = 64


def client_network(request: HttpRequest) -> str | None:
    """The first address of the client's network, or None where there is no address."""
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False).network_address)


def client_address(request: HttpRequest) -> str:
    if settings.BEHIND_TLS_PROXY:
        # The last entry is the proxy's own; those before it are the client's claims.
        forwarded = request.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))
