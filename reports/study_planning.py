"""How large a study should be: its own facts where it has them, stated defaults where not.

A sealed study is planned too: of its votes only the tie rate and the variance components are
used, pooled over all pairs, and these speak of no system.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from django.db import transaction

from annotation import audit
from annotation.models import Study
from reports import records as study_records
from reports.pilot_votes import load_pilot_votes
from reports.settled_votes import settled_votes
from reports.stats.bradley_terry import METHOD_RIDGE
from reports.stats.leaderboard import leaderboard
from reports.stats.planning import (
    ALPHA,
    POWER,
    SMALLEST_DIFFERENCE,
    decisive_votes_needed,
    sign_test_power,
)
from reports.stats.rank_plan import DEFAULT_SPREAD, BoardDesign, everyone_meets, plan_ranks
from reports.stats.stopping_time import stopping_time
from reports.stats.study_plan import (
    DEFAULT_SHARES,
    DEFAULT_TIE_RATE,
    StudyPlan,
    VarianceShares,
    plan_study,
    votes_for_gap,
)
from reports.stats.variance_components import PilotVariance, pilot_variance
from reports.stats.votes import Votes
from reports.study_layout import Layout, layout_of

# Votes from which a study's own tie rate is taken: its standard error is then below .05.
FEWEST_FOR_TIE_RATE = 100
# Where nothing is known. Three is also what comparisons are generated with.
DEFAULT_OVERLAP = 3
DEFAULT_ANNOTATORS = 10
DEFAULT_SYSTEMS = 2
# Win rates of the power curve: from hardly different to plainly.
CURVE_OF = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8)

Source = Literal["given", "study", "votes", "default"]


@dataclass(frozen=True, slots=True)
class WhoMeets:
    """A design that is not stored yet.

    Attributes
    ----------
    hubs : int
        So many systems meet every other, and no two others meet; all of them for each with each.
    share : float
        Of the prompts on which two systems that meet do.
    """

    hubs: int
    share: float


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asks for; None where the study or a default shall say."""

    win_rate: float = SMALLEST_DIFFERENCE
    power: float = POWER
    alpha: float = ALPHA
    tie_rate: float | None = None
    prompt_share: float | None = None
    annotator_share: float | None = None
    prompts: int | None = None
    annotators: int | None = None
    overlap: int | None = None
    systems: int | None = None
    pairs: int | None = None
    spread: float | None = None
    who_meets: WhoMeets | None = None


def plan(study: Study, wishes: Wishes, *, with_gaps: bool = True) -> dict[str, Any]:
    """The plan as one JSON object; :mod:`reports.wording.plan` says it in words.

    Parameters
    ----------
    study, wishes
    with_gaps : bool
        Also what would tell neighbours on the board apart, where outcomes may be seen. It is a
        look, and is logged.

    Raises
    ------
    reports.stats.planning.PlanError
        A wish that no plan can meet, such as a win rate of ½.
    """
    looks = with_gaps and not study.is_sealed
    read = None
    if looks:
        with settled_votes(study):
            read = study_records.load(study)
    pilot = pilot_variance(load_pilot_votes(study) if read is None else read.overall.votes)
    facts = layout_of(study)
    inputs = _inputs(wishes, pilot, facts)
    value = {name: entry["value"] for name, entry in inputs.items()}
    shares = VarianceShares(
        value["prompt_share"],
        value["annotator_share"],
        1 - value["prompt_share"] - value["annotator_share"],
    )
    common: dict[str, Any] = {
        "win_rate": wishes.win_rate,
        "power": wishes.power,
        "alpha": wishes.alpha,
        "tie_rate": value["tie_rate"],
        "shares": shares,
        "annotators": value["annotators"],
        "votes_per_prompt": value["overlap"],
    }
    needed = plan_study(**common)
    pairs = value["pairs"]
    current = None
    if value["prompts"] is not None:
        current = plan_study(**common, prompts=value["prompts"])
    return {
        "study": study.slug,
        "inputs": inputs,
        "decisive_votes_needed": needed.decisive_needed,
        "decisive_votes_needed_holm": decisive_votes_needed(
            wishes.win_rate, wishes.power, wishes.alpha / pairs
        ),
        "needed": _described(needed, pairs) if needed.feasible else None,
        "annotators_needed": needed.annotators_needed,
        "current": None if current is None else _described(current, pairs),
        "power_curve": None if current is None else power_curve(current.effective, wishes.alpha),
        "prompts_beat_votes_from": needed.prompts_beat_votes_from,
        "ranks": _ranks(study, wishes, facts, value, shares, current or needed),
        "sequential": _sequential(wishes, needed, value["tie_rate"]),
        "pilot": asdict(pilot),
        "gaps": None if read is None else _gaps(study, read.overall.votes, read.systems, wishes),
    }


