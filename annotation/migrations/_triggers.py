"""SQL of the triggers that hold what a CHECK cannot see, for both engines.

Used by migrations only; it imports no application code. Each trigger has the same name and the
same message on SQLite and PostgreSQL.
"""

from __future__ import annotations

from django.db import migrations


def append_only(table: str, *, update: bool = True) -> migrations.RunPython:
    """Refuse UPDATE (unless `update` is False) and DELETE on `table`; on PostgreSQL TRUNCATE too."""
    events = ["DELETE", "UPDATE"] if update else ["DELETE"]

    def create(apps, schema_editor):
        vendor = schema_editor.connection.vendor
        for event in events:
            name = f"{table}_no_{event.lower()}"
            message = f"{table} is append-only"
            if vendor == "sqlite":
                schema_editor.execute(
                    f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
            else:
                schema_editor.execute(refuse_function(table, message))
                schema_editor.execute(
                    f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
                    f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
                )
        if vendor == "postgresql":
            schema_editor.execute(
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
            )

    def drop(apps, schema_editor):
        vendor = schema_editor.connection.vendor
        for event in events:
            name = f"{table}_no_{event.lower()}"
            on = f" ON {table}" if vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
        if vendor == "postgresql":
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_truncate ON {table}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {table}_refuse()")

    return migrations.RunPython(create, drop, elidable=False)


def refuse_function(table: str, message: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger AS $$ "
        f"BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END "
        "$$ LANGUAGE plpgsql"
    )


def demands(
    name: str, table: str, events: list[str], condition: str, message: str
) -> migrations.RunPython:
    """Refuse a row of `table` for which `condition` (SQL over NEW) is not true."""

    def create(apps, schema_editor):
        vendor = schema_editor.connection.vendor
        if vendor == "sqlite":
            for event in events:
                schema_editor.execute(
                    f"CREATE TRIGGER {name}_{event.split()[0].lower()} BEFORE {event} ON {table} "
                    f"WHEN NOT COALESCE(({condition}), 0) "
                    f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
        else:
            schema_editor.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ "
                f"BEGIN IF NOT COALESCE(({condition}), FALSE) THEN "
                f"RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF; "
                "RETURN NEW; END $$ LANGUAGE plpgsql"
            )
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {' OR '.join(events)} ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {name}()"
            )

    def drop(apps, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            for event in events:
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}_{event.split()[0].lower()}")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")

    return migrations.RunPython(create, drop, elidable=False)


def keeps_overall() -> migrations.RunPython:
    """Refuse to delete or rename the criterion `overall`, which always exists."""
    message = "the criterion overall always exists"
    table = "annotation_criterion"
    events = {
        "criterion_overall_no_delete": ("DELETE", "OLD.key = 'overall'"),
        "criterion_overall_keeps_key": (
            "UPDATE OF key",
            "OLD.key = 'overall' AND NEW.key <> 'overall'",
        ),
    }

    def create(apps, schema_editor):
        for name, (event, condition) in events.items():
            if schema_editor.connection.vendor == "sqlite":
                schema_editor.execute(
                    f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} "
                    f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
                )
                continue
            schema_editor.execute(refuse_function(name, message))
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW "
                f"WHEN ({condition}) EXECUTE FUNCTION {name}_refuse()"
            )

    def drop(apps, schema_editor):
        for name in events:
            on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")
            if on:
                schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}_refuse()")

    return migrations.RunPython(create, drop, elidable=False)


REVIEWS = [append_only("annotation_qualityreview")]


def set_aside(triggers: list[migrations.RunPython]) -> migrations.RunPython:
    """Drop triggers that stand already, for the operations up to `put_back`.

    SQLite adds a column by making the table anew, and refuses while a trigger names it.
    """
    return migrations.RunPython(each_reverse(triggers), each(triggers), elidable=False)


def put_back(triggers: list[migrations.RunPython]) -> migrations.RunPython:
    """Create again what `set_aside` dropped."""
    return migrations.RunPython(each(triggers), each_reverse(triggers), elidable=False)


def each(triggers: list[migrations.RunPython]):
    def create(apps, schema_editor):
        for trigger in triggers:
            trigger.code(apps, schema_editor)

    return create


