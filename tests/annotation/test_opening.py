"""Opening a study: every fault is named, then content and rubric are frozen under a hash."""

from __future__ import annotations

from typing import Any

import pytest

from annotation import queue
from annotation.lifecycle.codes import draw_codes
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.readiness import list_faults
from annotation.lifecycle.refusals import LifecycleError, StudyNotReadyError
from annotation.lifecycle.snapshots import content_hash
from annotation.models import (
    Comparison,
    ComparisonKind,
    Response,
    Scale,
    Study,
    StudyState,
    StudyVersion,
    System,
)
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def ready_study(**fields: Any) -> Study:
    """A draft of three systems that all meet."""
    study = factories.make_study(instructions="Choose the better one.", **fields)
    for pair in [("north", "south"), ("south", "west"), ("west", "north")]:
        factories.make_comparison(study, *pair)
    return study


def test_opening_freezes_the_study_and_lets_annotators_in() -> None:
    study = ready_study()
    opening = open_study(study)
    study.refresh_from_db()
    assert study.state == StudyState.OPEN
    assert study.opened_at is not None
    assert study.state_changed_at == study.opened_at
    assert opening.version.number == 1
    assert opening.warnings == ()
    assert Comparison.objects.filter(study=study, open=True).count() == 3


def test_opening_gives_every_comparison_its_cell_by_pair_of_systems_and_category() -> None:
    study = ready_study(rules={"order": {"by_category": True}})
    factories.make_comparison(
        study, "west", "north", prompt=factories.make_prompt(study, category="law")
    )
    open_study(study)
    cells = queue.cells_of(study)
    assert [(cell.system_a, cell.system_b, cell.stratum) for cell in cells] == [
        ("north", "south", ""),
        ("north", "west", ""),
        ("north", "west", "law"),
        ("south", "west", ""),
    ]
    assert [(cell.comparisons, cell.wanted, cell.stopped) for cell in cells] == [(1, 3, False)] * 4
    assert not Comparison.objects.filter(study=study, cell__isnull=True).exists()


def test_checks_and_training_get_no_place_and_no_cell() -> None:
    study = ready_study()
    gold = factories.make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    open_study(study)
    gold.refresh_from_db()
    assert (gold.open, gold.open_seq, gold.cell, gold.first_swapped) == (False, None, None, None)


def test_the_log_names_the_hash_that_was_frozen() -> None:
    study = ready_study()
    owner = factories.make_user()
    version = open_study(study, owner).version
    entry = study.audit_entries.get(action="study.opened")
    assert entry.actor == owner
    assert entry.detail["content_hash"] == version.content_hash
    assert entry.detail["comparisons"] == 3


def test_every_fault_is_named_at_once() -> None:
    study = factories.make_study()
    study.criteria.update(question=" ")
    with pytest.raises(StudyNotReadyError) as caught:
        open_study(study)
    assert len(caught.value.faults) == 2
    assert "has no question" in str(caught.value)
    assert "nothing to rate" in str(caught.value)


def test_a_study_that_is_not_ready_is_left_as_it_was() -> None:
    study = factories.make_study()
    with pytest.raises(StudyNotReadyError):
        open_study(study)
    study.refresh_from_db()
    assert (study.state, study.opened_at) == (StudyState.DRAFT, None)
    assert not StudyVersion.objects.exists()
    assert not study.audit_entries.exists()


def test_a_study_needs_the_criterion_overall() -> None:
    study = ready_study()
    with refused_by("the criterion overall always exists"):
        study.criteria.all().delete()
    with refused_by("the criterion overall always exists"):
        study.criteria.update(key="another")
    assert list_faults(study) == []


def test_checks_alone_are_nothing_to_rate() -> None:
    study = factories.make_study()
    factories.make_comparison(study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]})
    assert any("nothing to rate" in fault for fault in list_faults(study))


def test_systems_that_never_meet_are_named_by_group() -> None:
    study = ready_study()
    factories.make_comparison(study, "east", "up")
    with pytest.raises(StudyNotReadyError, match="2 groups that never meet: east, up; north, "):
        open_study(study)


def test_systems_that_never_meet_can_be_opened_on_purpose() -> None:
    study = ready_study()
    factories.make_comparison(study, "east", "up")
    open_study(study, allow_disconnected=True)
    assert study.audit_entries.get(action="study.opened").detail["disconnected"] is True


