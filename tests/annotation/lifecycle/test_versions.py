"""Changing an opened study: a new version with its own hash, and what never changes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from annotation import queue
from annotation.lifecycle.change import Add
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.refusals import ChangeRefusedError, LifecycleError
from annotation.lifecycle.rubric import CriterionDraft, criteria_of, set_rubric
from annotation.lifecycle.snapshots import content_hash
from annotation.lifecycle.states import pause_study, unblind_study
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    Comparison,
    ComparisonKind,
    Prompt,
    Role,
    Study,
    StudyState,
    StudyVersion,
    System,
)
from tests import factories
from tests.annotation.queue.world import assert_counters_hold, lapse, vote
from tests.races import at_once

pytestmark = pytest.mark.django_db

WHY = "The pilot showed that it was unclear."
OVERALL = CriterionDraft("overall", "Which response is better?", both_bad=True)
CLARITY = CriterionDraft(
    "clarity",
    "Which is clearer?",
    scale="five",
    levels=({"id": "low", "description": "Unclear."},),
)


def opened(
    comparisons: int = 3, criteria: tuple[CriterionDraft, ...] = (OVERALL,), **fields: Any
) -> Study:
    study = factories.make_study(instructions="Choose the better one.", **fields)
    set_rubric(study, criteria)
    systems = ["north", "south", "west"]
    for number in range(comparisons):
        factories.make_comparison(
            study, systems[number % 3], systems[(number + 1) % 3], item_id=f"i{number}", overlap=2
        )
    open_study(study)
    study.refresh_from_db()
    return study


def versions_of(study: Study) -> list[StudyVersion]:
    return list(study.versions.order_by("number"))


# -- a new version ----------


def test_a_change_is_a_new_version_with_its_own_hash() -> None:
    study = opened()
    owner = factories.make_membership(study, Role.OWNER).user
    change = change_study(study, WantedChange.of(WHY, title="A title", target_votes=60), owner)
    first, second = versions_of(study)
    assert change.version == second
    assert (second.number, second.stopping) == (2, first.stopping)
    assert second.content_hash == content_hash(second.snapshot) != first.content_hash
    assert second.snapshot["study"]["title"] == "A title"
    assert second.snapshot["study"]["target_votes"] == 60
    assert first.snapshot["study"]["target_votes"] == 200
    assert change.lines == ("title: 7 characters, 0 before", "target_votes: 60, 200 before")
    study.refresh_from_db()
    assert (study.title, study.target_votes, study.state) == ("A title", 60, StudyState.OPEN)


@pytest.mark.parametrize("role", [None, *Role])
def test_only_an_owner_or_a_researcher_changes_a_study(role: Role | None) -> None:
    study = opened()
    actor = factories.make_user()
    factories.make_membership(factories.make_study("other"), Role.OWNER, actor)
    if role is not None:
        factories.make_membership(study, role, actor)
    if role in (Role.OWNER, Role.RESEARCHER):
        assert change_study(study, WantedChange.of(WHY, title="A title"), actor).version is not None
        return
    with pytest.raises(LifecycleError, match="Only an owner or a researcher"):
        change_study(study, WantedChange.of(WHY, title="A title"), actor)
    assert len(versions_of(study)) == 1


def test_seeds_codes_and_content_are_those_of_the_first_version() -> None:
    study = opened()
    change_study(study, WantedChange.of(WHY, title="A title"))
    first, second = versions_of(study)
    for part in ("seeds", "systems", "content", "rubric", "rules", "format"):
        assert second.snapshot[part] == first.snapshot[part]


@pytest.mark.parametrize(
    ("stated", "then"),
    [
        ({"limits": {"per_day": 5}}, "count"),
        ({"quality": {"skips": None}}, "count"),
        ({"quality": {"own_votes": "exclude"}}, "exclude"),
    ],
)
def test_whole_rules_that_do_not_name_the_one_of_own_votes_leave_its_count(
    stated: dict[str, Any], then: str
) -> None:
    study = opened(rules={"quality": {"own_votes": "count"}})
    change_study(study, WantedChange.of(WHY, rules=stated))
    version = versions_of(study)[1]
    assert version.snapshot["rules"]["quality"]["own_votes"] == then
    study.refresh_from_db()
    assert study.rules["quality"]["own_votes"] == then
    change_study(study, WantedChange.of(WHY, rules={"limits": {"per_day": 6}}))
    assert versions_of(study)[2].snapshot["rules"]["quality"]["own_votes"] == then


def test_the_log_says_what_changed_why_and_by_whom() -> None:
    study = opened()
    owner = factories.make_membership(study, Role.OWNER).user
    instructions = "Choose the better one, and take your time."
    change_study(
        study,
        WantedChange.of(
            f"  {WHY} ",
            instructions=instructions,
            max_per_annotator=9,
            rules={"limits": {"per_day": 5}},
        ),
        owner,
    )
    entry = study.audit_entries.get(action="study.changed")
    version = versions_of(study)[1]
    assert entry.actor == owner
    assert entry.detail == {
        "version": 2,
        "content_hash": version.content_hash,
        "reason": WHY,
        "sealed": True,
        "settings": {
            "instructions": {"characters": [22, len(instructions)]},
            "max_per_annotator": [None, 9],
            "rules.limits.per_day": [None, 5],
        },
    }


def test_votes_keep_the_version_they_were_given_under() -> None:
    study = opened()
    annotator = factories.make_annotator(study, factories.make_user())
    before = queue.claim(annotator, want=1).held[0].pair.id
    change_study(study, WantedChange.of(WHY, title="A title"))
    held = queue.claim(annotator, want=2).held
    numbers = {
        row.public_id: row.study_version.number
        for row in Assignment.objects.select_related("study_version")
    }
    assert numbers[before] == 1
    assert [numbers[pair.pair.id] for pair in held if pair.pair.id != before] == [2]


def test_what_is_so_already_makes_no_version() -> None:
    study = opened()
    change = change_study(
        study,
        WantedChange.of(
            WHY,
            title=study.title,
            results=study.results,
            stopping=study.stopping,
            seed=study.seed,
            rules={"checks": {"gold_share": 0}},
            criteria=criteria_of(study),
            overlap=2,
        ),
    )
    assert change.version is None
    assert len(versions_of(study)) == 1
    assert not study.audit_entries.filter(action="study.changed").exists()


def test_a_paused_study_is_changed_and_stays_paused() -> None:
    study = pause_study(opened())
    change_study(study, WantedChange.of(WHY, title="A title"))
    study.refresh_from_db()
    assert study.state == StudyState.PAUSED


def test_the_log_says_that_outcomes_could_be_seen() -> None:
    study = opened()
    unblind_study(study, early=True, reason="A safety question.")
    change_study(study, WantedChange.of(WHY, title="A title"))
    assert study.audit_entries.get(action="study.changed").detail["sealed"] is False


# -- what is refused ----------


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (StudyState.DRAFT, "is a draft: configure_study"),
        (StudyState.CLOSED, "is closed, and what its votes were collected under stays"),
        (StudyState.ARCHIVED, "is archived, and what"),
    ],
)
def test_only_a_study_that_collects_votes_is_changed(state: StudyState, words: str) -> None:
    study = factories.make_study(state=state)
    with pytest.raises(LifecycleError, match=words):
        change_study(study, WantedChange.of(WHY, title="A title"))
    study.refresh_from_db()
    assert study.title == ""


@pytest.mark.parametrize("reason", ["", "  ", "\0", "\udc80"])
def test_a_change_needs_a_reason_that_is_text(reason: str) -> None:
    study = opened()
    with pytest.raises(LifecycleError, match="reason"):
        change_study(study, WantedChange.of(reason, title="A title"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"results": "open"}, "results is sealed and stays so: who may see"),
        ({"stopping": "sequential"}, "stopping is fixed and stays so: a stopping rule"),
        ({"seed": 3}, "seed is 0 and stays so: sides, order"),
        ({"queue_seed": 3}, "'queue_seed' is nothing that a change can set"),
        ({"slug": "x"}, "'slug' is nothing that"),
        ({"unblinded_at": None}, "'unblinded_at' is nothing that"),
        ({"rules": {"order": {"by_category": True}}}, "rules.order.by_category is false and stays"),
        ({"rules": {"order": {"prompts": "grouped"}}}, "rules.order.prompts is spaced and"),
    ],
)
def test_what_holds_for_good_is_named_with_its_reason(settings: dict[str, Any], words: str) -> None:
    study = opened()
    with pytest.raises(ChangeRefusedError, match=words):
        change_study(study, WantedChange.of(WHY, title="A title", **settings))
    study.refresh_from_db()
    assert study.title == ""
    assert len(versions_of(study)) == 1


def test_every_refusal_is_named_at_once() -> None:
    study = opened(criteria=(OVERALL, CLARITY))
    with pytest.raises(ChangeRefusedError) as caught:
        change_study(study, WantedChange.of(WHY, seed=3, stopping="sequential", criteria=[OVERALL]))
    assert len(caught.value.faults) == 3


def test_rules_with_faults_are_refused() -> None:
    study = opened()
    with pytest.raises(ValidationError, match=r"rules: checks\.gold_share must lie"):
        change_study(study, WantedChange.of(WHY, rules={"checks": {"gold_share": 2}}))


def test_rules_that_the_content_cannot_carry_are_refused_and_nothing_is_stored() -> None:
    study = opened()
    with pytest.raises(ChangeRefusedError, match="no gold pairs"):
        change_study(
            study, WantedChange.of(WHY, title="A title", rules={"checks": {"gold_share": 0.1}})
        )
    study.refresh_from_db()
    assert (study.title, study.rules) == ("", {})


def test_a_value_that_the_table_refuses_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="title"):
        change_study(opened(), WantedChange.of(WHY, title="x" * 201))


# -- the rubric ----------


def test_texts_levels_order_and_new_criteria_may_change() -> None:
    study = opened(criteria=(OVERALL, CLARITY))
    change = change_study(
        study,
        WantedChange.of(
            WHY,
            criteria=[
                CriterionDraft("clarity", "Which one is clearer?", scale="five", required=False),
                CriterionDraft("overall", "Which is better?", both_bad=True),
                CriterionDraft("tone", "Which is kinder?"),
            ],
        ),
    )
    assert [criterion.key for criterion in study.criteria.all()] == ["clarity", "overall", "tone"]
    assert change.version is not None
    assert [row["key"] for row in change.version.snapshot["rubric"]] == [
        "clarity",
        "overall",
        "tone",
    ]
    assert study.audit_entries.get(action="study.changed").detail["criteria"] == {
        "order": ["clarity", "overall", "tone"],
        "new": ["tone"],
        "changed": ["clarity", "overall"],
    }


def test_the_order_alone_is_a_change() -> None:
    study = opened(criteria=(OVERALL, CLARITY))
    change = change_study(study, WantedChange.of(WHY, criteria=[CLARITY, OVERALL]))
    assert change.lines == ("criteria: now in the order clarity, overall",)


@pytest.mark.parametrize(
    ("criteria", "words"),
    [
        ([OVERALL], "'clarity' has votes and cannot go"),
        (
            [OVERALL, CriterionDraft("clarity", "Which is clearer?")],
            "'clarity' has the scale five and keeps it",
        ),
        (
            [CriterionDraft("overall", "Better?"), CLARITY],
            "'overall' has 'both bad' and stays so",
        ),
        (
            [OVERALL, CriterionDraft("clarity", "Clearer?", scale="five", both_bad=True)],
            "'clarity' has no 'both bad' and stays so",
        ),
    ],
)
def test_what_votes_exist_on_keeps_its_shape(criteria: list[CriterionDraft], words: str) -> None:
    study = opened(criteria=(OVERALL, CLARITY))
    with pytest.raises(ChangeRefusedError, match=words):
        change_study(study, WantedChange.of(WHY, criteria=criteria))
    assert [criterion.key for criterion in study.criteria.all()] == ["overall", "clarity"]


def test_an_optional_criterion_stays_optional() -> None:
    study = opened(
        criteria=(OVERALL, CriterionDraft("clarity", "Clearer?", scale="five", required=False))
    )
    with pytest.raises(ChangeRefusedError, match="'clarity' is optional and stays so"):
        change_study(study, WantedChange.of(WHY, criteria=[OVERALL, CLARITY]))


def test_a_rubric_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="'overall' is missing"):
        change_study(opened(), WantedChange.of(WHY, criteria=[CLARITY]))


def test_a_new_rubric_sends_annotators_through_the_training_pairs_again() -> None:
    study = factories.make_study(instructions="Choose.")
    factories.make_comparison(study)
    factories.make_comparison(study, kind=ComparisonKind.TRAINING, gold={"overall": ["a"]})
    open_study(study)
    annotator = factories.make_annotator(study, factories.make_user())
    queue.claim(annotator)
    assert change_study(study, WantedChange.of(WHY, title="A title")).training.sent_back == 0
    change = change_study(
        study, WantedChange.of(WHY, criteria=[CriterionDraft("overall", "Kinder?", both_bad=True)])
    )
    assert change.training.sent_back == 1
    assert Annotator.objects.get(pk=annotator.pk).state == AnnotatorState.QUALIFYING


# -- more votes ----------


def test_a_higher_overlap_opens_what_was_full_and_keeps_what_is_held() -> None:
    study = opened()
    people = [factories.make_annotator(study, factories.make_user()) for _ in range(3)]
    ids = [pair.pair.id for person in people[:2] for pair in queue.claim(person, want=3).held]
    assert len(ids) == 6
    assert queue.claim(people[2], want=1).held == ()
    before = dict(Assignment.objects.values_list("public_id", "slot_no"))
    change = change_study(study, WantedChange.of(WHY, overlap=4))
    assert change.lines == ("overlap: 4 votes on 3 comparisons that wanted fewer",)
    assert dict(Assignment.objects.values_list("public_id", "slot_no")) == before
    assert set(Assignment.objects.values_list("overlap", flat=True)) == {4}
    assert_counters_hold(study)
    assert len(queue.claim(people[2], want=3).held) == 3
    assert_counters_hold(study)


def test_what_no_longer_holds_a_slot_keeps_the_overlap_it_had() -> None:
    study = opened(1)
    row = factories.make_assignment(
        Comparison.objects.get(study=study), state=AssignmentState.EXPIRED
    )
    change_study(study, WantedChange.of(WHY, overlap=4))
    row.refresh_from_db()
    assert row.overlap == 2


def test_the_new_overlap_is_hashed() -> None:
    study = opened()
    change_study(study, WantedChange.of(WHY, overlap=3))
    first, second = versions_of(study)
    assert first.snapshot["content"]["prompts"] == second.snapshot["content"]["prompts"]
    assert first.snapshot["content"]["comparisons"] != second.snapshot["content"]["comparisons"]


def test_single_comparisons_can_be_raised() -> None:
    study = opened()
    change_study(study, WantedChange.of(WHY, overlap=5, items=["i1"]))
    assert dict(Comparison.objects.values_list("item_id", "overlap")) == {
        "i0": 2,
        "i1": 5,
        "i2": 2,
    }


def test_a_pair_that_was_stopped_stays_so() -> None:
    study = opened()
    queue.stop(study, "north", "south")
    change_study(study, WantedChange.of(WHY, overlap=3))
    rows = Comparison.objects.filter(study=study).order_by("item_id")
    assert [(row.overlap, row.open) for row in rows] == [(3, False), (3, True), (3, True)]


def test_the_cells_want_what_their_comparisons_want() -> None:
    study = opened()
    change_study(study, WantedChange.of(WHY, overlap=3))
    assert [cell.wanted for cell in study.cells.all()] == [3, 3, 3]


def test_checks_want_no_votes() -> None:
    study = factories.make_study(instructions="Choose.")
    factories.make_comparison(study, overlap=2)
    gold = factories.make_comparison(
        study, kind=ComparisonKind.GOLD, gold={"overall": ["a"]}, overlap=1
    )
    open_study(study)
    change_study(study, WantedChange.of(WHY, overlap=3))
    gold.refresh_from_db()
    assert gold.overlap == 1


@pytest.mark.parametrize(
    ("overlap", "items", "words"),
    [
        (1, None, "only be raised: comparisons ask for 2 votes"),
        (1, ["i0"], "only be raised"),
        (0, None, "must be 1 to 1000"),
        (1001, None, "must be 1 to 1000"),
        (3, ["i0", "nothing"], "no comparison of kind work with the item id 'nothing'"),
    ],
)
def test_an_overlap_that_cannot_be_is_refused(
    overlap: int, items: list[str] | None, words: str
) -> None:
    study = opened()
    with pytest.raises(LifecycleError, match=words):
        change_study(study, WantedChange.of(WHY, title="A title", overlap=overlap, items=items))
    assert set(Comparison.objects.values_list("overlap", flat=True)) == {2}
    assert len(versions_of(study)) == 1


def test_many_comparisons_are_raised_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.queue.raising.COMPARISONS_AT_ONCE", 2)
    study = opened(7)
    change_study(study, WantedChange.of(WHY, overlap=3))
    change_study(
        study, WantedChange.of(WHY, overlap=4, items=[f"i{number}" for number in range(5)])
    )
    assert sorted(Comparison.objects.values_list("overlap", flat=True)) == [3, 3, 4, 4, 4, 4, 4]


# -- more comparisons ----------


def adding(*pair: str, **fields: Any) -> Add:
    def add(study: Study) -> None:
        factories.make_comparison(study, *pair, **fields)

    return add


def test_further_comparisons_of_the_systems_are_handed_out() -> None:
    study = opened()
    places = dict(Comparison.objects.values_list("item_id", "open_seq"))
    change = change_study(study, WantedChange.of(WHY), add=adding("north", "south", item_id="i9"))
    assert change.lines == ("comparisons: 1 more",)
    new = Comparison.objects.get(item_id="i9")
    assert new.open
    assert new.open_seq is not None
    assert {row.item_id: row.open_seq for row in Comparison.objects.exclude(item_id="i9")} == places
    assert [
        version.snapshot["content"]["comparisons"]["count"] for version in versions_of(study)
    ] == [
        3,
        4,
    ]
    assert study.audit_entries.get(action="study.changed").detail["added"] == {"comparisons": 1}


def test_a_new_system_belongs_into_a_new_study() -> None:
    study = opened()
    with pytest.raises(ChangeRefusedError, match="The system east is new"):
        change_study(study, WantedChange.of(WHY), add=adding("east", "south"))
    assert not System.objects.filter(name="east").exists()


def test_a_sequential_study_compares_no_further_pair_of_systems() -> None:
    """Its stopping rule was fixed for the pairs that there were."""
    study = opened(2, stopping="sequential")
    with pytest.raises(ChangeRefusedError) as caught:
        change_study(study, WantedChange.of(WHY), add=adding("west", "north"))
    (fault,) = caught.value.faults
    assert fault.startswith("north and west were not compared when the study opened")
    assert Comparison.objects.filter(study=study).count() == 2
    assert len(versions_of(study)) == 1


def test_a_sequential_study_takes_more_of_the_pairs_that_it_compares() -> None:
    study = opened(2, stopping="sequential")
    change = change_study(study, WantedChange.of(WHY), add=adding("south", "north", item_id="i9"))
    assert change.lines == ("comparisons: 1 more",)
    assert Comparison.objects.get(item_id="i9").open


def test_checks_of_a_further_pair_of_systems_leave_the_stopping_rule_as_it_is() -> None:
    study = opened(2, stopping="sequential")
    gold = {"kind": ComparisonKind.GOLD, "gold": {"overall": ["a"]}}
    assert (
        change_study(study, WantedChange.of(WHY), add=adding("north", "west", **gold)).version
        is not None
    )


def test_a_fixed_study_may_compare_further_pairs_of_systems() -> None:
    study = opened(2)
    assert (
        change_study(study, WantedChange.of(WHY), add=adding("west", "north")).version is not None
    )
    assert study.cells.count() == 3


def test_what_is_frozen_cannot_be_changed_along_the_way() -> None:
    study = opened()

    def add(study: Study) -> None:
        adding("north", "south")(study)
        Prompt.objects.filter(comparisons__item_id="i0").update(category="law")

    with pytest.raises(ChangeRefusedError, match="also changes prompts or responses"):
        change_study(study, WantedChange.of(WHY), add=add)
    assert not Prompt.objects.filter(category="law").exists()


def test_adding_nothing_makes_no_version() -> None:
    study = opened()
    assert change_study(study, WantedChange.of(WHY), add=lambda study: None).version is None


# -- at the same moment ----------


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_moment_are_versions_one_after_the_other() -> None:
    study = opened()
    results = at_once(
        [
            partial(change_study, study, WantedChange.of(WHY, target_votes=number))
            for number in (7, 8, 9)
        ]
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert [version.number for version in versions_of(study)] == [1, 2, 3, 4]
    newest = versions_of(study)[-1].snapshot["study"]["target_votes"]
    assert Study.objects.get(pk=study.pk).target_votes == newest


@pytest.mark.django_db(transaction=True)
def test_an_overlap_is_raised_while_people_claim_vote_and_skip_and_a_pair_is_stopped() -> None:
    study = opened(12)
    people = [factories.make_annotator(study, factories.make_user()) for _ in range(6)]

    def rate(annotator: Annotator) -> None:
        turn = 0
        while held := queue.claim(annotator, want=3).held:
            ids = [pair.pair.id for pair in held]
            queue.renew(annotator, ids)
            if turn % 3 == 0:
                queue.release(annotator, ids[0], "other")
            else:
                if turn % 3 == 1:
                    lapse(ids[0])
                    queue.expire_lapsed(study)
                vote(annotator, ids[0])
            turn += 1

    def stop() -> None:
        queue.stop(study, "north", "south")
        queue.set_priorities(study, dict.fromkeys(study.cells.values_list("pk", flat=True), 0.5))

    def change() -> None:
        change_study(study, WantedChange.of(WHY, overlap=4))
        change_study(study, WantedChange.of(WHY, overlap=5))

    results = at_once([change, stop, *(partial(rate, person) for person in people)])
    assert [result for result in results if result is not None] == []
    assert set(Comparison.objects.values_list("overlap", flat=True)) == {5}
    held = Assignment.objects.filter(slot_no__isnull=False)
    assert set(held.values_list("overlap", flat=True)) == {5}
    for row in Comparison.objects.prefetch_related("assignments"):
        slots = [one.slot_no for one in row.assignments.all() if one.slot_no is not None]
        assert len(set(slots)) == len(slots) == row.taken <= 5
        stopped = row.cell is not None and row.cell.stopped_at is not None
        assert row.open == (row.taken < 5 and not stopped)
