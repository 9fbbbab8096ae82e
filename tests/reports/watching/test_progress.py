"""The page of progress: its numbers against a recount, its rows, what it costs, what it hides."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotation import audit
from annotation.models import (
    Assignment,
    AuditEntry,
    Cell,
    Flag,
    Role,
    Stopping,
    Study,
    StudyState,
    System,
)
from annotation.selectors import counted_votes
from reports.tasks import count_watched
from reports.watching import keeping
from reports.watching.counts import count_progress, total
from reports.watching.figures import PROGRESS
from reports.watching.lists import VOTES
from tests.factories import make_study
from tests.pages import text_of
from tests.reports.watching.world import NAMES, Watched, add_everything_else, make_watched

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15


def words_of(response) -> str:
    """What stands on the page, without markup."""
    page = re.sub(r"<[^>]+>", " ", text_of(response))
    return re.sub(r"\s+", " ", page)


# -- the figures ----------


def test_the_figures_are_a_recount() -> None:
    world = make_watched()
    add_everything_else(world)
    figures = count_progress(world.study)
    cells, apart = figures["cells"], figures["apart"]
    assert len(cells) == 6
    assert total(cells, "counted") == counted_votes(world.study).count() == 23
    assert total(cells, "wanted") == 36
    assert total(cells, "reserved") == 1
    assert total(cells, "comparisons") == 12
    apart_by_hand = {"surplus": 1, "skipped": 1, "excluded": 1, "flagged": 1, "gold": 1}
    assert {name: apart[name] for name in apart_by_hand} == apart_by_hand
    assert (apart["repeats"], apart["training"], apart["revisions"]) == (1, 0, 0)
    # The pace is that of what counts: neither the surplus vote nor the excluded one.
    assert sum(number for _, number in figures["hours"]) == 23


def test_sides_are_told_without_whose_they_were() -> None:
    """The larger number first: of a single vote they say nothing."""
    world = make_watched(prompts=2, people=1, votes=1)
    cells = count_progress(world.study)["cells"]
    assert {row.swapped for row in Assignment.objects.all()} == {False, True}
    assert [cell["sides"] for cell in cells] == [[1, 0]] * 6


def test_a_stopped_pair_is_told_and_wants_nothing_more() -> None:
    world = make_watched(stopping=Stopping.SEQUENTIAL)
    first = Cell.objects.filter(study=world.study).order_by("pk")[0]
    Cell.objects.filter(pk=first.pk).update(stopped_at=timezone.now())
    said = words_of(world.client().get(world.url("progress:page")))
    assert "Sequential: 1 of 3 pairs is decided, and collected no further." in said
    assert "how near the others are, is an outcome" in said
    assert "decided " in said


def test_progress_holds_no_pair_to_a_target_that_the_design_cannot_reach() -> None:
    world = make_watched()
    said = words_of(world.client().get(world.url("progress:page")))
    assert world.study.target_votes == 200
    assert "12 votes for each pair of systems" in said


def test_a_fixed_study_says_what_it_wants() -> None:
    world = make_watched(target_votes=8)
    said = words_of(world.client().get(world.url("progress:page")))
    assert "Fixed: the study collects 36 votes and ends then" in said
    assert "8 votes for each pair of systems; 3 of 3 pairs have reached it." in said


# -- the pages ----------


@pytest.fixture
def world() -> Watched:
    world = make_watched()
    add_everything_else(world)
    return world


PAGES = ("page", "live", "pace", "evidence", "votes", "comparisons", "log")


def test_every_number_leads_to_as_many_rows(world: Watched) -> None:
    client = world.client()
    page = text_of(client.get(world.url("progress:page")))
    links = re.findall(
        r'href="(/study/[^"]+/progress/(?:votes|comparisons)/[^"]+)">([\d,]+)<', page
    )
    assert len(links) > 20
    for url, number in set(links):
        rows = text_of(client.get(url.replace("&amp;", "&"))).count("<tr><td")
        if "show=room" in url and "dt>Open<" in page.split(url)[0][-80:]:
            # Votes that nobody holds yet: the comparisons that want them are fewer.
            assert 0 < rows <= int(number)
            continue
        if "show=all" in url:
            # Votes that are wanted: so many as the comparisons listed want together.
            assert wanted_by(text_of(client.get(url.replace("&amp;", "&")))) == int(number), url
            continue
        assert rows == int(number), url


def wanted_by(page: str) -> int:
    return sum(int(number) for number in re.findall(r">\d+ of (\d+)</td>", page))


@pytest.mark.parametrize("name", ["progress:page", "annotators:page", "annotators:one"])
def test_no_number_stands_without_its_rows(world: Watched, name: str) -> None:
    """Of figures and of the cells of tables; 0 and what cannot be told have none."""
    kwargs = {"annotator": world.people[0].pk} if name == "annotators:one" else {}
    page = text_of(world.client().get(world.url(name, **kwargs)))
    cells = re.findall(r'<td class="number">(.*?)</td>', page, re.S)
    cells += re.findall(r"<dd>(.*?)</dd>", page, re.S)
    assert len(cells) > 3
    for cell in cells:
        linked = re.sub(r"<a .*?</a>", "", cell, flags=re.S)
        # What follows its estimate: the interval and n are of the same rows.
        told = re.sub(r'<span class="people__n">.*?</span>', "", linked, flags=re.S)
        assert re.sub(r"<[^>]+>", "", told).strip() in ("", "0", "–", "of"), cell


def test_a_pair_that_was_flagged_twice_is_one_row_with_the_newest_remark(world: Watched) -> None:
    flagged = Flag.objects.get().assignment
    Flag.objects.create(assignment=flagged, reason="language")
    assert count_progress(world.study)["apart"]["flagged"] == 1
    page = world.client().get(world.url("progress:votes") + "?show=flagged")
    assert text_of(page).count("<tr><td") == 1
    assert "language not known well enough, the newest of 2" in words_of(page)


@pytest.mark.parametrize("kind", [*VOTES])
def test_each_kind_of_vote_can_be_narrowed(world: Watched, kind: str) -> None:
    client = world.client(Role.MONITOR)
    url = world.url("progress:votes")
    codes = list(System.objects.filter(study=world.study).values_list("code", flat=True))
    for more in (
        "",
        f"&pair={codes[0]}.{codes[1]}&category=law&annotator={world.people[0].pk}",
        "&pair=..&category=%00&annotator=x&before=99999999999999999999&of=1",
        "&annotator=999999999999999999&before=1",
    ):
        assert client.get(f"{url}?show={kind}{more}").status_code == 200


def test_a_kind_that_is_none_shows_the_first(world: Watched) -> None:
    client = world.client()
    said = words_of(client.get(world.url("progress:votes") + "?show=verdict__in"))
    assert "Counted votes Every figure is built from these" in said


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("pair=A1.nobody", "this study has no such pair of systems"),
        ("pair=A1.nobody.A2", "this study has no such pair of systems"),
        ("pair=A1", "this study has no such pair of systems"),
        ("category=%00", "this study has no such category"),
        ("annotator=rater-0", "this study has no such annotator"),
        ("annotator=999999999999999999", "this study has no such annotator"),
        ("verdict=a", "lists are not narrowed by verdict"),
        ("system=A1", "lists are not narrowed by system"),
    ],
)
@pytest.mark.parametrize("page", ["votes", "comparisons"])
def test_a_filter_that_is_none_lists_nothing_and_says_so(
    world: Watched, page: str, asked: str, said: str
) -> None:
    client, url = world.client(), world.url(f"progress:{page}")
    assert System.objects.filter(study=world.study, code__in=("A1", "A2")).count() == 2
    answer = client.get(
        f"{url}?{asked}&category=law" if "category" not in asked else f"{url}?{asked}"
    )
    assert text_of(answer).count("<tr><td") == 0
    assert said in words_of(answer)
    # Whoever takes the filter away has the rest of the address still.
    back = re.search(r'href="([^"]+)">[^<]*<span aria-hidden="true">×', text_of(answer))
    assert back is not None
    assert text_of(client.get(back[1].replace("&amp;", "&"))).count("<tr><td") > 0


def test_a_list_goes_on_where_it_ended() -> None:
    world = make_watched(prompts=20, people=1, votes=1)
    client = world.client()
    url = world.url("progress:votes")
    seen: list[str] = []
    while url:
        page = text_of(client.get(url))
        seen += re.findall(r"comparisons/(\d+)/", page)
        older = re.search(r'href="([^"]+)">Earlier<', page)
        url = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize("role", [Role.RESEARCHER, Role.MONITOR])
def test_codes_stand_for_names_while_a_study_is_sealed(world: Watched, role: Role) -> None:
    client = world.client(role)
    for name in ("page", "live", "votes", "comparisons"):
        page = text_of(client.get(world.url(f"progress:{name}")))
        assert not any(system in page for system in NAMES), name
    page = text_of(client.get(world.url("progress:pair", comparison=world.work[0].pk)))
    assert not any(system in page for system in NAMES)
    Study.objects.filter(pk=world.study.pk).update(
        state=StudyState.CLOSED, unblinded_at=timezone.now()
    )
    assert NAMES[0] in text_of(client.get(world.url("progress:page")))


def test_a_monitor_sees_codes_where_results_are_open() -> None:
    world = make_watched(results="open")
    assert NAMES[0] in text_of(world.client().get(world.url("progress:page")))
    page = text_of(world.client(Role.MONITOR).get(world.url("progress:page")))
    assert not any(system in page for system in NAMES)


# -- one pair ----------


def test_a_sealed_pair_shows_clicks_without_sides(world: Watched) -> None:
    url = world.url("progress:pair", comparison=world.work[3].pk)
    page = world.client().get(url)
    said = words_of(page)
    assert "What was answered is sealed." in said
    assert "is better" not in said
    assert "As it was shown" not in said
    assert "In the order of the codes" in said


def test_to_see_what_was_answered_is_a_look(world: Watched) -> None:
    client, comparison = world.client(), world.work[3]
    url = world.url("progress:pair", comparison=comparison.pk)
    asked = client.post(world.url("progress:answers", comparison=comparison.pk))
    assert asked.headers["Location"] == url
    client.post(world.url("progress:answers", comparison=comparison.pk))
    look = AuditEntry.objects.get(study=world.study, action="look")
    assert look.detail == {"how": "pair", "comparison": comparison.pk, "votes": 2}
    said = words_of(client.get(url))
    assert "is better" in said
    code = System.objects.get(pk=comparison.system_a_id).code
    assert f"{code} is better (left" in said or f"{code} is better (right" in said
    # Nobody else's look.
    assert "is better" not in words_of(world.client().get(url))


def test_the_view_is_that_of_whoever_had_it(world: Watched) -> None:
    Study.objects.filter(pk=world.study.pk).update(
        state=StudyState.CLOSED, unblinded_at=timezone.now()
    )
    client, comparison = world.client(), world.work[3]
    texts = (comparison.response_a.text, comparison.response_b.text)
    for assignment in comparison.assignments.all():
        url = world.url("progress:pair", comparison=comparison.pk)
        page = text_of(client.get(f"{url}?as={assignment.public_id}"))
        assert f"As it was shown to {assignment.annotator.external_id}" in page
        in_order = page.rindex(texts[0]) < page.rindex(texts[1])
        assert in_order is not assignment.swapped


@pytest.mark.parametrize("role", [Role.MONITOR])
def test_a_monitor_cannot_ask_for_answers(world: Watched, role: Role) -> None:
    client = world.client(role)
    url = world.url("progress:answers", comparison=world.work[3].pk)
    assert client.post(url).status_code == 403
    assert "Show what was answered" not in text_of(
        client.get(world.url("progress:pair", comparison=world.work[3].pk))
    )
    assert not AuditEntry.objects.filter(study=world.study, action="look").exists()


def test_a_comparison_of_another_study_is_not_found(world: Watched) -> None:
    other = make_watched(prompts=1)
    url = world.url("progress:pair", comparison=other.work[0].pk)
    assert world.client().get(url).status_code == 404


# -- the log, the state ----------


def test_the_log_tells_looks_and_acts(world: Watched) -> None:
    client = world.client()
    client.post(world.url("progress:answers", comparison=world.work[3].pk))
    said = words_of(client.get(world.url("progress:log") + "?kind=looks"))
    assert "Looked at results" in said
    assert "Opened the study" not in said
    assert "Opened the study" in words_of(client.get(world.url("progress:log") + "?kind=no"))


def test_how_clear_a_decision_was_is_not_told_while_it_is_sealed(world: Watched) -> None:
    # Too long to stand by chance in the hashes of other entries.
    value = 40_961_024
    stopped = {"systems": ["A", "B"], "votes": 412, "needed": 60.0, "pairs": 3}
    detail = {**stopped, "e_value": float(value)}
    audit.record(world.study, None, "pair.stopped", detail)
    client, url = world.client(), world.url("progress:log")
    for kind in ("all", "stops"):
        said = words_of(client.get(f"{url}?kind={kind}"))
        assert "A pair of systems is decided and stopped" in said
        assert "412" in said
        assert str(value) not in said
        assert "e value sealed" in said
    Study.objects.filter(pk=world.study.pk).update(
        state=StudyState.CLOSED, unblinded_at=timezone.now()
    )
    assert f"e value {value}" in words_of(client.get(url))


def test_the_steps_of_the_study_are_a_link_away(world: Watched) -> None:
    page = text_of(world.client().get(world.url("progress:page")))
    for step in ("pause", "close"):
        assert world.url("studio:act", action=step) in page


def test_a_monitor_is_offered_no_step(world: Watched) -> None:
    page = text_of(world.client(Role.MONITOR).get(world.url("progress:page")))
    assert "Pause study" not in page
    assert world.url("progress:log") not in page


# -- what it costs ----------


def cost(client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_pages_take_few_queries_at_any_size() -> None:
    small, large = make_watched(prompts=2), make_watched(prompts=12, people=8)
    for world in (small, large):
        add_everything_else(world)
    clients = [small.client(), large.client()]
    urls = [
        *((f"progress:{name}", {}) for name in PAGES),
        ("progress:pair", {"comparison": 0}),
        ("annotators:page", {}),
        ("annotators:live", {}),
        ("annotators:one", {"annotator": 0}),
    ]
    for name, kwargs in urls:
        costs = []
        for world, client in zip((small, large), clients, strict=True):
            if "comparison" in kwargs:
                kwargs = {"comparison": world.work[1].pk}
            if "annotator" in kwargs:
                kwargs = {"annotator": world.people[0].pk}
            for keeper in (PROGRESS,):
                keeper.forget(world.study)
            costs.append(cost(client, world.url(name, **kwargs)))
        assert max(costs) <= MOST_QUERIES, (name, costs)
        assert costs[0] == costs[1], (name, costs)


def test_a_page_of_a_large_study_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_watched(prompts=2)
    monkeypatch.setattr("reports.watching.figures.SMALL", 3)
    rung: list[bool] = []
    monkeypatch.setattr(keeping, "ring", lambda: rung.append(True))
    client = world.client()
    page = text_of(client.get(world.url("progress:page")))
    assert "The votes are being counted" in page
    client.get(world.url("progress:live"))
    assert rung == [True]
    assert count_watched() == [f"{world.study.slug}: progress"]
    assert cost(client, world.url("progress:page")) <= 6
    assert "12 of 18" in words_of(client.get(world.url("progress:page")))


def test_nobody_watches_and_nothing_is_counted() -> None:
    make_watched(prompts=1)
    assert count_watched() == []


def test_figures_are_kept_for_a_moment_and_counted_anew_after_an_act() -> None:
    world = make_watched(prompts=1)
    client = world.client()
    first = PROGRESS.figures(world.study)
    assert first is not None
    assert PROGRESS.figures(world.study) == first
    client.post(
        world.url("annotators:act", annotator=world.people[0].pk, act="pause"), {"text": "Odd."}
    )
    again = PROGRESS.figures(world.study)
    assert again is not None
    assert again.counted_at > first.counted_at


def test_an_empty_study_says_what_to_do() -> None:
    world = Watched(make_study(), [], [])
    said = words_of(world.client().get(world.url("progress:page")))
    assert "There is nothing to watch yet" in said
