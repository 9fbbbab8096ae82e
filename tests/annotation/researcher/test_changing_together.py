"""Two people who change an opened study: neither overwrites what the other one changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from annotation.lifecycle import snapshots
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.rubric import CriterionDraft
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import Criterion, Study, StudyVersion
from annotation.researcher import changing
from annotation.researcher.since_shown import was_told
from annotation.rules import Rules, rules_as_json
from tests.annotation.researcher.studio import Studio
from tests.annotation.researcher.test_changing import page_of, rules_now, versions
from tests.annotation.researcher.test_pages import filled
from tests.annotation.researcher.test_wizard import initial_data
from tests.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened(tmp_path) -> Studio:
    studio = filled(tmp_path, 2)
    open_study(studio.study)
    return studio


CONFLICTS: Mapping[str, tuple[dict[str, str], dict[str, str], str]] = {
    "texts": ({"instructions": "Theirs."}, {"instructions": "Mine."}, "Instructions"),
    "checks": ({"per_day": "30"}, {"per_day": "40"}, "Most pairs a day"),
    "quality": ({"skips_min_n": "31"}, {"skips_min_n": "32"}, "Skips much: From so many on"),
}


def rules_of_before(rules: Rules) -> dict[str, Any]:
    """What the release before wrote into a snapshot."""
    written = rules_as_json(rules)
    del written["quality"]["own_votes"]
    return written


@pytest.mark.parametrize("wanted", ["exclude", "count"])
def test_the_rule_of_own_votes_is_changed_of_a_study_that_was_opened_before_there_was_one(
    tmp_path, monkeypatch, wanted: str
):
    opened = filled(tmp_path, 2)
    with monkeypatch.context() as before:
        before.setattr(snapshots, "rules_as_json", rules_of_before)
        open_study(opened.study)
    # As the migration leaves it.
    Study.objects.filter(pk=opened.study.pk).update(rules={"quality": {"own_votes": "count"}})
    page = opened.get("change_part", part="quality")
    data = initial_data(page.context["rules"])
    sent = {name: value for name, value in data.items() if value is not None}
    assert sent["own_votes"] == "count"
    sent |= {"shown_version": "1", "reason": "Asked.", "skips_min_n": "31", "own_votes": wanted}
    assert opened.post("change_part", sent, part="quality").status_code == 302
    newest = StudyVersion.objects.get(study=opened.study, number=2)
    assert newest.snapshot["rules"]["quality"]["own_votes"] == wanted
    assert newest.snapshot["rules"]["quality"]["skips"]["min_n"] == 31
    opened.study.refresh_from_db()
    told = opened.study.audit_entries.get(action="study.changed").detail["settings"]
    assert ("rules.quality.own_votes" in told) is (wanted == "exclude")


@pytest.mark.parametrize("part", CONFLICTS)
def test_what_two_people_change_otherwise_of_an_opened_study_is_told_before_it_is_changed_again(
    opened: Studio, part: str
):
    theirs, yours, what = CONFLICTS[part]
    page = opened.get("change_part", part=part)
    form = page.context["rules"] or page.context["reason"]
    sent = {name: value for name, value in initial_data(form).items() if value is not None}
    sent |= {"shown_version": page.context["shown_version"], "reason": "Asked."}
    assert opened.post("change_part", sent | theirs, part=part).status_code == 302
    refused = opened.post("change_part", sent | yours, part=part)
    assert refused.status_code == 422
    [entry] = refused.context["moved"]
    assert (entry.what, entry.theirs, entry.yours) == (what, *theirs.values(), *yours.values())
    assert "somebody else changed something that you changed, too" in text_of(refused)
    assert versions(opened) == 2
    again = sent | yours | {"told_version": refused.context["told_version"]}
    # What another one changed after that is told once more.
    third = {name: value + "1" for name, value in theirs.items()}
    newest = {"shown_version": "2"}
    assert opened.post("change_part", sent | newest | third, part=part).status_code == 302
    refused = opened.post("change_part", again, part=part)
    assert refused.status_code == 422
    again |= {"told_version": refused.context["told_version"]}
    assert opened.post("change_part", again, part=part).status_code == 302
    assert versions(opened) == 4


def test_words_of_a_question_that_two_people_change_otherwise_are_told(opened: Studio):
    page = opened.get("change_question", key="overall")
    data = initial_data(page.context["form"])
    sent = {name: value for name, value in data.items() if value is not None}
    sent |= {"shown_version": page.context["shown_version"], "reason": "Asked."}
    opened.post("change_question", sent | {"question": "Theirs?"}, key="overall")
    mine = sent | {"question": "Mine?", "level_1": "Bad."}
    refused = opened.post("change_question", mine, key="overall")
    assert refused.status_code == 422
    [entry] = refused.context["moved"]
    assert (entry.what, entry.theirs, entry.yours) == ("Question", "Theirs?", "Mine?")
    assert Criterion.objects.get(key="overall").question == "Theirs?"
    again = mine | {"told_version": refused.context["told_version"]}
    assert opened.post("change_question", again, key="overall").status_code == 302
    assert Criterion.objects.get(key="overall").question == "Mine?"


def levels(studio: Studio) -> list[tuple[str, str]]:
    found = Criterion.objects.get(study=studio.study, key="overall").levels
    return [(level["id"], level["description"]) for level in found]


@pytest.fixture
def page_with_levels(opened: Studio) -> dict[str, Any]:
    """The page of a question with three levels, open in a browser."""
    texts = enumerate(("Bad.", "OK.", "Good."), start=1)
    three = tuple({"id": str(number), "description": text} for number, text in texts)
    criteria = [CriterionDraft("overall", "Which one?", both_bad=True, levels=three)]
    change_study(opened.study, WantedChange.of("Asked.", criteria=criteria))
    context = opened.get("change_question", key="overall").context
    sent = initial_data(context["form"]) | {
        "shown_version": context["shown_version"],
        "reason": "Asked.",
    }
    return {name: value for name, value in sent.items() if value is not None}


@pytest.mark.parametrize("says_ids", [True, False])
def test_levels_that_nobody_touched_stay_as_somebody_else_left_them(
    opened: Studio, page_with_levels: dict[str, Any], says_ids: bool
):
    mine = {
        name: value
        for name, value in page_with_levels.items()
        if says_ids or not name.startswith("level_id_")
    }
    opened.post("change_question", mine | {"level_1": ""}, key="overall")
    assert levels(opened) == [("2", "OK."), ("3", "Good.")]
    answer = opened.post("change_question", mine | {"question": "Which now?"}, key="overall")
    assert answer.status_code == 302
    assert Criterion.objects.get(key="overall").question == "Which now?"
    assert levels(opened) == [("2", "OK."), ("3", "Good.")]


def test_levels_that_two_people_changed_keep_their_ids(
    opened: Studio, page_with_levels: dict[str, Any]
):
    mine = page_with_levels
    theirs = {"level_1": "", "level_4": "Splendid."}
    opened.post("change_question", mine | theirs, key="overall")
    assert levels(opened) == [("2", "OK."), ("3", "Good."), ("4", "Splendid.")]
    typed = mine | {"level_2": "Fair.", "level_4": "Perfect.", "level_id_3": "of nobody"}
    refused = opened.post("change_question", typed, key="overall")
    [entry] = refused.context["moved"]
    assert entry.what == "Levels"
    again = typed | {"told_version": refused.context["told_version"]}
    assert opened.post("change_question", again, key="overall").status_code == 302
    # An id that no level had is not taken from the page.
    assert levels(opened) == [("1", "Bad."), ("2", "Fair."), ("5", "Good."), ("6", "Perfect.")]


def meanwhile(monkeypatch: pytest.MonkeyPatch, studio: Studio, *wishes: dict[str, Any]) -> None:
    """Somebody else changes the study each time after a page has compared it."""
    coming = iter(wishes)

    def compared(request: Any, newest: StudyVersion) -> bool:
        found = was_told(request, newest)
        if theirs := next(coming, None):
            study = Study.objects.get(pk=studio.study.pk)
            change_study(study, WantedChange.of("Asked.", **theirs))
        return found

    monkeypatch.setattr(changing, "was_told", compared)


@pytest.mark.parametrize("part", CONFLICTS)
def test_what_somebody_changes_after_it_was_compared_is_told_and_not_overwritten(
    opened: Studio, monkeypatch: pytest.MonkeyPatch, part: str
):
    theirs: Mapping[str, Any] = {
        "texts": {"instructions": "Theirs."},
        "checks": {"rules": {"limits": {"per_day": 30}}},
        "quality": {"rules": {"quality": {"skips": {"min_n": 31}}}},
    }
    _, yours, what = CONFLICTS[part]
    mine = page_of(opened, part) | yours
    meanwhile(monkeypatch, opened, theirs[part])
    refused = opened.post("change_part", mine, part=part)
    assert refused.status_code == 422
    assert [entry.what for entry in refused.context["moved"]] == [what]
    assert versions(opened) == 2
    again = mine | {"told_version": refused.context["told_version"]}
    assert opened.post("change_part", again, part=part).status_code == 302
    assert versions(opened) == 3


def test_words_that_somebody_changes_after_they_were_compared_are_told(
    opened: Studio, page_with_levels: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    theirs = [CriterionDraft("overall", "Theirs?", both_bad=True)]
    meanwhile(monkeypatch, opened, {"criteria": theirs})
    mine = page_with_levels | {"question": "Mine?"}
    refused = opened.post("change_question", mine, key="overall")
    [entry] = refused.context["moved"]
    assert (entry.what, entry.theirs, entry.yours) == ("Question", "Theirs?", "Mine?")
    assert Criterion.objects.get(key="overall").question == "Theirs?"


def test_what_somebody_else_changes_after_it_was_compared_is_merged_where_it_is_another(
    opened: Studio, monkeypatch: pytest.MonkeyPatch
):
    meanwhile(monkeypatch, opened, {"title": "Theirs", "rules": {"limits": {"skips_per_hour": 7}}})
    mine = page_of(opened, "checks") | {"per_day": 40}
    assert opened.post("change_part", mine, part="checks").status_code == 302
    assert rules_now(opened) == {"limits": {"per_day": 40, "skips_per_hour": 7}}
    assert Study.objects.get(pk=opened.study.pk).title == "Theirs"


def test_a_page_says_that_it_is_refused_where_others_never_rest(
    opened: Studio, monkeypatch: pytest.MonkeyPatch
):
    titles = [{"title": f"Theirs {number}"} for number in range(changing.MOST_ATTEMPTS)]
    monkeypatch.setattr(changing, "moved_since", lambda *_: [])
    meanwhile(monkeypatch, opened, *titles)
    refused = opened.post("change_part", page_of(opened, "texts") | {"title": "Mine"}, part="texts")
    assert "somebody else changed title, too" in text_of(refused)
    assert Study.objects.get(pk=opened.study.pk).title == titles[-1]["title"]
