"""What must hold for agreement on any ratings."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reports.stats.agreement import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    fleiss_kappa_classical,
    gwet_ac,
    linear_weights,
    percent_agreement,
)
from reports.stats.cohen import cohen_kappa, pairwise_kappa
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Ratings, ratings
from reports.stats.results import Estimate, WarningCode

Q = 3
Rows = list[tuple[int, int, int]]
Coefficient = Callable[[Ratings], Estimate]

COEFFICIENTS: dict[str, Coefficient] = {
    "percent": lambda r: percent_agreement(r.item_counts()),
    "fleiss": lambda r: fleiss_kappa(r.item_counts()),
    "ac1": lambda r: gwet_ac(r.item_counts()),
    "brennan_prediger": lambda r: brennan_prediger(r.item_counts()),
    "alpha": lambda r: krippendorff_alpha(r.item_counts()),
    "conger": lambda r: conger_kappa(r, r.item_counts()),
}
ORDINAL: dict[str, Coefficient] = {
    "alpha_ordinal": lambda r: krippendorff_alpha(r.item_counts(), "ordinal"),
    "ac2": lambda r: gwet_ac(r.item_counts(), linear_weights(Q)),
    "fleiss_linear": lambda r: fleiss_kappa(r.item_counts(), linear_weights(Q)),
}

ALL = {**COEFFICIENTS, **ORDINAL}

several_ratings = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, Q - 1)),
    min_size=1,
    max_size=24,
    unique_by=lambda row: row[:2],
)
two_raters = st.lists(
    st.tuples(st.integers(0, Q - 1), st.integers(0, Q - 1)), min_size=2, max_size=20
)


def rate(rows: Rows, prompt: list[int] | None = None) -> Ratings:
    return ratings(*np.array(rows).T, n_categories=Q, n_items=6, n_raters=4, prompt=prompt)


def same(one: Estimate, other: Estimate, figure: str = "") -> None:
    for name in ("estimate", "low", "high", "se"):
        first, second = getattr(one, name), getattr(other, name)
        assert (first is None) == (second is None), (figure, name)
        if first is not None:
            assert second == pytest.approx(first, abs=1e-9), (figure, name)


@given(rows=several_ratings, swap=st.permutations(range(Q)))
def test_permuting_categories_leaves_nominal_figures(rows: Rows, swap: list[int]) -> None:
    plain, permuted = rate(rows), rate([(i, g, swap[k]) for i, g, k in rows])
    for name, coefficient in COEFFICIENTS.items():
        same(coefficient(plain), coefficient(permuted), name)


@given(rows=several_ratings)
def test_mirroring_every_item_leaves_every_figure(rows: Rows) -> None:
    plain, mirrored = rate(rows), rate([(i, g, Q - 1 - k) for i, g, k in rows])
    for name, coefficient in ALL.items():
        same(coefficient(plain), coefficient(mirrored), name)


@given(
    rows=several_ratings,
    items=st.permutations(range(6)),
    raters=st.permutations(range(4)),
    random=st.randoms(use_true_random=False),
)
def test_names_of_items_and_raters_do_not_matter(
    rows: Rows, items: list[int], raters: list[int], random: object
) -> None:
    renamed = [(items[i], raters[g], k) for i, g, k in rows]
    random.shuffle(renamed)  # type: ignore[attr-defined]
    plain, other = rate(rows), rate(renamed)
    for name, coefficient in ALL.items():
        same(coefficient(plain), coefficient(other), name)


@given(rows=several_ratings)
def test_row_order_does_not_change_a_single_bit(rows: Rows) -> None:
    plain, reversed_ = rate(rows), rate(rows[::-1])
    for coefficient in ALL.values():
        assert coefficient(plain).as_dict() == coefficient(reversed_).as_dict()


@given(rows=several_ratings, prompt=st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_intervals_hold_the_estimate_and_stay_in_range_and_gaps_have_reasons(
    rows: Rows, prompt: list[int]
) -> None:
    rated = rate(rows, prompt)
    for name, coefficient in ALL.items():
        figure = coefficient(rated)
        if figure.estimate is None:
            assert figure.warnings, name
            assert figure.details["reason"], name
            assert figure.low is None, name
            continue
        assert figure.estimate <= 1 + 1e-12, name
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.estimate + 1e-12, name
            assert figure.estimate <= figure.high + 1e-12, name
            assert figure.high <= 1, name
            assert figure.low < figure.high or figure.estimate < 1, "certainty from a few items"


@given(several_ratings)
def test_identity_weights_turn_weighted_figures_into_plain_ones(rows: Rows) -> None:
    rated = rate(rows)
    counts = rated.item_counts()
    identity = np.eye(Q)
    same(gwet_ac(counts), gwet_ac(counts, identity))
    same(fleiss_kappa(counts), fleiss_kappa(counts, identity))
    same(conger_kappa(rated, counts), conger_kappa(rated, counts, identity))
    same(krippendorff_alpha(counts), krippendorff_alpha(counts, weights=identity))


@given(two_raters)
def test_weighted_cohen_kappa_with_identity_weights_is_cohen_kappa(
    pairs: list[tuple[int, int]],
) -> None:
    table = np.bincount([k * Q + m for k, m in pairs], minlength=Q * Q).reshape(Q, Q)
    same(cohen_kappa(table), cohen_kappa(table, np.eye(Q)))


@given(two_raters)
def test_with_two_raters_fleiss_is_scotts_pi_and_conger_is_cohen(
    pairs: list[tuple[int, int]],
) -> None:
    n = len(pairs)
    rows = [(i, g, pair[g]) for i, pair in enumerate(pairs) for g in (0, 1)]
    rated = ratings(*np.array(rows).T, n_categories=Q)
    table = np.bincount([k * Q + m for k, m in pairs], minlength=Q * Q).reshape(Q, Q) / n
    margin = (table.sum(axis=0) + table.sum(axis=1)) / 2
    assume(margin.max() < 1)
    scott = (np.trace(table) - margin @ margin) / (1 - margin @ margin)
    assert fleiss_kappa(rated.item_counts()).estimate == pytest.approx(scott)
    cohen = cohen_kappa(table * n)
    if cohen.estimate is not None:
        conger = conger_kappa(rated, rated.item_counts())
        assert conger.estimate == pytest.approx(cohen.estimate)


@given(
    st.integers(2, 4).flatmap(
        lambda r: st.lists(
            st.lists(st.integers(0, Q - 1), min_size=r, max_size=r), min_size=2, max_size=8
        )
    )
)
def test_alpha_with_equally_many_votes_is_fleiss_with_a_small_sample_factor(
    items: list[list[int]],
) -> None:
    rows = [(i, g, k) for i, votes in enumerate(items) for g, k in enumerate(votes)]
    counts = ratings(*np.array(rows).T, n_categories=Q).item_counts()
    kappa, alpha = fleiss_kappa(counts), krippendorff_alpha(counts)
    if kappa.estimate is None:
        assert alpha.estimate is None
        return
    n = len(rows)
    assert alpha.estimate == pytest.approx(1 - (1 - kappa.estimate) * (n - 1) / n)


def naive_percent(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Pooled share of equal pairs and number of pairs, pair by pair."""
    equal = pairs = 0
    for row in counts:
        votes = np.repeat(np.arange(row.size), row)
        for first, second in itertools.combinations(votes, 2):
            equal += int(first == second)
            pairs += 1
    return equal / pairs, pairs


