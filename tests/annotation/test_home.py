"""The home page: what each role sees of its studies, and what it is told to do next."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation.accounts import home
from annotation.accounts.home import list_cards
from annotation.accounts.steps import (
    COUNTED_UP_TO,
    DESIGN,
    OPEN,
    PEOPLE,
    REPORT,
    SET_UP,
    OwnWork,
    Step,
    StudyProgress,
    annotator_step,
    monitor_step,
    researcher_step,
)
from annotation.accounts.steps import RUNNING as TO_RUN
from annotation.models import (
    AdjudicationCase,
    AnnotatorState,
    AssignmentState,
    Cell,
    Comparison,
    ResultsPolicy,
    Role,
    Study,
    StudyState,
    User,
)
from tests import factories
from tests.annotation.queue.world import current_id, make_queue, vote
from tests.effort import effort_of, slack
from tests.pages import text_of

pytestmark = pytest.mark.django_db

CLOSED_UNBLINDED = {"state": StudyState.CLOSED, "unblinded_at": timezone.now()}


def comparison_to_rate(study: Study, **fields: Any) -> Comparison:
    return factories.make_comparison(
        study, open=True, open_seq=next(factories.numbers), first_swapped=False, **fields
    )


def only_step(user: User) -> Step:
    (card,) = list_cards(user)
    (entry,) = card.steps
    return entry.step


def test_home_asks_an_anonymous_visitor_to_sign_in(client: Client) -> None:
    assert client.get("/")["Location"] == "/sign-in/?next=/"


def test_someone_without_a_study_is_told_how_to_get_into_one(client: Client) -> None:
    client.force_login(factories.make_user())
    page = text_of(client.get("/"))
    assert "You take part in no study" in page
    assert "come by invitation" in page


def test_an_owner_of_an_empty_site_is_told_how_to_begin(client: Client) -> None:
    client.force_login(factories.make_user(is_superuser=True, is_staff=True))
    page = text_of(client.get("/"))
    assert "There is no study yet" in page
    assert 'href="/studies/new/"' in page


@pytest.mark.parametrize("role", list(Role))
def test_a_new_study_is_offered_to_those_who_run_one(client: Client, role: Role) -> None:
    user = factories.make_membership(factories.make_study(), role).user
    client.force_login(user)
    offered = 'href="/studies/new/"' in text_of(client.get("/"))
    assert offered is (role in (Role.OWNER, Role.RESEARCHER))


def test_a_card_leads_to_the_set_up_for_those_alone_who_run_the_study(client: Client) -> None:
    study = factories.make_study(title="Capitals")
    for role in (Role.RESEARCHER, Role.MONITOR):
        client.force_login(factories.make_membership(study, role).user)
        leads = f'href="/study/{study.slug}/set-up/"' in text_of(client.get("/"))
        assert leads is (role == Role.RESEARCHER)


def test_an_annotator_sees_their_own_counts_and_one_link(client: Client) -> None:
    study = factories.make_open_study(title="Four assistants")
    user = factories.make_user()
    annotator = factories.make_annotator(study, user, answered=1)
    done = comparison_to_rate(study)
    factories.make_vote(done, annotator=annotator)
    factories.make_vote(done)
    held = comparison_to_rate(study)
    factories.make_assignment(held, annotator)
    for _ in range(3):
        comparison_to_rate(study)
    full = factories.make_comparison(study)
    factories.make_vote(full)
    client.force_login(user)
    page = text_of(client.get("/"))
    assert "1 done, 4 left for you." in page
    assert f'href="/study/{study.slug}/rate/"' in page
    assert "Four assistants" in page
    assert page.count('class="button button--primary"') == 1


def test_an_annotator_learns_nothing_about_others_or_systems(client: Client) -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    factories.make_annotator(study, user)
    comparison = comparison_to_rate(study, system_a="secretive", system_b="veiled")
    for _ in range(2):
        factories.make_vote(comparison)
    client.force_login(user)
    page = text_of(client.get("/"))
    for word in ("secretive", "veiled", "of 3 votes", "annotators", "manage.py"):
        assert word not in page


def test_what_the_queue_would_not_hand_out_is_not_left() -> None:
    rules = {"eligibility": {"law": {"subjects": ["law"]}}}
    study = factories.make_open_study(rules=rules)
    user = factories.make_user()
    factories.make_annotator(study, user)
    for category in ("law", "law", "prose"):
        comparison_to_rate(study, prompt=factories.make_prompt(study, category=category))
    on_desk = comparison_to_rate(study)
    AdjudicationCase.objects.create(
        comparison=on_desk, adjudicator=user, swapped=False, lease_expires_at=timezone.now()
    )
    assert only_step(user).text == "0 done, 1 left for you."


def test_a_share_of_the_study_bounds_what_is_left() -> None:
    study = factories.make_open_study(rules={"limits": {"share_of_study": 0.5}})
    user = factories.make_user()
    factories.make_annotator(study, user)
    for _ in range(4):
        comparison_to_rate(study, overlap=1)
    assert only_step(user).text == "0 done, 2 left for you."


def test_a_study_whose_pairs_were_stopped_is_complete() -> None:
    study = factories.make_open_study()
    user = factories.make_membership(study, Role.OWNER).user
    annotator = factories.make_annotator(study)
    comparison = comparison_to_rate(study, overlap=3)
    factories.make_vote(comparison, annotator=annotator)
    assert only_step(user).label == "Watch progress"
    Comparison.objects.filter(pk=comparison.pk).update(open=False)
    assert only_step(user).label == "Close the study"


def test_skipped_pairs_do_not_come_back_in_the_count() -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    comparison_to_rate(study)
    factories.make_assignment(
        comparison_to_rate(study), annotator, state=AssignmentState.RELEASED, slot_no=None
    )
    assert only_step(user).text == "0 done, 1 left for you."


def test_pairs_whose_lease_lapsed_are_still_left_and_labelled_ones_are_not() -> None:
    study = factories.make_open_study()
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    for _ in range(2):
        factories.make_assignment(
            comparison_to_rate(study), annotator, state=AssignmentState.EXPIRED, slot_no=None
        )
    factories.make_imported_vote(comparison_to_rate(study), annotator=annotator)
    assert "2 left for you" in only_step(user).text


def test_a_pair_handed_out_while_the_page_is_made_is_still_left() -> None:
    """Nobody is told that nothing is left when the last pair has just become theirs."""
    study, user = make_queue(1), factories.make_user()
    annotator = factories.make_annotator(study, user)
    handed: list[object] = []

    def hand_out_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"open_seq"' in sql and not handed:
            handed.append(None)
            handed.append(current_id(annotator))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(hand_out_first):
        step = only_step(user)
    assert len(handed) == 2
    assert step.text == "0 done, 1 left for you."


def test_the_maximum_per_annotator_limits_what_is_left() -> None:
    study = factories.make_open_study(max_per_annotator=2)
    user = factories.make_user()
    annotator = factories.make_annotator(study, user, answered=1)
    factories.make_vote(comparison_to_rate(study), annotator=annotator)
    for _ in range(5):
        comparison_to_rate(study)
    assert only_step(user).text == "1 done, 1 left for you."


@pytest.mark.parametrize(
    ("state", "work", "text", "label"),
    [
        (StudyState.OPEN, ("active", 3, 2), "3 done, 2 left", "Rate pairs"),
        (StudyState.OPEN, ("active", 3, 0), "You have rated 3 pairs. Nothing is left", "Look for"),
        (StudyState.OPEN, ("active", 1, 0), "You have rated 1 pair. ", "Look for more"),
        (StudyState.OPEN, ("paused", 3, 2), "is kept", ""),
        (StudyState.OPEN, ("failed", 0, 2), "Thank you", ""),
        (StudyState.OPEN, ("invited", 0, 2), "not complete yet", ""),
        (StudyState.OPEN, ("qualifying", 0, 2), "practice", "Start practising"),
        (StudyState.OPEN, ("removed", 1, 2), "has ended", ""),
        (StudyState.DRAFT, ("active", 0, 0), "has not begun yet", ""),
        (StudyState.PAUSED, ("active", 3, 2), "is paused", ""),
        (StudyState.CLOSED, ("active", 3, 2), "Thank you for your votes. You have rated 3", ""),
        (StudyState.ARCHIVED, ("active", 0, 2), "is closed", ""),
    ],
)
def test_annotators_are_told_the_true_reason_and_the_next_step(
    state: StudyState, work: tuple[str, int, int], text: str, label: str
) -> None:
    step = annotator_step(state, OwnWork(AnnotatorState(work[0]), work[1], work[2]))
    assert text in step.text
    assert step.label.startswith(label)
    assert bool(step.route) is bool(step.label)


def progress(**counts: int) -> StudyProgress:
    names = ("responses", "comparisons", "wanted_votes", "collected_votes", "imported_votes")
    return StudyProgress(**{name: counts.get(name, 0) for name in (*names, "annotators")})


RUNNING = progress(comparisons=4, wanted_votes=12, collected_votes=5, annotators=3)
COMPLETE = dataclasses.replace(RUNNING, collected_votes=12, is_full=True)


@pytest.mark.parametrize(
    ("state", "counts", "sealed", "text", "label", "route"),
    [
        (StudyState.DRAFT, progress(), False, "Nothing is imported", "Continue the set-up", SET_UP),
        (
            StudyState.DRAFT,
            progress(responses=8),
            False,
            "8 responses",
            "Choose the design",
            DESIGN,
        ),
        (StudyState.DRAFT, progress(comparisons=1), False, "1 pair is", "Check and open it", OPEN),
        (
            StudyState.DRAFT,
            progress(comparisons=999, imported_votes=2997),
            False,
            "2,997 imported votes on 999 pairs",
            "Read the report",
            REPORT,
        ),
        (StudyState.OPEN, progress(comparisons=4), True, "nobody is", "Invite people", PEOPLE),
        (
            StudyState.OPEN,
            RUNNING,
            True,
            "5 of 12 votes are in, from 3",
            "Watch progress",
            "progress:page",
        ),
        (
            StudyState.OPEN,
            RUNNING,
            True,
            "sealed until the study is closed",
            "Watch progress",
            "progress:page",
        ),
        (StudyState.OPEN, COMPLETE, True, "12 of 12 votes", "Close the study", TO_RUN),
        (StudyState.OPEN, RUNNING, False, "5 of 12 votes are in", "Read the report", REPORT),
        (StudyState.PAUSED, RUNNING, True, "annotators wait", "Resume or close it", TO_RUN),
        (StudyState.CLOSED, COMPLETE, True, "are sealed", "Unblind the study", TO_RUN),
        (StudyState.CLOSED, COMPLETE, False, "12 of 12", "Read the report", REPORT),
        (StudyState.ARCHIVED, COMPLETE, False, "12 of 12", "Read the report", REPORT),
    ],
)
def test_researchers_are_told_where_the_study_stands_and_the_next_step(
    state: StudyState, counts: StudyProgress, sealed: bool, text: str, label: str, route: str
) -> None:
    step = researcher_step(state, counts, sealed=sealed)
    assert text in step.text
    assert (step.label, step.route) == (label, route)


@pytest.mark.parametrize("unblinded", [True, False])
def test_monitors_read_the_report_after_unblinding_only(unblinded: bool) -> None:
    step = monitor_step(StudyState.CLOSED, COMPLETE, unblinded=unblinded)
    assert "12 of 12 votes" in step.text
    assert step.route == ("reports:report" if unblinded else "progress:page")


def test_a_researcher_of_a_sealed_study_gets_no_link_to_results(client: Client) -> None:
    study = factories.make_open_study()
    factories.make_vote(comparison_to_rate(study))
    client.force_login(factories.make_membership(study, Role.RESEARCHER).user)
    page = text_of(client.get("/"))
    assert "1 of 3 votes are in, from 1 annotator." in page
    assert "Read the report" not in page


def test_a_researcher_of_a_study_with_open_results_reads_the_report(client: Client) -> None:
    study = factories.make_open_study(results=ResultsPolicy.OPEN)
    factories.make_vote(comparison_to_rate(study))
    client.force_login(factories.make_membership(study, Role.RESEARCHER).user)
    assert "Read the report" in text_of(client.get("/"))


def test_surplus_and_unfinished_assignments_are_no_collected_votes() -> None:
    study = factories.make_open_study()
    comparison = comparison_to_rate(study)
    factories.make_vote(comparison)
    factories.make_assignment(comparison)
    factories.make_assignment(comparison, state=AssignmentState.LATE_SURPLUS, slot_no=None)
    step = only_step(factories.make_membership(study, Role.MONITOR).user)
    assert "1 of 3 votes are in" in step.text


def test_each_role_has_its_step_and_the_card_names_them_all() -> None:
    study = factories.make_open_study(results=ResultsPolicy.OPEN)
    comparison_to_rate(study)
    user = factories.make_user()
    factories.make_annotator(study, user)
    for role in (Role.OWNER, Role.MONITOR, Role.ADJUDICATOR):
        factories.make_membership(study, role, user)
    (card,) = list_cards(user)
    assert card.roles == "Owner, Monitor, Adjudicator, Annotator"
    assert [entry.step.label for entry in card.steps] == [
        "Rate pairs",
        "Read the report",
        "Look again",
    ]


def test_studies_that_are_over_stand_last() -> None:
    user = factories.make_user()
    for slug, state in [("first", "open"), ("second", "closed"), ("third", "paused")]:
        factories.make_membership(factories.make_study(slug, state=state), Role.MONITOR, user)
    assert [card.title for card in list_cards(user)] == ["third", "first", "second"]


def test_studies_with_pairs_to_rate_stand_first() -> None:
    user = factories.make_user()
    study = factories.make_open_study("to-rate")
    factories.make_annotator(study, user)
    comparison_to_rate(study)
    factories.make_membership(factories.make_open_study("newer"), Role.MONITOR, user)
    assert [card.title for card in list_cards(user)] == ["to-rate", "newer"]


def test_titles_are_text_and_never_markup(client: Client) -> None:
    study = factories.make_open_study(title="<script>alert(1)</script>")
    client.force_login(factories.make_membership(study, Role.MONITOR).user)
    page = text_of(client.get("/"))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def fill(user: User, studies: int, comparisons: int) -> None:
    for _ in range(studies):
        study = factories.make_open_study(results=ResultsPolicy.OPEN)
        factories.make_membership(study, Role.OWNER, user)
        annotator = factories.make_annotator(study, user)
        for number in range(comparisons):
            comparison = comparison_to_rate(study)
            if number % 2:
                factories.make_vote(comparison, annotator=annotator)


def test_the_number_of_queries_does_not_grow_with_the_data(client: Client) -> None:
    counts = []
    for studies, comparisons in [(1, 2), (5, 12)]:
        user = factories.make_user()
        fill(user, studies, comparisons)
        client.force_login(user)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get("/").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 15


def test_the_owner_of_a_draft_is_told_what_is_in_it() -> None:
    study = factories.make_study()
    user = factories.make_membership(study, Role.OWNER).user
    prompt = factories.make_prompt(study)
    factories.make_response(prompt, factories.make_system(study))
    assert only_step(user).text.startswith("1 response is in.")
    made = factories.make_comparison(study)
    assert only_step(user).text.startswith("1 pair is ready to be rated.")
    factories.make_imported_vote(made)
    assert only_step(user).text == "1 imported vote on 1 pair."


# -- large studies ----------


def test_very_many_are_not_counted_further() -> None:
    over = COUNTED_UP_TO + 1
    many = StudyProgress(
        wanted_votes=3_000_000, collected_votes=over, annotators=40, answers=2_500_123
    )
    step = researcher_step(StudyState.OPEN, many, sealed=True)
    assert "2,500,123 answers are in, checks and repeats among them, from 40" in step.text
    assert "3,000,000 votes are wanted" in step.text
    assert (step.done, step.wanted, step.label) == (0, 0, "Watch progress")
    full = dataclasses.replace(many, is_full=True)
    assert researcher_step(StudyState.OPEN, full, sealed=True).label == "Close the study"
    draft = researcher_step(StudyState.DRAFT, StudyProgress(comparisons=over), sealed=False)
    assert draft.text.startswith("Over 10,000 pairs are ready to be rated.")
    left = annotator_step(StudyState.OPEN, OwnWork(AnnotatorState.ACTIVE, 7, 1000, at_least=True))
    assert left.text == "7 done, at least 1,000 left for you."
    assert left.wanted == 0


def test_what_is_left_is_counted_up_to_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "LEFT_UP_TO", 3)
    study = make_queue(12)
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    assert "at least" in only_step(user).text
    for _ in range(10):
        vote(annotator, current_id(annotator))
    assert only_step(user).text == "10 done, 2 left for you."
    for _ in range(2):
        vote(annotator, current_id(annotator))
    assert "Nothing is left for you right now" in only_step(user).text


@pytest.mark.parametrize("state", [StudyState.DRAFT, StudyState.OPEN])
def test_the_page_reads_no_more_of_a_large_study_than_of_a_small_one(
    state: StudyState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "COUNTED_UP_TO", 20)
    monkeypatch.setattr(home, "LEFT_UP_TO", 20)
    efforts = []
    for comparisons in (1500, 60):
        study = make_open_work(comparisons)
        user = factories.make_user()
        factories.make_annotator(study, user)
        for role in (Role.OWNER, Role.MONITOR):
            factories.make_membership(study, role, user)
        Study.objects.filter(pk=study.pk).update(state=state)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        efforts.append(effort_of(partial(list_cards, user)))
    large, small = efforts
    # An index of more rows is deeper, and each of those counted may go through it.
    assert large <= 1.5 * small + slack()


def make_open_work(comparisons: int) -> Study:
    study = factories.make_open_study()
    systems = [factories.make_system(study) for _ in range(2)]
    cell = Cell.objects.create(
        study=study, system_a=systems[0], system_b=systems[1], wanted=comparisons, room=comparisons
    )
    factories.make_many_comparisons(
        study, systems, comparisons, overlap=1, cell=cell, open=True, first_swapped=False
    )
    return study
