"""How the figures came about: warnings, methods, assumptions, settings, versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reports.wording import methods
from reports.wording.headline import has_lost_its_evidence, is_stopped
from reports.wording.numbers import count, counted, percent
from reports.wording.warnings import sentence, short

from .anchor import setting_in_words

ASSUMPTIONS = (
    (
        "Votes",
        "Each annotator counts once on a comparison, by the last revision or the first imported "
        "label. Repeats, surplus and excluded votes, and votes on checks, are left out.",
    ),
    (
        "Ratings",
        "One number per system is assumed to explain all its wins and losses (Bradley-Terry). "
        "400 points are odds of ten to one.",
    ),
    (
        "Ranks",
        "A range such as 1\u20133 holds for all systems of a group at once. The ranking uses all "
        "votes together, so it can settle an order that a direct comparison leaves open.",
    ),
    (
        "Intervals",
        "They allow for other annotators and other prompts, not only for other votes.",
    ),
    (
        "Pairs",
        "The p-value asks whether these annotators prefer one system over prompts like these; "
        "prompts are the units, however many votes each has.",
    ),
    (
        "Judges",
        "A judge's answer that could not be read is missing. It is never taken for a tie.",
    ),
)


def warnings_in_words(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every warning of the report once: a few words, and the sentence."""
    found = dict.fromkeys([*result["warnings"], *_codes(result)])
    return [(short(code), sentence(code)) for code in found]


# More of them in one sentence are not read.
NAMED = 5

# Other treatments of the votes carry their own warnings: that ties were left out of one of them
# is not true of the report.
APART = ("boards", "fit", "slices")


def _codes(node: Any) -> Iterator[str]:
    """Warning codes of all that is not empty, in the order of the report."""
    if isinstance(node, Mapping):
        if node.get("n") == 0:
            return
        if node.get("estimate", 0) is not None:
            yield from node.get("warnings", ())
        for key, value in node.items():
            if key not in APART:
                yield from _codes(value)
    elif isinstance(node, list):
        for entry in node:
            yield from _codes(entry)


def methods_in_words(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every method that the report names, and what it does."""
    names = dict.fromkeys(_methods(result))
    return [(name, methods.explain(name)) for name in names]


def _methods(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key in ("method", "p_method"):
            # A figure without a value was computed by nothing.
            if isinstance(node.get(key), str) and node.get("estimate", 0) is not None:
                yield node[key]
        for value in node.values():
            yield from _methods(value)
    elif isinstance(node, list):
        for entry in node:
            yield from _methods(entry)


def settings_in_words(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings = result["settings"]
    return [
        ("Ties", methods.TIES[settings["ties"]]),
        ("Both bad", methods.BOTH_BAD[settings["both_bad"]]),
        ("Anchor", setting_in_words(settings)),
        ("Intervals", f"{percent(settings['level'], 0)}, two-sided"),
        ("Several pairs", methods.MULTIPLICITY[settings["multiplicity"]]),
        ("Target", f"{count(settings['target'])} counted votes for each pair of systems"),
        (
            "Enough",
            f"Enough votes to find a win rate of {percent(settings['win_rate_of_interest'], 0)} "
            f"among decisive votes with a probability of {percent(settings['power'], 0)}",
        ),
        ("Stopping", STOPPING[settings["stopping"]] + _stopped(result)),
        # Reports before format 5 know of no policy.
        ("Order of pairs", POLICIES[settings.get("policy", "uniform")]),
    ]


STOPPING = {
    "fixed": "The number of votes was fixed beforehand",
    "sequential": "The study may stop early, by a rule fixed beforehand",
}


POLICIES = {
    "uniform": "A seeded walk through all comparisons, blind to outcomes",
    "emptiest": "The pair that lacks most of its votes first, blind to outcomes",
    "adaptive": (
        "Pairs whose order is open oftener than others (adaptive), with a uniform share; the "
        "probability of each draw is kept with its vote"
    ),
}


def _stopped(result: Mapping[str, Any]) -> str:
    """Which pairs were, and which of them the votes that are left do not decide."""
    stopped = [pair for pair in result["head_to_head"] if is_stopped(pair)]
    lost = [pair for pair in stopped if has_lost_its_evidence(pair)]
    held = [pair for pair in stopped if pair not in lost]
    said = ""
    if held:
        said += f". Stopped early: {_named(held)}. Their intervals are valid at any time"
    if lost:
        said += (
            f". Stopped early, but undecided by the votes that were not excluded since: "
            f"{_named(lost)}. A stop is final: nothing more is collected on them"
        )
    return said


def _named(pairs: Sequence[Mapping[str, Any]]) -> str:
    names = [f"{pair['system_a']} and {pair['system_b']}" for pair in pairs]
    more = f" and {counted(len(names) - NAMED, 'more pair')}" if len(names) > NAMED else ""
    return f"{'; '.join(names[:NAMED])}{more}"


def provenance(result: Mapping[str, Any], versions: Mapping[str, str]) -> list[tuple[str, str]]:
    version = result["study_version"]
    return [
        ("Study", result["study"]),
        ("Study version", "never opened" if version is None else str(version)),
        ("Seed", str(result["seed"])),
        ("Input (SHA-256)", result["input_sha256"]),
        ("Software", _software(versions.items())),
    ]


def _software(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {version}" for name, version in versions)
