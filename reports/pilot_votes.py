"""The votes of a study as a plan needs them: who, on which prompt, which systems, how decided.

A part of what :mod:`reports.records` reads, for a page that is asked at every stroke of a key: of a
study with more votes than `MOST_VOTES` those on a random part of its prompts. A tie rate of so many
has a standard error of half a percent at most, and a prompt's votes come together, so that what
they share is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from django.db.models import QuerySet

from annotation.draws import shuffled
from annotation.models import Annotator, Comparison, Prompt, Study, System, Vote
from annotation.selectors import counted_votes, counted_votes_on
from reports.columns import Keys, read_numbers
from reports.stats.votes import Votes
from reports.vote_rows import verdict_code

MOST_VOTES = 10_000

PROMPTS_AT_FIRST = 16
PROMPTS_AT_ONCE = 1_024
MOST_READINGS = 16
"""Of prompts, twice as many each time: where these have few votes, fewer are enough."""

COLUMNS = 5
ANNOTATOR, SYSTEM_A, SYSTEM_B, PROMPT, VERDICT = range(COLUMNS)


def load_pilot_votes(study: Study) -> Votes:
    """The counted votes on `overall`, or those on some prompts; codes are those of no other table.

    Of a challenger also those of the studies that it continues, which are matched by names.
    """
    line = list(line_of(study))
    rows = read_few(line)
    if rows.shape[1] > MOST_VOTES:
        rows = read_some_prompts(line, study.seed)
    if len(line) > 1:
        rows = matched_by_names(rows, line)
    annotator, system_a, system_b, prompt, verdict = rows
    found, codes = np.unique(np.concatenate([system_a, system_b]), return_inverse=True)
    return Votes.from_arrays(
        codes[: system_a.size],
        codes[system_a.size :],
        verdict,
        prompt=np.unique(prompt, return_inverse=True)[1],
        annotator=np.unique(annotator, return_inverse=True)[1],
        # Without votes there is no pair, and two systems have one.
        n_systems=max(2, found.size),
    )


def line_of(study: Study) -> Iterator[Study]:
    """The study, the one that it continues, and so on."""
    one: Study | None = study
    while one is not None:
        yield one
        one = one.continues


def columns_of(votes: QuerySet[Vote]) -> QuerySet[Vote, Any]:
    return votes.order_by().values_list(
        "annotator_id",
        "comparison__system_a_id",
        "comparison__system_b_id",
        "comparison__prompt_id",
        verdict_code(),
    )


def read_few(line: Sequence[Study]) -> Keys:
    """All counted votes, or one more than are wanted at most."""
    parts = [np.zeros((COLUMNS, 0), dtype=np.int64)]
    wanted = MOST_VOTES + 1
    for study in line:
        if wanted > 0:
            parts.append(read_numbers(columns_of(counted_votes(study))[:wanted], COLUMNS))
            wanted -= parts[-1].shape[1]
    return np.concatenate(parts, axis=1)


def read_some_prompts(line: Sequence[Study], seed: int) -> Keys:
    """The counted votes on prompts in a random order, until there are enough."""
    keys: defaultdict[str, list[int]] = defaultdict(list)
    for key, name in Prompt.objects.filter(study__in=line).values_list("pk", "prompt_id"):
        keys[name].append(key)
    names = shuffled(keys, seed, "pilot", key=str)
    parts: list[Keys] = []
    step = PROMPTS_AT_FIRST
    while (
        names and len(parts) < MOST_READINGS and sum(part.shape[1] for part in parts) < MOST_VOTES
    ):
        chosen, names = names[:step], names[step:]
        pairs = Comparison.objects.filter(prompt__in=[key for name in chosen for key in keys[name]])
        parts.append(read_numbers(columns_of(counted_votes_on(pairs)), COLUMNS))
        step = min(2 * step, PROMPTS_AT_ONCE)
    return np.concatenate(parts, axis=1)


def matched_by_names(rows: Keys, line: Sequence[Study]) -> Keys:
    """The rows with one key for a name, whichever study of the line its row is of."""
    systems = dict(System.objects.filter(study__in=line).values_list("pk", "name"))
    people = dict(Annotator.objects.filter(study__in=line).values_list("pk", "external_id"))
    prompts = dict(
        Prompt.objects.filter(pk__in=np.unique(rows[PROMPT]).tolist()).values_list(
            "pk", "prompt_id"
        )
    )
    matched = rows.copy()
    for column, names in (
        (ANNOTATOR, people),
        (SYSTEM_A, systems),
        (SYSTEM_B, systems),
        (PROMPT, prompts),
    ):
        place = {name: code for code, name in enumerate(dict.fromkeys(names.values()))}
        keys, back = np.unique(rows[column], return_inverse=True)
        matched[column] = np.array([place[names[key]] for key in keys.tolist()], dtype=np.int64)[
            back
        ]
    return matched
