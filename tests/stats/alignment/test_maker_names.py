"""Comparisons in which a response names its maker, beside all others."""

from __future__ import annotations

import numpy as np
import pytest

from reports.stats.alignment.against_humans import agreement_with_votes
from reports.stats.alignment.maker_names import maker_names
from reports.stats.results import ShapeMismatch
from tests.stats.alignment.small_studies import (
    MISS,
    A,
    B,
    comparisons,
    judge_once,
    panel,
    sides,
)


def test_the_share_and_the_agreement_with_and_without_them() -> None:
    study = comparisons(100)
    names = np.arange(100) < 40
    # Right in 30 of 40 that name a maker, and in all others but the last, which it misses.
    said = [A] * 30 + [B] * 10 + [A] * 59 + [MISS]
    judge, humans = sides(study, panel(study, np.full((100, 2), A)), judge_once(said))
    found = maker_names(judge, humans, study, names)
    assert found.share.estimate == pytest.approx(40 / 99)
    assert (found.share.n, found.share.details["named"]) == (99, 40)
    assert found.agreement_named.estimate == pytest.approx(0.75)
    assert found.agreement_others.estimate == 1
    assert (found.agreement_named.n, found.agreement_others.n) == (80, 118)
    whole = agreement_with_votes(judge, humans, study)
    assert whole.estimate == pytest.approx((60 + 118) / 198)


def test_few_of_them_are_counted_and_give_no_agreement() -> None:
    study = comparisons(100)
    names = np.arange(100) < 29
    judge, humans = sides(study, panel(study, np.full((100, 2), A)), judge_once([A] * 100))
    found = maker_names(judge, humans, study, names)
    assert found.share.details["named"] == 29
    assert found.agreement_named.estimate is None
    assert "30" in found.agreement_named.details["reason"]
    assert found.agreement_others.estimate == 1
    nobody = maker_names(judge, humans, study, np.zeros(100, dtype=np.bool_))
    assert (nobody.share.estimate, nobody.share.details["named"]) == (0, 0)


def test_without_texts_nothing_is_said_of_them() -> None:
    study = comparisons(10)
    judge, humans = sides(study, panel(study, np.full((10, 2), A)), judge_once([A] * 10))
    found = maker_names(judge, humans, study, None)
    for figure in (found.share, found.agreement_named, found.agreement_others):
        assert figure.estimate is None
        assert "texts" in figure.details["reason"]
    with pytest.raises(ShapeMismatch):
        maker_names(judge, humans, study, np.zeros(9, dtype=np.bool_))
