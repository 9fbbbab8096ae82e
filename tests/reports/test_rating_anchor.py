"""The anchor of a study's ratings: chosen in one place, told alike everywhere, and no leak."""

from __future__ import annotations

import csv
import html
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import audit
from annotation.lifecycle.states import unblind_study
from annotation.models import AuditEntry, Role, Study, StudyState, System, Verdict
from reports import analysis, rating_anchor
from reports.charts.ratings import charts
from reports.exports import report_text
from reports.freshness import freshness
from reports.models import AnalysisRequest, AnalysisRun, RatingAnchor
from reports.pages.anchor import AS_CHOSEN
from reports.presentation.report import view
from reports.rating_anchor import AnchorRefusedError, remove_anchor, set_anchor, shown_anchor
from reports.stats.anchoring import Anchor
from reports.stats.leaderboard import leaderboard
from reports.with_excluded import largest_shift
from tests import factories
from tests.annotation.api.calling import member as caller
from tests.reports import results
from tests.reports.test_every_figure import SCHEMA
from tests.reports.voted import make_rich_study, make_voted_study
from tests.stats.vote_makers import regular_rows, votes_of

pytestmark = pytest.mark.django_db


def member(study: Study, role: Role = Role.RESEARCHER) -> Client:
    client = Client()
    user = factories.make_membership(study, role).user
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page_of(client: Client, study: Study) -> str:
    return html.unescape(client.get(url("report", study)).content.decode())


def url(name: str, study: Study) -> str:
    return reverse(f"reports:{name}", kwargs={"slug": study.slug})


def table_of(study: Study) -> list[dict[str, str]]:
    """The leaderboard's file, as the page serves it."""
    response: Any = member(study).get(f"{url('report', study)}files/leaderboard.csv")
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def acts(study: Study) -> list[tuple[str, dict[str, Any]]]:
    rows = AuditEntry.objects.filter(study=study, action__startswith="report.").order_by("seq")
    return [(row.action, row.detail) for row in rows]


# -- the report ----------


def test_every_board_is_measured_from_the_anchor_and_strengths_are_not() -> None:
    study = make_rich_study()
    plain = analysis.run(study).result
    set_anchor(study, None, system="beta", rating=1500)
    kept = analysis.run(study)
    result = kept.result
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    assert result["settings"]["anchor"] == {"system": "beta", "rating": 1500}
    told = {"system": "beta", "rating": 1500, "component": 1, "reason": None}
    assert result["anchor"] == told
    assert plain["anchor"] is None
    boards = [(plain["leaderboard"], result["leaderboard"])]
    for before, after in zip(plain["criteria"], result["criteria"], strict=True):
        assert after["anchor"] == told
        boards.append((before["leaderboard"], after["leaderboard"]))
    made = [name for name, board in result["boards"].items() if board["rows"] is not None]
    assert set(made) >= {"davidson", "drop_ties", "side_adjusted"}
    for name in made:
        assert result["boards"][name]["anchor"] == told
        boards.append((plain["boards"][name]["rows"], result["boards"][name]["rows"]))
    for before, after in boards:
        shifts = set()
        for was, now in zip(before, after, strict=True):
            assert now["strength"] == was["strength"]
            assert now["rank"] == was["rank"]
            assert now["rating"].get("se") == was["rating"].get("se")
            shifts.add(round(now["rating"]["estimate"] - was["rating"]["estimate"], 6))
            assert was["to_anchor"] is None
            if now["system"] == "beta":
                assert now["rating"]["estimate"] == 1500
                assert now["to_anchor"] is None
            else:
                gap = now["rating"]["estimate"] - 1500
                assert now["to_anchor"]["estimate"] == pytest.approx(gap)
        assert len(shifts) == 1
    for row in result["leaderboard"]:
        assert row["rating"]["se"] > 0
        if row["system"] != "beta":
            assert row["to_anchor"]["low"] < row["to_anchor"]["estimate"] < row["to_anchor"]["high"]
    # All else is as it was.
    for key in ("head_to_head", "agreement", "fit", "slices", "sensitivity", "alignment"):
        assert result[key] == plain[key], key


