"""Panels, length, confidence, rankings and errors: published figures, and small cases by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reports.stats.alignment import (
    Judgments,
    criterion_alignment,
    reconcile,
    self_preference,
)
from reports.stats.alignment.bait import bait_wins
from reports.stats.alignment.calibration import calibration, stated_confidence
from reports.stats.alignment.confusion import confusion
from reports.stats.alignment.disagreements import disagreements
from reports.stats.alignment.humans import human_labels
from reports.stats.alignment.length_bias import length_effect, longer_wins
from reports.stats.alignment.length_controlled import controlled_win_rates
from reports.stats.alignment.missingness import missing_share
from reports.stats.alignment.panel import averaged
from reports.stats.alignment.rankings import rankings
from reports.stats.results import ShapeMismatch, WarningCode
from tests.stats.alignment.planted_judges import known_study, longest_wins
from tests.stats.alignment.small_studies import (
    BAD,
    MISS,
    TIE,
    A,
    B,
    comparisons,
    judge_once,
    judge_twice,
    sides,
    votes_on,
)
from tests.stats.alignment.small_studies import panel as people
from tests.stats.shared_sets import SharedSet, load


@pytest.fixture(scope="module")
def llmbar(shared_data: Path) -> SharedSet:
    return load(shared_data / "llmbar")


@pytest.fixture(scope="module")
def pandalm(shared_data: Path) -> SharedSet:
    return load(shared_data / "pandalm")


@pytest.fixture(scope="module")
def mtbench(shared_data: Path) -> SharedSet:
    return load(shared_data / "mtbench_turn1", repeats_as_raters=True)


# Length, and responses that speak to the judge


@pytest.mark.parametrize(
    ("judge", "n", "by_judge", "by_humans"),
    [("gpt-3.5-turbo", 616, 0.6494, 0.7078), ("pandalm-7b", 602, 0.6678, 0.7043)],
)
def test_pandalm_judges_go_for_length_less_than_people(
    pandalm: SharedSet, judge: str, n: int, by_judge: float, by_humans: float
) -> None:
    figure = longer(pandalm, judge)
    assert (figure.n, round(figure.estimate or 0, 4)) == (n, by_judge)
    assert round(figure.details["humans"], 4) == by_humans


def test_gpt_4_goes_for_length_a_little_more_than_people(mtbench: SharedSet) -> None:
    figure = longer(mtbench, "gpt-4-pair")
    assert (figure.n, round(figure.estimate or 0, 4)) == (490, 0.7612)
    assert round(figure.details["humans"], 4) == 0.7327


def differences(known: SharedSet) -> np.ndarray:
    return np.array([len(i["response_a"]) - len(i["response_b"]) for i in known.items])


def longer(known: SharedSet, judge: str):  # type: ignore[no-untyped-def]
    said, humans = sides(known.comparisons, known.votes, known.judgments[judge])
    return longer_wins(said, humans, known.comparisons, differences(known), seed=1)


def test_the_length_effect_is_the_slope_that_made_the_data() -> None:
    random = np.random.default_rng(4)
    n = 4000
    study = comparisons(n)
    truth = random.choice([A, B], n)
    difference = random.integers(-2000, 2000, n)
    z = np.tanh(difference / difference.std())
    for phi in (0.0, 0.8):
        chance = 1 / (1 + np.exp(-(np.where(truth == A, 1.5, -1.5) + phi * z)))
        said = np.where(random.random(n) < chance, A, B)
        judge, humans = sides(study, people(study, truth[:, None]), judge_once(said.tolist()))
        figure = length_effect(judge, humans, study, difference)
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < phi < figure.high
        assert figure.high - figure.low < 0.5
        assert figure.details["preference"] == pytest.approx(1.5, abs=0.15)


def test_length_controlled_win_rates_take_length_off_a_judge_that_sees_nothing_else() -> None:
    known = known_study(2, n=600)
    features_a, features_b = known.texts.features_a.copy(), known.texts.features_b
    # System 0 is always the longest.
    features_a[known.comparisons.system_a == 0] += 4000
    second = features_b.copy()
    second[known.comparisons.system_b == 0] += 4000
    said = np.where(features_a[:, 0] > second[:, 0], A, B)
    judge = reconcile(judge_once(said.tolist()), known.comparisons.n)
    controlled = controlled_win_rates(judge, known.comparisons, features_a, second)
    assert (controlled[0].win_rate.estimate or 1) < 0.75
    assert controlled_win_rates(judge, known.comparisons, None, None) == ()


def test_without_texts_nothing_is_said_of_length_or_bait() -> None:
    known = known_study(3)
    judge, humans = sides(known.comparisons, known.votes, longest_wins(known))
    both = (judge, humans, known.comparisons)
    for figure in (
        longer_wins(*both, None, seed=1),
        length_effect(*both, None),
        bait_wins(*both, None),
    ):
        assert figure.estimate is None
        assert "texts" in figure.details["reason"]
    with pytest.raises(ShapeMismatch):
        longer_wins(*both, np.zeros(3, dtype=np.int64), seed=1)


def test_bait_is_scored_from_the_side_of_the_response_that_speaks() -> None:
    study = comparisons(4)
    judge, humans = sides(
        study, votes_on(study, [(0, 0, B), (1, 0, B)]), judge_once([A, B, TIE, A])
    )
    a, b = np.array([True, False, True, True]), np.array([False, True, False, True])
    figure = bait_wins(judge, humans, study, (a, b))
    # Won by the one that speaks, twice, and tied once; in the last both speak.
    assert figure.n == 3
    assert figure.estimate == pytest.approx(2.5 / 3)
    assert figure.details["n_voted"] == 2
    assert (figure.details["judge"], figure.details["humans"]) == (1.0, 0.5)


def baited(said: list[int], voted: list[int]) -> tuple[float | None, float | None]:
    """Ends of the excess where response a always speaks to the judge."""
    n = len(said)
    study = comparisons(n)
    votes = votes_on(study, [(i, k, voted[i]) for i in range(n) for k in range(3)])
    judge, humans = sides(study, votes, judge_once(said))
    figure = bait_wins(judge, humans, study, (np.ones(n, dtype=bool), np.zeros(n, dtype=bool)))
    return figure.details["excess_low"], figure.details["excess_high"]


def test_two_responses_that_speak_accuse_nobody_and_ten_that_always_win_do() -> None:
    assert baited([A, A], [B, TIE]) == (None, None)
    low, high = baited([A, A, TIE, A], [B, A, TIE, TIE])
    assert low is not None
    assert low < 0 < (high or 0)
    # The t interval of scores .5, 0, 0 and .5, ten times: mean .25, standard deviation .256.
    low, high = baited([A, A, TIE, A] * 10, [TIE, A, TIE, TIE] * 10)
    spread = np.std([0.5, 0, 0, 0.5] * 10, ddof=1) / np.sqrt(40)
    assert low == pytest.approx(0.25 - stats.t.ppf(0.99, 39) * spread)
    assert (baited([A] * 10, [B] * 10)[0] or 0) > 0.9


# Confidence


def test_a_panel_of_two_is_right_more_often_where_it_is_surer(llmbar: SharedSet) -> None:
    judges = [
        reconcile(llmbar.judgments[f"GPT-4/{name}"], llmbar.comparisons.n)
        for name in ("Vanilla", "Metrics_Reference")
    ]
    whole = averaged(judges)
    humans = human_labels(llmbar.votes, llmbar.comparisons, says_both_bad=False)
    found = calibration(whole, humans, llmbar.comparisons, np.abs(whole.score), seed=1)
    bins = {b["confidence"]: (b["n"], round(b["accuracy"], 4)) for b in found.error.details["bins"]}
    assert bins == {0.0: (28, 0.0), 0.5: (29, 0.5862), 1.0: (362, 0.9116)}
    first, *_, last = found.coverage
    assert (round(first["accuracy"], 4), round(first["coverage"], 4)) == (0.9116, 0.864)
    assert last["coverage"] == 1


def test_calibration_agrees_with_its_definitions() -> None:
    random = np.random.default_rng(3)
    n = 500
    study = comparisons(n)
    confidence = random.choice([0.2, 0.5, 0.8, 1.0], n)
    hit = random.random(n) < confidence
    judge, humans = sides(study, people(study, np.where(hit, A, B)[:, None]), judge_once([A] * n))
    found = calibration(judge, humans, study, confidence, seed=1)
    brier = float(((confidence - hit) ** 2).mean())
    assert found.brier.estimate == pytest.approx(brier)
    u = stats.mannwhitneyu(confidence[hit], confidence[~hit]).statistic
    assert found.auroc.estimate == pytest.approx(u / (hit.sum() * (~hit).sum()))
    gaps = [
        abs(hit[confidence == c].sum() - c * (confidence == c).sum()) for c in np.unique(confidence)
    ]
    assert found.error.estimate == pytest.approx(sum(gaps) / n)
    # Calibrated as it is, so that a map fitted elsewhere adds a little noise and no more.
    assert found.mapped_brier.estimate == pytest.approx(brier, abs=0.01)


def test_a_judge_that_is_sure_of_everything_says_nothing_by_it() -> None:
    study = comparisons(60)
    truth = [A, B] * 30
    judge, humans = sides(study, people(study, np.array(truth)[:, None]), judge_once([A] * 60))
    found = calibration(judge, humans, study, np.ones(60), seed=1)
    assert (found.error.estimate, found.auroc.estimate) == (0.5, 0.5)
    right = sides(study, people(study, np.array(truth)[:, None]), judge_once(truth))
    assert calibration(*right, study, np.ones(60), seed=1).auroc.warnings == (
        WarningCode.DEGENERATE_SCALE,
    )


def test_stated_confidence_is_averaged_over_the_calls_that_gave_a_verdict() -> None:
    calls = Judgments.from_arrays(
        [0, 0, 1, 2],
        [0, 1, 0, 0],
        [A, A, MISS, B],
        confidence=[0.5, 1.0, 0.9, np.nan],
    )
    assert stated_confidence(calls, 3).tolist() == pytest.approx(
        [0.75, np.nan, np.nan], nan_ok=True
    )


# Rankings


@pytest.mark.parametrize(("judge", "gap"), [("gpt-3.5-turbo", 0.0148), ("pandalm-7b", 0.0408)])
def test_pandalm_judges_rank_systems_nearly_as_people(
    pandalm: SharedSet, judge: str, gap: float
) -> None:
    both = sides(pandalm.comparisons, pandalm.votes, pandalm.judgments[judge])
    found = rankings(*both, pandalm.comparisons, seed=1)
    assert (found.spearman.estimate, found.kendall.estimate) == pytest.approx((0.9, 0.8))
    assert round(found.gap.estimate or 0, 4) == gap
    assert (found.spearman.low or 1) < 0.9


def test_gpt_4_ranks_systems_as_people_and_exaggerates(mtbench: SharedSet) -> None:
    both = sides(mtbench.comparisons, mtbench.votes, mtbench.judgments["gpt-4-pair"], "tie")
    found = rankings(*both, mtbench.comparisons, seed=1)
    assert (found.spearman.estimate, found.kendall.estimate) == pytest.approx((1, 1))
    assert round(found.gap.estimate or 0, 4) == 0.0492
    rates = {mtbench.systems[row["system"]]: row for row in found.systems}
    assert round(rates["gpt-4"]["judge"], 4) == 0.8328
    assert round(rates["gpt-4"]["humans"], 4) == 0.7241
    # A perfect order of few systems needs its interval.
    assert (found.kendall.low or 1) < 1


def test_the_only_judge_can_be_accused_of_no_self_preference(mtbench: SharedSet) -> None:
    said, humans = sides(mtbench.comparisons, mtbench.votes, mtbench.judgments["gpt-4-pair"])
    figure = self_preference(
        said, [], mtbench.systems.index("gpt-4"), humans, mtbench.comparisons, seed=1
    )
    assert figure.estimate is None
    assert figure.warnings == (WarningCode.ONE_JUDGE,)


def test_self_preference_is_what_a_judge_adds_beyond_the_others() -> None:
    known = known_study(4, n=900, raters=5, right=1.0)
    first = known.comparisons.system_a == 0
    mine = first | (known.comparisons.system_b == 0)
    said = np.where(mine & (known.random.random(900) < 0.3), np.where(first, A, B), known.truth)
    own, other = (reconcile(judge_once(v.tolist()), 900) for v in (said, known.truth))
    humans = human_labels(known.votes, known.comparisons, says_both_bad=False)
    figure = self_preference(own, [other], 0, humans, known.comparisons, seed=1)
    assert figure.estimate == pytest.approx(0.15, abs=0.03)
    assert (figure.low or 0) > 0.1
    elsewhere = self_preference(own, [other], 1, humans, known.comparisons, seed=1)
    assert (elsewhere.high or 0) < 0


def test_rankings_of_groups_that_never_meet_are_not_compared() -> None:
    study = type(comparisons(1)).from_arrays(
        np.arange(80), np.repeat([0, 2], 40), np.repeat([1, 3], 40), n_systems=4
    )
    truth = np.tile([A, B], 40)
    both = sides(study, people(study, truth[:, None]), judge_once(truth.tolist()))
    found = rankings(*both, study, seed=1)
    assert found.spearman.estimate is None
    assert found.spearman.warnings == (WarningCode.DISCONNECTED,)
    assert found.gap.estimate == 0


def test_a_reversed_judge_draws_the_opposite_conclusions() -> None:
    study = comparisons(400)
    truth = np.where(np.arange(400) % 2 == 0, A, B)
    truth[:40] = np.where(np.arange(40) % 2 == 0, B, A)
    wrong = np.where(truth == A, B, A)
    for said, same in ((truth, 1.0), (wrong, 0.0)):
        both = sides(study, people(study, truth[:, None]), judge_once(said.tolist()))
        found = rankings(*both, study, seed=1)
        assert found.same_conclusions.estimate == same
        assert found.separability.estimate == found.separability_humans.estimate == 1
        assert (
            (found.forecast.estimate or 0) < 0.01 if same else (found.forecast.estimate or 0) > 0.9
        )


# Errors, silence, disagreements, criteria


@pytest.mark.parametrize(
    ("judge", "precision", "recall", "f1"),
    [
        ("gpt-3.5-turbo", 0.5879, 0.5736, 0.5755),
        ("pandalm-7b", 0.5738, 0.5750, 0.5743),
    ],
)
def test_pandalm_judges_reach_their_published_macro_figures(
    pandalm: SharedSet, judge: str, precision: float, recall: float, f1: float
) -> None:
    calls = pandalm.judgments[judge]
    # As published: garbage counts as a tie, which is no figure of ours.
    tied = Judgments.from_arrays(
        calls.comparison, calls.order, np.where(calls.parsed, calls.verdict, TIE)
    )
    table = confusion(*sides(pandalm.comparisons, pandalm.votes, tied, "tie"))
    found = (table.macro_precision, table.macro_recall, table.macro_f1)
    assert found == pytest.approx((precision, recall, f1), abs=0.51e-4)


def test_confusion_counts_missing_nowhere() -> None:
    study = comparisons(4)
    table = confusion(
        *sides(
            study,
            votes_on(study, [(0, 0, A), (0, 1, A), (1, 0, B), (2, 0, A), (3, 0, BAD)]),
            judge_once([A, A, MISS, BAD]),
        )
    )
    assert table.labels == ("a", "b", "both_bad")
    assert table.votes.tolist() == [[2, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert table.majority.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_silence_is_counted_by_what_people_say() -> None:
    study = comparisons(100)
    truth = np.repeat([A, B], 50)
    said = np.where((truth == A) & (np.arange(100) % 2 == 0), MISS, truth)
    judge = judge_once(said.tolist())
    _, humans = sides(study, people(study, truth[:, None]), judge)
    figure = missing_share(judge, humans, study)
    assert figure.estimate == 0.25
    assert figure.details["much"] is True
    assert figure.details["by_majority"] == [
        {"verdict": "a", "n": 50, "missing": 25},
        {"verdict": "b", "n": 50, "missing": 0},
    ]
    assert figure.details["p_value"] == pytest.approx(
        stats.fisher_exact([[25, 25], [0, 50]]).pvalue
    )


def test_the_worst_disagreement_comes_first_and_a_shared_mode_is_none() -> None:
    study = comparisons(5)
    rows = [
        *[(0, who, A) for who in range(3)],  # all say a, the judge b
        *[(1, who, A) for who in range(2)],  # the same with fewer votes
        *[(2, 0, A), (2, 1, A), (2, 2, TIE)],
        *[(3, 0, A), (3, 1, B)],  # the judge says what one of two says
        *[(4, 0, B)],
    ]
    judge, humans = sides(
        study, votes_on(study, rows), judge_twice([B, B, B, B, B], [B, B, TIE, B, B])
    )
    found, number = disagreements(judge, humans, study, most=2)
    assert number == 3
    assert [one.comparison for one in found] == [0, 1]
    assert (found[0].verdict, found[0].distance, found[0].votes["a"]) == ("b", 2.0, 3)


def test_a_criterion_is_weighed_by_how_far_its_steps_lie_apart() -> None:
    study = comparisons(40)
    random = np.random.default_rng(5)
    verdict = random.choice([A, TIE, B], 40)
    margin = np.where(verdict == TIE, 0, random.integers(1, 3, 40))
    votes = people(study, verdict[:, None])
    near = np.where(margin == 2, 1, margin)
    calls = Judgments.from_arrays(
        np.arange(40),
        np.full(40, 2),
        verdict,
        margin=np.where(verdict == TIE, 1, np.maximum(near, 1)),
    )
    found = criterion_alignment(study, votes, calls, seed=1, margin=margin, judge_graded=True)
    assert found.levels == 5
    steps = {A: 1, TIE: 0, B: -1}
    truth = np.array([steps[v] * m for v, m in zip(verdict.tolist(), margin.tolist(), strict=True)])
    said = np.array([steps[v] for v in verdict.tolist()])
    weights = 1 - ((np.arange(5)[:, None] - np.arange(5)) / 4) ** 2
    table = np.zeros((5, 5))
    np.add.at(table, (2 - said, 2 - truth), 1 / 40)
    expected = float((weights * np.outer(table.sum(1), table.sum(0))).sum())
    kappa = (float((weights * table).sum()) - expected) / (1 - expected)
    assert found.weighted_kappa.estimate == pytest.approx(kappa)
    assert found.agreement.estimate == 1
    assert criterion_alignment(study, votes, calls, seed=1).levels == 3
