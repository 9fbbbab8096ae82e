"""Several judges averaged: published figures, weights from other prompts, what they differ in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports.stats.alignment import Make, panel, reconcile
from reports.stats.alignment.folds import prompt_folds
from reports.stats.alignment.panel import averaged
from reports.stats.alignment.panel_spread import spread_between
from reports.stats.alignment.panel_weights import fitted_weights
from tests.stats.alignment.planted_judges import honest, known_study
from tests.stats.alignment.small_studies import (
    BAD,
    MISS,
    TIE,
    A,
    B,
    comparisons,
    judge_once,
    sides,
)
from tests.stats.alignment.small_studies import panel as people
from tests.stats.shared_sets import SharedSet, load


@pytest.fixture(scope="module")
def llmbar(shared_data: Path) -> SharedSet:
    return load(shared_data / "llmbar")


def test_five_weak_judges_are_worse_together_than_the_best_alone(llmbar: SharedSet) -> None:
    names = [name for name in sorted(llmbar.judgments) if name.endswith("/Vanilla")]
    judges = [llmbar.judgments[name] for name in names]
    found = panel(llmbar.comparisons, llmbar.votes, judges, range(5), seed=1)
    assert round(found.agreement.estimate or 0, 4) == 0.5656
    assert round(found.plurality.estimate or 0, 4) == 0.3699
    worth = found.effective_judges
    assert round(worth.estimate or 0, 3) == 1.385
    assert worth.details["correlation"] == pytest.approx(0.6524, abs=2e-4)
    assert round(worth.details["by_agreement"], 3) == 1.974
    assert round(worth.details["correlation_of_agreement"], 4) == 0.3833
    assert names[found.best or 0] == "GPT-4/Vanilla"
    assert found.gain.high is not None
    assert found.gain.high < 0


def test_two_templates_of_one_model_gain_nothing_that_is_shown(llmbar: SharedSet) -> None:
    judges = [llmbar.judgments[f"GPT-4/{name}"] for name in ("Vanilla", "Metrics_Reference")]
    found = panel(llmbar.comparisons, llmbar.votes, judges, (0, 1), seed=1)
    assert round(found.agreement.estimate or 0, 4) == 0.8282
    assert round(found.plurality.estimate or 0, 4) == 0.7876
    assert (found.gain.estimate or 0) + 0.8305 == pytest.approx(0.8282, abs=1e-4)
    assert (found.gain.low or 0) < 0 < (found.gain.high or 0)
    assert found.best == 1


def test_a_panel_of_independent_errors_is_worth_more_judges_than_one_of_copies() -> None:
    known = known_study(1, n=600, raters=5, right=1.0)
    apart = [honest(known, 0.75) for _ in range(3)]
    gain = panel(known.comparisons, known.votes, apart, range(3), seed=1)
    assert (gain.gain.low or 0) > 0
    # Errors against people share the people, so that the figure itself is held down.
    assert (
        1.8 < (gain.effective_judges.estimate or 0) < gain.effective_judges.details["by_agreement"]
    )
    assert gain.effective_judges.details["by_agreement"] > 2.5
    same = panel(known.comparisons, known.votes, [apart[0]] * 3, range(3), seed=1)
    assert same.effective_judges.estimate == pytest.approx(1)
    assert same.gain.estimate == 0
    assert same.spread == 0


def test_a_panel_averages_those_who_spoke_and_is_silent_where_all_are() -> None:
    one, two = (reconcile(judge_once(said), 4) for said in ([A, MISS, A, BAD], [B, B, MISS, BAD]))
    whole = averaged([one, two])
    assert whole.category.tolist() == [TIE, B, A, BAD]
    assert averaged([reconcile(judge_once([MISS]), 1)]).category.tolist() == [MISS]


# Weights


def test_a_judge_that_guesses_is_weighed_out_of_the_panel_it_spoils() -> None:
    known = known_study(3, n=600, raters=5)
    random = np.random.default_rng(3)
    guessing = [judge_once(random.choice([A, TIE, B], 600).tolist()) for _ in range(3)]
    found = panel(known.comparisons, known.votes, [honest(known), *guessing], range(4), seed=1)
    plain, weighted = found.agreement, found.weighted
    assert (weighted.low or 0) > (plain.high or 1)
    weights = weighted.details["weights"]
    assert sum(weights) == pytest.approx(1)
    assert weights[0] > 0.85


def test_weights_come_of_other_prompts_than_they_serve() -> None:
    # Prompts of which one judge alone is right cannot earn it a weight on themselves.
    study = comparisons(200, prompts=50)
    random = np.random.default_rng(5)
    truth = random.choice([A, B], 200)
    votes = people(study, truth[:, None])
    said = [reconcile(judge_once(random.choice([A, B], 200).tolist()), 200) for _ in range(2)]
    _, humans = sides(study, votes, judge_once([A] * 200))
    before = fitted_weights(said, humans, study, seed=1)
    of_fold = before[:, study.prompt == 0]
    assert np.ptp(of_fold, axis=1).tolist() == [0, 0]
    folds = {tuple(column) for column in before.T.tolist()}
    assert 1 < len(folds) <= 5


def test_judges_no_better_than_chance_are_averaged_alike() -> None:
    study = comparisons(60)
    votes = people(study, np.tile([[A], [B]], (30, 1)))
    wrong = judge_once([B, A] * 30)
    found = panel(study, votes, [wrong, wrong], (0, 1), seed=1)
    assert found.weighted.details["weights"] == [0.5, 0.5]
    assert found.weighted.estimate == found.agreement.estimate


def test_where_all_that_spoke_weigh_nothing_they_count_alike() -> None:
    single = [reconcile(judge_once(said), 2) for said in ([A, A], [B, MISS])]
    whole = averaged(single, weights=np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert whole.category.tolist() == [B, A]


def test_a_judge_that_weighs_nothing_does_not_veto_both_bad() -> None:
    single = [reconcile(judge_once(said), 2) for said in ([BAD, BAD], [TIE, TIE])]
    whole = averaged(single, weights=np.array([[1.0, 1.0], [0.0, 1.0]]))
    assert whole.category.tolist() == [BAD, TIE]


def test_a_prompt_lies_in_one_fold_whatever_it_is_called() -> None:
    random = np.random.default_rng(2)
    prompt, content = np.arange(90) % 30, random.integers(0, 3, (90, 2)).astype(float)
    fold = prompt_folds(prompt, content, seed=4, stream="folds")
    assert all(np.unique(fold[prompt == one]).size == 1 for one in range(30))
    assert np.bincount(fold).tolist() == [18] * 5
    other = random.permutation(30)
    renamed = prompt_folds(other[prompt], content, seed=4, stream="folds")
    # Prompts of equal content may change places with each other.
    _, kind = np.unique(
        np.array([content[prompt == one].sum(axis=0) for one in range(30)]),
        axis=0,
        return_inverse=True,
    )
    alone = np.isin(kind.reshape(-1), np.flatnonzero(np.bincount(kind.reshape(-1)) == 1))
    assert alone.any()
    assert (fold == renamed)[alone[prompt]].all()


# Spread


def test_spread_is_told_by_instruction_and_by_model() -> None:
    study = comparisons(40)
    votes = people(study, np.full((40, 1), A))
    said = {"one": [A] * 40, "other": [B] * 40, "half": [A, TIE] * 20}
    judges = [judge_once(said[name]) for name in ("one", "half", "one", "other")]
    makes = [Make("brief", "m1"), Make("long", "m1"), Make("brief", "m2"), Make("brief", "m3")]
    found = panel(study, votes, judges, range(4), seed=1, makes=makes)
    # m1 alone has two instructions: they say the same, or 1 and 0.
    assert found.spread_templates == pytest.approx(np.std([1, 0], ddof=1) / 2)
    # `brief` alone has several models: 1, 1 and -1.
    assert found.spread_models == pytest.approx(np.std([1, 1, -1], ddof=1))
    unknown = panel(study, votes, judges, range(4), seed=1)
    assert (unknown.spread_templates, unknown.spread_models) == (None, None)
    assert unknown.spread == found.spread


def test_equal_makes_are_averaged_before_they_are_told_apart() -> None:
    scores = np.array([[1.0, 1.0], [0.0, np.nan], [-1.0, np.nan]])
    spread = spread_between(scores, ["m", "m", "m"], ["t", "t", "u"])
    assert spread == pytest.approx(np.std([0.5, -1], ddof=1))
    assert spread_between(scores, ["m", "", "m"], ["t", "u", ""]) is None
