"""Every route of the project for every kind of visitor.

The table says who may open what, in words of its own: a route that is missing here, or that
declares something else, fails. Then each is requested as everybody.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.contrib.auth import SESSION_KEY
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import people
from annotation.access import AccessKind
from annotation.access.declarations import access_of
from annotation.access.routes import Route, list_routes
from annotation.importing import spool
from annotation.models import (
    AdjudicationCase,
    Annotator,
    CaseState,
    Comparison,
    ImportKind,
    JobState,
    Message,
    Role,
    Study,
    StudyJob,
    StudyState,
    Upload,
    User,
)
from reports import requests
from reports.models import AnalysisRun
from tests import factories

pytestmark = pytest.mark.django_db

PUBLIC = AccessKind.PUBLIC
SIGNED_IN = AccessKind.SIGNED_IN
EVERYBODY = frozenset(Role)
OWNERS = frozenset({Role.OWNER})
READERS = frozenset({Role.OWNER, Role.RESEARCHER})
WATCHERS = READERS | {Role.MONITOR}
ANNOTATORS = frozenset({Role.ANNOTATOR})
ADJUDICATORS = frozenset({Role.ADJUDICATOR})


@dataclass(frozen=True)
class Row:
    """Who may open a route, how it is requested, and what else its address needs."""

    audience: AccessKind | frozenset[Role]
    method: str = "get"
    kwargs: dict[str, object] = field(default_factory=dict)
    study: dict[str, object] = field(default_factory=lambda: {"state": StudyState.OPEN})
    # The address names a case that lies on the visitor's own desk.
    own_case: bool = False
    # The address names an account, an invitation or a platform's link of the study.
    of_study: str = ""
    # The address names a pair that the visitor has answered.
    own_vote: bool = False
    # The address names an upload of the study, whose lists lie in the spool.
    own_upload: bool = False
    # The address names a step of the set-up that the background does.
    own_job: bool = False
    # Of those who are signed in, only those who may begin a study.
    some_accounts: bool = False
    # A further method that the address takes.
    also: str = ""
    # What the view declares, where it decides among those by itself.
    also_declared: frozenset[Role] = frozenset()
    # The address names a message to the visitor.
    own_message: bool = False
    # The address names a comparison, or an annotator, of the study.
    names_comparison: bool = False
    names_annotator: bool = False
    # The address names a judge version of the study; with `pair` also a pair that it judged.
    judged: bool = False
    pair: bool = False


# Whoever may see outcomes at all may see them then.
# Uploads are shown while a study is a draft.
DRAFT = {"state": StudyState.DRAFT}
UNBLINDED = {"state": StudyState.CLOSED, "unblinded_at": timezone.now()}

CLOSED = {"state": StudyState.CLOSED}

MATRIX = {
    "healthz": Row(PUBLIC),
    "readyz": Row(PUBLIC),
    "csp_report": Row(PUBLIC, "post"),
    "choose_language": Row(PUBLIC, "post"),
    "words": Row(PUBLIC, kwargs={"language": "de", "digest": "0123456789ab"}),
    "sign_in": Row(PUBLIC),
    "sign_out": Row(PUBLIC, "post"),
    "invitation": Row(PUBLIC, kwargs={"token": "x" * 43}),
    "crowd_start": Row(PUBLIC, kwargs={"token": "x" * 43}),
    "home": Row(SIGNED_IN),
    "reports:statistics_guide": Row(SIGNED_IN),
    "change_password": Row(SIGNED_IN),
    "rating:page": Row(ANNOTATORS),
    "rating:about_you": Row(ANNOTATORS),
    "rating:next": Row(ANNOTATORS, "post"),
    "rating:vote": Row(ANNOTATORS, "post"),
    "rating:skip": Row(ANNOTATORS, "post"),
    "rating:flag": Row(ANNOTATORS, "post"),
    "rating:renew": Row(ANNOTATORS, "post"),
    "rating:undo": Row(ANNOTATORS, "post"),
    "rating:draft": Row(ANNOTATORS, "post"),
    "rating:keys": Row(ANNOTATORS, "post"),
    "rating:summary": Row(ANNOTATORS, "post"),
    "rating:answers": Row(ANNOTATORS),
    "rating:answer": Row(ANNOTATORS, own_vote=True),
    "rating:messages": Row(ANNOTATORS),
    "rating:read_message": Row(ANNOTATORS, "post", own_message=True),
    "rating:session": Row(ANNOTATORS),
    "adjudication:desk": Row(ADJUDICATORS),
    "adjudication:next": Row(ADJUDICATORS, "post"),
    "adjudication:case": Row(ADJUDICATORS, own_case=True),
    "adjudication:decide": Row(ADJUDICATORS, "post", own_case=True),
    "adjudication:skip": Row(ADJUDICATORS, "post", own_case=True),
    "studio:new": Row(SIGNED_IN, some_accounts=True),
    "studio:overview": Row(READERS),
    "studio:basics": Row(READERS),
    "studio:preview": Row(READERS, "post"),
    "studio:content": Row(READERS),
    "studio:upload": Row(READERS, "post"),
    "studio:references": Row(READERS),
    "studio:show_references": Row(READERS, "post"),
    "studio:one_upload": Row(READERS, study=DRAFT, own_upload=True),
    "studio:upload_progress": Row(READERS, study=DRAFT, own_upload=True),
    "studio:set_columns": Row(READERS, "post", study=DRAFT, own_upload=True),
    "studio:store": Row(READERS, "post", study=DRAFT, own_upload=True),
    "studio:discard": Row(READERS, "post", study=DRAFT, own_upload=True),
    "studio:upload_list": Row(READERS, kwargs={"name": "names.csv"}, study=DRAFT, own_upload=True),
    "studio:rubric": Row(READERS),
    "studio:take_template": Row(READERS, "post"),
    "studio:new_criterion": Row(READERS),
    "studio:criterion": Row(READERS, kwargs={"key": "overall"}),
    "studio:move_criterion": Row(READERS, "post", kwargs={"key": "overall"}),
    "studio:design": Row(READERS),
    "studio:identical": Row(READERS, "post"),
    "studio:checks": Row(READERS),
    "studio:asking": Row(READERS),
    "studio:quality_rules": Row(READERS),
    "studio:routing": Row(READERS),
    "studio:people": Row(READERS),
    "studio:dry_run": Row(READERS),
    "studio:dry_rate": Row(READERS),
    "studio:dry_next": Row(READERS, "post"),
    "studio:dry_vote": Row(READERS, "post"),
    "studio:dry_skip": Row(READERS, "post"),
    "studio:dry_flag": Row(READERS, "post"),
    "studio:dry_renew": Row(READERS, "post"),
    "studio:dry_undo": Row(READERS, "post"),
    "studio:dry_session": Row(READERS),
    "studio:dry_draft": Row(READERS, "post"),
    "studio:dry_keys": Row(READERS, "post"),
    "studio:dry_summary": Row(READERS, "post"),
    "studio:open": Row(READERS),
    "studio:job_progress": Row(READERS, own_job=True),
    "studio:running": Row(READERS),
    "studio:unblind": Row(READERS, study=CLOSED),
    "studio:change": Row(READERS),
    "studio:change_part": Row(READERS, kwargs={"part": "checks"}),
    "studio:add_question": Row(READERS),
    "studio:add_pairs": Row(READERS),
    "studio:change_question": Row(READERS, kwargs={"key": "overall"}),
    "studio:act": Row(READERS, kwargs={"action": "pause"}),
    "studio:clone": Row(READERS),
    "studio:challenge": Row(READERS, study=CLOSED),
    "reports:planner": Row(READERS),
    "keys:tokens": Row(SIGNED_IN, also="post"),
    "keys:revoke": Row(SIGNED_IN, "post", kwargs={"token": 0}),
    "api_schema": Row(SIGNED_IN),
    "api_nothing": Row(PUBLIC, kwargs={"rest": "v2/studies"}),
    "api:studies": Row(SIGNED_IN, also="post"),
    "api:study": Row(EVERYBODY, also="patch"),
    "api:rubric": Row(EVERYBODY, also="put"),
    "api:generate": Row(READERS, "post"),
    "api:job": Row(READERS, own_job=True),
    "api:readiness": Row(READERS),
    "api:open": Row(READERS, "post"),
    "api:pause": Row(READERS, "post"),
    "api:resume": Row(READERS, "post"),
    "api:close": Row(READERS, "post"),
    "api:archive": Row(READERS, "post"),
    "api:unblind": Row(READERS, "post"),
    "api:import_responses": Row(READERS, "post"),
    "api:import_prompts": Row(READERS, "post"),
    "api:import_comparisons": Row(READERS, "post"),
    "api:import_votes": Row(READERS, "post"),
    "api:systems": Row(READERS),
    "api:prompts": Row(READERS),
    "api:responses": Row(READERS),
    "api:comparisons": Row(READERS),
    "api:members": Row(READERS),
    "api:member": Row(READERS, of_study="account"),
    "api:member_roles": Row(READERS, "put", of_study="account"),
    "api:member_team": Row(READERS, "put", of_study="account"),
    "api:member_end": Row(READERS, "post", of_study="account"),
    "api:member_erase": Row(OWNERS, "delete", of_study="account"),
    "api:invitations": Row(READERS, also="post"),
    "api:invitation": Row(READERS, "delete", of_study="invitation"),
    "api:invitation_remind": Row(READERS, "post", of_study="invitation"),
    "api:crowd_links": Row(READERS, "post"),
    "api:quality": Row(WATCHERS),
    "api:findings": Row(WATCHERS),
    "api:reviews": Row(WATCHERS),
    "api:review": Row(READERS, "post", of_study="annotator"),
    "api:annotate_next": Row(ANNOTATORS, "post"),
    "api:annotate_vote": Row(ANNOTATORS, "post"),
    "api:clone": Row(READERS, "post"),
    "api:challenge": Row(READERS, "post", study=UNBLINDED),
    "api:add_comparisons": Row(READERS, "post"),
    "api:rehearsal": Row(READERS, "post", study=DRAFT),
    "api:references": Row(READERS, "patch", study=DRAFT),
    "api:remind_invitations": Row(READERS, "post"),
    "api:profile_questions": Row(READERS, also="put"),
    "api:pause_annotator": Row(READERS, "post", of_study="annotator"),
    "api:messages": Row(READERS, of_study="annotator", also="post"),
    "api:annotate_skip": Row(ANNOTATORS, "post"),
    "api:annotate_flag": Row(ANNOTATORS, "post"),
    "api:own_answers": Row(ANNOTATORS),
    "api:own_answer": Row(ANNOTATORS, own_vote=True),
    "api:own_summary": Row(ANNOTATORS),
    "api:adjudicate_next": Row(ADJUDICATORS, "post"),
    "api:case": Row(ADJUDICATORS, own_case=True),
    "api:decide_case": Row(ADJUDICATORS, "post", own_case=True),
    "api:skip_case": Row(ADJUDICATORS, "post", own_case=True),
    "judging_api:import_judgments": Row(READERS, "post"),
    "judging_api:judges": Row(READERS, also="post"),
    "judging_api:judge": Row(READERS, of_study="judge"),
    "judging_api:key": Row(READERS, "put", of_study="judge"),
    "judging_api:connection": Row(READERS, "post", of_study="judge"),
    "judging_api:try": Row(READERS, "post", of_study="judge"),
    "judging_api:quote": Row(READERS, "post", of_study="judge"),
    "judging_api:start": Row(READERS, "post", of_study="judge"),
    "judging_api:budget": Row(READERS, also="put"),
    "judging_api:quote_all": Row(READERS, "post"),
    "judging_api:runs": Row(READERS, also="post"),
    "judging_api:run": Row(READERS, of_study="judge_run"),
    "judging_api:pause": Row(READERS, "post", of_study="judge_run"),
    "judging_api:resume": Row(READERS, "post", of_study="judge_run"),
    "judging_api:cancel": Row(READERS, "post", of_study="judge_run"),
    "judging_api:retry": Row(READERS, "post", of_study="judge_run"),
    "reports_api:progress": Row(WATCHERS),
    "reports_api:votes": Row(WATCHERS),
    "reports_api:vote": Row(WATCHERS, of_study="vote"),
    "reports_api:flags": Row(WATCHERS),
    "reports_api:skips": Row(WATCHERS),
    "reports_api:looks": Row(READERS, "post"),
    "reports_api:log": Row(READERS),
    "reports_api:verify_log": Row(READERS),
    "reports_api:alignment": Row(WATCHERS, study=UNBLINDED),
    "reports_api:standings": Row(WATCHERS),
    "reports_api:validity": Row(WATCHERS, also="put"),
    "reports_api:rating_anchor": Row(READERS, also="put"),
    "reports_api:validations": Row(WATCHERS, study=UNBLINDED, judged=True, also="post"),
    "reports_api:samples": Row(WATCHERS, judged=True, also="post"),
    "reports_api:withdraw_sample": Row(READERS, "post", judged=True),
    "reports_api:plan": Row(READERS),
    "reports_api:payments": Row(READERS),
    "reports_api:annotators": Row(READERS),
    "reports_api:analyses": Row(WATCHERS, also="post", study=UNBLINDED),
    "reports_api:analysis": Row(WATCHERS, of_study="analysis", study=UNBLINDED),
    "reports_api:request": Row(WATCHERS, of_study="request", study=UNBLINDED),
    "reports_api:export": Row(
        WATCHERS, kwargs={"name": "votes", "chosen": "jsonl"}, study=UNBLINDED
    ),
    "people:members": Row(READERS),
    "people:member": Row(READERS, of_study="account"),
    "people:roles": Row(OWNERS, "post", of_study="account", also_declared=READERS),
    "people:team": Row(READERS, "post", of_study="account"),
    "people:end": Row(READERS, "post", of_study="account"),
    "people:erase": Row(OWNERS, "post", of_study="account"),
    "people:invitations": Row(READERS),
    "people:invitation_rows": Row(READERS),
    "people:invite": Row(READERS, "post"),
    "people:links": Row(READERS, "post"),
    "people:remind_all": Row(READERS, "post"),
    "people:remind": Row(READERS, "post", of_study="invitation"),
    "people:withdraw": Row(READERS, "post", of_study="invitation"),
    "people:platform": Row(READERS),
    "people:crowd_link": Row(READERS, "post"),
    "people:crowd_withdraw": Row(READERS, "post", of_study="crowd"),
    "people:questions": Row(READERS),
    "people_work:payments": Row(READERS),
    "people_work:payments_file": Row(READERS),
    "people_work:file": Row(READERS),
    "progress:page": Row(WATCHERS),
    "progress:live": Row(WATCHERS),
    "progress:pace": Row(WATCHERS),
    "progress:evidence": Row(WATCHERS),
    "progress:votes": Row(WATCHERS),
    "progress:comparisons": Row(WATCHERS),
    "progress:pair": Row(WATCHERS, names_comparison=True),
    "progress:answers": Row(READERS, "post", names_comparison=True),
    "progress:log": Row(READERS),
    "annotators:page": Row(WATCHERS),
    "annotators:live": Row(WATCHERS),
    "annotators:one": Row(WATCHERS, names_annotator=True),
    "annotators:act": Row(READERS, kwargs={"act": "pause"}, names_annotator=True),
    "judges:overview": Row(READERS),
    "judges:runs": Row(READERS),
    "judges:study_budget": Row(READERS, "post"),
    "judges:start_all": Row(READERS, "post"),
    "judges:quote_all": Row(READERS, "post"),
    "judges:add": Row(READERS),
    "judges:judge": Row(READERS, of_study="judge"),
    "judges:new_version": Row(READERS, of_study="judge"),
    "judges:key": Row(READERS, "post", of_study="judge"),
    "judges:connect": Row(READERS, "post", of_study="judge"),
    "judges:try": Row(READERS, of_study="judge"),
    "judges:start": Row(READERS, "post", of_study="judge"),
    "judges:act": Row(READERS, "post", of_study="judge_run", kwargs={"act": "pause"}),
    "alignment:judges": Row(WATCHERS, study=UNBLINDED),
    "alignment:judge": Row(WATCHERS, study=UNBLINDED, judged=True),
    "alignment:pair": Row(WATCHERS, study=UNBLINDED, judged=True, pair=True),
    "alignment:validate": Row(READERS, "post", study=UNBLINDED, judged=True),
    "alignment:revalidate": Row(READERS, "post", study=UNBLINDED, judged=True),
    "alignment:withdraw": Row(READERS, "post", study=UNBLINDED, judged=True),
    "alignment:set_validity": Row(READERS, "post", study=UNBLINDED),
    "reports:report": Row(WATCHERS, study=UNBLINDED),
    "reports:compute": Row(READERS, "post", study=UNBLINDED),
    "reports:set_anchor": Row(READERS, "post", study=UNBLINDED),
    "reports:progress": Row(WATCHERS, study=UNBLINDED),
    "reports:download": Row(WATCHERS, kwargs={"name": "votes", "chosen": "jsonl"}, study=UNBLINDED),
}


@pytest.fixture(autouse=True)
def spool_of_this_test(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def routes() -> list[Route]:
    return [route for route in list_routes() if not route.excluded]


ROUTES = {route.full_name: route for route in routes()}


def test_every_route_is_in_the_table_and_the_table_has_no_other() -> None:
    assert sorted(ROUTES) == sorted(MATRIX)


def test_every_name_belongs_to_one_route() -> None:
    assert len(routes()) == len(ROUTES)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_route_declares_what_the_table_says(name: str) -> None:
    declared = access_of(ROUTES[name].view)
    assert declared is not None
    audience = MATRIX[name].audience
    if isinstance(audience, AccessKind):
        assert (declared.kind, declared.roles) == (audience, frozenset())
    else:
        expected = MATRIX[name].also_declared or audience
        assert (declared.kind, declared.roles) == (AccessKind.STUDY, expected)


def make_study(name: str) -> Study:
    study = factories.make_study(**MATRIX[name].study)  # type: ignore[arg-type]
    factories.make_study_version(study)
    factories.make_vote(factories.make_comparison(study))
    return study


def case_of(client: Client, study: Study) -> uuid.UUID:
    """A case on the desk of whoever is signed in; for others an identifier of none."""
    user = client.session.get(SESSION_KEY)
    comparison = Comparison.objects.filter(study=study.pk).first()
    if user is None or comparison is None:
        return uuid.uuid4()
    case, _ = AdjudicationCase.objects.get_or_create(
        comparison=comparison,
        adjudicator_id=int(user),
        defaults={
            "swapped": False,
            "state": CaseState.LAPSED,
            "lease_expires_at": timezone.now(),
        },
    )
    return case.public_id


def vote_of(client: Client, study: Study) -> uuid.UUID:
    """A pair that whoever is signed in has answered; for others an identifier of none."""
    annotator = Annotator.objects.filter(
        study=study.pk, user=client.session.get(SESSION_KEY), user__isnull=False
    ).first()
    if annotator is None:
        return uuid.uuid4()
    vote = factories.make_vote(factories.make_comparison(study), annotator=annotator)
    assert vote.assignment is not None
    return vote.assignment.public_id


def upload_of(study: Study) -> uuid.UUID:
    """An upload of the study with a list to download; for a study that is none an identifier."""
    if study.pk is None:
        return uuid.uuid4()
    made = Upload.objects.create(
        study=study,
        kind=ImportKind.RESPONSES,
        files=[{"name": "a.csv", "bytes": 1, "columns": ["id"], "rows": []}],
        uploaded_by=factories.make_user(),
    )
    spool.folder(made.public_id).mkdir()
    with spool.row_list(made.public_id, "names.csv", ("file",)):
        pass
    return made.public_id


NONE_OF_A_STUDY: dict[str, dict[str, object]] = {
    "account": {"account": 0},
    "invitation": {"invitation": 0},
    "crowd": {"invitation": 0},
    "annotator": {"annotator": "nobody"},
    "analysis": {"analysis": 0},
    "request": {"wish": 0},
    "judge": {"version": 0},
    "judge_run": {"run": 0},
    "vote": {"vote": 0},
}


def part_of(study: Study, what: str) -> dict[str, object]:
    """The key of an annotator's account or of a live link; of none where there is no study."""
    if study.pk is None:
        return NONE_OF_A_STUDY[what]
    if what in ("judge", "judge_run"):
        version = factories.make_asked_judge_version(study)
        if what == "judge":
            return {"version": version.pk}
        run = version.runs.create(study=study, state="running")
        return {"run": run.pk}
    if what == "account":
        annotator = factories.make_annotator(study, factories.make_user())
        return {"account": annotator.user_id}
    if what == "annotator":
        return {"annotator": factories.make_annotator(study).external_id}
    if what == "vote":
        return {"vote": factories.make_vote(factories.make_comparison(study)).pk}
    if what == "analysis":
        made = AnalysisRun.objects.create(
            study=study,
            input_sha256="0" * 64,
            settings={},
            seed=0,
            versions={},
            result={"counts": {"votes": 0}},
        )
        return {"analysis": made.pk}
    if what == "request":
        return {"wish": requests.ask(study, factories.make_user()).pk}
    if what == "crowd":
        return {"invitation": people.issue_crowd_link(study, 1).invitation.pk}
    invitee = people.Invitee("Ada", f"{uuid.uuid4().hex}@example.org")
    (issued,) = people.invite_people(study, [invitee], None, by_email=False)
    return {"invitation": issued.invitation.pk}


