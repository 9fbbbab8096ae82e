"""What rules ask for must be there before a study opens; what may not be meant is said."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.lifecycle.opening import open_study
from annotation.lifecycle.readiness import list_faults, list_warnings
from annotation.lifecycle.refusals import StudyNotReadyError
from annotation.lifecycle.snapshots import build_snapshot, content_hash
from annotation.models import (
    Annotator,
    AnnotatorState,
    ComparisonKind,
    Response,
    Role,
    Scale,
    Study,
)
from annotation.rules import read_rules, rules_as_json
from tests import factories

pytestmark = pytest.mark.django_db

KNOWN = {"overall": ["a"]}


def study_of(work: int = 3, *, rules: dict[str, Any], **fields: Any) -> Study:
    """A draft with so many comparisons of two systems."""
    study = factories.make_study(instructions="Choose the better one.", rules=rules, **fields)
    for _ in range(work):
        factories.make_comparison(study)
    return study


def add(study: Study, kind: ComparisonKind, number: int) -> None:
    for _ in range(number):
        if kind == ComparisonKind.IDENTICAL:
            response = Response.objects.filter(
                prompt__study=study, prompt=factories.make_comparison(study).prompt
            )[0]
            factories.make_comparison(
                study,
                prompt=response.prompt,
                response_a=response,
                response_b=response,
                kind=kind,
            )
        else:
            factories.make_comparison(study, kind=kind, gold=KNOWN, explanation="It says why.")


def join(study: Study, number: int, **fields: Any) -> None:
    for _ in range(number):
        factories.make_annotator(study, factories.make_user(), **fields)


def test_a_plain_study_has_no_fault_of_its_rules_and_no_warning() -> None:
    study = study_of(rules={})
    assert list_faults(study) == []
    assert list_warnings(study) == []


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"checks": {"gold_share": 0.1}}, "gold_share is 0.1, but there are no gold pairs"),
        ({"checks": {"identical_share": 0.1}}, "no identical pairs. Make some with"),
        ({"checks": {"repeat_share": 0.1, "repeat_gap": 3}}, "nobody rates more than 3 pairs"),
        ({"qualification": {"required": True}}, "there are no training pairs"),
        ({"eligibility": {"law": {"job": ["lawyer"]}}}, "category 'law', which no prompt has"),
        ({"checks": {"gold_share": 2}}, "The rules: checks.gold_share must lie between"),
        ({"nothing": {}}, "The rules: There is no section 'nothing'"),
    ],
)
def test_rules_that_the_content_cannot_carry_keep_a_study_from_opening(
    rules: dict[str, Any], words: str
) -> None:
    study = study_of(rules=rules)
    with pytest.raises(StudyNotReadyError) as caught:
        open_study(study)
    assert [words in fault for fault in caught.value.faults] == [True]


def test_what_the_rules_ask_for_is_enough() -> None:
    study = study_of(
        4,
        rules={
            "checks": {
                "gold_share": 0.1,
                "identical_share": 0.1,
                "repeat_share": 0.1,
                "repeat_gap": 3,
            },
            "qualification": {"required": True},
            "eligibility": {"law": {"job": ["lawyer"]}},
            "limits": {"share_of_study": 0.5},
            "quality": {"gold_accuracy": None},
        },
    )
    factories.make_comparison(study, prompt=factories.make_prompt(study, category="law"))
    for kind in (ComparisonKind.GOLD, ComparisonKind.IDENTICAL, ComparisonKind.TRAINING):
        add(study, kind, 1)
    assert list_faults(study) == []
    assert list_warnings(study) == []


def test_identical_pairs_ask_for_a_tie_once() -> None:
    study = study_of(rules={"checks": {"identical_share": 0.1}})
    study.criteria.update(scale=Scale.BINARY, both_bad=False)
    (fault,) = list_faults(study)
    assert "has no tie" in fault
    add(study, ComparisonKind.IDENTICAL, 1)
    (fault,) = list_faults(study)
    assert "has no tie" in fault


def test_a_cap_counts_towards_the_gap_of_repeats() -> None:
    rules = {"checks": {"repeat_share": 0.1, "repeat_gap": 5}}
    study = study_of(6, rules=rules)
    assert list_faults(study) == []
    Study.objects.filter(pk=study.pk).update(max_per_annotator=5)
    study.refresh_from_db()
    (fault,) = list_faults(study)
    assert "more than 5 pairs" in fault


def test_it_says_how_many_gold_pairs_nobody_runs_out_of() -> None:
    # 18 of work and 10 % gold are 20 pairs, 2 of them gold.
    study = study_of(18, rules={"checks": {"gold_share": 0.1}, "quality": {"gold_accuracy": None}})
    add(study, ComparisonKind.GOLD, 1)
    (warning,) = list_warnings(study)
    assert "run out of gold pairs: checks.gold_share asks for 2, there are 1" in warning
    add(study, ComparisonKind.GOLD, 1)
    assert list_warnings(study) == []


def test_a_cap_lowers_what_is_needed() -> None:
    rules = {"checks": {"gold_share": 0.1}, "quality": {"gold_accuracy": None}}
    study = study_of(18, rules=rules, max_per_annotator=10)
    add(study, ComparisonKind.GOLD, 1)
    assert list_warnings(study) == []


@pytest.mark.parametrize(
    ("kind", "rules", "words"),
    [
        (ComparisonKind.GOLD, {}, "1 gold pairs, but checks.gold_share is 0"),
        (ComparisonKind.IDENTICAL, {}, "1 identical pairs, but checks.identical_share is 0"),
        (ComparisonKind.TRAINING, {"qualification": {"required": False}}, "1 training pairs, but"),
        (ComparisonKind.GOLD, {"checks": {"gold_share": 0.2}}, "can never fire: there are 1 gold"),
    ],
)
def test_pairs_that_nobody_will_be_shown_are_named(
    kind: ComparisonKind, rules: dict[str, Any], words: str
) -> None:
    study = study_of(rules=rules)
    add(study, kind, 1)
    (warning,) = list_warnings(study)
    assert words in warning


@pytest.mark.parametrize("policy", ["adaptive", "emptiest"])
def test_a_policy_over_one_pair_of_systems_has_nothing_to_choose(policy: str) -> None:
    study = study_of(rules={"priorities": {"policy": policy}})
    factories.make_comparison(study, "beta", "alpha")
    (warning,) = list_warnings(study)
    assert f"policy is {policy}, but there is one pair of systems" in warning
    factories.make_comparison(study, "beta", "gamma")
    assert list_warnings(study) == []


def test_categories_are_something_to_choose_from_where_the_order_has_strata() -> None:
    rules = {"priorities": {"policy": "emptiest"}, "order": {"by_category": True}}
    study = study_of(rules=rules)
    factories.make_comparison(study, prompt=factories.make_prompt(study, category="law"))
    assert list_warnings(study) == []


def test_annotators_who_cannot_fill_the_overlap_are_counted() -> None:
    study = study_of(rules={})
    join(study, 1)
    join(study, 1, state=AnnotatorState.REMOVED)
    factories.make_annotator(study)
    (warning,) = list_warnings(study)
    assert "up to 3 votes of different people; 1 annotator has joined" in warning
    join(study, 2)
    assert list_warnings(study) == []


def test_owners_whose_votes_do_not_count_fill_no_study() -> None:
    study = study_of(rules={})
    join(study, 3)
    assert list_warnings(study) == []
    for annotator in study.annotators.all():
        factories.make_membership(study, Role.OWNER, annotator.user)
    (warning,) = list_warnings(study)
    assert "Everybody who has joined owns the study" in warning
    join(study, 2)
    (warning,) = list_warnings(study)
    assert "up to 3 votes of different people; 2 annotators have joined" in warning
    study.rules = {"quality": {"own_votes": "count"}}
    assert list_warnings(study) == []


def test_caps_that_cannot_fill_the_study_say_how_many_people_would() -> None:
    study = study_of(4, rules={}, max_per_annotator=3)
    join(study, 3)
    (warning,) = list_warnings(study)
    assert "wants 12 votes, and nobody may give more than 3: that takes 4 annotators" in warning
    join(study, 1)
    assert list_warnings(study) == []


def test_a_cap_of_nothing_keeps_a_study_from_opening() -> None:
    (fault,) = list_faults(study_of(rules={}, max_per_annotator=0))
    assert fault == "max_per_annotator is 0: nobody may rate a pair."


def test_checks_count_towards_a_cap() -> None:
    rules = {"checks": {"repeat_share": 0.5, "repeat_gap": 1}}
    study = study_of(4, rules=rules, max_per_annotator=6)
    join(study, 3)
    (warning,) = list_warnings(study)
    assert "nobody may give more than 3: that takes 4 annotators" in warning


def test_a_share_of_the_study_caps_like_a_number() -> None:
    study = study_of(4, rules={"limits": {"share_of_study": 0.26}})
    join(study, 3)
    (warning,) = list_warnings(study)
    assert "more than 3: that takes 4 annotators" in warning


def test_the_snapshot_writes_the_rules_out_whole() -> None:
    study = study_of(rules={"limits": {"per_day": 7}})
    version = open_study(study).version
    version.refresh_from_db()
    assert version.snapshot["format"] == 2
    rules = version.snapshot["rules"]
    assert rules == rules_as_json(read_rules({"limits": {"per_day": 7}}))
    assert rules["checks"]["repeat_gap"] == 20


def test_a_rule_more_is_another_hash() -> None:
    study = study_of(rules={})
    snapshot = build_snapshot(study, {}, 1)
    study.rules = {"limits": {"per_day": 7}}
    assert content_hash(build_snapshot(study, {}, 1)) != content_hash(snapshot)


def test_people_who_joined_early_train_first() -> None:
    study = study_of(rules={})
    add(study, ComparisonKind.TRAINING, 1)
    join(study, 1)
    open_study(study)
    assert Annotator.objects.get(study=study).state == AnnotatorState.QUALIFYING