def power_curve(effective: float, alpha: float) -> list[dict[str, float]]:
    """How surely so many independent decisive votes find each of some win rates.

    Parameters
    ----------
    effective : float
        As of `StudyPlan`.
    alpha : float

    Examples
    --------
    >>> [round(point["power"], 2) for point in power_curve(100.0, 0.05)][:3]
    [0.14, 0.46, 0.83]
    """
    # A little above a whole number counts as it: shares are no exact fractions.
    votes = np.array([math.floor(effective + 1e-9)])
    return [
        {"win_rate": rate, "power": float(sign_test_power(votes, rate, alpha)[0])}
        for rate in CURVE_OF
    ]


def _inputs(wishes: Wishes, pilot: PilotVariance, facts: Layout) -> dict[str, dict[str, Any]]:
    """Every number the plan rests on, with where it comes from."""

    def chosen(*candidates: tuple[Any, Source]) -> dict[str, Any]:
        value, source = next(
            (entry for entry in candidates if entry[0] is not None), candidates[-1]
        )
        return {"value": value, "source": source}

    seen = pilot.tie_rate if pilot.votes >= FEWEST_FOR_TIE_RATE else None
    systems = chosen(
        (wishes.systems, "given"),
        (facts.systems if facts.systems >= DEFAULT_SYSTEMS else None, "study"),
        (DEFAULT_SYSTEMS, "default"),
    )
    every = systems["value"] * (systems["value"] - 1) // 2
    prompt_share = chosen(
        (wishes.prompt_share, "given"),
        (pilot.prompt, "votes"),
        (DEFAULT_SHARES.prompt, "default"),
    )
    annotator_share = chosen(
        (wishes.annotator_share, "given"),
        (pilot.annotator, "votes"),
        (min(DEFAULT_SHARES.annotator, 1 - prompt_share["value"]), "default"),
    )
    return {
        "win_rate": {"value": wishes.win_rate, "source": "given"},
        "power": {"value": wishes.power, "source": "given"},
        "alpha": {"value": wishes.alpha, "source": "given"},
        "tie_rate": chosen(
            (wishes.tie_rate, "given"),
            # All ties: no number of votes decides, and the default would hide that.
            (seen, "votes"),
            (DEFAULT_TIE_RATE, "default"),
        ),
        "prompt_share": prompt_share,
        "annotator_share": annotator_share,
        "systems": systems,
        "pairs": chosen(
            (wishes.pairs, "given"),
            (every if wishes.systems is not None else facts.pairs, systems["source"]),
            (every, systems["source"]),
        ),
        "prompts": chosen((wishes.prompts, "given"), (facts.prompts, "study"), (None, "default")),
        "annotators": chosen(
            (wishes.annotators, "given"),
            (facts.annotators or None, "study"),
            (DEFAULT_ANNOTATORS, "default"),
        ),
        "overlap": chosen(
            (wishes.overlap, "given"), (facts.overlap, "study"), (DEFAULT_OVERLAP, "default")
        ),
        "spread": chosen((wishes.spread, "given"), (DEFAULT_SPREAD, "default")),
    }


