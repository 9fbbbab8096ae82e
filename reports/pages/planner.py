"""The planner beside the set-up: what a design can find, and what it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from annotation.access import SignedInRequest, study_role
from annotation.lifecycle.generation import DEFAULT_OVERLAP, MAX_OVERLAP
from annotation.models import Role, Study
from annotation.pairing import Design
from annotation.researcher.lengths import seconds_a_pair_of
from annotation.workload import Workload
from reports import study_planning
from reports.stats.planning import POWER, PlanError, sign_test_power
from reports.stats.rank_plan import LARGEST_SPREAD
from reports.study_layout import counts_of
from reports.wording.plan import ranks_in_words

REPRESENTATIVE_PROMPTS = 200
DEFAULT_WIN_RATE = 60
MOST_ANNOTATORS = 10_000


class PlannerForm(forms.Form):
    """What the planner is asked; of the form of the pairs beside it, what it needs."""

    win_rate = forms.FloatField(required=False, min_value=50.5, max_value=99)
    annotators = forms.IntegerField(required=False, min_value=1, max_value=MOST_ANNOTATORS)
    pay = forms.FloatField(required=False, min_value=0, max_value=10_000)
    spread = forms.FloatField(required=False, min_value=0.05, max_value=LARGEST_SPREAD)
    overlap = forms.IntegerField(required=False, min_value=1, max_value=MAX_OVERLAP)
    rounds = forms.IntegerField(required=False, min_value=1, max_value=1000)
    design = forms.ChoiceField(required=False, choices=[(design, design) for design in Design])


@dataclass(frozen=True, slots=True)
class Meetings:
    """Pairs of systems that meet under a design, and how; see `WhoMeets`."""

    pairs: int
    who: study_planning.WhoMeets


def meetings_of(design: Design, systems: int, *, focus: int, rounds: int) -> Meetings:
    """How a design spreads over pairs of systems.

    Examples
    --------
    >>> meetings_of(Design.BALANCED, 4, focus=0, rounds=1)
    Meetings(pairs=6, who=WhoMeets(hubs=4, share=0.3333333333333333))
    """
    hubs, share = systems, 1.0
    every = systems * (systems - 1) // 2
    if design is Design.ANCHOR:
        hubs = 1
    elif design is Design.FOCUSED:
        hubs = min(max(focus, 1), systems)
    elif design is Design.BALANCED:
        share = min(1.0, rounds * (systems // 2) / every)
    pairs = hubs * (systems - hubs) + hubs * (hubs - 1) // 2
    return Meetings(pairs, study_planning.WhoMeets(hubs, share))


@require_safe
@study_role(Role.OWNER, Role.RESEARCHER)
def planner(request: SignedInRequest, study: Study) -> HttpResponse:
    """A fragment for the page of the design. Nothing is stored, and no outcome is looked at."""
    form = PlannerForm(request.GET)
    counts = counts_of(study)
    systems = counts.systems
    if not form.is_valid():
        faults = [f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items()]
        return render(request, "reports/planner.html", {"faults": faults})
    if systems < study_planning.DEFAULT_SYSTEMS:
        return render(request, "reports/planner.html", {"faults": ["Two systems are needed."]})
    data = form.cleaned_data
    meetings = meetings_of(
        Design(data["design"] or Design.ALL),
        systems,
        focus=len(request.GET.getlist("systems")),
        rounds=data["rounds"] or 1,
    )
    prompts = counts.prompts
    wishes = study_planning.Wishes(
        win_rate=(data["win_rate"] or DEFAULT_WIN_RATE) / 100,
        annotators=data["annotators"],
        overlap=data["overlap"] or DEFAULT_OVERLAP,
        prompts=max(1, round(prompts * meetings.who.share)),
        systems=systems,
        pairs=max(1, meetings.pairs),
        spread=data["spread"],
        who_meets=meetings.who,
    )
    try:
        found = study_planning.plan(study, wishes, with_gaps=False)
    except PlanError as fault:
        return render(request, "reports/planner.html", {"faults": [f"No such plan: {fault}."]})
    return render(
        request, "reports/planner.html", in_figures(study, found, prompts, data["pay"] or 0.0)
    )


def in_figures(study: Study, found: dict[str, Any], prompts: int, pay: float) -> dict[str, Any]:
    """What the fragment shows."""
    current, needed = found["current"], found["needed"]
    seconds = seconds_a_pair_of(study)
    load = Workload(current["votes_in_all"], seconds, pay)
    wanted = None if needed is None else Workload(needed["votes_in_all"], seconds, pay)
    seen = smallest_seen(current["effective_decisive_votes"])
    return {
        "faults": [],
        "win_rate": 100 * found["inputs"]["win_rate"]["value"],
        "power": 100 * current["power"],
        "curve": [
            (100 * point["win_rate"], 100 * point["power"]) for point in found["power_curve"]
        ],
        "is_enough": current["power"] >= POWER,
        "ranks": None if found["ranks"] is None else ranks_in_words(found["ranks"]),
        "seen": None if seen is None else 100 * seen,
        "votes": current["votes_in_all"],
        "hours": load.hours,
        "money": load.money,
        "minutes": seconds / 60,
        "people": current["annotators"],
        "votes_each": current["votes_per_annotator"],
        "hours_each": load.hours / current["annotators"],
        "pairs": found["inputs"]["pairs"]["value"],
        "needed": needed,
        "needed_hours": None if wanted is None else wanted.hours,
        "needed_money": None if wanted is None else wanted.money,
        "annotators_needed": found["annotators_needed"],
        "turn": found["prompts_beat_votes_from"],
        "overlap": current["votes_per_prompt"],
        "gains": {name: 100 * gain for name, gain in current["gains"].items()},
        "prompts": prompts,
        "is_small": prompts < REPRESENTATIVE_PROMPTS,
        "representative": REPRESENTATIVE_PROMPTS,
        "tie_rate": 100 * found["inputs"]["tie_rate"]["value"],
        "tie_source": found["inputs"]["tie_rate"]["source"],
        "too_few_people": current["votes_per_prompt"] > current["annotators"],
    }


def smallest_seen(effective: float) -> float | None:
    """The smallest win rate above one half that so many decisive votes find with power .80."""
    votes = np.array([math.floor(effective + 1e-9)])
    for percent in range(51, 100):
        if float(sign_test_power(votes, percent / 100)[0]) >= POWER:
            return percent / 100
    return None
