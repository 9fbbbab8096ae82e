"""Changing single rules of a study, whose JSON names only what differs from the defaults. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from annotation.rules import Rules, read_rules, rules_as_json

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
    if DEFAULTS.get(section, {}).get(name) == value:
        values.pop(name, None)
    else:
        values[name] = value
    if values:
        changed[section] = values
    else:
        changed.pop(section, None)
    return changed


def with_section(
    rules: Mapping[str, Any], section: str, content: Mapping[str, object]
) -> dict[str, Any]:
    """The rules with a whole section, that is with what in it differs from the defaults.

    Examples
    --------
    >>> with_section({"limits": {"per_day": 50}}, "crowd", {"study": "S"})
    {'limits': {'per_day': 50}, 'crowd': {'study': 'S'}}
    >>> with_section({"limits": {"per_day": 50}}, "limits", {})
    {}
    """
    others = {name: copy.deepcopy(values) for name, values in rules.items() if name != section}
    return others | ({section: dict(content)} if content else {})


def rules_between(before: object, after: object) -> dict[str, dict[str, Any]]:
    """What somebody changed who was shown `before` and sent `after`, by section and name.

    Both must be valid. What `after` has no more, such as a category's demands, is None.

    Examples
    --------
    >>> rules_between({"checks": {"gold_share": 0.1}}, {"limits": {"per_day": 50}})
    {'checks': {'gold_share': 0.0}, 'limits': {'per_day': 50}}
    """
    old, new = (rules_as_json(read_rules(raw)) for raw in (before, after))
    changes: dict[str, dict[str, Any]] = {}
    for section in old:
        for name in {**old[section], **new[section]}:
            value = new[section].get(name)
            if old[section].get(name) != value:
                changes.setdefault(section, {})[name] = value
    return changes


def with_changes(
    rules: Mapping[str, Any], changes: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The rules with these changes, and all others as they are.

    Examples
    --------
    >>> with_changes({"limits": {"per_day": 50}}, {"checks": {"gold_share": 0.1}})
    {'limits': {'per_day': 50}, 'checks': {'gold_share': 0.1}}
    """
    changed = copy.deepcopy(dict(rules))
    for section, values in changes.items():
        for name, value in values.items():
            changed = with_rule(changed, section, name, value)
    return changed
