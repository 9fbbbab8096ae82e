"""Questions of an opened study, changed and added by a further version."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from annotation.lifecycle.opening import open_study
from annotation.lifecycle.rubric import CriterionDraft
from annotation.lifecycle.rule_changes import rules_between, with_changes
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import AuditEntry, Comparison, Criterion, Study, StudyVersion
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
    criteria = [CriterionDraft("overall", "Which?", both_bad=True, levels=tuple(levels))]
    change_study(opened.study, WantedChange.of("From a file.", criteria=criteria))
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


# -- two people at once ----------------------------------------------------------------------


def page_of(studio: Studio, part: str) -> dict[str, object]:
    """What the page sends if nothing is changed on it."""
    context = studio.get("change_part", part=part).context
    sent = {
        **(initial_data(context["rules"]) if context["rules"] else {}),
        **initial_data(context["reason"]),
        "shown_version": context["shown_version"],
        "reason": "Asked for.",
    }
    return {name: value for name, value in sent.items() if value is not None}


def rules_now(studio: Studio) -> dict[str, object]:
    rules: dict[str, object] = Study.objects.get(pk=studio.study.pk).rules
    return rules


@pytest.mark.parametrize("part", ["checks", "texts"])
def test_two_people_who_change_different_things_lose_nothing(opened: Studio, part: str):
    first, second = page_of(opened, "checks"), page_of(opened, part)
    mine = {"skips_per_hour": 7} if part == "checks" else {"language": "de"}
    for sent, to in ((first | {"per_day": 40}, "checks"), (second | mine, part)):
        assert opened.post("change_part", sent, part=to).status_code == 302
    assert rules_now(opened) == {
        "limits": {"per_day": 40, **({"skips_per_hour": 7} if part == "checks" else {})},
        **({} if part == "checks" else {"texts": {"language": "de"}}),
    }
    assert versions(opened) == 3


def test_texts_and_numbers_that_somebody_else_changed_stay(opened: Studio):
    texts, checks = page_of(opened, "texts"), page_of(opened, "checks")
    later = page_of(opened, "texts"), page_of(opened, "checks")
    opened.post("change_part", texts | {"title": "Another name"}, part="texts")
    opened.post("change_part", checks | {"target_votes": 321}, part="checks")
    opened.post("change_part", later[0] | {"notice": "A trial."}, part="texts")
    opened.post("change_part", later[1] | {"max_per_annotator": 9}, part="checks")
    study = Study.objects.get(pk=opened.study.pk)
    assert (study.title, study.notice) == ("Another name", "A trial.")
    assert (study.target_votes, study.max_per_annotator) == (321, 9)


def test_a_rule_that_was_changed_back_on_purpose_is_changed_back(opened: Studio):
    opened.post("change_part", page_of(opened, "checks") | {"per_day": 40}, part="checks")
    opened.post("change_part", page_of(opened, "checks") | {"per_day": ""}, part="checks")
    assert rules_now(opened) == {}


def test_a_demand_that_somebody_else_made_stays_and_one_that_was_taken_out_goes():
    shown = {"eligibility": {"code": {"role": ["a"]}}}
    sent = {"eligibility": {"legal": {"role": ["b"]}}}
    current = shown | {"eligibility": {**shown["eligibility"], "maths": {"role": ["c"]}}}
    assert with_changes(current, rules_between(shown, sent)) == {
        "eligibility": {"legal": {"role": ["b"]}, "maths": {"role": ["c"]}}
    }


def test_two_questions_that_are_changed_at_once_are_both_changed(opened: Studio):
    opened.post("add_question", NEW)
    pages = {
        key: opened.get("change_question", key=key).context
        for key in ("overall", "which_one_is_clearer")
    }
    for key, context in pages.items():
        sent = initial_data(context["form"]) | {
            "question": f"New words of {key}?",
            "reason": "Clearer.",
            "shown_version": context["shown_version"],
        }
        sent = {name: value for name, value in sent.items() if value is not None}
        assert opened.post("change_question", sent, key=key).status_code == 302
    assert set(Criterion.objects.values_list("question", flat=True)) == {
        "New words of overall?",
        "New words of which_one_is_clearer?",
    }


def stored_as_a_file_has_it(studio: Studio, **rules: Any) -> None:
    """Texts that end with a line, and shares with more digits than a page shows."""
    question = CriterionDraft(
        "overall",
        " Which one? ",
        both_bad=True,
        levels=({"id": "1", "description": "Bad ", "example": "No.\r\nNever.\n"},),
    )
    change_study(
        studio.study,
        WantedChange.of(
            "From a file.",
            instructions="Read both.\r\nThen choose.\n",
            notice=" A trial. ",
            rules=rules,
            criteria=[question],
        ),
    )


def as_a_browser_sends(page: dict[str, object]) -> dict[str, object]:
    """With the line ends of HTML."""
    return {
        name: "\r\n".join(value.splitlines()) if isinstance(value, str) else value
        for name, value in page.items()
    }


THIRDS: dict[str, Any] = {
    "qualification": {"pass_mark": 1 / 3},
    "quality": {"gold_accuracy": {"least": 2 / 3}},
}


@pytest.mark.parametrize(
    ("part", "mine"),
    [
        ("texts", {"title": "Another name"}),
        ("checks", {"per_day": 40}),
        ("asking", {"confidence": "required"}),
        ("quality", {"skips_action": "pause"}),
        ("routing", {"distance": 5}),
    ],
)
def test_what_a_page_shows_otherwise_than_it_is_stored_was_not_changed(
    opened: Studio, part: str, mine: dict[str, object]
):
    stored_as_a_file_has_it(opened, **THIRDS)
    sent = as_a_browser_sends(page_of(opened, part))
    # Nothing was changed on it.
    assert opened.post("change_part", sent, part=part).status_code == 302
    assert versions(opened) == 2
    theirs: dict[str, Any] = {
        "qualification": {"pass_mark": 1 / 7},
        "quality": {"gold_accuracy": {"least": 3 / 7}},
    }
    change_study(
        Study.objects.get(pk=opened.study.pk),
        WantedChange.of("Asked.", instructions="Choose.", rules=theirs),
    )
    assert opened.post("change_part", sent | mine, part=part).status_code == 302
    assert versions(opened) == 4
    study = Study.objects.get(pk=opened.study.pk)
    assert (study.instructions, study.notice) == ("Choose.", " A trial. ")
    assert study.rules["qualification"] == theirs["qualification"]
    assert study.rules["quality"]["gold_accuracy"]["least"] == 3 / 7


def test_a_question_shown_otherwise_than_it_is_stored_was_not_changed(opened: Studio):
    stored_as_a_file_has_it(opened)
    context = opened.get("change_question", key="overall").context
    sent = as_a_browser_sends(
        initial_data(context["form"])
        | {"shown_version": context["shown_version"], "reason": "Asked for."}
    )
    sent = {name: value for name, value in sent.items() if value is not None}
    assert opened.post("change_question", sent, key="overall").status_code == 302
    assert versions(opened) == 2
    Criterion.objects.update(question="Which?")
    opened.post("change_question", sent | {"level_1": "Worst"}, key="overall")
    overall = Criterion.objects.get()
    assert overall.question == "Which?"
    assert overall.levels == [{"id": "1", "description": "Worst", "example": "No.\nNever."}]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 40, "٣"])
def test_a_version_that_there_is_not_is_taken_for_none(opened: Studio, number: str):
    sent = page_of(opened, "checks") | {"per_day": 40, "shown_version": number}
    assert opened.post("change_part", sent, part="checks").status_code == 302
    assert rules_now(opened) == {"limits": {"per_day": 40}}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_changes_in_the_same_moment_wait_for_each_other(opened: Studio):
    """Both were read before either is written; the study's lock puts them in a row."""
    together = threading.Barrier(2)
    fields = {"per_day": 40, "skips_per_hour": 7}

    def change(name: str, value: int) -> None:
        def rules(current: Mapping[str, Any]) -> dict[str, Any]:
            return with_changes(current, {"limits": {name: value}})

        study = Study.objects.get(pk=opened.study.pk)
        together.wait(30)
        change_study(study, WantedChange.of("Asked.", rules=rules), opened.user)
        connection.close()

    threads = [threading.Thread(target=change, args=one) for one in fields.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rules_now(opened) == {"limits": fields}
    assert versions(opened) == 3


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
