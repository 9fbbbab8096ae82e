"""Do 95 % intervals of agreement and alignment hold the truth in 95 % of studies?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from reports.stats.agreement import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    gwet_ac,
    linear_weights,
    percent_agreement,
)
from reports.stats.alignment.rogan_gladen import rogan_gladen
from reports.stats.alignment.shares import share_by_prompt
from reports.stats.cohen import cohen_kappa
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Ratings, ratings
from reports.stats.results import Estimate
from tests.stats.coverage.measured import AGREEMENT, Band, Measured, hold

Record = Callable[[str, object], None]

Q = 3
FIGURES: dict[str, Callable[[Ratings], Estimate]] = {
    "percent agreement": lambda r: percent_agreement(r.item_counts()),
    "Fleiss' kappa": lambda r: fleiss_kappa(r.item_counts()),
    "alpha, nominal": lambda r: krippendorff_alpha(r.item_counts()),
    "alpha, ordinal": lambda r: krippendorff_alpha(r.item_counts(), "ordinal"),
    "AC1": lambda r: gwet_ac(r.item_counts()),
    "AC2": lambda r: gwet_ac(r.item_counts(), linear_weights(Q)),
    "Conger's kappa": lambda r: conger_kappa(r, r.item_counts()),
    "Brennan-Prediger": lambda r: brennan_prediger(r.item_counts()),
    "Cohen's kappa": lambda r: cohen_kappa(table_of_the_first_two(r)),
}
CLUSTERED = [name for name in FIGURES if name != "Cohen's kappa"]
"""Those whose intervals allow for prompts; Cohen's takes comparisons for independent."""

OVERLAP = 3


def table_of_the_first_two(rated: Ratings) -> NDArray[np.int64]:
    """How the first two raters answered what both rated."""
    answer = np.full((2, rated.n_items), -1)
    for rater in (0, 1):
        own = rated.rater == rater
        answer[rater, rated.item[own]] = rated.category[own]
    both = (answer >= 0).all(axis=0)
    return np.bincount(answer[0, both] * Q + answer[1, both], minlength=Q * Q).reshape(Q, Q)


@dataclass(frozen=True)
class Design:
    """How the items are rated.

    Attributes
    ----------
    prompts, per_prompt : int
        All items of a prompt lean alike and are alike hard to rate.
    raters : int
        In all. Of more than three, each item meets three.
    zipf : bool
        Whether the g-th rater is met 1/g as often as the first.
    """

    prompts: int
    per_prompt: int = 1
    raters: int = 3
    zipf: bool = False

    def draw(self, random: np.random.Generator) -> Ratings:
        """15 % of the ratings are missing."""
        items = self.prompts * self.per_prompt
        leaning = np.repeat(random.normal(0, 1, self.prompts), self.per_prompt)
        latent = leaning + random.normal(0, 0.7, items)
        noise = np.repeat(random.choice([0.3, 1.0], self.prompts), self.per_prompt)
        overlap = min(OVERLAP, self.raters)
        seen = latent[:, None] + noise[:, None] * random.normal(0, 1, (items, overlap))
        category = np.digitize(seen, [-0.4, 0.5]).ravel()
        item = np.repeat(np.arange(items), overlap)
        kept = random.random(item.size) > 0.15
        return ratings(
            item[kept],
            self._raters(random, items, overlap)[kept],
            category[kept],
            n_categories=Q,
            n_items=items,
            n_raters=self.raters,
            prompt=np.arange(items) // self.per_prompt,
        )

    def _raters(self, random: np.random.Generator, items: int, overlap: int) -> NDArray[np.int64]:
        """Distinct raters for each item, in a row (Gumbel's trick: the largest noisy weights)."""
        if self.raters == overlap:
            return np.tile(np.arange(overlap), items)
        weight = -np.log(np.arange(1, self.raters + 1)) if self.zipf else np.zeros(self.raters)
        noisy = weight + random.gumbel(size=(items, self.raters))
        return np.argsort(-noisy, axis=1)[:, :overlap].ravel()


