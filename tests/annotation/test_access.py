"""The permission ladder: anonymous, outsider, other role, right role; and what roles may see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from annotation import access, people
from annotation.access import declarations, routes
from annotation.models import (
    Annotator,
    AnnotatorState,
    Membership,
    ResultsPolicy,
    Role,
    Study,
    StudyState,
)
from tests import factories
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@access.study_role(Role.OWNER, Role.RESEARCHER)
def for_researchers(request: HttpRequest, study: Study) -> HttpResponse:
    return HttpResponse(study.slug)


@access.study_annotator
def for_annotators(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    return HttpResponse(str(annotator.pk))


@access.signed_in
def for_accounts(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open to the world")


urlpatterns = [
    path("researchers/<slug:slug>/", for_researchers, name="researchers"),
    path("annotators/<slug:slug>/", for_annotators, name="annotators"),
    path("accounts/", for_accounts, name="accounts"),
    path("undeclared/", undeclared, name="undeclared"),
    path("sign-in/", access.public(undeclared), name="sign_in"),
    path("sign-out/", access.public(undeclared), name="sign_out"),
    path("home/", access.public(undeclared), name="home"),
]

with_own_urls = pytest.mark.urls(__name__)


def test_an_outsider_cannot_tell_a_study_from_none() -> None:
    study = factories.make_study()
    outsider = factories.make_user()
    answers = []
    for slug in (study.slug, "no-such-study"):
        with pytest.raises(Http404) as caught:
            access.get_study_for(outsider, slug)
        answers.append(str(caught.value))
    assert answers[0] == answers[1]


def test_an_anonymous_visitor_gets_no_study() -> None:
    with pytest.raises(Http404):
        access.get_study_for(AnonymousUser(), factories.make_study().slug)


def test_a_member_with_another_role_is_refused_and_told_so() -> None:
    membership = factories.make_membership(factories.make_study(), Role.MONITOR)
    with pytest.raises(PermissionDenied, match="role"):
        access.get_study_for(membership.user, membership.study.slug, Role.OWNER)


def test_a_member_with_one_of_the_roles_gets_the_study() -> None:
    membership = factories.make_membership(factories.make_study(), Role.MONITOR)
    found = access.get_study_for(membership.user, membership.study.slug, Role.OWNER, Role.MONITOR)
    assert found == membership.study


def test_any_member_gets_the_study_when_no_role_is_named() -> None:
    membership = factories.make_membership(factories.make_study(), Role.ADJUDICATOR)
    assert access.get_study_for(membership.user, membership.study.slug) == membership.study


def test_a_superuser_without_a_membership_is_an_outsider() -> None:
    operator = factories.make_user(is_superuser=True, is_staff=True)
    study = factories.make_study()
    with pytest.raises(Http404):
        access.get_study_for(operator, study.slug)
    assert not access.can_see_outcomes(operator, study)


def test_a_blocked_account_is_an_outsider() -> None:
    membership = factories.make_membership(factories.make_study())
    membership.user.is_active = False
    assert access.roles_of(membership.user, membership.study) == frozenset()
    with pytest.raises(Http404):
        access.get_study_for(membership.user, membership.study.slug)


def test_reaching_a_study_takes_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    membership = factories.make_membership(factories.make_study())
    factories.make_membership(membership.study, Role.MONITOR, membership.user)
    with django_assert_num_queries(1):
        access.get_study_for(membership.user, membership.study.slug, Role.MONITOR)


def test_an_annotator_gets_their_own_row_with_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user = factories.make_user()
    annotator = factories.make_annotator(factories.make_open_study(), user)
    factories.make_annotator(annotator.study, factories.make_user())
    factories.make_annotator(factories.make_open_study(), user)
    with django_assert_num_queries(1):
        found = access.get_annotator_for(user, annotator.study.slug)
        assert found.study.slug == annotator.study.slug
    assert found == annotator


def test_a_researcher_is_no_annotator() -> None:
    membership = factories.make_membership(factories.make_open_study())
    with pytest.raises(PermissionDenied):
        access.get_annotator_for(membership.user, membership.study.slug)


def test_an_outsider_is_no_annotator_and_learns_nothing() -> None:
    with pytest.raises(Http404):
        access.get_annotator_for(factories.make_user(), factories.make_open_study().slug)


@pytest.mark.parametrize("keeps_membership", [True, False])
def test_a_removed_annotator_is_told_that_their_part_has_ended(keeps_membership: bool) -> None:
    user = factories.make_user()
    annotator = factories.make_annotator(
        factories.make_open_study(), user, state=AnnotatorState.REMOVED
    )
    if not keeps_membership:
        Membership.objects.filter(user=user).delete()
    with pytest.raises(PermissionDenied, match="ended"):
        access.get_annotator_for(user, annotator.study.slug)


@pytest.mark.parametrize("state", [AnnotatorState.PAUSED, AnnotatorState.QUALIFYING])
def test_an_annotator_in_another_state_still_reaches_their_page(state: AnnotatorState) -> None:
    user = factories.make_user()
    annotator = factories.make_annotator(factories.make_open_study(), user, state=state)
    assert access.get_annotator_for(user, annotator.study.slug) == annotator


def test_the_list_of_studies_has_each_once_with_all_roles_newest_first() -> None:
    user = factories.make_user()
    now = timezone.now()
    older = factories.make_study(created_at=now - timedelta(days=2))
    newer = factories.make_study(created_at=now)
    factories.make_study()
    for study, role in [(older, Role.OWNER), (newer, Role.MONITOR), (older, Role.ANNOTATOR)]:
        factories.make_membership(study, role, user)
    listed = access.list_studies_for(user)
    assert [(entry.study, entry.roles) for entry in listed] == [
        (newer, frozenset({Role.MONITOR})),
        (older, frozenset({Role.OWNER, Role.ANNOTATOR})),
    ]


SEALED = {"state": StudyState.OPEN}
OPEN_RESULTS = {"state": StudyState.OPEN, "results": ResultsPolicy.OPEN}
UNBLINDED = {"state": StudyState.CLOSED, "unblinded_at": timezone.now()}
IMPORTED_ONLY = {"state": StudyState.DRAFT}


@pytest.mark.parametrize(
    ("role", "fields", "expected"),
    [
        *[(role, SEALED, False) for role in Role],
        *[(role, OPEN_RESULTS, role in (Role.OWNER, Role.RESEARCHER)) for role in Role],
        *[(role, IMPORTED_ONLY, role in (Role.OWNER, Role.RESEARCHER)) for role in Role],
        *[(role, UNBLINDED, role in (Role.OWNER, Role.RESEARCHER, Role.MONITOR)) for role in Role],
    ],
)
def test_outcomes_are_seen_by_the_right_roles_at_the_right_time(
    role: Role, fields: dict[str, Any], expected: bool
) -> None:
    membership = factories.make_membership(factories.make_study(**fields), role)
    assert access.can_see_outcomes(membership.user, membership.study) is expected


@with_own_urls
def test_an_anonymous_visitor_is_asked_to_sign_in_and_led_back(client: Client) -> None:
    study = factories.make_study()
    for url in (f"/researchers/{study.slug}/", f"/annotators/{study.slug}/", "/accounts/"):
        response = client.get(url)
        assert response.status_code == 302
        assert response["Location"] == f"/sign-in/?next={url}"


@with_own_urls
def test_an_anonymous_visitor_learns_nothing_about_a_study(client: Client) -> None:
    study = factories.make_study()
    real = client.get(f"/researchers/{study.slug}/")
    invented = client.get("/researchers/no-such-study/")
    assert real.status_code == invented.status_code == 302


@with_own_urls
def test_a_script_without_a_session_gets_a_code_instead_of_a_page(client: Client) -> None:
    study = factories.make_study()
    response = client.get(f"/annotators/{study.slug}/", headers={"accept": "application/json"})
    assert response.status_code == 401
    assert response.json()["error"] == "sign_in_required"
    posted = client.post(f"/annotators/{study.slug}/", {}, content_type="application/json")
    assert posted.status_code == 401


@with_own_urls
def test_a_form_sent_without_a_session_does_not_lead_back_to_the_form(client: Client) -> None:
    assert client.post("/accounts/")["Location"] == "/sign-in/?next=/"


@with_own_urls
def test_each_rung_of_the_ladder_gets_its_answer(client: Client) -> None:
    study = factories.make_study()
    url = f"/researchers/{study.slug}/"
    client.force_login(factories.make_user())
    assert client.get(url).status_code == 404
    client.force_login(factories.make_membership(study, Role.MONITOR).user)
    assert client.get(url).status_code == 403
    client.force_login(factories.make_membership(study, Role.RESEARCHER).user)
    response = client.get(url)
    assert (response.status_code, response.content.decode()) == (200, study.slug)


@with_own_urls
def test_an_outsider_gets_the_same_page_for_a_study_and_for_none(client: Client) -> None:
    client.force_login(factories.make_user())
    real = client.get(f"/researchers/{factories.make_study('s' * 10).slug}/")
    invented = client.get(f"/researchers/{'n' * 10}/")
    assert real.status_code == invented.status_code == 404
    assert text_of(real) == text_of(invented)


@with_own_urls
def test_a_demotion_works_on_the_next_request(client: Client) -> None:
    membership = factories.make_membership(factories.make_study(), Role.RESEARCHER)
    factories.make_membership(membership.study, Role.MONITOR, membership.user)
    client.force_login(membership.user)
    url = f"/researchers/{membership.study.slug}/"
    assert client.get(url).status_code == 200
    people.remove_role(membership.study, membership.user, Role.RESEARCHER, None)
    assert client.get(url).status_code == 403


@with_own_urls
def test_a_view_that_does_not_say_who_it_is_for_is_not_served(client: Client) -> None:
    with pytest.raises(ImproperlyConfigured, match="does not say who may see it"):
        client.get("/undeclared/")


@with_own_urls
def test_a_view_that_does_not_say_who_it_is_for_stops_the_start() -> None:
    errors = routes.check_every_view_declares_access()
    assert [error.id for error in errors] == ["annotation.E001"]
    assert "/undeclared/" in errors[0].msg


def test_no_view_of_the_project_is_without_declared_access() -> None:
    assert [route.path for route in routes.list_undeclared()] == []


def test_access_is_declared_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="twice"):
        access.public(for_accounts)


def test_a_study_view_needs_roles() -> None:
    with pytest.raises(ImproperlyConfigured, match="roles"):
        access.study_role()


@pytest.mark.parametrize(
    ("accept", "expected"),
    [("text/html", False), ("*/*", False), ("application/json", True)],
)
def test_what_a_client_wants_follows_from_what_it_accepts(accept: str, expected: bool) -> None:
    request = RequestFactory().get("/", headers={"accept": accept})
    assert declarations.wants_json(request) is expected
