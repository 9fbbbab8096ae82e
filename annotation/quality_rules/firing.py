"""Which rules fire on an annotator's evidence. Pure: figures in, findings out.

Every rule needs a least number of answers, and speaks only beyond doubt: by a confidence bound, a
test that is corrected for the number of annotators, or an e-value. None of them deletes anything.

scipy.stats is imported where it is used: voting imports this room, and nearly every command does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotation.answer_rules import (
    Action,
    Agreement,
    AtLeast,
    Quality,
    SideShare,
    Skips,
    Speed,
    StraightLining,
)

from .figures import Concord, Dwell, Evidence, Share
from .intervals import interval, log_e_value

# One-sided, of the bound that must lie below what a rule asks for at least.
BOUND_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule that fired: of n answers, what was found, and from where on it fires."""

    rule: str
    action: Action
    n: int
    value: float
    threshold: float
    detail: Mapping[str, Any] = field(default_factory=dict)


def fire(
    rules: Quality, evidence: Mapping[int, Evidence], annotators: int | None = None
) -> dict[int, tuple[Fired, ...]]:
    """Hold the evidence of a study's annotators against its rules.

    Parameters
    ----------
    rules : Quality
        Of the version in force.
    evidence : mapping of int to Evidence
        By annotator.
    annotators : int, optional
        How many annotators of the study have answered enough for the test of sides, if there are
        more than the evidence is of. Those that are not looked at make the test more careful,
        never less.

    Returns
    -------
    dict
        For each annotator in `evidence`, the rules that fired, in the order of `Quality`.
    """
    left = {} if rules.side_share is None else one_sided(rules.side_share, evidence, annotators)
    found: dict[int, tuple[Fired, ...]] = {}
    for annotator, figures in evidence.items():
        fired = (
            too_low("gold_accuracy", rules.gold_accuracy, figures.gold),
            too_low("repeat_consistency", rules.repeat_consistency, figures.repeats),
            at_odds(rules.agreement, figures.concord),
            left.get(annotator),
            too_fast(rules.speed, figures.dwells),
            straight(rules.straight_lining, figures.run),
            too_many_skips(rules.skips, figures.skips),
        )
        found[annotator] = tuple(entry for entry in fired if entry is not None)
    return found


def too_low(name: str, rule: AtLeast | None, share: Share) -> Fired | None:
    bounds = interval(share, BOUND_ERROR)
    if rule is None or bounds is None or share.n < rule.min_n or bounds[1] >= rule.least:
        return None
    return Fired(
        name,
        rule.action,
        share.n,
        share.hits / share.n,
        rule.least,
        {"upper_bound": round(bounds[1], 4)},
    )


def one_sided(
    rule: SideShare, evidence: Mapping[int, Evidence], annotators: int | None
) -> dict[int, Fired]:
    """Two-sided binomial tests of one half, corrected after Benjamini and Hochberg."""
    tested = [pk for pk, figures in evidence.items() if figures.left.n >= rule.min_n]
    if not tested:
        return {}
    from scipy import stats

    p_values = [
        float(stats.binomtest(evidence[pk].left.hits, evidence[pk].left.n).pvalue) for pk in tested
    ]
    unseen = max(0, (annotators or 0) - len(tested))
    adjusted = stats.false_discovery_control([*p_values, *[1.0] * unseen])
    return {
        pk: Fired(
            "side_share",
            rule.action,
            evidence[pk].left.n,
            evidence[pk].left.hits / evidence[pk].left.n,
            rule.alpha,
            {"p_adjusted": float(p_adjusted)},
        )
        for pk, p_adjusted in zip(tested, adjusted, strict=False)
        if p_adjusted < rule.alpha
    }


def at_odds(rule: Agreement | None, concord: Concord) -> Fired | None:
    if rule is None or concord.others is None or len(concord.pairs) < rule.min_n:
        return None
    if rule.alpha == 0:
        return None
    wanted = concord.chance + rule.least * max(0.0, concord.others) * (1 - concord.chance)
    log_e = log_e_value(concord.pairs, wanted)
    if log_e < -math.log(rule.alpha):
        return None
    return Fired(
        "agreement",
        rule.action,
        len(concord.pairs),
        float(np.mean(concord.pairs)),
        wanted,
        {"log_e_value": round(log_e, 3), "chance": round(concord.chance, 4)},
    )


def too_fast(rule: Speed | None, dwells: Sequence[Dwell]) -> Fired | None:
    if rule is None:
        return None
    latest = dwells[: rule.window]
    fast = sum(dwell.active_ms < shortest_dwell(rule, dwell.characters) for dwell in latest)
    if len(latest) < rule.min_n or fast <= rule.most * len(latest):
        return None
    return Fired("speed", rule.action, len(latest), fast / len(latest), rule.most)


def shortest_dwell(rule: Speed, characters: int) -> float:
    """Milliseconds in which two responses of so many characters can be looked at."""
    return min(rule.floor_ms + rule.ms_per_character * characters, rule.ceiling_ms)


def straight(rule: StraightLining | None, run: Share) -> Fired | None:
    if rule is None or run.hits < rule.run:
        return None
    return Fired("straight_lining", rule.action, run.n, run.hits, rule.run)


def nears_too_many_skips(rule: Skips | None, skips: Share) -> bool:
    """Whether somebody is to be warned: the same share, of half as many pairs."""
    return rule is not None and 2 * skips.n >= rule.min_n and skips.hits > rule.most * skips.n


def too_many_skips(rule: Skips | None, skips: Share) -> Fired | None:
    if rule is None or skips.n < rule.min_n or skips.hits <= rule.most * skips.n:
        return None
    return Fired("skips", rule.action, skips.n, skips.hits / skips.n, rule.most)
