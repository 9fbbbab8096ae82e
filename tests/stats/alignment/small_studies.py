"""Small made-up studies for the alignment tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reports.stats.alignment import Comparisons, Judgments, Order
from reports.stats.alignment.humans import Draws, Humans, human_labels
from reports.stats.alignment.judgments import Reconciled, reconcile
from reports.stats.votes import Votes

A, TIE, B, BAD, MISS = 0, 1, 2, 3, -1
AB, BA, BOTH = Order.AB, Order.BA, Order.BOTH


def comparisons(n: int, *, prompts: int | None = None, systems: int = 2) -> Comparisons:
    """Comparison i: systems i and i+1 (modulo), prompt i, or round-robin over `prompts`."""
    i = np.arange(n)
    prompt = i if prompts is None else i % prompts
    return Comparisons.from_arrays(prompt, i % systems, (i + 1) % systems, n_systems=systems)


def votes_on(study: Comparisons, rows: Sequence[tuple[int, int, int]]) -> Votes:
    """Votes from (comparison, annotator, verdict)."""
    item, annotator, verdict = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Votes.from_arrays(
        study.system_a[item],
        study.system_b[item],
        verdict,
        prompt=study.prompt[item],
        annotator=annotator,
        item=item,
        n_systems=study.n_systems,
        n_items=study.n,
    )


def panel(study: Comparisons, table: NDArray[np.int64]) -> Votes:
    """Votes from a (comparisons, annotators) table of verdicts; MISS for no vote."""
    item, annotator = np.nonzero(table != MISS)
    rows = np.column_stack([item, annotator, table[item, annotator]])
    return votes_on(study, [tuple(row) for row in rows.tolist()])


def judge_once(verdicts: Sequence[int], order: Order = BOTH) -> Judgments:
    """One call a comparison."""
    return Judgments.from_arrays(
        np.arange(len(verdicts)), np.full(len(verdicts), order), np.asarray(verdicts)
    )


def judge_twice(ab: Sequence[int], ba: Sequence[int]) -> Judgments:
    """Both orders of each comparison."""
    n = len(ab)
    return Judgments.from_arrays(
        np.tile(np.arange(n), 2), np.repeat([AB, BA], n), np.concatenate((ab, ba))
    )


def sides(
    study: Comparisons, votes: Votes, judgments: Judgments, draws: Draws = "exclude"
) -> tuple[Reconciled, Humans]:
    """Reconciled judge and human labels, as the figures take them."""
    return (
        reconcile(judgments, study.n),
        human_labels(votes, study, says_both_bad=judgments.says_both_bad, draws=draws),
    )