def test_it_is_a_setting_and_no_input_and_makes_the_report_old() -> None:
    study = make_voted_study()
    first = analysis.run(study)
    assert not freshness(study, first).is_stale
    set_anchor(study, None, system="alpha", rating=1000)
    assert freshness(study, first).study_changed
    second = analysis.run(study)
    assert second.pk != first.pk
    assert second.input_sha256 == first.input_sha256
    assert analysis.run(study).pk == second.pk
    remove_anchor(study, None)
    assert freshness(study, second).study_changed
    third = analysis.run(study)
    assert third.result == first.result


def test_the_page_the_text_the_chart_and_the_table_tell_the_same() -> None:
    study = make_rich_study()
    set_anchor(study, None, system="gamma", rating=1234.5)
    kept = analysis.run(study)
    rows = {row["system"]: row for row in kept.result["leaderboard"]}
    page = page_of(member(study), study)
    assert "Ratings are measured from gamma, which stands at 1,234." in page
    assert "To the anchor" in page
    assert '<span class="muted">the anchor</span>' in page
    shown = view(kept.result, kept.versions, kept.created_at)
    (group,) = shown.board.groups
    distances = {row.system: row.to_anchor for row in group.rows}
    assert distances["gamma"] is None
    first = distances["alpha"]
    assert first is not None
    assert first.text.startswith("+")
    assert f'{first.text} <span class="interval">{first.interval}</span>' in page
    text = report_text.render(kept)
    assert "To the anchor" in text
    assert f"{first.whole}\n" in text
    # The ratings' intervals keep their room.
    assert all(row.rating.whole in text for row in group.rows)
    assert "measured from gamma" in " ".join(text.split())
    (chart, *_) = charts(kept.result)
    assert '"Rating (gamma stands at 1,234)"' in json.dumps(chart.wide)
    table = table_of(study)
    own = {row["system"]: row for row in table if row["criterion"] == "overall"}
    assert {row["anchor"] for row in own.values()} == {"gamma"}
    assert own["gamma"]["to_anchor"] == own["gamma"]["to_anchor_low"] == ""
    assert float(own["gamma"]["rating"]) == 1234.5
    assert float(own["alpha"]["to_anchor"]) == rows["alpha"]["to_anchor"]["estimate"]
    assert float(own["alpha"]["to_anchor_low"]) == rows["alpha"]["to_anchor"]["low"]
    settings_told = dict(shown.settings)
    assert settings_told["Anchor"] == "gamma stands at 1,234"


def test_without_one_nothing_is_said_of_it() -> None:
    study = make_voted_study()
    kept = analysis.run(study)
    page = page_of(member(study), study)
    assert "To the anchor" not in page
    assert "Rating (1,000 is the mean of the group)" in json.dumps(charts(kept.result)[0].wide)
    assert "To the anchor" not in report_text.render(kept)
    shown = view(kept.result, kept.versions, kept.created_at)
    assert dict(shown.settings)["Anchor"] == "None: the mean rating of each group is 1,000"


def test_a_report_of_an_earlier_format_is_still_shown() -> None:
    result = results.clear_report("x", "y")
    del result["anchor"], result["settings"]["anchor"]
    del result["diagnostics"]["multiplier_bootstrap"]
    for row in result["leaderboard"]:
        row.pop("to_anchor", None)
    shown = view(result, {}, timezone.now())
    assert (shown.anchor, shown.board.anchor) == ("", "")
    assert shown.influence.bootstrapped == ""
    assert charts(result)


