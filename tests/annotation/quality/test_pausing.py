"""Rules are held against answers, what fires is stored once, and may pause somebody."""

from __future__ import annotations

import pytest

from annotation import quality, queue
from annotation.models import (
    Annotator,
    AnnotatorState,
    Assignment,
    AssignmentState,
    AuditEntry,
    Choice,
    Comparison,
    QualityFinding,
    QualityReview,
    ReviewOutcome,
)
from annotation.quality import pausing
from annotation.quality_rules.firing import fire
from annotation.tasks import check_quality
from tests.annotation.quality.world import answer, make_rater, one_sided, state_of, varied
from tests.annotation.queue.world import make_queue
from tests.factories import (
    make_assignment,
    make_comparison,
    make_open_study,
    make_study,
    make_study_version,
)

pytestmark = pytest.mark.django_db


def rules_fired(annotator: Annotator) -> list[str]:
    return list(annotator.findings.order_by("pk").values_list("rule", flat=True))


def test_somebody_who_always_chooses_left_is_paused():
    rater = make_rater(make_open_study())
    one_sided(rater)
    assert quality.run_rules(rater.study) == 1
    assert state_of(rater) == AnnotatorState.PAUSED
    finding = rater.findings.get()
    assert (finding.rule, finding.n, finding.value) == ("side_share", 15, 1.0)


def test_somebody_who_varies_goes_on():
    rater = make_rater(make_open_study())
    varied(rater, 30)
    assert quality.run_rules(rater.study) == 0
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_a_flag_stops_nobody():
    study = make_open_study(rules={"quality": {"side_share": {"action": "flag"}}})
    rater = make_rater(study)
    one_sided(rater)
    assert quality.run_rules(study) == 1
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_a_finding_is_stored_once_until_it_is_reviewed():
    study = make_open_study(rules={"quality": {"side_share": {"action": "flag"}}})
    rater = make_rater(study)
    one_sided(rater)
    quality.run_rules(study)
    one_sided(rater, 1)
    assert quality.run_rules(study) == 0
    quality.review(rater, ReviewOutcome.RESUME, "Asked; means it.")
    one_sided(rater, 1)
    assert quality.run_rules(study) == 0
    one_sided(rater, 14)
    assert quality.run_rules(study) == 1
    assert rules_fired(rater) == ["side_share", "side_share"]


def test_nobody_is_looked_at_again_before_a_new_answer(django_assert_num_queries):
    rater = make_rater(make_open_study())
    varied(rater)
    quality.run_rules(rater.study)
    # The version in force, and that nobody is to be looked at.
    with django_assert_num_queries(2):
        quality.run_rules(rater.study)
    varied(rater, 1)
    assert [row.annotator for row in pausing.list_candidates(rater.study)] == [rater.pk]


def skip_all(annotator: Annotator, pairs: int) -> None:
    for _ in range(pairs):
        pair = make_comparison(annotator.study)
        held = make_assignment(pair, annotator)
        queue.release(annotator, held.public_id, "cannot_judge")


def test_somebody_who_only_skips_is_looked_at():
    study = make_open_study(rules={"limits": {"skips_per_hour": None}})
    rater = make_rater(study)
    skip_all(rater, 19)
    assert quality.run_rules(study) == 0
    assert pausing.list_candidates(study) == []
    skip_all(rater, 1)
    assert quality.run_rules(study) == 1
    finding = rater.findings.get()
    assert (finding.rule, finding.n, finding.value) == ("skips", 20, 1.0)
    assert pausing.list_candidates(study) == []


def test_somebody_who_goes_on_skipping_after_the_last_vote_is_looked_at():
    study = make_open_study(rules={"limits": {"skips_per_hour": None}})
    rater = make_rater(study)
    varied(rater, 20)
    assert quality.run_rules(study) == 0
    skip_all(rater, 9)
    assert quality.run_rules(study) == 1
    assert rules_fired(rater) == ["skips"]


