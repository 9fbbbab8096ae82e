"""A vote answers the rubric of its own version, and a new version loses no vote."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import voting
from annotation.models import Annotator, Criterion, Scale, Study, StudyVersion, Vote
from annotation.voting import Answer, Received
from annotation.voting.rubrics import Question, rubric_of
from tests.annotation.queue.world import current_id, make_queue, row_of
from tests.factories import make_annotator, make_criterion, make_study_version

pytestmark = pytest.mark.django_db

LEFT = {"overall": Answer("left")}


def write_version(study: Study, **optional: bool) -> StudyVersion:
    """A version with the criteria as they are now, some of them required or not as told."""
    rubric = [
        {
            "key": criterion.key,
            "question": criterion.question,
            "scale": criterion.scale,
            "both_bad": criterion.both_bad,
            "required": optional.get(criterion.key, criterion.required),
        }
        for criterion in Criterion.objects.filter(study=study)
    ]
    return make_study_version(study, snapshot={"rubric": rubric})


def make_versioned(comparisons: int = 3) -> Study:
    """An open study whose first version asks for `overall` alone."""
    study = make_queue(comparisons)
    write_version(study)
    return study


def submit(
    annotator: Annotator, held: uuid.UUID, answers: Mapping[str, Answer], **more: Any
) -> voting.Outcome:
    return voting.submit(annotator, held, answers, uuid.uuid4(), **more)


def test_a_vote_of_the_older_rubric_is_stored_when_a_new_version_demands_more():
    study = make_versioned()
    annotator = make_annotator(study)
    held = current_id(annotator)
    older = row_of(held).study_version
    make_criterion(study, "tone", required=True)
    write_version(study)
    assert submit(annotator, held, LEFT).received is Received.COUNTED
    assert Vote.objects.get().study_version == older == row_of(held).study_version


def test_a_pair_of_the_older_version_may_be_answered_under_the_newer_rubric():
    study = make_versioned()
    annotator = make_annotator(study)
    held = current_id(annotator)
    tone = make_criterion(study, "tone", required=True)
    newer = write_version(study)
    outcome = submit(annotator, held, LEFT | {"tone": Answer("tie")})
    assert outcome.received is Received.COUNTED
    stored = Vote.objects.get()
    assert stored.study_version == newer == row_of(held).study_version
    assert stored.criteria.get().criterion == tone


def test_what_only_a_later_version_leaves_open_may_be_left_open():
    study = make_queue(1)
    make_criterion(study, "tone", required=True)
    write_version(study)
    annotator = make_annotator(study)
    held = current_id(annotator)
    newer = write_version(study, tone=False)
    assert submit(annotator, held, LEFT).received is Received.COUNTED
    assert Vote.objects.get().study_version == newer


def test_the_oldest_of_several_later_versions_that_fits_is_the_votes():
    study = make_versioned()
    annotator = make_annotator(study)
    held = current_id(annotator)
    make_criterion(study, "tone", required=False)
    second = write_version(study)
    make_criterion(study, "depth", required=False)
    write_version(study)
    submit(annotator, held, LEFT | {"tone": Answer("tie")})
    assert Vote.objects.get().study_version == second


def test_a_revision_under_the_newer_rubric_is_of_the_newer_version():
    study = make_versioned()
    annotator = make_annotator(study)
    held = current_id(annotator)
    older = row_of(held).study_version
    submit(annotator, held, LEFT)
    make_criterion(study, "tone", required=True)
    newer = write_version(study)
    submit(annotator, held, LEFT | {"tone": Answer("right")}, revises=True)
    versions = Vote.objects.order_by("revision").values_list("study_version", flat=True)
    assert list(versions) == [older.pk, newer.pk]


def test_answers_that_fit_no_version_are_refused_as_the_pairs_own_version_says():
    study = make_versioned()
    annotator = make_annotator(study)
    held = current_id(annotator)
    make_criterion(study, "tone", required=True)
    write_version(study)
    with pytest.raises(voting.InvalidAnswers, match="no such criterion") as refused:
        submit(annotator, held, LEFT | {"style": Answer("tie")})
    assert refused.value.field == "style"
    assert not Vote.objects.exists()


def test_no_earlier_version_excuses_what_the_pairs_own_demands():
    study = make_versioned()
    make_criterion(study, "tone", required=True)
    write_version(study)
    annotator = make_annotator(study)
    with pytest.raises(voting.InvalidAnswers, match="must be answered"):
        submit(annotator, current_id(annotator), LEFT)


def test_a_criterion_that_changed_beside_the_versions_changes_nothing():
    """The snapshot is what the pair was claimed under; the row is only its name."""
    study = make_versioned()
    Criterion.objects.filter(study=study).update(scale=Scale.FIVE)
    annotator = make_annotator(study)
    assert submit(annotator, current_id(annotator), LEFT).received is Received.COUNTED


def test_a_version_without_a_rubric_asks_what_the_study_asks_now():
    study = make_queue(2)
    annotator = make_annotator(study)
    version = row_of(current_id(annotator)).study_version_id
    assert [question.key for question in rubric_of(version, study.pk)] == ["overall"]
    tone = make_criterion(study, "tone", required=False)
    assert Question(tone.pk, "tone", "ternary", False, False) in rubric_of(version, study.pk)


def test_a_rubric_is_read_once():
    study = make_versioned()
    [version] = study.versions.exclude(snapshot={})
    with CaptureQueriesContext(connection) as queries:
        first = rubric_of(version.pk, study.pk)
        again = rubric_of(version.pk, study.pk)
    assert first is again
    assert len(queries) == 2


def test_two_versions_are_never_mistaken_for_each_other():
    study = make_versioned()
    first = study.versions.order_by("-number")[0]
    make_criterion(study, "tone")
    second = write_version(study)
    assert [question.key for question in rubric_of(first.pk, study.pk)] == ["overall"]
    assert [question.key for question in rubric_of(second.pk, study.pk)] == ["overall", "tone"]


def test_a_repeated_request_is_answered_as_before_whatever_the_rubric_has_become():
    study = make_versioned()
    annotator = make_annotator(study)
    held, key = current_id(annotator), uuid.uuid4()
    voting.submit(annotator, held, LEFT, key)
    make_criterion(study, "tone", required=True)
    write_version(study)
    assert voting.submit(annotator, held, LEFT, key).replayed
