"""The claim's queries go through the partial indexes, whatever the study's size."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from annotation import queue
from annotation.compiled import CompiledQuery
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Comparison,
    Prompt,
    Response,
    Study,
)
from annotation.queue.choosing import BETWEEN_PLACES, Seeker, choose
from annotation.queue.leases import reserved_by_anybody
from annotation.queue.locks import ANNOTATOR, lock_annotator
from annotation.queue.ring import RING
from tests.factories import make_annotator, make_comparison, make_open_study, make_system

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

PROMPTS = 1000


def make_large(**rules: Any) -> Study:
    """Three systems on many prompts: a few thousand comparisons."""
    study = make_open_study(rules=rules)
    systems = [make_system(study, f"s{number}") for number in range(3)]
    prompts = Prompt.objects.bulk_create(
        Prompt(study=study, prompt_id=f"many{number}", text="Why?") for number in range(PROMPTS)
    )
    responses = Response.objects.bulk_create(
        Response(prompt=prompt, system=system, text="So.")
        for prompt in prompts
        for system in systems
    )
    # Triggers look for the responses of each comparison.
    analyze("response", "prompt")
    rows: list[Comparison] = []
    for number, prompt in enumerate(prompts):
        one, two, three = responses[3 * number : 3 * number + 3]
        for response_a, response_b in [(one, two), (two, three), (one, three)]:
            rows.append(
                Comparison(
                    study=study,
                    item_id=f"i{len(rows)}",
                    prompt=prompt,
                    response_a=response_a,
                    response_b=response_b,
                    system_a=response_a.system,
                    system_b=response_b.system,
                )
            )
    Comparison.objects.bulk_create(rows, batch_size=500)
    for number in range(20):
        make_comparison(
            study,
            systems[0],
            systems[1],
            kind="gold",
            gold={"overall": ["a"]},
            item_id=f"g{number}",
        )
    queue.open_for_claims(study)
    return study


def do_most(study: Study, annotator: Annotator) -> None:
    """The annotator has done two thirds of everything."""
    version = study.versions.get()
    rows = Comparison.objects.filter(study=study, open=True).order_by("open_seq")
    Assignment.objects.bulk_create(
        Assignment(
            comparison=row,
            annotator=annotator,
            study_version=version,
            kind=row.kind,
            overlap=row.overlap,
            slot_no=1,
            swapped=False,
            state=AssignmentState.SUBMITTED,
            lease_expires_at=annotator.created_at,
        )
        for row in list(rows)[: 2 * PROMPTS]
    )
    # Without statistics the planner may join the whole tables, which takes longer than it may.
    analyze("assignment", "comparison")
    Comparison.objects.filter(assignments__annotator=annotator).update(taken=1)


def make_busy(study: Study) -> Annotator:
    """An annotator who has done most of a large study, and whom the planner knows."""
    annotator = make_annotator(study)
    do_most(study, annotator)
    analyze()
    return annotator


def use_indexes() -> None:
    """Whatever the size: the question is whether the plan may use one."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")


def analyze(*tables: str) -> None:
    with connection.cursor() as cursor:
        for table in tables or ("comparison", "assignment", "cell"):
            cursor.execute(f"ANALYZE annotation_{table}")


def plans_of(run: Any) -> list[str]:
    """The plans of all queries that read comparisons while something runs."""
    plans: list[str] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip("(").startswith("SELECT") and "annotation_comparison" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        run()
    return plans


def choose_once(annotator: Annotator) -> None:
    with transaction.atomic():
        holder = lock_annotator(annotator.pk)
        assert choose(Seeker.of(holder)) is not None


@pytest.mark.parametrize(
    ("policy", "index"),
    [
        ("uniform", "comparison_open_in_order"),
        ("adaptive", "comparison_open_in_cell"),
        ("emptiest", "comparison_open_in_cell"),
    ],
)
def test_the_next_pair_comes_from_the_index_of_open_ones(policy, index):
    annotator = make_busy(make_large(priorities={"policy": policy}))
    plans = plans_of(lambda: choose_once(annotator))
    assert index in plans[-1]
    assert "Sort" not in plans[-1]
    assert not any("Seq Scan on annotation_comparison" in plan for plan in plans)


def test_checks_are_found_among_much_work_by_the_index_of_what_has_no_place():
    study = make_large(checks={"gold_share": 0.5})
    annotator = make_annotator(study)
    analyze()
    plans = plans_of(lambda: [queue.claim(annotator, want=3)])
    gold = [plan for plan in plans if "comparison_without_place" in plan]
    assert gold
    assert not any("Seq Scan on annotation_comparison" in plan for plan in plans)


def prepared_plan(query: CompiledQuery[Any], **values: Any) -> str:
    """The plan that a connection keeps of a compiled query: made without its values."""
    statement = query.compiled(connection).statement
    sql = statement.sql
    for number in range(1, len(statement.params) + 1):
        sql = sql.replace("%s", f"${number}", 1)
    given = ", ".join(str(int(value)) for value in statement.values(connection, values))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE asked AS {sql}")
        cursor.execute(f"EXPLAIN EXECUTE asked ({given})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE asked")
    return plan


def test_whether_anything_is_sent_first_is_asked_of_the_index_in_a_prepared_plan_too():
    study = make_large()
    annotator = make_annotator(study)
    do_most(study, annotator)
    # A third was sent first and is full: hardly one that is open and has such a place is left.
    Comparison.objects.filter(study=study, open_seq__lt=RING // 3).update(
        open_seq=F("open_seq") - RING, open=False, taken=F("overlap")
    )
    analyze()
    plan = prepared_plan(ANNOTATOR, annotator=annotator.pk)
    assert "Seq Scan on annotation_comparison" not in plan
    assert "comparison_open_in_order" in plan


def test_a_prepared_claim_knows_that_an_index_holds_the_imported_votes():
    study = make_large()
    annotator = make_busy(study)
    use_indexes()
    plan = prepared_plan(
        BETWEEN_PLACES.compiled, annotator=annotator.pk, study=study.pk, start=0, end=RING
    )
    # Which index is cheaper hangs on what other tests left in the table's pages.
    assert "vote_imported_once" in plan or "'imported'" in plan
    assert "comparison_open_in_order" in plan


def test_what_somebody_holds_is_never_looked_for_among_everybodys_reservations():
    annotator = make_busy(make_large())
    use_indexes()
    with connection.cursor() as cursor:
        # With it, it is a matter of the tables' size which of two indexes seems cheaper.
        cursor.execute("DROP INDEX assignment_held_by")
    held = Assignment.objects.filter(annotator=annotator, state=AssignmentState.RESERVED)
    assert "assignment_by_annotator" in held.explain()


def test_lapsed_reservations_are_found_by_their_index():
    make_busy(make_large())
    lapsed = reserved_by_anybody().filter(lease_expires_at__lt=Now()).order_by("lease_expires_at")
    assert "assignment_reserved_in_order" in lapsed.explain()
