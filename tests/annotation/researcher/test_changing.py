"""Questions of an opened study, changed and added by a further version."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.lifecycle.opening import open_study
from annotation.models import AuditEntry, Comparison, Criterion, StudyVersion
from tests.annotation.researcher.studio import Studio
from tests.annotation.researcher.test_pages import filled
from tests.annotation.researcher.test_wizard import initial_data
from tests.pages import text_of

pytestmark = pytest.mark.django_db

NEW = {"question": "Which one is clearer?", "scale": "ternary", "reason": "We forgot it."}


@pytest.fixture
def opened(tmp_path) -> Studio:
    studio = filled(tmp_path, 2)
    open_study(studio.study)
    return studio


def versions(studio: Studio) -> int:
    return StudyVersion.objects.filter(study=studio.study).count()


def test_a_question_is_added_as_a_new_version(opened: Studio):
    assert "Add a question" in text_of(opened.get("change_part", part="questions"))
    assert opened.post("add_question", NEW)["Location"] == opened.url("running")
    assert versions(opened) == 2
    assert list(Criterion.objects.values_list("key", flat=True).order_by("position")) == [
        "overall",
        "which_one_is_clearer",
    ]


def test_the_words_of_a_question_change_and_its_scale_stays(opened: Studio):
    form = opened.get("change_question", key="overall").context["form"]
    sent = initial_data(form) | {
        "question": "Which one would you send?",
        "scale": "binary",
        "level_1": "Cannot be sent",
        "example_1": "No.",
        "reason_1": "It says nothing.",
        "reason": "Clearer words.",
    }
    sent = {name: value for name, value in sent.items() if value is not None}
    assert opened.post("change_question", sent, key="overall").status_code == 302
    overall = Criterion.objects.get(key="overall")
    assert overall.question == "Which one would you send?"
    assert overall.scale == "ternary"
    assert overall.levels == [
        {
            "id": "1",
            "description": "Cannot be sent",
            "example": "No.",
            "reason": "It says nothing.",
        }
    ]
    assert versions(opened) == 2


@pytest.mark.parametrize(
    ("lacking", "said"),
    [("reason", "Give a reason"), ("question", "Say what annotators shall decide")],
)
def test_without_reason_or_words_nothing_changes(opened: Studio, lacking: str, said: str):
    answer = opened.post("add_question", {**NEW, lacking: ""})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert versions(opened) == 1


@pytest.mark.parametrize("key", ["Helpfulness", "style/tone", "new", "a/move"])
def test_keys_of_files_stay_as_they_are_and_can_be_changed(opened: Studio, key: str):
    Criterion.objects.create(
        study=opened.study, key=key, question="How?", scale="ternary", position=1
    )
    assert (
        opened.url("change_question", key=key)
        in opened.get("change_part", part="questions").content.decode()
    )
    answer = opened.get("change_question", key=key)
    assert answer.context["criterion"].key == key
    sent = {"question": "How much?", "scale": "ternary", "reason": "Clearer words."}
    assert opened.post("change_question", sent, key=key).status_code == 302
    assert Criterion.objects.get(key=key).question == "How much?"


def test_a_key_of_a_file_stays_in_a_draft_too(tmp_path):
    draft = filled(tmp_path, 2)
    Criterion.objects.create(
        study=draft.study, key="Style/tone", question="How?", scale="ternary", position=1
    )
    assert draft.get("rubric").status_code == 200
    sent = {"question": "How much?", "scale": "ternary", "key": "Style/tone"}
    assert draft.post("criterion", sent, key="Style/tone").status_code == 302
    assert Criterion.objects.get(key="Style/tone").question == "How much?"
    assert draft.post("move_criterion", {"remove": ""}, key="Style/tone").status_code == 302
    assert not Criterion.objects.filter(key="Style/tone").exists()


def test_levels_beyond_those_of_the_form_are_kept(opened: Studio):
    levels = [{"id": f"l{number}", "description": f"Level {number}"} for number in range(1, 10)]
    Criterion.objects.filter(key="overall").update(levels=levels)
    form = opened.get("change_question", key="overall").context["form"]
    sent = initial_data(form) | {"level_1": "Worst", "reason": "Clearer words."}
    sent = {name: value for name, value in sent.items() if value is not None}
    assert opened.post("change_question", sent, key="overall").status_code == 302
    levels[0]["description"] = "Worst"
    assert Criterion.objects.get(key="overall").levels == levels


def test_a_question_that_there_is_not_is_not_found(opened: Studio):
    assert opened.get("change_question", key="wit").status_code == 404


def test_a_draft_has_no_versions_to_make(tmp_path):
    draft = filled(tmp_path, 2)
    assert draft.post("add_question", NEW)["Location"] == draft.url("running")
    assert Criterion.objects.count() == 1


# -- further pairs ---------------------------------------------------------------------------


def pairs_file(**changes: str) -> SimpleUploadedFile:
    row = {
        "item_id": "more-1",
        "prompt_id": "q9",
        "prompt": "Another question?",
        "system_a": "north",
        "system_b": "south",
        "response_a": "One answer.",
        "response_b": "Another answer.",
    } | changes
    return SimpleUploadedFile("more.jsonl", json.dumps(row).encode())


def test_further_pairs_are_handed_out_from_a_new_version_on(opened: Studio):
    assert "Further pairs" in text_of(opened.get("change_part", part="texts"))
    answer = opened.post("add_pairs", {"chosen": pairs_file(), "reason": "More of them."})
    assert answer["Location"] == opened.url("running")
    assert versions(opened) == 2
    assert Comparison.objects.get(item_id="more-1").open
    actions = AuditEntry.objects.filter(study=opened.study).values_list("action", flat=True)
    assert {"comparisons.imported", "study.changed"} <= set(actions)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system_b": ""}, "rows are bad; nothing was added"),
        ({"system_b": "west"}, "is new"),
    ],
)
def test_a_file_that_cannot_be_added_changes_nothing(opened: Studio, changes, said):
    answer = opened.post("add_pairs", {"chosen": pairs_file(**changes), "reason": "More."})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert versions(opened) == 1
    assert not Comparison.objects.filter(item_id="more-1").exists()


def test_a_bad_row_is_named_by_its_line(opened: Studio):
    answer = opened.post("add_pairs", {"chosen": pairs_file(system_b=""), "reason": "More."})
    assert [line for line, _ in answer.context["problems"].first] == [1]


def test_a_file_of_no_known_format_is_refused(opened: Studio):
    file = SimpleUploadedFile("more.txt", b"?")
    answer = opened.post("add_pairs", {"chosen": file, "reason": "More."})
    assert answer.status_code == 422
    assert "/tmp" not in text_of(answer)  # noqa: S108 - no folder of the server is told
