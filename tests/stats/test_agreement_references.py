"""Agreement coefficients against published tables and other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.stats.agreement import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    fleiss_kappa_classical,
    gwet_ac,
    item_percent,
    linear_weights,
    percent_agreement,
    quadratic_weights,
)
from reports.stats.cohen import cohen_kappa
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Ratings, ratings
from reports.stats.results import Estimate
from tests.stats.shared_sets import references

COMPUTED = 1e-6  # other programs agree to this
PRINTED = 0.51  # half a unit of the last printed digit, and its rounding


def matches(figure: Estimate, reference: dict[str, float], tolerance: float = COMPUTED) -> None:
    assert figure.estimate == pytest.approx(reference["estimate"], abs=tolerance)
    assert figure.se == pytest.approx(reference["se"], abs=tolerance)


def from_counts(counts: list[list[int]]) -> Ratings:
    """Ratings with these n_ik; the raters are places, as in the published tables."""
    rows = [
        (item, rater, category)
        for item, row in enumerate(counts)
        for rater, category in enumerate(np.repeat(np.arange(len(row)), row))
    ]
    return ratings(*np.array(rows).T, n_categories=len(counts[0]))


def from_table(table: list[list[int]]) -> Ratings:
    """Two raters with this joint table."""
    counts = np.array(table)
    first, second = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    item = np.arange(first.size)
    return ratings(
        np.concatenate((item, item)),
        np.repeat([0, 1], item.size),
        np.concatenate((first, second)),
        n_categories=counts.shape[0],
    )


def krippendorff_4x12(values: dict[str, Any], *, move_item_12: bool = False) -> Ratings:
    rows = [
        (item, rater, value - 1)
        for rater, row in enumerate(values["ratings"])
        for item, value in enumerate(row)
        if value is not None
    ]
    if move_item_12:
        rows = [(i, 2 if i == 11 else g, k) for i, g, k in rows]
    return ratings(*np.array(rows).T, n_categories=5)


@pytest.fixture(scope="module")
def values(shared_data: Path) -> dict[str, Any]:
    return references(shared_data)


def test_four_raters_on_twelve_items_with_gaps_reach_every_published_coefficient(
    values: dict[str, Any],
) -> None:
    reference = values["iaa_krippendorff_4x12"]
    published, computed = reference["published"], reference["computed"]["coefficients"]
    rated = krippendorff_4x12(reference)
    counts = rated.item_counts()
    figures = {
        "percent": item_percent(counts),
        "fleiss": fleiss_kappa(counts),
        "brennan_prediger": brennan_prediger(counts),
        "krippendorff": krippendorff_alpha(counts),
        "conger": conger_kappa(rated, counts),
        "ac1": gwet_ac(counts),
    }
    for name, figure in figures.items():
        matches(figure, computed[name])
    for name, key in (
        ("percent", "percent_agreement"),
        ("ac1", "ac1"),
        ("fleiss", "fleiss"),
        ("krippendorff", "krippendorff_nominal"),
    ):
        matches(figures[name], published[key], PRINTED * 1e-5)
    assert figures["ac1"].low == pytest.approx(published["ac1_ci95"][0], abs=PRINTED * 1e-3)
    assert figures["ac1"].high == published["ac1_ci95"][1]


def test_conger_follows_the_rater_who_gave_the_single_rating(values: dict[str, Any]) -> None:
    reference = values["iaa_krippendorff_4x12"]
    rated = krippendorff_4x12(reference, move_item_12=True)
    figure = conger_kappa(rated, rated.item_counts())
    matches(figure, reference["computed"]["conger_with_item_12_given_to_rater_3"])
    matches(figure, reference["published"]["conger_irrcac_layout"], PRINTED * 1e-5)


def test_alpha_is_nominal_ordinal_and_interval_by_its_metric(values: dict[str, Any]) -> None:
    reference = values["iaa_krippendorff_4x12"]
    counts = krippendorff_4x12(reference).item_counts()
    alphas = {
        "nominal": krippendorff_alpha(counts, "nominal"),
        "ordinal": krippendorff_alpha(counts, "ordinal"),
        "interval": krippendorff_alpha(counts, weights=quadratic_weights(5)),
    }
    for name, alpha in alphas.items():
        assert alpha.estimate == pytest.approx(reference["computed"]["alpha"][name], abs=1e-9)
        assert alpha.estimate == pytest.approx(
            reference["published"]["alpha"][name], abs=PRINTED * 1e-3
        )


@pytest.mark.parametrize("kind", ["linear", "quadratic"])
def test_weighted_coefficients_match_other_programs(values: dict[str, Any], kind: str) -> None:
    reference = values["iaa_krippendorff_4x12"]
    computed = reference["computed"]["weighted"][kind]
    weights = linear_weights(5) if kind == "linear" else quadratic_weights(5)
    rated = krippendorff_4x12(reference)
    counts = rated.item_counts()
    matches(item_percent(counts, weights), computed["percent"])
    matches(fleiss_kappa(counts, weights), computed["fleiss"])
    matches(brennan_prediger(counts, weights), computed["brennan_prediger"])
    matches(krippendorff_alpha(counts, weights=weights), computed["krippendorff"])
    matches(conger_kappa(rated, counts, weights), computed["conger"])
    matches(gwet_ac(counts, weights), computed["ac2"])


def test_six_raters_of_1971_reach_fleiss_own_kappa(values: dict[str, Any]) -> None:
    reference = values["iaa_fleiss1971"]
    counts = from_counts(reference["counts"]).item_counts()
    kappa = fleiss_kappa_classical(counts)
    assert kappa.estimate == pytest.approx(reference["published"]["fleiss_kappa"], abs=0.005)
    assert kappa.details["votes_per_item"] == 6
    computed = reference["computed"]["coefficients"]
    matches(kappa, computed["fleiss"])
    matches(item_percent(counts), computed["percent"])
    matches(brennan_prediger(counts), computed["brennan_prediger"])
    matches(krippendorff_alpha(counts), computed["krippendorff"])
    matches(gwet_ac(counts), computed["ac1"])


def test_the_first_fifteen_patients_reach_the_values_printed_for_them(
    values: dict[str, Any],
) -> None:
    reference = values["iaa_fleiss1971"]
    published = reference["published"]["first_15_rows"]
    counts = from_counts(reference["counts"][:15]).item_counts()
    digits = PRINTED * 1e-7
    matches(gwet_ac(counts), published["ac1"], digits)
    matches(fleiss_kappa(counts), published["fleiss"], digits)
    matches(brennan_prediger(counts), published["brennan_prediger"], digits)
    alpha = krippendorff_alpha(counts)
    assert alpha.estimate == pytest.approx(published["krippendorff"]["estimate"], abs=digits)
    assert alpha.se == pytest.approx(0.08119, abs=PRINTED * 1e-5)
    assert gwet_ac(counts).details["observed"] == pytest.approx(published["pa"], abs=digits)


def test_two_abstractors_give_every_coefficient_from_one_table(values: dict[str, Any]) -> None:
    reference = values["iaa_gwet_3x3_abstractors"]
    rated = from_table(reference["table"])
    counts = rated.item_counts()
    computed, published = reference["computed"]["coefficients"], reference["published"]
    figures = {
        "percent": item_percent(counts),
        "fleiss": fleiss_kappa(counts),
        "brennan_prediger": brennan_prediger(counts),
        "krippendorff": krippendorff_alpha(counts),
        "ac1": gwet_ac(counts),
        "conger": conger_kappa(rated, counts),
    }
    # The printed errors divide by n squared, ours by n(n-1); the table's note says so.
    smaller = np.sqrt(99 / 100)
    for name, figure in figures.items():
        matches(figure, computed[name])
        key = {"fleiss": "scott"}.get(name, name)
        if key in published and name != "percent":
            printed = published[key]
            assert figure.estimate == pytest.approx(printed["estimate"], abs=1e-7)
            assert figure.se is not None
            assert figure.se * smaller == pytest.approx(printed["se"], abs=1e-7)
    matches(cohen_kappa(reference["table"]), published["cohen"], 1e-7)
    assert percent_agreement(counts).estimate == pytest.approx(0.89)


@pytest.mark.parametrize("name", ["iaa_agresti_carcinoma", "iaa_landiskoch_ms"])
def test_cohen_kappa_and_its_weighted_forms_match_r(values: dict[str, Any], name: str) -> None:
    reference = values[name]
    table, computed = reference["table"], reference["computed"]
    matches(cohen_kappa(table), computed["kappa"])
    matches(cohen_kappa(table, linear_weights(4)), computed["weighted_linear"])
    matches(cohen_kappa(table, quadratic_weights(4)), computed["weighted_quadratic"])


def test_cohens_own_example_of_disagreement_weights(values: dict[str, Any]) -> None:
    reference = values["iaa_cohen1968"]
    table = np.array(reference["proportions"]) * reference["n"]
    disagreement = np.array(reference["disagreement_weights"])
    plain = cohen_kappa(table)
    weighted = cohen_kappa(table, 1 - disagreement / disagreement.max())
    assert plain.estimate == pytest.approx(reference["computed"]["kappa"], abs=1e-9)
    assert weighted.estimate == pytest.approx(reference["computed"]["weighted_kappa"], abs=1e-9)
    assert plain.n == 200


def test_a_three_by_three_table_worked_by_hand() -> None:
    table = [[40, 5, 5], [6, 30, 4], [7, 3, 20]]
    kappa = cohen_kappa(table)
    assert kappa.estimate == pytest.approx(0.615385, abs=1e-6)
    assert kappa.low == pytest.approx(0.496726, abs=1e-6)
    assert kappa.high == pytest.approx(0.734044, abs=1e-6)
    assert cohen_kappa(table, quadratic_weights(3)).estimate == pytest.approx(0.571429, abs=1e-6)


def test_one_missing_vote_changes_alpha_a_little_and_raises_nothing(
    values: dict[str, Any],
) -> None:
    counts = np.array(values["iaa_fleiss1971"]["counts"])
    whole = krippendorff_alpha(from_counts(counts.tolist()).item_counts()).estimate
    counts[0, 3] -= 1
    gap = krippendorff_alpha(from_counts(counts.tolist()).item_counts()).estimate
    assert whole is not None
    assert gap is not None
    assert 0 < abs(whole - gap) < 0.01
