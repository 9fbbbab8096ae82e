"""A plan in words: what to do, what it rests on, and what more would buy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .numbers import about, count, counted, percent

# Where a number of the plan comes from.
SOURCES = {
    "given": "as asked",
    "study": "of this study",
    "votes": "from this study's votes",
    "default": "assumed: nothing is known yet",
}
TERMS = {
    "prompt": "how much the prompts differ",
    "annotator": "how much the annotators differ",
    "vote": "chance from vote to vote",
}
# A forecast beyond it says only that the two are as good as equal.
MOST_VOTES = 1_000_000

Plan = Mapping[str, Any]


def plan_in_words(plan: Plan) -> list[tuple[str, list[str]]]:
    """Headings with their sentences, in reading order; the first heading is empty."""
    parts = [
        ("", list(_answer(plan))),
        ("What it rests on", list(_inputs(plan))),
        ("What more would buy", list(_gains(plan))),
        ("If you look as you go", list(_sequential(plan))),
        ("Neighbours on the board", list(_gaps(plan))),
    ]
    return [(heading, sentences) for heading, sentences in parts if sentences]


def _value(plan: Plan, name: str) -> Any:
    return plan["inputs"][name]["value"]


def _answer(plan: Plan) -> Iterator[str]:
    goal = (
        f"To tell a win rate of {percent(_value(plan, 'win_rate'), 0)} from one half with a power "
        f"of {percent(_value(plan, 'power'), 0)} at a level of {_value(plan, 'alpha'):g}"
    )
    decisive = counted(plan["decisive_votes_needed"], "decisive vote")
    needed, current = plan["needed"], plan["current"]
    if needed is None:
        yield (
            f"{goal}, about {decisive} a pair are needed, but no number of prompts gives them with "
            f"{counted(_value(plan, 'annotators'), 'annotator')}: these differ too much from each "
            f"other. Take at least {count(plan['annotators_needed'])} annotators, or more."
        )
    else:
        yield (
            f"{goal}: about {decisive} a pair: {_design(needed)}, which is "
            f"{counted(needed['votes_per_pair'], 'vote')} a pair."
        )
        yield (
            f"With {counted(_value(plan, 'pairs'), 'pair')} of systems that is "
            f"{counted(needed['votes_in_all'], 'vote')} in all, about "
            f"{count(about(needed['votes_per_annotator']))} for each of "
            f"{counted(needed['annotators'], 'annotator')}."
        )
    if current is not None:
        yield from _as_it_stands(plan, current, needed)
    if plan["ranks"] is not None:
        yield ranks_in_words(plan["ranks"])
    if _value(plan, "pairs") > 1:
        what = "That" if plan["ranks"] is None else "The power"
        yield (
            f"{what} is for one pair at a time. To hold for all "
            f"{counted(_value(plan, 'pairs'), 'pair')} at once (Holm), the hardest of them needs "
            f"{counted(plan['decisive_votes_needed_holm'], 'decisive vote')}."
        )


def ranks_in_words(ranks: Plan) -> str:
    """How well ranks will be known, and what that rests on."""
    systems, places = ranks["systems"], round(ranks["places"])
    if places <= 1:
        known = "nearly every rank will be known"
    elif places >= systems:
        known = "nearly every rank will stay open"
    else:
        known = f"a rank will be known to within about {places} of {systems} places"
    return (
        f"With {counted(ranks['votes'], 'vote')} over {counted(systems, 'system')}, {known} (if "
        f"strengths differ by a standard deviation of {ranks['spread']:g}, so that the better of "
        f"two wins {percent(ranks['better_wins'], 0)} of decisive votes on average)."
    )


def _design(design: Plan) -> str:
    return f"{counted(design['prompts'], 'prompt')} × {counted(design['votes_per_prompt'], 'vote')}"


def _as_it_stands(plan: Plan, current: Plan, needed: Plan | None) -> Iterator[str]:
    found = (
        f"{_design(current)} are worth about "
        f"{counted(about(int(current['effective_decisive_votes'])), 'independent decisive vote')} "
        f"a pair: a power of {percent(current['power'], 0)}"
    )
    if current["effective_decisive_votes"] >= plan["decisive_votes_needed"]:
        yield f"The study's {found}. That is enough."
    elif needed is None:
        yield f"The study's {found}."
    else:
        more = needed["prompts"] - current["prompts"]
        yield f"The study's {found}. Add {counted(more, 'prompt')}."


def _inputs(plan: Plan) -> Iterator[str]:
    def line(name: str, text: str) -> str:
        return f"{text} ({SOURCES[plan['inputs'][name]['source']]})."

    yield line("tie_rate", f"{percent(_value(plan, 'tie_rate'), 0)} of the votes are ties")
    yield line(
        "prompt_share",
        f"{percent(_value(plan, 'prompt_share'), 0)} of a vote's variance is the prompt's",
    )
    yield line(
        "annotator_share", f"{percent(_value(plan, 'annotator_share'), 1)} is the annotator's"
    )
    if plan["ranks"] is not None:
        spread = f"{_value(plan, 'spread'):g}"
        yield line("spread", f"Strengths differ by a standard deviation of {spread}")
    yield line("overlap", counted(_value(plan, "overlap"), "vote") + " on each comparison")
    yield line("annotators", counted(_value(plan, "annotators"), "annotator"))
    yield line("systems", counted(_value(plan, "systems"), "system"))
    if _value(plan, "prompts") is not None:
        yield line("prompts", counted(_value(plan, "prompts"), "prompt") + " for each pair")
    if _value(plan, "overlap") > _value(plan, "annotators"):
        yield (
            "There are fewer annotators than votes wanted on a comparison, and nobody rates one "
            "twice: lower the overlap or invite more."
        )


def _gains(plan: Plan) -> Iterator[str]:
    design = plan["current"] if plan["needed"] is None else plan["needed"]
    if design is None:
        return
    gains, k = design["gains"], design["votes_per_prompt"]
    yield (
        f"At {_design(design)} most of the uncertainty is {TERMS[design['variance']['dominant']]}; "
        f"a vote is worth {percent(1 / design['design_effect'], 0)} of an independent one."
    )
    yield (
        f"One more prompt ({counted(k, 'vote')}) lowers the variance by "
        f"{percent(gains['prompt'])}, one more annotator by {percent(gains['annotator'])}, one "
        f"more vote on every prompt ({counted(design['prompts'], 'vote')}) by "
        f"{percent(gains['vote'])}; as many votes on new prompts by "
        f"{percent(gains['new_prompts'])}."
    )
    if plan["ranks"] is not None and round(plan["ranks"]["places"]) > 1:
        yield f"Of ranks, most of the uncertainty is {TERMS[plan['ranks']['dominant']]}."
    turn = plan["prompts_beat_votes_from"]
    if turn is None:
        yield "The prompts hardly differ: new prompts and more votes on the old ones serve alike."
    else:
        yield (
            f"New prompts always serve at least as well as more votes on the old ones; from "
            f"{counted(turn, 'vote')} a prompt on they serve at least twice as well."
        )


def _sequential(plan: Plan) -> Iterator[str]:
    found = plan["sequential"]
    median, late = found["votes_median"], found["votes_percentile_80"]
    if median is None:
        if plan["needed"] is not None:
            yield "A sequential study would rarely stop early at so small a difference."
        return
    sentence = (
        f"A sequential study with that win rate stops by {count(about(median))} votes a pair in "
        f"half of all cases"
    )
    if late is not None:
        sentence += f", and by {count(about(late))} in four of five"
    yield sentence + "."


def _gaps(plan: Plan) -> Iterator[str]:
    for gap in plan["gaps"] or ():
        votes = gap["votes_in_all"]
        names = f"{gap['better']} and {gap['worse']}"
        if votes is None or votes > MOST_VOTES:
            yield f"{names}: as good as equal so far; no number of votes can be foreseen."
        elif votes <= gap["votes_now"]:
            yield f"{names}: the {counted(gap['votes_now'], 'vote')} so far are enough."
        else:
            yield (
                f"{names}: about {count(about(votes))} votes in all, spread as they are, if the "
                f"gap is what it seems ({count(gap['votes_now'])} now)."
            )