def measured(
    name: str,
    design: Design,
    runs: int,
    seed: int,
    figures: Iterable[str],
    *,
    as_independent: bool = False,
) -> list[Measured]:
    figures = list(figures)
    random = np.random.default_rng(seed)
    large = replace(design, prompts=60_000).draw(random)
    truth = {figure: FIGURES[figure](large).estimate for figure in figures}
    hits: dict[str, list[float]] = {figure: [] for figure in figures}
    for _ in range(runs):
        one = design.draw(random)
        if as_independent:
            one = replace(one, prompt=None)
        for figure in figures:
            found = FIGURES[figure](one)
            assert found.low is not None
            assert found.high is not None
            hits[figure].append(float(found.low <= (truth[figure] or 0) <= found.high))
    return [Measured.of(name, figure, AGREEMENT, hit) for figure, hit in hits.items()]


def test_intervals_of_alpha_and_ac1_cover_in_small_studies(record_property: Record) -> None:
    figures = ["alpha, nominal", "alpha, ordinal", "AC1"]
    hold(record_property, measured("60 items", Design(60), 250, 1, figures))


def test_intervals_cover_where_items_share_prompts_and_would_not_if_taken_as_independent(
    record_property: Record,
) -> None:
    figures, design = ["alpha, nominal", "percent agreement"], Design(40, per_prompt=10)
    hold(record_property, measured("40 prompts of 10 items", design, 200, 2, figures))
    blind = measured("", design, 200, 2, figures, as_independent=True)
    assert max(row.share for row in blind) < 0.9
    assert not any(row.holds for row in blind)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("name", "design", "figures"),
    [
        ("30 items", Design(30), CLUSTERED),
        ("60 items", Design(60), FIGURES),
        ("200 items", Design(200), FIGURES),
        ("40 prompts of 4 items", Design(40, per_prompt=4), CLUSTERED),
        ("few: 2 raters, 100 items", Design(100, raters=2), FIGURES),
        ("load Zipf(1), 20 raters", Design(200, raters=20, zipf=True), CLUSTERED),
        ("20 raters, 40 prompts of 4", Design(40, per_prompt=4, raters=20), CLUSTERED),
    ],
)
def test_every_coefficient_covers(
    name: str, design: Design, figures: Iterable[str], record_property: Record
) -> None:
    hold(record_property, measured(name, design, 1_000, 3, figures))


def shares(
    random: np.random.Generator, prompts: int, per_prompt: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    p = np.repeat(random.beta(4, 1.5, prompts), per_prompt)
    return random.random(p.size) < p, np.repeat(np.arange(prompts), per_prompt)


@pytest.mark.slow
@pytest.mark.parametrize(("prompts", "per_prompt"), [(30, 4), (80, 12), (200, 1)])
def test_shares_by_prompt_cover(prompts: int, per_prompt: int, record_property: Record) -> None:
    random = np.random.default_rng(4)
    runs, hits = 2000, []
    for _ in range(runs):
        figure = share_by_prompt(*shares(random, prompts, per_prompt), method="x")
        assert figure.low is not None
        assert figure.high is not None
        hits.append(float(figure.low <= 4 / 5.5 <= figure.high))
    name = f"{prompts} prompts of {per_prompt}"
    hold(record_property, [Measured.of(name, "share of a judge", AGREEMENT, hits)])


@pytest.mark.slow
def test_rogan_gladen_covers_with_both_sources_of_error(record_property: Record) -> None:
    random = np.random.default_rng(5)
    runs, hits = 20_000, []
    for _ in range(runs):
        positives = int(np.clip(random.binomial(100, 0.6), 1, 99))
        q1 = random.binomial(positives, 0.85) / positives
        q0 = random.binomial(100 - positives, 0.8) / (100 - positives)
        rate = random.binomial(60, 0.6 * 0.85 + 0.4 * 0.2) / 60
        figure = rogan_gladen(rate, q0, q1, n=60, negatives=100 - positives, positives=positives)
        assert figure.low is not None
        assert figure.high is not None
        hits.append(float(figure.low <= 0.6 <= figure.high))
    band = Band(0.95, 0.93, 1.0)
    hold(record_property, [Measured.of("100 labelled", "Rogan-Gladen win rate", band, hits)])
