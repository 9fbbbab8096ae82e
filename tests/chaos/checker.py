"""What must hold after a chaos run, whatever was killed: pure, over a history and the rows.

Each rule yields what breaks it. None asks the product how it came about.
"""

from __future__ import annotations

from . import queue_rules, vote_rules
from .evidence import Evidence, Rule, Violation

ALWAYS: tuple[Rule, ...] = (
    queue_rules.overlap,
    queue_rules.slots,
    queue_rules.counters,
    queue_rules.people,
    queue_rules.checks,
    vote_rules.states,
)
AT_THE_END: tuple[Rule, ...] = (
    *ALWAYS,
    vote_rules.acknowledged,
    vote_rules.one_answer,
    vote_rules.invoked,
    vote_rules.conflicts,
    vote_rules.sides,
    vote_rules.expectation,
    vote_rules.analysis,
    queue_rules.log,
    queue_rules.acts,
    queue_rules.endings,
    queue_rules.pauses,
    queue_rules.stops,
    queue_rules.filled,
)


def check(evidence: Evidence, rules: tuple[Rule, ...] = AT_THE_END) -> list[Violation]:
    """Everything that breaks one of the rules; an empty list if all hold."""
    return [Violation(rule.__name__, what) for rule in rules for what in rule(evidence)]
