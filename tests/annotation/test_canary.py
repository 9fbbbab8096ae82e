"""An annotator cannot learn which system wrote what (reliability.md P6, §5).

Every hidden field holds a mark. Every byte that an annotator can get is searched: pages, JSON,
headers, cookies, redirects, static files, and the pages of errors.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import queue
from annotation.access.routes import list_routes
from annotation.models import (
    Annotator,
    AuditEntry,
    Choice,
    Comparison,
    Exclusion,
    Flag,
    ImportFile,
    Prompt,
    Response,
    Role,
    Study,
    StudyState,
    System,
    VoteNote,
)
from reports.models import AnalysisRun
from tests import factories
from tests.annotation.canaries import Canaries

pytestmark = pytest.mark.django_db

SYSTEMS = 3
PROMPTS = 3


@dataclass
class World:
    """A study full of marks, and an annotator who looks everywhere."""

    canaries: Canaries
    study: Study
    annotator: Annotator
    client: Client

    def url(self, name: str, **more: object) -> str:
        return reverse(name, kwargs={"slug": self.study.slug, **more})

    def look(self, response: Any) -> Any:
        """Search all of an answer, its headers and cookies."""
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        body = b"".join(response.streaming_content) if response.streaming else response.content
        assert self.canaries.found_in(body, headers, str(response.cookies)) == set()
        return response

    def get(self, path: str, **more: Any) -> Any:
        return self.look(self.client.get(path, **more))

    def post(self, name: str, body: object = None) -> Any:
        return self.look(
            self.client.post(
                self.url(f"rating:{name}"),
                json.dumps({} if body is None else body),
                content_type="application/json",
            )
        )

    def next(self, **body: object) -> list[dict[str, Any]]:
        pairs: list[dict[str, Any]] = self.post("next", body).json()["pairs"]
        return pairs


@pytest.fixture
def world(client: Client) -> World:
    canaries = Canaries()
    mark, number = canaries.mark, canaries.number
    researcher = factories.make_user(mark("a researcher's name") + "@example.org")
    study = factories.make_study(
        "canary-study",
        state=StudyState.OPEN,
        id=number("key of the study"),
        title="A study",
        instructions="Be fair.",
        notice=mark("the report's notice"),
        seed=number("seed of the study"),
    )
    factories.make_study_version(
        study, id=number("key of the version"), snapshot={"design": mark("the frozen snapshot")}
    )
    factories.make_membership(study, Role.OWNER, researcher)
    ImportFile.objects.create(
        study=study,
        kind="responses",
        sha256=mark("hash of an import file").ljust(64, "0")[:64],
        name=mark("name of an import file") + ".jsonl",
        rows=9,
    )
    systems = [
        System.objects.create(
            id=number("key of a system"),
            study=study,
            name=mark("name of a system"),
            code=mark("code of a system")[:16],
        )
        for _ in range(SYSTEMS)
    ]
    canaries.add(systems[0].code, "code of a system")
    for place in range(PROMPTS):
        plant_prompt(canaries, study, systems, place)
    plant_opinions(canaries, study)
    plant_results(canaries, study, researcher)
    user = factories.make_user()
    annotator = factories.make_annotator(study, user, id=number("key of the annotator"))
    client.force_login(user)
    return World(canaries, study, annotator, client)


def plant_prompt(canaries: Canaries, study: Study, systems: list[System], place: int) -> None:
    mark, number = canaries.mark, canaries.number
    prompt = factories.make_prompt(
        study,
        mark("id of a prompt"),
        id=number("key of a prompt"),
        text=f"Question {place}?",
        reference=mark("a reference answer"),
        category=mark("a category"),
        tags=[mark("a tag")],
        checks=[{"kind": mark("an automatic check")}],
        metadata={mark("name of a prompt's metadata"): mark("a prompt's metadata")},
    )
    responses = [
        factories.make_response(
            prompt,
            system,
            id=number("key of a response"),
            text=f"Answer {place}.",
            latency_ms=number("latency"),
            ttft_ms=number("time to the first token"),
            input_tokens=number("input tokens"),
            output_tokens=number("output tokens"),
            cost=number("cost"),
            metadata={"provider": mark("a response's metadata")},
        )
        for system in systems
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        Comparison.objects.create(
            id=number("key of a comparison"),
            study=study,
            item_id=mark("id of an item"),
            prompt=prompt,
            response_a=responses[a],
            response_b=responses[b],
            system_a=systems[a],
            system_b=systems[b],
            metadata={"note": mark("a comparison's metadata")},
            open=True,
            open_seq=number("place in the queue"),
            first_swapped=bool(place % 2),
        )


def plant_opinions(canaries: Canaries, study: Study) -> None:
    """What others said: people and judges."""
    mark = canaries.mark
    other = factories.make_annotator(
        study,
        id=canaries.number("key of another annotator"),
        external_id=mark("id of another annotator"),
        profile={"age": mark("profile of another annotator")},
        state_reason=mark("why another annotator was paused"),
    )
    comparison = Comparison.objects.filter(study=study).order_by("pk")[0]
    vote = factories.make_vote(
        comparison,
        Choice.LEFT,
        annotator=other,
        id=canaries.number("key of another's vote"),
        metadata={"x": mark("metadata of another's vote")},
        reading={"x": mark("reading of another's vote")},
        active_ms=canaries.number("another's time"),
    )
    Comparison.objects.filter(pk=comparison.pk).update(taken=1)
    VoteNote.objects.create(
        vote=vote, rationale=mark("another's reason"), tags=[mark("another's tag")]
    )
    assert vote.assignment is not None
    canaries.add(str(vote.assignment.public_id), "id of another's pair")
    Flag.objects.create(assignment=vote.assignment, reason="other", note=mark("another's flag"))
    Exclusion.objects.create(assignment=vote.assignment, reason=mark("why a vote was excluded"))
    factories.make_judgment(
        comparison,
        version=factories.make_judge_version(study, mark("name of a judge")),
        reason=mark("reason of a judge"),
        metadata={"x": mark("metadata of a judgment")},
        confidence=canaries.number("confidence of a judge"),
    )


def plant_results(canaries: Canaries, study: Study, researcher: Any) -> None:
    AnalysisRun.objects.create(
        study=study,
        input_sha256=canaries.mark("hash of an analysis").ljust(64, "0")[:64],
        settings={"x": canaries.mark("settings of an analysis")},
        seed=canaries.number("seed of an analysis"),
        versions={},
        result={"leaderboard": [canaries.mark("result of an analysis")]},
        created_by=researcher,
    )
    AuditEntry.objects.create(
        scope=f"study/{study.pk}",
        seq=1,
        study=study,
        actor=researcher,
        action="study.opened",
        detail={"x": canaries.mark("detail of the log")},
        hash="0" * 64,
    )


def vote(pair: dict[str, Any], choice: str = "left", **more: object) -> dict[str, Any]:
    return {
        "assignment": pair["id"],
        "key": str(uuid.uuid4()),
        "answers": {"overall": {"choice": choice}},
        **more,
    }


# -- the detector itself ----------


def test_the_search_finds_every_form_of_a_mark(world: World) -> None:
    """A search that cannot fail proves nothing."""
    import base64
    import hashlib

    name = System.objects.order_by("pk")[0].name
    raw = name.encode()
    for form in (
        name,
        name.upper(),
        raw.hex(),
        hashlib.md5(raw).hexdigest(),  # noqa: S324
        hashlib.sha1(raw).hexdigest(),  # noqa: S324
        hashlib.sha256(raw).hexdigest(),
        base64.b64encode(b'{"system": "' + raw + b'"}').decode(),
        base64.urlsafe_b64encode(b"x" + raw + b"yz").decode(),
        f'data-key="{System.objects.order_by("pk")[0].pk}"',
    ):
        assert world.canaries.found_in(f"<p>{form}</p>") != set()


def test_the_search_finds_what_an_annotator_may_see_if_it_is_marked(world: World) -> None:
    Prompt.objects.update(text=world.canaries.mark("the prompt"))
    with pytest.raises(AssertionError, match="the prompt"):
        world.next()


# -- the crawl ----------


def test_rating_a_whole_study_shows_no_mark(world: World) -> None:
    world.get(world.url("rating:page"))
    seen = 0
    while pairs := world.next(want=3):
        pair = pairs[0]
        world.post("renew", {"displayed": pair["id"], "held": [held["id"] for held in pairs]})
        if seen == 1:
            world.post("flag", {"assignment": pair["id"], "reason": "other", "note": "odd"})
            world.post("skip", {"assignment": pair["id"], "reason": "other"})
        else:
            body = vote(pair, ["left", "right", "tie", "both_bad"][seen % 4], rationale="so")
            assert world.post("vote", body).status_code in (200, 202)
            world.post("vote", body)
            world.post("undo")
            world.get(world.url("rating:answer", assignment=pair["id"]))
        world.post("draft", {"assignment": pair["id"], "answers": {}, "rationale": "so"})
        seen += 1
    assert seen == PROMPTS * SYSTEMS
    world.get(world.url("rating:answers"))
    world.post("summary")
    world.post("keys", {"keys": {"skip": "x"}})
    world.get(world.url("rating:page"))
    world.get(world.url("rating:session"))
    world.get("/")


def test_no_refusal_shows_a_mark(world: World) -> None:
    pair = world.next()[0]
    body = vote(pair)
    world.post("vote", body)
    assert world.post("vote", vote(pair)).status_code == 409
    mismatch = body | {"answers": {"overall": {"choice": "right"}}}
    assert world.post("vote", mismatch).status_code == 409
    assert world.post("vote", vote({"id": str(uuid.uuid4())})).status_code == 404
    assert world.post("vote", []).status_code == 400
    assert world.post("vote", {"assignment": pair["id"]}).status_code == 400
    assert world.post("vote", {"rationale": "x" * 70_000}).status_code == 413
    assert world.post("skip", {"assignment": pair["id"], "reason": "other"}).status_code == 409
    others = Comparison.objects.order_by("pk")[0].assignments.order_by("pk")[0]
    # An id that was guessed: it must not come back, and is not theirs.
    refused = world.client.post(
        world.url("rating:flag"),
        json.dumps({"assignment": str(others.public_id), "reason": "other"}),
        content_type="application/json",
    )
    assert refused.status_code == 404
    world.look(refused)
    assert world.look(world.client.post(world.url("rating:vote"), {"a": "b"})).status_code == 415


@pytest.mark.parametrize("state", [StudyState.PAUSED, StudyState.CLOSED, StudyState.ARCHIVED])
def test_a_study_that_is_over_shows_no_mark(world: World, state: StudyState) -> None:
    pair = world.next()[0]
    world.post("vote", vote(pair))
    Study.objects.filter(pk=world.study.pk).update(state=state, closed_at=timezone.now())
    assert world.next() == []
    world.post("undo")
    world.post("vote", vote(pair, "right", revises=True))
    world.get(world.url("rating:page"))
    world.get("/")


def every_path(study: Study) -> Iterator[str]:
    """Every route with this study and keys that exist, as one might guess them."""
    values = {
        "slug": study.slug,
        "name": "votes",
        "chosen": "jsonl",
        "token": "x" * 43,
    }
    for route in list_routes():
        path = "/" + route.path
        for key, value in values.items():
            for kind in ("slug", "str", "path", "int", "uuid"):
                path = path.replace(f"<{kind}:{key}>", value).replace(f"<{key}>", value)
        yield path.replace("^", "").replace("$", "")


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_no_route_of_the_project_shows_a_mark(world: World, accept: str) -> None:
    world.next()
    for path in every_path(world.study):
        for method in ("get", "head", "options", "post", "put", "delete"):
            if path == "/sign-out/":
                continue
            answer = getattr(world.client, method)(path, headers={"Accept": accept})
            assert answer.status_code < 500, path
            world.look(answer)


def test_no_error_page_shows_a_mark(
    world: World, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    assert world.get("/study/nowhere/rate/").status_code == 404
    assert world.get("/nothing/at/all").status_code == 404
    assert world.get(f"/study/{world.study.slug}/rate/..%2f").status_code == 404
    assert world.get("/", headers={"Host": "elsewhere.invalid"}).status_code == 400
    assert world.look(world.client.put(world.url("rating:page"))).status_code == 405

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(System.objects.order_by("pk")[0].name)

    monkeypatch.setattr(queue, "claim", fail)
    client.raise_request_exception = False
    broken = world.post("next")
    assert broken.status_code == 500
    assert "Something went wrong on the server" in broken.content.decode()


def test_no_static_file_shows_a_mark(world: World) -> None:
    """The scripts are the same for everyone: nothing of a study is written into them."""
    looked = 0
    for finder in finders.get_finders():
        for path, storage in finder.list([]):
            if not path.startswith("admin/"):
                assert world.canaries.found_in(path, Path(storage.path(path)).read_bytes()) == set()
                looked += 1
    assert looked > 20


def test_responses_stand_for_nothing_but_their_text(world: World) -> None:
    """Two responses with equal texts cannot be told apart by anything that comes with them."""
    Response.objects.update(text="The same words.")
    for pair in world.next(want=3):
        assert pair["left"] == pair["right"]
