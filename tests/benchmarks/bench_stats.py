"""Fits, errors and rank sets against the least work that any program must do.

Run with ``python -m tests.benchmarks.bench_stats [b] [c]`` (50 systems and 100,000 votes; 200
systems and 2,000,000 votes). Floor and figure alternate in one process on one thread; the ratio
of their medians is printed with the ratio aimed at. Nothing fails here: absolute times do not
travel.

What a floor leaves out is told by the ratio: that of the half-win fit has no gradient, no look at
components and separation and no last information, which of 50 systems take longer than the six
solves; that of max-t takes the root of the matrix for granted, whose eigenvalues take 4 ms of 200
systems. The floor of the leaderboard has the work of its parts: the fit, a solve for each annotator
where CR3 is affordable, the sums of scores by cluster, the sums of points of each system by
annotator and by prompt, and the draws.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.clusters import compact
from reports.stats.covariance import CR3_LIMIT, Covariance, cr1
from reports.stats.head_to_head import head_to_head
from reports.stats.leaderboard import leaderboard
from reports.stats.simultaneous import max_t_quantile, rank_sets
from reports.stats.strength_covariance import (
    component_design,
    iid_covariance_from_cells,
    strength_covariance,
)
from reports.stats.votes import Votes
from tests.benchmarks.table import Line, report

ROUNDS = 7
# A longer step is steady enough to be measured once.
LONG_SECONDS = 3
TIE_RATE = 0.25
CASES = {"a": (10, 2_000), "b": (50, 100_000), "c": (200, 2_000_000)}

Work = Callable[[], object]


def draw(systems: int, n: int) -> Votes:
    """Votes of 500 annotators on a prompt for every twenty votes."""
    random = np.random.default_rng(1)
    theta = random.normal(0, 0.6, systems)
    a = random.integers(0, systems, n)
    b = (a + 1 + random.integers(0, systems - 1, n)) % systems
    won = random.random(n) < expit(theta[a] - theta[b])
    verdict = np.where(random.random(n) < TIE_RATE, 1, np.where(won, 0, 2))
    return Votes.from_arrays(
        a,
        b,
        verdict,
        prompt=random.integers(0, max(2, n // 20), n),
        annotator=random.integers(0, 500, n),
        side=random.choice([-1, 1], n),
        n_systems=systems,
    )


@dataclass(frozen=True)
class Bench:
    """One function of ours with its floor, the ratio aimed at (0 for none) and a target in s."""

    name: str
    floor: Work
    ours: Work
    aim: float
    target: float | None = None

    @property
    def beside(self) -> str:
        return self.floor.__name__.replace("_", " ")


def benches(votes: Votes) -> list[Bench]:
    """The pairs of floor and figure of each step: the smallest sensible numpy."""
    m = votes.n_systems
    cells = Cells.from_votes(votes)
    score, total = cells.scores()
    fit = fit_bradley_terry(cells)
    part = fit.components[0]
    design, _ = component_design(votes, part)
    people, people_count = compact(votes.annotator)
    points = votes.score()
    random = np.random.default_rng(2)
    root = random.normal(0, 1, (m, m))
    matrix = root @ root.T / m
    given = Covariance(matrix, 40.0, "given", {}, {})
    draws = 20_000 if m <= 50 else 2_000
    z = random.standard_normal((m, draws))
    first, second = np.triu_indices(m, 1)
    theta = part.strengths

    def count_codes() -> object:
        code = votes.system_a.astype(np.int64) * m + votes.system_b
        code = (code * 3 + votes.side + 1) * 4 + votes.verdict
        return np.bincount(code, minlength=m * m * 12)

    def six_newton_steps() -> object:
        for _ in range(6):
            p = expit(theta[:, None] - theta)
            step = np.linalg.solve(np.eye(m) + total * p, (score - total * p).sum(axis=1))
        return step

    def one_inverse() -> object:
        inverse = np.linalg.inv(part.information + 1.0)
        return inverse @ total @ inverse

    def two_bincounts() -> object:
        start = people * np.int64(m)
        size = people_count * m
        sums = np.bincount(start + design.a, design.residual, size)
        sums -= np.bincount(start + design.b, design.residual, size)
        table = sums.reshape(people_count, m)
        return table.T @ table

    def draw_normals() -> object:
        return matrix @ np.random.default_rng(3).standard_normal((m, draws))

    def two_passes() -> object:
        for _ in range(2):
            largest = np.zeros(draws)
            for low in range(0, first.size, 100):
                rows = slice(low, low + 100)
                gap = np.abs(z[first[rows]] - z[second[rows]])
                largest = np.maximum(largest, gap.max(axis=0))
        return largest

    def bincount_newton_and_sandwich() -> object:
        return count_codes(), six_newton_steps(), one_inverse()

    def board_from_votes() -> object:
        found = Cells.from_votes(votes)
        fit = fit_bradley_terry(found)
        return [iid_covariance_from_cells(found, part) for part in fit.components]

    def solve_for_each_annotator() -> object:
        if people_count * m * m > CR3_LIMIT:
            return None
        regular = part.information + np.trace(part.information) / m**2
        sides = np.ones((m, 2))
        return [np.linalg.solve(regular, sides) for _ in range(people_count)]

    def points_of_systems() -> object:
        for own in (votes.system_a, votes.system_b):
            code = own * np.int64(people_count) + people
            np.bincount(code, points, m * people_count)
            # A table of systems by prompts would be nearly empty: the votes are sorted.
            order = np.lexsort((own, votes.prompt))
            np.bincount(np.cumsum(np.diff(own[order], prepend=0) != 0), points[order])
        return None

    def all_floors() -> object:
        count_codes()
        six_newton_steps()
        solve_for_each_annotator()
        points_of_systems()
        for _ in range(3):
            two_bincounts()
        draw_normals()
        return two_passes()

    return [
        Bench("codes to cells", count_codes, lambda: Cells.from_votes(votes), 2),
        Bench("half-win fit", six_newton_steps, lambda: fit_bradley_terry(cells), 1.5),
        Bench("iid sandwich", one_inverse, lambda: iid_covariance_from_cells(cells, part), 2),
        Bench("cells, fit, iid errors", bincount_newton_and_sandwich, board_from_votes, 2),
        Bench("one CR1 dimension", two_bincounts, lambda: cr1(design, people, people_count), 2),
        Bench("max-t", draw_normals, lambda: max_t_quantile(given, seed=1), 1.5),
        Bench("rank sets", two_passes, lambda: rank_sets(theta, given, seed=1), 2, 0.6),
        Bench("two-way covariance", two_bincounts, lambda: strength_covariance(votes, fit), 0, 2.0),
        Bench("leaderboard", all_floors, lambda: leaderboard(votes, seed=1), 3),
        Bench("head to head", count_codes, lambda: head_to_head(votes, seed=1), 0),
    ]


def timed(work: Work) -> tuple[float, float]:
    """Wall and processor seconds of one run."""
    wall, own = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - own


def peak_megabytes(work: Work) -> float:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def measured(bench: Bench, name: str) -> Line:
    """Floor and figure in turns, both by the seconds of one core, which other work disturbs less.

    The name tells the memory that the figure took beyond its input, and the floor's the time on
    the clock.
    """
    floors, ours = [], []
    bench.floor()
    if timed(bench.ours)[0] < LONG_SECONDS:
        for _ in range(ROUNDS):
            floors.append(timed(bench.floor))
            ours.append(timed(bench.ours))
    else:
        floors, ours = [timed(bench.floor)], [timed(bench.ours)]
    wall, own = (statistics.median(column) for column in zip(*ours, strict=True))
    _, least = (statistics.median(column) for column in zip(*floors, strict=True))
    return Line(
        f"{name}, {peak_megabytes(bench.ours):.0f} MB",
        own,
        None,
        bench.target,
        f"{bench.beside}; wall {wall * 1000:.3g} ms",
        least,
        bench.aim or None,
    )


def run(benches: Callable[[Votes], list[Bench]], arguments: list[str]) -> None:
    """Time the benches of each case and print them."""

    def lines() -> Iterator[Line]:
        for case in [name for name in arguments if name in CASES] or ["b"]:
            systems, n = CASES[case]
            for bench in benches(draw(systems, n)):
                yield measured(bench, f"{bench.name}, {systems} systems, {n:,} votes")

    report(lines(), as_json="--json" in arguments)


if __name__ == "__main__":
    run(benches, sys.argv[1:])
