"""Two people at the same page of a draft: neither overwrites what the other one changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse

from annotation.lifecycle.opening import open_study
from annotation.models import AuditEntry, Prompt
from annotation.researcher.rubric_templates import TEMPLATES
from tests.annotation.researcher.studio import Studio
from tests.annotation.researcher.test_pages import filled
from tests.annotation.researcher.test_wizard import initial_data
from tests.pages import text_of

pytestmark = pytest.mark.django_db


def opened(studio: Studio, page: str, **kwargs: Any) -> dict[str, Any]:
    """What a browser sends of a page that is open in it and that nobody touches."""
    return as_it_stands(studio.get(page, **kwargs))


def as_it_stands(answer: Any) -> dict[str, Any]:
    data = initial_data(answer.context["form"]) | {"shown": answer.context["shown"]}
    return {name: value for name, value in data.items() if value is not None}


def save(studio: Studio, page: str, mine: dict[str, Any], **changes: Any) -> Any:
    return studio.post(page, {**mine, **changes})


def rules(studio: Studio) -> dict[str, Any]:
    studio.study.refresh_from_db()
    found: dict[str, Any] = studio.study.rules
    return found


def told(answer: Any) -> set[tuple[str, str, str]]:
    assert answer.status_code == 422
    return {(entry.what, entry.theirs, entry.yours) for entry in answer.context["moved"]}


FIRST_AND_SECOND: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "basics": ({"title": "Theirs"}, {"notice": "Mine."}),
    "checks": ({"gold_share": "12.5", "target_votes": "77"}, {"per_day": "40", "seed": "9"}),
    "asking": ({"confidence": "optional"}, {"break_after_minutes": "45"}),
    "quality_rules": ({"speed_action": "flag"}, {"skips_min_n": "31"}),
    "routing": ({"distance": "4"}, {"no_plurality": ""}),
}


@pytest.mark.parametrize("step", FIRST_AND_SECOND)
def test_what_nobody_touched_on_the_page_stays_as_somebody_else_set_it(studio: Studio, step: str):
    first, second = FIRST_AND_SECOND[step]
    before = opened(studio, step)
    mine = dict(before)
    assert save(studio, step, before, **first).status_code == 302
    assert save(studio, step, mine, **second).status_code == 302
    now = {name: str(value) for name, value in opened(studio, step).items()}
    assert {name: now.get(name, "") for name in (*first, *second)} == first | second


CONFLICTS = {
    "basics": ("instructions", "Theirs.\nLine two.", "Mine.", "Instructions"),
    "checks": ("gold_share", "10", "20", "Gold (%)"),
    "asking": ("rationale", "off", "required", "A reason in own words"),
    "quality_rules": ("speed_min_n", "12", "15", "Answers faster than texts are read: From so"),
    "routing": ("distance", "3", "4", "Two votes lie so many steps apart"),
}


@pytest.mark.parametrize("step", CONFLICTS)
def test_what_two_people_changed_differently_is_shown_and_set_by_neither(studio: Studio, step: str):
    field, theirs, yours, what = CONFLICTS[step]
    mine = opened(studio, step)
    assert save(studio, step, mine, **{field: theirs}).status_code == 302
    stored, entries = opened(studio, step), AuditEntry.objects.count()
    refused = save(studio, step, mine, **{field: yours})
    [entry] = refused.context["moved"]
    assert entry.what.startswith(what)
    assert entry.theirs != entry.yours
    said = text_of(refused)
    assert "somebody else changed something that you changed, too" in said
    for words in (entry.what, *entry.theirs.split("\n"), entry.yours):
        assert words in said
    assert opened(studio, step) == stored
    assert AuditEntry.objects.count() == entries
    # What was typed stands in the form, and is taken when it is saved once more.
    assert refused.context["form"][field].value() == yours
    again = {**mine, field: yours, "shown": refused.context["shown"]}
    assert studio.post(step, again).status_code == 302
    assert str(opened(studio, step)[field]) == yours


def test_a_refused_page_saved_again_keeps_what_was_changed_of_other_fields_meanwhile(
    studio: Studio,
):
    mine = opened(studio, "checks")
    save(studio, "checks", mine, gold_share="10", per_day="30")
    refused = save(studio, "checks", mine, gold_share="20")
    assert told(refused) == {("Gold (%)", "10", "20")}
    # And once more by a third page, before it is saved again.
    save(studio, "checks", opened(studio, "checks"), gold_share="15")
    refused = save(studio, "checks", as_it_stands(refused))
    assert told(refused) == {("Gold (%)", "15", "20")}
    save(studio, "checks", as_it_stands(refused))
    assert rules(studio)["checks"] == {"gold_share": 0.2}
    assert rules(studio)["limits"] == {"per_day": 30}


@pytest.mark.parametrize(
    ("step", "moved", "other"),
    [
        ("basics", "title", {"notice": "Theirs."}),
        ("checks", "gold_share", {"per_day": "40", "by_category": "on"}),
        ("asking", "rationale_min", {"confidence": "required"}),
        ("quality_rules", "speed_min_n", {"skips_min_n": "31"}),
        ("routing", "distance", {"flagged": ""}),
    ],
)
def test_a_refused_page_shows_what_others_set_where_nothing_was_touched(
    studio: Studio, step: str, moved: str, other: dict[str, str]
):
    mine = opened(studio, step)
    if step == "asking":
        save(studio, step, mine, rationale="required", rationale_min="9")
        mine = opened(studio, step)
    save(studio, step, mine, **{moved: "11"}, **other)
    refused = save(studio, step, mine, **{moved: "13"})
    assert refused.status_code == 422
    form = refused.context["form"]
    assert str(form[moved].value()) == "13"
    shown = initial_data(form)
    assert {name: str(shown.get(name) or "") for name in other} == other
    assert studio.post(step, as_it_stands(refused)).status_code == 302
    now = opened(studio, step)
    assert {name: str(now.get(name) or "") for name in other} == other
    assert str(now[moved]) == "13"


def test_the_same_change_by_two_people_is_no_conflict(studio: Studio):
    mine = opened(studio, "checks")
    assert save(studio, "checks", mine, gold_share="10").status_code == 302
    assert save(studio, "checks", mine, gold_share="10").status_code == 302
    assert rules(studio)["checks"] == {"gold_share": 0.1}


def test_a_fault_of_a_field_keeps_what_the_page_was_shown_with(studio: Studio):
    mine = opened(studio, "basics")
    save(studio, "basics", mine, title="Theirs")
    faulty = save(studio, "basics", mine, title="Mine", language="no language")
    assert faulty.status_code == 422
    assert faulty.context["shown"] == mine["shown"]
    refused = save(studio, "basics", mine, title="Mine", shown=faulty.context["shown"])
    assert told(refused) == {("Name of the study", "Theirs", "Mine")}


def test_a_rule_that_somebody_switched_off_is_not_changed_unseen(studio: Studio):
    mine = opened(studio, "quality_rules")
    save(studio, "quality_rules", mine, speed_action="off")
    refused = save(studio, "quality_rules", mine, speed_min_n="12")
    assert ("Answers faster than texts are read", "Off", "Pause the person") in told(refused)
    assert rules(studio)["quality"] == {"speed": None}


def test_demands_of_different_categories_are_merged_and_of_one_are_told(studio: Studio):
    for number, category in enumerate(["law", "health"]):
        Prompt.objects.create(
            study=studio.study, prompt_id=f"p{number}", text="?", category=category
        )
    mine = opened(studio, "routing")
    health = {"category_0": "health", "key_0": "team", "answers_0": "Wien"}
    law = {"category_0": "law", "key_0": "team", "answers_0": "Berlin"}
    save(studio, "routing", mine, **health)
    assert save(studio, "routing", mine, **law).status_code == 302
    assert rules(studio)["eligibility"] == {
        "law": {"team": ["Berlin"]},
        "health": {"team": ["Wien"]},
    }
    refused = save(studio, "routing", mine, **{**law, "answers_0": "Graz"})
    assert told(refused) == {("Who rates “law”", "Team: Berlin", "Team: Graz")}


@pytest.mark.parametrize("shown", ["", "[]", "{", '"text"', "9" * 5000, "[" * 90_000])
def test_whoever_does_not_say_what_was_shown_sets_the_whole_page(studio: Studio, shown: str):
    mine = opened(studio, "checks")
    save(studio, "checks", mine, gold_share="10")
    assert save(studio, "checks", mine, per_day="30", shown=shown).status_code == 302
    assert "checks" not in rules(studio)
    assert rules(studio)["limits"] == {"per_day": 30}


def question(studio: Studio, key: str = "overall") -> Any:
    return studio.study.criteria.get(key=key)


def test_parts_of_a_question_that_nobody_touched_stay_as_somebody_else_set_them(studio: Studio):
    mine = opened(studio, "criterion", key="overall")
    theirs = {"scale": "five", "level_1": "Bad.", "level_2": "Good."}
    assert studio.post("criterion", mine | theirs, key="overall").status_code == 302
    yours = {"question": "Which is clearer?"}
    assert studio.post("criterion", mine | yours, key="overall").status_code == 302
    stored = question(studio)
    assert (stored.question, stored.scale) == ("Which is clearer?", "five")
    assert [level["description"] for level in stored.levels] == ["Bad.", "Good."]


def test_a_question_that_two_people_changed_differently_is_told_and_left(studio: Studio):
    mine = opened(studio, "criterion", key="overall")
    theirs = {"question": "Theirs?", "level_1": "Bad.", "example_1": "No.", "scale": "five"}
    studio.post("criterion", mine | theirs, key="overall")
    typed = mine | {"question": "Mine?", "level_1": "Awful.", "scale": "seven"}
    refused = studio.post("criterion", typed, key="overall")
    assert told(refused) == {
        ("Question", "Theirs?", "Mine?"),
        (
            "Scale",
            "Five steps, the middle one is a tie",
            "Seven steps, the middle one is a tie",
        ),
        ("Levels", "1. Bad. Example: No.", "1. Awful."),
    }
    assert question(studio).question == "Theirs?"
    again = typed | {"shown": refused.context["shown"]}
    assert studio.post("criterion", again, key="overall").status_code == 302
    assert question(studio).question == "Mine?"


THREE = {"level_1": "Bad.", "level_2": "OK.", "level_3": "Good."}


def levels(studio: Studio) -> list[tuple[str, str]]:
    return [(level["id"], level["description"]) for level in question(studio).levels]


@pytest.mark.parametrize("with_ids", [True, False])
def test_levels_that_nobody_touched_stay_as_somebody_else_left_them(studio: Studio, with_ids: bool):
    studio.post("criterion", opened(studio, "criterion", key="overall") | THREE, key="overall")
    if not with_ids:
        # As files may state them.
        bare = [{"description": text} for text in THREE.values()]
        studio.study.criteria.update(levels=bare)
    mine = opened(studio, "criterion", key="overall")
    assert studio.post("criterion", mine | {"level_1": ""}, key="overall").status_code == 302
    assert levels(studio) == [("2", "OK."), ("3", "Good.")]
    answer = studio.post("criterion", mine | {"question": "Which one?"}, key="overall")
    assert answer.status_code == 302
    assert question(studio).question == "Which one?"
    assert levels(studio) == [("2", "OK."), ("3", "Good.")]


def test_levels_that_two_people_changed_keep_their_ids(studio: Studio):
    studio.post("criterion", opened(studio, "criterion", key="overall") | THREE, key="overall")
    mine = opened(studio, "criterion", key="overall")
    theirs = {"level_1": "", "level_4": "Splendid."}
    studio.post("criterion", mine | theirs, key="overall")
    assert levels(studio) == [("2", "OK."), ("3", "Good."), ("4", "Splendid.")]
    # The same once more, as an impatient hand sends it, is no conflict.
    assert studio.post("criterion", mine | theirs, key="overall").status_code == 302
    typed = mine | {"level_2": "Fair.", "level_4": "Perfect."}
    refused = studio.post("criterion", typed, key="overall")
    assert [what for what, *_ in told(refused)] == ["Levels"]
    again = {**as_it_stands(refused), "scale": "ternary"}
    assert studio.post("criterion", again, key="overall").status_code == 302
    assert levels(studio) == [("1", "Bad."), ("2", "Fair."), ("3", "Good."), ("5", "Perfect.")]


def test_a_page_sends_which_level_it_shows_in_which_row(studio: Studio):
    studio.post("criterion", opened(studio, "criterion", key="overall") | THREE, key="overall")
    page = studio.get("criterion", key="overall").content.decode()
    sent = re.findall(r'<input type="hidden" name="(level_id_\d)"(?: value="(\d)")?', page)
    assert sent[:4] == [(f"level_id_{n}", str(n)) for n in range(1, 4)] + [("level_id_4", "")]


def test_an_id_that_no_level_has_is_not_taken_from_the_page(studio: Studio):
    studio.post("criterion", opened(studio, "criterion", key="overall") | THREE, key="overall")
    mine = opened(studio, "criterion", key="overall")
    studio.post("criterion", mine | {"level_id_2": "x" * 300, "level_2": "Fair."}, key="overall")
    assert levels(studio) == [("1", "Bad."), ("4", "Fair."), ("3", "Good.")]


def test_what_was_typed_of_a_question_that_is_gone_can_be_added_again(studio: Studio):
    studio.post("new_criterion", {"question": "Is it true?", "scale": "ternary"})
    mine = opened(studio, "criterion", key="is_it_true")
    studio.post("move_criterion", {"remove": ""}, key="is_it_true")
    refused = studio.post("criterion", mine | {"question": "Is it right?"}, key="is_it_true")
    assert refused.status_code == 422
    assert "This question is not there any more" in text_of(refused)
    assert f'action="{studio.url("new_criterion")}"' in refused.content.decode()
    typed = {
        name: value
        for name, value in initial_data(refused.context["form"]).items()
        if value is not None
    }
    assert studio.post("new_criterion", typed).status_code == 302
    assert question(studio, "is_it_true").question == "Is it right?"


@pytest.mark.parametrize(
    ("page", "data", "kwargs"),
    [
        ("take_template", {"template": TEMPLATES[0].key}, {}),
        ("move_criterion", {"remove": ""}, {"key": "is_it_true"}),
    ],
)
def test_no_question_goes_that_was_changed_after_the_page_was_shown(
    studio: Studio, page: str, data: dict[str, str], kwargs: dict[str, str]
):
    studio.post("new_criterion", {"question": "Is it true?", "scale": "ternary"})
    shown = studio.get("rubric").context["shown"]
    studio.post(
        "criterion",
        {"question": "Are both true?", "scale": "ternary", "key": "is_it_true"},
        key="is_it_true",
    )
    refused = studio.post(page, {**data, "shown": shown}, **kwargs)
    assert refused.status_code == 422
    assert "Somebody else changed the questions" in text_of(refused)
    assert question(studio, "is_it_true").question == "Are both true?"
    again = studio.post(page, {**data, "shown": refused.context["shown"]}, **kwargs)
    assert again.status_code == 302
    assert not studio.study.criteria.filter(key="is_it_true").exists()


PEOPLE = {
    "questions": (
        {"text_1": "Your work?", "options_1": "lawyer\nnurse"},
        {"text_1": "Your town?", "options_1": "Graz\nWien"},
        {
            (
                "Question 1",
                "Your work?\nlawyer\nnurse\nShort name: your_work",
                "Your town?\nGraz\nWien\nShort name: your_town",
            )
        },
    ),
    "platform": (
        {"completed_code": "THEIRS", "no_work_code": "NONE"},
        {"completed_code": "MINE"},
        {("Code for whoever is finished", "THEIRS", "MINE")},
    ),
}


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("is_opened", [False, True])
def test_pages_about_people_tell_what_two_changed_differently(tmp_path, name: str, is_opened: bool):
    studio = filled(tmp_path, 2)
    if is_opened:
        open_study(studio.study)
    theirs, yours, differences = PEOPLE[name]
    address = reverse(f"people:{name}", kwargs={"slug": studio.study.slug})
    mine = as_it_stands(studio.client.get(address)) | {"reason": "Asked."}
    assert studio.client.post(address, mine | theirs).status_code == 302
    stored = rules(studio)
    refused = studio.client.post(address, mine | yours)
    assert told(refused) == differences
    assert rules(studio) == stored
    assert studio.client.post(address, as_it_stands(refused)).status_code == 302
    assert rules(studio) != stored
    if name == "platform":
        assert rules(studio)["crowd"] == {"completed_code": "MINE", "no_work_code": "NONE"}
