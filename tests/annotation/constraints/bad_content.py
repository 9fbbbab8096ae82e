"""Rows about studies, content and comparisons that the database must refuse."""

from __future__ import annotations

from django.utils import timezone

from annotation.models import (
    ComparisonKind,
    Criterion,
    ImportKind,
    JobState,
    Study,
    StudyState,
    UploadState,
)
from tests import factories

from .world import BadRow, change, twice

BAD_CONTENT: list[BadRow] = [
    # Studies
    ("a state that no study has", "study_state_known", lambda w: change(w.study, state="half")),
    ("a policy of results unknown", "study_results_known", lambda w: change(w.study, results="x")),
    ("a rule of stopping unknown", "study_stopping_known", lambda w: change(w.study, stopping="x")),
    ("a name with capitals", "study_slug_well_formed", lambda w: change(w.study, slug="Capital")),
    ("an empty name", "study_slug_well_formed", lambda w: change(w.study, slug="")),
    (
        "an open study that was never opened",
        "study_past_draft_was_opened",
        lambda w: Study.objects.create(slug="s", state=StudyState.OPEN),
    ),
    (
        "a second version of one number",
        "study_version_once",
        lambda w: factories.make_study_version(w.study, number=1),
    ),
    (
        "a second criterion of one key",
        "criterion_key_once",
        lambda w: factories.make_criterion(w.study, Criterion.OVERALL),
    ),
    (
        "a scale that is none",
        "criterion_scale_known",
        lambda w: factories.make_criterion(w.study, scale="nine"),
    ),
    # Content
    (
        "a second prompt of one id",
        "prompt_id_once",
        lambda w: factories.make_prompt(w.study, w.comparison.prompt.prompt_id),
    ),
    (
        "a negative weight",
        "prompt_weight_not_negative",
        lambda w: factories.make_prompt(w.study, weight=-1),
    ),
    (
        "a prompt that is both text and conversation",
        "prompt_text_or_messages",
        lambda w: factories.make_prompt(w.study, text="Hi", messages=[{"role": "user"}]),
    ),
    (
        "a second system of one name",
        "system_name_once",
        lambda w: factories.make_system(w.study, "alpha"),
    ),
    (
        "two systems with one code",
        "system_code_once",
        lambda w: twice(lambda: factories.make_system(w.study, code="A1")),
    ),
    (
        "a second response of one sample",
        "response_sample_once",
        lambda w: factories.make_response(w.comparison.prompt, w.comparison.system_a),
    ),
    (
        "a latency below zero",
        "response_latency_ms_not_negative",
        lambda w: change(w.comparison.response_a, latency_ms=-1),
    ),
    (
        "a first token before the request",
        "response_ttft_ms_not_negative",
        lambda w: change(w.comparison.response_a, ttft_ms=-1),
    ),
    (
        "a cost below zero",
        "response_cost_not_negative",
        lambda w: change(w.comparison.response_a, cost=-1),
    ),
    ("one file stored twice", "import_file_once", lambda w: twice(w.import_file)),
    (
        "a kind of file that is none",
        "import_file_kind_known",
        lambda w: w.import_file(kind="opinions"),
    ),
    # Comparisons
    (
        "a second comparison of one item",
        "comparison_item_once",
        lambda w: w.other_comparison(item_id=w.comparison.item_id),
    ),
    (
        "a pair a second time",
        "comparison_pair_once",
        lambda w: w.other_comparison(
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_a,
            response_b=w.comparison.response_b,
        ),
    ),
    (
        "a pair a second time, turned round",
        "comparison_pair_once",
        lambda w: w.other_comparison(
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_b,
            response_b=w.comparison.response_a,
        ),
    ),
    (
        "one response twice as work",
        "comparison_two_",
        lambda w: w.other_comparison(
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_a,
            response_b=w.comparison.response_a,
        ),
    ),
    (
        "one response twice as a test of consistency",
        "comparison_two_responses",
        lambda w: w.other_comparison(
            kind=ComparisonKind.CONSISTENCY,
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_a,
            response_b=w.comparison.response_a,
        ),
    ),
    (
        "two responses as an identical pair",
        "comparison_identical_is_one_response",
        lambda w: w.other_comparison(kind=ComparisonKind.IDENTICAL),
    ),
    (
        "two samples of one system as work",
        "comparison_two_systems",
        lambda w: w.other_comparison(
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_a,
            response_b=factories.make_response(
                w.comparison.prompt, w.comparison.system_a, sample=1
            ),
        ),
    ),
    (
        "a kind that is none",
        "comparison_kind_known",
        lambda w: w.other_comparison(kind="pleasure"),
    ),
    ("no vote wanted", "comparison_overlap_positive", lambda w: w.other_comparison(overlap=0)),
    (
        "an answer known in advance in work",
        "comparison_gold_only_where_known",
        lambda w: w.other_comparison(gold={"overall": ["a"]}),
    ),
    (
        "more taken than wanted",
        "comparison_taken_within_overlap",
        lambda w: w.other_comparison(taken=4),
    ),
    (
        "an open comparison without a place in the order",
        "comparison_open_has_room",
        lambda w: w.other_comparison(open=True),
    ),
    (
        "an open comparison that is full",
        "comparison_open_has_room",
        lambda w: w.other_comparison(open=True, open_seq=1, first_swapped=False, taken=3),
    ),
    (
        "a response to another prompt",
        "a comparison has two responses to its own prompt, and their systems",
        lambda w: w.other_comparison(
            prompt=w.comparison.prompt,
            response_a=w.comparison.response_a,
            response_b=factories.make_response(
                factories.make_prompt(w.study), w.comparison.system_b
            ),
        ),
    ),
    (
        "a pair moved to another prompt",
        "a comparison has two responses to its own prompt, and their systems",
        lambda w: change(w.comparison, prompt=factories.make_prompt(w.study)),
    ),
    (
        "a system that wrote neither response",
        "a comparison has two responses to its own prompt, and their systems",
        lambda w: change(w.comparison, system_a=factories.make_system(w.study)),
    ),
    (
        "a response by a system of another study",
        "a response is of a prompt and a system of one study",
        lambda w: factories.make_response(
            w.comparison.prompt, factories.make_system(factories.make_study())
        ),
    ),
    (
        "a check without accepted verdicts",
        "comparison_gold_only_where_known",
        lambda w: w.other_comparison(kind=ComparisonKind.GOLD),
    ),
    (
        "a prompt of another study",
        "a comparison has two responses to its own prompt, and their systems",
        lambda w: change(w.comparison, study=factories.make_study()),
    ),
    # Files on their way in
    ("an upload in a state unknown", "upload_state_known", lambda w: w.upload(state="half")),
    (
        "an upload of what is no content",
        "upload_kind_is_content",
        lambda w: w.upload(kind=ImportKind.VOTES),
    ),
    (
        "a lease on an upload that waits for a person",
        "upload_lease_is_a_workers",
        lambda w: w.upload(state=UploadState.CHECKED, lease_until=timezone.now()),
    ),
    (
        "an upload that failed and does not say why",
        "upload_failed_has_problem",
        lambda w: w.upload(state=UploadState.FAILED),
    ),
    (
        "an upload with a problem that did not fail",
        "upload_failed_has_problem",
        lambda w: w.upload(state=UploadState.CHECKED, problem="It is no CSV."),
    ),
    # Steps of the set-up that the background does
    ("a job of a kind unknown", "job_kind_known", lambda w: w.job(kind="closing")),
    (
        "a job in a state unknown",
        "job_state_known",
        lambda w: w.job(state="half", ended_at=timezone.now()),
    ),
    ("two jobs of a study at a time", "job_one_at_a_time", lambda w: twice(w.job)),
    (
        "a job that failed and does not say why",
        "job_failed_has_problem",
        lambda w: w.job(state=JobState.FAILED, ended_at=timezone.now()),
    ),
    (
        "a job with a problem that did not fail",
        "job_failed_has_problem",
        lambda w: w.job(problem="It took too long."),
    ),
    (
        "a job that ended at no time",
        "job_ended_has_time",
        lambda w: w.job(state=JobState.DONE),
    ),
    (
        "a lease on a job that is done",
        "job_lease_is_a_workers",
        lambda w: w.job(state=JobState.DONE, ended_at=timezone.now(), lease_until=timezone.now()),
    ),
]