def message_to(client: Client, study: Study) -> uuid.UUID:
    """A message to whoever is signed in; for others an identifier of none."""
    annotator = Annotator.objects.filter(
        study=study.pk, user=client.session.get(SESSION_KEY), user__isnull=False
    ).first()
    if annotator is None:
        return uuid.uuid4()
    return Message.objects.create(annotator=annotator, text="Hello.").public_id


def job_of(study: Study) -> uuid.UUID:
    """A step of the study's set-up; for an unknown study an identifier of none."""
    if study.pk is None:
        return uuid.uuid4()
    asked_by = factories.make_user()
    return StudyJob.objects.get_or_create(
        study=study, state=JobState.WAITING, defaults={"kind": "pairs", "asked_by": asked_by}
    )[0].public_id


def key_of(row: Model | None) -> int:
    return 1 if row is None else int(row.pk)


def request(client: Client, name: str, study: Study, method: str = "") -> tuple[int, str]:
    """The status, and where a redirect leads."""
    row = MATRIX[name]
    method = method or row.method
    kwargs = dict(row.kwargs)
    if row.own_case:
        kwargs["case_id"] = case_of(client, study)
    if row.of_study:
        kwargs |= part_of(study, row.of_study)
    if row.own_vote:
        kwargs["assignment"] = vote_of(client, study)
    if row.own_upload:
        kwargs["upload"] = upload_of(study)
    if row.own_job:
        kwargs["job"] = job_of(study)
    if row.own_message:
        kwargs["message"] = message_to(client, study)
    if row.names_comparison:
        kwargs["comparison"] = key_of(Comparison.objects.filter(study=study.pk).first())
    if row.names_annotator:
        kwargs["annotator"] = key_of(Annotator.objects.filter(study=study.pk).first())
    if row.judged:
        comparison = Comparison.objects.filter(study=study.pk).first()
        kwargs["version"] = 1
        if comparison is not None:
            kwargs["version"] = factories.make_judgment(comparison).version.pk
        if row.pair:
            kwargs["comparison"] = 1 if comparison is None else comparison.pk
    if isinstance(row.audience, frozenset):
        kwargs["slug"] = study.slug
    body = {} if method == "get" else {"content_type": "application/json", "data": "{}"}
    response = getattr(client, method)(reverse(name, kwargs=kwargs), **body)
    if response.streaming:
        # A file is closed once it was read.
        b"".join(response.streaming_content)
    return response.status_code, response.headers.get("Location", "")