def naive_alpha(counts: NDArray[np.int64], ordinal: bool) -> float:
    """Alpha from the definition of its two disagreements."""
    counts = counts[counts.sum(axis=1) >= 2]
    totals = counts.sum(axis=0)
    q, n = totals.size, totals.sum()

    def distance(k: int, m: int) -> float:
        if not ordinal:
            return float(k != m)
        low, high = min(k, m), max(k, m)
        return float(totals[low : high + 1].sum() - (totals[low] + totals[high]) / 2) ** 2

    cells = [(k, m) for k in range(q) for m in range(q) if k != m]
    observed = sum(
        distance(k, m) * row[k] * row[m] / (row.sum() - 1) for row in counts for k, m in cells
    )
    expected = sum(distance(k, m) * totals[k] * totals[m] for k, m in cells)
    return float(1 - (observed / n) / (expected / (n * (n - 1))))


@given(several_ratings)
def test_fast_figures_equal_their_naive_twins(rows: Rows) -> None:
    rated = rate(rows)
    dense = rated.counts()
    counts = rated.item_counts()
    percent = percent_agreement(counts)
    if percent.estimate is None:
        assert dense.sum(axis=1).max() < 2
        return
    share, pairs = naive_percent(dense)
    assert percent.estimate == pytest.approx(share)
    assert percent.n == pairs
    if np.count_nonzero(dense[dense.sum(axis=1) >= 2].sum(axis=0)) > 1:
        assert krippendorff_alpha(counts).estimate == pytest.approx(naive_alpha(dense, False))
        assert krippendorff_alpha(counts, "ordinal").estimate == pytest.approx(
            naive_alpha(dense, True)
        )


