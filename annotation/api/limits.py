"""How often one account, or one network that is nobody, may ask. Counted in each web process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.cache.backends.locmem import LocMemCache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from annotation.accounts.networks import client_network
from annotation.models import User

if TYPE_CHECKING:
    # The framework reads this module while it makes that class.
    from rest_framework.views import APIView

# Accounts and networks that a process counts at once; the framework's 300 would forget them.
MOST_COUNTED = 100_000

SAFE = ("GET", "HEAD", "OPTIONS")


class AccountThrottle(SimpleRateThrottle):
    """Reads and writes apart, by account; strangers by network."""

    # The process's own: the site's cache may be a shared one that keeps text alone.
    cache = LocMemCache("annotation.api.limits", {"OPTIONS": {"MAX_ENTRIES": MOST_COUNTED}})

    def __init__(self) -> None:
        """The rate is chosen with the request."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.user, User):
            self.scope = "anonymous"
        else:
            self.scope = "read" if request.method in SAFE else "write"
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        user = request.user
        who = user.pk if isinstance(user, User) else client_network(request._request)
        return self.cache_format % {"scope": self.scope, "ident": who}


class StrangerThrottle(AccountThrottle):
    """Requests with a key that is none, by network, with those that bring none at all."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.scope = "anonymous"
        self.rate = self.get_rate()
        self.num_requests, self.duration = self.parse_rate(self.rate)
        # Nothing is asked of the request's user: there is none, and asking would say so again.
        return SimpleRateThrottle.allow_request(self, request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        ident = client_network(request._request)
        return self.cache_format % {"scope": self.scope, "ident": ident}
