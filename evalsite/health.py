"""Liveness and readiness, for supervisors and load balancers; no names, no versions."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from annotation.access import public


@public
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is asked, so that a slow database never kills it."""
    return JsonResponse({"status": "ok"})


@public
def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers, can be written to and has every migration; else 503 with the fault."""
    fault = database_fault()
    if fault:
        return JsonResponse({"status": "not ready", "fault": fault}, status=503)
    return JsonResponse({"status": "ready"})


class _Migrations:
    """Whether all were seen to be applied. They stay so, and asking costs a walk of the disk."""

    applied = False


def migrations_are_missing() -> bool:
    if not _Migrations.applied:
        executor = MigrationExecutor(connection)
        _Migrations.applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return not _Migrations.applied


def database_fault() -> str:
    """An empty string, or what keeps this process from doing its work."""
    try:
        if migrations_are_missing():
            return "migrations are missing"
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SHOW transaction_read_only")
            else:
                cursor.execute("PRAGMA query_only")
            if str(cursor.fetchone()[0]) in ("on", "1"):
                return "the database is read-only"
    except DatabaseError:
        return "the database does not answer"
    return ""
