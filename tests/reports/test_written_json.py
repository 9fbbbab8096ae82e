"""A result comes back as it was written, and its column is text on both engines."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from reports import analysis
from reports.models import AnalysisRun
from tests.factories import make_study, make_system

# Numbers that PostgreSQL's own kind writes otherwise, an order of keys, and a letter it refuses.
RESULT = {
    "z": 1e16,
    "a": [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, 2**63 - 1, True],
    "text": 'é\u0000\u2028 \\ " </script> 函数 😀',
    "n": None,
}


def kept(**values: object) -> AnalysisRun:
    made = AnalysisRun.objects.create(
        study=make_study(), input_sha256="0" * 64, settings={}, seed=0, versions={}, **values
    )
    return AnalysisRun.objects.get(pk=made.pk)


@pytest.mark.django_db
def test_what_was_written_comes_back_to_the_last_digit() -> None:
    result = kept(result=RESULT).result
    assert result == RESULT
    assert list(result) == list(RESULT)
    assert str(result["a"]) == str(RESULT["a"])
    assert type(result["z"]) is float


@pytest.mark.django_db
def test_its_column_is_text() -> None:
    kept(result={"counts": {"votes": 1}})
    kind = "typeof(result)" if connection.vendor == "sqlite" else "pg_typeof(result)::text"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}, result FROM reports_analysisrun")  # noqa: S608 - ours
        assert cursor.fetchall() == [("text", '{"counts":{"votes":1}}')]


@pytest.mark.django_db
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("depth", [0, 3])
def test_what_no_json_number_is_is_not_stored(number: float, depth: int) -> None:
    """Least of all as null, which says that nothing is known."""
    inner: object = number
    for _ in range(depth):
        inner = [{"b": (1, inner)}]
    with pytest.raises(ValueError, match="JSON"):
        kept(result={"a": inner})


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_large_report_is_compressed_by_the_quicker_method_that_there_is() -> None:
    study = make_study()
    for _ in range(100):
        make_system(study)
    run = analysis.run(study)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_column_compression(result) FROM reports_analysisrun WHERE id = %s", [run.pk]
        )
        (method,) = cursor.fetchone()
        cursor.execute(
            "SELECT 'lz4' = ANY (enumvals) FROM pg_settings "
            "WHERE name = 'default_toast_compression'"
        )
        (has_quicker,) = cursor.fetchone()
    assert method == ("lz4" if has_quicker else "pglz")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_results_stored_before_are_read_after() -> None:
    """They were jsonb; the table stays append-only."""
    call_command("migrate", "reports", "0002", verbosity=0)
    try:
        study = make_study()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO reports_analysisrun (study_id, input_sha256, settings, seed, versions,"
                " result, created_at) VALUES (%s, '', '{}', 0, '{}', '{\"a\": [1.5]}', now())",
                [study.pk],
            )
    finally:
        call_command("migrate", "reports", verbosity=0)
    assert AnalysisRun.objects.get(study=study).result == {"a": [1.5]}
