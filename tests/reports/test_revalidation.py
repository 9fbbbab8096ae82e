"""A random sample of a judge's decisions, sent to people, read once it is back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import audit, queue
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.states import close_study
from annotation.models import (
    Assignment,
    AuditEntry,
    Choice,
    Comparison,
    Role,
    Study,
    StudyState,
    StudyVersion,
    Verdict,
)
from judging.models import JudgeVersion
from reports import analysis, validations
from reports.alignment_pages.standing import standings
from reports.models import JudgeValidation, Revalidation, ValidityRule
from reports.revalidation import (
    allotted,
    draw,
    judged_comparisons,
    progress_of,
    revalidate_judge,
    version_of,
)
from reports.validations import Trust, ValidationError, validity_of
from tests.factories import (
    make_annotator,
    make_comparison,
    make_judge_version,
    make_judgment,
    make_membership,
    make_prompt,
    make_response,
    make_study,
    make_system,
    make_vote,
)

pytestmark = pytest.mark.django_db


def judged_study(prompts: int = 60, *, overlap: int = 1, **fields: Any) -> Study:
    """An open study of two systems, judged throughout, without votes."""
    study = make_study(**fields)
    systems = [make_system(study, name) for name in ("alpha", "beta")]
    version = make_judge_version(study, "gpt")
    for number in range(prompts):
        prompt = make_prompt(study, f"p{number:03}", category="law" if number % 3 else "code")
        a, b = (make_response(prompt, system) for system in systems)
        comparison = make_comparison(
            study,
            prompt=prompt,
            response_a=a,
            response_b=b,
            item_id=f"i{number:03}",
            overlap=overlap,
        )
        make_judgment(comparison, Verdict.A if number % 2 else Verdict.B, version=version)
    open_study(study)
    study.refresh_from_db()
    return study


def judge_of(study: Study) -> JudgeVersion:
    return version_of(study, "gpt")


def vote_on(study: Study, items: list[str], external_id: str, **fields: Any) -> None:
    """One vote on each, for a."""
    annotator = study.annotators.filter(external_id=external_id).first() or make_annotator(
        study, external_id=external_id
    )
    for comparison in Comparison.objects.filter(study=study, item_id__in=items):
        make_vote(comparison, Choice.LEFT, annotator=annotator, **fields)


def next_claims(study: Study, number: int) -> list[str]:
    """The names of what a new annotator is handed next, sorted."""
    annotator = make_annotator(study)
    found = []
    for _ in range(number):
        current = queue.claim(annotator, want=1).current
        assert current is not None
        row = Assignment.objects.select_related("comparison").get(public_id=current.pair.id)
        found.append(row.comparison.item_id)
        queue.release(annotator, current.pair.id, "other")
    return sorted(found)


def test_the_next_pairs_that_are_handed_out_are_of_the_sample() -> None:
    study = judged_study(40)
    row = revalidate_judge(study, judge_of(study), 6)
    assert next_claims(study, 6) == sorted(row.sample)


def test_a_sample_is_drawn_in_proportion_by_the_seed_and_written_down() -> None:
    study = judged_study()
    row = revalidate_judge(study, judge_of(study), 20)
    assert len(row.frame) == 60
    assert set(row.sample.values()) == {0}
    drawn = {one.item_id: one.stratum for one in judged_comparisons(study, judge_of(study))}
    strata = Counter(drawn[item] for item in row.sample)
    # A third of each stratum, which holds 10 or 20 of the 60.
    assert sorted(strata.values()) in ([3, 3, 7, 7], [3, 4, 6, 7])
    entry = AuditEntry.objects.get(study=study, action="judge.revalidation_drawn")
    assert entry.detail["drawn"] == 20
    assert entry.detail["seed"] == row.seed == study.seed + 1
    assert not list(audit.verify(study))


def test_the_same_seed_draws_the_same_and_another_one_draws_others() -> None:
    study = judged_study()
    frame = judged_comparisons(study, judge_of(study))
    first, again, other = (draw(frame, 15, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == len(other) == 15


def test_shares_add_up_whatever_the_strata() -> None:
    sizes = {("x", str(k)): size for k, size in enumerate((1, 1, 1, 97, 13))}
    for count in (1, 7, 50, 113):
        shares = allotted(sizes, count, 3)
        assert sum(shares.values()) == count
        assert all(shares[key] <= size for key, size in sizes.items())
        assert all(abs(shares[k] - sizes[k] * count / 113) < 1 for k in sizes)


def test_every_comparison_is_drawn_as_often_as_any_other() -> None:
    study = judged_study(30)
    frame = judged_comparisons(study, judge_of(study))
    times = Counter(one.item_id for seed in range(400) for one in draw(frame, 10, seed))
    # 400 draws of a third each; five standard deviations.
    assert all(133 - 48 < times[one.item_id] < 133 + 48 for one in frame)


def test_the_report_reads_a_sample_only_once_all_its_votes_are_in() -> None:
    study = judged_study(results="open")
    row = revalidate_judge(study, judge_of(study), 40)
    items = sorted(row.sample)
    vote_on(study, items[:-1], "ann-1")
    assert (progress_of(row).voted, progress_of(row).is_complete) == (39, False)
    before = analysis.run(study).result["alignment"][0]
    assert before["sample"] is None
    assert before["corrected_win_rates"][0]["rogan_gladen"]["warnings"] == ["not_random_sample"]
    row.refresh_from_db()
    assert row.merged_at is None

    vote_on(study, items[-1:], "ann-1")
    kept = analysis.run(study)
    entry = kept.result["alignment"][0]
    assert entry["sample"] == {"frame": 60, "drawn": 40}
    rates = entry["corrected_win_rates"][0]
    assert (rates["n_labelled"], rates["n_unlabelled"]) == (40, 20)
    assert rates["prediction_powered"]["estimate"] is not None
    row.refresh_from_db()
    assert row.merged_at is not None
    validation = JudgeValidation.objects.get(version=judge_of(study))
    assert (validation.revalidation, validation.analysis_run) == (row, kept)
    assert validation.comparisons == 40
    assert not list(audit.verify(study))
    # The same report again records nothing twice.
    analysis.run(study)
    assert JudgeValidation.objects.count() == 1


def test_one_more_vote_is_asked_for_on_comparisons_that_have_theirs() -> None:
    study = judged_study(12)
    items = [f"i{number:03}" for number in range(12)]
    vote_on(study, items, "ann-1")
    Comparison.objects.filter(study=study).update(open=False, taken=1)
    with pytest.raises(ValidationError, match="--raise-overlap"):
        revalidate_judge(study, judge_of(study), 5)
    row = revalidate_judge(study, judge_of(study), 5, raise_overlap=True)
    raised = Comparison.objects.filter(study=study, overlap=2)
    assert set(raised.values_list("item_id", flat=True)) == set(row.sample)
    assert all(raised.values_list("open", flat=True))
    assert set(row.sample.values()) == {1}
    assert next_claims(study, 5) == sorted(row.sample)
    assert progress_of(row).voted == 0
    assert StudyVersion.objects.filter(study=study).count() == 2
    # The log ends with the draw, after the change that it needed.
    actions = (
        AuditEntry.objects.filter(study=study).order_by("-seq").values_list("action", flat=True)
    )
    assert list(actions[:2]) == ["judge.revalidation_drawn", "study.changed"]


def test_one_sample_of_a_version_is_with_people_at_a_time() -> None:
    study = judged_study()
    revalidate_judge(study, judge_of(study), 5)
    with pytest.raises(ValidationError, match="already"):
        revalidate_judge(study, judge_of(study), 5)
    assert Revalidation.objects.count() == 1
    assert AuditEntry.objects.filter(action="judge.revalidation_drawn").count() == 1


@pytest.mark.parametrize(
    ("state", "words"), [(StudyState.DRAFT, "open it first"), (StudyState.CLOSED, "closed")]
)
def test_a_study_that_takes_no_votes_sends_no_sample(state: StudyState, words: str) -> None:
    study = judged_study(6)
    Study.objects.filter(pk=study.pk).update(state=state)
    with pytest.raises(ValidationError, match=words):
        revalidate_judge(study, judge_of(study), 2)


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ANNOTATOR, Role.ADJUDICATOR])
def test_only_those_who_run_the_study_send_one(role: Role) -> None:
    study = judged_study(6)
    user = make_membership(study, role).user
    with pytest.raises(ValidationError, match="owner or a researcher"):
        revalidate_judge(study, judge_of(study), 2, user)
    with pytest.raises(ValidationError, match="owner or a researcher"):
        validations.set_rule(study, user, days=3, new_responses=None)


def test_the_command_says_what_it_drew_and_refuses_in_words() -> None:
    study = judged_study(10)
    said = StringIO()
    call_command("revalidate_judge", study.slug, "--judge", "gpt", "--count", "4", stderr=said)
    assert "4 of 10 comparisons that gpt (version 1) judged" in said.getvalue()
    with pytest.raises(CommandError, match=r"of a judge 'claude'\. Its judges are: gpt"):
        call_command("revalidate_judge", study.slug, "--judge", "claude", "--count", "4")
    with pytest.raises(CommandError, match="1 to 10,000"):
        call_command("revalidate_judge", study.slug, "--judge", "gpt", "--count", "0")


def test_a_new_version_starts_uncalibrated_and_a_validation_runs_out() -> None:
    study = judged_study(40, results="open")
    vote_on(study, [f"i{number:03}" for number in range(40)], "ann-1")
    version, rule = judge_of(study), validations.rule_of(study)
    assert (rule.days, rule.new_responses) == (90, 1000)
    assert validity_of(version, rule).trust is Trust.UNCALIBRATED
    kept = analysis.run(study)
    row = validations.record_validation(kept, "gpt", 1, None)
    # People say a each time, and the judge says it every other time.
    assert validity_of(version, rule).trust is Trust.FAILED
    JudgeValidation.objects.filter(pk=row.pk).update(answer="stands_in")
    assert validity_of(version, rule).trust is Trust.VALID
    assert validity_of(make_judge_version(study, "gpt"), rule).trust is Trust.UNCALIBRATED

    rule = validations.set_rule(study, None, days=30, new_responses=3)
    prompt = make_prompt(study, "later")
    for sample in range(3):
        make_response(prompt, study.systems.first(), sample=sample)
    now = validity_of(version, rule)
    assert (now.trust, now.reasons, now.new_responses) == (Trust.RUN_OUT, ("responses",), 3)
    JudgeValidation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert validity_of(version, rule).reasons == ("days", "responses")
    rule = validations.set_rule(study, None, days=None, new_responses=None)
    assert validity_of(version, rule).trust is Trust.VALID
    with pytest.raises(ValidationError, match="1 to"):
        validations.set_rule(study, None, days=0, new_responses=None)
    assert ValidityRule.objects.get(study=study).days is None


@pytest.mark.parametrize(
    ("answer", "trust", "word", "tone"),
    [
        ("stands_in", Trust.VALID, "validated", "ok"),
        ("not_decided", Trust.NOT_DECIDED, "not decided", "info"),
        ("does_not", Trust.FAILED, "failed", "error"),
    ],
)
def test_only_a_judge_that_stands_in_is_called_validated(
    answer: str, trust: Trust, word: str, tone: str
) -> None:
    study = judged_study(4, results="open")
    version, rule = judge_of(study), validations.rule_of(study)
    JudgeValidation.objects.create(
        study=study,
        version=version,
        analysis_run=analysis.run(study),
        answer=answer,
        comparisons=40,
        responses=8,
    )
    assert validity_of(version, rule).trust is trust
    (shown,) = standings(study, [version], sees_outcomes=True)
    assert (shown.word, shown.tone) == (word, tone)
    assert shown.text.startswith("Validated") is (trust is Trust.VALID)


def test_a_sample_that_is_too_small_is_read_and_validates_nothing() -> None:
    study = judged_study(20, results="open")
    row = revalidate_judge(study, judge_of(study), 10)
    vote_on(study, sorted(row.sample), "ann-1")
    analysis.run(study)
    row.refresh_from_db()
    assert row.merged_at is not None
    assert not JudgeValidation.objects.exists()
    assert AuditEntry.objects.get(action="judge.sample_read").detail["comparisons"] == 10
    assert not list(audit.verify(study))


def test_a_validation_is_renewed_by_votes_and_by_nothing_else() -> None:
    study = judged_study(80, results="open")
    vote_on(study, [f"i{number:03}" for number in range(40)], "ann-1")
    first = validations.record_validation(analysis.run(study), "gpt", 1, None)

    def refused(words: str) -> None:
        before = AuditEntry.objects.filter(action="judge.validated").count()
        with pytest.raises(ValidationError, match=words):
            validations.record_validation(analysis.run(study), "gpt", 1, None)
        assert AuditEntry.objects.filter(action="judge.validated").count() == before
        assert JudgeValidation.objects.count() == before

    refused("already")
    make_response(make_prompt(study, "later"), study.systems.first())
    analysis.run(study, seed=study.seed + 1)
    with pytest.raises(ValidationError, match="No vote was added"):
        validations.record_validation(analysis.run(study, seed=study.seed + 1), "gpt", 1, None)
    vote_on(study, ["i040"], "ann-1")
    second = validations.record_validation(analysis.run(study), "gpt", 1, None)
    assert second.pk != first.pk
    # Run out: further votes of whatever came along are no random sample.
    past = timezone.now() - timedelta(days=91)
    JudgeValidation.objects.filter(pk=second.pk).update(created_at=past)
    vote_on(study, ["i041"], "ann-1")
    refused("no random sample came back since")
    row = revalidate_judge(study, judge_of(study), 10)
    vote_on(study, sorted(row.sample), "ann-1")
    analysis.run(study)
    renewed = JudgeValidation.objects.latest("pk")
    assert renewed.revalidation == row
    assert validity_of(judge_of(study), validations.rule_of(study)).trust is not Trust.RUN_OUT


def test_a_validation_does_not_count_for_annotators_of_another_expertise() -> None:
    study = judged_study(40, results="open")
    vote_on(study, [f"i{number:03}" for number in range(40)], "ann-1")
    kept = analysis.run(study)
    first = validations.record_validation(kept, "gpt", 1, None)
    rule = validations.set_rule(study, None, days=90, new_responses=1000, expertise="crowd")
    version = judge_of(study)
    now = validity_of(version, rule)
    assert (now.trust, now.reasons) == (Trust.RUN_OUT, ("expertise",))
    (shown,) = standings(study, [version], sees_outcomes=True)
    assert "said to be crowd since. Compute the report again" in shown.text
    with pytest.raises(ValidationError, match="Compute the report again"):
        validations.record_validation(kept, "gpt", 1, None)
    # No vote has come since, and the margin is another one.
    second = validations.record_validation(analysis.run(study), "gpt", 1, None)
    assert second.pk != first.pk
    assert validity_of(version, rule).trust is not Trust.RUN_OUT
    with pytest.raises(ValidationError, match="already"):
        validations.record_validation(analysis.run(study), "gpt", 1, None)


def test_another_kind_of_annotators_and_back_renews_no_day_and_bears_no_more_responses() -> None:
    study = judged_study(40, results="open")
    vote_on(study, [f"i{number:03}" for number in range(40)], "ann-1")
    version = judge_of(study)
    first = validations.record_validation(analysis.run(study), "gpt", 1, None)
    day = timezone.now() - timedelta(days=80)
    JudgeValidation.objects.filter(pk=first.pk).update(created_at=day, responses=3)
    for expertise in ("crowd", "trained", "experts"):
        rule = validations.set_rule(study, None, days=90, new_responses=1000, expertise=expertise)
        again = validations.record_validation(analysis.run(study), "gpt", 1, None)
        assert (again.created_at, again.responses) == (day, 3), expertise
        now = validity_of(version, rule)
        assert now.validation == again
        assert now.reasons == ()
        assert now.until == day + timedelta(days=90)
        assert now.new_responses > 0

    # Votes that came since are news, whatever the annotators are called.
    vote_on(study, [f"i{number:03}" for number in range(40)], "ann-2")
    validations.set_rule(study, None, days=90, new_responses=1000, expertise="crowd")
    renewed = validations.record_validation(analysis.run(study), "gpt", 1, None)
    assert timezone.now() - renewed.created_at < timedelta(minutes=5)
    assert renewed.responses > 3


def test_too_little_is_no_validation_and_a_validation_is_never_changed() -> None:
    study = judged_study(10, results="open")
    vote_on(study, [f"i{number:03}" for number in range(10)], "ann-1")
    kept = analysis.run(study)
    with pytest.raises(ValidationError, match="fewer than 30"):
        validations.record_validation(kept, "gpt", 1, None)
    with pytest.raises(ValidationError, match="holds no version 7"):
        validations.record_validation(kept, "gpt", 7, None)
    row = JudgeValidation.objects.create(
        study=study,
        version=judge_of(study),
        analysis_run=kept,
        answer="x",
        comparisons=1,
        responses=1,
    )
    with pytest.raises(TypeError, match="fact of its day"):
        row.save()


def said_by_people(study: Study, items: list[str], external_id: str, *, as_judged: bool) -> None:
    """One vote on each: what the judge says, or the opposite."""
    judged = {one.item_id: one.stratum[1] for one in judged_comparisons(study, judge_of(study))}
    annotator = study.annotators.filter(external_id=external_id).first() or make_annotator(
        study, external_id=external_id
    )
    for comparison in Comparison.objects.filter(study=study, item_id__in=items):
        a = (judged[comparison.item_id] == "a") is as_judged
        choice, verdict = (Choice.LEFT, "a") if a else (Choice.RIGHT, "b")
        make_vote(comparison, choice, annotator=annotator, swapped=False, verdict=verdict)


def test_a_judge_that_got_worse_since_is_said_to_have_drifted() -> None:
    study = judged_study(140, results="open", overlap=2)
    items = [f"i{number:03}" for number in range(140)]
    said_by_people(study, items[:60], "ann-1", as_judged=True)
    validations.record_validation(analysis.run(study), "gpt", 1, None)
    # Neither read by the validation nor asked for by the sample.
    said_by_people(study, items[60:70], "ann-1", as_judged=False)
    row = revalidate_judge(study, judge_of(study), 80, raise_overlap=True)
    said_by_people(study, sorted(row.sample), "ann-2", as_judged=False)
    others = sorted(set(items) - set(row.sample))
    said_by_people(study, others[:3], "ann-2", as_judged=True)
    entry = analysis.run(study).result["alignment"][0]
    # Votes of before on drawn comparisons are of before.
    assert (entry["drift"]["before"], entry["drift"]["since"]) == (1, 0)
    assert entry["drift"]["n"] == 80
    assert "drifted" in entry["standing"]["findings"]
    assert entry["standing"]["answer"] == "does_not"


def test_nothing_has_drifted_that_was_never_validated() -> None:
    study = judged_study(140, results="open")
    items = [f"i{number:03}" for number in range(140)]
    said_by_people(study, items[:60], "ann-1", as_judged=True)
    row = revalidate_judge(study, judge_of(study), 40)
    said_by_people(study, sorted(row.sample), "ann-1", as_judged=False)
    drift = analysis.run(study).result["alignment"][0]["drift"]
    assert drift["estimate"] is None
    assert "not validated before" in drift["reason"]


def test_a_withdrawn_sample_is_logged_and_makes_room_for_another() -> None:
    study = judged_study(12, results="open")
    row = revalidate_judge(study, judge_of(study), 4)
    vote_on(study, sorted(row.sample), "ann-1")
    call_command("revalidate_judge", study.slug, "--judge", "gpt", "--withdraw")
    row.refresh_from_db()
    assert row.withdrawn_at is not None
    assert not Comparison.objects.filter(study=study, open_seq__lt=0).exists()
    assert AuditEntry.objects.get(action="judge.sample_withdrawn").detail["voted"] == 4
    # No report reads it any more.
    assert analysis.run(study).result["alignment"][0]["sample"] is None
    assert not list(audit.verify(study))
    with pytest.raises(CommandError, match="No sample for gpt"):
        call_command("revalidate_judge", study.slug, "--judge", "gpt", "--withdraw")
    with pytest.raises(CommandError, match="--count N"):
        call_command("revalidate_judge", study.slug, "--judge", "gpt")
    revalidate_judge(study, judge_of(study), 4)


def test_once_a_study_has_closed_the_part_that_came_back_is_read_with_a_warning() -> None:
    study = judged_study(60, results="open")
    row = revalidate_judge(study, judge_of(study), 40)
    vote_on(study, sorted(row.sample)[:35], "ann-1")
    assert analysis.run(study).result["alignment"][0]["sample"] is None
    close_study(study)
    study.refresh_from_db()
    (shown,) = standings(study, [judge_of(study)], sees_outcomes=True)
    assert "Voting ended when 35 of 40 comparisons" in shown.sample
    entry = analysis.run(study).result["alignment"][0]
    assert entry["sample"] == {"frame": 60, "drawn": 35, "missing": 5}
    assert "partial_sample" in entry["warnings"]
    assert entry["corrected_win_rates"][0]["n_labelled"] == 35
    row.refresh_from_db()
    assert row.merged_at is not None
    assert JudgeValidation.objects.get().comparisons == 35


@pytest.mark.parametrize("versions", [1, 9])
def test_where_judges_stand_costs_the_same_however_many_there_are(versions: int) -> None:
    study = judged_study(12, results="open")
    kept = analysis.run(study)
    made = [judge_of(study), *(make_judge_version(study, f"j{k}") for k in range(1, versions))]
    for version in made:
        JudgeValidation.objects.create(
            study=study,
            version=version,
            analysis_run=kept,
            answer="stands_in",
            comparisons=40,
            responses=8,
        )
        Revalidation.objects.create(
            study=study, version=version, seed=1, frame=["i000"], sample={"i000": 0}
        )
    with CaptureQueriesContext(connection) as queries:
        found = standings(study, made, sees_outcomes=True)
    assert len(found) == versions
    assert all(one.has_sample_out for one in found)
    assert len(queries) <= 5
