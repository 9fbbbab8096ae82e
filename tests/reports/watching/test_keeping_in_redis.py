"""Kept figures where the cache is Redis: the path of every site with more than one process."""

from __future__ import annotations

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from django.test import override_settings

from evalsite.settings import caches_from_url
from reports.tasks import count_watched
from reports.watching import keeping
from reports.watching.figures import PROGRESS
from tests.reports.watching.test_progress import words_of
from tests.reports.watching.world import make_watched, vote_on
from tests.services import free_port

pytestmark = pytest.mark.django_db


@pytest.mark.redis
def test_figures_are_kept_in_redis_and_counted_anew_after_an_act(redis_url: str) -> None:
    world = make_watched(prompts=1)
    with override_settings(CACHES=caches_from_url(redis_url)):
        assert isinstance(caches["default"], RedisCache)
        first = PROGRESS.figures(world.study)
        assert first is not None
        assert PROGRESS.kept(world.study) == PROGRESS.figures(world.study) == first
        vote_on(world.work[0], world.people[2], 0)
        PROGRESS.forget(world.study)
        assert PROGRESS.kept(world.study) is None
        again = PROGRESS.figures(world.study)
        assert again is not None
        assert again.counted_at > first.counted_at


@pytest.mark.redis
def test_the_background_counts_what_is_watched_once(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_watched(prompts=2)
    monkeypatch.setattr("reports.watching.figures.SMALL", 3)
    rung: list[bool] = []
    monkeypatch.setattr(keeping, "ring", lambda: rung.append(True))
    client, url = world.client(), world.url("progress:page")
    with override_settings(CACHES=caches_from_url(redis_url)):
        assert "The votes are being counted" in words_of(client.get(url))
        client.get(url)
        assert rung == [True]
        # Another worker has begun: it is left to it.
        key = PROGRESS._key(world.study, "counting")
        assert keeping.claim(key)
        assert count_watched() == []
        cache.delete(key)
        assert count_watched() == [f"{world.study.slug}: progress"]
        assert not cache.get(key)
        assert "12 of 18" in words_of(client.get(url))


def test_without_redis_a_small_study_is_counted_on_each_request() -> None:
    world = make_watched(prompts=1)
    with override_settings(CACHES=caches_from_url(f"redis://127.0.0.1:{free_port()}/0")):
        said = words_of(world.client().get(world.url("progress:page")))
        assert "6 of 9" in said
        assert PROGRESS.kept(world.study) is None