def islands() -> Study:
    """Two groups that never meet: alpha and beta, and gamma, who beats delta in every vote."""
    study = make_voted_study("islands", systems=("alpha", "beta"))
    for number in range(3):
        pair = factories.make_comparison(study, "gamma", "delta", item_id=f"more-{number}")
        for person in study.annotators.all():
            factories.make_imported_vote(pair, Verdict.A, annotator=person)
    factories.make_system(study, "epsilon")
    return study


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("epsilon", "epsilon has no votes that count on this board"),
        ("gamma", "won or lost everything against the rest"),
    ],
)
def test_an_anchor_that_cannot_be_used_is_explained_and_moves_nothing(
    system: str, words: str
) -> None:
    study = islands()
    plain = analysis.run(study).result
    set_anchor(study, None, system=system, rating=1500)
    kept = analysis.run(study)
    result = kept.result
    jsonschema.Draft202012Validator(SCHEMA).validate(result)
    assert words in result["anchor"]["reason"]
    assert result["anchor"]["component"] is None
    assert "anchor_not_used" in result["warnings"]
    for before, after in zip(plain["leaderboard"], result["leaderboard"], strict=True):
        assert after["rating"]["estimate"] == before["rating"]["estimate"]
        assert after["to_anchor"] is None
    page = page_of(member(study), study)
    assert f"{system} was to be the anchor." in page
    assert "The mean rating of each group is 1,000, as without an anchor" in page
    assert "To the anchor" not in page
    table = table_of(study)
    rated = [row for row in table if row["rating"]]
    assert {row["anchor"] for row in table} == {""}
    assert all("anchor_not_used" in row["warnings"] for row in rated)


def test_groups_without_the_anchor_say_that_they_keep_their_mean() -> None:
    study = islands()
    set_anchor(study, None, system="beta", rating=0)
    result = analysis.run(study).result
    assert result["anchor"]["component"] == 1
    rated = {row["system"]: row for row in result["leaderboard"]}
    assert rated["beta"]["rating"]["estimate"] == 0
    assert rated["gamma"]["to_anchor"] is None
    mean = (rated["gamma"]["rating"]["estimate"] + rated["delta"]["rating"]["estimate"]) / 2
    assert mean == pytest.approx(1000)
    page = page_of(member(study), study)
    assert "which stands at 0." in page
    assert "Other groups keep their mean of 1,000." in page
    table = table_of(study)
    assert {row["system"]: row["anchor"] for row in table if row["system"] != "epsilon"} == {
        "alpha": "beta", "beta": "beta", "gamma": "", "delta": "",
    }  # fmt: skip


def test_a_board_on_which_it_cannot_be_used_says_so_by_itself() -> None:
    """Decisive votes alone leave the group without a finite fit; with ties it has one."""
    study = factories.make_study("drawn")
    people = [factories.make_annotator(study) for _ in range(4)]
    for number in range(6):
        pair = factories.make_comparison(study, "alpha", "beta")
        for turn, person in enumerate(people):
            verdict = Verdict.TIE if (number + turn) % 3 == 0 else Verdict.A
            factories.make_imported_vote(pair, verdict, annotator=person)
    set_anchor(study, None, system="alpha", rating=1500)
    kept = analysis.run(study)
    assert kept.result["anchor"]["component"] == 1
    dropped = kept.result["boards"]["drop_ties"]
    assert dropped["anchor"]["component"] is None
    assert "anchor_not_used" in dropped["warnings"]
    shown = view(kept.result, kept.versions, kept.created_at)
    assert dict(shown.other_boards.unanchored)["Without ties"] == dropped["anchor"]["reason"]
    assert "Without ties: anchor" in page_of(member(study), study)
    assert "Without ties: anchor" in report_text.render(kept)


# -- the rule ----------


def test_it_is_set_changed_and_taken_away_and_each_change_is_logged() -> None:
    now = timezone.now()
    study = make_voted_study(
        state=StudyState.CLOSED, opened_at=now, closed_at=now, unblinded_at=now
    )
    owner = factories.make_membership(study, Role.OWNER).user
    set_anchor(study, owner, system="alpha", rating=1000)
    set_anchor(study, owner, system="alpha", rating=1000)
    set_anchor(study, owner, system="beta", rating=1000)
    set_anchor(study, owner, rating=1200.5)
    remove_anchor(study, owner)
    remove_anchor(study, owner)
    alpha, beta = ({"system": name, "rating": 1000} for name in ("alpha", "beta"))
    changed = {"system": "beta", "rating": 1200.5}
    assert acts(study) == [
        ("report.anchor_set", {**alpha, "before": None}),
        ("report.anchor_set", {**beta, "before": alpha}),
        ("report.anchor_set", {**changed, "before": beta}),
        ("report.anchor_removed", {"before": changed}),
    ]
    assert not list(audit.verify(study))
    assert RatingAnchor.objects.count() == 0


