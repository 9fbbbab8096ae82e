"""Whatever a configuration file can say of a study can be set on a page, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from annotation.lifecycle.rubric import LEVEL_KEYS
from annotation.lifecycle.study_file import CRITERION, SETTINGS
from annotation.models import Prompt, Study
from annotation.researcher.basics import BasicsForm
from annotation.researcher.criterion_form import CriterionForm
from annotation.researcher.membership.forms import CROWD_FIELDS, QuestionsForm
from annotation.researcher.quality_form import QualityForm
from annotation.researcher.routing_form import RoutingForm
from annotation.researcher.rule_forms import AskingForm, ChecksForm
from annotation.rules import Rules, rules_as_json
from tests.annotation.researcher.studio import Studio
from tests.annotation.researcher.test_wizard import initial_data
from tests.pages import text_of

pytestmark = pytest.mark.django_db

NOT_ON_A_PAGE: Mapping[str, str] = {
    "criteria.levels.id": "the page gives every level its own and keeps it",
}


def leaves(written: Mapping[str, Any], place: str = "") -> Iterator[str]:
    for name, value in written.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{place}{name}.")
        else:
            yield f"{place}{name}"


def on_pages(study: Study) -> set[str]:
    forms = (ChecksForm, AskingForm, RoutingForm, QualityForm)
    found = {f"{place.section}.{place.name}" for form in forms for place in form.places.values()}
    found |= {
        "quality." + name.replace(rule, f"{rule}.", 1).replace("._", ".")
        for name in QualityForm(study).fields
        for rule in rules_as_json(Rules())["quality"]
        if name.startswith(f"{rule}_")
    }
    found |= {f"crowd.{name}" for name, *_ in CROWD_FIELDS}
    if "options_1" in QuestionsForm(needs_reason=False).fields:
        found.add("profile.questions")
    if "language" in BasicsForm().fields:
        found.add("texts.language")
    if "category_0" in RoutingForm(study).fields:
        found.add("eligibility")
    return found


def test_every_rule_has_a_field(studio: Studio):
    known = set(leaves(rules_as_json(Rules())))
    assert len(known) > 50
    assert known - on_pages(studio.study) == set()


def test_every_setting_has_a_field():
    fields = {*BasicsForm().fields, *ChecksForm.columns}
    assert set(SETTINGS) - fields == set()


def test_every_part_of_a_criterion_has_a_field():
    fields = CriterionForm(drafts=(), own=None).fields
    assert {name for name in CRITERION if name not in fields} == set()
    names = {"description": "level_1", "example": "example_1", "reason": "reason_1"}
    lacking = {name for name in LEVEL_KEYS if names.get(name) not in fields}
    assert {f"criteria.levels.{name}" for name in lacking} == set(NOT_ON_A_PAGE)


def sent(studio: Studio, page: str, **changes: Any) -> dict[str, Any]:
    data = initial_data(studio.get(page).context["form"]) | changes
    return {name: value for name, value in data.items() if value is not None and value is not False}


def test_what_seldom_is_changed_is_stored_as_it_was_entered(studio: Studio):
    pages = {
        "checks": {
            "repeat_gap": "7",
            "uniform_share": "30",
            "skips_per_hour": "",
            "qualification": "never",
            "seed": "11",
        },
        "quality_rules": {
            "speed_window": "30",
            "speed_ceiling_ms": "9000",
            "agreement_alpha": "1",
            "own_votes": "count",
        },
        "routing": {"no_plurality": False, "distance": ""},
        "basics": {"language": "de-AT", "notice": "A rehearsal."},
    }
    for page, changes in pages.items():
        answer = studio.post(page, sent(studio, page, **changes))
        assert answer.status_code == 302, (page, answer.context["form"].errors)
    studio.study.refresh_from_db()
    assert studio.study.seed == 11
    assert studio.study.notice == "A rehearsal."
    assert studio.study.rules == {
        "checks": {"repeat_gap": 7},
        "priorities": {"uniform_share": 0.3},
        "limits": {"skips_per_hour": None},
        "qualification": {"required": False},
        "quality": {
            "speed": {"window": 30, "ceiling_ms": 9000},
            "agreement": {"alpha": 0.01},
            "own_votes": "count",
        },
        "adjudication": {"no_plurality": False, "distance": None},
        "texts": {"language": "de-AT"},
    }


@pytest.fixture
def asked(studio: Studio) -> Studio:
    """A study with two categories and one question."""
    studio.study.rules = {
        "profile": {
            "questions": [{"key": "work", "text": "Your work?", "options": ["lawyer", "nurse"]}]
        }
    }
    studio.study.save()
    for number, category in enumerate(["law", "health"]):
        Prompt.objects.create(
            study=studio.study, prompt_id=f"p{number}", text="?", category=category
        )
    return studio


def test_a_category_is_given_to_those_whose_answers_fit(asked: Studio):
    lines = {
        "category_0": "law",
        "key_0": "work",
        "answers_0": "lawyer\n",
        "category_1": "law",
        "key_1": "team",
        "answers_1": "Berlin\nWien",
    }
    answer = asked.post("routing", sent(asked, "routing", **lines))
    assert answer.status_code == 302, answer.context["form"].errors
    asked.study.refresh_from_db()
    assert asked.study.rules["eligibility"] == {
        "law": {"work": ["lawyer"], "team": ["Berlin", "Wien"]}
    }
    # Emptied lines go, and the page had one more of them than there are demands.
    form = asked.get("routing").context["form"]
    emptied = {name: "" for name in form.fields if name[-1].isdigit()}
    assert "category_2" in emptied
    asked.post("routing", sent(asked, "routing", **emptied))
    asked.study.refresh_from_db()
    assert "eligibility" not in asked.study.rules


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("law", "work", "pilot"), "Nobody can answer “pilot”"),
        (("law", "", "lawyer"), "Name category, question and answers"),
        (("", "work", "lawyer"), "Name category, question and answers"),
        (("law", "work", ""), "Name category, question and answers"),
        (("history", "work", "nurse"), "not one of the available choices"),
    ],
)
def test_a_demand_that_nobody_can_meet_is_refused(asked: Studio, line, said: str):
    names = ("category_0", "key_0", "answers_0")
    answer = asked.post("routing", sent(asked, "routing", **dict(zip(names, line, strict=True))))
    assert answer.status_code == 422
    assert said in text_of(answer)
    asked.study.refresh_from_db()
    assert "eligibility" not in asked.study.rules
