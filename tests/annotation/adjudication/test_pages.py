"""The adjudicator's pages as bytes: what they say, what they keep, and what they never show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.accounts.home import list_cards
from annotation.adjudication import decide, next_case, skip_case
from annotation.models import (
    Adjudication,
    AdjudicationCase,
    CaseState,
    Choice,
    Comparison,
    Flag,
    Prompt,
    Response,
    Study,
    StudyState,
    User,
    VoteNote,
)
from annotation.voting import Answer
from tests import factories
from tests.annotation.canaries import Canaries

from .world import complete_with, make_adjudicator, version_with_rubric, vote_on

pytestmark = pytest.mark.django_db


def disputed_study(pairs: int = 1) -> Study:
    study = factories.make_open_study()
    version_with_rubric(study)
    for _ in range(pairs):
        complete_with(study, ["a", "b", "tie"])
    return study


def url(name: str, study: Study, case: AdjudicationCase | None = None) -> str:
    kwargs: dict[str, object] = {"slug": study.slug}
    if case is not None:
        kwargs["case_id"] = case.public_id
    return reverse(f"adjudication:{name}", kwargs=kwargs)


def sign_in(client: Client, study: Study) -> User:
    user = make_adjudicator(study)
    client.force_login(user)
    return user


def take(user: User, study: Study) -> AdjudicationCase:
    case = next_case(user, study)
    assert case is not None
    return case


def test_reading_the_desk_takes_nothing(client: Client) -> None:
    study = disputed_study()
    sign_in(client, study)
    page = client.get(url("desk", study))
    assert "1 pair waits for your decision." in page.content.decode()
    assert not AdjudicationCase.objects.exists()
    assert client.get(url("next", study)).status_code == 405


def test_the_next_case_has_an_address_of_its_own(client: Client) -> None:
    study = disputed_study()
    user = sign_in(client, study)
    answer = client.post(url("next", study))
    case = AdjudicationCase.objects.get(adjudicator=user)
    assert answer.headers["Location"] == url("case", study, case)
    page = client.get(url("case", study, case)).content.decode()
    assert "Three people chose three different answers." in page


def test_a_decision_leads_on(client: Client) -> None:
    study = disputed_study(2)
    user = sign_in(client, study)
    case = take(user, study)
    posted = {"answer-overall": "left", "reason": "First line.\r\nSecond line."}
    answer = client.post(url("decide", study, case), posted)
    following = take(user, study)
    assert answer.headers["Location"] == url("case", study, following)
    assert Adjudication.objects.get().reason == "First line.\nSecond line."
    # The button pressed twice: the same answer, one decision.
    assert client.post(url("decide", study, case), posted).status_code == 302
    assert Adjudication.objects.count() == 1
    assert url("case", study, case) in client.get(url("case", study, following)).content.decode()


def test_a_refused_form_comes_back_with_all_that_was_in_it(client: Client) -> None:
    study = factories.make_open_study()
    factories.make_criterion(study, "style", scale="five", question="Which has more style?")
    version_with_rubric(study)
    complete_with(study, ["a", "b"])
    user = sign_in(client, study)
    case = take(user, study)
    posted = {"answer-style": "right:2", "reason": "Half <done>"}
    answer = client.post(url("decide", study, case), posted)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert 'href="#question-overall"' in page
    assert "Half &lt;done&gt;" in page
    chosen = [line for line in page.splitlines() if " checked" in line]
    assert len(chosen) == 1
    assert 'value="right:2"' in chosen[0]
    odd = client.post(
        url("decide", study, case), {"answer-overall": "up", "answer-style": "left:7"}
    )
    assert odd.status_code == 400
    assert odd.content.decode().count("This answer is not on offer here.") == 2
    assert not Adjudication.objects.exists()


def test_a_colleague_who_was_first_is_a_conflict_in_words(client: Client) -> None:
    study = disputed_study()
    user = sign_in(client, study)
    case = take(user, study)
    AdjudicationCase.objects.update(state=CaseState.LAPSED)
    decide(take(make_adjudicator(study), study), {"overall": Answer("tie")})
    answer = client.post(
        url("decide", study, case), {"answer-overall": "left", "reason": "Thought long."}
    )
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Another reviewer decided this pair before your answer arrived" in page
    assert "Thought long." in page
    assert Adjudication.objects.count() == 1


def test_a_case_serves_nobody_but_its_adjudicator(client: Client) -> None:
    study = disputed_study(2)
    case = take(make_adjudicator(study), study)
    sign_in(client, study)
    for name, method in (("case", "get"), ("decide", "post"), ("skip", "post")):
        answer = getattr(client, method)(url(name, study, case), {"answer-overall": "left"})
        assert answer.status_code == 404, name
    case.refresh_from_db()
    assert case.state == CaseState.HELD
    assert not Adjudication.objects.exists()


def test_who_was_given_the_pair_to_rate_is_told_nothing_of_the_votes(client: Client) -> None:
    study = disputed_study()
    user = sign_in(client, study)
    case = take(user, study)
    vote_on(case.comparison, "a", reason="Plainly shorter.")
    assert "Plainly shorter." in client.get(url("case", study, case)).content.decode()
    annotator = factories.make_annotator(study, user)
    # Also a lease that lapsed can still be answered.
    factories.make_assignment(case.comparison, annotator, state="expired")
    refused = [client.get(url("case", study, case))]
    refused += [
        client.post(url("decide", study, case), {"answer-overall": answer})
        for answer in ("left", "no such answer")
    ]
    for answer in refused:
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "You were given this pair to rate" in page
        assert "Plainly shorter." not in page
        assert "chose" not in page
    assert not Adjudication.objects.exists()


def test_an_empty_desk_says_why(client: Client) -> None:
    study = factories.make_open_study()
    version_with_rubric(study)
    user = sign_in(client, study)

    def said() -> str:
        return client.get(url("desk", study)).content.decode()

    assert "No disagreement waits at the moment" in said()
    complete_with(study, ["a", "b"])
    colleague = make_adjudicator(study)
    held = take(colleague, study)
    assert "Other reviewers have the remaining pairs open" in said()
    skip_case(held)
    skip_case(take(user, study))
    assert "What is left waits for another reviewer" in said()
    Study.objects.filter(pk=study.pk).update(state=StudyState.ARCHIVED)
    assert "This study is archived" in said()
    Study.objects.filter(pk=study.pk).update(state=StudyState.CLOSED)
    Comparison.objects.update(taken=0)
    assert "every disagreement in it is decided" in said()


def test_reasons_are_told_without_authors_on_the_reader_s_own_sides(client: Client) -> None:
    study = factories.make_open_study()
    version_with_rubric(study)
    user = sign_in(client, study)
    comparison = factories.make_comparison(study, overlap=2, taken=2)
    vote_on(comparison, "a", reason="It is <b>complete</b>.", swapped=False)
    vote_on(comparison, "b", reason="It is short.", swapped=False)
    case = take(user, study)
    page = client.get(url("case", study, case)).content.decode()
    number = 2 if case.swapped else 1
    before = page[: page.index("It is &lt;b&gt;complete&lt;/b&gt;.")]
    assert before.rstrip().endswith(
        f'Someone preferred Response {number}:</p><blockquote class="remark__text" dir="auto">'
    )
    hint = "For them, Response 1 and Response 2 were the other way round."
    assert page.count(hint) == (2 if case.swapped else 0)


def test_a_superseded_and_an_excluded_reason_are_not_told(client: Client) -> None:
    study = disputed_study()
    user = sign_in(client, study)
    first, second, third = Comparison.objects.get().votes.order_by("pk")
    VoteNote.objects.create(vote=first, rationale="Superseded.")
    revision = factories.make_vote(
        first.comparison, Choice(first.choice), assignment=first.assignment, revision=1
    )
    VoteNote.objects.create(vote=revision, rationale="Stands.")
    VoteNote.objects.create(vote=second, rationale="   ")
    assert third.assignment is not None
    Flag.objects.create(assignment=third.assignment, reason="broken_display", note="No table.")
    page = client.get(url("case", study, take(user, study))).content.decode()
    assert "Stands." in page
    assert "Superseded." not in page
    assert page.count('class="remark__said"') == 2
    assert "Someone flagged the pair: it is not displayed properly:" in page
    assert "No table." in page
    assert "One person flagged this pair." in page


def test_an_adjudicator_s_home_says_how_much_waits(client: Client) -> None:
    study = disputed_study(2)
    user = make_adjudicator(study)
    (card,) = list_cards(user)
    (entry,) = card.steps
    assert entry.step.text == "2 pairs wait for your decision: people disagreed."
    assert entry.url == url("desk", study)
    decide(take(user, study), {"overall": Answer("tie")})
    skip_case(take(user, study))
    (card,) = list_cards(user)
    assert "no disagreement for you to decide" in card.steps[0].step.text


def test_a_page_costs_the_same_however_much_was_said(
    client: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for people in (2, 12):
        study = factories.make_open_study()
        version_with_rubric(study)
        comparison = factories.make_comparison(study, overlap=people, taken=people)
        for place in range(people):
            vote_on(comparison, "ab"[place % 2], reason=f"Reason {place}.")
        case = take(sign_in(client, study), study)
        with django_assert_max_num_queries(18):
            assert client.get(url("case", study, case)).status_code == 200


def test_no_page_of_an_adjudicator_shows_what_is_hidden(client: Client) -> None:
    """Systems, codes, ids, raters and everything else that stands beside the texts (P6)."""
    canaries = Canaries()
    mark, number = canaries.mark, canaries.number
    study = factories.make_open_study(
        "canary-study", id=number("key of the study"), seed=number("seed"), notice=mark("notice"),
        queue_seed=number("seed of the queue"),
    )  # fmt: skip
    version_with_rubric(study)
    systems = [
        factories.make_system(
            study, mark("name of a system"), id=number("key of a system"), code=mark("code")[:16]
        )
        for _ in range(2)
    ]
    for system in systems:
        canaries.add(system.code, "code of a system")
    for place in range(3):
        prompt = factories.make_prompt(
            study,
            mark("id of a prompt"),
            id=number("key of a prompt"),
            text=f"Question {place}?",
            category=mark("a category"),
            reference=mark("a reference"),
            tags=[mark("a tag")],
            metadata={"x": mark("a prompt's metadata")},
        )
        a, b = (
            factories.make_response(
                prompt,
                system,
                id=number("key of a response"),
                text=f"Answer {place}.",
                metadata={"x": mark("a response's metadata")},
                cost=number("cost"),
            )
            for system in systems
        )
        comparison = factories.make_comparison(
            study,
            prompt=prompt,
            response_a=a,
            response_b=b,
            id=number("key of a comparison"),
            item_id=mark("id of an item"),
            overlap=2,
            taken=2,
            metadata={"x": mark("a comparison's metadata")},
        )
        for verdict in ("a", "b"):
            rater = factories.make_annotator(
                study,
                factories.make_user(mark("name of a rater") + "@example.org"),
                id=number("key of a rater"),
                external_id=mark("id of a rater"),
                profile={"x": mark("profile of a rater")},
            )
            vote = vote_on(
                comparison, verdict, annotator=rater, reason="A reason.",
                id=number("key of a vote"), active_ms=number("time of a rater"),
                metadata={"x": mark("metadata of a vote")},
            )  # fmt: skip
            VoteNote.objects.filter(vote=vote).update(tags=[mark("a rater's tag")])
            assert vote.assignment is not None
            canaries.add(str(vote.assignment.public_id), "id of a rater's pair")
            Flag.objects.create(assignment=vote.assignment, reason="other", note="Odd.")
    factories.make_judgment(
        comparison,
        version=factories.make_judge_version(study, mark("name of a judge")),
        reason=mark("reason of a judge"),
    )
    user = sign_in(client, study)
    colleague = factories.make_user(mark("name of a colleague") + "@example.org")
    factories.make_membership(study, "adjudicator", colleague)  # type: ignore[arg-type]

    def look(response: Any) -> Any:
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        found = canaries.found_in(response.content, headers, str(response.cookies))
        assert found == set(), found
        return response

    look(client.get("/"))
    look(client.get(url("desk", study)))
    decided = take(colleague, study)
    decide(decided, {"overall": Answer("tie")}, mark("reason of a colleague"))
    while (case := next_case(user, study)) is not None:
        look(client.post(url("next", study)))
        page = look(client.get(url("case", study, case)))
        assert "A reason." in page.content.decode()
        look(client.post(url("decide", study, case), {"reason": "x"}))
        posted = {"answer-overall": "left", "reason": "So."}
        assert look(client.post(url("decide", study, case), posted)).status_code == 302
        look(client.get(url("case", study, case)))
    late = AdjudicationCase.objects.create(
        comparison=decided.comparison, adjudicator=user, swapped=False, state=CaseState.LAPSED,
        lease_expires_at=decided.lease_expires_at,
    )  # fmt: skip
    look(client.get(url("case", study, late)))
    refused = look(client.post(url("decide", study, late), {"answer-overall": "left"}))
    assert refused.status_code == 409
    look(client.get(url("desk", study)))


def test_equal_texts_cannot_be_told_apart(client: Client) -> None:
    study = disputed_study()
    Response.objects.update(text="The same words.")
    user = sign_in(client, study)
    page = client.get(url("case", study, take(user, study))).content.decode()
    left = page[page.index('id="left-section"') : page.index('id="right-section"')]
    right = page[page.index('id="right-section"') : page.index('class="adjudication__after"')]
    tidy = right.split("</section>")[0].replace("right", "left").replace("Response 2", "Response 1")
    assert left.split("</section>")[0] == tidy


def test_the_reference_is_shown_where_annotators_saw_it(client: Client) -> None:
    study = disputed_study()
    Prompt.objects.update(reference="A *good* answer.")
    user = sign_in(client, study)
    case = take(user, study)
    assert "Reference answer" not in client.get(url("case", study, case)).content.decode()
    Study.objects.update(rules={"answering": {"show_reference": True}})
    page = client.get(url("case", study, case)).content.decode()
    assert "A <em>good</em> answer." in page