@pytest.mark.parametrize(
    ("wish", "place", "words"),
    [
        ({"system": "nobody", "rating": 1000}, "system", "has no system 'nobody'"),
        ({"system": "", "rating": 1000}, "system", "has no system"),
        ({"rating": 1000}, "system", "Say which system"),
        ({"system": "alpha", "rating": float("nan")}, "rating", "must lie between"),
        ({"system": "alpha", "rating": float("inf")}, "rating", "must lie between"),
        ({"system": "alpha", "rating": 1_000_001}, "rating", "must lie between"),
    ],
)
def test_wishes_that_cannot_be_followed_change_nothing(
    wish: dict[str, Any], place: str, words: str
) -> None:
    study = make_voted_study()
    with pytest.raises(AnchorRefusedError, match=words) as refused:
        set_anchor(study, None, **wish)
    assert refused.value.place == place
    assert "Nothing was changed" in str(refused.value)
    assert not RatingAnchor.objects.exists()
    assert acts(study) == []


def test_a_system_of_another_study_is_none_of_this_one() -> None:
    make_voted_study("other", systems=("zeta", "eta"))
    with pytest.raises(AnchorRefusedError, match="'zeta'"):
        set_anchor(make_voted_study(), None, system="zeta", rating=1000)


@pytest.mark.parametrize("role", [Role.MONITOR, Role.ANNOTATOR])
def test_only_those_who_conduct_the_study_choose(role: Role) -> None:
    study = make_voted_study()
    user = factories.make_membership(study, role).user
    for refused in (
        lambda: set_anchor(study, user, system="alpha", rating=1000),
        lambda: remove_anchor(study, user),
    ):
        with pytest.raises(AnchorRefusedError, match="Only an owner or a researcher"):
            refused()


@pytest.mark.parametrize("rating", [1e7, -1e7, float("inf"), float("nan")])
def test_the_database_holds_no_number_out_of_range(rating: float) -> None:
    study = make_voted_study()
    system = System.objects.get(study=study, name="alpha")
    with pytest.raises(IntegrityError), transaction.atomic():
        RatingAnchor.objects.create(study=study, system=system, rating=rating)


# -- blinding ----------


@pytest.fixture
def sealed() -> Study:
    """Open and sealed; codes in the other order than names."""
    study = factories.make_open_study("weather")
    factories.make_system(study, "north", code="A2")
    factories.make_system(study, "south", code="A1")
    factories.make_comparison(study, "north", "south")
    return study


def test_in_a_sealed_study_it_is_chosen_and_shown_by_its_code(sealed: Study) -> None:
    client = member(sealed)
    page = page_of(client, sealed)
    assert '<option value="A1">A1</option><option value="A2">A2</option>' in page
    client.post(url("set_anchor", sealed), {"system": "A2", "rating": "1500"})
    page = page_of(client, sealed)
    assert '<option value="A2" selected>A2</option>' in page
    assert 'value="1500"' in page
    key = caller(sealed, Role.RESEARCHER)
    told = key.get("studies/weather/rating-anchor")
    assert told.json() == {"system": "A2", "rating": 1500.0, "withheld": False}
    log = key.get("studies/weather/log").content.decode()
    for text in (page, told.content.decode(), log):
        assert "north" not in text
        assert "south" not in text
    # No report is made for somebody who may not see it.
    assert not AnalysisRequest.objects.exists()
    sealed.state, sealed.closed_at = StudyState.CLOSED, timezone.now()
    sealed.save()
    unblind_study(sealed)
    sealed.refresh_from_db()
    assert shown_anchor(sealed) == rating_anchor.ShownAnchor("north", 1500.0, withheld=False)