@given(several_ratings)
def test_all_pairwise_kappas_equal_those_of_their_tables(rows: Rows) -> None:
    rated = rate(rows)
    fast = {(g, h): kappa for g, h, kappa in pairwise_kappa(rated, fewest=1).estimates()}
    by_rater: dict[int, dict[int, int]] = {}
    for i, g, k in rows:
        by_rater.setdefault(g, {})[i] = k
    for g, h in itertools.combinations(sorted(by_rater), 2):
        shared = by_rater[g].keys() & by_rater[h].keys()
        assert ((g, h) in fast) == bool(shared)
        if shared:
            table = np.zeros((Q, Q), dtype=np.int64)
            for item in shared:
                table[by_rater[g][item], by_rater[h][item]] += 1
            assert fast[g, h].n == len(shared)
            same(fast[g, h], cohen_kappa(table))


@pytest.fixture(scope="module")
def many_ratings() -> Ratings:
    """200 items in 60 prompts, up to four raters with tastes, some votes missing."""
    random = np.random.default_rng(20)
    item, rater = np.divmod(np.arange(800), 4)
    truth = random.choice(Q, 200, p=[0.4, 0.2, 0.4])
    faithful = random.random(800) < np.array([0.8, 0.7, 0.6, 0.5])[rater]
    category = np.where(faithful, truth[item], random.integers(0, Q, 800))
    kept = random.random(800) > 0.2
    prompt = random.integers(0, 60, 200)
    return ratings(
        item[kept], rater[kept], category[kept], n_categories=Q, n_items=200, prompt=prompt
    )


def without(rated: Ratings, unit: NDArray[np.int64], value: int) -> Ratings:
    row = unit[rated.item] != value
    return ratings(
        rated.item[row],
        rated.rater[row],
        rated.category[row],
        n_categories=Q,
        n_items=rated.n_items,
        prompt=rated.prompt,
    )


@pytest.mark.parametrize("cluster", [False, True], ids=["items", "prompts"])
@pytest.mark.parametrize("name", sorted(ALL))
def test_the_linearised_error_is_that_of_a_delete_one_jackknife(
    name: str, cluster: bool, many_ratings: Ratings
) -> None:
    coefficient = ALL[name]
    rated = many_ratings
    assert rated.prompt is not None
    unit = rated.prompt if cluster else np.arange(rated.n_items)
    if not cluster:
        rated = ratings(
            rated.item, rated.rater, rated.category, n_categories=Q, n_items=rated.n_items
        )
    units = np.unique(unit[np.unique(rated.item)])
    left_out = np.array([coefficient(without(rated, unit, u)).estimate for u in units])
    spread = (units.size - 1) / units.size * ((left_out - left_out.mean()) ** 2).sum()
    assert coefficient(rated).se == pytest.approx(np.sqrt(spread), rel=0.03)


