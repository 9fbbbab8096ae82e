"""Who asks: a script by its key, or somebody who is signed in by the browser, with CSRF."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotation.models import ApiToken, User

from .tokens import find_token

KEYWORD = "bearer"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer evs_…`. Whatever is wrong with a key, the answer is the same."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != KEYWORD:
            return None
        token = find_token(secret.strip())
        if token is None:
            raise AuthenticationFailed(
                "This key is unknown, has expired or was ended. Make another under your account."
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made under your account: `Authorization: Bearer evs_…`.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """As it is behind https: the cookie of a demo has a plain name."""

    target_class = "rest_framework.authentication.SessionAuthentication"
    name = "session"
    priority = 1

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-session",
            "description": "Of a browser that is signed in; writes need X-CSRFToken as well.",
        }


def account_of(request: Request) -> User | AnonymousUser:
    user = request.user
    return user if isinstance(user, User) else AnonymousUser()
