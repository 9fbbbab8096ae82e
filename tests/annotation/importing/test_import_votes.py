import pytest

from annotation.models import (
    Annotator,
    Criterion,
    Scale,
    Study,
    StudyState,
    Vote,
    VoteCriterion,
    VoteNote,
)
from annotation.selectors import counted_votes, repeated_votes
from tests import factories
from tests.annotation.importing.running import run_import

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def study() -> Study:
    study = factories.make_study("mine")
    for item in ("i1", "i2", "i3"):
        factories.make_comparison(study, item_id=item)
    return study


def vote(item="i1", annotator="ann", verdict="a", **more):
    return {"item_id": item, "annotator_id": annotator, "verdict": verdict, **more}


def test_votes_are_stored_as_imported_and_count(write_rows, study) -> None:
    row = vote(margin=2, seconds=12.5, left="b", reason="why", tags=["t"], batch=1)

    said = run_import("votes", "mine", write_rows(row, vote("i2", verdict="both_bad")))

    assert said.summary == "mine: 2 rows of votes; new: 2"
    first = Vote.objects.get(comparison__item_id="i1")
    assert (first.source, first.verdict, first.margin, first.left) == ("imported", "a", 2, "b")
    assert (first.elapsed_ms, first.occurrence, first.metadata) == (12_500, 0, {"batch": 1})
    assert (first.choice, first.swapped, first.assignment) == (None, None, None)
    note = VoteNote.objects.get()
    assert (note.vote, note.criterion, note.rationale, note.tags) == (first, None, "why", ["t"])
    assert Annotator.objects.get().external_id == "ann"
    assert counted_votes(study).count() == 2


def test_an_annotator_of_that_name_is_the_same_person(write_rows, study) -> None:
    annotator = factories.make_annotator(study, external_id="ann")

    run_import("votes", "mine", write_rows(vote()))

    assert Vote.objects.get().annotator == annotator


def test_a_repeat_is_kept_reported_with_its_line_and_not_counted(write_rows, study) -> None:
    path = write_rows(vote(), vote("i2"), vote(verdict="tie"))

    said = run_import("votes", "mine", path)

    assert said.code == 0
    assert said.lines[0] == (
        f"{path}:3: repeat: annotator 'ann' labels item 'i1' again; kept, not counted"
    )
    assert said.summary == "mine: 3 rows of votes; new: 3; repeats kept, not counted: 1"
    assert counted_votes(study).get(comparison__item_id="i1").verdict == "a"
    assert repeated_votes(study).get().verdict == "tie"


def test_votes_on_unknown_items_are_bad_rows(write_rows) -> None:
    path = write_rows(vote(), vote("nowhere"))

    said = run_import("votes", "mine", path)

    assert said.code == 1
    assert f"{path}:2: the study has no item 'nowhere'; import its comparison first" in said.err
    assert "unmatched item ids: 1" in said.summary
    assert not Vote.objects.exists()
    skipped = run_import("votes", "mine", path, skip_bad_rows=True)
    assert skipped.summary == "mine: 2 rows of votes; bad: 1; new: 1; unmatched item ids: 1"


def test_votes_for_a_study_that_does_not_exist_do_not_create_it(write_rows) -> None:
    said = run_import("votes", "other", write_rows(vote()))

    assert said.code == 1
    assert not Study.objects.filter(slug="other").exists()


def test_criterion_rows_join_their_vote_wherever_they_stand(write_rows) -> None:
    path = write_rows(
        vote(verdict="b", criterion="clear", reason="late"),
        vote(verdict="a"),
        vote(verdict="both_bad", criterion="short", seconds=3),
    )

    said = run_import("votes", "mine", path)

    assert said.summary == "mine: 3 rows of votes; new: 3"
    stored = Vote.objects.get()
    assert stored.verdict == "a"
    criteria = {row.criterion.key: row for row in VoteCriterion.objects.filter(vote=stored)}
    assert criteria["clear"].verdict == "b"
    assert criteria["short"].metadata == {"seconds": 3.0}
    assert VoteNote.objects.get().criterion.key == "clear"


def test_unknown_criteria_are_created_ternary_with_both_bad_once_seen(write_rows, study) -> None:
    run_import(
        "votes",
        "mine",
        write_rows(
            vote(),
            vote(criterion="clear"),
            vote(criterion="short"),
            vote("i2"),
            vote("i2", criterion="short", verdict="both_bad"),
        ),
    )

    made = {c.key: (c.scale, c.both_bad) for c in study.criteria.exclude(key=Criterion.OVERALL)}
    assert made == {"clear": (Scale.TERNARY, False), "short": (Scale.TERNARY, True)}


