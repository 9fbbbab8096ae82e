"""Health checks, and the headers that every page carries."""

from __future__ import annotations

import json

import pytest
from django.db import DatabaseError
from django.test import Client

from evalsite import health

pytestmark = pytest.mark.django_db


def test_the_process_is_alive_without_asking_the_database(
    client: Client, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        response = client.get("/healthz")
    assert response.json() == {"status": "ok"}


def test_it_is_ready_when_the_database_has_every_migration(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


def test_it_is_not_ready_without_a_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise DatabaseError("password=secret host=10.0.0.1")

    monkeypatch.setattr(health._Migrations, "applied", False)
    monkeypatch.setattr(health, "MigrationExecutor", fail)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["fault"] == "the database does not answer"
    assert b"secret" not in response.content


@pytest.mark.parametrize("path", ["/healthz", "/sign-in/", "/no/such/page"])
def test_every_page_denies_by_default(client: Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin"
    assert headers["Cache-Control"] == "no-store, private"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "ETag" not in headers
    assert "Last-Modified" not in headers


def test_a_report_of_blocked_content_is_logged_without_the_page(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    report = {
        "csp-report": {
            "effective-directive": "script-src",
            "blocked-uri": "inline",
            "document-uri": "https://example.org/invitation/secret-token/",
        }
    }
    response = client.post("/csp-report", json.dumps(report), content_type="application/csp-report")
    assert response.status_code == 204
    assert "script-src" in caplog.text
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"csp-report": 3}', b"x" * 20_000, b"[" * 16_000]
)
def test_what_is_no_report_is_ignored(client: Client, body: bytes) -> None:
    response = client.post("/csp-report", body, content_type="application/csp-report")
    assert response.status_code == 204


def test_a_host_that_is_not_allowed_is_refused(client: Client) -> None:
    assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 400


def test_a_length_that_is_no_number_is_no_report(client: Client) -> None:
    response = client.post(
        "/csp-report", b"{}", content_type="application/csp-report", CONTENT_LENGTH="many"
    )
    assert response.status_code == 204


def test_missing_migrations_are_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health._Migrations, "applied", False)
    plan = "django.db.migrations.executor.MigrationExecutor.migration_plan"
    monkeypatch.setattr(plan, lambda self, targets: ["something"])
    response = client.get("/readyz")
    assert (response.status_code, response.json()["fault"]) == (503, "migrations are missing")
