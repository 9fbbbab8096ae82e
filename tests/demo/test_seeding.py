"""The demo as a newcomer meets it: seeded by the real code, two links, work left to do."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from annotation import queue
from annotation.answer_rules import Action
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    Membership,
    Role,
    Study,
    User,
    Vote,
)
from annotation.rules import read_rules
from annotation.selectors import counted_votes
from evalsite.demo.plan import read_plan
from evalsite.demo.seeding import seed
from reports.models import AnalysisRun

# Two names of this machine, so that a browser keeps the two accounts apart.
LINK = re.compile(r"http://(?:127\.0\.0\.1|localhost):8000(/invitation/\S+)")


def start() -> list[str]:
    """Start the demo without serving; the paths of the two links."""
    out = io.StringIO()
    call_command("demo", no_serve=True, stdout=out, stderr=io.StringIO())
    assert "http://127.0.0.1:8000/" in out.getvalue()
    assert "http://localhost:8000/" in out.getvalue()
    paths = LINK.findall(out.getvalue())
    assert len(paths) == 2, out.getvalue()
    return paths


def follow(path: str) -> Client:
    """A browser that uses the link as its page asks."""
    client = Client()
    response = client.get(path, follow=True)
    if response.request["PATH_INFO"] == path:
        response = client.post(path, follow=True)
    assert response.status_code == 200
    client.landed = response  # type: ignore[attr-defined]
    return client


# Committed as in life: within one transaction PostgreSQL keeps every version of a row.
@pytest.mark.django_db(transaction=True)
def test_the_demo_from_an_empty_site_to_two_pages() -> None:
    rating, report = start()
    study = Study.objects.get(slug="demo")

    # Collected through the queue, exactly, with nobody left holding a pair.
    plan = read_plan(settings.BASE_DIR / "fixtures" / "demo")
    work = study.comparisons.count() * plan.overlap
    assert plan.completed * work <= counted_votes(study).count() < work
    assert not Assignment.objects.filter(state=AssignmentState.RESERVED).exists()
    assert Vote.objects.filter(active_ms__lt=500).count() == 0, "a simulated reader takes time"
    assert {person.external_id for person in Annotator.objects.filter(user=None)} == set(
        plan.annotators
    )

    # No account has a password, and each has one role.
    users = User.objects.all()
    assert {user.username for user in users} == {"demo-annotator", "demo-researcher"}
    assert not any(user.has_usable_password() for user in users)
    assert set(Membership.objects.values_list("user__username", "role")) == {
        ("demo-annotator", Role.ANNOTATOR),
        ("demo-researcher", Role.OWNER),
    }

    # The links lead to the pages, once.
    annotator = follow(rating)
    assert annotator.landed.request["PATH_INFO"] == "/study/demo/rate/"  # type: ignore[attr-defined]
    researcher = follow(report)
    page = researcher.landed  # type: ignore[attr-defined]
    assert page.request["PATH_INFO"] == "/study/demo/report/"
    assert "simulated" in page.content.decode()
    assert annotator.get("/study/demo/report/").status_code == 403
    for path in (rating, report):
        response = Client().get(path, follow=True)
        assert response.status_code == 410 or "used" in response.content.decode()

    # Work is left for the visitor.
    visitor = Annotator.objects.get(user__username="demo-annotator")
    assert queue.claim(visitor).current is not None

    # A second start leaves the study alone and gives new links.
    votes, runs = Vote.objects.count(), AnalysisRun.objects.count()
    again = start()
    assert set(again).isdisjoint({rating, report})
    assert (Vote.objects.count(), AnalysisRun.objects.count()) == (votes, runs)


@pytest.mark.django_db(transaction=True)
def test_a_start_that_was_interrupted_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = replace(read_plan(settings.BASE_DIR / "fixtures" / "demo"), completed=0.1)

    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("evalsite.demo.seeding.simulate_judges", interrupt)
        with pytest.raises(KeyboardInterrupt):
            seed(plan, lambda text: None)
    votes = Vote.objects.count()
    study = seed(plan, lambda text: None)
    assert Vote.objects.count() == votes
    assert AnalysisRun.objects.get(study=study).result["counts"]["judgments"] > 500


@pytest.mark.parametrize("port", [0, 70_000])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(CommandError, match=r"outside 1\.\.65535"):
        call_command("demo", port=port)


def test_the_plan_names_files_that_exist() -> None:
    plan = read_plan(settings.BASE_DIR / "fixtures" / "demo")
    assert isinstance(plan.responses, Path)
    assert plan.responses.is_file()
    # Nobody is there to let a visitor go on who was paused.
    quality = read_rules(plan.settings["rules"]).quality
    # Gold and repeats, whose rules could pause as well, are not in the demo.
    for rule in (quality.speed, quality.side_share, quality.straight_lining, quality.agreement):
        assert rule is not None
        assert rule.action is Action.FLAG
    assert plan.criteria[0].key == "overall"
    assert len(plan.criteria) == 4
    assert all(len(criterion.levels) >= 3 for criterion in plan.criteria)