def each_reverse(triggers: list[migrations.RunPython]):
    def drop(apps, schema_editor):
        for trigger in reversed(triggers):
            trigger.reverse_code(apps, schema_editor)

    return drop


ANNOTATION = [
    keeps_overall(),
    append_only("annotation_vote"),
    append_only("annotation_votecriterion"),
    append_only("annotation_exclusion"),
    append_only("annotation_flag"),
    append_only("annotation_adjudication"),
    append_only("annotation_auditentry"),
    append_only("annotation_studyversion"),
    demands(
        "comparison_of_one_prompt",
        "annotation_comparison",
        # Not on every UPDATE: the queue changes its counters with each claim.
        [
            "INSERT",
            "UPDATE OF study_id, prompt_id, response_a_id, response_b_id, system_a_id, system_b_id",
        ],
        "EXISTS (SELECT 1 FROM annotation_response a, annotation_response b, annotation_prompt p "
        "WHERE a.id = NEW.response_a_id AND b.id = NEW.response_b_id AND p.id = NEW.prompt_id "
        "AND a.prompt_id = NEW.prompt_id AND b.prompt_id = NEW.prompt_id "
        "AND a.system_id = NEW.system_a_id AND b.system_id = NEW.system_b_id "
        "AND p.study_id = NEW.study_id)",
        "a comparison has two responses to its own prompt, and their systems",
    ),
    demands(
        "assignment_copies_comparison",
        "annotation_assignment",
        # Not on every UPDATE: leases are renewed often, and a later version may have raised the
        # overlap of a comparison whose slots are held.
        ["INSERT", "UPDATE OF slot_no, overlap, kind, comparison_id"],
        "EXISTS (SELECT 1 FROM annotation_comparison c "
        "WHERE c.id = NEW.comparison_id AND c.kind = NEW.kind "
        "AND (NEW.slot_no IS NULL OR c.overlap = NEW.overlap))",
        "an assignment carries the kind and the overlap of its comparison",
    ),
    demands(
        "assignment_stays_what_it_was",
        "annotation_assignment",
        ["UPDATE OF swapped, comparison_id, annotator_id, pass_no"],
        "NEW.swapped = OLD.swapped AND NEW.comparison_id = OLD.comparison_id "
        "AND NEW.annotator_id = OLD.annotator_id AND NEW.pass_no = OLD.pass_no",
        "an assignment keeps its comparison, its annotator, its pass and its side",
    ),
    demands(
        "assignment_within_its_study",
        "annotation_assignment",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_annotator r, annotation_comparison c "
        "WHERE r.id = NEW.annotator_id AND c.id = NEW.comparison_id AND r.study_id = c.study_id)",
        "an assignment is of an annotator and a comparison of one study",
    ),
    demands(
        "response_within_its_study",
        "annotation_response",
        ["INSERT", "UPDATE OF prompt_id, system_id"],
        "EXISTS (SELECT 1 FROM annotation_prompt p, annotation_system s "
        "WHERE p.id = NEW.prompt_id AND s.id = NEW.system_id AND p.study_id = s.study_id)",
        "a response is of a prompt and a system of one study",
    ),
    demands(
        "comparison_keeps_its_kind",
        "annotation_comparison",
        ["UPDATE OF kind"],
        "NEW.kind = OLD.kind OR NOT EXISTS "
        "(SELECT 1 FROM annotation_assignment s WHERE s.comparison_id = NEW.id)",
        "a comparison that was assigned keeps its kind",
    ),
    demands(
        "vote_criterion_of_another_question",
        "annotation_votecriterion",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_criterion c "
        "WHERE c.id = NEW.criterion_id AND c.key <> 'overall')",
        "the decision on overall is the vote itself",
    ),
    demands(
        "vote_criterion_of_its_vote",
        "annotation_votecriterion",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_vote v, annotation_comparison c, annotation_criterion k "
        "WHERE v.id = NEW.vote_id AND c.id = v.comparison_id AND k.id = NEW.criterion_id "
        "AND k.study_id = c.study_id "
        "AND (v.swapped = NEW.swapped OR (v.swapped IS NULL AND NEW.swapped IS NULL)))",
        "a further decision has the study and the side of its vote",
    ),
    demands(
        "vote_within_its_study",
        "annotation_vote",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_annotator r, annotation_comparison c "
        "WHERE r.id = NEW.annotator_id AND c.id = NEW.comparison_id AND r.study_id = c.study_id)",
        "a vote is of an annotator and a comparison of one study",
    ),
    demands(
        "vote_of_its_assignment",
        "annotation_vote",
        ["INSERT"],
        "NEW.assignment_id IS NULL OR EXISTS (SELECT 1 FROM annotation_assignment s "
        "WHERE s.id = NEW.assignment_id AND s.comparison_id = NEW.comparison_id "
        "AND s.annotator_id = NEW.annotator_id AND s.swapped = NEW.swapped)",
        "a vote has the comparison, the annotator and the side of its assignment",
    ),
]