def asks_to_sign_in(answer: tuple[int, str]) -> bool:
    status, location = answer
    return status == 401 or (status == 302 and location.startswith("/sign-in/?next="))


def cast(study: Study) -> Iterator[tuple[str, User, frozenset[Role]]]:
    """A person for each role, one of another study, and one who runs the site."""
    for role in Role:
        user = factories.make_user()
        if role == Role.ANNOTATOR:
            factories.make_annotator(study, user)
        else:
            factories.make_membership(study, role, user)
        yield role.value, user, frozenset({role})
    stranger = factories.make_user()
    factories.make_annotator(factories.make_open_study(), stranger)
    yield "annotator of another study", stranger, frozenset()
    yield "outsider", factories.make_user(), frozenset()
    yield "operator", factories.make_user(is_superuser=True, is_staff=True), frozenset()


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_a_route_lets_in_whom_it_is_for_and_nobody_else(name: str) -> None:
    study = make_study(name)
    audience = MATRIX[name].audience
    assert asks_to_sign_in(request(Client(), name, study)) is (audience != PUBLIC)
    for who, user, roles in cast(study):
        client = Client()
        client.force_login(user)
        answer = request(client, name, study)
        if isinstance(audience, AccessKind):
            assert answer[0] < 500, who
            refused = MATRIX[name].some_accounts and not (user.is_staff or roles & READERS)
            assert (answer[0] == 403) is refused, who
        elif not roles:
            assert answer[0] == 404, who
        elif roles.isdisjoint(audience):
            assert answer[0] == 403, who
        else:
            assert answer[0] < 500, who
            assert answer[0] not in (401, 403, 404), who
        assert audience == PUBLIC or not asks_to_sign_in(answer), who


