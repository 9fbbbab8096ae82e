"""The examples of docs/api.md do what they say, in the order in which they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from annotation.api.tokens import Scope, issue_token
from annotation.models import Invitation, Study, StudyState
from judging.models import JudgeRun, RunState
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def examples(language: str, number: int) -> str:
    """All examples in a language, one after the other."""
    found = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert len(found) == number
    return "\n".join(found)


def test_the_examples_take_a_study_from_nothing_to_a_wish_for_its_report_and_a_judge(
    live_server: LiveServer, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    owner = factories.make_user(is_staff=True, is_superuser=True)
    rows = [
        {"prompt_id": f"p{p}", "prompt": f"Prompt {p}", "system": s, "response": f"{s} on {p}"}
        for p in range(3)
        for s in ("north", "south")
    ]
    (tmp_path / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    environment = {
        **os.environ,
        "EVALSITE": live_server.url,
        "KEY": issue_token(owner, "guide", list(Scope)).secret,
        "no_proxy": "*",
    }
    shell = subprocess.run(
        ["sh", "-ec", examples("sh", 2)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    study = Study.objects.get(slug="capitals")
    assert study.state == StudyState.OPEN
    assert Invitation.objects.get().email == "ada@example.org"
    assert '"votes_wanted":9' in shell.stdout
    assert '"holds":true' in shell.stdout
    assert Study.objects.get(slug="capitals-2").state == StudyState.DRAFT
    python = subprocess.run(
        [sys.executable, "-c", examples("python", 2)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert python.returncode == 0, python.stderr
    assert python.stdout.splitlines() == [
        "waiting",
        "north south",
        "north south",
        "6 calls",
        "running 1.0000000000",
    ]
    study.refresh_from_db()
    assert study.unblinded_at is not None
    assert JudgeRun.objects.get().state == RunState.CANCELLED
