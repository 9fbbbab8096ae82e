"""Fixtures of the set-up's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.annotation.researcher.studio import Studio, make_studio


@pytest.fixture(autouse=True)
def spool_of_this_test(settings, tmp_path: Path) -> Path:
    """Uploads lie in a folder of the test's own, and nothing rings for a worker."""
    settings.VAR_DIR = tmp_path / "var"
    settings.CELERY_BROKER_URL = "memory://localhost//"
    return tmp_path / "var" / "uploads"


@pytest.fixture
def studio() -> Studio:
    return make_studio()
