"""expected.json of each set of real votes by the product's functions.

Its figures count a repeated label like one of a further rater, and a draw as a tie; ours do not.
Both are reached here by its definitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.stats.agreement import percent_agreement
from reports.stats.agreement_report import agreement_report
from reports.stats.alignment import MISSING, Judgments, Order
from reports.stats.alignment.against_humans import (
    agreement_with_majority,
    agreement_with_votes,
    kappa_with_majority,
)
from reports.stats.alignment.humans import human_labels
from reports.stats.alignment.judgments import reconcile
from reports.stats.alignment.position import position_consistency
from reports.stats.bradley_terry import fit_bradley_terry
from reports.stats.cells import Cells
from reports.stats.head_to_head import head_to_head
from reports.stats.leaderboard import leaderboard
from reports.stats.results import VerdictCode
from reports.stats.votes import Votes
from reports.stats.win_rates import pair_index, pair_mean_scores
from tests.stats.references.compared import UNROUNDED, Ledger
from tests.stats.shared_sets import SharedSet, load

SETS = ("llmbar", "mtbench_turn1", "pandalm", "rankgen")

NOT_VALUES = frozenset({"definitions", "bt_note"})

COUNTS = "counts"
NAMES = {VerdictCode.A: "a", VerdictCode.TIE: "tie", VerdictCode.B: "b"}
JUDGE_ORDERS = {"ab": Order.AB, "ba": Order.BA}


def expected_of(shared_data: Path, name: str) -> Ledger:
    known = load(shared_data / name, repeats_as_raters=True)
    ledger = Ledger(f"{name}/expected.json", known.expected)
    votes = known.votes
    ledger.add("items", len(known.items), COUNTS)
    ledger.add("items_with_human", int(np.unique(votes.item).size), COUNTS)
    ledger.add("prompts", len({item["prompt_id"] for item in known.items}), COUNTS)
    ledger.add("labels", votes.n, COUNTS)
    ledger.add("annotators", load(shared_data / name).votes.n_annotators, COUNTS)
    ledger.add("models", votes.n_systems, COUNTS)
    ledger.add("distribution", distribution(votes.verdict), COUNTS)
    agreement(ledger, known)
    majority = majority_votes(known)
    ledger.add("majority_distribution", distribution(majority.verdict), "majority, draws as ties")
    win_rates(ledger, "winrate_labels", votes, known.systems)
    win_rates(ledger, "winrate_majority", majority, known.systems)
    pairs(ledger, "head_to_head", votes, known.systems)
    pairs(ledger, "majority_head_to_head", majority, known.systems)
    judges(ledger, known)
    if "bt_R" in known.expected:
        strengths(ledger, known)
    return ledger


def distribution(verdict: NDArray[Any]) -> dict[str, int]:
    return {name: n for name, n in _named(verdict).items() if n}


def _named(verdict: NDArray[Any]) -> dict[str, int]:
    return {name: int((verdict == code).sum()) for code, name in NAMES.items()}


def agreement(ledger: Ledger, known: SharedSet) -> None:
    """Figures on pairs of labels, plain and without ties."""
    votes, expected = known.votes, known.expected["agreement"]
    per_item = Counter(np.bincount(votes.item, minlength=votes.n_items).tolist())
    labels = {str(n): count for n, count in per_item.items() if n}
    ledger.add("agreement/labels_per_item", labels, COUNTS)
    report = agreement_report(votes, seed=1, splits=2)
    humans = human_labels(votes, known.comparisons, says_both_bad=False)
    rated = humans.ratings
    decisive = agreement_report(votes.counted("drop"), seed=1, splits=2).percent
    by = "percent_pooled_ratio"
    ledger.add("agreement/pair_agreement", report.percent.estimate, by, tolerance=UNROUNDED)
    ledger.add("agreement/label_pairs", report.percent.n, by)
    several = int((rated.counts().sum(axis=1) >= 2).sum())
    ledger.add("agreement/multi_items", several, COUNTS)
    mean = percent_agreement(rated.item_counts()).details.get("item_mean")
    ledger.add("agreement/mean_item_agreement", mean, "percent_item_mean", tolerance=UNROUNDED)
    ledger.add("agreement/decisive_pair_agreement", decisive.estimate, f"{by}, decisive votes",
               tolerance=UNROUNDED)  # fmt: skip
    ledger.add("agreement/decisive_label_pairs", decisive.n, f"{by}, decisive votes")
    if "fleiss_kappa" not in expected:
        return
    fleiss = report.fleiss_kappa
    ledger.add("agreement/fleiss_kappa", fleiss.estimate, "fleiss_classical", tolerance=UNROUNDED)
    ledger.add("agreement/fleiss_items", fleiss.n, "fleiss_classical")
    ledger.add("agreement/fleiss_raters", fleiss.details["votes_per_item"], "fleiss_classical")
    ledger.add("agreement/krippendorff_alpha_nominal", report.krippendorff_alpha.estimate,
               "krippendorff_nominal", tolerance=UNROUNDED)  # fmt: skip
    kappas = {
        f"{known.annotators[g]}|{known.annotators[h]}": [
            kappa.estimate, kappa.n, kappa.details["observed"],
        ]
        for g, h, kappa in report.cohen_kappa
    }  # fmt: skip
    ledger.add("agreement/cohen_pairs", kappas, "cohen_kappa", places=4)


def majority_votes(known: SharedSet) -> Votes:
    """One vote an item: the commonest label, a draw being a tie."""
    humans = human_labels(known.votes, known.comparisons, says_both_bad=False, draws="tie")
    item = np.flatnonzero(humans.majority != MISSING)
    return Votes.from_arrays(
        known.comparisons.system_a[item],
        known.comparisons.system_b[item],
        humans.majority[item],
        prompt=known.comparisons.prompt[item],
        annotator=np.zeros(item.size, dtype=np.int64),
        item=item,
        n_systems=known.votes.n_systems,
    )


def win_rates(ledger: Ledger, path: str, votes: Votes, systems: Sequence[str]) -> None:
    rows = leaderboard(votes, seed=1).rows
    ours = {systems[row.system]: [row.win_rate.estimate, row.win_rate.n] for row in rows}
    ledger.add(path, ours, "win rate", places=4)


def pairs(ledger: Ledger, path: str, votes: Votes, systems: Sequence[str]) -> None:
    plain = pair_mean_scores(votes, ties="drop", clustering="none")
    for row in head_to_head(votes, seed=1):
        if not row.n:
            continue
        place = f"{path}/{systems[row.system_a]} | {systems[row.system_b]}"
        interval = plain.estimate(int(pair_index(row.system_a, row.system_b, len(systems))))
        for key, count in (("wins_a", row.wins_a), ("wins_b", row.wins_b), ("ties", row.ties)):
            ledger.add(f"{place}/{key}", count, COUNTS)
        ledger.add(f"{place}/winrate_a", row.win_rate_a.estimate, "win rate", places=6)
        p = row.p_value_votes
        assert p is not None
        ledger.add(f"{place}/sign_p", p, "p_value_votes", tolerance=UNROUNDED * p)
        ledger.add(f"{place}/ci", [interval.low, interval.high], "wilson_iid", places=6)


def judges(ledger: Ledger, known: SharedSet) -> None:
    for key in known.expected.get("judge", {}):
        name, order = key.rsplit("/", 1)
        calls = known.judgments[name]
        if order == "consistency":
            consistency(ledger, known, key, calls)
            continue
        if order in JUDGE_ORDERS:
            row = calls.order == JUDGE_ORDERS[order]
            calls = Judgments.from_arrays(
                calls.comparison[row], np.full(int(row.sum()), Order.AB), calls.verdict[row]
            )
        said = reconcile(calls, known.comparisons.n)
        humans = human_labels(known.votes, known.comparisons, says_both_bad=False, draws="tie")
        frame = (said, humans, known.comparisons)
        decided = (
            np.isin(said.category, (VerdictCode.A, VerdictCode.B))
            & np.isin(humans.majority, (VerdictCode.A, VerdictCode.B))
        )  # fmt: skip
        kappa = kappa_with_majority(*frame, seed=1, missing_as_class=True)
        ours = {
            "agree_majority": agreement_with_majority(*frame, missing_as_class=True).estimate,
            "kappa_majority": kappa.estimate,
            "decisive_agree": float((said.category == humans.majority)[decided].mean()),
            "agree_individual": agreement_with_votes(*frame, missing_as_class=True).estimate,
        }
        for figure, value in ours.items():
            ledger.add(f"judge/{key}/{figure}", value, "alignment", places=4)
        labels = distribution(calls.verdict)
        unparsed = int((calls.verdict == MISSING).sum())
        ledger.add(f"judge/{key}/n", calls.comparison.size, COUNTS)
        ledger.add(f"judge/{key}/decisive_n", int(decided.sum()), COUNTS)
        ledger.add(
            f"judge/{key}/labels",
            {**labels, **({"unparsed": unparsed} if unparsed else {})},
            COUNTS,
        )


def consistency(ledger: Ledger, known: SharedSet, key: str, calls: Judgments) -> None:
    """Over all pairs of calls; unparsed both times counts as the same, as it does there."""
    said = reconcile(calls, known.comparisons.n).by_order
    n = int(known.comparisons.n)
    figure = position_consistency(calls, reconcile(calls, n), known.comparisons)
    both = (said != MISSING).all(axis=0)
    same = (figure.estimate or 0.0) * int(both.sum()) + int((said == MISSING).all(axis=0).sum())
    first = int((said[0] == VerdictCode.A).sum() + (said[1] == VerdictCode.B).sum())
    second = int((said[0] == VerdictCode.B).sum() + (said[1] == VerdictCode.A).sum())
    ours = {
        "n": n,
        "same": same / n,
        "picks_first": first / (2 * n),
        "picks_second": second / (2 * n),
    }
    for name, value in ours.items():
        by = "position_consistency" if name == "same" else COUNTS
        ledger.add(f"judge/{key}/{name}", value, by, places=0 if name == "n" else 4)


def strengths(ledger: Ledger, known: SharedSet) -> None:
    """R leaves one system of each component at 0, or unestimated: that is the anchor."""
    reference = known.expected["bt_R"]
    fit = fit_bradley_terry(Cells.from_votes(known.votes))
    for part in fit.components:
        names = [known.systems[system] for system in part.systems]
        anchor = next(
            place for place, name in enumerate(names) if not (reference[name] or [0.0])[0]
        )
        v = part.model_covariance()
        error = np.sqrt(np.maximum(np.diag(v) + v[anchor, anchor] - 2 * v[anchor], 0))
        for place, name in enumerate(names):
            if reference[name] is None:
                # On a common scale of both components there is no estimate, and none is given.
                alone = len(fit.components) > 1 and place == anchor
                ledger.add(f"bt_R/{name}", None if alone else 0.0, "bt_half, disconnected")
                continue
            gap = part.strengths[place] - part.strengths[anchor]
            ledger.add(f"bt_R/{name}", [float(gap), float(error[place])],
                       "bt_half, model error", tolerance=1e-5)  # fmt: skip
