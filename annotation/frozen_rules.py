"""Rules as a version of a study froze them, maybe under a release that knew fewer. Pure."""

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