def test_repeats_keep_their_own_criteria(write_rows) -> None:
    path = write_rows(
        vote(criterion="clear", verdict="a"),
        vote(criterion="clear", verdict="b"),
        vote(verdict="a"),
        vote(verdict="tie"),
    )

    run_import("votes", "mine", path)

    assert list(
        VoteCriterion.objects.order_by("vote__occurrence").values_list("vote__verdict", "verdict")
    ) == [("a", "a"), ("tie", "b")]


def test_a_criterion_row_without_its_overall_row_is_an_error(write_rows) -> None:
    path = write_rows(
        vote(), vote(criterion="clear"), vote(criterion="clear"), vote("i2", criterion="clear")
    )

    said = run_import("votes", "mine", path)

    assert said.code == 1
    assert [line.split(": ")[0] for line in said.lines[:-1]] == [f"{path}:3", f"{path}:4"]
    assert "criterion 'clear' has no row of overall to join" in said.lines[0]
    assert not VoteCriterion.objects.exists()


def test_criteria_may_come_in_a_later_file(write_rows) -> None:
    run_import("votes", "mine", write_rows(vote(), name="a.jsonl"))

    said = run_import("votes", "mine", write_rows(vote(criterion="clear"), name="b.jsonl"))

    assert said.code == 0
    assert VoteCriterion.objects.get().vote == Vote.objects.get()


def test_a_bad_overall_row_takes_its_criterion_rows_with_it_not_those_of_others(
    write_rows,
) -> None:
    path = write_rows(
        vote(verdict="left"),
        vote(criterion="clear"),
        vote("i2"),
        vote("i2", criterion="clear"),
    )

    said = run_import("votes", "mine", path, skip_bad_rows=True)

    assert said.code == 0
    assert Vote.objects.get().comparison.item_id == "i2"
    assert VoteCriterion.objects.get().vote.comparison.item_id == "i2"


def test_criteria_of_repeats_are_refused_where_a_bad_row_leaves_their_vote_unclear(
    write_rows,
) -> None:
    path = write_rows(
        vote(verdict="left"),
        vote(verdict="b"),
        vote(criterion="clear", verdict="a"),
        vote(criterion="clear", verdict="b"),
    )

    said = run_import("votes", "mine", path, skip_bad_rows=True)

    assert said.code == 0
    assert "leaves it unclear which label" in said.err
    assert Vote.objects.get().verdict == "b"
    assert not VoteCriterion.objects.exists()


def test_equal_votes_are_left_alone_and_new_ones_added(write_rows) -> None:
    rows = [
        vote(margin=1, seconds=1.25, reason="r", tags=["t"], left="a", x=1.0),
        vote(verdict="tie"),
        vote(criterion="clear", reason="c", seconds=2),
    ]
    run_import("votes", "mine", write_rows(*rows, name="a.jsonl"))

    said = run_import("votes", "mine", write_rows(*rows, vote("i2"), name="b.jsonl"))

    assert "new: 1" in said.summary
    assert "already there: 3" in said.summary
    assert Vote.objects.count() == 3
    assert VoteCriterion.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [{"verdict": "b"}, {"margin": 2}, {"reason": "other"}, {"seconds": 9}, {"left": "b"}, {"x": 2}],
)
@pytest.mark.parametrize("criterion", ["overall", "clear"])
def test_a_different_vote_than_the_stored_one_is_an_error(write_rows, change, criterion) -> None:
    row = vote(margin=1, seconds=1.25, reason="r", left="a", x=1, criterion=criterion)
    rows = [row] if criterion == "overall" else [vote(), row]
    run_import("votes", "mine", write_rows(*rows, name="a.jsonl"))

    path = write_rows(*rows[:-1], row | change, name="b.jsonl")
    said = run_import("votes", "mine", path)

    assert said.code == 1
    assert f"{path}:{len(rows)}: item 'i1', annotator 'ann', criterion '{criterion}'" in said.err
    assert "what the study already holds is different" in said.err


def test_a_repeat_in_a_later_file_is_a_second_label_only_beside_the_first(write_rows) -> None:
    run_import("votes", "mine", write_rows(vote(), name="a.jsonl"))

    alone = run_import("votes", "mine", write_rows(vote(verdict="b"), name="b.jsonl"))
    beside = run_import("votes", "mine", write_rows(vote(), vote(verdict="b"), name="c.jsonl"))

    assert (alone.code, beside.code) == (1, 0)
    assert list(Vote.objects.order_by("occurrence").values_list("verdict", flat=True)) == ["a", "b"]


