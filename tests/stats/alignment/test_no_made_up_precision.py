"""Judges and people without variation get no interval, however rounding would have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.stats.alignment.clustered_kappa import clustered_kappa
from reports.stats.alignment.corrected_win_rates import CorrectedWinRate
from reports.stats.alignment.equal_length import EqualLength, equal_length_win_rates
from reports.stats.alignment.given import Texts
from reports.stats.alignment.judgments import Comparisons, Judgments, reconcile
from reports.stats.alignment.prediction_powered import prediction_powered_mean
from reports.stats.alignment.report import Alignment, alignment
from reports.stats.intervals import NO_ERROR
from reports.stats.results import Estimate, WarningCode
from reports.stats.votes import Votes
from tests.stats.alignment.small_studies import TIE, A, B

PROMPTS, LABELLED = 120, 60


def aligned(human: np.ndarray, judge: np.ndarray) -> Alignment:
    """Two systems on 120 prompts, both orders judged, the first 60 with a vote each."""
    random = np.random.default_rng(0)
    prompt, some = np.arange(PROMPTS), np.arange(LABELLED)
    zeros, ones = np.zeros(PROMPTS, dtype=int), np.ones(PROMPTS, dtype=int)
    votes = Votes.from_arrays(
        zeros[some],
        ones[some],
        human,
        prompt=some,
        annotator=some % 3,
        item=some,
        n_items=PROMPTS,
        n_prompts=PROMPTS,
        n_systems=2,
    )
    features = [random.integers(10, 500, (PROMPTS, 4)) for _ in range(2)]
    none = np.zeros(PROMPTS, dtype=bool)
    return alignment(
        Comparisons.from_arrays(prompt, zeros, ones),
        votes,
        Judgments.from_arrays(np.tile(prompt, 2), np.repeat([0, 1], PROMPTS), np.tile(judge, 2)),
        seed=1,
        random_sample=True,
        texts=Texts(features[0], features[1], (none, none), none),
    )


def corrected(found: Alignment) -> CorrectedWinRate:
    return found.corrected_win_rates[0]


def at_equal_length(found: Alignment) -> EqualLength:
    return found.length_controlled_win_rates[0]


def without_interval(figure: Estimate, code: WarningCode) -> bool:
    bounds = (figure.low, figure.high, figure.se, figure.level)
    return bounds == (None,) * 4 and code in figure.warnings


def test_a_judge_who_gives_all_to_one_side_has_no_length_effect_and_no_sure_rate() -> None:
    found = aligned(np.full(LABELLED, A), np.full(PROMPTS, A))
    assert found.length_effect.estimate is None
    assert found.length_effect.warnings[0] == WarningCode.SEPARATED
    one = at_equal_length(found)
    for rate in (one.win_rate, one.over[0].win_rate):
        assert rate.estimate is not None
        assert rate.estimate > 0.99
        assert without_interval(rate, WarningCode.SEPARATED)


def test_a_judge_and_people_who_always_tie_are_told_without_intervals() -> None:
    found = aligned(np.full(LABELLED, TIE), np.full(PROMPTS, TIE))
    one = corrected(found)
    for figure, value in (
        (found.length_effect, 0),
        (one.strength, 0),
        (one.prediction_powered, 0.5),
        (at_equal_length(found).win_rate, 0.5),
    ):
        assert figure.estimate == pytest.approx(value)
        assert without_interval(figure, WarningCode.DEGENERATE_SCALE)


def test_a_system_that_wins_all_is_separated_and_the_others_are_not() -> None:
    # 0 beats 1 and 2 always; 1 and 2 share their points.
    prompt = np.repeat(np.arange(40), 3)
    a, b = np.tile([0, 0, 1], 40), np.tile([1, 2, 2], 40)
    said = np.where(a == 0, A, np.where(prompt % 2 == 0, A, B))
    comparisons = Comparisons.from_arrays(prompt, a, b)
    n = prompt.size
    judge = reconcile(Judgments.from_arrays(np.arange(n), np.zeros(n, dtype=int), said), n)
    lengths = np.random.default_rng(1).integers(-200, 200, n)
    best, second, _ = equal_length_win_rates(judge, comparisons, lengths)
    assert without_interval(best.win_rate, WarningCode.SEPARATED)
    assert WarningCode.SEPARATED in second.win_rate.warnings
    assert second.win_rate.low is not None
    over = {one.system: one.win_rate for one in second.over}
    assert without_interval(over[0], WarningCode.SEPARATED)
    assert WarningCode.SEPARATED not in over[2].warnings
    assert over[2].low is not None


@pytest.mark.parametrize("score", [1 / 3, 2 / 3, 0.1])
def test_equal_labels_have_no_interval_where_rounding_leaves_an_error(score: float) -> None:
    found = prediction_powered_mean(np.full(21, score), np.full(21, score), np.full(30, score))
    assert found.estimate == pytest.approx(score)
    assert without_interval(found, WarningCode.DEGENERATE_SCALE)


def test_kappa_of_a_constant_judge_has_no_interval_by_prompt() -> None:
    random = np.random.default_rng(3)
    said, truth = np.zeros(60, dtype=int), random.integers(0, 3, 60)
    found = clustered_kappa(said, truth, np.arange(60) % 20, classes=3, seed=1)
    assert found.estimate == pytest.approx(0)
    assert without_interval(found, WarningCode.DEGENERATE_SCALE)


def test_complete_agreement_is_bounded_by_prompts_and_not_by_comparisons() -> None:
    said = np.arange(60) % 3
    by_prompt = clustered_kappa(said, said, np.arange(60) // 6, classes=3, seed=1)
    alone = clustered_kappa(said[:10], said[:10], np.arange(10), classes=3, seed=1)
    assert (by_prompt.estimate, by_prompt.high) == (1.0, 1.0)
    assert by_prompt.low == pytest.approx(alone.low, abs=0.01)


def intervals(node: Any, path: str = "") -> Iterator[tuple[str, Any, Any, Any]]:
    if isinstance(node, Mapping):
        for low, high in (("low", "high"), ("excess_low", "excess_high")):
            if low in node:
                # A bound of complete agreement is no multiple of its error, which is 0.
                bound = str(node.get("method", "")).endswith("_wilson_bound")
                yield path, node[low], node[high], None if bound else node.get("se")
        for key, value in node.items():
            yield from intervals(value, f"{path}/{key}")
    elif isinstance(node, list | tuple):
        for value in node:
            yield from intervals(value, path)


VERDICTS = {
    "one side": lambda random, n: np.full(n, A),
    "other side": lambda random, n: np.full(n, B),
    "ties": lambda random, n: np.full(n, TIE),
    "decisive": lambda random, n: random.choice([A, B], n),
    "any": lambda random, n: random.integers(0, 3, n),
    "nearly one side": lambda random, n: np.where(np.arange(n) == 7, TIE, A),
}


@given(st.integers(0, 10_000), st.sampled_from(sorted(VERDICTS)), st.sampled_from(sorted(VERDICTS)))
@settings(max_examples=40, deadline=None)
def test_no_interval_of_an_alignment_is_a_point(seed: int, people: str, judge: str) -> None:
    random = np.random.default_rng(seed)
    systems = int(random.integers(2, 5))
    prompts = int(random.choice([3, 35, 70]))
    pairs = [(a, b) for a in range(systems) for b in range(a + 1, systems)]
    prompt = np.repeat(np.arange(prompts), len(pairs))
    first, second = (np.tile(side, prompts) for side in zip(*pairs, strict=True))
    n = prompt.size
    with_votes = np.flatnonzero(random.random(prompts)[prompt] < random.choice([0.5, 1.0]))
    item = np.repeat(with_votes, 3)
    verdict = VERDICTS[people](random, item.size)
    votes = Votes.from_arrays(
        first[item],
        second[item],
        verdict,
        prompt=prompt[item],
        annotator=np.arange(item.size) % 3,
        item=item,
        n_systems=systems,
        n_prompts=prompts,
        n_annotators=3,
        n_items=n,
    )
    features = [random.integers(1, 300, (n, 4)) for _ in range(2)]
    none = np.zeros(n, dtype=bool)
    found = alignment(
        Comparisons.from_arrays(prompt, first, second, n_systems=systems),
        votes,
        Judgments.from_arrays(
            np.tile(np.arange(n), 2),
            np.repeat([0, 1], n),
            np.tile(VERDICTS[judge](random, n), 2),
        ),
        seed=1,
        random_sample=bool(random.integers(0, 2)),
        texts=Texts(features[0], features[1], (none, none), none),
    )
    for path, low, high, se in intervals(found.as_dict()):
        assert (low is None) == (high is None), path
        assert low is None or high - low > NO_ERROR, (path, low, high)
        assert low is None or se is None or se > NO_ERROR, (path, se)
