"""Judges of LLMBar against the counts that its authors publish, category by category."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports.stats.alignment import Judgments, reconcile
from reports.stats.alignment.against_humans import agreement_with_majority
from reports.stats.alignment.humans import human_labels
from reports.stats.alignment.position import position_consistency
from tests.stats.shared_sets import load

# Accuracy over both orders and equal verdicts, in %, as the authors count them.
LLMBAR = {
    "GPT-4/Vanilla": {
        "Natural": (95.50, 95.00),
        "Neighbor": (78.73, 93.28),
        "GPTInst": (86.41, 94.57),
        "GPTOut": (77.66, 93.62),
        "Manual": (80.43, 82.61),
    },
    "GPT-4/Metrics_Reference": {
        "Natural": (96.00, 96.00),
        "Neighbor": (85.45, 94.78),
        "GPTInst": (89.67, 90.22),
        "GPTOut": (72.34, 82.98),
        "Manual": (83.70, 84.78),
    },
    "ChatGPT/Vanilla": {
        "Natural": (81.50, 71.00),
        "Neighbor": (19.40, 71.64),
        "GPTInst": (26.63, 61.96),
        "GPTOut": (41.49, 59.57),
        "Manual": (34.78, 52.17),
    },
}


@pytest.mark.parametrize("judge", LLMBAR)
def test_llmbar_judges_reach_the_counts_of_the_authors_by_category(
    judge: str, shared_data: Path
) -> None:
    known = load(shared_data / "llmbar")
    calls = known.judgments[judge]
    for category, (accuracy, equal) in LLMBAR[judge].items():
        own = np.array([item["category"].endswith(category) for item in known.items])
        votes = known.votes.take(own[known.votes.item])
        shares = []
        for order in (0, 1):
            row = (calls.order == order) & own[calls.comparison]
            single = Judgments.from_arrays(
                calls.comparison[row], calls.order[row], calls.verdict[row]
            )
            judge_said = reconcile(single, known.comparisons.n)
            humans = human_labels(votes, known.comparisons, says_both_bad=False)
            found = agreement_with_majority(judge_said, humans, known.comparisons)
            assert found.n == own.sum()
            shares.append(found.estimate or 0)
        assert round(100 * float(np.mean(shares)), 2) == accuracy, category
        row = own[calls.comparison]
        both = Judgments.from_arrays(calls.comparison[row], calls.order[row], calls.verdict[row])
        said = reconcile(both, known.comparisons.n)
        found = position_consistency(both, said, known.comparisons)
        assert round(100 * (found.estimate or 0), 2) == equal, category
