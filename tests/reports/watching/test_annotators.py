"""The pages of annotators: sorting, filters, one of them, and what is decided there."""

from __future__ import annotations

import re

import pytest

from annotation import quality
from annotation.models import (
    AnnotatorState,
    AuditEntry,
    Comparison,
    Exclusion,
    Message,
    QualityReview,
    ReviewOutcome,
    Role,
)
from annotation.selectors import counted_votes
from reports.tasks import count_watched
from reports.watching.acts import ACTS
from reports.watching.people import COLUMNS, FILTERS, Choice, read_people, tabulate
from tests.annotation.quality.world import state_of
from tests.factories import make_membership
from tests.pages import text_of
from tests.reports.watching.test_progress import words_of
from tests.reports.watching.world import Watched, add_everything_else, make_watched

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Watched:
    world = make_watched()
    add_everything_else(world)
    return world


def order_of(client, url: str) -> list[str]:
    return re.findall(r'<th scope="row"><a class="who"[^>]*>([^<]+)<', text_of(client.get(url)))


def test_the_table_has_everybody_with_their_figures(world: Watched) -> None:
    said = words_of(world.client(Role.MONITOR).get(world.url("annotators:page")))
    assert "rater-0" in said
    assert re.search(r"rater-1 active – 12 0 0 9\.\d \[9\.\d, 9\.\d\] n 12", said)


def test_it_is_sorted_by_each_column_both_ways(world: Watched) -> None:
    client, url = world.client(), world.url("annotators:page")
    for name in COLUMNS:
        up, down = (order_of(client, f"{url}?sort={name}&way={way}") for way in ("up", "down"))
        assert sorted(up) == sorted(down) == ["rater-0", "rater-1", "rater-2"]
    assert order_of(client, f"{url}?sort=name&way=down") == ["rater-2", "rater-1", "rater-0"]
    assert order_of(client, f"{url}?sort=counted&way=down")[-1] == "rater-2"
    assert order_of(client, f"{url}?sort=user__password&show=__class__&page=0x1") == order_of(
        client, url
    )


def test_what_has_no_value_stays_at_the_end(world: Watched) -> None:
    people = read_people(world.study)["people"]
    for falls in (True, False):
        found = tabulate(people, Choice(column="gold", falls=falls))
        assert found.rows[0]["external_id"] == "rater-2"


def test_filters_show_whom_they_say(world: Watched) -> None:
    quality.pause(world.people[0], "Looks odd.")
    quality.review(world.people[1], ReviewOutcome.REJECT, "Did not try.")
    client, url = world.client(), world.url("annotators:page")
    assert order_of(client, f"{url}?show=paused") == ["rater-0"]
    assert order_of(client, f"{url}?show=review") == ["rater-0"]
    assert order_of(client, f"{url}?show=rejected") == ["rater-1"]
    assert order_of(client, f"{url}?show=gone") == ["rater-1"]
    assert set(FILTERS) >= {"all", "review", "active"}


def test_a_finding_is_told_with_its_reason_and_the_rows_behind_it(world: Watched) -> None:
    quality.pause(world.people[0], "Answers in <2 s.")
    url = world.url("annotators:one", annotator=world.people[0].pk)
    page = text_of(world.client(Role.MONITOR).get(url))
    assert "Paused by hand" in page
    assert "Answers in &lt;2 s. (after 12 answers)" in page
    rows = re.search(r'href="([^"]+)">the rows behind it<', page)
    assert rows is not None
    assert world.client().get(rows[1].replace("&amp;", "&")).status_code == 200


def test_an_annotator_of_another_study_is_not_found(world: Watched) -> None:
    other = make_watched(prompts=1)
    for name, more in (("annotators:one", {}), ("annotators:act", {"act": "pause"})):
        url = world.url(name, annotator=other.people[0].pk, **more)
        assert world.client().get(url).status_code == 404