def _described(found: StudyPlan, pairs: int) -> dict[str, Any]:
    return {
        "prompts": found.design.prompts,
        "votes_per_prompt": found.design.votes_per_prompt,
        "annotators": found.design.annotators,
        "votes_per_pair": found.design.votes,
        "votes_in_all": found.design.votes * pairs,
        "votes_per_annotator": math.ceil(found.design.votes * pairs / found.design.annotators),
        "effective_decisive_votes": found.effective,
        "power": found.power,
        "design_effect": found.design_effect,
        "variance": {
            "prompt": found.terms.prompt,
            "annotator": found.terms.annotator,
            "vote": found.terms.vote,
            "dominant": found.terms.dominant,
        },
        "gains": found.gains,
    }


def _ranks(
    study: Study,
    wishes: Wishes,
    facts: Layout,
    value: Mapping[str, Any],
    shares: VarianceShares,
    planned: StudyPlan,
) -> dict[str, Any] | None:
    """How well ranks will be known with the votes planned; None where there is nothing to say.

    Who meets whom is as asked for, else as the study has it, else each with each; of a number of
    pairs alone, any of them. A study that continues another has ranks by the votes of both, of
    which the plan knows one.
    """
    if study.continues_id is not None or (value["prompts"] is None and not planned.feasible):
        return None
    systems, pairs = value["systems"], value["pairs"]
    meets, share = everyone_meets(systems), 1.0
    if wishes.who_meets is not None:
        meets, share = everyone_meets(systems, wishes.who_meets.hubs), wishes.who_meets.share
    elif wishes.systems is None and wishes.pairs is None and facts.meets is not None:
        meets, share = facts.meets, facts.share
    elif pairs >= systems - 1:
        meets *= min(1.0, 2 * pairs / (systems * (systems - 1)))
    else:
        return None
    design = BoardDesign(meets, share, planned.design)
    found = plan_ranks(design, shares, seed=study.seed, spread=value["spread"])
    return None if found is None else asdict(found)


def _sequential(wishes: Wishes, needed: StudyPlan, tie_rate: float) -> dict[str, Any]:
    """Votes of any verdict on one pair until a sequential study is likely to stop."""
    found = stopping_time(wishes.win_rate, wishes.alpha)
    factor = needed.design_effect / (1 - tie_rate)

    def votes(decisive: int | None) -> int | None:
        return None if decisive is None or not needed.feasible else math.ceil(decisive * factor)

    return {
        "decisive_median": found.median,
        "decisive_percentile_80": found.percentile_80,
        "votes_median": votes(found.median),
        "votes_percentile_80": votes(found.percentile_80),
    }


def _gaps(
    study: Study, votes: Votes, systems: tuple[str, ...], wishes: Wishes
) -> list[dict[str, Any]] | None:
    """Neighbours on the board, and the study's size that would tell them apart.

    It shows outcomes, and so it is logged as a look; only where they may be seen.
    """
    if votes.n == 0:
        return None
    board = leaderboard(votes, seed=study.seed, level=1 - wishes.alpha)
    rows = []
    for part, covariance in zip(board.fit.components, board.covariance, strict=True):
        if part.method == METHOD_RIDGE:
            continue
        inside = int(np.isin(votes.system_a, part.systems).sum())
        order = np.argsort(-part.strengths, kind="stable").tolist()
        for upper, lower in pairwise(order):
            gap = float(part.strengths[upper] - part.strengths[lower])
            v = covariance.matrix
            variance = float(v[upper, upper] + v[lower, lower] - 2 * v[upper, lower])
            known = gap > 0 and variance > 0
            rows.append(
                {
                    "better": systems[part.systems[upper]],
                    "worse": systems[part.systems[lower]],
                    "gap": gap,
                    "se": math.sqrt(max(variance, 0.0)),
                    "votes_now": inside,
                    "votes_in_all": votes_for_gap(
                        inside, math.sqrt(variance), gap, alpha=wishes.alpha, power=wishes.power
                    )
                    if known
                    else None,
                }
            )
    with transaction.atomic():
        audit.record(study, None, "look", {"how": "plan", "votes": votes.n})
    return rows
