"""A request that fails is answered in words; a database that is away for a moment is no fault."""

from __future__ import annotations

from typing import NoReturn

import pytest
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpResponse
from django.test import Client
from psycopg.errors import (
    IdleInTransactionSessionTimeout,
    RaiseException,
    ReadOnlySqlTransaction,
    TransactionTimeout,
)

from annotation.compiled import CompiledQuery


def failing_client(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> Client:
    """A browser with a session, on a server whose sessions cannot be read."""

    def fail(query: object, **values: object) -> NoReturn:
        raise fault

    # Sessions are read by such a query, alone or with the annotator.
    monkeypatch.setattr(CompiledQuery, "rows", fail)
    client = Client(raise_request_exception=False)
    client.cookies["session"] = "x" * 32
    return client


def vote_with(client: Client) -> HttpResponse:
    return client.post(  # type: ignore[return-value]
        "/study/some/rate/vote", "{}", content_type="application/json"
    )


def refused_by(cause: Exception) -> InternalError:
    fault = InternalError("refused")
    fault.__cause__ = cause
    return fault


@pytest.mark.parametrize(
    "fault",
    [
        OperationalError("shutting down"),
        InterfaceError("closed"),
        refused_by(ReadOnlySqlTransaction("read-only")),
        refused_by(IdleInTransactionSessionTimeout("idle")),
        refused_by(TransactionTimeout("too long")),
    ],
)
def test_a_script_is_told_to_send_again(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    response = vote_with(failing_client(monkeypatch, fault))
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.json()["error"] == "database_busy"  # type: ignore[attr-defined]
    assert response.json()["stored"] is False  # type: ignore[attr-defined]


def test_a_person_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    response = failing_client(monkeypatch, OperationalError("shutting down")).get("/")
    assert response.status_code == 503
    assert "cannot use its database" in response.content.decode()
    assert "shutting down" not in response.content.decode()


@pytest.mark.parametrize(
    "fault", [ValueError("a secret detail"), refused_by(RaiseException("a secret detail"))]
)
def test_another_fault_stays_a_fault(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    response = failing_client(monkeypatch, fault).get("/")
    assert response.status_code == 500
    assert "a secret detail" not in response.content.decode()
