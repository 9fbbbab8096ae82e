"""All agreement figures of a criterion: real votes, scales, both-bad, and split halves."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from reports.stats import cohen
from reports.stats.agreement_report import Agreement, agreement_report
from reports.stats.bradley_terry import ridge_strengths
from reports.stats.cells import Cells
from reports.stats.cohen import pairwise_kappa
from reports.stats.ratings import ratings
from reports.stats.results import (
    Estimate,
    ShapeMismatch,
    StatsError,
    UnknownPolicy,
    WarningCode,
    generator,
)
from reports.stats.split_half import _average_ranks, split_half_reliability
from reports.stats.votes import Votes
from tests.stats.shared_sets import load

FOUR_DIGITS = 0.51e-4
KEYS = {
    "percent",
    "fleiss_kappa",
    "krippendorff_alpha",
    "krippendorff_alpha_ordinal",
    "gwet_ac1",
    "gwet_ac2",
    "conger_kappa",
    "cohen_kappa",
    "split_half",
}


@pytest.mark.parametrize("name", ["pandalm", "mtbench_turn1", "rankgen"])
def test_real_votes_reach_the_expected_figures(shared_data: Path, name: str) -> None:
    known = load(shared_data / name, repeats_as_raters=True)
    expected = known.expected["agreement"]
    report = agreement_report(known.votes, seed=1, splits=2)
    assert report.percent.n == expected["label_pairs"]
    assert report.percent.details["items"] == expected["multi_items"]
    for figure, key in (
        (report.percent.estimate, "pair_agreement"),
        (report.percent.details["item_mean"], "mean_item_agreement"),
        (report.fleiss_kappa.estimate, "fleiss_kappa"),
        (report.krippendorff_alpha.estimate, "krippendorff_alpha_nominal"),
    ):
        assert figure == pytest.approx(expected[key], rel=1e-6), key
    assert report.fleiss_kappa.n == expected["fleiss_items"]
    assert report.fleiss_kappa.details["votes_per_item"] == expected["fleiss_raters"]
    pairs = {
        f"{known.annotators[g]}|{known.annotators[h]}": kappa for g, h, kappa in report.cohen_kappa
    }
    assert set(pairs) == set(expected["cohen_pairs"])
    for pair, (kappa, shared, equal) in expected["cohen_pairs"].items():
        assert pairs[pair].estimate == pytest.approx(kappa, abs=FOUR_DIGITS)
        assert pairs[pair].n == shared
        assert pairs[pair].details["observed"] == pytest.approx(equal, abs=FOUR_DIGITS)


def test_a_repeated_label_does_not_count_as_agreement(shared_data: Path) -> None:
    report = agreement_report(load(shared_data / "mtbench_turn1").votes, seed=1, splits=2)
    assert report.percent.n == 1198
    assert report.percent.estimate == pytest.approx(0.641068, abs=1e-6)
    assert report.fleiss_kappa.n == 282
    assert report.fleiss_kappa.estimate == pytest.approx(0.529247, abs=1e-6)
    assert report.krippendorff_alpha.estimate == pytest.approx(0.476729, abs=1e-6)


def test_pandalm_raters_reach_the_printed_kappas(shared_data: Path) -> None:
    report = agreement_report(load(shared_data / "pandalm").votes, seed=1, splits=2)
    kappas = [kappa.estimate for _, _, kappa in report.cohen_kappa]
    assert kappas == pytest.approx([0.852023, 0.878944, 0.861661], abs=1e-6)


def test_rankgen_depends_on_the_number_of_categories_and_has_no_ranking(
    shared_data: Path,
) -> None:
    votes = load(shared_data / "rankgen").votes
    ternary = agreement_report(votes, seed=1)
    binary = agreement_report(votes, seed=1, scale="binary")
    both_bad = agreement_report(votes, seed=1, both_bad_allowed=True)
    ac1 = [report.gwet_ac1.estimate for report in (binary, ternary, both_bad)]
    assert ac1 == pytest.approx([0.346, 0.563, 0.607], abs=0.51e-3)
    assert binary.categories == ("a", "b")
    assert both_bad.categories == ("a", "tie", "b", "both_bad")
    assert ternary.fleiss_kappa.details["generalised"]["n"] == 200
    assert ternary.split_half.estimate is None
    assert WarningCode.DISCONNECTED in ternary.split_half.warnings


def test_one_gold_annotator_has_no_agreement_and_a_reason(shared_data: Path) -> None:
    report = agreement_report(load(shared_data / "llmbar").votes, seed=1)
    for name in KEYS - {"cohen_kappa", "split_half"}:
        figure: Estimate = getattr(report, name)
        assert figure.estimate is None, name
        assert figure.warnings == (WarningCode.SINGLE_ANNOTATOR,), name
    assert report.cohen_kappa == ()


def make_votes(rows: list[tuple[int, int, int]], *, systems: int = 3, **more: Any) -> Votes:
    """Votes from (item, annotator, verdict); item i compares systems i and i+1 on prompt i."""
    item, annotator, verdict = np.array(rows).T
    return Votes.from_arrays(
        item % systems,
        (item + 1) % systems,
        verdict,
        prompt=more.pop("prompt", item),
        annotator=annotator,
        item=item,
        n_systems=systems,
        **more,
    )


def random_votes(seed: int, items: int = 60, annotators: int = 4, verdicts: int = 3) -> Votes:
    random = np.random.default_rng(seed)
    truth = random.integers(0, verdicts, items)
    rows = [
        (i, g, int(truth[i] if random.random() < 0.7 else random.integers(0, verdicts)))
        for i, g in itertools.product(range(items), range(annotators))
    ]
    return make_votes(rows)


def test_the_report_holds_every_promised_key_and_names_the_raters() -> None:
    out = agreement_report(random_votes(1), seed=1, splits=5).as_dict(["ann", "bob", "cyd", "dee"])
    assert out.keys() >= KEYS
    assert [pair["rater_1"] for pair in out["cohen_kappa"]][:2] == ["ann", "ann"]
    for key in KEYS - {"cohen_kappa"}:
        assert out[key].keys() >= {"estimate", "low", "high", "method", "n", "warnings"}


def test_the_same_votes_in_any_order_give_the_same_report() -> None:
    votes = random_votes(2)
    order = np.random.default_rng(0).permutation(votes.n)
    one, other = (
        agreement_report(v, seed=9, splits=20).as_dict() for v in (votes, votes.take(order))
    )
    for key in KEYS - {"split_half"}:
        assert one[key] == other[key], key
    assert one["split_half"]["estimate"] == pytest.approx(other["split_half"]["estimate"])


def test_swapping_a_and_b_everywhere_changes_nothing() -> None:
    votes = random_votes(3)
    mirrored = Votes.from_arrays(
        votes.system_b,
        votes.system_a,
        2 - votes.verdict,
        prompt=votes.prompt,
        annotator=votes.annotator,
        item=votes.item,
        n_systems=votes.n_systems,
    )
    one, other = (agreement_report(v, seed=4, splits=5) for v in (votes, mirrored))
    for name in KEYS - {"cohen_kappa"}:
        first, second = getattr(one, name), getattr(other, name)
        assert second.estimate == pytest.approx(first.estimate), name
        assert second.low == pytest.approx(first.low), name


def test_votes_that_name_a_pair_the_other_way_round_are_turned_before_counting() -> None:
    votes = random_votes(5)
    turn = (votes.annotator == 1) & (votes.item % 2 == 0)
    a = np.where(turn, votes.system_b, votes.system_a)
    b = np.where(turn, votes.system_a, votes.system_b)
    mixed = Votes.from_arrays(
        a,
        b,
        np.where(turn, 2 - votes.verdict, votes.verdict),
        prompt=votes.prompt,
        annotator=votes.annotator,
        item=votes.item,
    )
    straight, turned = (agreement_report(v, seed=4, splits=2) for v in (votes, mixed))
    assert turned.percent.estimate == straight.percent.estimate


def test_prompts_with_several_items_are_the_units() -> None:
    votes = random_votes(6)
    grouped = Votes.from_arrays(
        votes.system_a,
        votes.system_b,
        votes.verdict,
        prompt=votes.item // 6,
        annotator=votes.annotator,
        item=votes.item,
    )
    report = agreement_report(grouped, seed=1, splits=2)
    assert report.percent.n_clusters == {"prompts": 10}
    assert report.percent.df == 9
    assert report.krippendorff_alpha.n_clusters == {"prompts": 10}
    assert agreement_report(votes, seed=1, splits=2).percent.n_clusters == {"items": 60}


def test_both_bad_is_a_category_of_its_own_and_a_tie_on_the_ordered_scale() -> None:
    votes = random_votes(7, verdicts=4)
    folded = agreement_report(votes, seed=1, splits=2)
    assert folded.categories == ("a", "tie", "b", "both_bad")
    assert WarningCode.BOTH_BAD_FOLDED in folded.krippendorff_alpha_ordinal.warnings
    assert WarningCode.BOTH_BAD_FOLDED in folded.gwet_ac2.warnings
    assert WarningCode.BOTH_BAD_FOLDED not in folded.krippendorff_alpha.warnings
    as_tie = make_votes(
        [
            (i, g, 1 if v == 3 else v)
            for i, g, v in zip(
                votes.item.tolist(), votes.annotator.tolist(), votes.verdict.tolist(), strict=True
            )
        ]
    )
    reference = agreement_report(as_tie, seed=1, splits=2)
    assert folded.gwet_ac2.estimate == reference.gwet_ac2.estimate
    dropped = agreement_report(votes, seed=1, splits=2, both_bad="drop")
    assert dropped.krippendorff_alpha_ordinal.estimate != pytest.approx(
        folded.krippendorff_alpha_ordinal.estimate
    )
    assert WarningCode.BOTH_BAD_FOLDED not in dropped.gwet_ac2.warnings


def test_a_declared_binary_scale_with_a_tie_in_it_keeps_the_tie() -> None:
    report = agreement_report(random_votes(8), seed=1, splits=2, scale="binary")
    assert report.categories == ("a", "tie", "b")


def test_a_graded_scale_uses_every_step() -> None:
    votes = random_votes(9)
    random = np.random.default_rng(1)
    near = random.integers(1, 4, votes.n_items)[votes.item]
    far = random.integers(1, 4, votes.n)
    alike = agreement_report(votes, seed=1, splits=2, scale="seven", margin=near)
    unlike = agreement_report(votes, seed=1, splits=2, scale="seven", margin=far)
    assert alike.krippendorff_alpha.estimate == unlike.krippendorff_alpha.estimate
    assert alike.krippendorff_alpha_ordinal.estimate is not None
    assert unlike.krippendorff_alpha_ordinal.estimate is not None
    assert alike.krippendorff_alpha_ordinal.estimate > unlike.krippendorff_alpha_ordinal.estimate


def test_misuse_of_the_report_is_refused_in_words() -> None:
    votes = random_votes(1, items=4)
    with pytest.raises(UnknownPolicy, match="scale='four'"):
        agreement_report(votes, seed=1, scale="four")  # type: ignore[arg-type]
    with pytest.raises(UnknownPolicy, match="both_bad"):
        agreement_report(votes, seed=1, both_bad="keep")  # type: ignore[arg-type]
    with pytest.raises(ShapeMismatch, match="margin has shape"):
        agreement_report(votes, seed=1, scale="five", margin=[1])
    with pytest.raises(StatsError, match="expected 1 to 2 on the scale five"):
        agreement_report(votes, seed=1, scale="five", margin=np.full(votes.n, 3))
    with pytest.raises(ShapeMismatch, match="puts item 0 under prompt"):
        agreement_report(make_votes([(0, 0, 0), (0, 1, 0)], prompt=[0, 1]), seed=1)


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 0, 0)],
        [(0, 0, 0), (0, 1, 0)],
        [(0, 0, 0), (0, 1, 2)],
        [(0, 0, 1), (1, 0, 1)],
        [(0, 0, 3), (0, 1, 3), (1, 0, 3)],
        [(i, g, 0) for i in range(9) for g in range(5)],
        [(i, g, 1) for i in range(9) for g in range(5)],
    ],
    ids=["one vote", "one pair", "one discord", "one rater", "both bad", "unanimous", "all ties"],
)
def test_degenerate_votes_give_nulls_with_reasons_and_no_error(
    rows: list[tuple[int, int, int]],
) -> None:
    report = agreement_report(make_votes(rows), seed=1, splits=5)
    for name in KEYS - {"cohen_kappa"}:
        figure: Estimate = getattr(report, name)
        assert figure.estimate is not None or figure.warnings, name


def test_no_votes_at_all_give_nulls() -> None:
    empty = np.zeros(0, dtype=np.int64)
    votes = Votes.from_arrays(empty, empty, empty, prompt=empty, annotator=empty)
    report: Agreement = agreement_report(votes, seed=1)
    for name in KEYS - {"cohen_kappa"}:
        assert getattr(report, name).warnings == (WarningCode.NO_VOTES,), name


def test_pairs_below_twenty_shared_items_have_no_kappa() -> None:
    rows = [(i, g, i % 3) for i in range(20) for g in (0, 1)] + [(i, 2, 0) for i in range(19)]
    rated = ratings(*np.array(rows).T, n_categories=3)
    kappas = pairwise_kappa(rated)
    assert list(zip(kappas.rater_1, kappas.rater_2, kappas.n, strict=True)) == [(0, 1, 20)]
    matrix = kappas.matrix(3)
    assert matrix[0, 1] == matrix[1, 0] == pytest.approx(1)
    assert np.isnan(matrix[0, 2])
    assert np.diag(matrix).tolist() == [1, 1, 1]


def test_kappas_of_very_many_raters_need_no_dense_table() -> None:
    # 4,000 raters squared times nine cells would be more than a gigabyte.
    random = np.random.default_rng(8)
    item = np.repeat(np.arange(4000), 2)
    rater = np.concatenate([random.choice(4000, 2, replace=False) for _ in range(4000)])
    category = random.integers(0, 3, 8000)
    kappas = pairwise_kappa(ratings(item, rater, category, n_categories=3), fewest=1)
    pairs = Counter(tuple(sorted(pair)) for pair in rater.reshape(-1, 2).tolist())
    found = {
        (g, h): n
        for g, h, n in zip(
            kappas.rater_1.tolist(), kappas.rater_2.tolist(), kappas.n.tolist(), strict=True
        )
    }
    assert found == pairs


@pytest.mark.parametrize("fewest", [1, 12])
@pytest.mark.parametrize(
    "constants",
    [{"_DENSE_PLACES": 0, "_PLACES_A_PAIR": 0}, {"_GATHERED_PAIRS": 9}, {"_BLOCK_TABLES": 5}],
)
def test_however_pairs_are_counted_their_kappas_are_the_same(
    monkeypatch: pytest.MonkeyPatch, constants: dict[str, int], fewest: int
) -> None:
    random = np.random.default_rng(3)
    columns = random.integers(0, 60, 400), random.integers(0, 12, 400), random.integers(0, 3, 400)
    rated = ratings(*columns, n_categories=3)
    plain = pairwise_kappa(rated, fewest=fewest)
    for name, value in constants.items():
        monkeypatch.setattr(cohen, name, value)
    other = pairwise_kappa(rated, fewest=fewest)
    assert (plain.n.size == 66) == (fewest == 1)
    assert plain.n.size > 10
    for column in fields(plain):
        np.testing.assert_array_equal(getattr(plain, column.name), getattr(other, column.name))


def ranked_votes(seed: int, *, taste: float, annotators: int = 8, systems: int = 5) -> Votes:
    """Votes on systems of rising strength by annotators with tastes of their own."""
    random = np.random.default_rng(seed)
    strength = np.linspace(-1.5, 1.5, systems)
    own = random.normal(0, taste, (annotators, systems))
    rows = []
    for annotator, (a, b) in itertools.product(
        range(annotators), itertools.combinations(range(systems), 2)
    ):
        for prompt in range(6):
            gap = (strength + own[annotator])[a] - (strength + own[annotator])[b]
            verdict = 0 if random.random() < 1 / (1 + np.exp(-gap)) else 2
            rows.append((a, b, verdict, prompt, annotator))
    a, b, verdict, prompt, annotator = np.array(rows).T
    return Votes.from_arrays(a, b, verdict, prompt=prompt, annotator=annotator)


def test_split_halves_agree_where_annotators_do() -> None:
    like = split_half_reliability(ranked_votes(1, taste=0), seed=3, splits=60)
    unlike = split_half_reliability(ranked_votes(1, taste=3), seed=3, splits=60)
    assert like.estimate is not None
    assert unlike.estimate is not None
    assert like.estimate > 0.9 > unlike.estimate
    assert like.n == 5
    assert like.n_clusters == {"annotators": 8}
    r = like.details["pearson"]["mean"]
    assert like.details["spearman_brown"] == pytest.approx(2 * r / (1 + r))
    assert like.low is not None
    assert like.low <= like.estimate


def test_split_halves_are_drawn_from_the_seed() -> None:
    votes = ranked_votes(2, taste=1)
    one, same, other = (split_half_reliability(votes, seed=s, splits=20) for s in (5, 5, 6))
    assert one == same
    assert one.estimate != other.estimate


def test_a_pair_stored_the_other_way_round_counts_the_same_in_every_half() -> None:
    votes = ranked_votes(6, taste=1)
    turn = np.random.default_rng(1).random(votes.n) < 0.5
    mirrored = Votes.from_arrays(
        np.where(turn, votes.system_b, votes.system_a),
        np.where(turn, votes.system_a, votes.system_b),
        np.where(turn, 2 - votes.verdict, votes.verdict),
        prompt=votes.prompt,
        annotator=votes.annotator,
    )
    one, other = (split_half_reliability(v, seed=1, splits=20) for v in (votes, mirrored))
    assert other.estimate == pytest.approx(one.estimate)
    assert other.details["pearson"]["mean"] == pytest.approx(one.details["pearson"]["mean"])


def test_each_half_is_fitted_like_its_votes_alone() -> None:
    votes = ranked_votes(7, taste=1, annotators=4)
    figure = split_half_reliability(votes, seed=2, splits=1)
    chosen = generator(2, "split_half_spearman").permutation(4)[:2]
    first, second = (
        ridge_strengths(*Cells.from_votes(votes.take(rows)).scores())
        for rows in (np.isin(votes.annotator, chosen), ~np.isin(votes.annotator, chosen))
    )
    assert figure.estimate == pytest.approx(stats.spearmanr(first, second).statistic)
    assert figure.details["pearson"]["mean"] == pytest.approx(np.corrcoef(first, second)[0, 1])


def test_few_annotators_split_by_prompt_and_say_so() -> None:
    figure = split_half_reliability(ranked_votes(3, taste=0, annotators=3), seed=1, splits=20)
    assert figure.n_clusters == {"prompts": 6}
    assert WarningCode.FEW_ANNOTATORS in figure.warnings
    assert figure.estimate is not None


def test_two_systems_have_no_ranking_to_correlate() -> None:
    figure = split_half_reliability(ranked_votes(4, taste=0, systems=2), seed=1, splits=5)
    assert figure.estimate is None
    assert "three systems" in figure.details["reason"]


def test_split_halves_of_a_split_graph_use_its_largest_component() -> None:
    votes = ranked_votes(5, taste=0)
    a = np.concatenate((votes.system_a, [5, 5]))
    b = np.concatenate((votes.system_b, [6, 6]))
    both = Votes.from_arrays(
        a,
        b,
        np.concatenate((votes.verdict, [0, 2])),
        prompt=np.concatenate((votes.prompt, [0, 1])),
        annotator=np.concatenate((votes.annotator, [8, 9])),
    )
    figure = split_half_reliability(both, seed=1, splits=20)
    assert figure.n == 5
    assert figure.warnings == (WarningCode.DISCONNECTED,)
    assert figure.estimate == split_half_reliability(votes, seed=1, splits=20).estimate


def test_tied_strengths_share_the_mean_of_their_ranks() -> None:
    values = np.random.default_rng(3).integers(0, 4, (50, 9)).astype(float)
    np.testing.assert_array_equal(_average_ranks(values), stats.rankdata(values, axis=1))
