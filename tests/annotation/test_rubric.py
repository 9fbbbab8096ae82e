"""What a draft study says and asks."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from annotation.lifecycle.drafts import get_or_create_draft
from annotation.lifecycle.refusals import StudyFrozenError
from annotation.lifecycle.rubric import CriterionDraft, configure_draft, set_rubric
from annotation.models import AuditEntry, Criterion, Study, StudyState
from tests import factories

pytestmark = pytest.mark.django_db

OVERALL = CriterionDraft("overall", "Which is better?", both_bad=True)
CLARITY = CriterionDraft(
    "clarity", "Which is clearer?", scale="five", levels=[{"id": "low", "description": "Unclear."}]
)


@pytest.fixture
def study() -> Study:
    return get_or_create_draft("rubric-study")


def test_a_new_study_asks_one_question(study: Study) -> None:
    assert [criterion.key for criterion in study.criteria.all()] == [Criterion.OVERALL]


def test_criteria_keep_their_order_and_are_replaced(study: Study) -> None:
    set_rubric(study, [CLARITY, OVERALL])
    set_rubric(study, [OVERALL, CLARITY])
    assert [criterion.key for criterion in study.criteria.all()] == ["overall", "clarity"]
    set_rubric(study, [OVERALL])
    assert [criterion.key for criterion in study.criteria.all()] == ["overall"]


def test_every_fault_of_a_rubric_is_named_at_once(study: Study) -> None:
    bad = CriterionDraft("clarity", "?", scale="nine", levels=[{"name": "x"}])
    with pytest.raises(ValidationError) as caught:
        set_rubric(study, [bad, bad])
    text = " ".join(caught.value.messages)
    for part in ("'overall' is missing", "comes 2 times", "'nine'", "no description", "'name'"):
        assert part in text
    assert [criterion.key for criterion in study.criteria.all()] == [Criterion.OVERALL]


def test_overall_is_always_required(study: Study) -> None:
    optional = CriterionDraft("overall", "Which is better?", required=False)
    with pytest.raises(ValidationError, match="'overall' is always required"):
        set_rubric(study, [optional])
    assert study.criteria.get().required


def test_settings_of_a_draft_are_set_and_logged(study: Study) -> None:
    configure_draft(study, title="A title", target_votes=60)
    study.refresh_from_db()
    assert (study.title, study.target_votes) == ("A title", 60)
    assert AuditEntry.objects.filter(study=study, action="study.configured").count() == 1


@pytest.mark.parametrize("settings", [{"state": "open"}, {"results": "everyone"}, {"slug": "x"}])
def test_what_is_no_setting_or_not_allowed_is_refused(
    study: Study, settings: dict[str, str]
) -> None:
    with pytest.raises(ValidationError):
        configure_draft(study, **settings)
    study.refresh_from_db()
    assert (study.state, study.results, study.slug) == ("draft", "sealed", "rubric-study")


def test_an_opened_study_is_frozen(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(state=StudyState.OPEN, opened_at=timezone.now())
    with pytest.raises(StudyFrozenError):
        configure_draft(study, title="Another")
    with pytest.raises(StudyFrozenError):
        set_rubric(study, [OVERALL, CLARITY])


def test_rules_of_a_draft_are_set(study: Study) -> None:
    configure_draft(study, rules={"checks": {"gold_share": 0.1}})
    study.refresh_from_db()
    assert study.rules == {"checks": {"gold_share": 0.1}}


def test_every_fault_of_the_rules_is_named_at_once_and_nothing_is_set(study: Study) -> None:
    with pytest.raises(ValidationError) as caught:
        configure_draft(study, title="A title", rules={"checks": {"gold_share": 2, "glod": 1}})
    assert len(caught.value.messages) == 2
    assert caught.value.messages[0].startswith("rules: checks.gold_share must lie between")
    study.refresh_from_db()
    assert (study.title, study.rules) == ("", {})


@pytest.mark.parametrize(
    ("verdict", "overall"),
    [
        ("tie", CriterionDraft("overall", "Better?", scale="binary", both_bad=True)),
        ("both_bad", CriterionDraft("overall", "Better?")),
    ],
)
def test_imported_votes_must_fit_the_rubric(
    study: Study, verdict: str, overall: CriterionDraft
) -> None:
    factories.make_imported_vote(factories.make_comparison(study), verdict)
    with pytest.raises(ValidationError, match=f"votes with the verdict {verdict}, which"):
        set_rubric(study, [overall])
    assert study.criteria.get().both_bad


def test_votes_on_a_further_criterion_must_fit_it(study: Study) -> None:
    set_rubric(study, [OVERALL, CLARITY])
    vote = factories.make_imported_vote(factories.make_comparison(study))
    vote.criteria.create(criterion=study.criteria.get(key="clarity"), verdict="tie")
    with pytest.raises(ValidationError, match="'clarity' has votes with the verdict tie"):
        set_rubric(study, [OVERALL, CriterionDraft("clarity", "Clearer?", scale="binary")])
    set_rubric(study, [OVERALL, CriterionDraft("clarity", "Clearer?")])


def test_two_levels_with_one_id_are_refused(study: Study) -> None:
    levels = [{"id": "1", "description": "Bad."}, {"id": "1", "description": "Good."}]
    with pytest.raises(ValidationError, match="2 levels with the id '1'"):
        set_rubric(study, [CriterionDraft("overall", "Which is better?", levels=levels)])


def test_a_change_of_one_rule_keeps_what_another_page_set_meanwhile(study: Study) -> None:
    early = Study.objects.get(pk=study.pk)
    configure_draft(study, rules={"answering": {"show_reference": True}})
    configure_draft(early, rules=lambda rules: {**rules, "checks": {"gold_share": 0.1}})
    study.refresh_from_db()
    assert study.rules == {"answering": {"show_reference": True}, "checks": {"gold_share": 0.1}}
