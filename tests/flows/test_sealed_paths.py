"""A sealed study on every path: neither which system is which nor what the votes say comes out.

Every route is crawled as everybody but annotators (tests/annotation/test_canary.py has these), and
every command is run. What may not be seen carries marks; and what may be seen must be the same
where all verdicts are turned round.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user
from django.core.management import call_command, get_commands
from django.core.management.base import CommandError
from django.db.models import Model, QuerySet
from django.test import Client
from django.utils import timezone

from annotation.access.routes import list_routes
from annotation.lifecycle.opening import open_study
from annotation.lifecycle.versions import WantedChange, change_study
from annotation.models import (
    Annotator,
    Assignment,
    AssignmentState,
    AuditEntry,
    Cell,
    Choice,
    Comparison,
    FindingAction,
    Invitation,
    InvitationPurpose,
    Membership,
    QualityFinding,
    Role,
    Study,
    StudyState,
    User,
    Vote,
)
from annotation.people import invite
from judging.models import JudgeRun, JudgeVersion, RunState
from reports import analysis
from reports.exports import catalogue
from reports.models import AnalysisRequest, AnalysisRun, RequestState
from reports.watching.acts import ACTS
from reports.watching.lists import COMPARISONS, VOTES
from reports.watching.trail import KINDS
from tests import factories

pytestmark = pytest.mark.django_db

NAMES = ("canary-north", "canary-south", "canary-west")
SLUG = "sealed-study"
PROMPTS, PEOPLE = 6, 3
CODE_SEED, QUEUE_SEED = 730_010_007, 730_020_014
WEIGHT, PROBABILITY = 0.7310007, 0.41700417
SEALED_EXIT = 3


@dataclass
class World:
    """An opened study with votes, weights and findings, and who may look at it."""

    study: Study
    users: dict[str, User] = field(default_factory=dict)

    @property
    def secrets(self) -> dict[str, str]:
        names = dict.fromkeys(NAMES, "the name of a system")
        return names | {
            str(CODE_SEED): "the seed of the codes",
            str(QUEUE_SEED): "the seed of the sides",
            str(WEIGHT): "the weight of a cell",
            str(PROBABILITY): "the probability of a draw",
        }

    def found_in(self, *pieces: str) -> set[str]:
        text = "\n".join(pieces).lower()
        return {what for mark, what in self.secrets.items() if mark in text}


def make_sealed_study(slug: str, *, turned: bool) -> Study:
    """Opened with votes; `turned` shows each pair the other way round for the same clicks."""
    study = factories.make_study(slug, title="A study", instructions="Choose.")
    systems = [factories.make_system(study, name) for name in NAMES]
    for number in range(PROMPTS):
        prompt = factories.make_prompt(study, f"p{number}", text=f"Question {number}?")
        texts = [f"Answer {number}, {letter}." for letter in "xyz"]
        made = [
            factories.make_response(prompt, system, text=text)
            for system, text in zip(systems, texts, strict=True)
        ]
        for a, b in ((0, 1), (0, 2), (1, 2)):
            factories.make_comparison(
                study,
                prompt=prompt,
                response_a=made[a],
                response_b=made[b],
                item_id=f"i{number}{a}{b}",
            )
    open_study(study, code_seed=CODE_SEED, queue_seed=QUEUE_SEED)
    for person in range(PEOPLE):
        annotator = factories.make_annotator(
            study, factories.make_user(f"{slug}-{person}"), external_id=f"person-{person}"
        )
        for number, comparison in enumerate(Comparison.objects.filter(study=study).order_by("pk")):
            assignment = factories.make_assignment(
                comparison,
                annotator,
                state=AssignmentState.SUBMITTED,
                swapped=turned,
                policy="adaptive",
                selection_probability=PROBABILITY,
            )
            choice = [Choice.LEFT, Choice.LEFT, Choice.RIGHT, Choice.TIE][(number + person) % 4]
            factories.make_vote(comparison, choice, assignment=assignment)
            Comparison.objects.filter(pk=comparison.pk).update(
                taken=person + 1, open=person + 1 < comparison.overlap
            )
    Cell.objects.filter(study=study).update(weight=WEIGHT)
    QualityFinding.objects.create(
        annotator=Annotator.objects.filter(study=study).order_by("pk")[0],
        study_version=study.versions.get(),
        rule="speed",
        action=FindingAction.FLAG,
        n=10,
        value=0.9,
        threshold=0.5,
    )
    study.refresh_from_db()
    return study


@pytest.fixture
def world() -> World:
    world = World(make_sealed_study(SLUG, turned=False))
    version = factories.make_asked_judge_version(world.study)
    JudgeRun.objects.create(study=world.study, version=version, state=RunState.RUNNING)
    add_analysis(world.study)
    for role in (Role.OWNER, Role.RESEARCHER, Role.MONITOR, Role.ADJUDICATOR):
        world.users[role.value] = factories.make_membership(world.study, role).user
    world.users["operator"] = factories.make_user(is_superuser=True, is_staff=True)
    invite(world.study, Role.ANNOTATOR, 1)
    change_study(
        world.study, WantedChange.of("It was unclear.", title="Another title"), world.users["owner"]
    )
    return world


def add_analysis(study: Study) -> None:
    """An analysis that should not be there yet: who gets at it sees names."""
    run = AnalysisRun.objects.create(
        study=study,
        input_sha256="0" * 64,
        settings={},
        seed=0,
        versions={},
        result={"leaderboard": [{"system": name} for name in NAMES]},
    )
    AnalysisRequest.objects.create(
        study=study,
        requested_by=factories.make_user(),
        state=RequestState.DONE,
        finished_at=timezone.now(),
        analysis_run=run,
    )


def said_by(name: str, *arguments: str) -> tuple[str, int]:
    """All that a command writes, its refusal and its exit."""
    out, err = StringIO(), StringIO()
    code = 0
    try:
        call_command(name, *arguments, stdout=out, stderr=err)
    except CommandError as refused:
        err.write(str(refused))
        code = refused.returncode
    return out.getvalue() + err.getvalue(), code


# -- the detector itself ----------


def test_the_marks_are_there_to_be_found(world: World) -> None:
    """A search that cannot fail proves nothing."""
    version = world.study.versions.get(number=2)
    assert world.found_in(json.dumps(version.snapshot)) == {
        "the name of a system",
        "the seed of the codes",
        "the seed of the sides",
    }
    assert str(WEIGHT) in str(Cell.objects.filter(study=world.study)[0].weight)
    assert Assignment.objects.filter(selection_probability=PROBABILITY).exists()
    said_by("close_study", SLUG)
    said_by("unblind_study", SLUG)
    said, code = said_by("export", SLUG, "votes")
    assert code == 0
    assert world.found_in(said) == {"the name of a system", "the probability of a draw"}


# -- pages ----------


def values_of(world: World, who: str) -> dict[str, list[str]]:
    """What stands in addresses, as a curious member would fill them in."""
    rows: list[Model] = [
        *User.objects.all(),
        *Membership.objects.all(),
        *Invitation.objects.filter(purpose=InvitationPurpose.JOIN),
        *Study.objects.all(),
        *AuditEntry.objects.all(),
    ]
    return {
        "slug": [world.study.slug],
        "name": list(catalogue.FORMATS),
        "chosen": ["jsonl", "csv", "html"],
        "token": ["x" * 43],
        "language": ["de"],
        "digest": ["0" * 12],
        "case_id": [str(uuid.uuid4())],
        "message": [str(uuid.uuid4())],
        "assignment": [
            str(public_id)
            for public_id in Assignment.objects.filter(comparison__study=world.study)
            .order_by("pk")
            .values_list("public_id", flat=True)[:2]
        ],
        "comparison": keys_of(Comparison.objects.filter(study=world.study)),
        "annotator": keys_of(Annotator.objects.filter(study=world.study)),
        "act": list(ACTS),
        "version": keys_of(JudgeVersion.objects.filter(judge__study=world.study)),
        "run": keys_of(JudgeRun.objects.filter(study=world.study)),
        "analysis": keys_of(AnalysisRun.objects.filter(study=world.study)),
        "wish": keys_of(AnalysisRequest.objects.filter(study=world.study)),
        "account": keys_of(User.objects.filter(annotators__study=world.study)),
        "invitation": keys_of(Invitation.objects.filter(study=world.study)),
        "upload": [str(uuid.uuid4())],
        "job": [str(uuid.uuid4())],
        "vote": keys_of(Vote.objects.filter(assignment__comparison__study=world.study)),
        "key": ["overall"],
        "rest": ["v1/nothing"],
        "part": ["checks"],
        "action": ["archive"],
        "content_type_id": ["1"],
        "app_label": ["annotation"],
        "url": ["annotation/studyversion/"],
        # Nobody else comes as far as a row.
        "object_id": sorted({str(row.pk) for row in rows} if who == "operator" else {"1"}),
    }


def keys_of(rows: QuerySet[Any]) -> list[str]:
    return [str(key) for key in rows.order_by("pk").values_list("pk", flat=True)[:2]]


# The list of the names alone, by name; tests/annotation/api/test_content.py has what it may say.
NAMING = ("api:systems",)


def paths(world: World, who: str) -> Iterator[str]:
    values = values_of(world, who)
    for route in list_routes():
        if "studio" in route.namespaces and who in ("owner", "researcher"):
            # Import and design show names to those who set the study up, and no votes.
            continue
        if route.full_name in NAMING and who in ("owner", "researcher"):
            continue
        path = "/" + re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route.path)
        filled = [path.replace("^", "").replace("$", "")]
        for key, options in values.items():
            pattern = re.compile(rf"<(?:\w+:)?{key}>")
            filled = [
                pattern.sub(option, path)
                for path in filled
                for option in (options if pattern.search(path) else [""])
            ]
        assert not any("<" in path for path in filled), filled[0]
        yield from filled
    lists = {"votes": VOTES, "comparisons": COMPARISONS}
    for name, kinds in lists.items():
        yield from (f"/study/{SLUG}/progress/{name}/?show={kind}" for kind in kinds)
    yield from (f"/study/{SLUG}/progress/log/?kind={kind}" for kind in KINDS)


@pytest.mark.parametrize("who", ["owner", "researcher", "monitor", "adjudicator", "operator"])
def test_no_page_shows_what_is_sealed(world: World, who: str) -> None:
    client = Client()
    client.force_login(world.users[who])
    looked = 0
    for path in paths(world, who):
        if path in ("/sign-out/", "/admin/logout/"):
            continue
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            assert answer.status_code < 500, path
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            assert world.found_in(body.decode("utf-8", "replace"), headers) == set(), path
            looked += 1
        stay_signed_in(client, world.users[who])
    assert looked > 100


def stay_signed_in(client: Client, user: User) -> None:
    """Undo what a path did to the crawler itself, so that the next is not looked at by nobody.

    Some end sessions; an operator who posts an empty form of the own account locks it.
    """
    standing = {name: getattr(user, name) for name in ("is_active", "is_staff", "is_superuser")}
    User.objects.filter(pk=user.pk).exclude(**standing).update(**standing)
    if get_user(client) != user:
        client.force_login(user)
    assert get_user(client) == user


@pytest.mark.parametrize("who", ["owner", "researcher", "monitor", "adjudicator", "operator"])
def test_nobody_gets_a_report_or_a_file_of_outcomes(world: World, who: str) -> None:
    client = Client()
    client.force_login(world.users[who])
    for name, formats in catalogue.FORMATS.items():
        answer = client.get(f"/study/{SLUG}/report/files/{name}.{formats[0]}")
        may = name == "comparisons" and who in ("owner", "researcher")
        assert (answer.status_code == 200) is may, name
    report = client.get(f"/study/{SLUG}/report/")
    assert report.status_code in (200, 403, 404)
    assert "win rate" not in report.content.decode().lower()


def test_a_monitor_sees_no_outcomes_of_open_results_either(world: World) -> None:
    Study.objects.filter(pk=world.study.pk).update(results="open")
    analysis.run(Study.objects.get(pk=world.study.pk))
    client = Client()
    client.force_login(world.users["monitor"])
    for path in paths(world, "monitor"):
        if path.startswith(f"/study/{SLUG}/report/"):
            answer = client.get(path)
            assert answer.status_code in (403, 404, 405), path


# -- commands ----------


def arguments_of(tmp_path: Path) -> dict[str, list[list[str]]]:
    """How each command of the rooms is typed here; one that is missing fails."""
    file, rows = tmp_path / "study.toml", tmp_path / "rows.jsonl"
    file.write_text('instructions = "Choose well."\n')
    rows.write_text('{"item_id": "i001", "annotator_id": "person-9", "verdict": "a"}\n')
    more = tmp_path / "more.jsonl"
    more.write_text(
        json.dumps(
            {
                "item_id": "new",
                "prompt_id": "new",
                "prompt": "A new question?",
                "system_a": NAMES[0],
                "system_b": NAMES[1],
                "response_a": "One.",
                "response_b": "Another.",
            }
        )
        + "\n"
    )
    judge = tmp_path / "judge.toml"
    judge.write_text(
        'name = "j"\nrubric = "general"\n[endpoint]\nname = "sim"\n'
        'base_url = "simulator://built-in/v1"\n[[models]]\nname = "fair"\n'
    )
    return {
        "import_responses": [[str(rows)]],
        "import_prompts": [[str(rows)]],
        "import_comparisons": [[str(rows)]],
        "import_votes": [[str(rows)]],
        "import_judgments": [[str(rows)]],
        "generate_comparisons": [[], ["--identical", "2"]],
        "configure_study": [[str(file)]],
        "change_study": [
            [str(file), "--reason", "It was unclear."],
            ["--overlap", "4", "--reason", "Too few agree."],
            ["--add-comparisons", str(more), "--reason", "More of them."],
        ],
        "open_study": [[]],
        "pause_study": [[]],
        "archive_study": [[]],
        "invite": [["--role", "researcher"], ["--role", "annotator", "--crowd", "5"]],
        "anchor_ratings": [["A1", "--rating", "1200"], ["nobody"], ["--none"]],
        "list_payments": [[]],
        "erase_annotator": [["person-1"]],
        "add_judge": [[str(judge)]],
        # What they decide is seen by nobody before unblinding; asking takes threads of its own.
        "run_judges": [["--dry-run"], ["--judge", "nobody"]],
        "revalidate_judge": [["--judge", "j"], ["--judge", "nobody"]],
        "plan": [[], ["--format", "json"]],
        "analyze": [[], ["--format", "json"], ["--diagnostics"]],
        "export": [
            *(
                [name, "--format", chosen]
                for name, all_ in catalogue.FORMATS.items()
                for chosen in all_
            ),
            ["votes", "--all"],
        ],
        "check_quality": [[]],
        "review_annotator": [
            ["person-0", outcome, "--reason", "Looked at."]
            for outcome in ("resume", "reject", "reinstate", "retrain")
        ],
        "verify_audit": [[]],
        # Ends the sealing, or is closed first: after all others.
        "close_study": [[]],
    }


# They are about no study.
OTHERS = {"create_owner", "unblind_study"}


def test_every_command_of_the_rooms_is_tried(tmp_path: Path) -> None:
    rooms = {
        name
        for name, room in get_commands().items()
        if room in ("annotation", "judging", "reports")
    }
    assert rooms - OTHERS == set(arguments_of(tmp_path))


def test_no_command_says_what_is_sealed(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name, all_arguments in arguments_of(tmp_path).items():
        for arguments in all_arguments:
            said, code = said_by(name, SLUG, *arguments)
            assert said, name
            assert world.found_in(said) == set(), f"{name} {arguments}: {said}"
            if name in ("analyze", "export") and arguments[:1] != ["comparisons"]:
                assert code == SEALED_EXIT, arguments
    assert world.found_in(caplog.text) == set()
    details = AuditEntry.objects.filter(study=world.study).values_list("detail", flat=True)
    assert world.found_in(json.dumps(list(details))) == set()


def test_the_log_keeps_no_name_of_the_design() -> None:
    study = factories.make_study("design")
    for number in range(2):
        prompt = factories.make_prompt(study, f"p{number}")
        for name in NAMES:
            factories.make_response(prompt, factories.find_or_make_system(study, name))
    said_by("generate_comparisons", "design", "--design", "anchor", "--anchor", NAMES[0])
    said_by("generate_comparisons", "design", "--design", "focused", "--systems", NAMES[1])
    said_by("anchor_ratings", "design", NAMES[2])
    said_by("anchor_ratings", "design", "--none")
    entries = list(AuditEntry.objects.filter(study=study).values_list("detail", flat=True))
    assert len(entries) == 4
    assert World(study).found_in(json.dumps(entries)) == set()


# -- the other way round ----------


def without_chance(text: str, slug: str) -> str:
    """What differs between any two studies: names of the study, keys, hashes, moments."""
    text = text.replace(slug, "STUDY")
    text = re.sub(r"[0-9a-f]{16,}", "HASH", text)
    text = re.sub(r'(csrfmiddlewaretoken" value=|nonce=)"[^"]*"', "TOKEN", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"(comparisons/|annotators/|annotator=|before=)[\d,]+", r"\1KEY", text)
    text = re.sub(r"\d{1,2} [A-Z][a-z]{2}( \d{4})?, \d\d:\d\d(:\d\d)?", "MOMENT", text)
    text = re.sub(r'(<time datetime=")[^<]*(<span[^<]*)?', r"\1MOMENT", text)
    return re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?", "MOMENT", text)


def what_comes_out(slug: str, *, turned: bool) -> list[str]:
    study = make_sealed_study(slug, turned=turned)
    pieces = [
        said_by(name, slug, *arguments)[0]
        for name, arguments in (
            ("plan", []),
            ("plan", ["--format", "json"]),
            ("check_quality", []),
            ("analyze", []),
            ("pause_study", []),
            ("open_study", []),
            ("verify_audit", []),
        )
    ]
    for role in (Role.OWNER, Role.RESEARCHER, Role.MONITOR, Role.ADJUDICATOR):
        client = Client()
        client.force_login(factories.make_membership(study, role).user)
        for path in ("/", f"/study/{slug}/report/", *watched(study)):
            pieces.append(client.get(path).content.decode())
    return [
        re.sub(r"user\d+@example\.org", "USER", without_chance(piece, slug)) for piece in pieces
    ]


def watched(study: Study) -> Iterator[str]:
    """All that is watched: it may say who clicked what, and nothing that follows from the sides."""
    first, progress = f"/study/{study.slug}", f"/study/{study.slug}/progress"
    yield from (f"{progress}/", f"{progress}/live", f"{progress}/pace")
    yield from (f"{progress}/votes/?show={kind}" for kind in VOTES)
    yield from (f"{progress}/comparisons/?show={kind}" for kind in COMPARISONS)
    for comparison in Comparison.objects.filter(study=study).order_by("pk")[:3]:
        yield f"{progress}/comparisons/{comparison.pk}/"
    yield f"{first}/annotators/"
    for annotator in Annotator.objects.filter(study=study).order_by("pk"):
        yield f"{first}/annotators/{annotator.pk}/"


def test_all_that_comes_out_is_the_same_where_every_verdict_is_turned_round() -> None:
    one, other = what_comes_out("turned-0", turned=False), what_comes_out("turned-1", turned=True)
    assert one == other
    for slug in ("turned-0", "turned-1"):
        Study.objects.filter(slug=slug).update(
            state=StudyState.CLOSED, closed_at="2026-01-01T00:00Z", unblinded_at="2026-01-02T00:00Z"
        )
    reports = [
        json.loads(said_by("analyze", slug, "--format", "json")[0])
        for slug in ("turned-0", "turned-1")
    ]
    assert reports[0]["verdicts"]["a"] == reports[1]["verdicts"]["b"] != reports[0]["verdicts"]["b"]
