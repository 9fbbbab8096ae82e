"""Times within one process that has imported everything, as JSON.

``python -m tests.benchmarks.in_process usual|cells SLUG`` with DATABASE_URL set; started by
:mod:`tests.benchmarks.bench_analyze`.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
django.setup()

from annotation.models import Study  # noqa: E402
from reports import analysis  # noqa: E402
from reports.stats.bradley_terry import fit_bradley_terry, fit_scores  # noqa: E402
from reports.stats.strength_covariance import iid_covariance_from_cells  # noqa: E402
from reports.steering.reading import count_cells, grouped_votes  # noqa: E402

ROUNDS = 5


def timed(work: Callable[[int], object], rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of wall and processor time; the first round, in which all is loaded, aside."""
    work(0)
    seconds, processor = [], []
    for number in range(1, rounds + 1):
        wall, own = time.perf_counter(), time.process_time()
        work(number)
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - own)
    return statistics.median(seconds), statistics.median(processor)


def usual(study: Study) -> dict[str, float]:
    # Seeds that the command did not use: an analysis of the same input and seed is only read.
    seconds, processor = timed(lambda number: analysis.run(study, seed=1_000 + number))
    return {"seconds": seconds, "processor": processor}


def cells(study: Study) -> dict[str, float]:
    systems = tuple(sorted(study.systems.values_list("name", flat=True)))

    def query(_: int) -> object:
        return list(grouped_votes(study))

    def board(_: int) -> object:
        found = count_cells(study, systems)
        fit = fit_bradley_terry(found)
        return [iid_covariance_from_cells(found, part) for part in fit.components]

    # In turns, as the load on the machine changes.
    alone, whole = [], []
    for _ in range(ROUNDS):
        alone.append(timed(query, 1)[0])
        whole.append(timed(board, 1))
    found = count_cells(study, systems)
    fit = fit_bradley_terry(found)
    score, total = found.scores()

    def update(number: int) -> object:
        score[number, number + 1] += 1
        total[number, number + 1] += 1
        total[number + 1, number] += 1
        return fit_scores(score, total, start=fit.strengths)

    seconds, processor = timed(update, 51)
    return {
        "query_seconds": statistics.median(alone),
        "seconds": statistics.median(wall for wall, _ in whole),
        "processor": statistics.median(own for _, own in whole),
        "update_seconds": seconds,
        "update_processor": processor,
    }


def main(what: str, slug: str) -> None:
    study = Study.objects.get(slug=slug)
    found = {"usual": usual, "cells": cells}[what](study)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
