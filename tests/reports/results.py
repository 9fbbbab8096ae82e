"""Report objects written by hand, for tests of what is said about them.

They hold what docs/report.schema.json demands and no more; every part can be replaced.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

Figure = dict[str, Any]


def figure(estimate: float | None, half: float = 0.05, **more: Any) -> Figure:
    """An estimate with an interval of `half` on both sides."""
    known = estimate is not None
    return {
        "estimate": estimate,
        "low": estimate - half if known else None,
        "high": estimate + half if known else None,
        "method": "wilson_two_way_t",
        "n": 100 if known else 0,
        "n_clusters": {"annotator": 10, "prompt": 50} if known else None,
        "warnings": [] if known else ["no_votes"],
        **more,
    }


def board_row(
    system: str, rank: int, ranks: tuple[int, int], *, component: int = 1, **more: Any
) -> dict[str, Any]:
    rating = 1200 - 50 * rank
    warnings = more.pop("warnings", [])
    return {
        "system": system,
        "component": component,
        "strength": figure(0.5 - 0.1 * rank, method="bt_half_two_way_cr3", warnings=warnings),
        "rating": figure(rating, 20.0, method="bt_half_two_way_cr3", warnings=warnings),
        "to_anchor": None,
        "rank": rank,
        "rank_low": ranks[0],
        "rank_high": ranks[1],
        "win_rate": figure(0.6 - 0.05 * rank),
        "votes": 100,
        "tie_rate": 0.1,
        "both_bad_rate": 0.0,
        **more,
    }


def pair(system_a: str, system_b: str, rate: float | None = 0.6, **more: Any) -> dict[str, Any]:
    """A pair with 100 votes and a clear result, unless told otherwise."""
    n = 0 if rate is None else 100
    return {
        "system_a": system_a,
        "system_b": system_b,
        "component": None if rate is None else 1,
        "comparisons": 50 if n else 0,
        "n": n,
        "wins_a": 50 if n else 0,
        "wins_b": 30 if n else 0,
        "ties": 20 if n else 0,
        "both_bad": 0,
        "win_rate_a": figure(rate),
        "p_value": 0.001 if n else None,
        "p_method": "sign_flip_exact" if n else None,
        "p_adjusted": 0.004 if n else None,
        "family": 1 if n else None,
        "q_value": 0.002 if n else None,
        "p_value_votes": 0.001 if n else None,
        "p_value_two_way": 0.001 if n else None,
        "target": 200,
        "target_reached": False,
        "effective_decisive": 80.0 if n else None,
        "needed": 210,
        "enough": False,
        "votes_needed": 140,
        "sequential": {
            "e_value": 40.0 if n else None,
            "low": 0.42 if n else None,
            "high": 0.76 if n else None,
            "deflation": 1.0 if n else None,
            "decided": False,
            "warnings": [] if n else ["no_votes"],
        },
        "warnings": [],
        **more,
    }


def undecided(system_a: str, system_b: str, **more: Any) -> dict[str, Any]:
    return pair(system_a, system_b, 0.52, **{"p_value": 0.4, "p_adjusted": 0.8, **more})


def agreement() -> dict[str, Any]:
    keys = (
        "percent",
        "krippendorff_alpha",
        "krippendorff_alpha_ordinal",
        "gwet_ac1",
        "gwet_ac2",
        "fleiss_kappa",
        "conger_kappa",
        "brennan_prediger",
        "split_half",
    )
    return {
        **{key: figure(0.7) for key in keys},
        "cohen_kappa": [],
        "categories": ["a", "tie", "b"],
    }


def report(board: list[dict[str, Any]], pairs: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "study": "study",
        "title": "",
        "notice": "",
        "study_version": None,
        "seed": 0,
        "input_sha256": "0" * 64,
        "version": "0.1.0",
        "settings": {
            "ties": "half",
            "both_bad": "tie",
            "level": 0.95,
            "multiplicity": "holm",
            "target": 200,
            "win_rate_of_interest": 0.6,
            "power": 0.8,
            "stopping": "fixed",
            "policy": "uniform",
            "study_versions": [],
            "looked_early": False,
            "continues": None,
            "closed": False,
            "expertise": "trained",
            "anchor": None,
            "diagnostics": False,
            "notice": "",
            "title": "",
            "criteria": {"overall": {"scale": "ternary", "both_bad": True}},
        },
        "warnings": [],
        "counts": {
            "prompts": 50,
            "systems": len(board),
            "comparisons": 150,
            "votes": 300,
            "repeats": 0,
            "annotators": 10,
            "judgments": 0,
        },
        "verdicts": {"a": 130, "b": 120, "tie": 40, "both_bad": 10},
        "anchor": None,
        "leaderboard": board,
        "head_to_head": pairs,
        "against_one": {
            "anchor": None,
            "rows": None,
            "reason": "No system was compared with two others.",
        },
        "agreement": agreement(),
        "side_bias": {
            "left_rate": figure(0.52),
            "between_equals": figure(0.51),
            "per_annotator": [{"annotator": "ann-1", "left_rate": figure(0.55)}],
        },
        "boards": {
            name: {"rows": None, "reason": "There are no votes."}
            for name in (
                "davidson",
                "drop_ties",
                "side_adjusted",
                "weighted",
                "style_controlled",
                "graded",
                "by_design",
                "with_excluded",
            )
        },
        "sensitivity": {
            "drop_ties": None,
            "davidson": None,
            "rao_kupper": None,
            "with_excluded": None,
        },
        "fit": {"test": None, "reason": "There are no votes."},
        "slices": {
            **{
                kind: {"slices": None, "reason": f"No prompt has a {kind}."}
                for kind in ("category", "tag")
            },
            "profile": [],
        },
        "adjudication": None,
        "diagnostics": {
            "leave_one_annotator_out": {
                "largest_shift": 0.1,
                "system": board[0]["system"] if board else None,
                "annotator": "ann-1",
                "rank_changes": False,
                "annotators_that_change_a_rank": [],
                "undefined": 0,
                "reason": None,
                "warnings": [],
            },
            "fewest_votes_that_change_the_winner": {
                "system": board[0]["system"] if board else None,
                "runner_up": board[1]["system"] if len(board) > 1 else None,
                "votes": 12,
                "share": 0.04,
                "linear": 14,
                "n": 300,
                "reason": None,
            },
            "multiplier_bootstrap": {
                "rows": None,
                "reason": "made only on request: analyze --diagnostics",
            },
            "annotator_reliability": [
                {
                    "annotator": "ann-1",
                    "votes": 30,
                    "decisive": 25,
                    "reliability": 0.9,
                    "flagged": False,
                    "e_value": 0.01,
                    "suspicious": False,
                    "accuracy": None,
                }
            ],
        },
        "criteria": [],
        "alignment": [],
        "judge_pairs": [],
        "panels": [],
        **more,
    }


def clear_report(*names: str, **more: Any) -> dict[str, Any]:
    """Every rank and every pair is settled, in the order of the names."""
    board = [board_row(name, rank, (rank, rank)) for rank, name in enumerate(names, 1)]
    place = {name: rank for rank, name in enumerate(names)}
    pairs = [
        pair(a, b, 0.7 if place[a] < place[b] else 0.3) for a, b in combinations(sorted(names), 2)
    ]
    return report(board, pairs, **more)


def calibration() -> dict[str, Any]:
    figures = {name: figure(0.1) for name in ("error", "brier", "auroc", "mapped_brier")}
    return {**figures, "coverage": []}


def alignment(judge: str, **more: Any) -> dict[str, Any]:
    return {
        "judge": judge,
        "judge_version": 1,
        "inconsistent": 0,
        "n": 100,
        "asked": 103,
        "parsed": 100,
        "half": 0,
        "missing": {"unparsed": 3},
        "agreement": figure(0.65),
        "agreement_no_ties": figure(0.8),
        "agreement_majority": figure(0.7),
        "cohen_kappa": figure(0.5),
        "human_ceiling": figure(0.75),
        "constant_guess": figure(0.45),
        "position_consistency": figure(None, reason="no comparison was judged in both orders"),
        "alt_test": figure(None, reason="fewer than two raters"),
        "corrected_win_rates": [],
        "model": "",
        "standing": {
            "answer": "not_decided",
            "findings": ["few_raters", "one_order"],
            "errors": {
                "n": 90,
                "opposite": 0.1,
                "tie": 0.05,
                "a_for_b": 0.1,
                "b_for_a": 0.1,
                "p_value": 1.0,
            },
            "more_comparisons": None,
            "more_raters": 1,
            "weak_categories": [],
            "strong_categories": [],
        },
        "confusion": {
            "labels": ["a", "tie", "b"],
            "majority": [[40, 5, 5], [6, 30, 4], [7, 3, 20]],
            "votes": [[40, 5, 5], [6, 30, 4], [7, 3, 20]],
            "macro_precision": 0.7,
            "macro_recall": 0.7,
            "macro_f1": 0.7,
        },
        "missing_share": figure(0.03, much=True, by_majority=[], p_value=None),
        "drift": figure(None, reason="no random sample came back"),
        "longer_wins": figure(None, reason="the responses' texts were not read"),
        "length_effect": figure(None, reason="the responses' texts were not read"),
        "bait_wins": figure(None, reason="the responses' texts were not read"),
        "maker_names": figure(
            None,
            reason="the responses' texts were not read",
            agreement_named=figure(None),
            agreement_others=figure(None),
        ),
        "calibration": calibration(),
        "stated_calibration": calibration(),
        "ranking": {
            **{
                name: figure(0.5)
                for name in (
                    "spearman",
                    "kendall",
                    "gap",
                    "separability",
                    "separability_humans",
                    "same_conclusions",
                    "forecast",
                )
            },
            "systems": [],
        },
        "controlled_win_rates": [],
        "length_controlled_win_rates": [],
        "disagreements": [],
        "n_disagreements": 0,
        "categories": [],
        "criteria": [],
        "self_preference": [],
        "sample": None,
        "warnings": ["one_order"],
        **more,
    }
