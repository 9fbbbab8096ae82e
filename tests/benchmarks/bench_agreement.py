"""Agreement on many items and raters against the least work that any program must do.

Run with ``python -m tests.benchmarks.bench_agreement``. Floor and figure alternate in one
process on one thread; the ratio of their medians is printed with the ratio aimed at. Nothing
fails here: absolute times do not travel.

The floor of the Cohen matrix sorts the votes and counts them once. Three votes on an item are three
pairs of votes, and each of 113,000 pairs of raters has a table of nine cells with a kappa and an
error: that is what its ratio tells.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from reports.stats.agreement import brennan_prediger, conger_kappa, fleiss_kappa, gwet_ac
from reports.stats.agreement import linear_weights as linear
from reports.stats.alignment import Comparisons, Judgments, alignment
from reports.stats.cohen import pairwise_kappa
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Integers, ratings
from reports.stats.votes import Votes
from tests.benchmarks.bench_stats import Bench, measured
from tests.benchmarks.table import Line, report

Q = 3


@dataclass(frozen=True)
class Case:
    """Items with three votes each by randomly chosen raters."""

    item: Integers
    rater: Integers
    category: Integers

    @classmethod
    def draw(cls, items: int, raters: int) -> Case:
        random = np.random.default_rng(1)
        truth = random.integers(0, Q, items)
        item = np.repeat(np.arange(items), 3)
        # Three different raters: steps of at least one that cannot add up to a full round.
        steps = random.integers(1, raters // 2, (items, 2)).cumsum(axis=1)
        first = random.integers(0, raters, (items, 1))
        rater = np.concatenate((first, (first + steps) % raters), axis=1)
        faithful = random.random(item.size) < 0.7
        category = np.where(faithful, truth[item], random.integers(0, Q, item.size))
        return cls(item, rater.ravel(), category)


def floor_of_counts(case: Case) -> Callable[[], object]:
    """One bincount to n_ik and three passes over it."""

    def run() -> object:
        counts = np.bincount(case.item * Q + case.category).reshape(-1, Q).astype(np.float64)
        votes = counts.sum(axis=1)
        agreeing = (counts * (counts - 1)).sum(axis=1)
        shares = (counts / votes[:, None]).mean(axis=0)
        return agreeing, shares

    return run


def five_coefficients(case: Case) -> Callable[[], object]:
    """Fleiss, AC1, AC2, Brennan-Prediger and alpha, each with its error and interval."""
    rated = ratings(case.item, case.rater, case.category, n_categories=Q)

    def run() -> object:
        counts = rated.item_counts()
        return (
            fleiss_kappa(counts),
            gwet_ac(counts),
            gwet_ac(counts, linear(Q)),
            brennan_prediger(counts),
            krippendorff_alpha(counts),
        )

    return run


def conger(case: Case) -> Callable[[], object]:
    rated = ratings(case.item, case.rater, case.category, n_categories=Q)
    counts = rated.item_counts()
    return lambda: conger_kappa(rated, counts)


def floor_of_pairs(case: Case) -> Callable[[], object]:
    """Sorting by item and rater, and one bincount."""

    def run() -> object:
        order = np.lexsort((case.rater, case.item))
        return np.bincount((case.rater * Q + case.category)[order])

    return run


def all_pairs(case: Case) -> Callable[[], object]:
    """Checking, sorting, and Cohen's kappa with its error for every pair of raters."""

    def run() -> object:
        rated = ratings(case.item, case.rater, case.category, n_categories=Q)
        return pairwise_kappa(rated, fewest=1)

    return run


def whole_alignment(case: Case) -> Callable[[], object]:
    """Every alignment figure of a judge in both orders, bootstraps included."""
    items = int(case.item.max()) + 1
    a = np.arange(items) % 49
    prompt = np.arange(items) // 10
    study = Comparisons.from_arrays(prompt, a, a + 1)
    votes = Votes.from_arrays(
        a[case.item],
        a[case.item] + 1,
        case.category,
        prompt=prompt[case.item],
        annotator=case.rater,
        item=case.item,
    )
    said = case.category[np.concatenate((np.arange(0, 3 * items, 3), np.arange(1, 3 * items, 3)))]
    calls = Judgments.from_arrays(np.tile(np.arange(items), 2), np.repeat([0, 1], items), said)
    return lambda: alignment(study, votes, calls, seed=1)


def benches(items: int) -> list[Bench]:
    case = Case.draw(items, 500)
    name = f"{items:,} items, 3 of 500 raters"
    coefficients, alone = five_coefficients(case), conger(case)

    def bincount_and_three_passes() -> object:
        return least()

    def sort_and_bincount() -> object:
        return least_of_pairs()

    def all_coefficients() -> object:
        return coefficients(), alone()

    least, least_of_pairs = floor_of_counts(case), floor_of_pairs(case)
    return [
        Bench(f"five coefficients, {name}", bincount_and_three_passes, coefficients, 2),
        Bench(f"all coefficients, {name}", bincount_and_three_passes, all_coefficients, 0, 0.1),
        Bench(f"all pairwise Cohen, {name}", sort_and_bincount, all_pairs(case), 2),
        Bench(f"alignment of a judge, {name}", bincount_and_three_passes, whole_alignment(case), 0),
    ]


def lines() -> Iterator[Line]:
    """Ten thousand items and a hundred thousand: at most twelve times the time."""
    taken = {}
    for items in (10_000, 100_000):
        for bench in benches(items):
            line = measured(bench, bench.name)
            taken[bench.name.split(",")[0], items] = line.measured
            yield line
    for name in {name for name, _ in taken}:
        yield Line(f"{name}, ten times the items", taken[name, 100_000], None, None,
                   "the time of a tenth", taken[name, 10_000], 12)  # fmt: skip


if __name__ == "__main__":
    report(lines(), as_json="--json" in sys.argv)
