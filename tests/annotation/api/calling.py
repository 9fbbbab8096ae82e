"""Calling the API as a script does: a key, JSON in, JSON out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from annotation.api.tokens import Scope, issue_token
from annotation.models import Role, Study, User
from tests import factories


@dataclass
class Caller:
    """Somebody with a key."""

    secret: str
    client: Client = field(default_factory=Client)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = {} if body is None else {"data": json.dumps(body)}
        return self.client.generic(
            method,
            f"/api/v1/{path}",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
            **content,
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, **headers)

    def file(self, path: str, content: bytes, media_type: str = "application/jsonl") -> Any:
        return self.client.generic(
            "POST",
            f"/api/v1/{path}",
            content,
            content_type=media_type,
            headers={"Authorization": f"Bearer {self.secret}"},
        )


def caller(user: User, *scopes: Scope, study: Study | None = None) -> Caller:
    """A key with these scopes, or with all."""
    return Caller(issue_token(user, "test", scopes or tuple(Scope), study=study).secret)


def member(study: Study, role: Role, *scopes: Scope) -> Caller:
    if role == Role.ANNOTATOR:
        user = factories.make_annotator(study, factories.make_user()).user
    else:
        user = factories.make_membership(study, role).user
    assert user is not None
    return caller(user, *scopes)
