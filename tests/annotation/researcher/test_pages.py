"""What the set-up's pages cost, refuse and leave as it was."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation.importing.transfer import import_files
from annotation.importing.writers import responses
from annotation.lifecycle.generation import generate_comparisons
from annotation.lifecycle.opening import open_study
from annotation.models import AuditEntry, Comparison, Criterion, Prompt, Study, Vote
from annotation.researcher.dry_run import sampled
from annotation.researcher.references import LONGEST_TYPED
from annotation.researcher.rehearsal import PlannedWork, rehearse
from annotation.researcher.rule_forms import ChecksForm
from annotation.researcher.steps import STEPS
from annotation.tasks import work_on_upload
from tests import factories
from tests.annotation.researcher.studio import Studio, make_studio, two_systems
from tests.annotation.researcher.test_wizard import initial_data
from tests.pages import text_of

pytestmark = pytest.mark.django_db

RULES = ("checks", "asking", "quality_rules", "routing")
PAGES = (*(step.key for step in STEPS), *RULES, "references")


def filled(tmp_path, prompts: int) -> Studio:
    studio = make_studio()
    path = tmp_path / f"{studio.study.slug}.jsonl"
    path.write_bytes(two_systems(prompts))
    import_files(studio.study.slug, [path], responses.PLAN, say=lambda text: None)
    generate_comparisons(studio.study)
    return studio


def queries_of(studio: Studio, page: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert studio.get(page).status_code == 200
    return len(seen)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_as_often_whatever_the_size(tmp_path, page: str):
    small, large = filled(tmp_path, 2), filled(tmp_path, 120)
    few = queries_of(small, page)
    assert queries_of(large, page) == few
    assert few <= 25


def test_nobody_but_those_who_may_begins_a_study():
    stranger = Studio(Study(slug="none"), factories.make_user())
    answer = stranger.client.post("/studies/new/", {"title": "Mine"})
    assert answer.status_code == 403
    assert not Study.objects.exists()


def test_a_taken_short_name_is_refused_and_nothing_typed_is_lost(studio: Studio):
    answer = studio.client.post("/studies/new/", {"title": "Mine", "slug": studio.study.slug})
    assert answer.status_code == 422
    page = text_of(answer)
    assert "already; choose another short name" in page
    assert 'value="Mine"' in page


def test_two_studies_of_one_title_get_two_short_names(studio: Studio):
    for expected in ("mine", "mine-2"):
        answer = studio.client.post("/studies/new/", {"title": "Mine"})
        assert answer["Location"] == f"/study/{expected}/set-up/basics/"


def test_the_preview_shows_no_markup_of_others(studio: Studio):
    page = text_of(studio.post("preview", {"instructions": "<script>window.ran=1</script> **b**"}))
    assert "<script>" not in page
    assert "<strong>b</strong>" in page


def test_an_opened_study_takes_none_of_the_steps(tmp_path):
    studio = filled(tmp_path, 2)
    open_study(studio.study)
    before = AuditEntry.objects.count()
    posts = {
        "basics": {"title": "Other", "instructions": "x"},
        "take_template": {"template": "code"},
        "new_criterion": {"question": "?", "scale": "ternary"},
        "design": {"design": "all", "rounds": 1, "overlap": 2, "seed": 0},
        "identical": {"number": 1},
        "checks": {},
        "asking": {},
        "quality_rules": {},
        "references": {},
        "show_references": {"show": "yes"},
    }
    for name, data in posts.items():
        assert studio.post(name, data).status_code == 302, name
    assert AuditEntry.objects.count() == before
    assert Criterion.objects.filter(study=studio.study).count() == 1


@pytest.mark.parametrize("page", ["content", "design", "dry_run", "open", "running"])
def test_names_are_sealed_on_every_page_once_the_study_is_open(tmp_path, page: str):
    studio = filled(tmp_path, 2)
    open_study(studio.study)
    for answer in (
        studio.client.get(studio.url(page), {"people": 2, "pay": 1, "seconds": 9}, follow=True),
    ):
        shown = text_of(answer)
        assert "north" not in shown
        assert "south" not in shown


def test_rules_that_nobody_touched_are_stored_as_none(studio: Studio):
    for name in RULES:
        data = initial_data(studio.get(name).context["form"])
        sent = {key: value for key, value in data.items() if value is not None}
        assert studio.post(name, sent).status_code == 302
    studio.study.refresh_from_db()
    assert studio.study.rules == {}


def test_rules_are_stored_as_they_were_entered_and_others_stay(studio: Studio):
    studio.study.rules = {"crowd": {"completed_code": "C1"}}
    studio.study.save()
    data = initial_data(studio.get("checks").context["form"])
    sent = {key: value for key, value in data.items() if value is not None}
    studio.post("checks", {**sent, "gold_share": "10", "max_per_annotator": "50"})
    data = initial_data(studio.get("quality_rules").context["form"])
    studio.post("quality_rules", {**data, "speed_action": "off", "skips_most": "40"})
    studio.study.refresh_from_db()
    assert studio.study.max_per_annotator == 50
    assert studio.study.rules == {
        "crowd": {"completed_code": "C1"},
        "checks": {"gold_share": 0.1},
        "quality": {"speed": None, "skips": {"most": 0.4}},
    }


def test_checks_that_would_be_most_of_the_work_are_refused(studio: Studio):
    data = initial_data(studio.get("checks").context["form"])
    sent = {key: value for key, value in data.items() if value is not None}
    answer = studio.post("checks", {**sent, "gold_share": "40", "repeat_share": "40"})
    assert answer.status_code == 422
    assert "is the most" in text_of(answer)


def test_a_design_is_replaced_as_a_whole(tmp_path):
    studio = filled(tmp_path, 3)
    assert Comparison.objects.count() == 3
    data = {"design": "all", "rounds": 1, "overlap": 5, "seed": 0, "replace": "on"}
    assert studio.post("design", data).status_code == 302
    assert set(Comparison.objects.values_list("overlap", flat=True)) == {5}
    assert Comparison.objects.count() == 3


def test_a_design_that_takes_too_long_is_refused(tmp_path, monkeypatch):
    studio = filled(tmp_path, 3)
    monkeypatch.setattr("annotation.jobs.putting_off.MOST_PAIRS", 2)
    answer = studio.post("design", {"design": "all", "rounds": 1, "overlap": 2, "seed": 0})
    assert answer.status_code == 422
    assert "up to 3 pairs; 2 are made here at most" in text_of(answer)


def test_pairs_that_have_votes_are_not_replaced(tmp_path):
    studio = filled(tmp_path, 2)
    factories.make_vote(Comparison.objects.first())
    data = {"design": "all", "rounds": 1, "overlap": 5, "seed": 0, "replace": "on"}
    answer = studio.post("design", data)
    assert answer.status_code == 422
    assert "have votes" in text_of(answer)
    assert Comparison.objects.count() == 2


def test_a_page_of_references_leaves_alone_what_was_not_typed_in_it(tmp_path):
    studio = filled(tmp_path, 3)
    first, second = Prompt.objects.filter(study=studio.study).order_by("pk")[:2]
    opened = fields_of(studio.get("references"))
    Prompt.objects.filter(pk=first.pk).update(reference="Of the other expert.")
    studio.post("references", opened | {f"reference_{second.pk}": "Mine."})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.reference, second.reference) == ("Of the other expert.", "Mine.")


def test_two_experts_on_one_reference_see_both_texts(tmp_path):
    studio = filled(tmp_path, 3)
    first = Prompt.objects.filter(study=studio.study).order_by("pk")[0]
    opened = fields_of(studio.get("references", data={"only": "missing"}))
    Prompt.objects.filter(pk=first.pk).update(reference="Of the other expert.")
    typed = opened | {f"reference_{first.pk}": "Mine."}
    address = studio.url("references") + "?only=missing"
    answer = studio.client.post(address, typed)
    assert answer.status_code == 422
    assert "Of the other expert." in text_of(answer)
    assert fields_of(answer)[f"reference_{first.pk}"] == "Mine."
    first.refresh_from_db()
    assert first.reference == "Of the other expert."
    # Saved again, knowing of the other.
    assert studio.client.post(address, fields_of(answer)).status_code == 302
    first.refresh_from_db()
    assert first.reference == "Mine."


def fields_of(answer) -> dict[str, str]:
    """What a browser would send of the page of references, as it stands."""
    page = answer.content.decode()
    texts = re.findall(r'name="(reference_\d+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    digests = re.findall(r'name="(shown_\d+)" value="(\w*)"', page)
    assert len(texts) == len(digests) > 0
    return dict(texts) | dict(digests)


def test_references_are_written_page_by_page(tmp_path):
    studio = filled(tmp_path, 2)
    first, _ = Prompt.objects.order_by("pk")
    studio.post("references", {f"reference_{first.pk}": "Expert.\r\nLine two."})
    first.refresh_from_db()
    assert first.reference == "Expert.\nLine two."
    stranger = factories.make_comparison(factories.make_study()).prompt
    studio.post("references", {f"reference_{stranger.pk}": "not mine", "reference_x": "y"})
    stranger.refresh_from_db()
    assert stranger.reference == ""
    studio.post("show_references", {"show": "yes"})
    studio.study.refresh_from_db()
    assert studio.study.rules == {"answering": {"show_reference": True}}


def test_the_checklist_blocks_on_a_fault_and_leads_to_it(studio: Studio):
    page = text_of(studio.get("open"))
    assert "There is nothing to rate yet" in page
    content = studio.get("open").content.decode()
    step = content[content.index("checklist") :]
    assert f'href="{studio.url("content")}"' in step
    assert "Content: nothing stands in the way" not in page
    assert "Design: nothing stands in the way" not in page
    assert studio.post("open").status_code == 422
    studio.study.refresh_from_db()
    assert studio.study.opened_at is None


@pytest.mark.parametrize(("prompts", "is_told"), [(199, True), (200, False)])
def test_below_two_hundred_prompts_content_planner_and_checklist_say_so(
    tmp_path, prompts: int, is_told: bool
):
    studio = filled(tmp_path, prompts)
    planner = studio.client.get(reverse("reports:planner", kwargs={"slug": studio.study.slug}))
    for page, said in (
        (studio.get("content"), f"{prompts} prompts seldom stand for the whole of the"),
        (planner, f"{prompts} prompts.</strong> Below 200 representative ones"),
        (studio.get("open"), f"There are {prompts} prompts. Below 200 representative ones"),
    ):
        assert (said in text_of(page)) == is_told
    assert studio.post("open").status_code == 302


def test_content_without_pairs_leads_to_the_design(tmp_path):
    studio = filled(tmp_path, 3)
    Comparison.objects.all().delete()
    page = text_of(studio.get("open"))
    assert "generate the pairs" in page
    assert "Content: nothing stands in the way" in page


def test_whoever_opened_a_study_without_people_is_led_to_them(tmp_path):
    studio = filled(tmp_path, 3)
    open_study(studio.study)
    page = studio.get("running")
    assert "Nobody is there to rate yet" in text_of(page)
    people = reverse("people:invitations", kwargs={"slug": studio.study.slug})
    assert f'href="{people}">Invite people' in page.content.decode()
    factories.make_annotator(studio.study, factories.make_user())
    assert "Nobody is there" not in text_of(studio.get("running"))


def test_a_rubric_that_was_taken_is_told(studio: Studio):
    key = studio.get("rubric").context["templates"][0].key
    page = studio.client.post(studio.url("take_template"), {"template": key}, follow=True)
    assert "The rubric is now:" in text_of(page)


def test_an_upload_with_bad_rows_says_so_in_the_list(studio: Studio):
    studio.checked(("a.jsonl", two_systems() + b'\n{"prompt_id": "q"}'))
    assert "Checked: 1 bad row" in text_of(studio.get("content"))


def test_the_dry_run_leaves_no_row(tmp_path):
    studio = filled(tmp_path, 3)
    studio.get("dry_rate")
    asked = studio.client.post(
        studio.url("dry_next"), {"want": 2}, content_type="application/json"
    ).json()
    assert len(asked["pairs"]) == 2
    shown = str(asked)
    assert "north" not in shown
    assert "south" not in shown
    body = {"assignment": asked["pairs"][0]["id"], "answers": {"overall": "left"}}
    told = studio.client.post(studio.url("dry_vote"), body, content_type="application/json")
    assert told.json()["received"] == "counted"
    for _ in range(3):
        left = studio.client.post(
            studio.url("dry_next"), {}, content_type="application/json"
        ).json()["pairs"]
        for pair in left:
            studio.client.post(
                studio.url("dry_skip"),
                {"assignment": pair["id"], "reason": "other"},
                content_type="application/json",
            )
    assert left == []
    assert not Vote.objects.exists()
    assert not Comparison.objects.exclude(taken=0).exists()


# -- simulated people --------------------------------------------------------------------------


def work(pairs: int, overlap: int) -> list[PlannedWork]:
    return [PlannedWork("a", "b", overlap) for _ in range(pairs)]


def test_enough_people_cover_every_pair_with_even_sides():
    found = rehearse(work(40, 3), people=5, seconds_each=60, seed=1)
    assert (found.wanted, found.given, sum(found.answers)) == (120, 120, 120)
    (pair,) = found.pairs
    assert pair.left_share == pytest.approx(0.5, abs=0.02)
    assert found.total_hours == pytest.approx(2, rel=0.3)


def test_fewer_people_than_votes_leave_what_nobody_may_rate_twice():
    found = rehearse(work(10, 3), people=2, seconds_each=60)
    assert (found.wanted, found.given) == (30, 20)


def test_a_cap_holds_for_everybody():
    found = rehearse(work(10, 1), people=2, seconds_each=60, most_each=3)
    assert found.answers == (3, 3)
    assert found.given == 6


def test_checks_take_time_and_give_no_vote():
    plain = rehearse(work(100, 1), people=4, seconds_each=60)
    mixed = rehearse(work(100, 1), people=4, seconds_each=60, check_share=0.2)
    assert mixed.given == plain.given
    assert mixed.total_hours == pytest.approx(plain.total_hours / 0.8, rel=0.1)


def test_a_new_level_takes_no_id_of_another(tmp_path):
    studio = filled(tmp_path, 1)
    asked = {"question": "Which is better?", "scale": "ternary"}
    levels = {"level_1": "Bad.", "level_2": "Fair.", "level_3": "Good."}
    studio.post("criterion", asked | levels, key="overall")
    studio.post("criterion", asked | levels | {"level_2": ""}, key="overall")
    again = {"level_1": "Bad.", "level_2": "Good.", "level_3": "Splendid."}
    assert studio.post("criterion", asked | again, key="overall").status_code == 302
    stored = studio.study.criteria.get(key="overall").levels
    assert [level["id"] for level in stored] == ["1", "3", "2"]


def test_a_page_of_rules_keeps_what_was_set_on_another_meanwhile(tmp_path, monkeypatch):
    studio = filled(tmp_path, 1)
    untouched = initial_data(ChecksForm(studio.study))
    sent = {name: value for name, value in untouched.items() if value is not None}
    check = ChecksForm.full_clean

    def meanwhile(form: ChecksForm) -> None:
        check(form)
        # After this request has read the study.
        Study.objects.filter(pk=studio.study.pk).update(
            rules={"answering": {"show_reference": True}}
        )

    monkeypatch.setattr(ChecksForm, "full_clean", meanwhile)
    assert studio.post("checks", sent | {"gold_share": "10"}).status_code == 302
    studio.study.refresh_from_db()
    assert studio.study.rules["answering"] == {"show_reference": True}
    assert studio.study.rules["checks"]["gold_share"] == 0.1


def test_the_dry_run_draws_from_all_pairs_of_systems_whatever_their_identifiers(tmp_path):
    studio = filled(tmp_path, 20)
    path = tmp_path / "west.jsonl"
    rows = [
        {"prompt_id": f"q{n}", "prompt": f"Question {n}?", "system": "west", "response": f"{n}."}
        for n in range(20)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    import_files(studio.study.slug, [path], responses.PLAN, say=lambda text: None)
    generate_comparisons(studio.study)
    # As a file numbers them: all of the same two systems first.
    ordered = Comparison.objects.filter(study=studio.study).order_by("system_a_id", "system_b_id")
    for number, pair in enumerate(ordered):
        Comparison.objects.filter(pk=pair.pk).update(item_id=f"i{number:04}")
    shown = Comparison.objects.filter(pk__in=sampled(studio.study))
    met = Counter(frozenset(pair) for pair in shown.values_list("system_a_id", "system_b_id"))
    assert sorted(met.values()) == [4, 4, 4]
    assert sampled(studio.study) == sampled(studio.study)


def test_references_of_a_page_stay_below_what_a_form_may_send(tmp_path, settings):
    studio = filled(tmp_path, 20)
    Prompt.objects.update(reference="猫" * LONGEST_TYPED)
    # Another word for each of twenty prompts, as a browser sends them: nothing is cut off.
    page = studio.get("references")
    keys = [entry["key"] for entry in page.context["prompts"]]
    assert len(keys) == 20
    shown = {f"shown_{entry['key']}": entry["shown"] for entry in page.context["prompts"]}
    typed = {f"reference_{key}": "犬" * LONGEST_TYPED for key in keys}
    assert studio.post("references", {**shown, **typed}).status_code == 302
    assert set(Prompt.objects.values_list("reference", flat=True)) == {"犬" * LONGEST_TYPED}


def test_a_reference_that_is_too_long_for_the_form_comes_by_a_file(tmp_path):
    studio = filled(tmp_path, 2)
    first, second = Prompt.objects.filter(study=studio.study).order_by("pk")
    refused = studio.post("references", {f"reference_{first.pk}": "a" * (LONGEST_TYPED + 1)})
    assert refused.status_code == 422
    assert "Bring a longer one with a file" in text_of(refused)
    lines = [
        json.dumps({"prompt_id": first.prompt_id, "reference": "a" * 200_000}),
        json.dumps({"prompt_id": second.prompt_id, "reference": 3}),
    ]
    upload = studio.checked(("references.jsonl", "\n".join(lines).encode()), kind="prompts")
    assert [problem[1] for problem in upload.found["problems"]] == [2]
    studio.post("store", {"bad_rows": "skip"}, upload=upload.public_id)
    work_on_upload()
    first.refresh_from_db()
    assert len(first.reference) == 200_000
    # The page leaves it out of the form: saving the others neither sends nor changes it.
    page = studio.get("references")
    assert "200,000 characters" in text_of(page)
    assert f'name="reference_{first.pk}"' not in page.content.decode()
