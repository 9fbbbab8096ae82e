"""All agreement figures of one criterion, as the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from reports.stats.agreement import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa_classical,
    gwet_ac,
    linear_weights,
    percent_agreement,
)
from reports.stats.cohen import pairwise_kappa
from reports.stats.krippendorff import krippendorff_alpha
from reports.stats.ratings import Integers, Ratings, ratings
from reports.stats.results import (
    Estimate,
    ShapeMismatch,
    StatsError,
    UnknownPolicy,
    VerdictCode,
    WarningCode,
    undefined,
)
from reports.stats.split_half import SPLIT_HALF, SPLITS, split_half_reliability
from reports.stats.votes import MIRRORED_VERDICT, BothBadPolicy, IntArray, Votes, check_policies

__all__ = ["Agreement", "Scale", "agreement_report", "nominal_ratings", "ordinal_ratings"]

Scale = Literal["binary", "ternary", "five", "seven"]

# Steps on either side of a tie.
_STEPS: dict[str, int] = {"binary": 1, "ternary": 1, "five": 2, "seven": 3}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of annotators on one criterion, on verdicts in a/b order.

    Attributes
    ----------
    percent, fleiss_kappa, krippendorff_alpha, gwet_ac1, conger_kappa, brennan_prediger : Estimate
        On nominal categories.
    krippendorff_alpha_ordinal, gwet_ac2 : Estimate
        On the ordered scale from a to b; a both-bad vote is a tie there, or is dropped.
    cohen_kappa : tuple of (rater, rater, Estimate)
        Each pair sharing at least 20 items, by annotator codes.
    split_half : Estimate
        Whether other annotators would have ranked the systems alike.
    categories : tuple of str
        The nominal categories in force: several coefficients depend on their number.
    """

    percent: Estimate
    fleiss_kappa: Estimate
    krippendorff_alpha: Estimate
    krippendorff_alpha_ordinal: Estimate
    gwet_ac1: Estimate
    gwet_ac2: Estimate
    conger_kappa: Estimate
    brennan_prediger: Estimate
    cohen_kappa: tuple[tuple[int, int, Estimate], ...]
    split_half: Estimate
    categories: tuple[str, ...]

    def as_dict(self, annotators: Sequence[Any] | None = None) -> dict[str, Any]:
        """The object as the report's JSON holds it; `annotators` names the rater codes."""

        def name(code: int) -> Any:
            return code if annotators is None else annotators[code]

        out: dict[str, Any] = {
            key: getattr(self, key).as_dict()
            for key in (
                "percent",
                "fleiss_kappa",
                "krippendorff_alpha",
                "krippendorff_alpha_ordinal",
                "gwet_ac1",
                "gwet_ac2",
                "conger_kappa",
                "brennan_prediger",
                "split_half",
            )
        }
        out["cohen_kappa"] = [
            {"rater_1": name(g), "rater_2": name(h), **kappa.as_dict()}
            for g, h, kappa in self.cohen_kappa
        ]
        out["categories"] = list(self.categories)
        return out


def agreement_report(
    votes: Votes,
    *,
    seed: int,
    scale: Scale = "ternary",
    both_bad_allowed: bool = False,
    both_bad: BothBadPolicy = "tie",
    margin: ArrayLike | None = None,
    splits: int = SPLITS,
    no_halves: str = "",
    level: float = 0.95,
) -> Agreement:
    """All agreement figures of one criterion.

    Parameters
    ----------
    votes : Votes
        Counted votes of one criterion.
    seed : int
        Of the study; the split halves are drawn from it.
    scale : {"binary", "ternary", "five", "seven"}
        Declared scale of the criterion. Binary holds only while no vote is a tie.
    both_bad_allowed : bool
        Whether the scale has both-bad; a both-bad vote adds the category in any case.
    both_bad : {"tie", "drop"}
        What becomes of both-bad votes on the ordered scale.
    margin : int array of shape (votes,), optional
        Steps from a tie for decisive votes on a graded scale; other rows are ignored. Without
        it decisive votes of a graded scale are as good as ternary.
    splits : int
        Pairs of halves, each refitted.
    no_halves : str
        Why the halves are not made, which take longest of all; empty where they are.

    Returns
    -------
    Agreement
    """
    # First, as it needs most memory, while there are no ratings beside the votes.
    split_half = (
        undefined(SPLIT_HALF, votes.n_systems, WarningCode.ON_REQUEST, reason=no_halves)
        if no_halves
        else split_half_reliability(votes, seed=seed, splits=splits, both_bad=both_bad)
    )
    verdict = _aligned_verdicts(votes)
    prompt = _prompt_of_items(votes)
    ordinal, ordinal_mirror, folded = ordinal_ratings(
        votes, verdict, prompt, scale, both_bad, margin
    )
    ordered, q = ordinal.item_counts(), ordinal.n_categories
    del ordinal  # as large as the votes; all that is read of it are the counts
    nominal, categories, nominal_mirror = nominal_ratings(
        votes, verdict, prompt, scale, both_bad_allowed
    )
    counts = nominal.item_counts()
    return Agreement(
        percent=percent_agreement(counts, level=level),
        fleiss_kappa=fleiss_kappa_classical(counts, mirror=nominal_mirror, level=level),
        krippendorff_alpha=krippendorff_alpha(counts, mirror=nominal_mirror, level=level),
        krippendorff_alpha_ordinal=_warned(
            krippendorff_alpha(ordered, "ordinal", mirror=ordinal_mirror, level=level), folded
        ),
        gwet_ac1=gwet_ac(counts, mirror=nominal_mirror, level=level),
        gwet_ac2=_warned(
            gwet_ac(ordered, linear_weights(q), mirror=ordinal_mirror, level=level), folded
        ),
        conger_kappa=conger_kappa(nominal, counts, mirror=nominal_mirror, level=level),
        brennan_prediger=brennan_prediger(counts, level=level),
        cohen_kappa=pairwise_kappa(nominal).estimates(level),
        split_half=split_half,
        categories=categories,
    )


