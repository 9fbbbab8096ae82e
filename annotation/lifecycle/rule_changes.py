"""Changing single rules of a study, whose JSON names only what differs from the defaults. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from annotation.rules import Rules, rules_as_json

DEFAULTS: Mapping[str, Any] = rules_as_json(Rules())


def with_rule(rules: Mapping[str, Any], section: str, name: str, value: object) -> dict[str, Any]:
    """The rules with one value set; a value that is the default is left out again.

    Examples
    --------
    >>> with_rule({}, "checks", "gold_share", 0.1)
    {'checks': {'gold_share': 0.1}}
    >>> with_rule({"checks": {"gold_share": 0.1}}, "checks", "gold_share", 0.0)
    {}
    """
    changed = copy.deepcopy(dict(rules))
    values = dict(changed.get(section, {}))
    if DEFAULTS[section].get(name) == value:
        values.pop(name, None)
    else:
        values[name] = value
    if values:
        changed[section] = values
    else:
        changed.pop(section, None)
    return changed