def test_prompts_are_summed_before_squaring_with_the_small_sample_factor() -> None:
    # Four prompts of two items; shares of agreeing pairs 1, 0, 1, 1, 0, 0, 1, 1.
    agreeing = [1, 0, 1, 1, 0, 0, 1, 1]
    rows = [(i, g, g * (1 - same_)) for i, same_ in enumerate(agreeing) for g in (0, 1)]
    rated = ratings(*np.array(rows).T, n_categories=Q, prompt=np.arange(8) // 2)
    sums = np.array([1, 2, 0, 2]) - 2 * 5 / 8
    assert percent_agreement(rated.item_counts()).se == pytest.approx(
        np.sqrt(4 / 3 * (sums**2).sum()) / 8
    )
    alone = ratings(*np.array(rows).T, n_categories=Q).item_counts()
    assert percent_agreement(alone).se == pytest.approx(np.std(agreeing, ddof=1) / np.sqrt(8))


def test_the_classical_kappa_takes_the_larger_of_two_equally_common_numbers_of_votes() -> None:
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 1), (1, 2, 1), (2, 0, 1)]
    kappa = fleiss_kappa_classical(rate(rows).item_counts())
    assert kappa.details["votes_per_item"] == 3
    assert kappa.n == 1
    assert kappa.details["generalised"]["n"] == 2


def test_one_annotator_one_category_and_no_pair_each_say_why() -> None:
    alone = rate([(0, 0, 0), (1, 0, 1)])
    apart = rate([(0, 0, 0), (1, 1, 1)])
    uniform = rate([(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
    for coefficient in COEFFICIENTS.values():
        assert coefficient(alone).warnings == (WarningCode.SINGLE_ANNOTATOR,)
        assert coefficient(apart).warnings == (WarningCode.NO_VOTES,)
    for name in ("fleiss", "ac1", "brennan_prediger", "alpha", "conger"):
        assert COEFFICIENTS[name](uniform).warnings == (WarningCode.DEGENERATE_SCALE,)
        assert COEFFICIENTS[name](uniform).estimate is None
    assert COEFFICIENTS["percent"](uniform).estimate == 1


def test_complete_agreement_never_claims_certainty() -> None:
    # A program whose standard error is 0 here would print the interval [1, 1].
    rows = [(i, g, i % 2) for i in range(6) for g in range(3)]
    for name, coefficient in COEFFICIENTS.items():
        figure = coefficient(rate(rows))
        assert figure.estimate == pytest.approx(1), name
        assert figure.low is not None
        assert figure.low < 0.8, name
        assert figure.high == 1, name


def test_gwets_coefficient_counts_categories_that_nobody_used() -> None:
    rows = np.array([(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 0), (2, 0, 1), (2, 1, 1)]).T
    values = [gwet_ac(ratings(*rows, n_categories=q).item_counts()).estimate for q in (2, 3, 4)]
    assert len(set(values)) == 3
    fleiss = {fleiss_kappa(ratings(*rows, n_categories=q).item_counts()).estimate for q in (2, 3)}
    assert len(fleiss) == 1


def test_orientation_by_outcome_is_found_out() -> None:
    # Every item turned so that its majority says a: alpha halves, and the figure says so.
    random = np.random.default_rng(3)
    truth = np.repeat(random.integers(0, 2, 300) * 2, 3)
    noise = np.where(random.random(900) < 0.25, 2 - truth, truth)
    item, rater = np.divmod(np.arange(900), 3)
    mirror = np.array([2, 1, 0])
    blind = ratings(item, rater, noise, n_categories=3).item_counts()
    turned_category = np.where(
        np.repeat(noise.reshape(300, 3).mean(axis=1) > 1, 3), 2 - noise, noise
    )
    turned = ratings(item, rater, turned_category, n_categories=3).item_counts()
    fair, biased = (krippendorff_alpha(c, mirror=mirror) for c in (blind, turned))
    assert WarningCode.ORIENTATION_SENSITIVE not in fair.warnings
    assert WarningCode.ORIENTATION_SENSITIVE in biased.warnings
    assert fair.estimate is not None
    assert biased.estimate is not None
    assert biased.estimate < fair.estimate / 2
    assert biased.details["symmetrised"] == pytest.approx(fair.estimate, abs=0.01)
    for coefficient in (fleiss_kappa, gwet_ac):
        assert WarningCode.ORIENTATION_SENSITIVE in coefficient(turned, mirror=mirror).warnings
        assert not coefficient(blind, mirror=mirror).warnings
