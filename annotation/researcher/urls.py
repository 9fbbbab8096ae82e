"""The addresses of setting a study up, under studies/new/ and study/<slug>/set-up/."""

from django.urls import path

from . import (
    adding,
    basics,
    changing,
    content,
    copying,
    design,
    dry_run,
    jobs,
    opening,
    people,
    references,
    rubric,
    running,
)

app_name = "studio"

SET_UP = "study/<slug:slug>/set-up/"
UPLOAD = f"{SET_UP}content/<uuid:upload>/"
DRY = f"{SET_UP}dry-run/rate/"

urlpatterns = [
    path("studies/new/", basics.new, name="new"),
    path(SET_UP, basics.overview, name="overview"),
    path(f"{SET_UP}basics/", basics.basics, name="basics"),
    path(f"{SET_UP}basics/preview", basics.preview, name="preview"),
    path(f"{SET_UP}content/", content.content, name="content"),
    path(f"{SET_UP}content/upload", content.upload, name="upload"),
    path(f"{SET_UP}content/references/", references.references, name="references"),
    path(f"{SET_UP}content/references/show", references.show_references, name="show_references"),
    path(UPLOAD, content.one_upload, name="one_upload"),
    path(f"{UPLOAD}progress", content.upload_progress, name="upload_progress"),
    path(f"{UPLOAD}columns", content.set_columns, name="set_columns"),
    path(f"{UPLOAD}store", content.store, name="store"),
    path(f"{UPLOAD}discard", content.discard, name="discard"),
    path(f"{UPLOAD}lists/<str:name>", content.upload_list, name="upload_list"),
    path(f"{SET_UP}rubric/", rubric.rubric, name="rubric"),
    path(f"{SET_UP}rubric/template", rubric.take_template, name="take_template"),
    path(f"{SET_UP}rubric/new/", rubric.new_criterion, name="new_criterion"),
    # Keys of files may be any text, with a / as well.
    path(f"{SET_UP}rubric/criterion/<path:key>/", rubric.criterion, name="criterion"),
    path(f"{SET_UP}rubric/move/<path:key>/", rubric.move_criterion, name="move_criterion"),
    path(f"{SET_UP}design/", design.design, name="design"),
    path(f"{SET_UP}design/identical", design.identical, name="identical"),
    path(f"{SET_UP}design/checks/", design.checks, name="checks"),
    path(f"{SET_UP}design/asking/", design.asking, name="asking"),
    path(f"{SET_UP}design/quality/", design.quality_rules, name="quality_rules"),
    path(f"{SET_UP}design/routing/", design.routing, name="routing"),
    path(f"{SET_UP}people/", people.people, name="people"),
    path(f"{SET_UP}dry-run/", dry_run.dry_run, name="dry_run"),
    path(DRY, dry_run.rate, name="dry_rate"),
    path(f"{DRY}next", dry_run.dry_next, name="dry_next"),
    path(f"{DRY}vote", dry_run.dry_vote, name="dry_vote"),
    path(f"{DRY}skip", dry_run.dry_skip, name="dry_skip"),
    path(f"{DRY}flag", dry_run.dry_flag, name="dry_flag"),
    path(f"{DRY}renew", dry_run.dry_renew, name="dry_renew"),
    path(f"{DRY}undo", dry_run.dry_undo, name="dry_undo"),
    path(f"{DRY}session", dry_run.dry_session, name="dry_session"),
    path(f"{DRY}draft", dry_run.dry_draft, name="dry_draft"),
    path(f"{DRY}keys", dry_run.dry_keys, name="dry_keys"),
    path(f"{DRY}summary", dry_run.dry_summary, name="dry_summary"),
    path(f"{SET_UP}jobs/<uuid:job>/progress", jobs.job_progress, name="job_progress"),
    path(f"{SET_UP}open/", opening.open_page, name="open"),
    path(f"{SET_UP}running/", running.running, name="running"),
    path(f"{SET_UP}running/unblind/", running.unblind, name="unblind"),
    path(f"{SET_UP}running/change/", changing.change, name="change"),
    path(f"{SET_UP}running/change/pairs/", adding.add_pairs, name="add_pairs"),
    path(f"{SET_UP}running/change/add-question/", changing.change_question, name="add_question"),
    path(
        f"{SET_UP}running/change/questions/<path:key>/",
        changing.change_question,
        name="change_question",
    ),
    path(f"{SET_UP}running/change/<slug:part>/", changing.change, name="change_part"),
    path(f"{SET_UP}running/<slug:action>/", running.act, name="act"),
    path(f"{SET_UP}clone/", copying.clone, name="clone"),
    path(f"{SET_UP}challenge/", copying.challenge, name="challenge"),
]
