"""Votes for the tests of the statistics: by hand, at random, and by Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from reports.stats.votes import MIRRORED_VERDICT, Votes

Row = tuple[int, int, int, int, int, int]
"""system_a, system_b, verdict, side, prompt, annotator"""

N_PROMPTS, N_ANNOTATORS = 5, 3

Load = Literal["even", "zipf", "everyone"]


def votes_of(
    rows: Sequence[Row],
    *,
    n_systems: int | None = None,
    n_prompts: int | None = None,
    n_annotators: int | None = None,
) -> Votes:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6)
    return Votes.from_arrays(
        columns[:, 0],
        columns[:, 1],
        columns[:, 2],
        side=columns[:, 3],
        prompt=columns[:, 4],
        annotator=columns[:, 5],
        n_systems=n_systems,
        n_prompts=n_prompts,
        n_annotators=n_annotators,
    )


@st.composite
def vote_rows(
    draw: st.DrawFn, systems: int = 4, min_size: int = 0, max_size: int = 40
) -> list[Row]:
    """Any rows on up to `systems` systems: ties, both-bad, unanimity and islands included."""
    row = st.tuples(
        st.integers(0, systems - 1),
        st.integers(1, systems - 1),
        st.integers(0, 3),
        st.integers(-1, 1),
        st.integers(0, N_PROMPTS - 1),
        st.integers(0, N_ANNOTATORS - 1),
    )
    drawn = draw(st.lists(row, min_size=min_size, max_size=max_size))
    return [(a, (a + step) % systems, *rest) for a, step, *rest in drawn]


def regular_rows(seed: int, n: int = 120, systems: int = 4) -> list[Row]:
    """Rows without separation: every pair sees every verdict, the rest is random."""
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for a in range(systems):
        for b in range(a + 1, systems):
            for verdict in range(3):
                side = int(random.integers(0, 2) * 2 - 1)
                prompt, annotator = (
                    int(random.integers(N_PROMPTS)),
                    int(random.integers(N_ANNOTATORS)),
                )
                rows.append((a, b, verdict, side, prompt, annotator))
    while len(rows) < n:
        a, b = random.choice(systems, 2, replace=False).tolist()
        verdict = int(random.choice(4, p=[0.4, 0.2, 0.3, 0.1]))
        side = int(random.integers(0, 2) * 2 - 1)
        prompt, annotator = int(random.integers(N_PROMPTS)), int(random.integers(N_ANNOTATORS))
        rows.append((a, b, verdict, side, prompt, annotator))
    return rows


def mirrored(rows: Sequence[Row], which: Sequence[bool]) -> list[Row]:
    """The same votes with the two systems of some rows in the other order."""
    return [
        (b, a, int(MIRRORED_VERDICT[verdict]), -side, prompt, annotator)
        if turn
        else (a, b, verdict, side, prompt, annotator)
        for (a, b, verdict, side, prompt, annotator), turn in zip(rows, which, strict=True)
    ]


def with_systems(rows: Sequence[Row], code: Sequence[int]) -> list[Row]:
    """The same votes with other codes for the systems."""
    return [(code[a], code[b], verdict, side, p, who) for a, b, verdict, side, p, who in rows]


def simulated(
    seed: int,
    *,
    systems: int = 6,
    n: int = 600,
    annotators: int = 20,
    prompts: int = 60,
    spread: float = 0.5,
    taste: float = 0.0,
    prompt_effect: float = 0.0,
    tie_rate: float = 0.24,
    load: Load = "even",
) -> tuple[Votes, np.ndarray]:
    """Votes with annotators' tastes and prompts that favour systems, and the true Strengths.

    `taste` and `prompt_effect` are standard deviations in logits of an annotator's and a
    prompt's own liking for each system. `load` says who votes: anybody (``"even"``), the g-th
    annotator 1/g as often as the first (``"zipf"``), or each on each of n/annotators items
    (``"everyone"``).
    """
    random = np.random.default_rng(seed)
    theta = random.normal(0, spread, systems)
    theta -= theta.mean()
    liking = random.normal(0, 1, (annotators, systems)) * taste
    leaning = random.normal(0, 1, (prompts, systems)) * prompt_effect
    items = n // annotators if load == "everyone" else n
    a = random.integers(0, systems, items)
    b = (a + 1 + random.integers(0, systems - 1, items)) % systems
    if load == "even":
        who = random.integers(0, annotators, n)
    elif load == "zipf":
        share = 1 / np.arange(1, annotators + 1)
        who = random.choice(annotators, n, p=share / share.sum())
    else:
        who = np.tile(np.arange(annotators), items)
    what = random.integers(0, prompts, items)
    if load == "everyone":
        n = who.size
        a, b, what = (np.repeat(column, annotators) for column in (a, b, what))
    worth = theta + liking[who] + leaning[what]
    rows = np.arange(n)
    chance = 1 / (1 + np.exp(worth[rows, b] - worth[rows, a]))
    won = random.random(n) < chance
    tied = random.random(n) < tie_rate
    verdict = np.where(tied, 1, np.where(won, 0, 2))
    votes = Votes.from_arrays(
        a,
        b,
        verdict,
        prompt=what,
        annotator=who,
        side=random.choice([-1, 1], n),
        n_systems=systems,
        n_prompts=prompts,
        n_annotators=annotators,
    )
    return votes, theta
