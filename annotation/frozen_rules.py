"""Rules as they were written under a release that knew fewer, maybe in a study's version. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annotation.answer_rules import OwnVotes

# What held before there was such a rule, by section and name. What is the default of a new study
# must not become a rule of one that was opened without it.
BEFORE: Mapping[str, Mapping[str, object]] = {
    "quality": {"own_votes": OwnVotes.COUNT.value},
}


def as_frozen(rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules of a snapshot, and beside them what it did not know, as it was then.

    Examples
    --------
    >>> as_frozen({"quality": {"skips": None}})["quality"]
    {'own_votes': 'count', 'skips': None}
    >>> as_frozen({"quality": {"own_votes": "exclude"}})["quality"]
    {'own_votes': 'exclude'}
    """
    then = {section: {**held, **rules.get(section, {})} for section, held in BEFORE.items()}
    return {**rules, **then}


def with_what_held_before(wanted: Mapping[str, Any], standing: Mapping[str, Any]) -> dict[str, Any]:
    """Whole rules, valid, with what stands as in `BEFORE` and they do not name.

    Whoever wants the default of a new study names it.

    Examples
    --------
    >>> with_what_held_before({}, {"quality": {"own_votes": "count"}})
    {'quality': {'own_votes': 'count'}}
    >>> with_what_held_before({}, {"limits": {"per_day": 50}})
    {}
    >>> named = {"quality": {"own_votes": "exclude"}}
    >>> with_what_held_before(named, {"quality": {"own_votes": "count"}}) == named
    True
    """
    rules = dict(wanted)
    for section, held in BEFORE.items():
        kept = {
            name: value
            for name, value in held.items()
            if standing.get(section, {}).get(name) == value
        }
        if kept:
            rules[section] = {**kept, **rules.get(section, {})}
    return rules