@pytest.mark.parametrize("name", ["north", "nobody"])
def test_while_sealed_a_name_is_answered_like_any_other_text(sealed: Study, name: str) -> None:
    with pytest.raises(AnchorRefusedError) as refused:
        set_anchor(sealed, None, system=name, rating=1000)
    assert str(refused.value).replace(name, "x") == (
        "The study has no system 'x'. A system is chosen by its code, such as A1, while its names "
        "are sealed. Nothing was changed."
    )


def test_one_that_was_chosen_by_its_name_is_never_shown_by_its_code(sealed: Study) -> None:
    Study.objects.filter(pk=sealed.pk).update(state=StudyState.DRAFT, opened_at=None)
    draft = Study.objects.get(pk=sealed.pk)
    set_anchor(draft, None, system="north", rating=1200)
    assert shown_anchor(draft) == rating_anchor.ShownAnchor("north", 1200.0, withheld=False)
    now = timezone.now()
    Study.objects.filter(pk=draft.pk).update(state=StudyState.OPEN, opened_at=now)
    study = Study.objects.get(pk=draft.pk)
    assert study.is_sealed
    key = caller(study, Role.OWNER)
    told = key.get("studies/weather/rating-anchor")
    assert told.json() == {"system": None, "rating": 1200.0, "withheld": True}
    client = member(study)
    page = page_of(client, study)
    assert f'<option value="{AS_CHOSEN}" selected>As it was chosen before opening</option>' in page
    assert '<option value="A2">A2</option>' in page
    # Its number can be changed without a word on which it is.
    client.post(url("set_anchor", study), {"system": AS_CHOSEN, "rating": "1300"})
    assert shown_anchor(study) == rating_anchor.ShownAnchor(None, 1300.0, withheld=True)
    # To choose it by its code is a change like any other: the answer must not tell that it is none.
    client.post(url("set_anchor", study), {"system": "A2", "rating": "1300"})
    client.post(url("set_anchor", study), {"system": "A1", "rating": "1300"})
    # The log keeps no name of a draft.
    key_of_it = System.objects.get(study=study, name="north").pk
    named = {"system": key_of_it, "rating": 1200}
    assert acts(study) == [
        ("report.anchor_set", {**named, "before": None}),
        ("report.anchor_set", {"system": key_of_it, "rating": 1300, "before": named}),
        ("report.anchor_set",
         {"system": "A2", "rating": 1300, "before": {"system": key_of_it, "rating": 1300}}),
        ("report.anchor_set",
         {"system": "A1", "rating": 1300, "before": {"system": "A2", "rating": 1300}}),
    ]  # fmt: skip


def test_a_monitor_is_shown_no_form_and_no_name(sealed: Study) -> None:
    set_anchor(sealed, None, system="A1", rating=1000)
    page = page_of(member(sealed, Role.MONITOR), sealed)
    assert "anchor" not in page
    assert caller(sealed, Role.MONITOR).get("studies/weather/rating-anchor").status_code == 403


# -- where it is set ----------


def test_the_page_sets_it_and_asks_for_the_report() -> None:
    study = make_voted_study()
    analysis.run(study)
    client = member(study)
    answer = client.post(url("set_anchor", study), {"system": "beta", "rating": "1e3"}, follow=True)
    assert "is saved" in answer.content.decode()
    assert AnalysisRequest.objects.filter(study=study).count() == 1
    assert shown_anchor(study) == rating_anchor.ShownAnchor("beta", 1000.0, withheld=False)
    page = page_of(client, study)
    assert '<option value="beta" selected>beta</option>' in page
    client.post(url("set_anchor", study), {"system": "", "rating": "1000"})
    assert shown_anchor(study) is None


