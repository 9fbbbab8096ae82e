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
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_examples_take_a_study_from_nothing_to_a_wish_for_its_report(
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
        ["sh", "-ec", example("sh")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    assert Study.objects.get().state == StudyState.OPEN
    assert Invitation.objects.get().email == "ada@example.org"
    assert '"votes_wanted":9' in shell.stdout
    python = subprocess.run(
        [sys.executable, "-c", example("python")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert python.returncode == 0, python.stderr
    assert python.stdout.split() == ["waiting", "north", "south", "north", "south"]
    assert Study.objects.get().unblinded_at is not None
