"""bt_reference.json and reference_values.json by the product's functions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import chdtrc
from scipy.stats import beta, wilcoxon

from reports.stats.agreement import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    gwet_ac,
    item_percent,
    linear_weights,
    quadratic_weights,
)
from reports.stats.bradley_terry import BradleyTerryFit, fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.clusters import compact, intersect
from reports.stats.cohen import cohen_kappa
from reports.stats.covariance import cr1, cr3, iid_sandwich, two_way
from reports.stats.cyclic_triads import cyclic_triads
from reports.stats.davidson import TieFit, fit_davidson, fit_rao_kupper
from reports.stats.dawid_skene import fit_dawid_skene
from reports.stats.goodness_of_fit import fit_test
from reports.stats.influence import fewest_votes_to_flip, leave_one_annotator_out
from reports.stats.intervals import critical_value, wilson
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Ratings
from reports.stats.results import Estimate
from reports.stats.sequential import confidence_sequence, log_e_values
from reports.stats.side_term import fit_side_term
from reports.stats.significance import benjamini_hochberg, holm, mcnemar, sign_flip_test, sign_test
from reports.stats.strength_covariance import component_design, strength_covariance
from reports.stats.votes import Votes
from tests.stats.references.compared import UNROUNDED, Ledger
from tests.stats.shared_sets import SharedSet
from tests.stats.test_agreement_references import from_counts, from_table, krippendorff_4x12
from tests.stats.vote_makers import Row, votes_of

Floats = NDArray[np.float64]
Data = Mapping[str, Any]
ARITHMETIC = "arithmetic"

# Data, sources and remarks.
NOT_VALUES = frozenset(
    {
        "about", "caution", "categories", "columns", "contests", "conventions", "counts",
        "differences", "disagreement_weights", "initialisation", "items", "kind", "layout", "n",
        "note", "p", "proportions", "ratings", "reference_item", "rows", "rules", "source",
        "systems", "table", "ties", "wins", "losses", "x",
    }
)  # fmt: skip
# Keys of the same name that are values.
VALUES = frozenset({"mcnemar_agresti/published/p"})


def against(matrix: Floats, place: int = 0) -> Floats:
    """Standard errors of the differences to the system at `place`."""
    gap = np.diag(matrix) + matrix[place, place] - 2 * matrix[place]
    return np.asarray(np.sqrt(np.maximum(gap, 0)), dtype=np.float64)


def table_votes(rows: list[tuple[int, int, int, int, int]], side: int = 0) -> Votes:
    """Votes of (first, second, wins, losses, ties), by one annotator on one prompt."""
    out: list[Row] = []
    for first, second, won, lost, tied in rows:
        for verdict, count in ((0, won), (2, lost), (1, tied)):
            out += [(first, second, verdict, side, 0, 0)] * count
    return votes_of(out)


def half_win(votes: Votes) -> tuple[BradleyTerryFit, Floats, Floats]:
    """The fit, its model covariance and its iid sandwich."""
    fit = fit_bradley_terry(Cells.from_votes(votes))
    (part,) = fit.components
    (errors,) = strength_covariance(votes, fit)
    assert errors.method == "iid"
    return fit, part.model_covariance(), errors.matrix


def deviance(votes: Votes, fit: BradleyTerryFit, *, by_row: bool) -> float:
    """Binomial deviance of half-win counts, by row of the table or by pair."""
    counts: dict[tuple[int, int], list[float]] = {}
    for a, b, y in zip(
        votes.system_a.tolist(), votes.system_b.tolist(), votes.score().tolist(), strict=True
    ):
        turned = not by_row and a > b
        key = (b, a) if turned else (a, b)
        won = counts.setdefault(key, [0.0, 0.0])
        won[0] += 1 - y if turned else y
        won[1] += 1
    total = 0.0
    for (a, b), (points, n) in counts.items():
        p = 1 / (1 + math.exp(fit.strengths[b] - fit.strengths[a]))
        for seen, chance in ((points, p), (n - points, 1 - p)):
            total += 2 * seen * math.log(seen / (n * chance)) if seen else 0.0
    return total


def bt_reference(data: Data) -> Ledger:
    ledger = Ledger("bt_reference.json", data)
    for name, table in data.items():
        names = sorted(table["bt"])
        rows = [
            (names.index(row["p1"]), names.index(row["p2"]), row["win1"], row["win2"],
             row.get("tie", 0))
            for row in table["contests"]
        ]  # fmt: skip
        votes = table_votes(rows, side=1)
        fit, model, _ = half_win(votes)
        error = against(model)
        ours = {
            each: [fit.strengths[k] - fit.strengths[0], error[k]] for k, each in enumerate(names)
        }
        ledger.add(f"{name}/bt", ours, "bt_half, model error", tolerance=UNROUNDED)
    fit, model, _ = half_win(baseball(data["baseball"]))
    gaps = (fit.strengths - fit.strengths[0])[1:]
    ordered = sorted(gaps.tolist())
    ledger.add("baseball/published/table_10_11_col3", ordered, "bt_half", places=2)
    ledger.add("baseball/published/se_about", float(against(model)[1:].mean()), "bt_half", places=1)
    side = fit_side_term(baseball(data["baseball"]))
    ledger.add("baseball/home_advantage/coef", side.gamma.estimate, "bt_side", tolerance=UNROUNDED)
    ledger.add("baseball/home_advantage/se", side.model_se, "bt_side", tolerance=UNROUNDED)
    ratio = side_ratio(baseball(data["baseball"]))
    ledger.add("baseball/home_advantage/lr", ratio, "bt_side", tolerance=UNROUNDED)
    ledger.add("baseball/home_advantage/p", float(chdtrc(1, ratio)), "bt_side", tolerance=UNROUNDED)
    return ledger


def baseball(table: Data) -> Votes:
    names = sorted(table["bt"])
    return table_votes(
        [
            (names.index(row["p1"]), names.index(row["p2"]), row["win1"], row["win2"], 0)
            for row in table["contests"]
        ],
        side=1,
    )


def log_likelihood(votes: Votes, strengths: Floats, side: float) -> float:
    d = strengths[votes.system_a] - strengths[votes.system_b] + side * votes.side
    y = votes.score()
    return float((-y * np.logaddexp(0, -d) - (1 - y) * np.logaddexp(0, d)).sum())


def side_ratio(votes: Votes) -> float:
    """Twice the gain of the side term in log-likelihood."""
    term = fit_side_term(votes)
    plain = fit_bradley_terry(Cells.from_votes(votes))
    return 2 * (
        log_likelihood(votes, term.strengths, term.gamma.estimate or 0.0)
        - log_likelihood(votes, plain.strengths, 0.0)
    )


def reference_values(data: Data, mtbench: SharedSet) -> Ledger:
    ledger = Ledger("reference_values.json", data)
    citations(ledger, data["bt_citations"])
    home_games(ledger, data["bt_baseball"])
    springall(ledger, data["bt_ties_springall"])
    four_raters(ledger, data["iaa_krippendorff_4x12"])
    six_raters(ledger, data["iaa_fleiss1971"])
    kappas(ledger, data)
    abstractors(ledger, data["iaa_gwet_3x3_abstractors"])
    shares_and_tests(ledger, data)
    annotators(ledger, data["dawid_skene_1979"])
    clustered(ledger, data["bt_mtbench_turn1"], mtbench)
    for place, case in enumerate(data["sequential_mixture"]["cases"]):
        counts = case["wins"], case["ties"], case["losses"]
        path = f"sequential_mixture/cases/{place}"
        ledger.add(f"{path}/log_e_half", float(log_e_values(*counts)[0]), "e-value",
                   tolerance=UNROUNDED)  # fmt: skip
        low, high = confidence_sequence(*counts)
        ledger.add(f"{path}/interval_95", [float(low[0]), float(high[0])], "confidence_sequence",
                   tolerance=UNROUNDED)  # fmt: skip
    return ledger


def citations(ledger: Ledger, table: Data) -> None:
    names = table["items"]
    rows = [(names.index(a), names.index(b), w, x, 0) for a, b, w, x in table["rows"]]
    votes = table_votes(rows)
    fit, model, sandwich = half_win(votes)
    coef = fit.strengths - fit.strengths[0]
    error = against(model)
    path = "bt_citations"
    ledger.add(f"{path}/published/coef", dict(zip(names, coef.tolist(), strict=True)), "bt_half",
               places=5)  # fmt: skip
    ledger.add(f"{path}/published/se", dict(zip(names[1:], error[1:].tolist(), strict=True)),
               "bt_half, model error", places=5)  # fmt: skip
    gap = deviance(votes, fit, by_row=True)
    test = fit_test(votes, seed=1)
    ledger.add(f"{path}/published/residual_deviance", gap, ARITHMETIC, places=4)
    ledger.add(f"{path}/published/df", test.df, "fit test")
    ledger.add(f"{path}/published/aic", binomial_aic(rows, fit, parameters=3), ARITHMETIC, places=3)
    ledger.add(f"{path}/computed/coef", coef.tolist(), "bt_half", tolerance=UNROUNDED)
    ledger.add(f"{path}/computed/model_se", error.tolist(), "bt_half", tolerance=UNROUNDED)
    ledger.add(f"{path}/computed/sandwich_se", against(sandwich).tolist(), "bt_half_iid",
               tolerance=UNROUNDED)  # fmt: skip
    contrast = np.eye(4)[1:] - np.eye(4)[0]
    ledger.add(f"{path}/computed/vcov_vs_biometrika", (contrast @ model @ contrast.T).tolist(),
               "bt_half, model error", tolerance=UNROUNDED)  # fmt: skip
    triads(ledger, path, votes)


def binomial_aic(
    rows: list[tuple[int, int, int, int, int]], fit: BradleyTerryFit, parameters: int
) -> float:
    """With the binomial coefficients, as R has it."""
    total = 0.0
    for a, b, won, lost, _ in rows:
        p = 1 / (1 + math.exp(fit.strengths[b] - fit.strengths[a]))
        choose = math.lgamma(won + lost + 1) - math.lgamma(won + 1) - math.lgamma(lost + 1)
        total += choose + won * math.log(p) + lost * math.log(1 - p)
    return 2 * parameters - 2 * total


def triads(ledger: Ledger, path: str, votes: Votes) -> None:
    found = cyclic_triads(votes, seed=1)
    ledger.add(f"{path}/computed/cyclic_triads", [found.cyclic, found.triads], "cyclic triads")


def home_games(ledger: Ledger, table: Data) -> None:
    names = table["items"]
    rows = [(names.index(a), names.index(b), w, x, 0) for a, b, w, x in table["rows"]]
    votes = table_votes(rows, side=1)
    fit, model, sandwich = half_win(votes)
    coef = fit.strengths - fit.strengths[0]
    path = "bt_baseball"
    ledger.add(f"{path}/published/no_position/coef", dict(zip(names, coef.tolist(), strict=True)),
               "bt_half", places=4)  # fmt: skip
    ledger.add(f"{path}/published/no_position/se",
               dict(zip(names[1:], against(model)[1:].tolist(), strict=True)),
               "bt_half, model error", places=4)  # fmt: skip
    ledger.add(f"{path}/published/no_position/residual_deviance_ungrouped_rows",
               deviance(votes, fit, by_row=True), ARITHMETIC, places=3)  # fmt: skip
    ledger.add(f"{path}/computed/no_position/coef", coef.tolist(), "bt_half", tolerance=UNROUNDED)
    ledger.add(f"{path}/computed/no_position/model_se", against(model).tolist(), "bt_half",
               tolerance=UNROUNDED)  # fmt: skip
    ledger.add(f"{path}/computed/no_position/sandwich_se", against(sandwich).tolist(),
               "bt_half_iid", tolerance=UNROUNDED)  # fmt: skip
    term = fit_side_term(votes)
    assert term.covariance is not None
    assert term.model_covariance is not None
    at_home = term.strengths - term.strengths[0]
    errors = against(term.model_covariance[:-1, :-1])
    gamma = term.gamma
    printed = dict(zip(names[1:], at_home[1:].tolist(), strict=True)) | {"at.home": gamma.estimate}
    ledger.add(f"{path}/published/home_advantage/coef", printed, "bt_side", places=4)
    printed = dict(zip(names[1:], errors[1:].tolist(), strict=True)) | {"at.home": term.model_se}
    ledger.add(f"{path}/published/home_advantage/se", printed, "bt_side, model error", places=4)
    gap = deviance(votes, fit, by_row=True) - side_ratio(votes)
    ledger.add(f"{path}/published/home_advantage/residual_deviance", gap, ARITHMETIC, places=3)
    ledger.add(f"{path}/published/home_advantage/df", len(rows) - 6 - 1, ARITHMETIC)
    ours = {
        "coef": at_home.tolist(),
        "model_se": errors.tolist(),
        "sandwich_se": against(term.covariance.matrix[:-1, :-1]).tolist(),
        "side": gamma.estimate,
        "side_model_se": term.model_se,
        "side_sandwich_se": gamma.se,
    }
    ledger.add(f"{path}/computed/home_advantage", ours, "bt_side", tolerance=UNROUNDED)
    triads(ledger, path, votes)


def springall(ledger: Ledger, table: Data) -> None:
    rows = [(i - 1, j - 1, won, lost, tied) for i, j, won, lost, tied in table["rows"]]
    votes = table_votes(rows)
    fit, model, sandwich = half_win(votes)
    path = "bt_ties_springall/computed"
    ours = {
        "coef": (fit.strengths - fit.strengths[0]).tolist(),
        "model_se": against(model).tolist(),
        "sandwich_se": against(sandwich).tolist(),
        "binomial_deviance": deviance(votes, fit, by_row=False),
    }
    ledger.add(f"{path}/half_win", ours, "bt_half", tolerance=UNROUNDED)
    found = fit_davidson(votes)
    assert found is not None
    test = fit_test(votes, seed=1)
    v, r = found.fit.model_covariance(), found.covariance.matrix
    ours = {
        "coef": (found.fit.strengths - found.fit.strengths[0]).tolist(),
        "model_se": against(v[:-1, :-1]).tolist(),
        "sandwich_se": against(r[:-1, :-1]).tolist(),
        "log_nu": float(found.fit.shape[0]),
        "nu": math.exp(found.fit.shape[0]),
        "log_nu_model_se": math.sqrt(v[-1, -1]),
        "log_nu_sandwich_se": math.sqrt(r[-1, -1]),
        "deviance": test.deviance,
        "df": test.df,
        "pearson_chi2": test.x2,
    }
    ledger.add(f"{path}/davidson", ours, "bt_davidson", tolerance=UNROUNDED)
    other = fit_rao_kupper(votes)
    assert other is not None
    strengths = other.fit.strengths
    # The reference says that its own two programs agreed to 1e-4.
    ledger.add(f"{path}/rao_kupper/coef", (strengths - strengths[0]).tolist(), "bt_rao_kupper",
               tolerance=1e-4)  # fmt: skip
    ledger.add(f"{path}/rao_kupper/theta", math.exp(other.fit.shape[0]), "bt_rao_kupper",
               tolerance=1e-4)  # fmt: skip
    triads(ledger, "bt_ties_springall", votes)


def both(figure: Estimate) -> dict[str, float | None]:
    return {"estimate": figure.estimate, "se": figure.se}


def all_four(figure: Estimate) -> dict[str, Any]:
    """With the observed and the expected agreement behind it."""
    details = figure.details
    return {**both(figure), "p_a": details["observed"], "p_e": details.get("expected", 0.0)}


def coefficients(rated: Ratings) -> dict[str, Estimate]:
    counts = rated.item_counts()
    return {
        "percent": item_percent(counts),
        "fleiss": fleiss_kappa(counts),
        "brennan_prediger": brennan_prediger(counts),
        "krippendorff": krippendorff_alpha(counts),
        "conger": conger_kappa(rated, counts),
        "ac1": gwet_ac(counts),
    }


def ratio_weights(values: Floats) -> Floats:
    """1 less ((c - k)/(c + k))², as weights."""
    difference = (values[:, None] - values) / (values[:, None] + values)
    return np.asarray(1 - difference**2)


def four_raters(ledger: Ledger, table: Data) -> None:
    rated = krippendorff_4x12(dict(table))
    counts = rated.item_counts()
    found = coefficients(rated)
    path = "iaa_krippendorff_4x12"
    alphas = {
        "nominal": krippendorff_alpha(counts),
        "ordinal": krippendorff_alpha(counts, "ordinal"),
        "interval": krippendorff_alpha(counts, weights=quadratic_weights(5)),
        "ratio": krippendorff_alpha(counts, weights=ratio_weights(np.arange(1.0, 6.0))),
    }
    alpha = {name: figure.estimate for name, figure in alphas.items()}
    ledger.add(f"{path}/published/alpha", alpha, "krippendorff", places=3)
    ledger.add(f"{path}/computed/alpha", alpha, "krippendorff", tolerance=UNROUNDED)
    for key, name in (
        ("percent_agreement", "percent"),
        ("ac1", "ac1"),
        ("fleiss", "fleiss"),
        ("krippendorff_nominal", "krippendorff"),
    ):
        ledger.add(f"{path}/published/{key}", both(found[name]), name, places=5)
    ac1 = found["ac1"]
    ledger.add(f"{path}/published/ac1_ci95", [ac1.low, ac1.high], "ac1", places=3)
    for name, figure in found.items():
        ours = both(figure) if name == "conger" else all_four(figure)
        ledger.add(f"{path}/computed/coefficients/{name}", ours, name, tolerance=UNROUNDED)
    moved = krippendorff_4x12(dict(table), move_item_12=True)
    conger = both(conger_kappa(moved, moved.item_counts()))
    ledger.add(f"{path}/published/conger_irrcac_layout", conger, "conger", places=5)
    ledger.add(f"{path}/computed/conger_with_item_12_given_to_rater_3", conger, "conger",
               tolerance=UNROUNDED)  # fmt: skip
    for kind, weights in (("linear", linear_weights(5)), ("quadratic", quadratic_weights(5))):
        ours = {
            "percent": both(item_percent(counts, weights)),
            "fleiss": both(fleiss_kappa(counts, weights)),
            "brennan_prediger": both(brennan_prediger(counts, weights)),
            "krippendorff": both(krippendorff_alpha(counts, weights=weights)),
            "conger": both(conger_kappa(rated, counts, weights)),
            "ac2": both(gwet_ac(counts, weights)),
        }
        ledger.add(f"{path}/computed/weighted/{kind}", ours, f"weighted, {kind}",
                   tolerance=UNROUNDED)  # fmt: skip


def fleiss_null_error(counts: NDArray[np.int64]) -> float:
    """Fleiss, Nee & Landis 1979, as printed: the error if agreement were chance."""
    items, raters = counts.shape[0], int(counts[0].sum())
    p = counts.sum(axis=0) / counts.sum()
    q = 1 - p
    spread = float((p * q).sum())
    inner = spread**2 - float((p * q * (q - p)).sum())
    return math.sqrt(2 * inner) / (spread * math.sqrt(items * raters * (raters - 1)))


def six_raters(ledger: Ledger, table: Data) -> None:
    path = "iaa_fleiss1971"
    rated = from_counts(table["counts"])
    found = coefficients(rated)
    kappa = found["fleiss"].estimate
    assert kappa is not None
    error = fleiss_null_error(np.array(table["counts"]))
    ledger.add(f"{path}/published/fleiss_kappa", kappa, "fleiss", places=2)
    ledger.add(f"{path}/published/z_fleiss1979", kappa / error, ARITHMETIC, places=1)
    ledger.add(f"{path}/computed/fleiss", kappa, "fleiss", tolerance=UNROUNDED)
    ledger.add(f"{path}/computed/null_se_fleiss1979", error, ARITHMETIC, tolerance=UNROUNDED)
    for name in ("percent", "fleiss", "brennan_prediger", "krippendorff", "ac1"):
        ledger.add(f"{path}/computed/coefficients/{name}", all_four(found[name]), name,
                   tolerance=UNROUNDED)  # fmt: skip
    first = coefficients(from_counts(table["counts"][:15]))
    printed = f"{path}/published/first_15_rows"
    for name in ("ac1", "fleiss", "brennan_prediger"):
        ledger.add(f"{printed}/{name}", both(first[name]), name, places=7)
    ledger.add(f"{printed}/krippendorff/estimate", first["krippendorff"].estimate, "krippendorff",
               places=7)  # fmt: skip
    # By another formula, says its note: of the first 15 rows, the error of alpha by the formula
    # that leaves the chance part out. Ours is .08119; the two may differ by 2 %.
    ledger.add(f"{printed}/krippendorff/se", first["krippendorff"].se,
               "krippendorff; another formula, see the note", tolerance=0.00125)  # fmt: skip
    ledger.add(f"{printed}/pa", first["ac1"].details["observed"], "ac1", places=7)


def cohen_null_error(table: Floats, weights: Floats) -> float:
    """Fleiss, Cohen & Everitt 1969: the error of kappa if agreement were chance."""
    p = table / table.sum()
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    expected = float(rows @ weights @ columns)
    mean = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    inner = float((np.outer(rows, columns) * (weights - mean) ** 2).sum()) - expected**2
    return math.sqrt(inner / table.sum()) / (1 - expected)


def kappas(ledger: Ledger, data: Data) -> None:
    for name in ("iaa_agresti_carcinoma", "iaa_landiskoch_ms"):
        table = np.array(data[name]["table"], dtype=float)
        found = {
            "kappa": both(cohen_kappa(table)),
            "weighted_linear": both(cohen_kappa(table, linear_weights(4))),
            "weighted_quadratic": both(cohen_kappa(table, quadratic_weights(4))),
        }
        for key, ours in found.items():
            ledger.add(f"{name}/computed/{key}", ours, "cohen_kappa", tolerance=UNROUNDED)
        null = cohen_null_error(table, np.eye(4))
        ledger.add(f"{name}/computed/kappa/null_se", null, ARITHMETIC, tolerance=UNROUNDED)
        if name == "iaa_agresti_carcinoma":
            ledger.add(f"{name}/published/kappa", found["kappa"], "cohen_kappa", places=3)
            linear = found["weighted_linear"]
            ledger.add(f"{name}/published/weighted_linear/estimate", linear["estimate"],
                       "cohen_kappa_weighted", places=5)  # fmt: skip
            ledger.add(f"{name}/published/weighted_linear/se", linear["se"],
                       "cohen_kappa_weighted", places=6)  # fmt: skip
        else:
            ledger.add(f"{name}/published/kappa", found["kappa"]["estimate"], "cohen_kappa",
                       places=3)  # fmt: skip
    cohen = data["iaa_cohen1968"]
    table = np.array(cohen["proportions"]) * cohen["n"]
    loss = np.array(cohen["disagreement_weights"])
    ours = {
        "kappa": cohen_kappa(table).estimate,
        "weighted_kappa": cohen_kappa(table, 1 - loss / loss.max()).estimate,
    }
    ledger.add("iaa_cohen1968/published", ours, "cohen_kappa", places=3)
    ledger.add("iaa_cohen1968/computed", ours, "cohen_kappa", tolerance=UNROUNDED)


def abstractors(ledger: Ledger, data: Data) -> None:
    path = "iaa_gwet_3x3_abstractors"
    table = np.array(data["table"], dtype=float)
    found = coefficients(from_table(data["table"]))
    for name, figure in found.items():
        ours = both(figure) if name == "conger" else all_four(figure)
        ledger.add(f"{path}/computed/coefficients/{name}", ours, name, tolerance=UNROUNDED)
    cohen = {**both(cohen_kappa(table)), "null_se": cohen_null_error(table, np.eye(3))}
    ledger.add(f"{path}/computed/cohen", cohen, "cohen_kappa", tolerance=UNROUNDED)
    # The printed errors divide by n squared, ours by n(n-1), as the table's note says.
    n = float(table.sum())
    for key, name in (
        ("percent", "percent"), ("scott", "fleiss"), ("ac1", "ac1"),
        ("brennan_prediger", "brennan_prediger"), ("krippendorff", "krippendorff"),
    ):  # fmt: skip
        figure = found[name]
        assert figure.se is not None
        ours = {"estimate": figure.estimate, "se": figure.se * math.sqrt((n - 1) / n)}
        ledger.add(f"{path}/published/{key}", ours, f"{name}, error × √((n-1)/n)",
                   tolerance=1e-7)  # fmt: skip
    ledger.add(f"{path}/published/cohen", both(cohen_kappa(table)), "cohen_kappa", tolerance=1e-7)
    b = float((np.diag(table) ** 2).sum() / (table.sum(axis=0) @ table.sum(axis=1)))
    ledger.add(f"{path}/published/bangdiwala", b, ARITHMETIC, tolerance=1e-7)


def shares_and_tests(ledger: Ledger, data: Data) -> None:
    for place, case in enumerate(data["ci_newcombe1998"]["cases"]):
        x, n = case["x"], case["n"]
        low, high = wilson(x / n, n, critical_value(0.95, None))
        path = f"ci_newcombe1998/cases/{place}"
        ledger.add(f"{path}/wilson", [float(low), float(high)], "wilson", places=4)
        exact = [
            float(beta.ppf(0.025, x, n - x + 1)) if x else 0.0,
            float(beta.ppf(0.975, x + 1, n - x)) if x < n else 1.0,
        ]
        ledger.add(f"{path}/clopper_pearson", exact, ARITHMETIC, places=4)
    (_, first), (second, _) = data["mcnemar_agresti"]["table"]
    plain = (first - second) ** 2 / (first + second)
    corrected = (abs(first - second) - 1) ** 2 / (first + second)
    path = "mcnemar_agresti"
    for key, chi, p in (("", plain, "p"), ("_corrected", corrected, "p_corrected")):
        ledger.add(f"{path}/published/chi2{key}", chi, ARITHMETIC, places=3)
        ledger.add(f"{path}/published/{p}", float(chdtrc(1, chi)), ARITHMETIC)
    ledger.add(f"{path}/computed/exact_p", mcnemar(first, second), "mcnemar")
    many = data["bh1995"]
    p = many["p"]
    ours = {
        "bh": benjamini_hochberg(p).tolist(),
        "holm": holm(p).tolist(),
        "bonferroni": [min(1.0, len(p) * value) for value in p],
    }
    for key, by in (("bh", "q_value"), ("holm", "p_adjusted"), ("bonferroni", ARITHMETIC)):
        ledger.add(f"bh1995/computed/adjusted/{key}", ours[key], by, tolerance=UNROUNDED)
    rejected = {key: sum(value <= 0.05 for value in values) for key, values in ours.items()}
    ledger.add("bh1995/published/bh_rejects", rejected["bh"], "q_value")
    ledger.add("bh1995/published/bonferroni_rejects", rejected["bonferroni"], ARITHMETIC)
    ledger.add("bh1995/computed/holm_rejects_at_05", rejected["holm"], "p_adjusted")
    darwin(ledger, data["fisher_darwin_permutation"])


def darwin(ledger: Ledger, data: Data) -> None:
    path, values = "fisher_darwin_permutation", np.array(data["differences"])
    n = values.size
    test = sign_flip_test(values, np.ones(n, dtype=int), seed=1)
    published = {
        "sum": int(values.sum()),
        "one_sided_count": round(test.p_value / 2 * 2**n),
        "one_sided_p": test.p_value / 2,
    }
    ledger.add(f"{path}/published", published, "sign_flip_exact", places=10)
    t = float(values.mean() / (values.std(ddof=1) / math.sqrt(n)))
    ledger.add(f"{path}/published/t", t, ARITHMETIC, places=3)
    ranks = wilcoxon(values, method="exact")
    ours = {"T": float(ranks.statistic), "p_exact_two_sided": float(ranks.pvalue)}
    ledger.add(f"{path}/computed/wilcoxon", ours, "wilcoxon_exact", tolerance=UNROUNDED)
    plus, minus = int((values > 0).sum()), int((values < 0).sum())
    sign = {"pos": plus, "neg": minus, "p_two_sided": float(sign_test(plus, minus))}
    ledger.add(f"{path}/computed/sign", sign, "sign test", tolerance=UNROUNDED)


def annotators(ledger: Ledger, data: Data) -> None:
    item, annotator, label = np.array(data["rows"]).T
    found = fit_dawid_skene(item, annotator, label, n_items=45, n_annotators=5, n_labels=4)
    path = "dawid_skene_1979"
    ledger.add(f"{path}/published/class_marginals", found.prior.tolist(), "Dawid-Skene", places=2)
    ours = {
        "class_marginals": found.prior.tolist(),
        "log_likelihood": found.log_likelihood,
        "confusion_observer_0": found.confusion[0].tolist(),
        "map_labels": found.posterior.argmax(axis=1).tolist(),
    }
    ledger.add(f"{path}/computed", ours, "Dawid-Skene", tolerance=UNROUNDED)


def errors_of(matrix: Floats, m: int) -> list[float]:
    return [float(value) for value in np.sqrt(np.diag(matrix))[:m]]


def clustered(ledger: Ledger, data: Data, mtbench: SharedSet) -> None:
    path, votes = "bt_mtbench_turn1", mtbench.votes
    assert data["systems"] == mtbench.systems
    for key, ours in (
        ("n_votes", votes.n),
        ("n_annotators", votes.n_annotators),
        ("n_prompts", votes.n_prompts),
    ):
        ledger.add(f"{path}/{key}", ours, "counts")
    fit = fit_bradley_terry(Cells.from_votes(votes))
    (part,) = fit.components
    (default,) = strength_covariance(votes, fit)
    design, _ = component_design(votes, part)
    ledger.add(f"{path}/g_eff", dict(default.effective), "two_way_cr3", tolerance=UNROUNDED)
    people, texts = compact(votes.annotator), compact(votes.prompt)
    inter = cr1(design, *intersect(votes.annotator, votes.prompt))
    people1, texts1 = cr1(design, *people), cr1(design, *texts)
    people3, texts3 = cr3(design, *people), cr3(design, *texts)
    assert people3 is not None
    assert texts3 is not None
    matrices = {
        "se_model": part.model_covariance(),
        "se_iid": iid_sandwich(design),
        "se_annotator_cr1": people1,
        "se_prompt_cr1": texts1,
        "se_inter_cr1": inter,
        "se_two_way_cr1": two_way(people1, texts1, inter)[0],
        "se_annotator_cr3": people3,
        "se_prompt_cr3": texts3,
        "se_two_way_cr3": default.matrix,
        "se_two_way_cr3_cr1": two_way(people3, texts1, inter)[0],
    }
    errors = {key: errors_of(matrix, 6) for key, matrix in matrices.items()}
    ledger.add(f"{path}/computed/half_win", {"strength": fit.strengths.tolist(), **errors},
               "bt_half", tolerance=UNROUNDED)  # fmt: skip
    with_ties(ledger, f"{path}/computed/davidson", votes)
    cells = Cells.from_votes(votes)
    flips: list[list[Any]] = []
    for better, worse, _, _ in data["computed"]["drop_to_flip_adjacent"]:
        i, j = mtbench.systems.index(better), mtbench.systems.index(worse)
        found = fewest_votes_to_flip(cells, part, i, j)
        flips.append([better, worse, found.linear, found.votes])
    ledger.add(f"{path}/computed/drop_to_flip_adjacent", flips, "fewest votes")
    out = leave_one_annotator_out(votes, fit)
    assert out.largest is not None
    ledger.add(f"{path}/computed/leave_one_annotator_out/largest_shift",
               float(out.shift[out.largest]), "leave one out", places=4)  # fmt: skip
    ledger.add(f"{path}/computed/leave_one_annotator_out/annotator",
               mtbench.annotators[out.largest], "leave one out")  # fmt: skip


def single(votes: Votes, annotator: NDArray[np.int64], prompt: NDArray[np.int64]) -> TieFit:
    """The Davidson fit with other clusters, CR1 alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.stats.covariance.CR3_LIMIT", 0)
        found = fit_davidson(
            Votes.from_arrays(
                votes.system_a, votes.system_b, votes.verdict, prompt=prompt, annotator=annotator
            )
        )
    assert found is not None
    return found


def with_ties(ledger: Ledger, path: str, votes: Votes) -> None:
    one = np.zeros(votes.n, dtype=np.int64)
    cell, _ = intersect(votes.annotator, votes.prompt)
    two = single(votes, np.asarray(votes.annotator), np.asarray(votes.prompt))
    model = two.fit.model_covariance()
    fits = {
        "se_iid": single(votes, one, one),
        "se_annotator_cr1": single(votes, np.asarray(votes.annotator), one),
        "se_prompt_cr1": single(votes, one, np.asarray(votes.prompt)),
        "se_inter_cr1": single(votes, np.asarray(cell), one),
        "se_two_way_cr1": two,
    }
    ours: dict[str, Any] = {
        key: errors_of(found.covariance.matrix, 6) for key, found in fits.items()
    }
    ours |= {
        "strength": two.fit.strengths.tolist(),
        "log_nu": float(two.fit.shape[0]),
        "nu": math.exp(two.fit.shape[0]),
        "log_nu_se_model": math.sqrt(model[-1, -1]),
        "log_nu_se_two_way_cr1": math.sqrt(two.covariance.matrix[-1, -1]),
        "se_model": errors_of(model, 6),
    }
    ledger.add(path, ours, "bt_davidson", tolerance=UNROUNDED)
