"""Whatever somebody does on the pages of the studio a script can do, too: no page without.

An address of these pages that is missing here fails, and so does an operation that is not described
or an entry whose address is gone.
"""

from __future__ import annotations

from annotation.api.description import describe
from annotation.researcher.steps import KEYS
from tests.annotation.test_route_matrix import MATRIX

AREAS = ("studio", "people", "progress", "annotators", "people_work")

# What a page does or shows, by operations of the API; several where it does several things.
BY_SCRIPT: dict[str, set[str]] = {
    "studio:new": {"studies_create"},
    "studio:basics": {"studies_get", "studies_configure"},
    "studio:content": {"prompts_list", "responses_list", "systems_list"},
    "studio:upload": {"imports_responses", "imports_prompts", "imports_comparisons"},
    "studio:one_upload": {"imports_responses"},
    "studio:store": {"imports_responses"},
    "studio:upload_list": {"imports_responses"},
    "studio:references": {"prompts_list", "references_set"},
    "studio:show_references": {"studies_configure"},
    "studio:rubric": {"rubric_get"},
    "studio:take_template": {"rubric_set"},
    "studio:new_criterion": {"rubric_set"},
    "studio:criterion": {"rubric_set"},
    "studio:move_criterion": {"rubric_set"},
    "studio:design": {"comparisons_generate", "comparisons_list", "plan_get"},
    "studio:identical": {"comparisons_generate"},
    "studio:checks": {"studies_configure"},
    "studio:asking": {"studies_configure"},
    "studio:quality_rules": {"studies_configure"},
    "studio:routing": {"studies_configure"},
    "studio:people": {"members_list", "invitations_list"},
    "studio:dry_run": {"rehearsal_run"},
    "studio:open": {"readiness_get", "studies_open"},
    "studio:running": {"studies_get", "log_list"},
    "studio:act": {"studies_pause", "studies_resume", "studies_close", "studies_archive"},
    "studio:unblind": {"studies_unblind"},
    "studio:change": {"studies_configure"},
    "studio:change_part": {"studies_configure"},
    "studio:change_question": {"rubric_set"},
    "studio:add_question": {"rubric_set"},
    "studio:add_pairs": {"comparisons_add"},
    "studio:clone": {"studies_clone"},
    "studio:challenge": {"studies_challenge"},
    "studio:job_progress": {"jobs_get"},
    "people:members": {"members_list"},
    "people:member": {"members_get"},
    "people:roles": {"members_roles"},
    "people:team": {"members_team"},
    "people:end": {"members_end"},
    "people:erase": {"members_erase"},
    "people:invitations": {"invitations_list"},
    "people:invitation_rows": {"invitations_list"},
    "people:invite": {"invitations_create"},
    "people:links": {"invitations_create"},
    "people:remind": {"invitations_remind"},
    "people:remind_all": {"invitations_remind_all"},
    "people:withdraw": {"invitations_withdraw"},
    "people:platform": {"studies_configure"},
    "people:crowd_link": {"crowd_links_create"},
    "people:crowd_withdraw": {"invitations_withdraw"},
    "people:questions": {"profile_questions_get", "profile_questions_set"},
    "people_work:file": {"annotators_file"},
    "people_work:payments": {"payments_file"},
    "people_work:payments_file": {"payments_file"},
    "progress:page": {"progress_get"},
    "progress:live": {"progress_get"},
    "progress:pace": {"progress_get"},
    "progress:votes": {"votes_list", "skips_list", "flags_list"},
    "progress:comparisons": {"comparisons_list"},
    "progress:evidence": {"findings_list", "reviews_list"},
    "progress:pair": {"votes_list"},
    "progress:answers": {"looks_ask"},
    "progress:log": {"log_list"},
    "annotators:page": {"quality_list"},
    "annotators:live": {"quality_list"},
    "annotators:one": {"quality_list", "findings_list"},
    "annotators:act": {"reviews_create", "annotators_pause", "messages_send"},
}
# What is of a page alone, and why.
OF_THE_PAGE: dict[str, str] = {
    "studio:overview": "leads to the step that is next",
    "studio:preview": "shows how Markdown looks while it is typed",
    "studio:set_columns": "a script writes the names of its columns itself",
    "studio:discard": "an import of a script waits for no decision",
    "studio:upload_progress": "an import of a script answers once it is done",
    "studio:dry_rate": "shows the annotators' page",
    "studio:dry_next": "of the annotators' page in the dry run",
    "studio:dry_vote": "of the annotators' page in the dry run",
    "studio:dry_skip": "of the annotators' page in the dry run",
    "studio:dry_flag": "of the annotators' page in the dry run",
    "studio:dry_renew": "of the annotators' page in the dry run",
    "studio:dry_undo": "of the annotators' page in the dry run",
    "studio:dry_session": "of the annotators' page in the dry run",
    "studio:dry_draft": "of the annotators' page in the dry run",
    "studio:dry_keys": "of the annotators' page in the dry run",
    "studio:dry_summary": "of the annotators' page in the dry run",
}


def operations() -> set[str]:
    return {
        operation["operationId"]
        for path in describe()["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    }


def test_every_address_of_the_studio_has_its_counterpart_or_a_reason():
    addresses = {name for name in MATRIX if name.partition(":")[0] in AREAS}
    assert {f"studio:{key}" for key in KEYS} <= addresses
    assert addresses == {*BY_SCRIPT, *OF_THE_PAGE}
    assert not set(BY_SCRIPT) & set(OF_THE_PAGE)


def test_every_counterpart_is_an_operation():
    named = set().union(*BY_SCRIPT.values())
    assert named - operations() == set()