QUALITY = [
    append_only("annotation_qualityfinding"),
    append_only("annotation_qualityreview"),
    demands(
        "cell_within_its_study",
        "annotation_cell",
        ["INSERT", "UPDATE OF study_id, system_a_id, system_b_id"],
        "EXISTS (SELECT 1 FROM annotation_system a, annotation_system b "
        "WHERE a.id = NEW.system_a_id AND b.id = NEW.system_b_id "
        "AND a.study_id = NEW.study_id AND b.study_id = NEW.study_id)",
        "a cell is of two systems of its study",
    ),
    demands(
        "comparison_of_its_cell",
        "annotation_comparison",
        ["INSERT", "UPDATE OF cell_id"],
        "NEW.cell_id IS NULL OR EXISTS (SELECT 1 FROM annotation_cell c "
        "WHERE c.id = NEW.cell_id AND c.study_id = NEW.study_id AND "
        "((c.system_a_id = NEW.system_a_id AND c.system_b_id = NEW.system_b_id) OR "
        "(c.system_a_id = NEW.system_b_id AND c.system_b_id = NEW.system_a_id)))",
        "a comparison lies in the cell of its two systems",
    ),
    demands(
        "finding_within_its_study",
        "annotation_qualityfinding",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_annotator r, annotation_studyversion v "
        "WHERE r.id = NEW.annotator_id AND v.id = NEW.study_version_id "
        "AND r.study_id = v.study_id)",
        "a finding is of an annotator and a version of one study",
    ),
]

ADJUDICATION = [
    demands(
        "adjudication_of_its_study",
        "annotation_adjudication",
        ["INSERT"],
        "EXISTS (SELECT 1 FROM annotation_criterion k, annotation_comparison c "
        "WHERE k.id = NEW.criterion_id AND c.id = NEW.comparison_id AND k.study_id = c.study_id)",
        "an adjudication is on a criterion of the study of its comparison",
    ),
    demands(
        "adjudication_case_stays_what_it_was",
        "annotation_adjudicationcase",
        ["UPDATE OF public_id, comparison_id, adjudicator_id, swapped"],
        "NEW.public_id = OLD.public_id AND NEW.comparison_id = OLD.comparison_id "
        "AND NEW.adjudicator_id = OLD.adjudicator_id AND NEW.swapped = OLD.swapped",
        "a case keeps its comparison, its adjudicator and its side",
    ),
]

FLAG_LOSES_ITS_NOTE = demands(
    "annotation_flag_loses_only_its_note",
    "annotation_flag",
    ["UPDATE"],
    "NEW.note = '' AND NEW.id = OLD.id AND NEW.assignment_id = OLD.assignment_id "
    "AND NEW.reason = OLD.reason AND NEW.created_at = OLD.created_at AND OLD.note <> ''",
    "annotation_flag is append-only",
)


def let_flags_lose_their_notes() -> list[migrations.RunPython]:
    """Let an erasure empty the note of a flag, and refuse every other UPDATE as before."""
    name, table = "annotation_flag_no_update", "annotation_flag"

    def drop(apps, schema_editor):
        on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f"DROP TRIGGER {name}{on}")

    def create(apps, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        else:
            schema_editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
            )

    return [migrations.RunPython(drop, create, elidable=False), FLAG_LOSES_ITS_NOTE]
