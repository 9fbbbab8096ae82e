"""From a new study to an open one, page by page, with the demo's file."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Comparison, Study, StudyState
from annotation.researcher.steps import STEPS
from tests import factories
from tests.annotation.researcher.studio import DEMO, Studio
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def test_the_whole_set_up_leads_from_a_name_to_an_open_study():
    owner = factories.make_user(is_staff=True)
    client = Client()
    client.force_login(owner)
    begun = client.post(reverse("studio:new"), {"title": "Everyday work"})
    assert begun["Location"] == "/study/everyday-work/set-up/basics/"
    study = Study.objects.get(slug="everyday-work")
    studio = Studio(study, owner)
    assert studio.post("basics", {"title": "Everyday work", "instructions": "Which one *helps*?"})[
        "Location"
    ] == studio.url("content")
    upload = studio.stored(("responses.jsonl", DEMO.read_bytes()))
    assert upload.state == "stored"
    assert upload.found["stored"]["rows"] == 96
    assert studio.post("take_template", {"template": "helpful"}).status_code == 302
    assert (
        studio.post("design", {"design": "all", "rounds": 1, "overlap": 3, "seed": 0}).status_code
        == 302
    )
    assert Comparison.objects.filter(study=study).count() == 144
    for name in ("checks", "asking", "quality_rules", "routing"):
        page = studio.get(name)
        form = page.context["form"]
        data = {field: value for field, value in initial_data(form).items() if value is not None}
        answer = studio.post(name, data)
        assert answer.status_code == 302, (name, answer.context["form"].errors)
    for step in STEPS:
        assert studio.get(step.key).status_code == 200, step
    page = text_of(studio.get("open"))
    assert "Nothing stands in the way" in page
    assert studio.post("open")["Location"] == studio.url("running")
    study.refresh_from_db()
    assert study.state == StudyState.OPEN
    for step in STEPS:
        assert studio.get(step.key).status_code in (200, 302), step


def initial_data(form):
    """What a browser sends of a form that nobody touched."""
    found = {}
    for field in form:
        value = field.value()
        if isinstance(value, bool):
            if value:
                found[field.name] = "on"
        else:
            found[field.name] = value
    return found
