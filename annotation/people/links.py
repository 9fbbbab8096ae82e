"""The address of an invitation, for a person to open."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from annotation.page_rules import Crowd

from .refusals import InvalidSiteURLError


def check_base_url(base_url: str = "") -> str:
    """The base of links: `base_url`, or the setting SITE_URL if it is empty.

    Raises
    ------
    InvalidSiteURLError
        If the base is not an address such as https://evaluations.example.org
    """
    base = (base_url or settings.SITE_URL).rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InvalidSiteURLError(
            f"{base!r} is no address of a site; give one like https://evaluations.example.org"
        )
    return base


def invitation_url(token: str, base_url: str = "") -> str:
    """The link that carries `token`; see `check_base_url` for its base and errors."""
    return check_base_url(base_url) + reverse("invitation", kwargs={"token": token})


def crowd_url(token: str, crowd: Crowd, base_url: str = "") -> str:
    """The link for a platform, with the places where it puts its names, as Prolific writes them."""
    names = (crowd.participant, crowd.study, crowd.session)
    places = "&".join(f"{name}={{{{%{name}%}}}}" for name in names)
    return check_base_url(base_url) + reverse("crowd_start", kwargs={"token": token}) + f"?{places}"
