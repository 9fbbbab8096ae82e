"""A study for judges, and names of hosts that are resolved without a network."""

from __future__ import annotations

import pytest

from annotation.models import Study
from tests.judging.asked import make_judged_study
from tests.row_files import write_rows as write_rows


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is public; loopback stays what it is."""

    def resolve(host: str, port: int) -> list[str]:
        return [host] if host == "127.0.0.1" else ["1.1.1.1"]

    monkeypatch.setattr("judging.endpoints.addresses.resolve_now", resolve)


@pytest.fixture
def study(db: None) -> Study:
    return make_judged_study(3, title="Mails")
