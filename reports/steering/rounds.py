"""One round of steering a study: stop what is decided, then weigh what goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from annotation import audit, queue
from annotation.models import Stopping, Study, StudyState, StudyVersion, System
from annotation.rules import Policy, rules_of
from reports.settled_votes import settled_votes
from reports.stats.cells import Cells
from reports.stats.early_stopping import NO_FAMILY, EarlyStops, early_stops
from reports.stats.head_to_head import pair_counts
from reports.stats.results import VerdictCode
from reports.stats.sampling_policies import CellCounts, weigh
from reports.stats.votes import IntArray, Votes
from reports.stats.win_rates import pair_mean_scores

from .reading import StudyCells, evidence_of, read_cells, read_evidence, read_votes

# Of the stopping rule: 1 - level is the share of false stops allowed.
LEVEL = 0.95

# The first half of the key of PostgreSQL's advisory lock; the second is the study.
LOCK_SPACE = 0x57EE2

# With SQLite one process does the background work, in two threads.
_steered_here: set[int] = set()
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Stop:
    """A pair of systems that is decided, by names; votes, e-value and what it had to reach."""

    system_a: str
    system_b: str
    votes: int
    e_value: float
    needed: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Steered:
    """What a round did.

    Attributes
    ----------
    policy : Policy
    weighed : int
        Cells whose weight was set; none under the policy uniform.
    stopped : int
        Pairs of systems that were stopped in this round.
    """

    policy: Policy
    weighed: int
    stopped: int


def steer(study: Study) -> Steered | None:
    """Set the priorities of an open study, and stop its decided pairs if its rule allows.

    Under the policy uniform no weight is set; a study whose stopping is fixed never stops early.
    What is read and decided is seen by nobody, so that this is no look (docs/decisions/0013).

    Returns
    -------
    Steered or None
        None where the study is being steered at this moment.
    """
    policy = policy_of(study)
    if not needs_steering(study):
        return Steered(policy, 0, 0)
    may_stop = stops_early(study)
    with settled_votes(study), alone_with(study) as free:
        if not free:
            return None
        cells = read_cells(study)
        if not cells.keys:
            return Steered(policy, 0, 0)
        stops: list[Stop] = []
        counts = cells.counts
        if may_stop:
            votes = read_votes(study, cells.systems)
            stops, counts = decided(cells, votes)
            evidence = evidence_of(Cells.from_votes(votes))
        else:
            evidence = read_evidence(study, cells.systems)
        weight = None if policy == Policy.UNIFORM else weigh(policy, counts, evidence)
    stopped = sum(stop_pair(study, stop) for stop in stops)
    if weight is not None:
        queue.set_priorities(study, dict(zip(cells.keys, weight.tolist(), strict=True)))
    return Steered(policy, 0 if weight is None else len(cells.keys), stopped)


def needs_steering(study: Study) -> bool:
    """Whether votes may decide anything of an open study's further collection."""
    if study.state != StudyState.OPEN:
        return False
    return policy_of(study) != Policy.UNIFORM or stops_early(study)


def policy_of(study: Study) -> Policy:
    return rules_of(study.rules).priorities.policy


def stops_early(study: Study) -> bool:
    """Whether the rule that was fixed with the study's version allows it."""
    version = StudyVersion.objects.filter(study=study).order_by("-number").first()
    return version is not None and version.stopping == Stopping.SEQUENTIAL


def decided(cells: StudyCells, votes: Votes) -> tuple[list[Stop], CellCounts]:
    """The pairs to stop now, and the counts as they are once these are stopped."""
    counts = cells.counts
    first, second = np.triu_indices(counts.n_systems, 1)
    family, stopped = families(counts, first.size)
    tally = pair_counts(Cells.from_votes(votes))
    found = early_stops(
        tally[:, VerdictCode.A],
        tally[:, VerdictCode.TIE] + tally[:, VerdictCode.BOTH_BAD],
        tally[:, VerdictCode.B],
        pair_mean_scores(votes),
        family,
        stopped,
        level=LEVEL,
    )
    size = int((family != NO_FAMILY).sum())
    new = np.flatnonzero(found.stop & ~stopped)
    stops = [
        Stop(
            cells.systems[first[pair]],
            cells.systems[second[pair]],
            int(tally[pair].sum()),
            float(found.e_value[pair]),
            float(found.needed[pair]),
            size,
        )
        for pair in new.tolist()
    ]
    return stops, as_stopped(counts, found)


def families(counts: CellCounts, pairs: int) -> tuple[IntArray, NDArray[np.bool_]]:
    """One family of all pairs that the study compares; those whose every cell has ended."""
    family = np.full(pairs, NO_FAMILY)
    family[counts.pair] = 0
    going = np.zeros(pairs, dtype=bool)
    going[counts.pair[~counts.stopped]] = True
    return family, (family != NO_FAMILY) & ~going


def as_stopped(counts: CellCounts, found: EarlyStops) -> CellCounts:
    return CellCounts(
        system_a=counts.system_a,
        system_b=counts.system_b,
        wanted=counts.wanted,
        taken=counts.taken,
        stopped=counts.stopped | found.stop[counts.pair],
        n_systems=counts.n_systems,
    )


def stop_pair(study: Study, stop: Stop) -> bool:
    """Tell the queue, and write it down under codes; False where another round was quicker."""
    with transaction.atomic():
        if not queue.stop(study, stop.system_a, stop.system_b):
            return False
        # The order of the names would tell something of the codes.
        codes = System.objects.filter(study=study, name__in=[stop.system_a, stop.system_b])
        audit.record(
            study,
            None,
            "pair.stopped",
            {
                "systems": sorted(
                    codes.values_list("code", flat=True), key=lambda code: (len(code), code)
                ),
                "votes": stop.votes,
                "e_value": rounded(stop.e_value),
                "needed": rounded(stop.needed),
                "pairs": stop.pairs,
                "level": LEVEL,
            },
        )
    return True


def rounded(value: float) -> float:
    """To four digits: more would only be noise in a log."""
    return float(f"{value:.4g}")


@contextmanager
def alone_with(study: Study) -> Iterator[bool]:
    """Whether no other round reads this study now. It saves work: two rounds would agree.

    On PostgreSQL across machines, until the transaction of the reading ends; elsewhere within the
    process.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_SPACE, study.pk])
            yield bool(cursor.fetchone()[0])
        return
    with _guard:
        free = study.pk not in _steered_here
        _steered_here.add(study.pk)
    try:
        yield free
    finally:
        if free:
            with _guard:
                _steered_here.discard(study.pk)
