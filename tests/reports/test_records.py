"""From tables to arrays: codes, sides and the hash of what was read."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.models import Choice, Scale, Study, Verdict, VoteCriterion
from judging.models import Order
from reports import records
from reports.judgment_records import NO_VERDICT
from reports.stats.results import VerdictCode
from tests.factories import (
    make_annotator,
    make_assignment,
    make_comparison,
    make_criterion,
    make_imported_vote,
    make_judge_version,
    make_judgment,
    make_open_study,
    make_study,
    make_vote,
)

pytestmark = pytest.mark.django_db


def build(slug: str, order: list[int]) -> Study:
    """The same study, its rows written in the given order."""
    study = make_study(slug)
    pairs = [("gamma", "alpha"), ("alpha", "beta"), ("beta", "gamma")]
    verdicts = [Verdict.A, Verdict.TIE, Verdict.B]
    annotators = {
        name: make_annotator(study, external_id=name)
        for name in [("zoe", "ann"), ("ann", "zoe")][order[0] % 2]
    }
    for number in order:
        comparison = make_comparison(study, *pairs[number], item_id=f"item-{number}")
        comparison.prompt.prompt_id = f"prompt-{number}"
        comparison.prompt.save()
        for name in ("ann", "zoe"):
            make_imported_vote(comparison, verdicts[number], annotator=annotators[name], left="b")
    return study


def test_the_order_of_rows_and_keys_changes_nothing() -> None:
    one, other = records.load(build("one", [0, 1, 2])), records.load(build("other", [2, 0, 1]))
    assert one.systems == other.systems == ("alpha", "beta", "gamma")
    assert one.annotators == other.annotators == ("ann", "zoe")
    assert one.input_sha256 == other.input_sha256
    for name in ("system_a", "system_b", "verdict", "side", "prompt", "annotator", "item"):
        np.testing.assert_array_equal(
            getattr(one.overall.votes, name), getattr(other.overall.votes, name)
        )


def test_the_hash_tells_of_every_vote() -> None:
    study = build("one", [0, 1, 2])
    before = records.load(study).input_sha256
    comparison = study.comparisons.get(item_id="item-0")
    make_imported_vote(comparison, annotator=make_annotator(study, external_id="max"))
    after = records.load(study)
    assert after.input_sha256 != before
    assert after.annotators == ("ann", "max", "zoe")


def test_an_annotator_without_votes_changes_nothing() -> None:
    study = build("one", [0, 1, 2])
    before = records.load(study)
    make_annotator(study, external_id="idle")
    after = records.load(study)
    assert (after.input_sha256, after.annotators) == (before.input_sha256, before.annotators)


def test_the_side_shown_is_known_from_swapping_or_from_the_import() -> None:
    study = make_open_study()
    comparison = make_comparison(study)
    straight, swapped = (
        make_vote(
            comparison,
            Choice.LEFT,
            assignment=make_assignment(comparison, swapped=side, state="submitted"),
        )
        for side in (False, True)
    )
    told = make_imported_vote(comparison, left="b")
    unknown = make_imported_vote(comparison)
    votes = records.load(study).overall.votes
    names = records.load(study).annotators
    side = {names[code]: int(side) for code, side in zip(votes.annotator, votes.side, strict=True)}
    assert side == {
        straight.annotator.external_id: 1,
        swapped.annotator.external_id: -1,
        told.annotator.external_id: -1,
        unknown.annotator.external_id: 0,
    }


def test_further_criteria_have_their_own_votes() -> None:
    study = make_open_study()
    clarity = make_criterion(study, "clarity", scale=Scale.FIVE)
    answered, silent = make_vote(make_comparison(study)), make_vote(make_comparison(study))
    VoteCriterion.objects.create(
        vote=answered, criterion=clarity, verdict="b", margin=2, choice="right", swapped=False
    )
    read = records.load(study)
    (further,) = read.criteria
    assert (further.key, further.scale, further.both_bad) == ("clarity", "five", False)
    assert further.votes.n == 1
    assert further.votes.verdict.tolist() == [VerdictCode.B]
    assert further.margin.tolist() == [2]
    assert read.overall.votes.n == 2
    assert silent.pk


def test_both_bad_is_a_category_where_it_could_be_said_or_was_said() -> None:
    collected, imported = make_open_study(), make_study()
    make_vote(make_comparison(collected))
    make_imported_vote(make_comparison(imported))
    assert records.load(collected).overall.both_bad
    assert not records.load(imported).overall.both_bad
    make_imported_vote(make_comparison(imported), Verdict.BOTH_BAD)
    assert records.load(imported).overall.both_bad


def test_a_judgment_without_a_verdict_is_missing_and_never_a_tie() -> None:
    study = make_study()
    version = make_judge_version(study, "judge")
    comparison = make_comparison(study)
    make_judgment(comparison, Verdict.B, version=version, order=Order.AB, margin=2)
    make_judgment(comparison, None, version=version, order=Order.BA)
    (judge,) = records.load(study).judgments
    assert judge.order.tolist() == [0, 1]
    assert judge.verdict.tolist() == [VerdictCode.B, NO_VERDICT]
    assert judge.margin.tolist() == [2, 0]
    assert [judge.causes[code] if code >= 0 else None for code in judge.cause] == [
        None,
        "unparsed",
    ]


def test_an_empty_study_can_be_read() -> None:
    read = records.load(make_study())
    assert read.overall.votes.n == 0
    assert (read.systems, read.items, read.judgments) == ((), (), ())
