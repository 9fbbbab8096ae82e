"""Own answers looked at again: one's own, with the pair as it was shown, and nothing else."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotation import queue, voting
from annotation.models import Annotator, Assignment, Prompt, Study, Vote
from annotation.rating import own_answers
from annotation.rating.own_answers import PAGE_SIZE, excerpt, list_answers, summarise
from annotation.rating.wording import answer_in_words, time_in_words
from tests import factories
from tests.annotation.queue.world import make_queue, vote
from tests.annotation.rating.conftest import Door


def answer_url(annotator: Annotator, assignment: object) -> str:
    kwargs = {"slug": annotator.study.slug, "assignment": assignment}
    return reverse("rating:answer", kwargs=kwargs)


def rate(annotator: Annotator, pair: dict[str, Any], choice: str = "left", **more: Any) -> None:
    vote(annotator, uuid.UUID(pair["id"]), choice, **more)


def set_rules(study: Study, **answering: object) -> None:
    study.rules = {"answering": answering}
    study.save()


def test_the_list_has_the_answers_that_stand_the_newest_first(door: Door) -> None:
    Prompt.objects.update(text="What is *this*?")
    first, second = door.next()["pairs"]
    rate(door.annotator, first)
    rate(door.annotator, second, "tie")
    rate(door.annotator, first, "right", revises=True)
    page = list_answers(door.annotator)
    assert [(str(entry.assignment), entry.choice, entry.revisions) for entry in page.answers] == [
        (first["id"], "right", 1),
        (second["id"], "tie", 0),
    ]
    html = door.client.get(door.url("answers")).content.decode()
    assert html.index("Response 2 is better") < html.index("Tie: both are equally good")
    assert "What is *this*?" in html
    assert "changed 1 time" in html
    assert "Response 1 is better" not in html


def test_one_answer_is_shown_with_its_pair_as_it_was_seen(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair, rationale="<b>shorter</b>")
    page = door.client.get(answer_url(door.annotator, pair["id"]))
    html = page.content.decode()
    assert html.index(pair["left"]["source"]) < html.index(pair["right"]["source"])
    assert "&lt;b&gt;shorter&lt;/b&gt;" in html
    assert page.headers["Cache-Control"] == "no-store, private"
    assert "Change this answer" not in html


def test_nobody_sees_the_answers_of_somebody_else(door: Door, client: Client) -> None:
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair)
    other = factories.make_annotator(door.annotator.study, factories.make_user())
    client.force_login(other.user)
    assert client.get(answer_url(other, pair["id"])).status_code == 404
    assert "Response 1 is better" not in client.get(door.url("answers")).content.decode()


def test_a_pair_that_was_not_answered_cannot_be_looked_at(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    assert door.client.get(answer_url(door.annotator, pair["id"])).status_code == 404
    assert door.client.get(answer_url(door.annotator, uuid.uuid4())).status_code == 404


def test_training_is_not_listed(door: Door) -> None:
    study = door.annotator.study
    comparison = factories.make_comparison(study, kind="training", gold={"overall": ["a"]})
    assignment = factories.make_assignment(comparison, door.annotator, state="submitted")
    factories.make_vote(assignment.comparison, assignment=assignment)
    assert list_answers(door.annotator).answers == []
    assert door.client.get(answer_url(door.annotator, assignment.public_id)).status_code == 404


def test_earlier_answers_are_changed_only_where_the_study_says_so(door: Door) -> None:
    first, second = door.next()["pairs"]
    rate(door.annotator, first)
    rate(door.annotator, second)
    refused = door.post("undo", {"assignment": first["id"]})
    assert (refused.status_code, refused.json()["error"]) == (409, "only_the_last")
    set_rules(door.annotator.study, revise_earlier=True)
    answer = door.post("undo", {"assignment": first["id"]}).json()
    assert answer["pair"]["id"] == first["id"]
    assert answer["answers"] == {"overall": {"choice": "left", "margin": None}}
    html = door.client.get(answer_url(door.annotator, first["id"])).content.decode()
    assert f"#change={first['id']}" in html
    # By anybody else's identifier nothing is found.
    assert door.post("undo", {"assignment": str(uuid.uuid4())}).json() == {"pair": None}


def test_a_closed_study_offers_no_change(door: Door) -> None:
    set_rules(door.annotator.study, revise_earlier=True)
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair)
    Study.objects.update(state="closed")
    assert (
        "#change=" not in door.client.get(answer_url(door.annotator, pair["id"])).content.decode()
    )


@pytest.mark.parametrize("state", ["paused", "failed", "qualifying"])
def test_who_does_not_rate_now_is_offered_no_change(door: Door, state: str) -> None:
    set_rules(door.annotator.study, revise_earlier=True)
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair)
    page = answer_url(door.annotator, pair["id"])
    assert "#change=" in door.client.get(page).content.decode()
    Annotator.objects.update(state=state)
    html = door.client.get(page).content.decode()
    assert "Response 1 is better" in html
    assert "#change=" not in html
    for body in ({}, {"assignment": pair["id"]}):
        refused = door.post("undo", body)
        assert (refused.status_code, refused.json()["error"]) == (409, "changes_suspended")


def test_time_counts_what_was_measured(door: Door) -> None:
    assert summarise(door.annotator).mean_seconds is None
    first, second = door.next()["pairs"]
    rate(door.annotator, first)
    rate(door.annotator, second)
    rate(door.annotator, first, "tie", revises=True)
    summary = summarise(door.annotator)
    assert (summary.pairs, summary.timed, summary.mean_seconds) == (2, 0, None)
    assert door.post("summary").json() == {
        "pairs": 2,
        "timed": 0,
        "active_seconds": 0,
        "mean_seconds": None,
    }


def test_changing_an_answer_adds_its_time_to_the_pair(door: Door) -> None:
    assignment = factories.make_assignment(
        factories.make_comparison(door.annotator.study), door.annotator, state="submitted"
    )
    factories.make_vote(assignment.comparison, assignment=assignment, active_ms=4000)
    factories.make_vote(assignment.comparison, assignment=assignment, active_ms=2000, revision=1)
    summary = summarise(door.annotator)
    assert (summary.pairs, summary.timed, summary.mean_seconds) == (1, 1, 6.0)
    html = door.client.get(door.url("answers")).content.decode()
    assert "<dd>6 s</dd>" in html


@pytest.mark.django_db
def test_a_long_list_comes_in_pages_at_the_same_cost(client: Client) -> None:
    study = make_queue(PAGE_SIZE + 3)
    user = factories.make_user()
    annotator = factories.make_annotator(study, user)
    client.force_login(user)
    url = reverse("rating:answers", kwargs={"slug": study.slug})
    costs = []
    for wanted in (2, PAGE_SIZE + 3):
        while Vote.objects.count() < wanted:
            current = queue.claim(annotator).current
            assert current is not None
            voting.submit(
                annotator, current.pair.id, {"overall": voting.Answer("left")}, uuid.uuid4()
            )
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    first = list_answers(annotator)
    assert len(first.answers) == PAGE_SIZE
    rest = list_answers(annotator, first.before)
    assert (len(rest.answers), rest.before) == (3, None)
    assert not {e.assignment for e in first.answers} & {e.assignment for e in rest.answers}
    whose = Assignment.objects.latest("pk").public_id
    for odd in ("x", "-1", "9" * 40, "²", f"{whose}", f"{whose}.²", f"{whose}.{'9' * 40}", "x.0"):
        assert client.get(url, {"before": odd}).status_code == 200


def test_an_excerpt_is_one_line() -> None:
    assert excerpt(" a\n\n b ") == "a b"
    assert excerpt("word " * 100).endswith(" …")


def test_answers_are_named_as_their_buttons() -> None:
    assert answer_in_words("left", 2, "five") == "Response 1 is much better"
    assert answer_in_words("left", None, "ternary") == "Response 1 is better"
    assert answer_in_words("both_bad", None, "seven") == "Both responses are bad"
    assert time_in_words(59.6) == "1 min"


# -- what is out of sight ----------


def hold_again(door: Door, pair: dict[str, Any]) -> Assignment:
    """The same pair in hand once more, its sides exchanged: a hidden repeat."""
    first = Assignment.objects.get(public_id=pair["id"])
    return factories.make_assignment(
        first.comparison, door.annotator, pass_no=1, swapped=not first.swapped
    )


def hold_other_of_prompt(door: Door, pair: dict[str, Any]) -> Assignment:
    """New work on the prompt of a pair that was answered."""
    first = Assignment.objects.get(public_id=pair["id"])
    other = factories.make_comparison(
        door.annotator.study,
        system_b="gamma",
        prompt=first.comparison.prompt,
        response_a=first.comparison.response_a,
    )
    return factories.make_assignment(other, door.annotator)


@pytest.mark.parametrize("hold", [hold_again, hold_other_of_prompt])
def test_while_a_pair_is_held_no_answer_on_its_prompt_is_in_sight(door: Door, hold: Any) -> None:
    set_rules(door.annotator.study, revise_earlier=True)
    first, second = door.next()["pairs"]
    rate(door.annotator, first)
    rate(door.annotator, second)
    held = hold(door, first)
    listed = [str(entry.assignment) for entry in list_answers(door.annotator).answers]
    assert listed == [second["id"]]
    page = door.client.get(answer_url(door.annotator, first["id"]))
    assert (page.status_code, page.headers["Location"]) == (302, door.url("answers"))
    assert (
        "prompt of a pair that you have open"
        in door.client.get(door.url("answers")).content.decode()
    )
    refused = door.post("undo", {"assignment": first["id"]})
    assert (refused.status_code, refused.json()["error"]) == (409, "pair_open")
    assert door.post("undo", {"assignment": second["id"]}).json()["pair"]["id"] == second["id"]
    # It is answered: everything can be looked at again.
    vote(door.annotator, held.public_id, "left")
    assert first["id"] in [str(e.assignment) for e in list_answers(door.annotator).answers]
    assert door.client.get(answer_url(door.annotator, first["id"])).status_code == 200


def test_what_somebody_else_holds_hides_nothing(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair)
    comparison = Assignment.objects.get(public_id=pair["id"]).comparison
    factories.make_assignment(comparison, factories.make_annotator(door.annotator.study))
    assert len(list_answers(door.annotator).answers) == 1


def test_nobody_is_told_that_nothing_was_answered_when_it_is_out_of_sight(door: Door) -> None:
    [pair, _] = door.next()["pairs"]
    rate(door.annotator, pair)
    hold_other_of_prompt(door, pair)
    html = door.client.get(door.url("answers")).content.decode()
    assert "None of your answers can be shown now" in html
    assert "You have not answered a pair yet" not in html


def test_undo_shows_the_pair_that_was_answered_last(door: Door) -> None:
    first, second = door.next()["pairs"]
    rate(door.annotator, first)
    rate(door.annotator, second)
    rate(door.annotator, second, "tie", revises=True)
    rate(door.annotator, first, "right", revises=True)
    # Not the one that was changed last, which may be shown again by then.
    found = door.post("undo").json()
    assert (found["pair"]["id"], found["answers"]["overall"]["choice"]) == (second["id"], "tie")
    hold_other_of_prompt(door, second)
    assert door.post("undo").json()["pair"]["id"] == second["id"]


def test_a_page_goes_on_where_it_ended_though_that_pair_was_changed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_answers, "PAGE_SIZE", 2)
    given = []
    while pairs := door.next()["pairs"]:
        rate(door.annotator, pairs[0])
        given.append(pairs[0])
    page = door.client.get(door.url("answers")).content.decode()
    [place] = re.findall(r'href="\?before=([^"]+)"', page)
    rate(door.annotator, given[-2], "tie", revises=True)
    rest = door.client.get(door.url("answers"), {"before": place}).content.decode()
    assert re.findall(r"answers/([0-9a-f-]{36})/", rest) == [given[1]["id"], given[0]["id"]]