def test_who_did_nothing_yet_is_not_looked_at():
    rater = make_rater(make_open_study())
    assert pausing.list_candidates(rater.study) == []


@pytest.mark.parametrize(
    "state", [state for state in AnnotatorState if state != AnnotatorState.ACTIVE]
)
def test_only_the_active_are_looked_at(state):
    rater = make_rater(make_open_study())
    one_sided(rater)
    Annotator.objects.filter(pk=rater.pk).update(state=state)
    assert quality.run_rules(rater.study) == 0
    assert state_of(rater) == state


def test_what_a_paused_annotator_held_goes_back_to_the_others():
    study = make_queue(20)
    rater = make_rater(study)
    for comparison in Comparison.objects.filter(study=study)[:15]:
        answer(rater, comparison, Choice.LEFT)
        Comparison.objects.filter(pk=comparison.pk).update(open=False, taken=1)
    assert len(queue.claim(rater, want=3).held) == 3
    quality.run_rules(study)
    assert queue.claim(rater).empty == queue.EmptyReason.ANNOTATOR_PAUSED
    held = Assignment.objects.filter(annotator=rater, state=AssignmentState.RESERVED)
    assert not held.exists()
    assert len(queue.claim(make_rater(study), want=3).held) == 3


def test_the_rules_are_those_the_version_froze():
    study = make_study(state="open")
    make_study_version(study, snapshot={"rules": {"quality": {"side_share": None}}})
    rater = make_rater(study)
    one_sided(rater)
    assert quality.run_rules(study) == 0
    version = make_study_version(study, snapshot={"rules": {}})
    one_sided(rater, 1)
    assert quality.run_rules(study) == 1
    assert rater.findings.get().study_version == version


def test_a_draft_has_no_rules_in_force():
    study = make_study()
    assert quality.run_rules(study) == 0


def test_a_decision_that_came_meanwhile_is_not_undone():
    rater = make_rater(make_open_study())
    one_sided(rater)
    (candidate,) = pausing.list_candidates(rater.study)
    version = pausing.version_in_force(rater.study)
    rules = pausing.rules_in_force(rater.study, version).quality
    fired = fire(rules, dict(pausing.read_evidence(rater.study, rules, [rater.pk])))
    QualityReview.objects.create(annotator=rater, outcome=ReviewOutcome.RESUME, reason="Fine.")
    assert pausing.record(candidate, version, fired[rater.pk]) == 0
    assert not QualityFinding.objects.exists()
    assert state_of(rater) == AnnotatorState.ACTIVE


def test_the_log_tells_of_finding_and_pause_and_of_no_system_or_choice():
    rater = make_rater(make_open_study())
    one_sided(rater)
    quality.run_rules(rater.study)
    logged = AuditEntry.objects.filter(study=rater.study).order_by("seq")
    assert [entry.action for entry in logged] == ["quality.finding", "quality.paused"]
    assert set(logged[0].detail) == {
        "annotator", "version", "rule", "action", "n", "value", "threshold",
    }  # fmt: skip
    assert logged[0].actor is None


def test_the_background_looks_at_running_studies():
    running, draft = make_open_study(), make_study()
    rater = make_rater(running)
    one_sided(rater)
    assert check_quality() == 1
    assert state_of(rater) == AnnotatorState.PAUSED
    assert not QualityFinding.objects.filter(annotator__study=draft).exists()


def test_one_studys_fault_does_not_keep_the_others_unlooked_at(monkeypatch):
    broken, sound = make_open_study(), make_open_study()
    rater = make_rater(sound)
    one_sided(rater)
    run_rules = quality.run_rules

    def fails_on_the_first(study):
        if study == broken:
            raise RuntimeError("no luck")
        return run_rules(study)

    monkeypatch.setattr(quality, "run_rules", fails_on_the_first)
    assert check_quality() == 1
