"""Each test has kept figures of its own, also where the suite runs beside a Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import override_settings

from evalsite.settings import caches_from_url


@pytest.fixture(autouse=True)
def figures_kept_in_the_process() -> Iterator[None]:
    """`test_keeping_in_redis` keeps them in Redis, and says so itself."""
    with override_settings(CACHES=caches_from_url("")):
        cache.clear()
        yield
