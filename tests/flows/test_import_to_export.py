"""One study from files to files: import, open, invite, rate over HTTP, report, export, again."""

from __future__ import annotations

import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from annotation.models import Assignment, Study
from annotation.selectors import counted_votes
from reports.tasks import make_requested_report

SYSTEMS = ("north", "south", "west")
PROMPTS = 4
OVERLAP = 2
PASSWORD = "four words nobody guesses"


def command(name: str, *args: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, *args, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def export(slug: str, what: str, folder: Path) -> str:
    """The exported file's content; it stays in `folder` under the name of what it is."""
    path = folder / f"{slug}-{what}.jsonl"
    command("export", slug, what, output=path)
    return path.read_text(encoding="utf-8")


def write_responses(path: Path) -> None:
    rows = [
        {
            "prompt_id": f"p{number}",
            "prompt": f"Question {number}?",
            "system": system,
            "response": f"{'good' if system == 'north' else 'weak'} answer {number} of {place}",
        }
        for number in range(PROMPTS)
        for place, system in enumerate(SYSTEMS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def accept(link: str, username: str) -> Client:
    """A new person opens the link, chooses a name and a password, and is in."""
    client = Client()
    path = link.removeprefix("http://127.0.0.1:8000").strip()
    assert client.get(path).status_code == 200
    response = client.post(
        path, {"username": username, "password": PASSWORD, "repeated": PASSWORD}, follow=True
    )
    assert response.status_code == 200
    assert Client().get(path).status_code in (404, 410), "a link works once"
    return client


def sign_in(username: str) -> Client:
    """The same person the next day, on another device."""
    client = Client()
    response = client.post("/sign-in/", {"username": username, "password": PASSWORD}, follow=True)
    assert username in response.content.decode()
    return client


def edge(client: Client, slug: str, name: str, **body: Any) -> dict[str, Any]:
    response = client.post(
        f"/study/{slug}/rate/{name}", json.dumps(body), content_type="application/json"
    )
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def rate_everything(client: Client, slug: str) -> tuple[int, str]:
    """Prefer the good answer until nothing is left; how many, and the reason for the end."""
    voted = 0
    while True:
        claim = edge(client, slug, "next", want=2)
        if not claim["pairs"]:
            return voted, claim["empty"]["code"]
        pair = claim["pairs"][0]
        good = [side for side in ("left", "right") if "good" in pair[side]["source"]]
        answer = {
            "assignment": pair["id"],
            "key": str(uuid.uuid4()),
            "answers": {"overall": good[0] if len(good) == 1 else "tie"},
        }
        first = edge(client, slug, "vote", **answer)
        # The answer was lost on the way, and the page sends the same again.
        assert edge(client, slug, "vote", **answer) == first
        voted += 1


@pytest.mark.django_db
def test_from_files_to_a_report_and_back_to_files(tmp_path: Path) -> None:
    responses = tmp_path / "responses.jsonl"
    write_responses(responses)
    command("import_responses", "flow", str(responses))
    command("generate_comparisons", "flow", overlap=OVERLAP)
    researcher = accept(command("invite", "flow", role="researcher"), "rita@example.org")
    links = command("invite", "flow", role="annotator", count=2).split()
    for link, name in zip(links, ("anna", "ben"), strict=True):
        accept(link, name)
    command("open_study", "flow")

    # Annotators come back and rate; the work is exactly the overlap.
    pairs = PROMPTS * len(SYSTEMS) * (len(SYSTEMS) - 1) // 2
    for name in ("anna", "ben"):
        assert rate_everything(sign_in(name), "flow") == (pairs, "finished")
    study = Study.objects.get(slug="flow")
    assert counted_votes(study).count() == pairs * OVERLAP
    assert Assignment.objects.filter(comparison__study=study).count() == pairs * OVERLAP

    # Nobody sees outcomes before the study is closed and unblinded.
    page = researcher.get("/study/flow/report/")
    assert "north" not in page.content.decode()
    for what in ("votes", "leaderboard", "judgments"):
        with pytest.raises(CommandError) as sealed:
            export("flow", what, tmp_path)
        assert sealed.value.returncode == 3
    hidden = export("flow", "comparisons", tmp_path)
    assert '"A1"' in hidden
    assert "north" not in hidden

    command("close_study", "flow")
    command("unblind_study", "flow", reason="all votes are in")
    researcher.post("/study/flow/report/compute")
    assert make_requested_report() == "done"
    response = researcher.get("/study/flow/report/")
    assert response.status_code == 200
    report = response.content.decode()
    assert "north" in report
    result = json.loads(command("analyze", "flow", format="json"))
    assert result["leaderboard"][0]["system"] == "north"
    assert result["counts"]["votes"] == pairs * OVERLAP
    assert result["warnings"].count("sequential_look") == 0

    # What was exported can be imported elsewhere, and gives the same figures.
    exported = {what: export("flow", what, tmp_path) for what in ("comparisons", "votes")}
    command("import_comparisons", "again", str(tmp_path / "flow-comparisons.jsonl"))
    command("import_votes", "again", str(tmp_path / "flow-votes.jsonl"))
    again = json.loads(command("analyze", "again", format="json"))
    assert again["verdicts"] == result["verdicts"]
    for one, other in zip(result["leaderboard"], again["leaderboard"], strict=True):
        assert one["strength"]["estimate"] == other["strength"]["estimate"]
        assert one["win_rate"] == other["win_rate"]
    assert again["side_bias"]["left_rate"] == result["side_bias"]["left_rate"]
    assert export("again", "comparisons", tmp_path) == exported["comparisons"]
    assert export("again", "votes", tmp_path).count("\n") == exported["votes"].count("\n")

    # Every act left its entry, and the chain holds.
    command("verify_audit")
