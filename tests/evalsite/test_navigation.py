"""The links on top of a study's pages: who is shown which, and that each leads somewhere."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from annotation.access.declarations import access_of
from annotation.models import ResultsPolicy, Role
from evalsite.navigation import AREAS, list_areas
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.label)
def test_an_area_is_shown_to_those_alone_who_may_open_it(area):
    declared = access_of(resolve(reverse(area.route, kwargs={"slug": "capitals"})).func)
    assert declared is not None
    assert area.roles <= declared.roles


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.label)
def test_an_area_holds_its_own_page(area):
    assert area.holds(area.route)


def test_nobody_is_shown_an_area_without_a_role():
    assert list_areas(frozenset()) == []
    assert list_areas(frozenset({Role.ANNOTATOR})) == []


def test_the_page_marks_its_own_area_and_names_the_study(client):
    study = factories.make_study(title="Capitals of Europe")
    owner = factories.make_user()
    factories.make_membership(study, Role.OWNER, owner)
    client.force_login(owner)
    page = client.get(reverse("reports:report", kwargs={"slug": study.slug})).content.decode()
    assert "Capitals of Europe" in page
    assert 'aria-current="page">Report' in page
    assert "Adjudicate" not in page


@pytest.mark.parametrize(
    "name",
    [
        "progress:page",
        "annotators:page",
        "people:members",
        "people:invitations",
        "reports:report",
    ],
)
def test_a_page_of_a_study_asks_once_what_its_reader_is_there(client, name):
    study = factories.make_open_study(results=ResultsPolicy.OPEN)
    client.force_login(factories.make_membership(study, Role.OWNER).user)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(reverse(name, kwargs={"slug": study.slug})).status_code == 200
    of_the_reader = [
        query["sql"]
        for query in queries
        if 'FROM "annotation_membership"' in query["sql"]
        and f'"user_id" = {client.session["_auth_user_id"]}' in query["sql"]
    ]
    assert len(of_the_reader) == 1, of_the_reader