def test_an_erased_note_does_not_come_back(write_rows) -> None:
    run_import("votes", "mine", write_rows(vote(reason="mine"), name="a.jsonl"))
    VoteNote.objects.update(rationale="")

    said = run_import("votes", "mine", write_rows(vote(reason="mine"), vote("i2"), name="b.jsonl"))

    assert said.code == 0
    assert VoteNote.objects.get().rationale == ""


def test_a_vote_that_was_collected_here_is_not_joined_by_an_imported_one(write_rows) -> None:
    study = factories.make_open_study("open")
    annotator = factories.make_annotator(study, external_id="ann")
    item = factories.make_comparison(study, item_id="j1")
    factories.make_vote(item, annotator=annotator)

    said = run_import("votes", "open", write_rows(vote("j1"), vote("j1", annotator="new")))

    assert said.code == 1
    assert "annotator 'ann' has rated item 'j1' in this study" in said.err
    assert len(said.lines) == 2


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("reserved", "was given item 'j1' in this study and may still rate it"),
        ("expired", "was given item 'j1' in this study and may still rate it"),
        ("submitted", "has rated item 'j1' in this study"),
        ("late_surplus", "has rated item 'j1' in this study"),
    ],
)
def test_whoever_holds_an_item_here_brings_no_label_for_it(write_rows, state, reason) -> None:
    study = factories.make_open_study("open")
    annotator = factories.make_annotator(study, external_id="ann")
    item = factories.make_comparison(study, item_id="j1")
    factories.make_assignment(item, annotator, state=state)

    said = run_import("votes", "open", write_rows(vote("j1"), vote("j1", annotator="new")))

    assert said.code == 1
    assert f"annotator 'ann' {reason}" in said.err
    assert len(said.lines) == 2


def test_a_skipped_item_takes_a_label_since_it_never_returns(write_rows) -> None:
    study = factories.make_open_study("open")
    annotator = factories.make_annotator(study, external_id="ann")
    item = factories.make_comparison(study, item_id="j1")
    factories.make_assignment(item, annotator, state="released")

    assert run_import("votes", "open", write_rows(vote("j1"))).code == 0


def test_a_label_that_was_there_first_is_left_alone_when_it_comes_again(write_rows) -> None:
    study = factories.make_open_study("open")
    annotator = factories.make_annotator(study, external_id="ann")
    item = factories.make_comparison(study, item_id="j1")
    factories.make_comparison(study, item_id="j2")
    factories.make_imported_vote(item, annotator=annotator)
    factories.make_assignment(item, annotator)

    said = run_import("votes", "open", write_rows(vote("j1"), vote("j2")))

    assert said.summary == "open: 2 rows of votes; new: 1; already there: 1"


def test_an_opened_study_takes_votes_but_no_new_criteria(write_rows, study) -> None:
    Study.objects.update(state=StudyState.OPEN, opened_at="2026-01-01T00:00:00Z")
    Criterion.objects.filter(study=study).update(both_bad=False)

    good = run_import("votes", "mine", write_rows(vote()))
    path = write_rows(vote("i2"), vote("i2", criterion="new"), vote("i3", verdict="both_bad"))
    bad = run_import("votes", "mine", path)

    assert good.code == 0
    assert f"{path}:2: the study was opened without the criterion 'new'" in bad.err
    assert f"{path}:3: the study was opened with criterion 'overall' not having both_bad" in bad.err


def test_a_binary_criterion_takes_no_tie(write_rows, study) -> None:
    factories.make_criterion(study, "pick", scale=Scale.BINARY)

    said = run_import("votes", "mine", write_rows(vote(), vote(criterion="pick", verdict="tie")))

    assert "criterion 'pick' has a binary scale, without ties" in said.err


def test_votes_span_batches(write_rows) -> None:
    rows = [vote(annotator=f"a{n}", verdict="ab"[n % 2]) for n in range(1_200)]
    more = [vote(annotator=f"a{n}", criterion="clear") for n in range(1_200)]

    said = run_import("votes", "mine", write_rows(*more, *rows))

    assert said.code == 0
    assert Vote.objects.count() == VoteCriterion.objects.count() == 1_200


def test_the_arena_names_of_a_winner_are_taken(write_rows) -> None:
    path = write_rows(
        "item_id,annotator_id,winner",
        "i1,ann,model_b",
        "i2,ann,tie (bothbad)",
        "i3,ann,tie",
        name="v.csv",
    )

    run_import("votes", "mine", path)

    assert dict(Vote.objects.values_list("comparison__item_id", "verdict")) == {
        "i1": "b",
        "i2": "both_bad",
        "i3": "tie",
    }
