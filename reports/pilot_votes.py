"""The votes of a study as a plan needs them: who, on which prompt, which systems, how decided.

A part of what :mod:`reports.records` reads, for a page that is asked at every stroke of a key.
"""

from __future__ import annotations

import numpy as np

from annotation.models import Study
from annotation.selectors import counted_votes
from reports import records
from reports.columns import read_numbers
from reports.stats.votes import Votes
from reports.vote_rows import verdict_code


def load_pilot_votes(study: Study) -> Votes:
    """The counted votes on `overall`; codes are those of no other table.

    Of a challenger also those of the study that it continues, which are matched by names: for them
    all records are read.
    """
    if study.continues_id is not None:
        return records.load(study).overall.votes
    annotator, system_a, system_b, prompt, verdict = read_numbers(
        counted_votes(study)
        .order_by()
        .values_list(
            "annotator_id",
            "comparison__system_a_id",
            "comparison__system_b_id",
            "comparison__prompt_id",
            verdict_code(),
        ),
        5,
    )
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