def test_of_many_answers_the_page_shows_what_was_read_last(
    world: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.watching.people.FEW_ANSWERS", 3)
    monkeypatch.setattr("reports.watching.keeping.ring", lambda: None)
    client, url = world.client(), world.url("annotators:one", annotator=world.people[0].pk)
    assert "Many answers are read in the background." in words_of(client.get(url))
    assert count_watched() == [f"{world.study.slug}: people"]
    said = words_of(client.get(url))
    assert "Left share 67 % [30, 93] 9 of answers with a preference" in said


# -- deciding ----------


def test_a_rejection_says_what_leaves_and_opens_the_places(world: Watched) -> None:
    client, rater = world.client(), world.people[1]
    url = world.url("annotators:act", annotator=rater.pk, act="reject")
    said = words_of(client.get(url))
    assert "12 counted votes leave the count." in said
    assert "12 places open again for others." in said
    room = Comparison.objects.filter(study=world.study, taken__lt=3).count()
    assert "Votes counted 23" in words_of(client.get(world.url("progress:page")))
    assert client.post(url, {"text": "Did not try."}).status_code == 302
    assert state_of(rater) == AnnotatorState.FAILED
    assert not counted_votes(world.study).filter(annotator=rater).exists()
    assert Comparison.objects.filter(study=world.study, taken__lt=3).count() >= room
    # The page is asked again at once: it knows.
    assert "Votes counted 11" in words_of(client.get(world.url("progress:page")))
    client.post(
        world.url("annotators:act", annotator=rater.pk, act="reinstate"), {"text": "A mistake."}
    )
    assert counted_votes(world.study).filter(annotator=rater).count() == 12


def test_pause_and_let_go_on_are_written_down(world: Watched) -> None:
    client, rater = world.client(), world.people[0]
    for act, state in (("pause", AnnotatorState.PAUSED), ("resume", AnnotatorState.ACTIVE)):
        url = world.url("annotators:act", annotator=rater.pk, act=act)
        assert client.post(url, {"text": "To talk it over."}).status_code == 302
        assert state_of(rater) == state
    acts = AuditEntry.objects.filter(study=world.study, action__startswith="quality.")
    assert [entry.action for entry in acts.order_by("seq")] == [
        "quality.paused",
        "quality.reviewed",
    ]
    assert all(entry.actor is not None for entry in acts)


def test_a_message_is_sent_and_told_on_the_page(world: Watched) -> None:
    client, rater = world.client(), world.people[0]
    url = world.url("annotators:act", annotator=rater.pk, act="message")
    client.post(url, {"text": "Please <i>read</i> both."})
    assert Message.objects.get().annotator == rater
    page = text_of(client.get(world.url("annotators:one", annotator=rater.pk)))
    assert "Please &lt;i&gt;read&lt;/i&gt; both." in page
    monitor = text_of(
        world.client(Role.MONITOR).get(world.url("annotators:one", annotator=rater.pk))
    )
    assert "Please" not in monitor


@pytest.mark.parametrize("act", list(ACTS))
def test_without_a_text_nothing_is_done(world: Watched, act: str) -> None:
    url = world.url("annotators:act", annotator=world.people[0].pk, act=act)
    refused = world.client().post(url, {"text": "  "})
    assert refused.status_code == 400
    assert "Nothing was changed." in text_of(refused)
    assert not QualityReview.objects.exists()
    assert Exclusion.objects.count() == 1


@pytest.mark.parametrize("act", list(ACTS))
@pytest.mark.parametrize("role", [Role.MONITOR, Role.ADJUDICATOR, Role.ANNOTATOR, None])
def test_others_decide_nothing(world: Watched, role: Role | None, act: str) -> None:
    client = world.client(role)
    url = world.url("annotators:act", annotator=world.people[0].pk, act=act)
    assert client.get(url).status_code == client.post(url, {"text": "x"}).status_code
    assert client.post(url, {"text": "x"}).status_code == (404 if role is None else 403)
    assert state_of(world.people[0]) == AnnotatorState.ACTIVE
    assert not Message.objects.exists()


def test_only_what_fits_is_offered(world: Watched) -> None:
    client, rater = world.client(), world.people[0]

    def offered() -> set[str]:
        page = text_of(client.get(world.url("annotators:one", annotator=rater.pk)))
        return set(re.findall(rf"annotators/{rater.pk}/(\w+)/", page))

    assert offered() == {"pause", "retrain", "reject", "message"}
    quality.pause(rater, "Odd.")
    assert offered() == {"resume", "retrain", "reject", "message"}
    quality.review(rater, ReviewOutcome.REJECT, "Odd.")
    assert offered() == {"reinstate", "message"}
    page = text_of(world.client(Role.MONITOR).get(world.url("annotators:one", annotator=rater.pk)))
    assert not re.findall(rf"annotators/{rater.pk}/(\w+)/", page)


def test_nobody_rates_yet() -> None:
    world = make_watched(people=0)
    said = words_of(world.client().get(world.url("annotators:page")))
    assert "Nobody rates yet Invite annotators" in said


# -- owners ----------


def test_an_owner_is_marked_and_their_votes_can_be_let_count(world: Watched) -> None:
    owner = world.people[0]
    make_membership(world.study, Role.OWNER, owner.user)
    quality.exclude_own_votes(world.study)
    page = world.url("annotators:one", annotator=owner.pk)
    for url in (world.url("annotators:page"), page):
        for role in (Role.MONITOR, Role.RESEARCHER):
            assert "owner: own votes not counted" in words_of(world.client(role).get(url))
    act = world.url("annotators:act", annotator=owner.pk, act="count")
    assert act not in text_of(world.client(Role.MONITOR).get(page))
    assert act in text_of(world.client().get(page))
    assert world.client(Role.MONITOR).post(act, {"text": "No."}).status_code == 403
    assert counted_votes(world.study).filter(annotator=owner).count() == 0
    answer = world.client().post(act, {"text": "We are three."})
    assert answer.status_code == 302
    # One is excluded for another reason, too.
    assert counted_votes(world.study).filter(annotator=owner).count() == 11
    said = words_of(world.client().get(page))
    assert "owner: own votes counted" in said
    assert "Own votes counted We are three." in said
    assert act not in text_of(world.client().get(page))


def test_nobody_else_is_marked(world: Watched) -> None:
    other = world.people[1]
    make_membership(world.study, Role.RESEARCHER, other.user)
    for url in (
        world.url("annotators:page"),
        world.url("annotators:one", annotator=other.pk),
    ):
        assert "own votes" not in words_of(world.client().get(url))
    act = world.url("annotators:act", annotator=other.pk, act="count")
    assert world.client().post(act, {"text": "Why not?"}).status_code == 400