def _warned(figure: Estimate, warnings: tuple[WarningCode, ...]) -> Estimate:
    return replace(figure, warnings=(*figure.warnings, *warnings))


def _aligned_verdicts(votes: Votes) -> IntArray:
    """Verdicts in one frame an item: where an item's votes name the pair both ways round, all
    are turned to the order of the system codes."""
    verdict = votes.verdict.copy()
    turned = votes.system_a > votes.system_b
    some = np.bincount(votes.item, turned, minlength=votes.n_items)
    every = np.bincount(votes.item, minlength=votes.n_items)
    mixed = (some > 0) & (some < every)
    turn = turned & mixed[votes.item]
    verdict[turn] = MIRRORED_VERDICT[verdict[turn]]
    return verdict


def _prompt_of_items(votes: Votes) -> Integers:
    """Prompt of each item; items without votes get prompt 0, which no figure reads."""
    prompt = np.zeros(votes.n_items, dtype=np.int64)
    prompt[votes.item] = votes.prompt
    if np.any(prompt[votes.item] != votes.prompt):
        row = int(np.argmax(prompt[votes.item] != votes.prompt))
        raise ShapeMismatch(
            f"vote {row} puts item {int(votes.item[row])} under prompt {int(votes.prompt[row])}, "
            f"another vote under prompt {int(prompt[votes.item[row]])}"
        )
    return prompt


def _check_scale(scale: str) -> None:
    if scale not in get_args(Scale):
        raise UnknownPolicy(f"scale={scale!r}; expected one of {', '.join(get_args(Scale))}")


def _is_binary(verdict: IntArray, scale: Scale) -> bool:
    return scale == "binary" and not np.any(verdict == VerdictCode.TIE)


def nominal_ratings(
    votes: Votes,
    verdict: IntArray,
    prompt: Integers,
    scale: Scale,
    both_bad_allowed: bool,
) -> tuple[Ratings, tuple[str, ...], Integers]:
    """Ratings in nominal categories, the names of these, and the category after a swap.

    {a, tie, b}, or {a, b} on a declared binary scale without ties; both_bad last, if the scale
    allows it or a vote has it.
    """
    _check_scale(scale)
    used = [VerdictCode.A, VerdictCode.B] if _is_binary(verdict, scale) else [
        VerdictCode.A, VerdictCode.TIE, VerdictCode.B
    ]  # fmt: skip
    mirror = list(range(len(used)))[::-1]
    if both_bad_allowed or np.any(verdict == VerdictCode.BOTH_BAD):
        used.append(VerdictCode.BOTH_BAD)
        mirror.append(len(mirror))
    code = np.full(len(VerdictCode), -1, dtype=np.int64)
    code[used] = np.arange(len(used))
    return (
        _ratings(votes, code[verdict], prompt, len(used)),
        tuple(entry.name.lower() for entry in used),
        np.array(mirror),
    )


def ordinal_ratings(
    votes: Votes,
    verdict: IntArray,
    prompt: Integers,
    scale: Scale,
    both_bad: BothBadPolicy,
    margin: ArrayLike | None,
) -> tuple[Ratings, Integers, tuple[WarningCode, ...]]:
    """Ratings on the ordered scale from a to b, the category after a swap, and
    `both_bad_folded` where both-bad votes became ties."""
    _check_scale(scale)
    check_policies("half", both_bad)
    bad = verdict == VerdictCode.BOTH_BAD
    keep = ~bad if both_bad == "drop" else np.ones(bad.size, dtype=np.bool_)
    folded = (WarningCode.BOTH_BAD_FOLDED,) if both_bad == "tie" and np.any(bad) else ()
    steps = _STEPS[scale] if margin is not None else 1
    sign = np.array([-1, 0, 1, 0])[verdict]
    size = np.ones(votes.n, dtype=np.int64) if margin is None else np.asarray(margin)
    if size.shape != (votes.n,):
        raise ShapeMismatch(f"margin has shape {size.shape}, but there are {votes.n} votes")
    decisive = sign != 0
    if np.any((size[decisive] < 1) | (size[decisive] > steps)):
        row = int(np.flatnonzero(decisive & ((size < 1) | (size > steps)))[0])
        raise StatsError(
            f"margin of vote {row} is {size[row]}; expected 1 to {steps} on the scale {scale}"
        )
    category = steps + sign * np.where(decisive, size, 0).astype(np.int64)
    q = 2 * steps + 1
    if _is_binary(verdict, scale) and not folded:
        category, q = category // 2, 2
    chosen = votes if bool(keep.all()) else votes.take(keep)
    rated = _ratings(chosen, category[keep], prompt, q)
    return rated, np.arange(q)[::-1], folded


def _ratings(votes: Votes, category: Integers, prompt: Integers, q: int) -> Ratings:
    return ratings(
        votes.item,
        votes.annotator,
        category,
        n_categories=q,
        n_items=votes.n_items,
        n_raters=votes.n_annotators,
        prompt=prompt,
    )