@pytest.mark.parametrize(
    "name", sorted(name for name, row in MATRIX.items() if isinstance(row.audience, frozenset))
)
def test_a_study_that_does_not_exist_answers_like_one_of_others(name: str) -> None:
    client = Client()
    client.force_login(factories.make_user())
    hidden = request(client, name, make_study(name))
    missing = request(client, name, Study(slug=f"no-{uuid.uuid4().hex[:8]}"))
    assert hidden == missing == (404, "")


METHODS = ("get", "post", "put", "patch", "delete")
# They look at nothing of a request but its address.
ANY_METHOD = frozenset({"healthz", "readyz"})


def refused_methods(name: str) -> set[str]:
    """Those that the address does not take; pages are read and sent to."""
    row = MATRIX[name]
    taken = {row.method, row.also}
    return set(METHODS) - (taken if "api" in name.partition(":")[0] else {*taken, "get", "post"})


@pytest.mark.parametrize("name", sorted(set(MATRIX) - ANY_METHOD))
def test_no_other_method_does_anything_for_anybody(name: str) -> None:
    study = make_study(name)
    owner = factories.make_membership(study, Role.OWNER).user
    annotator = factories.make_annotator(study, factories.make_user()).user
    for user in (None, annotator, owner):
        client = Client()
        if user is not None:
            client.force_login(user)
        for method in refused_methods(name):
            status, location = request(client, name, study, method)
            assert status in (302, 401, 403, 404, 405), (method, user, status)
            assert status != 302 or location.startswith("/sign-in/?next="), (method, location)
