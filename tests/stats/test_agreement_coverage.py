"""Do 95 % intervals of agreement and alignment hold the truth in 95 % of studies?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.stats.agreement import fleiss_kappa, gwet_ac, linear_weights, percent_agreement
from reports.stats.alignment.rogan_gladen import rogan_gladen
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Ratings, ratings
from reports.stats.results import Estimate

RATERS, Q = 3, 3
FIGURES: dict[str, Callable[[Ratings], Estimate]] = {
    "percent": lambda r: percent_agreement(r.item_counts()),
    "fleiss": lambda r: fleiss_kappa(r.item_counts()),
    "alpha": lambda r: krippendorff_alpha(r.item_counts()),
    "alpha_ordinal": lambda r: krippendorff_alpha(r.item_counts(), "ordinal"),
    "ac1": lambda r: gwet_ac(r.item_counts()),
    "ac2": lambda r: gwet_ac(r.item_counts(), linear_weights(Q)),
}


def study(random: np.random.Generator, prompts: int, per_prompt: int) -> Ratings:
    """Three raters, 15 % missing. All items of a prompt lean alike and are alike hard to rate."""
    items = prompts * per_prompt
    leaning = np.repeat(random.normal(0, 1, prompts), per_prompt)
    latent = leaning + random.normal(0, 0.7, items)
    noise = np.repeat(random.choice([0.3, 1.0], prompts), per_prompt)
    seen = latent[:, None] + noise[:, None] * random.normal(0, 1, (items, RATERS))
    category = np.digitize(seen, [-0.4, 0.5]).ravel()
    item, rater = np.divmod(np.arange(items * RATERS), RATERS)
    kept = random.random(items * RATERS) > 0.15
    return ratings(
        item[kept],
        rater[kept],
        category[kept],
        n_categories=Q,
        n_items=items,
        prompt=np.arange(items) // per_prompt,
    )


def covered(
    runs: int,
    prompts: int,
    per_prompt: int,
    seed: int,
    names: list[str],
    *,
    as_independent: bool = False,
) -> dict[str, float]:
    random = np.random.default_rng(seed)
    large = study(random, 60_000, per_prompt)
    truth = {name: FIGURES[name](large).estimate for name in names}
    hits = dict.fromkeys(names, 0)
    for _ in range(runs):
        one = study(random, prompts, per_prompt)
        if as_independent:
            one = replace(one, prompt=None)
        for name in names:
            figure = FIGURES[name](one)
            assert figure.low is not None
            assert figure.high is not None
            hits[name] += figure.low <= (truth[name] or 0) <= figure.high
    return {name: hit / runs for name, hit in hits.items()}


def within(coverage: dict[str, float], runs: int, low: float, high: float) -> None:
    room = 3 * math.sqrt(0.05 * 0.95 / runs)
    for name, value in coverage.items():
        assert low - room <= value <= high + room, (name, value)


def test_intervals_of_alpha_and_ac1_cover_in_small_studies() -> None:
    within(covered(250, 60, 1, 1, ["alpha", "alpha_ordinal", "ac1"]), 250, 0.93, 0.98)


def test_intervals_cover_where_items_share_prompts_and_would_not_if_taken_as_independent() -> None:
    names = ["alpha", "percent"]
    within(covered(200, 40, 10, 2, names), 200, 0.92, 0.98)
    assert max(covered(200, 40, 10, 2, names, as_independent=True).values()) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "per_prompt"), [(30, 1), (60, 1), (200, 1), (40, 4)])
def test_every_coefficient_covers(prompts: int, per_prompt: int) -> None:
    runs = 1000
    within(covered(runs, prompts, per_prompt, 3, list(FIGURES)), runs, 0.93, 0.98)


def shares(
    random: np.random.Generator, prompts: int, per_prompt: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    p = np.repeat(random.beta(4, 1.5, prompts), per_prompt)
    return random.random(p.size) < p, np.repeat(np.arange(prompts), per_prompt)


@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "per_prompt"), [(30, 4), (80, 12), (200, 1)])
def test_shares_by_prompt_cover(prompts: int, per_prompt: int) -> None:
    random = np.random.default_rng(4)
    runs, hits = 2000, 0
    for _ in range(runs):
        figure = share_by_prompt(*shares(random, prompts, per_prompt), method="x")
        assert figure.low is not None
        assert figure.high is not None
        hits += figure.low <= 4 / 5.5 <= figure.high
    within({"share": hits / runs}, runs, 0.93, 0.98)


@pytest.mark.slow
def test_rogan_gladen_covers_with_both_sources_of_error() -> None:
    random = np.random.default_rng(5)
    runs, hits = 20_000, 0
    for _ in range(runs):
        positives = int(np.clip(random.binomial(100, 0.6), 1, 99))
        q1 = random.binomial(positives, 0.85) / positives
        q0 = random.binomial(100 - positives, 0.8) / (100 - positives)
        rate = random.binomial(60, 0.6 * 0.85 + 0.4 * 0.2) / 60
        figure = rogan_gladen(rate, q0, q1, n=60, negatives=100 - positives, positives=positives)
        assert figure.low is not None
        assert figure.high is not None
        hits += figure.low <= 0.6 <= figure.high
    assert hits / runs >= 0.93
