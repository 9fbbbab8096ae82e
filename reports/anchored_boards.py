"""The anchor of the ratings, from a report's settings to what its boards say of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.stats.anchoring import Anchor, Anchoring, Obstacle

WITHOUT = "Ratings stand as without an anchor: the mean of each group is 1,000."
REASONS = {
    Obstacle.NO_VOTES: (
        "{system} has no votes that count on this board, so that nothing says how far others are "
        f"from it. {WITHOUT}"
    ),
    Obstacle.SEPARATED: (
        "A system in the group of {system}, or a set of them, won or lost everything against the "
        "rest. How far apart they are cannot be known from that, so that a rating measured from "
        f"{{system}} would only look exact. {WITHOUT}"
    ),
}


def anchor_in_codes(settings: Mapping[str, Any], systems: Sequence[str]) -> Anchor | None:
    """The anchor of a report's settings, as the statistics take it."""
    wanted = settings["anchor"]
    if wanted is None:
        return None
    return Anchor(list(systems).index(wanted["system"]), float(wanted["rating"]))


def anchor_as_dict(found: Anchoring | None, names: Sequence[str]) -> dict[str, Any] | None:
    """The key `anchor` of a board; components count from 1 in the report."""
    if found is None:
        return None
    system = names[found.anchor.system]
    return {
        "system": system,
        "rating": found.anchor.rating,
        "component": None if found.component is None else found.component + 1,
        "reason": None if found.obstacle is None else REASONS[found.obstacle].format(system=system),
    }