def test_a_check_between_two_groups_does_not_connect_them() -> None:
    study = ready_study()
    factories.make_comparison(study, "east", "up")
    factories.make_comparison(
        study, "east", "north", kind=ComparisonKind.GOLD, gold={"overall": ["a"]}
    )
    assert any("never meet" in fault for fault in list_faults(study))


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        ({}, "no accepted verdict"),
        ({"clarity": ["a"]}, "the criterion 'clarity'"),
        ({"overall": ["a", "tie"]}, "accepts tie on 'overall'"),
        ({"overall": ["both_bad"]}, "accepts both_bad on 'overall'"),
    ],
)
def test_a_check_without_a_possible_answer_is_a_fault(
    gold: dict[str, list[str]], message: str
) -> None:
    study = ready_study()
    study.criteria.update(scale=Scale.BINARY, both_bad=False)
    factories.make_comparison(study, kind=ComparisonKind.GOLD, gold=gold, item_id="g1")
    (fault,) = list_faults(study)
    assert fault.startswith("g1: ")
    assert message in fault


def test_identical_pairs_need_a_tie() -> None:
    study = ready_study()
    response = Response.objects.first()
    assert response is not None
    factories.make_comparison(
        study,
        prompt=response.prompt,
        response_a=response,
        response_b=response,
        kind=ComparisonKind.IDENTICAL,
    )
    assert list_faults(study) == []
    study.criteria.update(scale=Scale.BINARY)
    assert "has no tie" in list_faults(study)[0]


def test_many_faulty_checks_do_not_hide_the_other_faults() -> None:
    study = ready_study()
    study.criteria.update(question="")
    for _ in range(9):
        factories.make_comparison(study, kind=ComparisonKind.GOLD, gold={})
    faults = list_faults(study)
    assert len(faults) == 1 + 5 + 1
    assert "4 more" in faults[-1]


def test_a_system_that_is_not_rated_is_a_warning() -> None:
    study = ready_study()
    factories.make_system(study, "idle")
    study.instructions = ""
    study.save()
    warnings = open_study(study).warnings
    assert len(warnings) == 2
    assert "idle" in warnings[0]
    assert "no instructions" in warnings[1]


@pytest.mark.parametrize("state", [state for state in StudyState if state != StudyState.DRAFT])
def test_only_a_draft_is_opened(state: StudyState) -> None:
    study = factories.make_study(state=state)
    with pytest.raises(LifecycleError, match=f"it is {state} now"):
        open_study(study)


def test_every_system_gets_a_code_that_its_name_does_not_give_away() -> None:
    study = ready_study()
    open_study(study)
    codes = dict(System.objects.filter(study=study).values_list("code", "name"))
    assert sorted(codes) == ["A1", "A2", "A3"]


def test_codes_are_drawn_afresh_for_each_study() -> None:
    seeds = {open_study(ready_study()).version.snapshot["seeds"]["codes"] for _ in range(3)}
    assert len(seeds) == 3


def test_codes_do_not_follow_the_names_or_their_order() -> None:
    names = ["north", "south", "west"]
    firsts = [draw_codes(names, seed)["A1"] for seed in range(300)]
    for name in names:
        assert 70 <= firsts.count(name) <= 130
    assert draw_codes(names, 4) == draw_codes(reversed(names), 4)


def test_the_snapshot_holds_what_the_votes_are_collected_under() -> None:
    study = ready_study(seed=11, target_votes=50)
    factories.make_criterion(study, "clarity", scale=Scale.FIVE, position=1)
    version = open_study(study, code_seed=5, queue_seed=7).version
    version.refresh_from_db()
    snapshot = version.snapshot
    assert snapshot["study"]["target_votes"] == 50
    assert snapshot["seeds"] == {"study": 11, "codes": 5, "queue": 7}
    assert [criterion["key"] for criterion in snapshot["rubric"]] == ["overall", "clarity"]
    assert snapshot["content"]["comparisons"]["count"] == 3
    assert {entry["name"] for entry in snapshot["systems"]} == {"north", "south", "west"}


@pytest.mark.parametrize(("target", "warned"), [(200, False), (3, False), (4, True)])
def test_a_target_beyond_the_design_is_warned_of(target: int, warned: bool) -> None:
    """Three votes are collected on each pair; 200 is the default, which nobody chose."""
    warnings = open_study(ready_study(target_votes=target)).warnings
    assert any("target is 4 votes" in warning for warning in warnings) == warned


def test_the_hash_is_that_of_the_stored_snapshot() -> None:
    version = StudyVersion.objects.get(pk=open_study(ready_study()).version.pk)
    assert content_hash(version.snapshot) == version.content_hash