@pytest.mark.parametrize(
    "wrong",
    [{"system": "beta", "rating": "x"}, {"system": "beta"}, {"system": "beta", "rating": "nan"},
     {"system": "beta", "rating": "1e9"}, {"system": "nobody", "rating": "1"},
     {"system": AS_CHOSEN, "rating": "1"}],
)  # fmt: skip
def test_the_page_refuses_what_it_cannot_follow(wrong: dict[str, str]) -> None:
    study = make_voted_study()
    answer = member(study).post(url("set_anchor", study), wrong, follow=True)
    assert "Nothing was changed" in html.unescape(answer.content.decode())
    assert not RatingAnchor.objects.exists()
    assert not AnalysisRequest.objects.exists()


def test_without_a_report_none_is_asked_for() -> None:
    study = make_voted_study()
    client = member(study)
    assert "What ratings are measured from" in page_of(client, study)
    client.post(url("set_anchor", study), {"system": "beta", "rating": "1000"})
    assert not AnalysisRequest.objects.exists()
    assert not AnalysisRun.objects.exists()


def test_a_hostile_name_is_text() -> None:
    name = '<script>alert(1)</script>"'
    study = make_voted_study(systems=(name, "beta"))
    set_anchor(study, None, system=name, rating=1000)
    analysis.run(study)
    page = member(study).get(url("report", study)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in page


def test_the_api_reads_and_sets_it() -> None:
    study = make_voted_study()
    key = caller(study, Role.RESEARCHER)
    path = f"studies/{study.slug}/rating-anchor"
    none = {"system": None, "rating": 1000.0, "withheld": False}
    assert key.get(path).json() == none
    told = key.send("PUT", path, {"system": "beta"})
    assert (told.status_code, told.json()) == (
        200, {"system": "beta", "rating": 1000.0, "withheld": False},
    )  # fmt: skip
    assert key.send("PUT", path, {"system": "beta", "rating": 1500}).json()["rating"] == 1500
    for wrong in (
        {"system": "nobody"},
        {"rating": 1000},
        {"system": "beta", "rating": 1e9},
        {"system": "beta", "rating": "nan"},
        {"system": ""},
        {"system": "beta", "more": 1},
    ):
        assert key.send("PUT", path, wrong).status_code == 422, wrong
    assert key.get(path).json()["rating"] == 1500
    result = analysis.run(study).result
    assert result["settings"]["anchor"] == {"system": "beta", "rating": 1500}
    assert key.send("PUT", path, {"system": None}).json() == none
    assert not RatingAnchor.objects.exists()


def test_the_command_sets_it_and_takes_it_away() -> None:
    study = make_voted_study()
    said = io.StringIO()
    call_command("anchor_ratings", "voted", "beta", "--rating", "1500", stderr=said)
    assert "beta stands at 1500" in said.getvalue()
    assert shown_anchor(study) == rating_anchor.ShownAnchor("beta", 1500.0, withheld=False)
    for wrong in (["voted"], ["voted", "beta", "--none"], ["voted", "nobody"],
                  ["voted", "beta", "--rating", "nan"]):  # fmt: skip
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("anchor_ratings", *wrong, stderr=io.StringIO())
    call_command("anchor_ratings", "voted", "--none", stderr=said)
    assert shown_anchor(study) is None


def test_the_guide_explains_it() -> None:
    guide = (Path(settings.BASE_DIR) / "docs" / "statistics.md").read_text(encoding="utf-8")
    assert '<a id="anchor"></a>' in guide
    assert "to_anchor" in guide


def test_a_rating_that_is_measured_from_elsewhere_has_not_moved() -> None:
    """With other votes the anchor's group may have no finite fit: then nothing is comparable."""
    here = votes_of(regular_rows(1))
    there = votes_of(regular_rows(2))
    names = ("a", "b", "c", "d")
    anchor = Anchor(1, 1500.0)
    first, other = (leaderboard(votes, seed=1, anchor=anchor) for votes in (here, there))
    both = largest_shift(first, other, names)
    assert both is not None
    assert both["system"] != "b"
    assert abs(both["shift"]) < 400
    plain = leaderboard(there, seed=1)
    assert largest_shift(first, plain, names) is None
    assert largest_shift(leaderboard(here, seed=1), plain, names) is not None
